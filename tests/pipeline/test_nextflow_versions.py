"""The configuration is the same for the oldest Nextflow that is supported and for the present one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from pipeline.conftest import OLDEST
from pipeline.nextflow_runs import ROOT, environment, run

pytestmark = pytest.mark.pipeline


def directives(**extra: str) -> set[tuple[str, str]]:
    """(selector, directive) of all that the profiles say together; the selector of all processes is ''."""
    done = subprocess.run(
        ["nextflow", "config", str(ROOT), "-flat", "-profile", "test,demo,bbbc013,slurm,apptainer"],
        env=environment(**extra), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(re.findall(r"^process\.(?:'([^']+)'\.)?(\w+)", done.stdout, flags=re.MULTILINE))


def test_the_lenient_parser_forgets_nothing_of_the_configuration() -> None:
    """It drops a block with the selector of an earlier one, where the strict parser merges the two."""
    strict = directives()
    assert ("withLabel:process_gpu", "time") in strict and ("", "executor") in strict
    assert directives(**OLDEST) == strict


def test_with_the_oldest_a_parameter_runs_its_step_and_those_after_it_again(tmp_path: Path) -> None:
    """The same with the present one, without stubs: `test_every_step.py`."""
    arguments = ("-profile", "test", "-stub-run", "-resume")
    first = run(tmp_path, *arguments, **OLDEST)
    assert first.status == 0, first.output
    again = run(tmp_path, *arguments, "--pca_components", "7", **OLDEST)
    assert again.status == 0, again.output
    assert again.executed() == {"REDUCE_FEATURES", "EXPORT_ANNDATA", "CHOOSE_FIELDS", "REPORT"}
