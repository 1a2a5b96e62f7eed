"""A dose-response curve as a few hundred bytes of SVG: wells, fitted curve with its band, EC50."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from morphodose.report.answers import ec50_words, finite
from morphodose.report.html import Safe, escape
from morphodose.report.words import counted, number
from morphodose.units import unit_words

if TYPE_CHECKING:
    import pandas as pd

#: Beginnings of the names of endpoints that are shares, and are written as per cent.
SHARES = ("Fraction_", "Relative_")
#: State → colour and dash of its curve; states differ in the dash, too, for readers without colours.
LOOKS = {
    "fitted": ("#1F6F9F", ""),
    "imprecise": ("#8A5C00", "9 2"),
    "unbounded": ("#8A5C00", "5 3"),
    "refused": ("#6B6B6B", ""),
}


@dataclass(frozen=True)
class Frame:
    """Size of a drawing and the space around its axes, in px.

    `labels` are the axes, title and EC50, none in a row of a table; a `named` one has the endpoint beside its
    value axis, too, and not in its title alone.
    """

    width: int
    height: int
    left: int = 36
    right: int = 10
    top: int = 36
    bottom: int = 36
    labels: bool = True
    named: bool = False


LARGE = Frame(430, 300, 54, 12, 38, 42, named=True)
PANEL = Frame(310, 200, 40)
SPARK = Frame(110, 30, 2, 2, 2, 2, labels=False)
#: A well that is not in the fit: what is drawn after its place.
CROSS = "m-2.6-2.6l5.2 5.2m0-5.2l-5.2 5.2"


def curve_svg(
    row: Mapping[str, Any],
    points: pd.DataFrame,
    curve: pd.DataFrame,
    words: str,
    frame: Frame = PANEL,
    title: str = "",
    limits: tuple[float, float] | None = None,
) -> Safe:
    """Drawing of one row of `responses`.

    Parameters
    ----------
    row : mapping
        Of the table of responses.
    points : pandas.DataFrame
        Wells of its compound and timepoint, see `points.points_of`.
    curve : pandas.DataFrame
        ``Dose``, ``Fit``, ``Low``, ``High``; may be empty.
    words : str
        The endpoint, for the axis and for a screen reader.
    frame : Frame
        Size.
    title : str
        Above the axes.
    limits : (low, high), optional
        Of the value axis, else from the wells.
    """
    endpoint, state = str(row["Endpoint"]), str(row["State"])
    colour, dash = LOOKS.get(state, LOOKS["refused"])
    doses = sorted({float(d) for d in points["Dose"] if d > 0})
    points = points[points["Value"].notna()]
    if not doses or points.empty:
        return Safe(f'<span class="md-none">{escape(title)} no value in any well</span>')
    place = _Places(frame, doses, _limits(points["Value"], curve, limits))
    drawn: list[str] = []
    above = curve[(curve["Dose"] > 0) & curve["Fit"].notna()] if len(curve) else curve
    above = above.iloc[:: max(len(above) // 20, 1)]
    if state != "refused" and len(above):
        if frame.labels and above["Low"].notna().all() and above["High"].notna().all():
            edge = [*zip(above["Dose"], above["High"], strict=True)]
            edge += [*zip(above["Dose"], above["Low"], strict=True)][::-1]
            drawn.append(f'<polygon points="{place.path(edge)}" fill="{colour}" fill-opacity=".17"/>')
        line = place.path([*zip(above["Dose"], above["Fit"], strict=True)])
        style = f' stroke-dasharray="{dash}"' if dash else ""
        drawn.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.8"{style}/>')
    if frame.labels and state in ("fitted", "imprecise") and finite(row.get("EC50")):
        drawn.insert(0, place.ec50(row))
    size = 5.0 if frame.labels else 2.6
    out, used = points[~points["Used"]], points[points["Used"]]
    treated, vehicle = used[used["Dose"] > 0], used[used["Dose"] <= 0]
    if len(out) and frame.labels:
        drawn.append(_dots(place, out, 1.3, "#333", "1", CROSS))
    drawn.append(_dots(place, treated, size, "#333", ".65"))
    if len(vehicle):  # vehicle wells are hollow
        drawn.append(_dots(place, vehicle, size, "#333", "1"))
        drawn.append(_dots(place, vehicle, size - 1.8, "#FFF", "1"))
    if frame.labels:
        drawn += place.axes(str(row.get("Metadata_DoseUnit") or ""), words, endpoint.startswith(SHARES))
        answer = ec50_words(row)
        answer = answer if answer.startswith("no ") else f"EC50 {answer}"
        name = cut(title, (frame.width - 8) / 6.6)
        drawn.append(
            f'<text x="4" y="{frame.top - 23}" font-weight="600">{name}</text>'
            f'<text x="4" y="{frame.top - 9}" style="fill:{colour}">'
            f"{cut(f'{answer}, {state}', (frame.width - 8) / 5.9)}</text>"
        )
    label = f"{title or words}: {ec50_words(row)}, {state}"
    if len(out):
        label += f"; {counted(len(out), 'well')} not in the fit"
    # which wells the dots are, in the order they are drawn: the script shows a well on its curve
    order = [*out.index, *treated.index, *vehicle.index]
    known = (
        f' data-endpoint="{escape(endpoint)}" data-time="{float(row["Metadata_Timepoint"]):g}" '
        f'data-wells="{" ".join(map(str, order))}"' + (f' data-out="{len(out)}"' if len(out) else "")
        if frame.labels and "Metadata_Timepoint" in row
        else ""
    )
    return Safe(
        f'<svg class="md-curve" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {frame.width} '
        f'{frame.height}" width="{frame.width}" height="{frame.height}" role="img"{known} '
        f'aria-label="{escape(label)}">{"".join(drawn)}</svg>'
    )


def _dots(
    place: _Places, points: pd.DataFrame, size: float, colour: str, opacity: str, mark: str = ""
) -> str:
    """Wells as dots: strokes of no length with round ends, a tenth of the text of as many circles."""
    ends = "".join(
        f"M{place.x(float(d)):.1f} {place.y(float(v)):.1f}h0{mark}"
        for d, v in zip(points["Dose"], points["Value"], strict=True)
    )
    return (
        f'<path d="{ends}" stroke="{colour}" stroke-opacity="{opacity}" stroke-width="{size:g}" '
        'stroke-linecap="round" fill="none"/>'
    )


def _limits(
    values: pd.Series[float], curve: pd.DataFrame, given: tuple[float, float] | None
) -> tuple[float, float]:
    if given:
        return given
    every = [float(v) for v in values]
    every += [float(v) for v in curve["Fit"] if v == v] if len(curve) else []
    low, high = min(every), max(every)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return (0.0 if 0 <= low < 0.5 * high else low - room), high + room


class _Places:
    """Where doses and values stand; the vehicle apart on the left of a logarithmic axis."""

    def __init__(self, frame: Frame, doses: Sequence[float], limits: tuple[float, float]) -> None:
        self.frame, self.doses, self.limits = frame, doses, limits
        step = (math.log10(doses[-1]) - math.log10(doses[0])) / max(len(doses) - 1, 1)
        self.vehicle = math.log10(doses[0]) - 1.4 * max(step, 0.25)
        self.last = math.log10(doses[-1]) + 0.15 * max(step, 0.25)
        self.first = self.vehicle - 0.25 * max(step, 0.25)

    def x(self, dose: float) -> float:
        at = math.log10(dose) if dose > 0 else self.vehicle
        at = min(max(at, self.first), self.last)
        wide = self.frame.width - self.frame.left - self.frame.right
        return self.frame.left + wide * (at - self.first) / (self.last - self.first)

    def y(self, value: float) -> float:
        low, high = self.limits
        tall = self.frame.height - self.frame.top - self.frame.bottom
        share = min(max((value - low) / (high - low), -0.02), 1.02)
        return self.frame.top + tall * (1 - share)

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{self.x(float(d)):.1f},{self.y(float(v)):.1f}" for d, v in points)

    def ec50(self, row: Mapping[str, Any]) -> str:
        """EC50 as a dotted line, its interval shaded."""
        top, bottom = self.frame.top, self.frame.height - self.frame.bottom
        low, high, x = row.get("EC50_Low"), row.get("EC50_High"), self.x(float(row["EC50"]))
        shade = ""
        if finite(low) and finite(high):
            left, right = self.x(float(low)), self.x(float(high))
            shade = (
                f'<rect x="{left:.1f}" y="{top}" width="{max(right - left, 1):.1f}" height="{bottom - top}" '
                'fill="#999" fill-opacity=".2"/>'
            )
        dotted = (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" stroke="#333" stroke-dasharray="2 3"/>'
        )
        return shade + dotted

    def axes(self, unit: str, words: str, share: bool) -> list[str]:
        """Both axes, their ticks and labels; a share is written as per cent."""
        frame = self.frame
        left, bottom = frame.left, frame.height - frame.bottom
        parts = [
            f'<path d="M{left} {frame.top}V{bottom}H{frame.width - frame.right}" fill="none" stroke="#777"/>'
        ]
        marks, values, doses = "", "", ""
        for value in ticks(*self.limits):
            y = self.y(value)
            marks += f"M{left} {y:.1f}h-3"
            tick = percent_tick(value) if share else number(value, 3)
            values += f'<text x="{left - 5}" y="{y + 3.5:.1f}">{escape(tick)}</text>'
        shown = [(0.0, "veh."), *((dose, number(dose, 4)) for dose in self.doses)]
        used = -1e9
        for dose, text in shown:
            x = self.x(dose)
            marks += f"M{x:.1f} {bottom}v3"
            half = 3.1 * len(text)  # labels that would touch are left out
            if x - half >= used + 6:
                doses += f'<text x="{x:.1f}" y="{bottom + 14}">{escape(text)}</text>'
                used = x + half
        parts.append(
            f'<path d="{marks}" stroke="#777"/><g text-anchor="end">{values}</g>'
            f'<g text-anchor="middle">{doses}</g>'
        )
        middle = (left + frame.width - frame.right) / 2
        below = f"dose ({unit_words(unit)})" if unit else "dose"
        parts.append(
            f'<text x="{middle:.0f}" y="{frame.height - 8}" text-anchor="middle">{escape(below)}</text>'
        )
        if frame.named:
            centre = (frame.top + bottom) / 2
            parts.append(
                f'<text transform="translate(11 {centre:.0f}) rotate(-90)" text-anchor="middle">'
                f"{cut(words, (bottom - frame.top) / 5.9)}</text>"
            )
        return parts


def percent_tick(value: float) -> str:
    """A tick of an axis of shares: ``25 %``."""
    return f"{number(100 * value, 3)}\u202f%"


def cut(text: str, letters: float) -> str:
    """Escaped text of at most so many letters; what is left of a longer one ends in a dot of three."""
    return escape(text if len(text) <= letters else f"{text[: int(letters) - 1]}…")


def ticks(low: float, high: float) -> list[float]:
    """Three to six round values between two ends."""
    span = high - low
    step = 10 ** math.floor(math.log10(span))
    for factor in (0.2, 0.25, 0.5, 1.0, 2.0):
        if span / (step * factor) <= 5:
            step *= factor
            break
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]
