"""A tiny screen of crops through the steps that learn, and the command line of each of them on it."""

from __future__ import annotations

from pathlib import Path

from faults.tasks import Task, make_results
from learned_screen import Truth, write_screen

SCREEN = Truth(doses=(0, 8, 64), hours=(4, 24), replicates=2, cells=6)
#: As little as trains; the checkpoint of the first epoch is one that a killed training goes on from.
NETWORK = ("--network", "resnet18", "--input_size", 32, "--epochs", 2, "--threads", 1)


def make_inputs(folder: Path) -> None:
    """The screen, and the results of all steps on it."""
    write_screen(folder, SCREEN)
    make_results(folder, tasks_on(folder))


def tasks_on(folder: Path) -> dict[str, Task]:
    """Name → task, in the order of the run; what a task reads is in `folder`, made by the tasks before it."""
    crops, made = folder / "crops", folder / "made"
    split, labels = made / "split_cells" / "split.parquet", made / "split_cells" / "labels.json"
    networks = made / "train_resnet"
    found: dict[str, Task] = {}

    def add(name: str, *arguments: object) -> None:
        found[name] = Task(name.split()[0], tuple(str(argument) for argument in arguments))

    add("split_cells", "--crops", crops, "--plate_map", folder / "plate_map.csv", "--out", "{out}/split.parquet",
        "--labels_out", "{out}/labels.json", "--leakage_out", "{out}/leakage.parquet")  # fmt: skip
    for fold in range(SCREEN.replicates):
        add(f"train_resnet {fold}", "--split", split, "--labels", labels, "--fold", fold, "--checkpoints",
            "{out}/.checkpoints", *NETWORK, "--out", "{out}", crops)  # fmt: skip
    seen = ("--crops", crops, "--split", split, "--networks", networks, "--threads", 1)
    add("align_networks", *seen, "--out", "{out}/alignment.safetensors", "--table_out", "{out}/alignment.parquet",
        "--anchors_out", "{out}/anchors.parquet")  # fmt: skip
    add("embed_cells", *seen, "--kind", "trained", "--alignment", made / "align_networks/alignment.safetensors",
        "--out", "{out}")  # fmt: skip
    add("explain_crops", *seen, "--labels", labels, "--embeddings", made / "embed_cells", "--out", "{out}/gallery",
        "--table_out", "{out}/gallery.parquet")  # fmt: skip
    add("score_models", "--split", split, "--labels", labels, "--leakage", made / "split_cells/leakage.parquet",
        "--predictions", networks, "--cells", folder / "cells", "--out", "{out}")  # fmt: skip
    return found
