"""The dose × time surface of a compound: death and number of cells as a heat map, with the EC50 on it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from morphodose.report.answers import ec50_name, finite
from morphodose.report.curves import figured, rows_of
from morphodose.report.draw import dose_name
from morphodose.report.figure import Album, panels
from morphodose.report.html import Safe, escape, figure, folded, long_table
from morphodose.report.inputs import ReportInputs
from morphodose.report.summary import conditions_of, doses_of
from morphodose.report.words import (
    dose_words,
    endpoint_words,
    figure_text,
    file_name,
    hours,
    number,
    percent,
)
from morphodose.responses.endpoints import is_death

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Endpoints whose values are drawn over dose and time.
SURFACES = ("Fraction_Dying", "Fraction_Dead", "Relative_CellCount")
#: Map of colours from few to many of what is counted; of the rest of the cells the other way round.
COLOURS, REVERSED = "Reds", "Reds_r"
LINE = "#0B3C5D"
CAPTION = (
    "Each field is the mean over the wells of a dose and time, in per cent. The line joins the EC50s of "
    "successive times (of death it is the LC50); a hollow dot is imprecise, a triangle stands at a bound and "
    "points to where the EC50 is, and a time without a mark has none. Doses are evenly spaced, the EC50 lies "
    "between them on a logarithmic scale."
)
ROW, COLUMN, TOP, BOTTOM, GAP = 22, 46, 36, 36, 5


@dataclass(frozen=True)
class Mark:
    """The EC50 at one time: where it stands between the doses, and its look.

    Attributes
    ----------
    column : int
        Number of the time.
    place : float
        0 at the lowest dose, 1 at the next, and so on.
    kind : str
        ``fitted``, ``imprecise``, or ``up`` or ``down`` for a bound that the EC50 is above or below.
    value : float
        Dose.
    """

    column: int
    place: float
    kind: str
    value: float


@dataclass(frozen=True)
class Surface:
    """Means over wells, a row for each dose (0 is vehicle) and a column for each time; NaN without a well."""

    endpoint: str
    doses: tuple[float, ...]
    times: tuple[float, ...]
    means: tuple[tuple[float, ...], ...]
    intervals: tuple[tuple[tuple[float, float], ...], ...]
    marks: tuple[Mark, ...]

    @property
    def highest(self) -> float:
        """End of the scale of colours, which begins at 0: 1, or more where there are more cells."""
        every = [value for row in self.means for value in row if math.isfinite(value)]
        return max([1.0, *every])

    def colour(self, value: float) -> tuple[str, str]:
        """Colour of a field and of the number in it."""
        import matplotlib

        share = min(max(value / self.highest, 0.0), 1.0)
        rgb = matplotlib.colormaps[colours_of(self.endpoint)](share)[:3]
        light = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
        return "#" + "".join(f"{round(255 * part):02x}" for part in rgb), "#FFF" if light < 0.5 else "#222"


def colours_of(endpoint: str) -> str:
    """Name of the map of colours: what is dark is death, or few cells."""
    return COLOURS if is_death(endpoint) else REVERSED


def surface_of(screen: ReportInputs, compound: str, endpoint: str) -> Surface | None:
    """Surface of an endpoint; None where it has no value or only one time."""
    frame = conditions_of(screen, compound, endpoint) if screen.has(endpoint) else None
    if frame is None or frame.empty:
        return None
    doses, times = doses_of(frame), sorted(float(time) for time in frame["Timepoint"].unique())
    if len(times) < 2:
        return None
    of = {
        (float(row["Dose"]), float(row["Timepoint"])): (row["Mean"], row["Low"], row["High"])
        for row in frame.to_dict("records")
    }
    nothing = (math.nan, math.nan, math.nan)
    found = [[of.get((dose, time), nothing) for time in times] for dose in doses]
    return Surface(
        endpoint,
        tuple(doses),
        tuple(times),
        tuple(tuple(float(mean) for mean, _, _ in row) for row in found),
        tuple(tuple((float(low), float(high)) for _, low, high in row) for row in found),
        tuple(_marks(rows_of(screen, compound, endpoint), doses, times)),
    )


def _marks(rows: Sequence[dict[str, Any]], doses: Sequence[float], times: Sequence[float]) -> list[Mark]:
    above = [dose for dose in doses if dose > 0]
    found = []
    for row in rows:
        time, state = float(row["Metadata_Timepoint"]), str(row["State"])
        if time not in times or not above:
            continue
        kind, value = state, row.get("EC50")
        if state == "unbounded":
            kind = "up" if finite(row.get("EC50_Low")) else "down"
            value = row.get("EC50_Low" if kind == "up" else "EC50_High")
        if kind in ("fitted", "imprecise", "up", "down") and finite(value) and float(str(value)) > 0:
            dose = float(str(value))
            found.append(Mark(times.index(time), place_of(dose, above), kind, dose))
    return sorted(found, key=lambda mark: mark.column)


def place_of(dose: float, doses: Sequence[float]) -> float:
    """Where a dose stands among others that are evenly spaced; at most half a step beyond them.

    >>> place_of(3.0, (0.1, 1.0, 9.0))
    1.5
    """
    logs, at = [math.log(each) for each in doses], math.log(dose)
    if len(doses) == 1:
        return min(max(at - logs[0], -0.5), 0.5)
    lower = sum(at >= log for log in logs[1:-1])
    place = lower + (at - logs[lower]) / (logs[lower + 1] - logs[lower])
    return min(max(place, -0.5), len(doses) - 0.5)


def joined(marks: Sequence[Mark]) -> list[list[Mark]]:
    """Runs of EC50s of successive times: only these are joined by a line."""
    runs: list[list[Mark]] = []
    for mark in marks:
        if mark.kind not in ("fitted", "imprecise"):
            continue
        if runs and mark.column == runs[-1][-1].column + 1:
            runs[-1].append(mark)
        else:
            runs.append([mark])
    return runs


def view(screen: ReportInputs, compound: str) -> str:
    """The surfaces of a compound, each with its values and intervals as a table that opens on a click."""
    drawn, tables, unit = "", "", screen.dose_unit(compound)
    for endpoint in SURFACES:
        of = surface_of(screen, compound, endpoint)
        if of is None:
            continue
        words = endpoint_words(endpoint, screen.units)
        drawn += drawing(of, words, unit)
        rows: list[list[object]] = [
            [
                dose_name(dose, unit),
                *(
                    f"{percent(mean)} ({_ends(*ends)})" if finite(mean) else None
                    for mean, ends in zip(means, intervals, strict=True)
                ),
            ]
            for dose, means, intervals in zip(of.doses, of.means, of.intervals, strict=True)
        ]
        headers = ["Dose", *map(hours, of.times)]
        title = f"{words}: mean over wells (95 % interval over wells)"
        tables += folded(title, long_table(headers, rows, "doses"))
    if not drawn:
        return ""
    return figure(f'<div class="md-row">{drawn}</div>', "Dose by time", caption=CAPTION) + tables


def drawing(of: Surface, words: str, unit: str) -> Safe:
    """Heat map as SVG: the highest dose on top, vehicle apart at the bottom."""
    names = [dose_name(dose, unit) for dose in of.doses]
    left = 10 + round(6.2 * max(map(len, names)))
    rows, vehicle = len(of.doses), of.doses[0] == 0
    width = max(left + COLUMN * len(of.times) + 8, 190)
    height = TOP + ROW * rows + GAP * vehicle + BOTTOM

    def top_of(row: int) -> float:
        return TOP + ROW * (rows - 1 - row) + GAP * (vehicle and row == 0)

    drawn = "".join(
        f'<text x="4" y="{14 + 14 * line}" font-weight="600">{escape(text)}</text>'
        for line, text in enumerate(textwrap.wrap(f"{words}, %", round((width - 8) / 6.9)))
    )
    numbers = ""
    for row, name in enumerate(names):
        y = top_of(row)
        drawn += f'<text x="{left - 5}" y="{y + 15:.0f}" text-anchor="end">{escape(name)}</text>'
        for column, mean in enumerate(of.means[row]):
            x = float(left + COLUMN * column)
            fill, ink = of.colour(mean) if finite(mean) else ("#EEE", "#222")
            text = f"{100 * mean:.0f}" if finite(mean) else "–"
            drawn += f'<rect x="{x:.0f}" y="{y:.0f}" width="{COLUMN - 1}" height="{ROW - 1}" fill="{fill}"/>'
            # above the line, which it cuts out of its field
            numbers += (
                f'<text x="{x + COLUMN - 5:.0f}" y="{y + 15:.0f}" text-anchor="end" '
                f'style="fill:{ink};paint-order:stroke" stroke="{fill}" stroke-width="3" '
                f'font-size="10">{text}</text>'
            )
    for column, time in enumerate(of.times):
        x = left + COLUMN * (column + 0.5)
        drawn += f'<text x="{x:.0f}" y="{height - BOTTOM + 13}" text-anchor="middle">{time:g}</text>'
    middle = left + COLUMN * len(of.times) / 2
    below = f'<text x="{middle:.0f}" y="{height - 8}" text-anchor="middle">time after treatment (h)</text>'

    def at(mark: Mark) -> tuple[float, float]:
        # a little left of the middle: the number stands to the right
        return left + COLUMN * (mark.column + 0.22), TOP + ROW * (rows - 0.5 - vehicle - mark.place)

    for run in joined(of.marks):
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in map(at, run))
        for colour, thick in (("#FFF", 4.5), (LINE, 2.0)):
            drawn += f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{thick}"/>'
    drawn += numbers
    for mark in of.marks:
        x, y = at(mark)
        shape = {"up": "m0-5l4.4 8h-8.8z", "down": "m0 5l4.4-8h-8.8z"}.get(
            mark.kind, "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0"
        )
        fill = LINE if mark.kind == "fitted" else "#FFF"
        drawn += f'<path d="M{x:.1f} {y:.1f}{shape}" fill="{fill}" stroke="{LINE}" stroke-width="1.5"/>'
    label = f"{words} over dose and time; {ec50_name(of.endpoint)} " + (
        ", ".join(_said(mark, of, unit) for mark in of.marks) or "of no time"
    )
    return Safe(
        f'<svg class="md-curve" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escape(label)}">{drawn}{below}</svg>'
    )


def _ends(low: float, high: float) -> str:
    return f"{percent(low)} – {percent(high)}" if finite(low) and finite(high) else "no interval"


def _said(mark: Mark, of: Surface, unit: str) -> str:
    sign = {"up": "> ", "down": "< "}.get(mark.kind, "")
    imprecise = " (imprecise)" if mark.kind == "imprecise" else ""
    return (
        f"{sign}{dose_words(float(number(mark.value, 3)), unit)} at {hours(of.times[mark.column])}{imprecise}"
    )


def draw_files(screen: ReportInputs, album: Album) -> None:
    """Files for papers: the surfaces of the compounds of `curves.figured`, one file for each compound."""
    for compound in figured(screen):
        given = [surface_of(screen, compound, endpoint) for endpoint in SURFACES]
        surfaces = [of for of in given if of is not None]
        if surfaces:
            tag = f"_{file_name(compound)}" if len(screen.compounds) > 1 else ""
            album.draw(f"dose_time{tag}", partial(_figure, screen, compound, surfaces))


def _figure(screen: ReportInputs, compound: str, surfaces: Sequence[Surface]) -> Figure:
    rows, columns = (max(len(getattr(of, name)) for of in surfaces) for name in ("doses", "times"))
    drawn, axes = panels(len(surfaces), 3, 1.9 + 0.5 * columns, 1.3 + 0.3 * rows)
    for axis, of in zip(axes, surfaces, strict=True):
        _panel(axis, of, screen.dose_unit(compound))
        axis.set_title(figure_text(f"{endpoint_words(of.endpoint, screen.units)}, %"), fontsize=9)
    if len(screen.compounds) > 1:
        drawn.suptitle(figure_text(compound))
    return drawn


def _panel(axis: Axes, of: Surface, unit: str) -> None:
    import seaborn as sns

    # Seaborn draws the first row on top
    names = [figure_text(dose_name(dose, unit)) for dose in of.doses[::-1]]
    sns.heatmap(
        [[100 * mean for mean in row] for row in of.means[::-1]],
        vmin=0,
        vmax=100 * of.highest,
        cmap=colours_of(of.endpoint),
        annot=True,
        fmt=".0f",
        annot_kws={"fontsize": 8, "ha": "left"},
        linewidths=0.5,
        cbar=False,
        xticklabels=[f"{time:g}" for time in of.times],
        yticklabels=names,
        ax=axis,
    )
    axis.tick_params(axis="y", labelrotation=0)
    axis.set_xlabel("time after treatment (h)")
    axis.grid(False)
    if of.doses[0] == 0:
        axis.axhline(len(of.doses) - 1, color="white", linewidth=4)
    height = len(of.doses) - 0.5 - (of.doses[0] == 0)
    for run in joined(of.marks):
        axis.plot([m.column + 0.25 for m in run], [height - m.place for m in run], "-", color=LINE, lw=2)
    for mark in of.marks:
        axis.plot(
            mark.column + 0.25,
            height - mark.place,
            {"up": "^", "down": "v"}.get(mark.kind, "o"),
            markeredgecolor=LINE,
            markerfacecolor=LINE if mark.kind == "fitted" else "white",
            markersize=6,
            clip_on=False,
        )
