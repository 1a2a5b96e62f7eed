"""What a run on a screen will take: tasks, core-hours, GPU-hours, storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from morphodose.cost.rates import ON_GPU, WRITES_BY, Rate
from morphodose.cost.screen import Options, Screen, amounts, repeats


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
    screen: Screen, options: Options, rates: Mapping[tuple[str, str], Rate], cores: int = 4
) -> list[Cost]:
    """Cost of each step, in the order of the run.

    Parameters
    ----------
    screen, options : Screen, Options
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
        if rate is None:
            costs.append(Cost(step, tasks, None, None if on_gpu else 0.0, None, "not measured"))
            continue
        units = amount[rate.unit] * times
        hours = (tasks * rate.seconds_per_task + units * rate.seconds_per_unit) / 3600
        costs.append(
            Cost(
                step,
                tasks,
                hours * cores if on_gpu else hours,
                hours if on_gpu else 0.0,
                amount[WRITES_BY.get(step, rate.unit)] * times * rate.bytes_per_unit / 1e9,
                rate.source,
            )
        )
    return costs


def text(screen: Screen, options: Options, costs: Sequence[Cost]) -> str:
    """The estimate as a page of plain text."""
    cells = screen.fields * options.cells_per_field
    lines = [
        f"{len(screen.wells_of)} acquisitions, {screen.wells} well-timepoints, {screen.fields} fields, "
        f"{screen.planes} planes of {screen.mpx:.2f} Mpx; about {cells:,.0f} cells "
        f"({options.cells_per_field:g} a field expected)",
        "",
        f"{'step':<22}{'tasks':>8}{'core-hours':>12}{'GPU-hours':>11}{'GB':>9}",
    ]
    lines += [_line(cost.step, cost.tasks, cost.core_hours, cost.gpu_hours, cost.gigabytes) for cost in costs]
    total = [
        sum(value for value in values if value is not None)
        for values in (
            [c.core_hours for c in costs],
            [c.gpu_hours for c in costs],
            [c.gigabytes for c in costs],
        )
    ]
    lines += [_line("all", sum(cost.tasks for cost in costs), *total), ""]
    lines.append(
        f"Storage: about {total[2]:.1f} GB in the work directory, and as much again in the results if these "
        "are copied."
    )
    lines.append(f"Rates: {'; '.join(sorted({c.source for c in costs if c.source != 'not measured'}))}.")
    unknown = [cost.step for cost in costs if cost.core_hours is None]
    if unknown:
        device = "a GPU" if options.use_gpu else "CPUs"
        lines.append(
            f"Not in the sums, for no rate on {device} was measured: {', '.join(unknown)}. A finished run of "
            "yours gives them: --dry_run_results <its results>."
        )
    lines.append("Nothing of the screen was processed.")
    return "\n".join(lines)


def _line(step: str, tasks: int, *figures: float | None) -> str:
    """One row of the table; ``?`` for what is not known."""
    widths = zip(figures, (12, 11, 9), strict=True)
    shown = "".join(f"{'?' if value is None else f'{value:.2f}':>{width}}" for value, width in widths)
    return f"{step:<22}{tasks:>8}{shown}"
