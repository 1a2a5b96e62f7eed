"""Section: fitted dose-response curves with the wells they were fitted to, and the table of EC50s."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from morphodose.report.answers import badge, ec50_words, finite, interval, no_curves
from morphodose.report.draw import shown_compounds
from morphodose.report.figure import Album, DoseAxis, panels
from morphodose.report.html import escape, folded, notice, paragraph, table
from morphodose.report.inputs import Screen
from morphodose.report.parts import Part, Section
from morphodose.report.primary import hit_parts
from morphodose.report.summary import wells_of
from morphodose.report.svg import PANEL, Frame, curve_svg
from morphodose.report.words import (
    VEHICLE_COLOUR,
    endpoint_words,
    figure_text,
    file_name,
    hours,
    minus,
    number,
    ramp,
)
from morphodose.units import unit_words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Endpoints that come first, in this order; endpoints of the user stand before all of them.
FIRST = (
    "Fraction_Dying",
    "Fraction_Dead",
    "Relative_CellCount",
    "Relative_NucleiCount",
    "Relative_ViableCount",
)
#: Hits whose curves are drawn as files where neither all nor none are asked for.
MOST_FIGURED = 6
#: Compounds whose pictures and curves are all open; of more one is chosen.
MOST_OPEN = 3
STATE_COLOURS = {"fitted": "#1F6F9F", "imprecise": "#B07700", "unbounded": "#B07700", "refused": "#7F7F7F"}


def endpoint_order(responses: pd.DataFrame) -> list[str]:
    """Endpoints, the user's first, then death and counts, then the others as they come."""
    given = list(dict.fromkeys(responses["Endpoint"].astype(str))) if "Endpoint" in responses else []
    user = [name for name in given if name.startswith("Endpoint_")]
    first = [name for name in FIRST if name in given]
    # cells lost are cells that remain, read from the other end
    last = [name for name in given if name == "Fraction_Lost"]
    return [*user, *first, *(name for name in given if name not in {*user, *first, *last}), *last]


def rows_of(responses: pd.DataFrame, compound: str, endpoint: str) -> list[Mapping[str, Any]]:
    """Rows of `responses` of one compound and endpoint, by time."""
    mine = responses[
        (responses["Metadata_Compound"].astype(str) == compound) & (responses["Endpoint"] == endpoint)
    ]
    return [
        {str(k): v for k, v in row.items()}
        for row in mine.sort_values("Metadata_Timepoint").to_dict("records")
    ]


def section(screen: Screen, album: Album) -> Section:
    """EC50s over time, a figure an endpoint, and the table of all responses."""
    title = "Dose response"
    if screen.responses.empty or not screen.compounds:
        why = no_curves(screen)
        return Section(
            "curves", title, [Part("Fitted curves", notice(f"Left out: {why}.")), *hit_parts(screen)]
        )
    endpoints = endpoint_order(screen.responses)
    parts = [*hit_parts(screen), Part("EC50 of each endpoint", _reading() + ec50_table(screen, endpoints))]
    if len(screen.timepoints) > 1 and (screen.responses["State"] == "fitted").any():
        drawn = album.draw("ec50_over_time", lambda: _ec50_figure(screen, endpoints))
        caption = (
            "EC50 with its 95 % interval. An open triangle is an unbounded curve: it stands at the bound and "
            "points to where the EC50 is."
        )
        parts.append(Part("EC50 over time", drawn.html("EC50 over time", caption)))
    for compound in figured(screen):  # files for papers; the page draws the curves of all compounds itself
        tag = f"{file_name(compound)}_" if len(screen.compounds) > 1 else ""
        for endpoint in endpoints:
            if rows_of(screen.responses, compound, endpoint):
                album.draw(
                    f"curve_{tag}{file_name(endpoint)}", partial(_figure, screen, endpoint, [compound])
                )
    parts.append(Part("Curves", _views(screen, endpoints)))
    parts.append(Part("All fits", _all_fits(screen, endpoints)))
    return Section("curves", title, parts)


