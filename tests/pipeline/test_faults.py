"""Bad input: what the user sees, and that nothing expensive starts."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from morphodose.segmentation.common import SHIPPED
from morphodose.segmentation.weights import REGISTRY
from morphodose.tables import read_table
from pipeline.conftest import TINY, TINY_ARGUMENTS, TOGETHER, simulate
from pipeline.nextflow_runs import Run, run

pytestmark = pytest.mark.pipeline


class Spoilt(NamedTuple):
    """A run on a plate with many faults of its images, the folder of both, and the name of a torn image."""

    run: Run
    folder: Path
    torn: str

    @property
    def page(self) -> str:
        """The report."""
        return (self.run.outdir / "report" / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def plate(tiny_plate: Path, tmp_path: Path) -> Path:
    """A copy of the tiny plate that a test may damage."""
    return Path(shutil.copytree(tiny_plate, tmp_path / "plate"))


def run_plate(plate: Path, *arguments: str) -> Run:
    return run(
        plate.parent / "launch", "--input", str(plate / "samplesheet.csv"), *TINY_ARGUMENTS, *arguments
    )


def submitted(finished: Run) -> set[str]:
    return set(re.findall(r"Submitted process > MORPHODOSE:(\w+)", finished.output))


def assert_only_the_design_was_checked(finished: Run) -> None:
    assert finished.status != 0
    assert submitted(finished) == {"CHECK_DESIGN"}


def test_all_faults_of_the_parameters_are_told_at_once_with_the_nearest_name(plate: Path) -> None:
    """Unknown ones, and numbers that a step or the scheduler would refuse later."""
    finished = run_plate(
        plate, "--diametre", "40", "--on_fault", "stict", "--min_area_px", "0",
        "--slurm_array", "1", "--pixel_size_um", "0", "--wells_per_task", "1.5",
        "--early_death_channel", "", "--late_death_channel=", "--reduction_model", "no 'model",
    )  # fmt: skip
    assert finished.status != 0
    assert "8 faults in the parameters" in finished.output
    assert "--reduction_model no 'model: there is no such folder" in finished.output
    assert "--diametre: there is no such parameter; did you mean --diameter?" in finished.output
    assert "--on_fault stict: is not one of strict, tolerant; did you mean strict?" in finished.output
    assert "--min_area_px 0: is below 1" in finished.output
    assert "--slurm_array 1: is not a job array: 2 or more tasks are submitted together" in finished.output
    assert "--pixel_size_um 0: is not above 0" in finished.output
    assert "--wells_per_task 1.5: is not a whole number" in finished.output
    assert (
        "--early_death_channel true: needs a value; write an empty one with an equals sign" in finished.output
    )
    assert not submitted(finished)


def test_help_prints_every_parameter_and_runs_nothing(tmp_path: Path) -> None:
    finished = run(tmp_path, "--help")
    assert finished.status == 0
    for name in ("--input", "--segmentation_shard", "--late_death_channel"):
        assert name in finished.output
    assert not submitted(finished)


def test_all_faults_of_the_input_are_reported_at_once_before_anything_expensive(plate: Path) -> None:
    images = sorted((plate / "images" / "24hrs_R1").glob("*.tif"))
    images[0].write_bytes(images[0].read_bytes()[:1000])
    images[1].unlink()
    plate_map = plate / "platemap.csv"
    lines = plate_map.read_text().splitlines()
    plate_map.write_text("\n".join(line for line in lines if not line.startswith("A03")) + "\n")

    finished = run_plate(
        plate, "--projection", "PI=plane:9,Hoecsht=max", "--endpoints", "a=Cells_Intensity_MeanIntensity_GFP",
        # what a shell would read in them is text
        "--features", "wrong", "--group_by", "it's $(touch run)", "--flat_fields", str(plate),
    )  # fmt: skip

    assert_only_the_design_was_checked(finished)
    for words in (
        "9 faults", images[0].name, "truncated", "1 plane missing", "platemap.csv: value 'A03'",
        "--projection: value 'Hoecsht=max': names channel 'Hoecsht', which is not there",
        "--projection: value 'plane:9': there is no plane z=9 of PI → choose from z 1, 2",
        "--features: value 'wrong': is not one of sizeshape",
        "--group_by: value 'it's $(touch run)': is not an additional column of the plate map",
        "--flat_fields: value",
        "--endpoints: value 'a': Cells_Intensity_MeanIntensity_GFP names none of the channels",
    ):  # fmt: skip
        assert words in finished.output, words
    last = finished.output.rpartition("ERROR ~ ")[2]
    assert last.startswith("the input has 9 faults") and "Command executed" not in last, (
        "the last that is read"
    )


MODEL = ("selected_features.parquet", "pca_loadings.parquet", "explained_variance.parquet", "reduction.json")


def test_an_earlier_reduction_without_its_tables_is_named_before_the_first_task(plate: Path) -> None:
    folder = plate.parent / "no 'model"
    (folder / "classical").mkdir(parents=True)
    for name in MODEL[1:]:
        (folder / "classical" / name).touch()
    finished = run_plate(plate, "--reduction_model", str(folder))
    assert finished.status != 0 and not submitted(finished)
    assert "no classical/selected_features.parquet in this folder; give tables/reduced" in finished.output


def test_an_earlier_reduction_reaches_the_task_of_its_set_alone(plate: Path) -> None:
    folder = plate.parent / "earlier $(touch run)"
    (folder / "classical").mkdir(parents=True)
    for name in MODEL:
        (folder / "classical" / name).touch()
    # options of a user's own may ask for what only a task knows; and a task over its time is tried again
    own = plate.parent / "own.config"
    own.write_text(
        "process {\n"
        "    withName: 'PROFILE_WELLS' { ext.args = { \"--try ${task.attempt}\" } }\n"
        "    withName: 'CALL_DEATH' { time = { task.attempt == 1 ? 1.s : 1.h }; beforeScript = { task.attempt == 1 ? 'sleep 10' : '' } }\n"
        "}\n"
    )
    finished = run_plate(plate, "-stub", "-c", str(own), "--reduction_model", str(folder))
    assert finished.status == 0, finished.output
    tasks = [script.parent for script in (plate.parent / "launch" / "work").glob("*/*/.command.sh")]
    reducing = [task for task in tasks if "explained_variance" in (task / ".command.sh").read_text()]
    with_model = [task for task in reducing if (task / "model").exists()]
    tries = [row["status"] for row in finished.tasks() if row["process"].endswith(":CALL_DEATH")]
    assert sorted(tries) == ["COMPLETED", "FAILED"]
    assert len(with_model) == 1 and (with_model[0] / "classical" / "reduction.json").exists()
    assert (with_model[0] / "model" / "classical" / MODEL[0]).exists()
    assert not list(plate.parent.rglob("run"))


def images_of(plate: Path, well: int, replicate: int = 1) -> list[Path]:
    """Planes of a well of a simulated plate, sorted."""
    return sorted((plate / "images" / f"24hrs_R{replicate}").glob(f"W{well:04d}*.tif"))


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Spoilt:
    """A run below a hostile path: replicate 1 has a whole field, one of a cell, a torn and an empty one; 2 is blurred."""
    folder = tmp_path_factory.mktemp("spoilt")
    options = TINY.split()
    options[options.index("--replicates") + 1] = "2"
    plate = simulate(folder / 'Anna\'s "new" plate; $(touch injected)', *options).parent
    options[options.index("--density") + 1] = "1"
    sparse = simulate(folder / "sparse", *options, "--empty_fields", "0.5").parent
    cells = read_table(sparse / "truth" / "cells.parquet")["Metadata_ImageID"].value_counts()
    fields = read_table(sparse / "truth" / "fields.parquet")
    fields = fields[fields["Metadata_Replicate"].astype(str) == "1"]
    number = fields["Metadata_ImageID"].map(cells).fillna(0).tolist()
    for well, wanted in ((2, 1), (4, 0)):
        for mine, other in zip(
            images_of(plate, well), images_of(sparse, number.index(wanted) + 1), strict=True
        ):
            shutil.copy(other, mine)
    torn = images_of(plate, 3)[0]
    torn.write_bytes(torn.read_bytes()[:1000])
    for image in (plate / "images" / "24hrs_R2").glob("*.tif"):
        blurred = ndimage.gaussian_filter(tifffile.imread(image).astype(np.float32), 9)
        tifffile.imwrite(image, blurred.astype(np.uint16))
    right = REGISTRY[SHIPPED].sha256
    finished = run(
        folder / "launch", "-profile", "test", "--input", str(plate / "samplesheet.csv"), *TINY_ARGUMENTS, *TOGETHER,
        "--on_fault", "tolerant", "--cell_model_sha256", right.upper(), outdir=folder / "it's a result",
    )  # fmt: skip
    assert finished.status == 0, finished.output
    return Spoilt(finished, folder, torn.name)


def test_a_torn_field_an_empty_one_and_one_cell_go_through_below_a_path_with_spaces_and_quotes(
    spoilt: Spoilt,
) -> None:
    """The torn field is left out, as --on_fault tolerant asks, and listed; the others are there."""
    wells = read_table(spoilt.run.outdir / "tables" / "wells.parquet")
    first = wells[wells["Metadata_Replicate"].astype(str) == "1"].set_index("Metadata_Well")["Count_Cells"]
    assert sorted(first.index) == ["A01", "A02", "A04"]
    assert first["A01"] > 1 and first["A02"] <= 1 and first["A04"] == 0
    assert spoilt.torn in spoilt.page
    assert not list(spoilt.folder.rglob("injected"))


def test_where_qc_drops_a_replicate_and_nothing_is_left_to_learn_the_rest_is_reported(spoilt: Spoilt) -> None:
    assert "SPLIT_CELLS" in spoilt.run.executed()
    assert not [task for task in spoilt.run.tasks() if task["process"].endswith("TRAIN_RESNET")]
    images = read_table(spoilt.run.outdir / "tables" / "images")
    dropped = images[images["Metadata_QCVerdict"] == "drop"]
    assert set(dropped["Metadata_Replicate"].astype(str)) == {"2"} and len(dropped) == 4
    assert "nothing to learn: " in spoilt.page and "replicate 2 has no usable cells" in spoilt.page
    assert "the table of split_cells was not given" not in spoilt.page, "it ran, and says the reason"
    assert len(read_table(spoilt.run.outdir / "tables" / "wells.parquet")) == 3 + 4


def test_weights_with_another_hash_stop_the_run(plate: Path) -> None:
    finished = run_plate(plate, "--nuclear_model_sha256", "f" * 64)
    assert finished.status != 0
    right = REGISTRY[SHIPPED].sha256
    assert re.search(rf"morphodose\.npz: SHA-256 is {right}, expected {'f' * 64}", finished.output)
