"""A stain of the end point alone: from the planes to the wells, its columns are empty at the other times."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from faults.tasks import in_process

ROLES = ("--cell_channel", "CellMask", "--nuclear_channel", "Hoechst")
DEATH = ("--early_death_channel", "AnnexinV", "--late_death_channel", "PI")


def remove(folder: Path, time: str, *channels: int) -> None:
    for path in (folder / "plate").rglob("*.tif"):
        if path.parent.name.startswith(time) and int(re.findall(r"C(\d)\.tif", path.name)[0]) in channels:
            path.unlink()


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two times, the earlier one without Annexin V and PI; all steps on it."""
    folder = tmp_path_factory.mktemp("end_point")
    plate = "--doses 1 --replicates 1 --vehicle_wells 1 --positive_wells 0 --planes 1 --size 128 --density 40"
    given = f"--times 4,24 {plate} --cell_diameter 24 --workers 1 --seed 1"
    in_process("simulate_plate", "--out", folder / "plate", *given.split())
    remove(folder, "4hrs", 4, 5)
    made = folder / "made"
    said = in_process(
        "check_design", "--samplesheet", folder / "plate" / "samplesheet.csv", "--plate_map",
        folder / "plate" / "platemap.csv", *ROLES, *DEATH, "--out", made / "design",
    )  # fmt: skip
    (folder / "said.txt").write_text(said)
    in_process("stage_weights", "--out", made / "weights")
    for well in json.loads((made / "design" / "well_timepoints.json").read_text()):
        name, keys = (
            well["id"],
            json.dumps({k: well[k] for k in well if k not in ("planes", "diameter_sample")}),
        )
        rows = ["id\tfile\tfield\tz\tchannel"] + [
            f"{name}\t{p['path']}\t{p['field']}\t{p['z']}\t{p['channel']}" for p in well["planes"]
        ]
        (folder / f"{name}.tsv").write_text("\n".join(rows) + "\n")
        common = ("--keys", keys)
        in_process(
            "project_z",
            *common,
            "--planes",
            folder / f"{name}.tsv",
            "--planes_dir",
            "/",
            "--out",
            made / "projected",
        )
        images = made / "projected" / name
        acquisition = made / well["acquisition"]
        in_process(
            "qc_images",
            *common,
            "--images",
            images.parent,
            *ROLES,
            "--out",
            acquisition / "qc",
        )
        in_process(
            "segment_cells", "--keys", f"[{keys}]", "--weights", made / "weights" / "morphodose.npz", *ROLES,
            "--diameter", 24, "--nuclear_diameter", 12, "--threads", 1, "--out", made / "masks", images,
        )  # fmt: skip
        in_process(
            "measure_cells", *common, "--images", images.parent, "--masks", made / "masks", "--features", "sizeshape,intensity",
            "--out", acquisition / "measured",
        )  # fmt: skip
    plate_map = made / "design" / "plate_map.csv"
    for acquisition in ("Time_4hrs_R1", "Time_24hrs_R1"):
        place = made / acquisition
        deaths = in_process(
            "call_death", "--measurements", place / "measured", "--qc", place / "qc", "--plate_map", plate_map,
            "--early_death_channel", "AnnexinV", "--late_death_channel", "PI", "--min_vehicle_cells", 5, "--out_prefix", place / acquisition,
        )  # fmt: skip
        (place / "said.txt").write_text(deaths)
        in_process(
            "annotate_cells", "--measurements", place / "measured", "--plate_map", plate_map, "--masks", made / "masks",
            "--qc", place / "qc", "--death", place / f"{acquisition}_death.parquet",
            "--cells_out", made / "cells", "--images_out", made / "images" / f"{acquisition}.parquet",
        )  # fmt: skip
    in_process(
        "profile_wells", "--cells", made / "cells", "--images", made / "images", "--endpoints", "Cells_Intensity_MeanIntensity_PI",
        "--out", made / "wells.parquet", "--conditions_out", made / "conditions.parquet",
    )  # fmt: skip
    return folder


def test_a_stain_of_some_times_is_said_and_stops_nothing(screen: Path) -> None:
    design = json.loads((screen / "made" / "design" / "design.json").read_text())
    assert design["channels_at_some_times"] == {"AnnexinV": ["Time_4hrs_R1"], "PI": ["Time_4hrs_R1"]}
    texts = [fault["message"] for fault in design["faults"] if fault["kind"] == "channel_at_some_times"]
    assert len(texts) == 2 and all("missing at 4 h" in text for text in texts)
    assert "warning: --channels: value '4:AnnexinV'" in (screen / "said.txt").read_text()
    assert (
        "'AnnexinV': not imaged in this acquisition, which has Brightfield, CellMask, Hoechst"
        in (screen / "made" / "Time_4hrs_R1" / "said.txt").read_text()
    )


def test_wells_have_everything_else_at_every_time(screen: Path) -> None:
    wells = pd.read_parquet(screen / "made" / "wells.parquet").set_index("Metadata_Timepoint")
    assert (wells["Count_Cells"] > 5).all()
    for name in (
        "Fraction_Dying",
        "Median_Cells_Intensity_MeanIntensity_PI",
        "Endpoint_Cells_Intensity_MeanIntensity_PI",
    ):
        assert np.isnan(wells.loc[4, name]).all() and np.isfinite(wells.loc[24, name]).all()
    assert np.isfinite(wells["Median_Cells_Intensity_MeanIntensity_Hoechst"]).all()
    gates = pd.read_parquet(screen / "made" / "Time_4hrs_R1" / "Time_4hrs_R1_gates.parquet")
    assert gates["Threshold"].isna().all() and gates["Reason"].str.contains("vehicle cells").all()


def test_later_steps_use_what_every_time_has(screen: Path) -> None:
    made = screen / "made"
    in_process(
        "reduce_features",
        "--set",
        "classical",
        "--cells",
        made / "cells",
        "--images",
        made / "images",
        "--out",
        made / "reduced",
    )
    used = set(pd.read_parquet(made / "reduced" / "selected_features.parquet")["Feature"])
    assert any("Hoechst" in name for name in used) and not any(
        "AnnexinV" in name or "_PI" in name for name in used
    )
    in_process(
        "fit_responses",
        "--wells",
        made / "wells.parquet",
        "--endpoints",
        "Fraction_Dying",
        "--out",
        made / "fitted",
    )
    in_process(
        "report", "--wells", made / "wells.parquet", "--design", made / "design" / "design.json",
        "--faults", made / "design" / "design_faults.parquet", "--images", made / "images",
        *(part for name in ("responses", "curves", "onsets", "orders") for part in (f"--{name}", made / "fitted" / f"{name}.parquet")),
        "--out", made / "report",
    )  # fmt: skip
    page = (made / "report" / "report.html").read_text()
    assert "AnnexinV" in page and "imaged at the other times only" in page
