"""Fitted dose-response curves of one compound with the wells they were fitted to, and its EC50s."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from morphodose.report.answers import badge, ec50_name, ec50_words, finite, interval, no_curves
from morphodose.report.charts import Line, line_chart
from morphodose.report.figure import Album, DoseAxis, panels
from morphodose.report.html import figure, notice, table
from morphodose.report.inputs import ReportInputs
from morphodose.report.points import points_of
from morphodose.report.svg import PANEL, Frame, curve_svg
from morphodose.report.words import (
    VEHICLE_COLOUR,
    endpoint_words,
    figure_text,
    file_name,
    hours,
    number,
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
STATE_COLOURS = {"fitted": "#1F6F9F", "imprecise": "#B07700", "unbounded": "#B07700", "refused": "#7F7F7F"}


def endpoint_order(responses: pd.DataFrame) -> list[str]:
    """Endpoints, the user's first, then death and counts, then the others as they come."""
    given = list(dict.fromkeys(responses["Endpoint"].astype(str))) if "Endpoint" in responses else []
    user = [name for name in given if name.startswith("Endpoint_")]
    first = [name for name in FIRST if name in given]
    # cells lost are cells that remain, read from the other end
    last = [name for name in given if name == "Fraction_Lost"]
    return [*user, *first, *(name for name in given if name not in {*user, *first, *last}), *last]


def rows_of(screen: ReportInputs, compound: str, endpoint: str) -> list[dict[str, Any]]:
    """Rows of `responses` of one compound and endpoint, by time."""
    return screen.responses_by.get((compound, endpoint), [])


def figured(screen: ReportInputs) -> list[str]:
    """Compounds whose curves are drawn as files: by `ReportInputs.figures` the leading hits, all, or none."""
    if screen.figures == "none":
        return []
    if screen.figures == "all":
        return [hit.compound for hit in screen.ranked]
    hits = [hit.compound for hit in screen.ranked if hit.main is not None and hit.main["State"] != "refused"]
    return hits[:MOST_FIGURED]


def draw_files(screen: ReportInputs, album: Album) -> None:
    """Files for papers: the curves of the compounds of `figured`, one for each endpoint."""
    for compound in figured(screen):
        tag = f"{file_name(compound)}_" if len(screen.compounds) > 1 else ""
        for endpoint in endpoint_order(screen.responses):
            if rows_of(screen, compound, endpoint):
                album.draw(
                    f"curve_{tag}{file_name(endpoint)}", partial(_figure, screen, endpoint, [compound])
                )


READING = (
    "Points are wells, hollow ones vehicle, each against the vehicle wells of its plate; a cross "
    "is a well that is not in the fit: a median over fewer than 5 cells, an outlier, or a dose above "
    "the one from which the effect falls back. The line is the fitted four-parameter logistic curve with its "
    "95 % band; the dotted line is the EC50 (of death, the LC50), its interval shaded. Fitted: the curve "
    "reaches its plateau among the doses. Imprecise: the same, but the interval of the EC50 spans more than "
    "tenfold, or no dose lies on the slope (dashed). Unbounded: the plateau is not reached, so only a bound "
    "of the EC50 is known (dashed). Refused: the wells do not support a curve, and no number is given."
)


def view(screen: ReportInputs, compound: str) -> str:
    """One row per endpoint, one curve per timepoint."""
    html = ""
    for endpoint in endpoint_order(screen.responses):
        if endpoint == "Fraction_Lost":
            continue  # cells that remain, read from the other end
        rows = rows_of(screen, compound, endpoint)
        drawn = "".join(curve_drawing(screen, row, PANEL) for row in rows)
        if drawn:
            why = [f"{hours(row['Metadata_Timepoint'])}: {row['Reason']}" for row in rows if _reason(row)]
            note = f"Why not fitted: {'; '.join(why)}." if why else ""
            turns = [f"{hours(row['Metadata_Timepoint'])}: {row['Turn']}" for row in rows if _turn(row)]
            note += f" The effect turns with the dose: {'; '.join(turns)}." if turns else ""
            note += " Crosses: wells that are not in the fit." if "data-out=" in drawn else ""
            note = note.strip()
            name = endpoint_words(endpoint, screen.units)
            html += figure(f'<div class="md-row">{drawn}</div>', name, caption=note)
    return f'<div class="md-flow">{html}</div>' if html else notice(f"Left out: {no_curves(screen)}.")


def _reason(row: Mapping[str, Any]) -> bool:
    return row["State"] != "fitted" and isinstance(row.get("Reason"), str) and bool(row["Reason"])


def _turn(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("Turn"), str) and bool(row["Turn"])


