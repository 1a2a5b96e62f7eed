#!/usr/bin/env python3
"""Tasks, core-hours, GPU-hours and storage of a screen, from measured rates; runs nothing of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from morphodose.cli import command
from morphodose.cost.estimate import estimate, text
from morphodose.cost.finished import rates_of
from morphodose.cost.rates import read_rates
from morphodose.cost.screen import Options, options_of, read_screen
from morphodose.options.flags import takes
from morphodose.steps.estimate_cost import STEP

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
@takes(STEP.options)
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
    options = options_of(choices)
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
