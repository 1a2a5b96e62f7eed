"""The pipeline runs unchanged on the oldest Nextflow it supports."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from pipeline.conftest import TINY_ARGUMENTS
from pipeline.nextflow_runs import ROOT, Run, environment, run
from pipeline.tables import assert_same_tables

pytestmark = pytest.mark.pipeline

OLD = {"NXF_VER": "24.10.8", "MORPHODOSE_OWN_NEXTFLOW": "1", "NXF_SYNTAX_PARSER": "v1"}


def test_nextflow_24_10_with_other_tasks_gives_the_same_tables(
    tiny_plate: Path, tiny_run: Run, tmp_path: Path
) -> None:
    """Several wells a task, too: how the work is shared out must not show."""
    given = ("--input", str(tiny_plate / "samplesheet.csv"), "--wells_per_task", "2")
    finished = run(tmp_path, *given, *TINY_ARGUMENTS, **OLD)
    assert finished.status == 0, finished.output
    assert "24.10.8" in finished.output
    tasks = [
        sum(row["process"].endswith("MEASURE_CELLS") for row in each.tasks()) for each in (tiny_run, finished)
    ]
    assert tasks[1] < tasks[0]
    assert_same_tables(tiny_run.outdir, finished.outdir)


def directives(**extra: str) -> set[tuple[str, str]]:
    """(selector, directive) of all that the profiles say together; the selector of all processes is ''."""
    done = subprocess.run(
        ["nextflow", "config", str(ROOT), "-flat", "-profile", "test,bbbc013,slurm,apptainer"],
        env=environment(**extra), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(re.findall(r"^process\.(?:'([^']+)'\.)?(\w+)", done.stdout, flags=re.MULTILINE))


def test_the_lenient_parser_forgets_nothing_of_the_configuration() -> None:
    """It drops a block with the selector of an earlier one, where the strict parser merges the two."""
    strict = directives()
    assert ("withLabel:process_gpu", "time") in strict and ("", "executor") in strict
    assert directives(**OLD) == strict
