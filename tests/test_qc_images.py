from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from faults.tasks import completed
from morphodose.imaging.images import Field, write_field
from morphodose.simulate.field import CHANNELS, Optics, render_field
from morphodose.tables import column_units, read_table

WELL = "Time_4hrs_R1_Well_A01"
KEYS = {
    "id": WELL,
    "plate": "P1",
    "timepoint_h": 4,
    "replicate": "1",
    "acquisition": "Time_4hrs_R1",
    "well": "A01",
}


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Field 1 in focus, field 2 far out of it, field 10 without cells."""
    folder = tmp_path_factory.mktemp("qc")
    for field, defocus, cells in ((1, 0.0, 45.0), (2, 30.0, 45.0), (10, 0.0, 0.0)):
        made = render_field(
            np.random.default_rng(field), size=240, n_cells=cells, optics=Optics(defocus=defocus)
        )
        image = Field(made.planes.max(axis=0), tuple(CHANNELS), None)
        write_field(folder / WELL / f"{WELL}_Field_{field}.ome.tiff", image)
    return folder


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    arguments = ["--images", str(folder), "--keys", json.dumps(KEYS), *options]
    return completed("qc_images", *arguments)


@pytest.mark.parametrize("size", [("--diameter", "40"), ("--diameter", "0", "--nuclear_diameter", "20")])
def test_one_row_a_field_with_verdict_reason_and_figures(well: Path, size: tuple[str]) -> None:
    out = well / f"{WELL}_qc.parquet"
    roles = ("--nuclear_channel", "Hoechst", "--cell_channel", "CellMask", *size)
    done = run(well, *roles, "--brightfield_channel", "Brightfield", "--out", str(well))
    assert done.returncode == 0, done.stderr
    assert "field 2 of 3: drop out of focus" in done.stderr
    table = read_table(out)
    assert list(table["Metadata_Field"]) == [1, 2, 10]
    assert list(table["Metadata_QCVerdict"]) == ["keep", "drop", "flag"]
    assert table["Metadata_QCReason"].str.contains("empty").tolist() == [False, False, True]
    assert table["ImageQuality_ForegroundCoverage_Hoechst"].iloc[2] == 0
    assert table["ImageQuality_EdgeWidth_Brightfield"].isna().all()
    assert column_units(out)["ImageQuality_Background_PI"] == "counts"


def test_a_channel_that_is_not_there_is_named(well: Path) -> None:
    done = run(well, "--nuclear_channel", "DAPI", "--out", str(well / "none"))
    assert done.returncode == 1
    assert "--nuclear_channel 'DAPI' is not in" in done.stderr
    assert "it has Brightfield, Hoechst" in done.stderr