def figured(screen: Screen) -> list[str]:
    """Compounds whose curves are drawn as files: by `Screen.figures` the leading hits, all, or none."""
    if screen.figures == "none":
        return []
    if screen.figures == "all":
        return [hit.compound for hit in screen.ranked]
    hits = [hit.compound for hit in screen.ranked if hit.main is not None and hit.main["State"] != "refused"]
    return hits[:MOST_FIGURED]


def _reading() -> str:
    return paragraph(
        "Four-parameter logistic curves on the values of wells. “Fitted”: the curve reaches its plateau "
        "among the doses, and the EC50 has an interval. “Imprecise”: the same, but the interval spans more "
        "than tenfold. “Unbounded”: the plateau is not reached, so only a bound of the EC50 is known. "
        "“Refused”: the wells do not support a curve, and no number is given."
    )


def ec50_table(screen: Screen, endpoints: list[str]) -> str:
    """A row a compound and endpoint, a column a timepoint."""
    times = screen.timepoints
    rows: list[list[object]] = []
    for compound in screen.compounds:
        for endpoint in endpoints:
            found = {float(r["Metadata_Timepoint"]): r for r in rows_of(screen.responses, compound, endpoint)}
            if found:
                cells: list[object] = [_cell(found[t]) if t in found else None for t in times]
                rows.append([compound, endpoint_words(endpoint, screen.units), *cells])
    html = table(["Compound", "Endpoint", *(hours(t) for t in times)], rows[:24])
    return html + (
        folded(
            f"{len(rows) - 24} more rows",
            table(["Compound", "Endpoint", *(hours(t) for t in times)], rows[24:]),
        )
        if len(rows) > 24
        else ""
    )


def _cell(row: Mapping[str, Any]) -> object:
    from morphodose.report.html import Safe, escape

    if row["State"] == "refused":
        return badge("refused")
    zprime = f" Z′ {minus(row['ZPrime'])}" if finite(row.get("ZPrime")) else ""
    return Safe(f"{escape(ec50_words(row))}<br>{badge(row['State'])}{zprime}")


def _views(screen: Screen, endpoints: list[str]) -> str:
    """Curves of every compound, endpoint and timepoint; of many compounds those of a chosen one."""
    text = paragraph(
        "Points: wells (hollow: vehicle). Line and band: fitted curve and its 95 % band; dashed where the "
        "EC50 is imprecise or unbounded, none where it was refused. Dotted: EC50, its interval shaded."
    )
    names = [hit.compound for hit in screen.ranked]
    views = [_view(screen, name, endpoints) for name in names]
    if len(names) <= MOST_OPEN:
        several = len(names) > 1
        return text + "".join(
            (f'<h4 class="md-name">{escape(name)}</h4>' if several else "") + view
            for name, view in zip(names, views, strict=True)
        )
    options = "".join(f'<option value="{i}">{escape(name)}</option>' for i, name in enumerate(names))
    templates = "".join(f'<template id="md-curves-{i}">{view}</template>' for i, view in enumerate(views))
    return (
        f"{text}<label>Compound <select data-choose>{options}</select></label>"
        f'<div class="md-view" data-view="md-curves" aria-live="polite">{views[0]}</div>{templates}'
    )


def _view(screen: Screen, compound: str, endpoints: list[str]) -> str:
    """A row an endpoint, a curve a timepoint."""
    html = ""
    for endpoint in endpoints:
        if endpoint == "Fraction_Lost":
            continue  # cells that remain, read from the other end
        rows = rows_of(screen.responses, compound, endpoint)
        drawn = "".join(curve_drawing(screen, compound, row, PANEL) for row in rows)
        html += f'<div class="md-row">{drawn}</div>' if drawn else ""
    return html


def curve_drawing(screen: Screen, compound: str, row: Mapping[str, Any], frame: Frame) -> str:
    """Curve of one row of `responses` with its wells, as SVG."""
    wells = wells_of(screen, compound)
    wells = wells[wells["Metadata_Timepoint"] == row["Metadata_Timepoint"]]
    words = endpoint_words(str(row["Endpoint"]), screen.units)
    title = f"{hours(row['Metadata_Timepoint'])}: {words}"
    return curve_svg(row, wells, curve_of(screen, row), words, frame, title)


