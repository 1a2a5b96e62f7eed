"""Death states of one compound over dose and time; section: the gates that call them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from morphodose.report.answers import NO_CELL, finite, no_cell
from morphodose.report.charts import Stack, stack_chart
from morphodose.report.draw import dose_name
from morphodose.report.gates import acquisition_of, moved_words
from morphodose.report.html import Safe, escape, figure, folded, long_table, notice, paragraph, picture
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section
from morphodose.report.summary import conditions_of, doses_of, no_interval
from morphodose.report.words import SINGLE_STATES, STATES, hours, number, percent
from morphodose.units import unit_words

if TYPE_CHECKING:
    import pandas as pd

#: Compartment of a column → its words.
PLACES = {"Cells": "cell", "Nuclei": "nucleus", "Cytoplasm": "cytoplasm"}
#: State → its words and colour.
LOOKS = STATES | SINGLE_STATES
#: Fraction that is shown at moved gates, too.
MOVED = "Fraction_Viable"
#: Gate plots that are open on the page.
OPEN_GATES = 2


def states_of(screen: ReportInputs) -> list[str]:
    """Death states that the wells have fractions of; with a single marker viable and dead, or dying."""
    found = [state for state in STATES if screen.has(f"Fraction_{state}")]
    if found == ["Viable"]:
        found += [state for state in SINGLE_STATES if screen.has(f"Fraction_{state}")][:1]
    return found


def view(screen: ReportInputs, compound: str) -> str:
    """Stacked shares of the states over the dose, one chart for each time, and the last time in figures."""
    states = states_of(screen)
    if not states:
        none = NO_CELL if no_cell(screen.wells) else "the table of wells has no fractions of death states"
        reason = screen.left_out("call_death") or none
        return notice(f"Left out: {reason}.")
    frames = _means(screen, compound, states)
    first = frames[states[0]].reset_index()
    times, doses = sorted(first["Timepoint"].unique()), doses_of(first)
    unit = unit_words(screen.dose_unit(compound))
    dying = (
        conditions_of(screen, compound, "Fraction_Dying").set_index(["Timepoint", "Dose"])
        if screen.has("Fraction_Dying")
        else None
    )
    order = states[::-1]  # what is dead at the bottom, so that its height can be read
    names, colours = [LOOKS[s][0] for s in order], [LOOKS[s][1] for s in order]
    drawn = ""
    for time in times:
        stacks = []
        for dose in doses:
            place = (time, dose)
            if place not in frames[states[0]].index:
                continue
            limits = (math.nan, math.nan)
            if dying is not None and place in dying.index:
                limits = (float(dying.loc[place, "Low"]), float(dying.loc[place, "High"]))
            shares = [float(frames[s].loc[place, "Mean"]) if place in frames[s].index else 0.0 for s in order]
            stacks.append(Stack("vehicle" if dose == 0 else dose_name(dose, ""), shares, *limits))
        label = f"dose ({unit})" if unit else "dose"
        drawn += stack_chart(stacks, names, colours, hours(time), label)
    key = "".join(
        f'<li><span class="md-swatch" style="background:{colour}"></span>{escape(name)}</li>'
        for name, colour in zip(names[::-1], colours[::-1], strict=True)
    )
    line = "<li>line: 95 % interval over wells of all but viable</li>" if dying is not None else ""
    note = Safe(f'<ul class="md-legend">{key}{line}</ul>')
    return figure(Safe(f'<div class="md-row">{drawn}</div>'), "death states", note) + folded(
        f"Shares at {hours(screen.timepoints[-1])}", _table(screen, compound, states)
    )


def _means(screen: ReportInputs, compound: str, states: list[str]) -> dict[str, pd.DataFrame]:
    return {
        s: conditions_of(screen, compound, f"Fraction_{s}").set_index(["Timepoint", "Dose"]) for s in states
    }


def _table(screen: ReportInputs, compound: str, states: list[str]) -> str:
    """Fractions of the last timepoint with their intervals."""
    last = screen.timepoints[-1]
    frames, unit = _means(screen, compound, states), screen.dose_unit(compound)
    rows = []
    for time, dose in frames[states[0]].index:
        if time == last:
            cells = [frames[s].loc[(time, dose)] for s in states]
            texts = [
                f"{percent(c['Mean'])} ({percent(c['Low'])} – {percent(c['High'])})"
                if finite(c["Low"])
                else f"{percent(c['Mean'])} ({no_interval(c['Wells'])})"
                for c in cells
            ]
            name = "vehicle" if dose == 0 else dose_name(dose, unit)
            rows.append([name, *texts, *_moved(screen, compound, (time, dose)), int(cells[0]["Wells"])])
    moved = ["Viable, gates lower – higher"] if screen.has(f"{MOVED}_GateLower") else []
    headers = ["Dose", *(LOOKS[s][0] for s in states), *moved, "Wells"]
    text = f"At {hours(last)}: mean over wells (95 % interval over wells)."
    if moved:
        text += " Gates lower – higher: the mean with all gates 0.1 of a decade lower and higher."
    return paragraph(text) + long_table(headers, rows, "doses")


def _moved(screen: ReportInputs, compound: str, place: tuple[float, float]) -> list[str]:
    """Viable share at moved gates at one time and dose; nothing where the wells do not have it."""
    found = []
    for end in ("GateLower", "GateHigher") if screen.has(f"{MOVED}_GateLower") else ():
        frame = conditions_of(screen, compound, f"{MOVED}_{end}").set_index(["Timepoint", "Dose"])
        found.append(percent(float(frame.loc[place, "Mean"])) if place in frame.index else "")
    return [" – ".join(found)] if any(found) else [""] * bool(found)


def section(screen: ReportInputs) -> Section:
    """The gates of each acquisition, those to look at first, with their plots."""
    reason = screen.left_out("call_death")
    if reason and screen.gates.empty:
        return Section("gates", "Death gates", [Part("", notice(f"Left out: {reason}."))])
    text = paragraph(
        "A gate is the intensity above which a cell counts as stained. Gates are fitted on the control wells "
        "of the same plate and timepoint, never on the treated wells that they judge."
    )
    rows = gate_rows(screen.gates)
    headers = [
        "Acquisition",
        "Stain",
        "Channel",
        "Measured in",
        "Gate (counts)",
        "Method",
        "Vehicle cells",
        "of them above",
        "Treated cells above (gate higher – lower by 0.1 of a decade)",
        "Remark",
    ]
    html = text + (
        long_table(headers, rows, "gates")
        if rows
        else notice(f"Left out: {screen.why_missing('call_death', 'gates')}.")
    )
    pictures = [
        picture(path.read_bytes(), f"Gates of {name}", name, 1000) for name, path in screen.gate_plots.items()
    ]
    html += "".join(pictures[:OPEN_GATES])
    if len(pictures) > OPEN_GATES:
        html += folded(
            f"Gates of {len(pictures) - OPEN_GATES} more acquisitions", "".join(pictures[OPEN_GATES:])
        )
    return Section("gates", "Death gates", [Part("", html)])


def gate_rows(gates: pd.DataFrame) -> list[list[object]]:
    """Rows of the table of gates; a gate that could not be set says why."""
    rows: list[list[object]] = []
    for gate in gates.to_dict("records"):
        threshold, share = gate.get("Threshold"), gate.get("Fraction_VehiclePositive")
        rows.append(
            [
                acquisition_of(gate),
                gate.get("Stain"),
                gate.get("Channel"),
                PLACES.get(str(gate.get("Column")).partition("_")[0]),
                number(threshold, 4) if finite(threshold) else "no gate",
                gate.get("Method") or None,
                int(gate["Count_VehicleCells"]) if finite(gate.get("Count_VehicleCells")) else None,
                percent(share, 1) if finite(share) else None,
                moved_words(gate),
                "; ".join(str(gate[name]) for name in ("Reason", "Doubt") if isinstance(gate.get(name), str)),
            ]
        )
    return rows
