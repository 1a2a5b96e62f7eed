"""What -resume finds again, and what it must not.

A run is killed at each of a few steps, of different kinds; with ``MORPHODOSE_KILLED_STEPS=all`` at every step.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from cost_table import assert_told
from pipeline.conftest import LEARNABLE_ARGUMENTS, TINY_ARGUMENTS
from pipeline.nextflow_runs import ROOT, Run, kill_tasks, kill_when, run
from pipeline.tables import assert_same_tables

pytestmark = pytest.mark.pipeline

#: A single task, a shard of wells, tasks of several wells, of an acquisition, of a fold, of all.
FEW = (
    "CHECK_DESIGN", "SEGMENT_CELLS", "MEASURE_CELLS", "ANNOTATE_CELLS", "TRAIN_RESNET", "EMBED_CELLS",
    "REDUCE_FEATURES", "REPORT",
)  # fmt: skip
STEPS = (
    *FEW, "STAGE_CELL_WEIGHTS", "STAGE_NUCLEAR_WEIGHTS", "PROJECT_Z", "QC_IMAGES", "CROP_CELLS", "CALL_DEATH",
    "SPLIT_CELLS", "ALIGN_NETWORKS", "EXPLAIN_CROPS", "SCORE_MODELS", "PROFILE_WELLS", "FIT_RESPONSES",
    "PROFILE_FEATURES", "EXPORT_ANNDATA",
)  # fmt: skip


class Kills:
    """When the runs of one launch folder are killed, until each of the steps has been.

    A run is killed while the first task of a step that is left has just begun; a training when it has written
    its first checkpoint. After its second one only the task is killed, once, and Nextflow tries it again.
    """

    def __init__(self, launch_dir: Path, steps: tuple[str, ...]) -> None:
        self.launch_dir, self.left = launch_dir, set(steps)
        self.preempted = 0

    def due(self, submitted: set[str]) -> bool:
        """Whether to kill the run that has submitted tasks of these steps."""
        if "TRAIN_RESNET" in self.left:
            if self.has_checkpoint(1):
                return True
        elif not self.preempted and self.has_checkpoint(2):
            self.preempted = kill_tasks(self.launch_dir, "train_resnet.py")
        if submitted & self.left - {"TRAIN_RESNET"}:
            time.sleep(0.3)
            return True
        return False

    def has_checkpoint(self, epochs: int) -> bool:
        """Whether a training has written its state after so many epochs."""
        return any(self.launch_dir.glob(f"work/checkpoints/*/epoch{epochs:05d}_*.pt"))

    def killed(self, submitted: set[str]) -> None:
        """Cross off the steps at which a run was killed."""
        trained = {"TRAIN_RESNET"} if self.has_checkpoint(1) else set()
        self.left -= submitted - {"TRAIN_RESNET"} | trained


def test_a_run_killed_at_every_step_and_resumed_ends_with_the_same_tables(
    learnable_plate: Path, learnable_run: Run, tmp_path: Path
) -> None:
    kills = Kills(tmp_path, STEPS if os.environ.get("MORPHODOSE_KILLED_STEPS") == "all" else FEW)
    # tasks of two wells and of one: their order must not depend on which was ready first
    given = ("--input", str(learnable_plate / "samplesheet.csv"), *LEARNABLE_ARGUMENTS)
    arguments = (*given, "--wells_per_task", "2", "-resume")
    while kills.left:
        submitted = kill_when(tmp_path, kills.due, *arguments)
        assert submitted, f"a run ended before it was killed at one of {kills.left}"
        kills.killed(submitted)
    finished = run(tmp_path, *arguments)
    assert finished.status == 0, finished.output
    assert_same_tables(learnable_run.outdir, finished.outdir)
    # what is no table
    for pattern in ("networks/*.safetensors", "tables/scores/*.json"):
        names = sorted(path.relative_to(learnable_run.outdir) for path in learnable_run.outdir.glob(pattern))
        assert names
        for name in names:
            assert (finished.outdir / name).read_bytes() == (learnable_run.outdir / name).read_bytes(), name

    assert kills.preempted, "no training was killed by itself"
    said = "\n".join(log.read_text() for log in (tmp_path / "work").glob("??/*/.command.log"))
    for epochs in (1, 2):  # under -resume, and when Nextflow tried again
        assert f"going on after {epochs} epochs" in said

    again = run(tmp_path, *arguments)
    assert again.status == 0, again.output
    assert again.executed() == set()
    assert_told(report_of(again), again.tasks())


def report_of(finished: Run) -> str:
    return (finished.outdir / "report" / "report.html").read_text(encoding="utf-8")


def test_the_report_tells_the_tasks_and_the_core_hours_of_the_trace(learnable_run: Run) -> None:
    assert_told(report_of(learnable_run), learnable_run.tasks())


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


def test_an_edit_or_a_parameter_runs_exactly_the_steps_that_use_it_again(
    tiny_plate: Path, own_copy: Path, tmp_path: Path
) -> None:
    arguments = ("--input", str(tiny_plate / "samplesheet.csv"), *TINY_ARGUMENTS, "-resume")
    first = run(tmp_path / "launch", *arguments, project=own_copy)
    assert first.status == 0, first.output

    for module, steps in {
        "report/words.py": {"REPORT"},
        # the check writes the plate map again: no gate is fitted for that
        "design/parameters.py": {"CHECK_DESIGN"},
        "death/gates.py": {"CALL_DEATH"},
        "responses/logistic.py": {"FIT_RESPONSES"},
    }.items():
        source = own_copy / "bin" / "morphodose" / module
        source.write_text(source.read_text() + "\n# edited\n")
        again = run(tmp_path / "launch", *arguments, project=own_copy)
        assert again.status == 0, again.output
        # the report reads what every step wrote, and may be written again with it
        assert steps <= again.executed() <= steps | {"REPORT"}, f"after an edit of {module}"

    # a run killed while it published left a part of a file; and a parameter is another
    published = tmp_path / "launch" / "results" / "tables" / "wells.parquet"
    whole = published.read_bytes()
    published.write_bytes(whole[:500])
    again = run(tmp_path / "launch", *arguments, "--pca_components", "5", project=own_copy)
    assert again.status == 0, again.output
    assert published.read_bytes() == whole
    assert again.executed() == {"REDUCE_FEATURES", "EXPORT_ANNDATA", "REPORT"}
