"""The pipeline runs unchanged on the oldest Nextflow it supports."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.conftest import TINY_ARGUMENTS
from pipeline.nextflow_runs import Run, run
from pipeline.tables import assert_same_tables

pytestmark = pytest.mark.pipeline


def test_nextflow_24_10_gives_the_same_tables(tiny_plate: Path, tiny_run: Run, tmp_path: Path) -> None:
    old = {"NXF_VER": "24.10.8", "MORPHODOSE_OWN_NEXTFLOW": "1", "NXF_SYNTAX_PARSER": "v1"}
    finished = run(tmp_path, "--input", str(tiny_plate / "samplesheet.csv"), *TINY_ARGUMENTS, **old)
    assert finished.status == 0, finished.output
    assert "24.10.8" in finished.output
    assert_same_tables(tiny_run.outdir, finished.outdir)
