"""Drawing that several sections share: time courses, dose responses of wells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from morphodose.report.figure import DoseAxis
from morphodose.report.html import notice
from morphodose.report.inputs import Screen
from morphodose.report.summary import doses_of
from morphodose.report.words import VEHICLE_COLOUR, dose_words, figure_text, ramp

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Compounds up to which all get figures of their own; of more only the `LEADING` ones of the ranking do.
MOST_COMPOUNDS = 6
LEADING = 4


def shown_compounds(screen: Screen) -> list[str]:
    """Compounds with figures of their own: all of a few, else the leading ones of the ranking."""
    if len(screen.compounds) <= MOST_COMPOUNDS:
        return screen.compounds
    return [hit.compound for hit in screen.ranked[:LEADING]]


def not_drawn(screen: Screen) -> str:
    """A line that says which compounds have no figure in a section, and where they are; else nothing."""
    if len(screen.compounds) <= MOST_COMPOUNDS:
        return ""
    return notice(
        f"Drawn for the {LEADING} leading compounds of {len(screen.compounds)}. Every compound is in the "
        "table of the first screen and, chosen by its name, among the curves of the dose response."
    )


def dose_colours(doses: Sequence[float]) -> dict[float, str]:
    """A colour for each dose, darker with the dose; the vehicle is grey."""
    above = [dose for dose in doses if dose > 0]
    colours = dict(zip(above, ramp(len(above)), strict=True))
    return {dose: colours.get(dose, VEHICLE_COLOUR) for dose in doses}


def dose_name(dose: float, unit: str) -> str:
    """``vehicle`` or ``0.3 µM``."""
    return "vehicle" if dose <= 0 else dose_words(dose, unit)


def over_time(axes: Axes, conditions: pd.DataFrame, unit: str) -> None:
    """Mean of each dose over time, a line a dose, with bars of the interval over wells."""
    doses = doses_of(conditions)
    times = sorted(conditions["Timepoint"].unique())
    width = 0.05 * (max(times) - min(times)) if len(times) > 1 else 1.0
    for index, (dose, colour) in enumerate(dose_colours(doses).items()):
        mine = conditions[conditions["Dose"] == dose].sort_values("Timepoint")
        # doses stand a little beside one another, so that their bars can be told apart
        beside = (index / max(len(doses) - 1, 1) - 0.5) * width
        x = mine["Timepoint"] + beside
        style: dict[str, Any] = {"color": colour, "linewidth": 1.6, "linestyle": "--" if dose == 0 else "-"}
        axes.plot(
            x, mine["Mean"], marker="o", markersize=3.5, label=figure_text(dose_name(dose, unit)), **style
        )
        axes.vlines(x, mine["Low"], mine["High"], color=colour, linewidth=1, alpha=0.75)
    axes.set_xticks(times, [f"{time:g}" for time in times])
    axes.set_xlabel("time after treatment (h)")


def over_dose(axes: Axes, wells: pd.DataFrame, column: str, conditions: pd.DataFrame, unit: str) -> None:
    """Wells as points over dose, with mean and interval of each dose."""
    doses = doses_of(conditions)
    axis = DoseAxis.of(doses)
    points = wells[wells[column].notna()]
    axes.plot(
        axis.place(points["Dose"]) * 0.8,
        points[column],
        "o",
        color="#7F7F7F",
        alpha=0.55,
        markersize=3.5,
        mew=0,
    )
    colours = [dose_colours(doses)[dose] for dose in conditions["Dose"]]
    x = axis.place(conditions["Dose"])
    axes.vlines(x, conditions["Low"], conditions["High"], color=colours, linewidth=2)
    axes.scatter(x, conditions["Mean"], color=colours, s=28, zorder=3)
    axis.dress(axes, unit, vehicle=0 in doses)


def key_outside(figure: object, axes: Axes, title: str) -> None:
    """One legend for all panels, to the right of them."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", title=title)  # type: ignore[attr-defined]
