"""A real plate: FKHR-GFP moves into the nucleus as wortmannin and LY294002 act."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from morphodose.tables import read_table
from pipeline.nextflow_runs import Run, run

pytestmark = pytest.mark.pipeline


def run_rows(rows: str, shared_data: Path, folder: Path, *arguments: str) -> Run:
    """A run on some rows of the plate."""
    images = folder / "images"
    images.mkdir()
    for path in (shared_data / "bbbc013").glob(f"Channel*-[{rows}]-*.tif"):
        (images / path.name).symlink_to(path)
    head, *wells = (shared_data / "bbbc013" / "platemap.csv").read_text().splitlines()
    (folder / "platemap.csv").write_text("\n".join([head, *(w for w in wells if w[0] in rows)]) + "\n")
    sheet = folder / "samplesheet.csv"
    sheet.write_text("plate,timepoint_h,replicate,images\nBBBC013,1,1,images\n")
    # small fields, one per well: several wells share a task
    given = ("-profile", "bbbc013", "--input", str(sheet), "--wells_per_task", "8")
    finished = run(folder / "launch", *given, *arguments)
    assert finished.status == 0, finished.output
    return finished


def assert_fitted(finished: Run, compound: str, ec50: float) -> pd.Series:
    """The EC50 is near to that of an independent analysis (Otsu nuclei and a ring), with an interval."""
    responses = read_table(finished.outdir / "tables" / "responses.parquet")
    of_drug = responses[responses["Metadata_Compound"] == compound]
    row = of_drug[of_drug["Endpoint"].str.contains("Translocation")].iloc[0]
    print(row.to_string())
    assert row["State"] == "fitted"
    assert ec50 / 1.5 <= row["EC50"] <= ec50 * 1.5
    assert 0 < row["EC50_Low"] < row["EC50"] < row["EC50_High"] < math.inf
    return row


def test_wortmannin_moves_fkhr_into_the_nucleus_at_the_known_dose(shared_data: Path, tmp_path: Path) -> None:
    # one drug, all doses, two replicates; the families that the movement is seen in
    finished = run_rows("AB", shared_data, tmp_path, "--features", "sizeshape,intensity")
    assert assert_fitted(finished, "Wortmannin", 12)["ZPrime"] >= 0.7  # nM
    report = (finished.outdir / "report" / "report.html").read_text()
    assert "the screen has no death marker" in report  # the step left out is named with its reason


@pytest.mark.plates
def test_both_drugs_of_the_whole_plate(shared_data: Path, tmp_path: Path) -> None:
    finished = run_rows("ABCDEFGH", shared_data, tmp_path)
    assert assert_fitted(finished, "Wortmannin", 12)["ZPrime"] >= 0.7  # nM
    assert math.isfinite(assert_fitted(finished, "LY294002", 5)["ZPrime"])  # uM
