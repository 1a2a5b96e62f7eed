"""Section: what the run cost beside what was foretold. Nextflow's trace tells it, after the last task."""

from __future__ import annotations

from typing import Any

from morphodose.cost.estimate import Cost, estimate
from morphodose.cost.rates import rates_of_lines
from morphodose.cost.screen import ScreenSize, options_of, size_of
from morphodose.errors import InputError
from morphodose.report.html import notice, paragraph, table
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section
from morphodose.steps.estimate_cost import STEP

#: Between these two `lib/cost.nf` writes the table, after the last task.
BEGIN, END = "<!--run-cost-->", "<!--/run-cost-->"


def section(screen: ReportInputs) -> Section:
    """The place of the table of tasks, time and memory of each step, and what was foretold of it.

    The script puts the two beside each other (`script_cost`).
    """
    unknown = (
        "<p>Not known in this copy of the page: it was written before the run had ended. The figures of each "
        "task are in <code>pipeline_info/trace.txt</code>.</p>"
    )
    actual = f'<div id="md-cost">{BEGIN}{unknown}{END}</div>'
    return Section("cost", "Cost", [Part("Time and memory", actual + _forecast(screen))])


def _forecast(screen: ReportInputs) -> str:
    try:
        size, costs = forecast(screen)
    except InputError as fault:
        return notice(f"Forecast left out: {fault}.")
    rows = [[cost.step, cost.tasks, _hours(cost.core_hours), _hours(cost.gpu_hours)] for cost in costs]
    text = (
        f"The forecast is that of --dry_run for the {size.fields:,} fields of this screen, with the "
        f"{cells_of_field(screen):.0f} cells that were found in one on average, by the rates that come with "
        "the pipeline. They were measured on one machine; another may be several times faster or slower."
    )
    headers = ["Step", "Tasks", "Core-hours", "GPU-hours"]
    return f'<div id="md-forecast">{paragraph(text)}<div>{table(headers, rows)}</div></div>'


def forecast(screen: ReportInputs) -> tuple[ScreenSize, list[Cost]]:
    """What the run was to cost, by its design, its parameters and the rates that its record has.

    Raises
    ------
    InputError
        If one of them is missing.
    """
    rates = screen.run.get("rates")
    if not rates:
        raise InputError("the record of the run has no rates of the steps (--run)")
    if not screen.params:
        raise InputError("the parameters were not given (--params, or in --run)")
    if not screen.design:
        raise InputError("the design was not given (--design)")
    size = size_of(screen.design, "the design (--design)")
    # the record of the run has no parameters without a value
    given: dict[str, Any] = dict.fromkeys((option.name for option in STEP.options), None)
    given |= {"brightfield_channel": "", "cell_method": "", **screen.params}
    options = options_of({**given, "cells_per_field": cells_of_field(screen)})
    return size, estimate(size, options, rates_of_lines(str(rates).splitlines(), "the record of the run"))


def cells_of_field(screen: ReportInputs) -> float:
    """Cells of a field on average.

    Raises
    ------
    InputError
        If the table has no counts of cells and fields.
    """
    wells = screen.wells
    if not {"Count_Cells", "Count_Fields"} <= set(wells) or not wells["Count_Fields"].sum():
        raise InputError("the table of wells has no counts of cells and fields")
    return float(wells["Count_Cells"].sum() / wells["Count_Fields"].sum())


def cost_data(screen: ReportInputs) -> dict[str, Any] | None:
    """For the script: what was foretold of each step, and which tasks are of which plate.

    Returns
    -------
    dict or None
        ``steps`` and ``gpu``: step → core-hours and GPU-hours foretold. ``plates``: their names; ``wells``:
        the well-timepoints of each; ``of``: acquisition → number of its plate. None without a forecast,
        which the section says.
    """
    try:
        size, costs = forecast(screen)
    except InputError:
        return None
    plate_of = {str(each["acquisition"]): str(each["plate"]) for each in screen.design["acquisitions"]}
    plates = list(dict.fromkeys(plate_of[name] for name in size.wells_of))
    wells = [sum(n for name, n in size.wells_of.items() if plate_of[name] == plate) for plate in plates]
    return {
        "steps": {cost.step: cost.core_hours for cost in costs},
        "gpu": {cost.step: cost.gpu_hours for cost in costs},
        "plates": plates,
        "wells": wells,
        "of": {name: plates.index(plate_of[name]) for name in size.wells_of},
    }


def _hours(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"