def curve_of(screen: Screen, row: Mapping[str, Any]) -> pd.DataFrame:
    """Points of the fitted curve of a row of `responses`: ``Dose``, ``Fit``, ``Low``, ``High``, by dose."""
    import pandas as pd

    curves = screen.curves
    if curves.empty:
        return pd.DataFrame(columns=["Dose", "Fit", "Low", "High"])
    mine = curves[
        (curves["Metadata_Compound"].astype(str) == str(row["Metadata_Compound"]))
        & (curves["Endpoint"] == row["Endpoint"])
        & (curves["Metadata_Timepoint"] == row["Metadata_Timepoint"])
    ]
    return mine.sort_values("Dose")


def _figure(screen: Screen, endpoint: str, compounds: list[str]) -> Figure:
    """A row a compound, a panel a timepoint."""
    jobs = [(c, row) for c in compounds for row in rows_of(screen.responses, c, endpoint)]
    times = len({row["Metadata_Timepoint"] for _, row in jobs})
    across = times if len(compounds) > 1 and times <= 4 else 3
    if len(compounds) > 1 and times == 1:
        across = min(3, len(compounds))
    figure, axes = panels(len(jobs), across, 3.7, 3.1, sharey=True)
    for axis, (compound, row) in zip(axes, jobs, strict=True):
        wells = wells_of(screen, compound)
        wells = wells[wells["Metadata_Timepoint"] == row["Metadata_Timepoint"]]
        _panel(axis, screen, endpoint, wells, row)
        name = f"{compound}, " if len(screen.compounds) > 1 else ""
        axis.set_title(figure_text(f"{name}{hours(row['Metadata_Timepoint'])}"))
    words = endpoint_words(endpoint, screen.units)
    for axis in axes[::across]:
        axis.set_ylabel("\n".join(textwrap.wrap(figure_text(words), 26)))
    low, high = axes[0].get_ylim()
    if endpoint.startswith(("Fraction_", "Relative_")):
        axes[0].set_ylim(min(0.0, low) if endpoint == "Fraction_Lost" else 0.0, max(high, 0.1))
    return figure


def _panel(axes: Axes, screen: Screen, endpoint: str, wells: pd.DataFrame, row: Mapping[str, Any]) -> None:
    state = str(row["State"])
    axis = DoseAxis.of(list(wells["Dose"]))
    colour = STATE_COLOURS.get(state, "#7F7F7F")
    curve = curve_of(screen, row)
    above = curve[curve["Dose"] > 0] if len(curve) else curve
    if state != "refused" and len(above):
        if above["Low"].notna().any():
            axes.fill_between(
                above["Dose"], above["Low"], above["High"], color=colour, alpha=0.18, linewidth=0
            )
        axes.plot(
            above["Dose"],
            above["Fit"],
            color=colour,
            linewidth=2,
            linestyle="-" if state == "fitted" else "--",
        )
    if state in ("fitted", "imprecise") and finite(row.get("EC50")):
        low, high = row.get("EC50_Low"), row.get("EC50_High")
        if finite(low) and finite(high):
            axes.axvspan(low, high, color="#999999", alpha=0.16, linewidth=0)
        axes.axvline(row["EC50"], color="#333333", linewidth=1.1, linestyle=":")
    if endpoint in wells:
        vehicle = wells["Dose"] == 0
        for mine, tint in ((vehicle, VEHICLE_COLOUR), (~vehicle, "black")):
            axes.plot(
                axis.place(wells.loc[mine, "Dose"]),
                wells.loc[mine, endpoint],
                "o",
                color=tint,
                markersize=4,
                alpha=0.6,
                mew=0,
            )
    axis.dress(axes, str(row.get("Metadata_DoseUnit") or ""), vehicle=bool((wells["Dose"] == 0).any()))
    text = {
        "fitted": f"EC50 {ec50_words(row)}",
        "imprecise": f"imprecise: EC50 {ec50_words(row)}",
        "unbounded": f"unbounded: EC50 {ec50_words(row)}",
    }.get(state, state)
    axes.text(
        0.03,
        0.97,
        figure_text(text),
        transform=axes.transAxes,
        va="top",
        fontsize=8.5,
        color=colour,
        bbox={"color": "white", "alpha": 0.75, "pad": 1.5},
    )


