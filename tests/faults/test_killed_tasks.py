"""SIGKILL of the task of each step at a random moment: nothing half-written has a final name, and it runs again.

``MORPHODOSE_KILLS`` is the number of kills a step, 1 by default: when the task's first file appears. Others (`make
test-kills`) are after a random time, two in a row, as of a task that is tried again. The first file of a training is
a checkpoint, from which it goes on.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faults import deep_tasks, tasks
from faults.tasks import (
    BIN,
    Task,
    assert_same_files,
    assert_whole,
    environment,
    final_files,
    in_process,
    results_of,
)

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("MORPHODOSE_KILLS", "1"))
STEPS = (
    "check_design", "project_z A01", "qc_images A01", "estimate", "apply", "stage_weights", "segment_cells",
    "measure_cells A01", "crop_cells A01", "call_death", "annotate_cells", "profile_wells", "fit_responses",
    "reduce_features", "profile_features", "export_anndata", "report",
)  # fmt: skip
LEARNING = (
    "split_cells", "train_resnet 0", "align_networks", "embed_cells", "explain_crops", "score_models",
)  # fmt: skip


def start(task: Task, out: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(BIN / f"{task.command}.py"), *task.line(out)],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def run(task: Task, out: Path) -> float:
    """Run a task to its end; its seconds, where kills at random moments need them."""
    begin = time.monotonic()
    if KILLS == 1:  # in this process, which has its libraries already
        in_process(task.command, *task.line(out))
        return 0.0
    process = start(task, out)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return time.monotonic() - begin


@pytest.mark.parametrize("step", STEPS)
def test_a_task_killed_at_a_random_moment_leaves_only_whole_files_and_runs_again(
    step: str, tiny: Path, tmp_path: Path
) -> None:
    kill_and_run_again(tasks.tasks_on(tiny)[step], results_of(tiny, step), tmp_path)


@pytest.mark.parametrize("step", LEARNING)
def test_a_learning_task_killed_at_a_random_moment_leaves_only_whole_files_and_runs_again(
    step: str, learned: Path, tmp_path: Path
) -> None:
    kill_and_run_again(deep_tasks.tasks_on(learned)[step], results_of(learned, step), tmp_path)


def kill_and_run_again(task: Task, expected: dict[str, Path], tmp_path: Path) -> None:
    """Kill it, kill it again where it begins anew, run it to its end; and so in a new folder for each two kills."""
    assert expected
    seconds = run(task, tmp_path / "undisturbed") if KILLS > 1 else 0.0
    killed = 0
    for seed in range(KILLS):
        out = tmp_path / f"killed{seed // 2}"
        process = start(task, out)
        if seed:
            # most of a short task is its start, in which nothing can go wrong: the later half is hit more often
            time.sleep(seconds * random.Random(f"{task.command} {seed}").triangular(0.1, 1.0, 0.85))
        else:
            # while it writes its first file
            while process.poll() is None and not any(path.is_file() for path in out.rglob("*")):
                time.sleep(0.002)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        assert_whole(final_files(out), expected)
        if seed % 2 or seed == KILLS - 1:
            # its time anew: a machine gets more or less to do, and a training has gone on from its checkpoint
            seconds = run(task, out)
            assert_same_files(final_files(out), expected)
    assert 2 * killed >= KILLS, f"{KILLS - killed} of {KILLS} tasks had ended before they were killed"