def ec50_view(screen: ReportInputs, compound: str) -> str:
    """EC50 of each endpoint over time, where there are several times and an EC50."""
    if len(screen.timepoints) < 2:
        return ""
    drawn, unit = "", unit_words(screen.dose_unit(compound))
    for endpoint in endpoint_order(screen.responses):
        if endpoint == "Fraction_Lost":
            continue
        points, marks = [], []
        for row in rows_of(screen, compound, endpoint):
            time, state = float(row["Metadata_Timepoint"]), str(row["State"])
            low, high = _number(row.get("EC50_Low")), _number(row.get("EC50_High"))
            if state in ("fitted", "imprecise") and finite(row.get("EC50")):
                points.append((time, float(row["EC50"]), low, high))
                marks.append("open" if state == "imprecise" else "")
            elif state == "unbounded":
                below = math.isfinite(high) and not math.isfinite(low)
                bound = high if below else low if math.isfinite(low) else _number(row.get("Dose_Max"))
                points.append((time, bound, math.nan, math.nan))
                marks.append("down" if below else "up")
        if any(mark in ("", "open") for mark in marks):
            name = ec50_name(endpoint)
            line = Line(name, points, STATE_COLOURS["fitted"], open_marks=marks)
            title = endpoint_words(endpoint, screen.units)
            ylabel = f"{name} ({unit})" if unit else name
            drawn += line_chart([line], title, "time after treatment (h)", ylabel, log=True)
    if not drawn:
        return ""
    text = (
        "EC50 with its 95 % interval, on a logarithmic axis; that of death is the LC50. A hollow dot is "
        "imprecise; a hollow triangle stands at a bound and points to where the EC50 is; a time "
        "without a mark has no EC50."
    )
    return figure(f'<div class="md-row">{drawn}</div>', "EC50 over time", caption=text)


def _number(value: Any) -> float:
    return float(value) if finite(value) else math.nan


def curve_drawing(screen: ReportInputs, row: Mapping[str, Any], frame: Frame) -> str:
    """Curve of one row of `responses` with its wells, as SVG."""
    words = endpoint_words(str(row["Endpoint"]), screen.units)
    title = f"{hours(row['Metadata_Timepoint'])}: {words}"
    return curve_svg(row, points_of(screen, row), curve_of(screen, row), words, frame, title)


def curve_of(screen: ReportInputs, row: Mapping[str, Any]) -> pd.DataFrame:
    """Points of the fitted curve of a row of `responses`: ``Dose``, ``Fit``, ``Low``, ``High``, by dose."""
    import pandas as pd

    key = (str(row["Metadata_Compound"]), str(row["Endpoint"]), float(row["Metadata_Timepoint"]))
    mine = screen.curves_by.get(key)
    return pd.DataFrame(columns=["Dose", "Fit", "Low", "High"]) if mine is None else mine


def _figure(screen: ReportInputs, endpoint: str, compounds: list[str]) -> Figure:
    """One row per compound, one panel per timepoint."""
    jobs = [(c, row) for c in compounds for row in rows_of(screen, c, endpoint)]
    times = len({row["Metadata_Timepoint"] for _, row in jobs})
    across = times if len(compounds) > 1 and times <= 4 else 3
    if len(compounds) > 1 and times == 1:
        across = min(3, len(compounds))
    figure, axes = panels(len(jobs), across, 3.7, 3.1, sharey=True)
    for axis, (compound, row) in zip(axes, jobs, strict=True):
        _panel(axis, screen, points_of(screen, row), row)
        name = f"{compound}, " if len(screen.compounds) > 1 else ""
        axis.set_title(figure_text(f"{name}{hours(row['Metadata_Timepoint'])}"))
    words = endpoint_words(endpoint, screen.units)
    for axis in axes[::across]:
        axis.set_ylabel("\n".join(textwrap.wrap(figure_text(words), 26)))
    low, high = axes[0].get_ylim()
    if endpoint.startswith(("Fraction_", "Relative_")):
        axes[0].set_ylim(min(0.0, low) if endpoint == "Fraction_Lost" else 0.0, max(high, 0.1))
    return figure


def _panel(axes: Axes, screen: ReportInputs, points: pd.DataFrame, row: Mapping[str, Any]) -> None:
    state = str(row["State"])
    axis = DoseAxis.of(list(points["Dose"]))
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
    vehicle, used = points["Dose"] == 0, points["Used"]
    filled: dict[str, Any] = {"marker": "o", "alpha": 0.6, "markeredgewidth": 0}
    crossed: dict[str, Any] = {"marker": "x", "markeredgewidth": 1}
    for mine, tint, look in (
        (used & vehicle, VEHICLE_COLOUR, filled),
        (used & ~vehicle, "black", filled),
        (~used, "black", crossed),
    ):
        place = axis.place(points.loc[mine, "Dose"])
        axes.plot(place, points.loc[mine, "Value"], linestyle="", color=tint, markersize=4, **look)
    axis.dress(axes, str(row.get("Metadata_DoseUnit") or ""), vehicle=bool(vehicle.any()))
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


def fits_table(screen: ReportInputs, compound: str) -> str:
    """Every row of `responses` of a compound, with slope, plateaus and goodness of fit."""
    headers = [
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
    for endpoint in endpoint_order(screen.responses):
        if endpoint == "Fraction_Lost":
            continue
        for row in rows_of(screen, compound, endpoint):
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
    return table(headers, rows) if rows else ""


def _short(value: Any) -> str | None:
    return number(value, 3) if finite(value) else None
