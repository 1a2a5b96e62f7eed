"""The configuration is the same for the oldest Nextflow that is supported and for the present one."""

from __future__ import annotations

import re
import subprocess

import pytest

from pipeline.conftest import OLDEST
from pipeline.nextflow_runs import ROOT, environment

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
