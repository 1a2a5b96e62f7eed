"""Rates of a finished run, from its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq

from morphodose.cost.rates import Rate, measured
from morphodose.cost.screen import Options, amounts, read_screen, repeats
from morphodose.cost.trace import find_trace, read_trace
from morphodose.errors import InputError
from morphodose.tables import readable


def rows_below(folder: str | Path) -> int:
    """Rows of all Parquet files of a folder, from their footers alone.

    Raises
    ------
    InputError
        If there are none, or one is not whole.
    """
    files = sorted(Path(folder).glob("*.parquet"))
    if not files:
        raise InputError(f"{folder}: no table; the results folder of a finished run is expected")
    rows = 0
    for file in files:
        with readable(file):
            rows += pq.read_metadata(file).num_rows
    return rows


def rates_of(
    results: Path,
    trace: Path | None,
    options: Options,
    known: Mapping[tuple[str, str], Rate],
    source: str = "",
    billed: bool = True,
) -> tuple[dict[tuple[str, str], Rate], float]:
    """`known` with the rates of a finished run in their place, and the cells of its fields.

    The run is taken to have had the `options`, its shards and epochs too.
    """
    screen = read_screen(results / "design" / "design.json")
    fields, cells = (rows_below(results / "tables" / name) for name in ("images", "cells"))
    per_field = cells / fields if fields else 0.0
    steps = read_trace(trace or find_trace(results))
    # corrected or not: the trace of the run tells, whatever is planned now
    illumination = "estimate" if "ESTIMATE_ILLUMINATION" in steps else options.illumination
    took = {"illumination": illumination, "estimate_diameters": "ESTIMATE_DIAMETERS" in steps}
    ran = Options(**{**asdict(options), "cells_per_field": per_field, **took})
    # tasks as they were, passes as they are planned
    through = {
        name: (steps[name].tasks if name in steps else tasks, times)
        for name, (tasks, times) in repeats(screen, ran).items()
    }
    device = "gpu" if options.use_gpu else "cpu"
    named = source or f"the run in {results.resolve().name}"  # staged as a link
    gpus = {"TRAIN_RESNET": options.training_gpus * options.training_nodes}
    return measured(steps, amounts(screen, ran), through, known, device, named, billed, gpus), per_field
