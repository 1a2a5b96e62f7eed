"""The pipeline runs unchanged on the oldest Nextflow it supports."""

from __future__ import annotations

import re
import subprocess

import pytest

from pipeline.conftest import OLDEST
from pipeline.nextflow_runs import ROOT, Run, environment

pytestmark = pytest.mark.pipeline

#: Not part of a run without `--illumination estimate`, and of a dry run only.
ELSEWHERE = {"ESTIMATE_ILLUMINATION", "APPLY_ILLUMINATION", "ESTIMATE_COST"}


def test_nextflow_24_10_runs_every_process(learnable_run: Run) -> None:
    """That its tables are those of the present Nextflow, test_resume.py compares."""
    assert "24.10.8" in learnable_run.output
    processes = {
        name
        for module in (ROOT / "modules" / "local").glob("*/main.nf")
        for name in re.findall(r"^process (\w+)", module.read_text(), re.MULTILINE)
    }
    processes = processes - ELSEWHERE - {"STAGE_WEIGHTS"} | {"STAGE_CELL_WEIGHTS", "STAGE_NUCLEAR_WEIGHTS"}
    assert learnable_run.executed() == processes


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
    assert directives(**OLDEST) == strict
