#!/usr/bin/env python3
"""What each step of a finished run cost, from Nextflow's trace and the tables of the results.

Run with ``PYTHONPATH=bin python benchmarks/steps.py RESULTS [--trace FILE] [--json]``. Seconds are those that
Nextflow calls realtime: wall time within the task, waiting for a busy disk or core included. They
are summed over the tasks of a step, so the sum is what the step would take on a single slot. Tasks found in
the cache count with the time they took when they ran.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click
import pyarrow.parquet as pq

from morphodose.errors import InputError

#: Seconds of the units in a trace; longest name first, since ``ms`` is no minute.
SECONDS = {"ms": 0.001, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
#: Bytes of the units in a trace.
BYTES = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
NEEDED = ("process", "status", "realtime", "peak_rss")
DONE = ("COMPLETED", "CACHED")


@dataclass
class Step:
    """Sums over the finished tasks of a step; peak memory in bytes, 0 where the trace does not say."""

    tasks: int = 0
    cached: int = 0
    seconds: float = 0.0
    peak: float = 0.0


def seconds_of(text: str) -> float:
    """Seconds of a duration as a trace writes it: ``1h 2m 3.4s``, ``350ms``, or plain milliseconds."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text) / 1000
    return sum(float(number) * SECONDS[unit] for number, unit in re.findall(r"([\d.]+)(ms|[dhms])", text))


def bytes_of(text: str) -> float:
    """Bytes of a size as a trace writes it: ``133.8 MB``, or a plain number; 0 for ``-``."""
    found = re.fullmatch(r"([\d.]+)\s*([KMGT]?B)?", text)
    return float(found[1]) * BYTES[found[2] or "B"] if found else 0.0


def read_trace(path: Path) -> dict[str, Step]:
    """Steps of a trace, in the order of their first task.

    Raises
    ------
    InputError
        If the file is no trace with the columns `NEEDED`.
    """
    with open(path, newline="", encoding="utf-8") as handle:
        reader = csv.DictReader(handle, delimiter="\t")
        missing = [name for name in NEEDED if name not in (reader.fieldnames or [])]
        if missing:
            raise InputError(f"{path}: no column {', '.join(missing)}; a trace of Nextflow is expected")
        rows = [row for row in reader if row["status"] in DONE]
    if rows and "task_id" in rows[0]:
        rows.sort(key=lambda row: int(row["task_id"]))
    steps: dict[str, Step] = {}
    for row in rows:
        step = steps.setdefault(row["process"].rpartition(":")[2], Step())
        step.tasks += 1
        step.cached += row["status"] == "CACHED"
        step.seconds += seconds_of(row["realtime"])
        step.peak = max(step.peak, bytes_of(row["peak_rss"]))
    return steps


def rows_below(folder: Path) -> int:
    """Rows of all Parquet files of a folder, from their footers alone."""
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise InputError(f"{folder}: no table; the results folder of a finished run is expected")
    return sum(pq.read_metadata(file).num_rows for file in files)


def find_trace(results: Path) -> Path:
    """The trace of a run in its results.

    Raises
    ------
    InputError
        If it is not there.
    """
    trace = results / "pipeline_info" / "trace.txt"
    if not trace.is_file():
        raise InputError(
            f"{trace}: no trace; give it by --trace (under Nextflow's strict parser it is in pipeline_info/ "
            "of the folder that the run was started in)"
        )
    return trace


def figures(steps: dict[str, Step], fields: int, cells: int) -> list[dict[str, float | int | str]]:
    """One row a step, and one for all of them."""
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
def main(results: Path, trace: Path | None, as_json: bool) -> None:
    """Print tasks, seconds, seconds a field, cells a second and peak memory of each step of a run."""
    try:
        fields, cells = (rows_below(results / "tables" / name) for name in ("images", "cells"))
        rows = figures(read_trace(trace or find_trace(results)), fields, cells)
    except InputError as fault:
        raise click.ClickException(str(fault)) from None
    if as_json:
        click.echo(json.dumps({"fields": fields, "cells": cells, "steps": rows}))
        return
    click.echo(f"{fields} fields, {cells} cells")
    click.echo("\n".join(lines(rows)))


if __name__ == "__main__":
    main()