def _ec50_figure(screen: Screen, endpoints: list[str]) -> Figure:
    """A panel an endpoint: EC50 with interval over time, a colour a compound."""
    from matplotlib.ticker import FuncFormatter

    chosen = [
        e
        for e in endpoints
        if ((screen.responses["Endpoint"] == e) & (screen.responses["State"] == "fitted")).any()
    ][:6]
    figure, axes = panels(len(chosen), 3, 3.6, 3.0, sharey=len(screen.compounds) == 1)
    compounds = shown_compounds(screen)
    times = screen.timepoints
    for axis, endpoint in zip(axes, chosen, strict=True):
        axis.set_yscale("log")
        for place, (compound, colour) in enumerate(zip(compounds, ramp(len(compounds)), strict=True)):
            colour = "#1F6F9F" if len(compounds) == 1 else colour
            for row in rows_of(screen.responses, compound, endpoint):
                x = times.index(float(row["Metadata_Timepoint"])) + (place - (len(compounds) - 1) / 2) * 0.12
                if row["State"] in ("fitted", "imprecise") and finite(row.get("EC50")):
                    low = row["EC50_Low"] if finite(row.get("EC50_Low")) else row["EC50"]
                    high = row["EC50_High"] if finite(row.get("EC50_High")) else row["EC50"]
                    axis.vlines(x, low, high, color=colour, linewidth=1.8)
                    axis.plot(x, row["EC50"], "o", color=colour, markersize=5)
                elif row["State"] == "unbounded":
                    bound, mark = row.get("EC50_Low"), "^"
                    if not finite(bound):
                        downward = finite(row.get("EC50_High"))
                        bound, mark = (row["EC50_High"], "v") if downward else (row.get("Dose_Max"), "^")
                    axis.plot(x, bound, mark, color=colour, markersize=6, markerfacecolor="white")
            axis.plot([], [], "o", color=colour, label=figure_text(compound))
        axis.set_xticks(range(len(times)), [f"{t:g}" for t in times])
        axis.set_xlim(-0.5, len(times) - 0.5)
        axis.set_xlabel("time after treatment (h)")
        axis.set_title(figure_text(endpoint_words(endpoint, screen.units)), fontsize=9.5)
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: number(value, 3)))
    unit = unit_words(screen.dose_unit(compounds[0]))
    axes[0].set_ylabel(figure_text(f"EC50 ({unit})" if unit else "EC50"))
    if len(compounds) > 1:
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper")
    return figure


def _all_fits(screen: Screen, endpoints: list[str]) -> str:
    """Every row of `responses`, with slope, plateaus and goodness of fit."""
    headers = [
        "Compound",
        "Endpoint",
        "Time",
        "State",
        "EC50 (95 % interval)",
        "Slope",
        "At dose 0",
        "At high dose",
        "R²",
        "Lack of fit P",
        "Z′",
        "Wells",
        "Reason, notes",
    ]
    rows: list[list[object]] = []
    for compound in screen.compounds:
        for endpoint in endpoints:
            for row in rows_of(screen.responses, compound, endpoint):
                slope = (
                    f"{number(row['Hill'])} ({interval(row.get('Hill_Low'), row.get('Hill_High'))})"
                    if finite(row.get("Hill"))
                    else None
                )
                figures = [
                    _short(row.get(name))
                    for name in ("AtZeroDose", "AtInfiniteDose", "R2", "LackOfFit_P", "ZPrime")
                ]
                wells = row.get("N_Wells")
                rows.append(
                    [
                        compound,
                        endpoint_words(endpoint, screen.units),
                        hours(row["Metadata_Timepoint"]),
                        badge(row["State"]),
                        ec50_words(row),
                        slope,
                        *figures,
                        int(wells) if finite(wells) else None,
                        "; ".join(str(row[n]) for n in ("Reason", "Notes") if isinstance(row.get(n), str)),
                    ]
                )
    return folded(f"Table of {len(rows)} fits", table(headers, rows))


def _short(value: Any) -> str | None:
    return number(value, 3) if finite(value) else None
