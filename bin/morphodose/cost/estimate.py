"""What a run on a screen will take: tasks, core-hours, GPU-hours, storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from morphodose.cost.rates import ON_GPU, WRITES_BY, Rate
from morphodose.cost.screen import Options, ScreenSize, amounts, repeats

NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Cost:
    """What one step will take; None where no rate of it was measured."""

    step: str
    tasks: int
    core_hours: float | None
    gpu_hours: float | None
    gigabytes: float | None
    source: str


def estimate(
    screen: ScreenSize, options: Options, rates: Mapping[tuple[str, str], Rate], cores: int = 4
) -> list[Cost]:
    """Cost of each step, in the order of the run.

    Parameters
    ----------
    screen, options : ScreenSize, Options
        What is run, and how.
    rates : mapping
        (step, device) → rate.
    cores : int
        Cores that a GPU task holds while it has its GPU.
    """
    amount = amounts(screen, options)
    costs = []
    for step, (tasks, times) in repeats(screen, options).items():
        on_gpu = options.use_gpu and step in ON_GPU
        rate = rates.get((step, "gpu" if on_gpu else "cpu"))
        # what a step writes is the same on either device
        writes = rate or rates.get((step, "cpu"))
        gigabytes = (
            amount[WRITES_BY.get(step, writes.unit)] * times * writes.bytes_per_unit / 1e9 if writes else None
        )
        if rate is None:
            costs.append(Cost(step, tasks, None, None if on_gpu else 0.0, gigabytes, NOT_MEASURED))
            continue
        hours = (tasks * rate.seconds_per_task + amount[rate.unit] * times * rate.seconds_per_unit) / 3600
        costs.append(
            Cost(
                step,
                tasks,
                hours * cores if on_gpu else hours,
                hours if on_gpu else 0.0,
                gigabytes,
                rate.source,
            )
        )
    return costs


def text(screen: ScreenSize, options: Options, costs: Sequence[Cost]) -> str:
    """The estimate as a page of plain text."""
    cells = screen.fields * options.cells_per_field
    lines = [
        f"{len(screen.wells_of)} acquisitions, {screen.wells} well-timepoints, {screen.fields} fields, "
        f"{screen.planes} planes of {screen.mpx:.2f} Mpx; about {cells:,.0f} cells "
        f"({options.cells_per_field:g} expected per field)",
        "",
        f"{'step':<22}{'tasks':>8}{'core-hours':>12}{'GPU-hours':>11}{'GB':>9}",
    ]
    lines += [_line(cost.step, cost.tasks, cost.core_hours, cost.gpu_hours, cost.gigabytes) for cost in costs]
    columns = (
        [cost.core_hours for cost in costs],
        [cost.gpu_hours for cost in costs],
        [cost.gigabytes for cost in costs],
    )
    total = [_total(values) for values in columns]
    least = [None in values for values in columns]
    lines += [_line("all", sum(cost.tasks for cost in costs), *total, least=least), ""]
    if total[2] is not None:
        lines.append(
            f"Storage: {'at least' if least[2] else 'about'} {total[2]:.1f} GB in the work directory, and as "
            "much again in the results if these are copied."
        )
    lines.append(f"Rates: {'; '.join(sorted({c.source for c in costs if c.source != NOT_MEASURED}))}.")
    lines += _missing(costs)
    lines.append("Nothing of the screen was processed.")
    return "\n".join(lines)


def _missing(costs: Sequence[Cost]) -> list[str]:
    """Which figures are not known, and where they come from."""
    on_gpu = [cost.step for cost in costs if cost.gpu_hours is None]
    others = [cost.step for cost in costs if cost.core_hours is None and cost.gpu_hours is not None]
    lines = []
    if on_gpu:
        why = (
            "the rates at hand lack them"
            if any(c.gpu_hours for c in costs)
            else "no rates for a GPU are shipped"
        )
        lines.append(
            f"GPU-hours and core-hours of {', '.join(on_gpu)} are not known, and not in the sums: {why}. "
            "Run a few wells of the screen with --use_gpu and the parameters of the full run, and give its "
            "results to the next dry run: --dry_run_results RESULTS "
            "(benchmarks/steps.py RESULTS --use_gpu --rates assets/rates.csv keeps its rates for good)."
        )
    if others:
        lines.append(
            f"Not in the sums, for no rate on CPUs was measured: {', '.join(others)}. A finished run of "
            "yours gives them: --dry_run_results RESULTS."
        )
    return lines


def _total(values: Sequence[float | None]) -> float | None:
    """Sum of what is known; None where that is nothing and something is not."""
    known = sum(value for value in values if value is not None)
    return known if known or None not in values else None


def _line(
    step: str, tasks: int, *figures: float | None, least: Sequence[bool] = (False, False, False)
) -> str:
    """One row of the table; ``?`` for what is not known, ``>`` before a sum that lacks something."""
    shown = [
        "?" if value is None else f"{'>' if lacks else ''}{value:.2f}"
        for value, lacks in zip(figures, least, strict=True)
    ]
    return f"{step:<22}{tasks:>8}{shown[0]:>12}{shown[1]:>11}{shown[2]:>9}"
