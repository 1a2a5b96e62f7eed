"""A real plate: FKHR-GFP moves into the nucleus as wortmannin acts (one drug, all doses, two replicates)."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from morphodose.tables import read_table
from pipeline.nextflow_runs import run

pytestmark = pytest.mark.pipeline


def test_wortmannin_moves_fkhr_into_the_nucleus_at_the_known_dose(shared_data: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for path in (shared_data / "bbbc013").glob("Channel*-[AB]-*.tif"):
        (images / path.name).symlink_to(path)
    rows = (shared_data / "bbbc013" / "platemap.csv").read_text().splitlines()
    (tmp_path / "platemap.csv").write_text(
        "\n".join([rows[0], *(r for r in rows[1:] if r[0] in "AB")]) + "\n"
    )
    sheet = tmp_path / "samplesheet.csv"
    sheet.write_text("plate,timepoint_h,replicate,images\nBBBC013,1,1,images\n")

    # small fields, one a well: several wells share a task
    finished = run(tmp_path / "launch", "-profile", "bbbc013", "--input", str(sheet), "--wells_per_task", "8")

    assert finished.status == 0, finished.output
    responses = read_table(finished.outdir / "tables" / "responses.parquet")
    row = responses[responses["Endpoint"].str.contains("Translocation")].iloc[0]
    assert row["State"] == "fitted"
    assert 12 / 1.5 <= row["EC50"] <= 12 * 1.5  # nM, an independent analysis (Otsu nuclei and a ring)
    assert 0 < row["EC50_Low"] < row["EC50"] < row["EC50_High"] < math.inf
    assert row["ZPrime"] >= 0.7
    report = (finished.outdir / "report" / "report.html").read_text()
    assert "the screen has no death marker" in report  # the step left out is named with its reason
