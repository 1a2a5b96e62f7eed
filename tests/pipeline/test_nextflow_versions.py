"""The pipeline runs unchanged on the oldest Nextflow it supports."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.conftest import TINY_ARGUMENTS
from pipeline.nextflow_runs import Run, run
from pipeline.tables import assert_same_tables

pytestmark = pytest.mark.pipeline


def test_nextflow_24_10_with_other_tasks_gives_the_same_tables(
    tiny_plate: Path, tiny_run: Run, tmp_path: Path
) -> None:
    """Several wells a task, too: how the work is shared out must not show."""
    old = {"NXF_VER": "24.10.8", "MORPHODOSE_OWN_NEXTFLOW": "1", "NXF_SYNTAX_PARSER": "v1"}
    given = ("--input", str(tiny_plate / "samplesheet.csv"), "--wells_per_task", "2")
    finished = run(tmp_path, *given, *TINY_ARGUMENTS, **old)
    assert finished.status == 0, finished.output
    assert "24.10.8" in finished.output
    tasks = [
        sum(row["process"].endswith("MEASURE_CELLS") for row in each.tasks()) for each in (tiny_run, finished)
    ]
    assert tasks[1] < tasks[0]
    assert_same_tables(tiny_run.outdir, finished.outdir)
