"""What -resume finds again, and what it must not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cost_table import assert_told
from pipeline.conftest import TINY_ARGUMENTS
from pipeline.nextflow_runs import ROOT, Run, kill_when_running, run
from pipeline.tables import assert_same_tables

pytestmark = pytest.mark.pipeline

STEPS = (
    "CHECK_DESIGN", "PROJECT_Z", "QC_IMAGES", "SEGMENT_CELLS", "MEASURE_CELLS", "CALL_DEATH",
    "ANNOTATE_CELLS", "PROFILE_WELLS", "FIT_RESPONSES", "REPORT",
)  # fmt: skip


def test_a_run_killed_at_every_step_and_resumed_ends_with_the_same_tables(
    tiny_plate: Path, tiny_run: Run, tmp_path: Path
) -> None:
    # tasks of three wells and of one: their order must not depend on which was ready first
    given = ("--input", str(tiny_plate / "samplesheet.csv"), *TINY_ARGUMENTS, "--wells_per_task", "3")
    arguments = (*given, "-resume")
    killed = [step for step in STEPS if kill_when_running(tmp_path, step, *arguments)]
    assert killed == list(STEPS)
    finished = run(tmp_path, *arguments)
    assert finished.status == 0, finished.output
    assert_same_tables(tiny_run.outdir, finished.outdir)

    again = run(tmp_path, *arguments)
    assert again.status == 0, again.output
    assert again.executed() == set()
    assert_told(report_of(again), again.tasks())


def report_of(finished: Run) -> str:
    return (finished.outdir / "report" / "report.html").read_text(encoding="utf-8")


def test_the_report_tells_the_tasks_and_the_core_hours_of_the_trace(tiny_run: Run) -> None:
    assert_told(report_of(tiny_run), tiny_run.tasks())


@pytest.fixture
def own_copy(tmp_path: Path) -> Path:
    """A copy of the project that a test may edit."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    for name in names:
        if name.startswith(("bin/", "modules/", "workflows/", "conf/", "assets/", "main.nf", "nextflow")):
            target = tmp_path / "project" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return tmp_path / "project"


def test_editing_a_python_file_runs_exactly_the_steps_that_use_it_again(
    tiny_plate: Path, own_copy: Path, tmp_path: Path
) -> None:
    arguments = ("--input", str(tiny_plate / "samplesheet.csv"), *TINY_ARGUMENTS, "-resume")
    first = run(tmp_path / "launch", *arguments, project=own_copy)
    assert first.status == 0, first.output

    for module, steps in {
        "report/words.py": {"REPORT"},
        "death/gates.py": {"CALL_DEATH"},
        "responses/logistic.py": {"FIT_RESPONSES"},
    }.items():
        source = own_copy / "bin" / "morphodose" / module
        source.write_text(source.read_text() + "\n# edited\n")
        again = run(tmp_path / "launch", *arguments, project=own_copy)
        assert again.status == 0, again.output
        # the report reads what every step wrote, and may be written again with it
        assert steps <= again.executed() <= steps | {"REPORT"}, f"after an edit of {module}"
