"""Every step on one plate: by the oldest Nextflow, undisturbed, and by the present one, killed and resumed.

Both are asked what -resume finds again, and what it must not. A run is killed at each of a few steps of different
kinds; with ``MORPHODOSE_KILLED_STEPS=all`` (`make test-kills`) at every step.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from browser import report_problems
from cost_table import assert_told
from morphodose.tables import run_id
from pipeline.conftest import LEARNABLE_ARGUMENTS, OLDEST
from pipeline.nextflow_runs import ROOT, Run, kill_tasks, kill_when, run
from pipeline.tables import assert_anndata, assert_held_out, assert_nothing_claimed, assert_same_tables

pytestmark = pytest.mark.pipeline

#: Not part of a run without `--illumination estimate`, and of a dry run only.
ELSEWHERE = {"ESTIMATE_ILLUMINATION", "APPLY_ILLUMINATION", "ESTIMATE_COST"}
#: Tasks of a shard of wells, of a fold, of all.
FEW = ("SEGMENT_CELLS", "TRAIN_RESNET", "REPORT")
STEPS = (
    *FEW, "MEASURE_CELLS", "ANNOTATE_CELLS", "CHECK_DESIGN", "REDUCE_FEATURES", "STAGE_CELL_WEIGHTS", "STAGE_NUCLEAR_WEIGHTS", "PROJECT_Z",
    "ESTIMATE_DIAMETERS",
    "QC_IMAGES", "CROP_CELLS", "CALL_DEATH", "SPLIT_CELLS", "EMBED_CELLS", "ALIGN_NETWORKS", "EXPLAIN_CROPS",
    "SCORE_MODELS", "PROFILE_WELLS", "FIT_RESPONSES", "PROFILE_FEATURES", "EXPORT_ANNDATA", "EXPORT_IMAGES",
    "CHOOSE_FIELDS",
)  # fmt: skip


def test_nextflow_24_10_runs_every_process(learnable_run: Run) -> None:
    assert "24.10.8" in learnable_run.output
    processes = {
        name
        for module in (ROOT / "modules" / "local").glob("*/main.nf")
        for name in re.findall(r"^process (\w+)", module.read_text(), re.MULTILINE)
    }
    processes = processes - ELSEWHERE - {"STAGE_WEIGHTS"} | {
        "STAGE_CELL_WEIGHTS",
        "STAGE_NUCLEAR_WEIGHTS",
        "CHOOSE_FIELDS",
    }
    assert learnable_run.executed() == processes


def test_the_manifest_names_every_published_file_and_every_table_the_run(learnable_run: Run) -> None:
    outdir = learnable_run.outdir
    info = outdir / "pipeline_info"
    manifest = json.loads((info / "manifest.json").read_text(encoding="utf-8"))
    named = {entry["path"]: entry for entry in manifest["files"]}
    own = {"manifest.json", "params.json", "versions.json", "trace.txt", "pipeline_dag.mmd"}
    own |= {"execution_report.html", "execution_timeline.html"}
    found = {str(path.relative_to(outdir)) for path in outdir.rglob("*") if path.is_file()}
    assert found == named.keys() | {f"pipeline_info/{name}" for name in own}
    for path in ("report/report.html", "tables/wells.parquet", "pipeline_info/cell_weights.json"):
        assert named[path]["sha256"] == hashlib.sha256((outdir / path).read_bytes()).hexdigest(), path
    assert manifest["state"] == "succeeded" and manifest["params"]["network"] == "resnet18"
    assert (
        manifest["versions"]["TRAIN_RESNET"]["torch"]
        == json.loads((info / "versions.json").read_text())["TRAIN_RESNET"]["torch"]
    )
    tables = list(outdir.rglob("*.parquet"))
    assert tables and {run_id(table) for table in tables} == {manifest["run_id"]}
    assert "no run is known to have written" not in learnable_run.output


def test_networks_hold_each_replicate_out_and_claim_nothing(learnable_run: Run) -> None:
    assert_held_out(learnable_run.outdir, replicates=2, length=512)
    # one layout on both replicates: a place tells the dose
    assert_nothing_claimed(learnable_run.outdir)
    assert_anndata(learnable_run.outdir, ("classical", "deep", "joint"))


def test_the_report_opens_in_a_browser_without_a_fault(learnable_run: Run) -> None:
    assert report_problems(learnable_run.outdir / "report" / "report.html") == []


def report_of(finished: Run) -> str:
    return (finished.outdir / "report" / "report.html").read_text(encoding="utf-8")


def test_the_report_tells_the_tasks_and_the_core_hours_of_the_trace(learnable_run: Run) -> None:
    assert_told(report_of(learnable_run), learnable_run.tasks())


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


@dataclass(frozen=True)
class Resumed:
    """A run that was killed, and killed again, and resumed to its end."""

    finished: Run
    kills: Kills
    launch_dir: Path
    arguments: tuple[str, ...]

    def again(self, *changed: str, project: Path) -> Run:
        """The same run once more, of the project as it is by now, and with some parameters changed."""
        again = run(self.launch_dir, *self.arguments, *changed, project=project)
        assert again.status == 0, again.output
        return again


@pytest.fixture(scope="module")
def resumed(learnable_plate: Path, tmp_path_factory: pytest.TempPathFactory) -> Resumed:
    folder = tmp_path_factory.mktemp("killed")
    kills = Kills(folder, STEPS if os.environ.get("MORPHODOSE_KILLED_STEPS") == "all" else FEW)
    # one well per task, where the other run has two: what is joined must not depend on who was ready first
    given = ("--input", str(learnable_plate / "samplesheet.csv"), *LEARNABLE_ARGUMENTS)
    arguments = (*given, "--wells_per_task", "1", "-resume")
    while kills.left:
        submitted = kill_when(folder, kills.due, *arguments)
        assert submitted, f"a run ended before it was killed at one of {kills.left}"
        kills.killed(submitted)
    finished = run(folder, *arguments)
    assert finished.status == 0, finished.output
    return Resumed(finished, kills, folder, arguments)


def test_a_run_killed_at_every_step_and_resumed_ends_with_the_same_tables(
    learnable_run: Run, resumed: Resumed
) -> None:
    finished = resumed.finished
    assert_same_tables(learnable_run.outdir, finished.outdir)
    # what is not a table
    for pattern in ("networks/*.safetensors", "tables/scores/*.json"):
        names = sorted(path.relative_to(learnable_run.outdir) for path in learnable_run.outdir.glob(pattern))
        assert names
        for name in names:
            assert (finished.outdir / name).read_bytes() == (learnable_run.outdir / name).read_bytes(), name

    assert resumed.kills.preempted, "no training was killed by itself"
    said = "\n".join(log.read_text() for log in (resumed.launch_dir / "work").glob("??/*/.command.log"))
    for epochs in (1, 2):  # under -resume, and when Nextflow tried again
        assert f"going on after {epochs} epochs" in said


@pytest.fixture
def own_copy(tmp_path: Path) -> Path:
    """A copy of the project that a test may edit: other paths, other times, the same content."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    for name in names:
        if name.startswith(
            ("bin/", "lib/", "modules/", "workflows/", "conf/", "assets/", "setup/", "main.nf", "nextflow")
        ):
            target = tmp_path / "project" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    return tmp_path / "project"


