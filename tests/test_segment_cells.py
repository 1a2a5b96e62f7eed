"""segment_cells.py end to end on simulated fields, and the engine below it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import weakref
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from click.testing import CliRunner

from morphodose.errors import InputError
from morphodose.imaging.images import Field, read_field, read_labels, write_field
from morphodose.segmentation.border import border_labels, without_labels
from morphodose.segmentation.common import SHIPPED
from morphodose.segmentation.score import score
from morphodose.segmentation.weights import REGISTRY, SHIPPED_FOLDER
from morphodose.simulate.field import render_field
from morphodose.tables import column_units, read_table

torch = pytest.importorskip("torch")
segment_cells = pytest.importorskip("segment_cells")
engine_module = pytest.importorskip("morphodose.segmentation.engine")
well_module = pytest.importorskip("morphodose.segmentation.well")

WEIGHTS = SHIPPED_FOLDER / REGISTRY[SHIPPED].file
CHANNELS = ("Hoechst", "CellMask")
ACQUISITION = "Time_4hrs_R1"
#: Fields of the shard: by well, what is changed from the simulator's defaults.
WELLS = {
    "A01": [{}, {"fractions": [0.4, 0.2, 0.2, 0.2], "morphology": 0.5}],
    "A02": [{"n_cells": 0.0}],
    "A03": [{"n_cells": 1.0}],
}
OPTIONS = ("--cell_channel", "CellMask", "--nuclear_channel", "Hoechst")
SIZES = ("--diameter", "40", "--nuclear_diameter", "18")


@pytest.fixture(scope="module")
def engine() -> object:
    torch.set_num_threads(1)
    return engine_module.Engine(WEIGHTS, torch.device("cpu"))


def entry(well: str) -> dict[str, object]:
    name = f"{ACQUISITION}_Well_{well}"
    return {
        "id": name,
        "plate": "P1",
        "timepoint_h": 4.0,
        "replicate": "1",
        "acquisition": ACQUISITION,
        "well": well,
    }


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    """Folders as project_z writes them, below a path with a space and a quote, and the true cells."""
    folder = tmp_path_factory.mktemp("it's a shard")
    truth = {}
    for number, (well, fields) in enumerate(WELLS.items()):
        name = str(entry(well)["id"])
        for i, change in enumerate(fields, start=1):
            field = render_field(
                np.random.default_rng([5, number, i]), **({"size": 280, "n_cells": 26.0} | change)
            )
            pixels = field.planes.max(axis=0)[[1, 2]]
            write_field(folder / name / f"{name}_Field_{i}.ome.tiff", Field(pixels, CHANNELS, 0.5))
            truth[f"{name}_Field_{i}"] = field.cells
    (folder / "keys.json").write_text(json.dumps([entry(well) for well in WELLS]), encoding="utf-8")
    return folder, truth


def run(root: Path, *options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "bin" / "segment_cells.py"), *map(str, options)]
    environment = {**os.environ, "PYTHONPATH": str(root / "bin"), "OMP_NUM_THREADS": "1"}
    # no proxy leads anywhere: a task that reached for the network would fail
    environment |= {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def invoke(*options: object) -> tuple[int, str]:
    """Exit status and output of the command in this process: each start of PyTorch costs seconds."""
    result = CliRunner().invoke(segment_cells.main, [*map(str, options), "--threads", "1"])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def segmented(
    root: Path, shard: tuple[Path, dict[str, np.ndarray]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder, _ = shard
    out = tmp_path_factory.mktemp("segmented")
    folders = sorted(path for path in folder.iterdir() if path.is_dir())
    options = (*OPTIONS, *SIZES, "--threads", 1, "--keys", folder / "keys.json", "--out", out)
    done = run(root, *folders, "--weights", WEIGHTS, *options)
    assert done.returncode == 0, done.stderr
    assert "well 3 of 3" in done.stdout
    return out


def masks(out: Path, image: str) -> tuple[np.ndarray, np.ndarray]:
    folder = out / image.rpartition("_Field_")[0]
    return read_labels(folder / f"{image}_cells.tif"), read_labels(folder / f"{image}_nuclei.tif")


# --- the command


@pytest.mark.slow
def test_simulated_fields_are_segmented_with_f1_of_at_least_0_9(
    segmented: Path, shard: tuple[Path, dict[str, np.ndarray]]
) -> None:
    names = [name for name in shard[1] if "A01" in name]
    assert len(names) == 2
    for name in names:
        truth = without_labels(shard[1][name], border_labels(shard[1][name]))
        assert score(truth, masks(segmented, name)[0])[0].f1 >= 0.9


def test_no_cell_touches_the_border_and_nuclei_lie_in_their_cells(
    segmented: Path, shard: tuple[Path, dict[str, np.ndarray]]
) -> None:
    for name in shard[1]:
        cells, nuclei = masks(segmented, name)
        assert border_labels(cells).size == 0
        assert np.array_equal(cells[nuclei > 0], nuclei[nuclei > 0])


def test_tables_agree_with_the_masks(segmented: Path, shard: tuple[Path, dict[str, np.ndarray]]) -> None:
    objects = read_table(list(segmented.glob("*/objects.parquet")))
    fields = read_table(list(segmented.glob("*/fields.parquet"))).set_index("Metadata_ImageID")
    assert set(fields.index) == set(shard[1])
    for name in shard[1]:
        cells, nuclei = masks(segmented, name)
        rows = objects[objects["Metadata_ImageID"] == name]
        labels = np.unique(cells[cells > 0])
        assert rows["Metadata_ObjectLabel"].tolist() == labels.tolist()
        areas = [(cells == label).sum() * 0.25 for label in labels]
        assert rows["AreaShape_Area"].tolist() == pytest.approx(areas)
        assert rows["Metadata_CellID"].tolist() == [f"{name}_obj{label}" for label in labels]
        with_nucleus = np.unique(nuclei[nuclei > 0]).tolist()
        assert rows.loc[rows["NucleusCount"] > 0, "Metadata_ObjectLabel"].tolist() == with_nucleus
        assert fields.loc[name, "Count_Cells"] == len(labels)
        assert fields.loc[name, "Count_Nuclei"] == rows["NucleusCount"].sum()
        assert fields.loc[name, "Count_CellsWithoutNucleus"] == (rows["NucleusCount"] == 0).sum()
        assert fields.loc[name, "Diameter"] == 40
        made = rows["Metadata_CellOrigin"].value_counts()
        columns = {"cellpose": "ByNetwork", "split": "Split", "propagated": "Propagated", "grown": "Grown"}
        for origin, column in columns.items():
            assert fields.loc[name, f"Count_Cells{column}"] == made.get(origin, 0)
    units = column_units(next(segmented.glob("*A01/objects.parquet")))
    assert units["AreaShape_Area"] == "um2"


def test_empty_field_and_field_of_one_cell_give_tables_masks_and_pictures(
    segmented: Path, shard: tuple[Path, dict[str, np.ndarray]]
) -> None:
    full = read_table(segmented / f"{ACQUISITION}_Well_A01" / "objects.parquet")
    for well in ("A02", "A03"):
        folder = segmented / f"{ACQUISITION}_Well_{well}"
        table = read_table(folder / "objects.parquet")
        assert table.dtypes.to_dict() == full.dtypes.to_dict()
        assert sorted(path.name.rpartition("_")[2] for path in folder.glob("*Field_1_*")) == [
            "cells.tif",
            "nuclei.tif",
            "overlay.png",
        ]
    assert len(read_table(segmented / f"{ACQUISITION}_Well_A02" / "objects.parquet")) == 0
    one = read_table(segmented / f"{ACQUISITION}_Well_A03" / "fields.parquet")
    truth = shard[1][f"{ACQUISITION}_Well_A03_Field_1"]
    assert one["Count_Cells"][0] + one["Count_BorderCells"][0] == len(np.unique(truth)) - 1


def test_same_input_gives_the_same_output(
    segmented: Path, shard: tuple[Path, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    name = f"{ACQUISITION}_Well_A01"
    keys = json.dumps(entry("A01"))
    options = (*OPTIONS, *SIZES, "--keys", keys, "--out", tmp_path)
    status, output = invoke(shard[0] / name, "--weights", WEIGHTS, "--nuclei_weights", WEIGHTS, *options)
    assert status == 0, output
    for path in sorted((segmented / name).iterdir()):
        again = tmp_path / name / path.name
        if path.name == "fields.parquet":  # holds the seconds it took
            first, second = (read_table(p).drop(columns="Seconds") for p in (path, again))
            pd.testing.assert_frame_equal(first, second)
        else:
            assert again.read_bytes() == path.read_bytes(), path.name


def test_gpu_that_is_asked_for_and_not_there_is_an_error(
    shard: tuple[Path, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    options = (*OPTIONS, "--weights", WEIGHTS, "--keys", json.dumps(entry("A01")), "--out", tmp_path)
    status, output = invoke(shard[0] / f"{ACQUISITION}_Well_A01", *options, "--use_gpu")
    assert status == 1
    assert "a GPU was asked for" in output
    assert list(tmp_path.iterdir()) == []


def test_corrupt_image_is_named(shard: tuple[Path, dict[str, np.ndarray]], tmp_path: Path) -> None:
    name = f"{ACQUISITION}_Well_A03"
    shutil.copytree(shard[0] / name, tmp_path / name)
    image = next((tmp_path / name).iterdir())
    image.write_bytes(image.read_bytes()[:300])
    options = (*OPTIONS, "--weights", WEIGHTS, "--keys", json.dumps(entry("A03")), "--out", tmp_path / "out")
    status, output = invoke(tmp_path / name, *options)
    assert status == 1
    assert f"Error: {image}: not a readable OME-TIFF" in output


def test_unknown_channel_missing_keys_and_bad_weights_are_plain_errors(
    shard: tuple[Path, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    folder = str(shard[0] / f"{ACQUISITION}_Well_A03")
    keys = json.dumps(entry("A03"))
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"not weights")
    common = [folder, "--out", str(tmp_path / "out")]
    cases = [
        (["--keys", keys, "--weights", str(WEIGHTS), "--cell_channel", "Actin"], "channel 'Actin' is not in"),
        (["--keys", json.dumps(entry("B01")), "--weights", str(WEIGHTS)], "no entry with the id"),
        (["--keys", "{", "--weights", str(WEIGHTS)], "--keys is not JSON"),
        (["--keys", keys, "--weights", str(bad), "--cell_channel", "CellMask"], "bad.npz: not"),
        (
            ["--keys", keys, "--weights", str(WEIGHTS)],
            "--cell_method cellpose_completed segments the cell channel",
        ),
        (
            [
                "--keys",
                keys,
                "--weights",
                str(WEIGHTS),
                "--cell_channel",
                "CellMask",
                "--cell_method",
                "propagate",
            ],
            "--cell_method propagate segments the nuclear channel",
        ),
    ]
    for options, message in cases:
        status, output = invoke(*common, *options)
        assert status == 1, output
        assert message in output


def test_only_the_channels_asked_for_are_read(tmp_path: Path) -> None:
    pixels = np.arange(3 * 20 * 30, dtype=np.uint16).reshape(3, 20, 30)
    path = tmp_path / "field.ome.tiff"
    write_field(path, Field(pixels, ("DNA", "ER", "Actin"), 0.5, ("max", "mean", "best_focus:2")))
    every = read_field(path)
    some = read_field(path, ["Actin", "DNA"])
    assert (every.channels, some.channels) == (("DNA", "ER", "Actin"), ("Actin", "DNA"))
    assert np.array_equal(every.pixels, pixels)
    assert np.array_equal(some.pixels, pixels[[2, 0]])
    assert (some.pixel_size_um, some.projection) == (0.5, ("best_focus:2", "max"))
    with pytest.raises(InputError, match="channel 'PI' is not in the image; it has DNA, ER, Actin"):
        read_field(path, ["PI"]).channel("PI")


# --- the engine


def test_from_nuclei_gives_each_cell_its_one_nucleus(engine: object) -> None:
    field = render_field(np.random.default_rng(11), size=200, n_cells=14)
    planes = field.planes.max(axis=0)
    settings = well_module.SegmentationSettings("from_nuclei", nuclei_diameter=18, expand_px=6)
    found, diameter, nuclei_diameter = well_module.segment_well(None, [planes[1]], engine, engine, settings)
    assert (diameter, nuclei_diameter) == (0, 18)
    cells, nuclei = found[0].cells, found[0].nuclei
    assert set(found[0].nuclei_counts.values()) == {1}
    assert np.unique(cells).tolist() == np.unique(nuclei).tolist()
    assert (cells > 0).sum() > 1.5 * (nuclei > 0).sum()
    assert border_labels(cells).size == 0


def test_propagated_cells_need_no_network_of_cells(engine: object) -> None:
    field = render_field(np.random.default_rng(11), size=300, n_cells=20)
    planes = field.planes.max(axis=0)
    settings = well_module.SegmentationSettings("propagate", nuclei_diameter=18)
    found, diameter, _ = well_module.segment_well([planes[2]], [planes[1]], None, engine, settings)
    assert diameter == 0
    truth = without_labels(field.cells, border_labels(field.cells))
    assert score(truth, found[0].cells)[0].f1 > 0.75
    assert set(found[0].origins.values()) <= {"propagated", "grown"}


@pytest.mark.slow
def test_every_nucleus_of_actin_stained_colon_cells_has_a_cell(engine: object, shared_data: Path) -> None:
    folder = shared_data.parent / "cases" / "images" / "human_actin"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    dna, actin = (
        tifffile.imread(folder / f"AS_09125_050116030001_D03f00{channel}.tif") for channel in ("d0", "d2")
    )
    settings = well_module.SegmentationSettings(diameter=27, nuclei_diameter=12)
    (found,), _, _ = well_module.segment_well([actin], [dna], engine, engine, settings)
    counts = found.summary()
    nuclei = counts["Count_Nuclei"] + counts["Count_NucleiInBorderCells"]
    assert counts["Count_NucleiWithoutCell"] <= 0.02 * nuclei
    # CellProfiler keeps 289 nuclei, those at the border left out
    assert 275 <= counts["Count_Cells"] + counts["Count_BorderCells"] <= 330


def test_cells_are_segmented_where_no_nuclear_channel_is(engine: object) -> None:
    field = render_field(np.random.default_rng(12), size=200, n_cells=12)
    cell = field.planes.max(axis=0)[2]
    found, _, _ = well_module.segment_well(
        [cell], None, engine, engine, well_module.SegmentationSettings(diameter=40)
    )
    truth = without_labels(field.cells, border_labels(field.cells))
    assert score(truth, found[0].cells)[0].f1 > 0.7
    assert found[0].nuclei.max() == 0
    counts = found[0].summary()
    assert counts["Count_CellsWithoutNucleus"] == counts["Count_Cells"]
    assert counts["Count_StainedAreas"] > 5
    assert counts["Count_StainedAreasInNoCell"] <= 0.15 * counts["Count_StainedAreas"]


def test_constant_image_has_no_objects(engine: object) -> None:
    dark = np.full((64, 70), 137, np.uint16)
    settings = well_module.SegmentationSettings(diameter=30, nuclei_diameter=17)
    found, _, _ = well_module.segment_well([dark], [dark], engine, engine, settings)
    assert found[0].cells.max() == found[0].nuclei.max() == 0


def test_fields_run_together_are_those_run_alone(engine: object) -> None:
    images = [
        engine_module.pair(
            *render_field(np.random.default_rng(i), size=150, n_cells=9).planes.max(axis=0)[[2, 1]]
        )
        for i in range(3)
    ]
    small = images[0][:100]
    together = engine.segment([*images, small], 40.0)
    for image, mask in zip([*images, small], together, strict=True):
        alone = engine.segment([image], 40.0)[0]
        assert mask.shape == image.shape[:2]
        assert score(alone, mask)[0].f1 == 1


def test_an_image_is_enlarged_four_times_at_most(engine: object, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def run_network(_: object, images: list[np.ndarray], scale: float, batch: int) -> list[np.ndarray]:
        given.append(scale)
        return [np.full((*image.shape[:2], 3), -1, np.float32) for image in images]

    monkeypatch.setattr(engine_module, "run_tiles", run_network)
    image = np.random.default_rng(0).normal(100, 5, (40, 50, 2)).astype(np.float32)
    for diameter in (60.0, 10.0, 1.0):
        engine.segment([image], diameter)
    assert given == [0.5, 3.0, 4.0]


class Bright:
    """A network that finds the bright pixels, and needs a diameter or not."""

    def __init__(self, needs_diameter: bool) -> None:
        self.needs_diameter = needs_diameter
        self.diam_mean = {"cells": 30.0, "nuclei": 17.0}
        self.given: list[int] = []

    def segment(self, images: list[np.ndarray], diameter: float, kind: str, _: object) -> list[np.ndarray]:
        self.given.append(len(images))
        return [(image[..., 0] > 0).astype(np.int32) for image in images]


@pytest.mark.parametrize("needs_diameter", [True, False])
def test_a_few_fields_of_a_well_are_in_memory_at_a_time(
    needs_diameter: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(well_module, "PIXELS_AT_ONCE", 2 * 40 * 40)
    alive: list[object] = []
    most = 0

    def read(number: int) -> object:
        nonlocal most
        image = np.zeros((40, 40 + 20 * (number == 3)), np.uint16)
        image[10 : 14 + number, 10:20] = 100
        alive.append(weakref.ref(image))
        most = max(most, sum(reference() is not None for reference in alive))
        return well_module.Images(None, image, 0.5)

    network = Bright(needs_diameter)
    given = 12.0 if needs_diameter else 0.0
    settings = well_module.SegmentationSettings("from_nuclei", nuclei_diameter=given, expand_px=2)
    well = well_module.WellSegmentation([partial(read, i) for i in range(7)], network, network, settings)
    areas = [(found.nuclei > 0).sum() for _, found in well]
    assert areas == [10 * (4 + number) for number in range(7)]
    assert network.given == [2, 1, 1, 2, 1]
    assert most <= 5  # two that are segmented, two before them, and the next
    median = 2 * np.sqrt(70 / np.pi)
    assert (well.diameter, well.nuclei_diameter) == (0, pytest.approx(12 if needs_diameter else median))
    assert len(alive) == (7 if needs_diameter else 14)  # read twice where the sizes come first


def test_nuclei_are_rescaled_to_the_size_the_model_learnt_them_at(engine: object) -> None:
    assert engine.diam_mean == {"cells": 30.0, "nuclei": 17.0}
