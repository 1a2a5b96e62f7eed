#!/usr/bin/env python3
"""What each step of a finished run cost, from Nextflow's trace and the tables of the results.

Run with ``PYTHONPATH=bin python benchmarks/steps.py RESULTS [--trace FILE] [--json]``. Seconds are those that
Nextflow calls realtime: wall time within the task, waiting for a busy disk or core included. They
are summed over the tasks of a step, so the sum is what the step would take on a single slot. Tasks found in
the cache count with the time they took when they ran.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from morphodose.cost.finished import rates_of, rows_below
from morphodose.cost.rates import UNIT_OF, WRITES_BY, Rate, read_rates, write_rates
from morphodose.cost.screen import Options, amounts, read_screen
from morphodose.cost.trace import BYTES, Step, find_trace, read_trace
from morphodose.errors import InputError

#: Step → the folder of the results that holds what it wrote.
WRITTEN = {
    "PROJECT_Z": "projected",
    "APPLY_ILLUMINATION": "corrected",
    "SEGMENT_CELLS": "segmented",
    "MEASURE_CELLS": "tables/cells",
    "ANNOTATE_CELLS": "tables/cells",
    "CROP_CELLS": "crops",
    "EMBED_CELLS": "tables/embeddings",
}


def write_measured(results: Path, trace: Path | None, rates: Path, source: str, options: Options) -> None:
    """Put the rates of a run, and what it wrote, into the table of rates.

    Seconds are core-seconds that were computed: on a machine that does other work, too, they say more than
    the wall time does.
    """
    known = read_rates(rates) if rates.is_file() else {}
    found, per_field = rates_of(results, trace, options, known, source, billed=False)
    amount = amounts(
        read_screen(results / "design" / "design.json"), replace(options, cells_per_field=per_field)
    )
    for (step, device), rate in found.items():
        folder = results / WRITTEN.get(step, "-")
        if rate.source == source and folder.is_dir():
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            found[step, device] = replace(rate, bytes_per_unit=size / amount[WRITES_BY.get(step, rate.unit)])
    order = list(UNIT_OF)
    ordered: dict[tuple[str, str], Rate] = {
        key: found[key] for key in sorted(found, key=lambda key: (order.index(key[0]), key[1]))
    }
    write_rates(ordered, rates)


def figures(steps: dict[str, Step], fields: int, cells: int) -> list[dict[str, float | int | str]]:
    """One row per step, and one for all of them."""
    total = Step(
        sum(step.tasks for step in steps.values()),
        sum(step.cached for step in steps.values()),
        sum(step.seconds for step in steps.values()),
        max((step.peak for step in steps.values()), default=0.0),
    )
    rows: list[dict[str, float | int | str]] = []
    for name, step in [*steps.items(), ("all", total)]:
        rows.append(
            {
                "step": name,
                "tasks": step.tasks,
                "cached": step.cached,
                "seconds": round(step.seconds, 1),
                "seconds_per_field": round(step.seconds / fields, 3) if fields else 0.0,
                "cells_per_second": round(cells / step.seconds, 1) if step.seconds else 0.0,
                "peak_mib": round(step.peak / BYTES["MB"]),
            }
        )
    return rows


def lines(rows: Iterable[dict[str, float | int | str]]) -> list[str]:
    """The rows as a Markdown table."""
    titles = ("step", "tasks", "of them cached", "s, all tasks", "s / field", "cells / s", "peak MiB")
    return [
        f"| {' | '.join(titles)} |",
        f"|---|{'--:|' * (len(titles) - 1)}",
        *(f"| {' | '.join(str(value) for value in row.values())} |" for row in rows),
    ]


@click.command()
@click.argument("results", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--trace", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Nextflow's trace."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option(
    "--rates",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Table of rates (assets/rates.csv) that the figures of this run go into.",
)
@click.option("--source", default="", help="With --rates: machine, date and screen of the run.")
@click.option("--epochs", default=10, help="With --rates: epochs of its trainings.")
@click.option("--use_gpu", is_flag=True, help="With --rates: its GPU steps had a GPU.")
def main(
    results: Path,
    trace: Path | None,
    as_json: bool,
    rates: Path | None,
    source: str,
    epochs: int,
    use_gpu: bool,
) -> None:
    """Print tasks, seconds, seconds per field, cells per second and peak memory of each step of a run."""
    try:
        fields, cells = (rows_below(results / "tables" / name) for name in ("images", "cells"))
        rows = figures(read_trace(trace or find_trace(results)), fields, cells)
        if rates:
            write_measured(
                results, trace, rates, source or results.name, Options(epochs=epochs, use_gpu=use_gpu)
            )
    except InputError as fault:
        raise click.ClickException(str(fault)) from None
    if as_json:
        click.echo(json.dumps({"fields": fields, "cells": cells, "steps": rows}))
        return
    click.echo(f"{fields} fields, {cells} cells")
    click.echo("\n".join(lines(rows)))


if __name__ == "__main__":
    main()