#: A parameter of one step, and that step with those after it.
CHANGED = ("--response_values", "raw")
AFTER_IT = {"FIT_RESPONSES", "CHOOSE_FIELDS", "REPORT"}


def test_an_edit_or_a_parameter_runs_exactly_the_steps_that_use_it_again(
    resumed: Resumed, own_copy: Path
) -> None:
    again = resumed.again(project=own_copy)
    assert again.executed() == set(), "of a clone elsewhere"
    assert_told(report_of(again), again.tasks())

    for modules, steps in (
        # by itself: after any other edit it may run again for what that step wrote
        (("report/words.py",), {"CHOOSE_FIELDS", "REPORT"}),
        # the check writes the plate map again: no gate is fitted for that, nor a curve for a new gate. The export of
        # images reads its design, and is not compared by content, which would be all images
        (
            ("design/parameters.py", "death/gates.py", "responses/logistic.py"),
            {"CHECK_DESIGN", "CALL_DEATH", "FIT_RESPONSES", "EXPORT_IMAGES"},
        ),
    ):
        for module in modules:
            source = own_copy / "bin" / "morphodose" / module
            source.write_text(source.read_text() + "\n# edited\n")
        again = resumed.again(project=own_copy)
        # the report reads what every step wrote, and may be written again with it
        assert steps <= again.executed() <= steps | {"CHOOSE_FIELDS", "REPORT"}, f"after an edit of {modules}"

    # a run killed while it published left a part of a file; and a parameter is another
    published = resumed.finished.outdir / "tables" / "wells.parquet"
    whole = published.read_bytes()
    published.write_bytes(whole[:500])
    again = resumed.again(*CHANGED, project=own_copy)
    assert published.read_bytes() == whole
    assert again.executed() == AFTER_IT


def test_under_nextflow_24_10_a_parameter_runs_exactly_the_steps_that_use_it_again(
    learnable_plate: Path, learnable_run: Run, tmp_path: Path
) -> None:
    given = ("--input", str(learnable_plate / "samplesheet.csv"), *LEARNABLE_ARGUMENTS, "-resume", *CHANGED)
    again = run(learnable_run.outdir.parent, *given, outdir=tmp_path / "results", **OLDEST)
    assert again.status == 0, again.output
    assert again.executed() == AFTER_IT
