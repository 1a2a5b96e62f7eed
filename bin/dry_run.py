#!/usr/bin/env python3
"""Tasks, core-hours, GPU-hours and storage of a screen, from measured rates; runs nothing of it."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import click

from morphodose.cli import command
from morphodose.cost.estimate import estimate, text
from morphodose.cost.finished import rates_of
from morphodose.cost.rates import read_rates
from morphodose.cost.screen import Options, read_screen
from morphodose.evaluation.splits import SPLITS

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@command
@click.option("--design", required=True, type=FILE, help="design.json of check_design.")
@click.option("--rates", required=True, type=FILE, help="Measured rates, assets/rates.csv.")
@click.option(
    "--results",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Results of an earlier run: its trace gives rates, and its tables the cells of a field.",
)
@click.option("--trace", type=FILE, help="The trace of that run, where it is not in its results.")
@click.option("--wells_per_task", default=1, type=click.IntRange(1), help="Well-timepoints per task.")
@click.option("--segmentation_shard", default=12, type=click.IntRange(1), help="Well-timepoints per task.")
@click.option("--embedding_shard", default=12, type=click.IntRange(1), help="Well-timepoints per task.")
@click.option("--illumination", default="none", help="As the pipeline's parameter.")
@click.option("--death/--no_death", default=True, help="Whether the screen has a death marker.")
@click.option("--deep/--no_deep", default=True, help="Whether deep profiles are made.")
@click.option("--split", default="auto", type=click.Choice(SPLITS), help="As the pipeline's parameter.")
@click.option("--split_folds", default=0, type=click.IntRange(0), help="As split_cells' --folds.")
@click.option(
    "--controls", default="all", type=click.Choice(["all", "one", "none"]), help="Control networks."
)
@click.option("--epochs", default=10, type=click.IntRange(1), help="Epochs of a training.")
@click.option("--max_training_cells", default=0, type=click.IntRange(0), help="Of a network; 0 is all.")
@click.option("--crop_channels", default=1, type=click.IntRange(1), help="How many make a crop.")
@click.option("--training_gpus", default=1, type=click.IntRange(1), help="As the pipeline's parameter.")
@click.option("--training_nodes", default=1, type=click.IntRange(1), help="As the pipeline's parameter.")
@click.option("--imagenet", is_flag=True, help="Embed by ImageNet weights, too.")
@click.option("--estimate_diameters", is_flag=True, help="Diameters are not given.")
@click.option("--use_gpu", is_flag=True, help="GPU steps run on GPUs.")
@click.option("--gpu_cores", default=4, type=click.IntRange(1), help="Cores that a GPU task holds.")
@click.option(
    "--cells_per_field",
    type=click.FloatRange(min=0),
    help="Cells expected in a field; those of --results, else 800.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Also write it as JSON.")
def main(
    design: Path,
    rates: Path,
    results: Path | None,
    trace: Path | None,
    gpu_cores: int,
    cells_per_field: float | None,
    out: Path | None,
    **choices: Any,
) -> None:
    """Print what a run on the screen of DESIGN would take."""
    known = read_rates(rates)
    names = {field.name for field in fields(Options)}
    options = Options(**{name: value for name, value in choices.items() if name in names})
    if results:
        known, seen = rates_of(results, trace, options, known)
        cells_per_field = cells_per_field if cells_per_field is not None else seen
    if cells_per_field is not None:
        options = Options(**{**asdict(options), "cells_per_field": cells_per_field})
    screen = read_screen(design)
    costs = estimate(screen, options, known, gpu_cores)
    click.echo(text(screen, options, costs))
    if out:
        out.write_text(json.dumps([asdict(cost) for cost in costs], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
