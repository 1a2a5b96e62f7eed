#!/usr/bin/env python3
"""Whether a trained network finds a mild effect, and keeps silent where there is none.

Run with ``PYTHONPATH=bin:tests:tests/helpers python benchmarks/mild_screen.py [--effect 0]``. A simulated
screen of 8 doses, 6 times and 3 replicates, each replicate with a layout of its own, brightness by well and
position. The commands of the pipeline split it, train a network for each fold and its controls, and score
them: balanced accuracy of dose with intervals over wells, differences to what the network has to beat, and
what may be claimed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pandas as pd

from learned_screen import Truth, steps, write_screen
from morphodose.evaluation.verdict import METRIC
from morphodose.tables import read_table

BIN = Path(__file__).resolve().parents[1] / "bin"


def run(command: object, *arguments: object) -> str:
    """Run a command of bin/ on one thread; what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(BIN), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(BIN / f"{command}.py"), *map(str, arguments)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise click.ClickException(f"{command} failed:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def learn(folder: Path, truth: Truth, jobs: int, options: tuple[str, ...]) -> None:
    """Split, train every fold and its controls, score; all below `folder`."""
    todo = steps(folder, truth.replicates, options)
    run(*todo.split)

    def train(command: tuple[object, ...]) -> None:
        click.echo(run(*command).splitlines()[-1], err=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(train, todo.trainings))
    run(*todo.score)


@click.command(context_settings={"show_default": True})
@click.option("--effect", default=Truth.effect, help="Of the highest dose on the grain, in SD of cells.")
@click.option("--position", default=Truth.position, help="Of the place on the brightness, as a share.")
@click.option("--cells", default=Truth.cells, help="Of a well at a time.")
@click.option("--doses", default=len(Truth.doses), type=click.IntRange(2, len(Truth.doses)))
@click.option("--times", default=len(Truth.hours), type=click.IntRange(1, len(Truth.hours)))
@click.option("--seed", default=Truth.seed)
@click.option("--jobs", default=2, help="Trainings side by side, each on one thread.")
@click.option("--network", default="resnet18")
@click.option("--input_size", default=32)
@click.option("--epochs", default=12)
@click.option("--batch_size", default=32)
@click.option("--preset", default="modern")
@click.option("--head", default="multilabel")
def main(
    effect: float,
    position: float,
    cells: int,
    doses: int,
    times: int,
    seed: int,
    jobs: int,
    network: str,
    input_size: int,
    epochs: int,
    batch_size: int,
    preset: str,
    head: str,
) -> None:
    """Print scores, differences and the verdict on dose."""
    truth = Truth(
        effect=effect,
        position=position,
        doses=Truth.doses[:doses],
        hours=Truth.hours[:times],
        cells=cells,
        seed=seed,
    )
    options = (
        "--network", network, "--input_size", input_size, "--epochs", epochs, "--batch_size", batch_size,
        "--training", preset, "--head", head,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_screen(folder, truth)
        learn(folder, truth, jobs, tuple(map(str, options)))
        scores, differences = (
            read_table(folder / "scores" / f"model_{name}.parquet") for name in ("scores", "differences")
        )
        verdict = json.loads((folder / "scores" / "model_verdict.json").read_text())
    click.echo(
        f"{len(truth.doses)} doses x {len(truth.hours)} times x {truth.replicates} replicates, {truth}"
    )
    for table, who, value in ((scores, "Model", "Value"), (differences, "Against", "Difference")):
        of_dose = table[(table["Label"] == "Dose") & (table["Metric"] == METRIC)]
        if "Against" in of_dose:
            of_dose = of_dose[of_dose["Model"] == "network"]
        with pd.option_context("display.float_format", "{:.3f}".format):
            click.echo(of_dose[[who, value, "Low", "High"]].to_string(index=False))
    click.echo(f"dose: {'claimed' if verdict['dose']['claim'] else 'no claim'}: {verdict['dose']['why']}")
    click.echo("\n".join(verdict["notes"]))


if __name__ == "__main__":
    main()
