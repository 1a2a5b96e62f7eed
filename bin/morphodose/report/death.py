"""Section: death states over dose and time, and the gates that call them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from morphodose.report.answers import finite
from morphodose.report.draw import dose_name, key_outside, not_drawn, over_time, shown_compounds
from morphodose.report.figure import Album, panels
from morphodose.report.gates import acquisition_of, moved_words
from morphodose.report.html import folded, long_table, notice, paragraph, picture
from morphodose.report.inputs import Screen
from morphodose.report.parts import Part, Section
from morphodose.report.summary import conditions_of, doses_of
from morphodose.report.words import SINGLE_STATES, STATES, figure_text, hours, number, percent
from morphodose.units import unit_words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Compartment of a column → its words.
PLACES = {"Cells": "cell", "Nuclei": "nucleus", "Cytoplasm": "cytoplasm"}
#: State → its words and colour.
LOOKS = STATES | SINGLE_STATES
#: Gate plots that are open on the page.
OPEN_GATES = 2


def states_of(screen: Screen) -> list[str]:
    """Death states that the wells have fractions of; with a single marker viable and dead, or dying."""
    found = [state for state in STATES if screen.has(f"Fraction_{state}")]
    if found == ["Viable"]:
        found += [state for state in SINGLE_STATES if screen.has(f"Fraction_{state}")][:1]
    return found


def section(screen: Screen, album: Album) -> Section:
    """Stacked fractions over dose at each time, each state over time, and the gates."""
    states = states_of(screen)
    if not states or not screen.compounds:
        reason = screen.left_out("call_death") or "the table of wells has no fractions of death states"
        return Section("death", "Cell death", [Part("Death states", notice(f"Left out: {reason}."))])
    parts = []
    for index, compound in enumerate(shown_compounds(screen)):
        parts += _parts(screen, album, compound, states, index)
    parts[0] = replace(parts[0], html=not_drawn(screen) + parts[0].html)
    return Section("death", "Cell death", [*parts, _gates(screen)])


def _parts(screen: Screen, album: Album, compound: str, states: list[str], index: int) -> list[Part]:
    several = len(screen.compounds) > 1
    name, tag = (f" – {compound}", f"_{index + 1}") if several else ("", "")
    intro = paragraph(
        "States are the quadrants of Annexin V and propidium iodide: viable (neither), early apoptotic "
        "(Annexin V alone), late apoptotic (both), necrotic (propidium iodide alone). Fractions are among "
        "the cells still on the plate: read them beside the count, since cells that came off are dead too."
    )
    drawn = album.draw(f"death_states{tag}", lambda: _stacks(screen, compound, states))
    caption = (
        "Mean over wells. Black bar: 95 % interval over wells of all dying or dead cells (all but viable)."
    )
    parts = [
        Part(
            f"States over dose{name}",
            intro + drawn.html(f"Death states over dose, {compound}", caption),
        )
    ]
    body = ""
    if len(screen.timepoints) > 1:
        drawn = album.draw(f"death_over_time{tag}", lambda: _courses(screen, compound, states))
        body = drawn.html(
            f"Death states over time, {compound}", "Mean over wells and 95 % interval; a line a dose."
        )
    parts.append(
        Part(
            f"States over time{name}" if body else f"Fractions{name}",
            body,
            below=_table(screen, compound, states),
        )
    )
    return parts


def _means(screen: Screen, compound: str, states: list[str]) -> dict[str, pd.DataFrame]:
    return {
        s: conditions_of(screen, compound, f"Fraction_{s}").set_index(["Timepoint", "Dose"]) for s in states
    }


def _stacks(screen: Screen, compound: str, states: list[str]) -> Figure:
    """A panel a timepoint, a bar a dose, the states stacked."""
    import numpy as np

    frames = _means(screen, compound, states)
    first = frames[states[0]].reset_index()
    times, doses = sorted(first["Timepoint"].unique()), doses_of(first)
    unit = screen.dose_unit(compound)
    dying = (
        conditions_of(screen, compound, "Fraction_Dying").set_index(["Timepoint", "Dose"])
        if screen.has("Fraction_Dying")
        else None
    )
    figure, axes = panels(len(times), 3, max(3.3, 0.36 * len(doses) + 1), 3.0, sharey=True)
    for axis, time in zip(axes, times, strict=True):
        here = [d for d in doses if (time, d) in frames[states[0]].index]
        places = np.array([doses.index(d) for d in here], dtype=float)
        floor = np.zeros(len(here))
        for state in reversed(states):  # what is dead at the bottom, so that its height can be read
            height = np.array([frames[state].loc[(time, d), "Mean"] for d in here])
            axis.bar(
                places,
                height,
                bottom=floor,
                color=LOOKS[state][1],
                width=0.82,
                label=LOOKS[state][0],
                linewidth=0,
            )
            floor = floor + np.nan_to_num(height)
        if dying is not None:
            for place, dose in zip(places, here, strict=True):
                if (time, dose) in dying.index:
                    axis.vlines(
                        place, *dying.loc[(time, dose), ["Low", "High"]], color="black", linewidth=1.3
                    )
        axis.set_xticks(
            range(len(doses)),
            [dose_name(d, "") for d in doses],
            rotation=60,
            ha="right",
            rotation_mode="anchor",
        )
        axis.grid(False, axis="x")
        axis.set_ylim(0, 1)
        axis.set_title(hours(time))
        axis.set_xlabel(figure_text(f"dose ({unit_words(unit)})" if unit else "dose"))
    for axis in axes[:: min(3, len(axes))]:
        axis.set_ylabel("fraction of cells")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right upper", title=figure_text(compound))
    return figure


def _courses(screen: Screen, compound: str, states: list[str]) -> Figure:
    """A panel a state, a line a dose over time."""
    figure, axes = panels(len(states), 2, 5.0, 3.1)
    for axis, state in zip(axes, states, strict=True):
        over_time(axis, conditions_of(screen, compound, f"Fraction_{state}"), screen.dose_unit(compound))
        axis.set_title(LOOKS[state][0], color=LOOKS[state][1] if state != "EarlyApoptotic" else "#A87100")
        axis.set_ylabel("fraction of cells")
        axis.set_ylim(bottom=0)
    key_outside(figure, axes[0], figure_text(compound))
    return figure


def _table(screen: Screen, compound: str, states: list[str]) -> str:
    """Fractions of the last timepoint with their intervals."""
    last = screen.timepoints[-1]
    frames, unit = _means(screen, compound, states), screen.dose_unit(compound)
    rows = []
    for time, dose in frames[states[0]].index:
        if time == last:
            cells = [frames[s].loc[(time, dose)] for s in states]
            texts = [f"{percent(c['Mean'])} ({percent(c['Low'])} – {percent(c['High'])})" for c in cells]
            rows.append(["vehicle" if dose == 0 else dose_name(dose, unit), *texts, int(cells[0]["Wells"])])
    headers = ["Dose", *(LOOKS[s][0] for s in states), "Wells"]
    return paragraph(f"At {hours(last)}: mean over wells (95 % interval over wells).") + long_table(
        headers, rows, "doses"
    )


def _gates(screen: Screen) -> Part:
    """The gates of each acquisition, with their plots."""
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
    return Part("Gates", html)


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
