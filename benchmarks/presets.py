#!/usr/bin/env python3
"""Which way to train gets more right on held-out wells: the reference's preset or the modern one.

Run with ``PYTHONPATH=bin:tests:tests/helpers:benchmarks python benchmarks/presets.py [--results FOLDER]``.
Both train on the same cells for each fold, with the same network, head and number of epochs, once per seed;
with ``--results`` on the crops of a finished run, else on the simulated screens of `mild_screen.py`, one
per seed. Prints balanced accuracy on held-out cells with its interval over wells, and modern less
reference, paired by wells.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from mild_screen import run

from learned_screen import Truth, write_screen
from morphodose.deep.presets import PRESETS
from morphodose.deep.recipe import HEADS
from morphodose.evaluation.cells import read_split_cells
from morphodose.evaluation.intervals import Interval, difference_of, interval_of
from morphodose.evaluation.metrics import Tally
from morphodose.evaluation.predictions import tally_predictions
from morphodose.evaluation.split_files import read_labels_json
from morphodose.evaluation.verdict import METRIC

FIRST, SECOND = "modern", "reference"


def simulated(folder: Path, effect: float, seed: int) -> Path:
    """A screen as the crops, split and labels of a run."""
    write_screen(folder, Truth(effect=effect, seed=seed))
    (folder / "networks").mkdir()
    run("split_cells", "--crops", folder / "crops", "--plate_map", folder / "plate_map.csv",
        "--out", folder / "networks/split.parquet", "--labels_out", folder / "networks/labels.json",
        "--leakage_out", folder / "networks/leakage.parquet")  # fmt: skip
    return folder


def train(results: Path, out: Path, folds: list[int], jobs: int, options: tuple[object, ...]) -> float:
    """A network for each fold, predictions to `out`; seconds of all."""

    def one(fold: int) -> float:
        begin = time.monotonic()
        said = run("train_resnet", "--split", results / "networks/split.parquet",
                   "--labels", results / "networks/labels.json", "--fold", fold, "--threads", 1, *options,
                   "--out", out, results / "crops")  # fmt: skip
        click.echo(said.splitlines()[-1], err=True)
        return time.monotonic() - begin

    with ThreadPoolExecutor(jobs) as pool:
        return sum(pool.map(one, folds))


def text(found: Interval) -> str:
    """Estimate and interval."""
    return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


@click.command(context_settings={"show_default": True})
@click.option("--results", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Of a run.")
@click.option("--effect", default=Truth.effect, help="Of the simulated screens, as in mild_screen.py.")
@click.option("--seeds", default=1, type=click.IntRange(1))
@click.option("--folds", default=0, help="Folds trained; 0 is all.")
@click.option("--jobs", default=2, help="Trainings side by side, each on one thread.")
@click.option("--network", default="resnet18")
@click.option("--input_size", default=32)
@click.option("--epochs", default=10)
@click.option("--max_cells", default=0, help="Training cells at most; 0 is all.")
@click.option("--head", multiple=True, type=click.Choice(HEADS), default=HEADS[:1])
def main(
    results: Path | None,
    effect: float,
    seeds: int,
    folds: int,
    jobs: int,
    network: str,
    input_size: int,
    epochs: int,
    max_cells: int,
    head: tuple[str, ...],
) -> None:
    """Print one line per seed, head and label."""
    with tempfile.TemporaryDirectory() as place:
        for seed in range(1, seeds + 1):
            screen = results or simulated(Path(place) / f"screen{seed}", effect, seed)
            known = read_labels_json(screen / "networks" / "labels.json")
            cells = read_split_cells(screen / "networks" / "split.parquet", known.classes)
            count = folds or cells.folds
            for one in head:
                tallies: dict[str, dict[tuple[str, str], Tally]] = {}
                seconds = {}
                for preset in PRESETS:
                    out = Path(place) / preset
                    options = (
                        "--training", preset, "--head", one, "--network", network, "--input_size", input_size,
                        "--epochs", epochs, "--max_training_cells", max_cells, "--seed", seed,
                    )  # fmt: skip
                    seconds[preset] = train(screen, out, list(range(count)), jobs, options)
                    files = sorted(out.glob("*_predictions.parquet"))
                    tallies[preset] = tally_predictions(files, cells, known.classes, known.trained)
                    shutil.rmtree(out)
                for label in known.trained:
                    classes = known.classes[label]
                    said = [f"seed {seed}, {one}, {label} ({len(classes.names)} classes)"]
                    first, second = (tallies[preset]["network", label] for preset in (FIRST, SECOND))
                    for preset, tally in ((FIRST, first), (SECOND, second)):
                        found = interval_of(tally, classes, cells.strata, seed)[METRIC]
                        said.append(f"{preset} {text(found)} in {seconds[preset]:.0f} s")
                    less = difference_of(first, second, classes, cells.strata, seed)[METRIC]
                    click.echo("; ".join([*said, f"{FIRST} less {SECOND} {text(less)}"]))


if __name__ == "__main__":
    main()
