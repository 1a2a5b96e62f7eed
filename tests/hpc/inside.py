"""Where the tasks of a run ran, by what only the images hold."""

from __future__ import annotations

import re
from pathlib import Path

from morphodose.steps.registry import STEPS
from pipeline.nextflow_runs import Run

#: Process → its image, where that is not the base.
IMAGES = {
    step.name: "cellpose3" if step.image == "cellpose" else step.image
    for step in STEPS
    if step.image != "base"
}


def task_folders(run: Run) -> dict[str, Path]:
    """``PROCESS (tag)`` → work folder of each task of the trace that ended well."""
    work = run.outdir.parent / "work"
    return {
        row["name"].rpartition(":")[2]: next(work.glob(f"{row['hash']}*"))
        for row in run.tasks()
        if row["status"] in ("COMPLETED", "CACHED")
    }


def images_of(run: Run) -> dict[str, str]:
    """``PROCESS (tag)`` → name in /etc/morphodose-image, as the task itself read it; '' where it ran outside.

    Tasks that write no versions are left out.
    """
    found = {}
    for task, folder in task_folders(run).items():
        versions = folder / "versions.yml"
        if versions.is_file():
            match = re.search(r"^ +image: (\S+)", versions.read_text(encoding="utf-8"), re.MULTILINE)
            found[task] = match[1] if match else ""
    return found


def assert_inside(run: Run, segmentation: str = IMAGES["SEGMENT_CELLS"]) -> None:
    """Fail where a task ran outside its image; `segmentation` is that of the engine."""
    images = images_of(run)
    expected = {**IMAGES, "SEGMENT_CELLS": segmentation}
    assert len(images) > 8, images
    for task, image in images.items():
        assert image == expected.get(task.partition(" ")[0], "base"), task
    # the weights are staged by a step that writes no versions
    for task, folder in task_folders(run).items():
        if task.startswith("STAGE_"):
            assert f"{segmentation}.sif" in (folder / ".command.run").read_text(encoding="utf-8")
