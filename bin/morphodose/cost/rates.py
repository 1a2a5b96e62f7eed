"""Rates of the steps: a small table, measured on a run and used for the next."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from morphodose.cost.trace import Step
from morphodose.errors import InputError
from morphodose.spreadsheets import write_csv_rows
from morphodose.steps.registry import STEPS

#: Step → the unit that its work grows with.
UNIT_OF = {step.name: step.work for step in STEPS if step.work}
#: Step → the unit that what it writes grows with, where that is another.
WRITES_BY = {step.name: step.writes for step in STEPS if step.writes}
#: Steps that take a GPU where there is one.
ON_GPU = tuple(step.name for step in STEPS if step.gpu)


@dataclass(frozen=True)
class Rate:
    """What a step takes.

    Attributes
    ----------
    step, device : str
        ``cpu``: core-seconds on CPUs; ``gpu``: seconds of one GPU, with its cores.
    seconds_per_task : float
        What each task pays for itself: start, imports, weights.
    unit : str
        What its work grows with, of `morphodose.cost.screen.UNITS`.
    seconds_per_unit, bytes_per_unit : float
        Time, and what it writes (`WRITES_BY`), for each of them.
    source : str
        Where it was measured.
    """

    step: str
    device: str
    seconds_per_task: float
    unit: str
    seconds_per_unit: float
    bytes_per_unit: float
    source: str


def read_rates(path: str | Path) -> dict[tuple[str, str], Rate]:
    """(step, device) → rate.

    Raises
    ------
    InputError
        If a column is missing or a value is not a number.
    """
    with open(path, newline="", encoding="utf-8") as handle:
        return rates_of_lines(handle, str(path))


def rates_of_lines(lines: Iterable[str], source: str) -> dict[tuple[str, str], Rate]:
    """(step, device) → rate, of the lines of a table; `source` is what messages call it.

    Raises
    ------
    InputError
        If a line is not a rate.
    """
    names = [field.name for field in fields(Rate)]
    rates = {}
    for line, row in enumerate(csv.DictReader(lines), start=2):
        try:
            numbers = {name: float(row[name]) for name in names if "_per_" in name}
            rate = Rate(**{**{name: row[name] for name in names}, **numbers})  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError) as fault:
            raise InputError(f"{source}, line {line}: not a rate ({fault!r}): {','.join(names)}") from fault
        rates[rate.step, rate.device] = rate
    return rates


def write_rates(rates: Mapping[tuple[str, str], Rate], path: str | Path) -> None:
    """Write the table."""
    rows = (
        [f"{value:.4g}" if isinstance(value, float) else value for value in astuple(rate)]
        for rate in rates.values()
    )
    write_csv_rows(path, [field.name for field in fields(Rate)], rows)


def measured(
    steps: Mapping[str, Step],
    amount: Mapping[str, float],
    through: Mapping[str, tuple[int, float]],
    known: Mapping[tuple[str, str], Rate],
    device: str,
    source: str,
    billed: bool,
    gpus: Mapping[str, int] | None = None,
) -> dict[tuple[str, str], Rate]:
    """`known` with the rates of a finished run in the place of its own.

    Parameters
    ----------
    steps : mapping
        What the trace says.
    amount, through : mapping
        What `morphodose.cost.screen` says of the screen that was run.
    known : mapping
        Rates so far. What a task pays for itself, and what it writes, stay as they are there.
    device : str
        ``gpu`` where the GPU steps of this run had one.
    source : str
        To be said of the new rates.
    billed : bool
        Count wall time, which a scheduler bills; else, on CPUs, the core-seconds computed, free of waiting.
    gpus : mapping
        Step → GPUs, or processes on CPUs, of one task, where they are several.
    """
    rates = dict(known)
    for name, step in steps.items():
        if name not in UNIT_OF or name not in through:
            continue
        key = (name, device if name in ON_GPU else "cpu")
        wall = step.seconds * (gpus or {}).get(name, 1)
        before = known.get(key) or known.get((name, "cpu"))
        start = before.seconds_per_task if before else 0.0
        total = wall if billed or key[1] == "gpu" else step.used
        units = amount[UNIT_OF[name]] * through[name][1]
        # no more for the start than all it took
        start = min(start, total / step.tasks)
        rates[key] = Rate(
            *key,
            start,
            UNIT_OF[name],
            (total - step.tasks * start) / units if units else 0.0,
            before.bytes_per_unit if before else 0.0,
            source,
        )
    return rates
