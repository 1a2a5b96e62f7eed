"""Small charts as SVG: lines over time with intervals, EC50s over time, stacked shares of states."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from morphodose.report.html import Safe, escape
from morphodose.report.svg import cut, ticks
from morphodose.report.words import number

#: Marks of the lines of a chart, so that they are told apart without colours: drawn from their middle.
MARKS = (
    "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
    "m-2.7-2.7h5.4v5.4h-5.4z",
    "m0-3.4l3 5.8h-6z",
    "m0-3.8l3.8 3.8-3.8 3.8-3.8-3.8z",
    "m0 3.4l3-5.8h-6z",
    "m-1.1-3.2h2.2v2.1h2.1v2.2h-2.1v2.1h-2.2v-2.1h-2.1v-2.2h2.1z",
)
#: Marks of a bound: triangles that point to where the value is.
BOUNDS = {"up": "m0-5l4.4 8.4h-8.8z", "down": "m0 5l4.4-8.4h-8.8z"}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 290, 214, 46, 10, 36, 36


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes
    ----------
    name : str
        Text of the legend.
    points : sequence of (x, y, low, high)
        In the order they are joined; a limit that is not known is nan.
    colour : str
        ``#rrggbb``.
    dash : str
        Of the line, as in SVG; empty for a full one.
    open_marks : sequence of str
        Of each point ``""``, ``open`` for an imprecise one, ``up`` or ``down`` for a bound.
    """

    name: str
    points: Sequence[tuple[float, float, float, float]]
    colour: str
    dash: str = ""
    open_marks: Sequence[str] = ()


def line_chart(
    lines: Sequence[Line], title: str, xlabel: str, ylabel: str, *, log: bool = False, zero: bool = True
) -> Safe:
    """Values over time with bars of their intervals; the axis begins at 0 where `zero`, or is logarithmic."""
    xs = sorted({x for line in lines for x, *_ in line.points})
    values = [v for line in lines for _, *three in line.points for v in three if math.isfinite(v)]
    values = [v for v in values if v > 0] if log else values
    if not xs or not values:
        return Safe(f'<span class="md-none">{escape(title)}: no value</span>')
    low, high = min(values), max(values)
    if log:
        low, high = math.log10(low), math.log10(high)
        low, high = low - 0.12, high + 0.12
    else:
        room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
        low, high = (0.0 if zero and low >= 0 else low - room), high + room
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    pad = 14

    def across(x: float) -> float:
        return LEFT + pad + (wide - 2 * pad) * ((x - xs[0]) / (xs[-1] - xs[0]) if len(xs) > 1 else 0.5)

    def up(y: float) -> float:
        y = math.log10(y) if log else y
        return TOP + tall * (1 - (min(max(y, low), high) - low) / (high - low))

    drawn = _frame(title, xlabel, ylabel)
    for value in _log_ticks(low, high) if log else ticks(low, high):
        drawn += _tick_left(up(value), number(value, 3))
    used = -1e9
    for x in xs:
        text = f"{x:g}"
        at = across(x)
        drawn += f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP + tall}" y2="{TOP + tall + 3}" stroke="#777"/>'
        if at - used >= 5.6 * len(text) + 5:
            drawn += f'<text x="{at:.1f}" y="{TOP + tall + 14}" text-anchor="middle">{text}</text>'
            used = at
    for place, line in enumerate(lines):
        aside = (place / max(len(lines) - 1, 1) - 0.5) * min(12.0, 2.0 * len(lines))
        places = [across(x) + aside for x, *_ in line.points]
        drawn += _line(line, MARKS[place % len(MARKS)], places, up, log)
    label = f"{title}: " + "; ".join(f"{line.name} {_said(line)}" for line in lines[:12])
    return _svg(drawn, label)


def _said(line: Line) -> str:
    """The points of a line in words, for those who do not see it."""
    marks = [*line.open_marks, *[""] * len(line.points)]
    before, after = {"up": "above ", "down": "below "}, {"open": " (imprecise)"}
    return ", ".join(
        f"{before.get(mark, '')}{number(y, 3)} at {x:g}{after.get(mark, '')}"
        for (x, y, *_), mark in zip(line.points, marks, strict=False)
        if math.isfinite(y)
    )


def _line(line: Line, mark: str, places: Sequence[float], up: Callable[[float], float], log: bool) -> str:
    joined, bars, shapes, hollow = [], "", "", ""
    states = [*line.open_marks, *[""] * len(line.points)]
    for (_, y, low, high), at, state in zip(line.points, places, states, strict=False):
        if not math.isfinite(y) or (log and y <= 0):
            continue
        place = f"M{at:.1f} {up(y):.1f}"
        if state in BOUNDS:
            hollow += place + BOUNDS[state]
            continue
        if math.isfinite(low) and math.isfinite(high) and (low > 0 or not log):
            bars += f"M{at:.1f} {up(low):.1f}V{up(high):.1f}"
        joined.append(place[1:])
        if state == "open":
            hollow += place + mark
        else:
            shapes += place + mark
    dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
    stroke = f'stroke="{line.colour}"'
    drawn = f'<path d="M{"L".join(joined)}" fill="none" {stroke} stroke-width="1.5"{dash}/>' if joined else ""
    drawn += f'<path d="{bars}" {stroke} stroke-width="1.3" stroke-opacity=".7"/>' if bars else ""
    drawn += f'<path d="{shapes}" fill="{line.colour}"/>' if shapes else ""
    return drawn + (f'<path d="{hollow}" fill="#FFF" {stroke} stroke-width="1.5"/>' if hollow else "")


def legend(lines: Sequence[Line], title: str = "") -> Safe:
    """Names of the lines beside their marks, once for several charts."""
    items = "".join(
        f'<li><svg viewBox="-14 -7 28 14" width="28" height="14" aria-hidden="true"><path d="M-14 0H14" '
        f'stroke="{line.colour}" stroke-width="1.5"{_dash(line)}/><path d="M0 0{MARKS[i % len(MARKS)]}" '
        f'fill="{line.colour}"/></svg>{escape(line.name)}</li>'
        for i, line in enumerate(lines)
    )
    head = f"<li>{escape(title)}</li>" if title else ""
    return Safe(f'<ul class="md-legend">{head}{items}</ul>')


def _dash(line: Line) -> str:
    return ' stroke-dasharray="5 3"' if line.dash else ""


@dataclass(frozen=True)
class Stack:
    """A bar of stacked shares: its name, the shares from the bottom, and the interval of some of them."""

    name: str
    shares: Sequence[float]
    low: float = math.nan
    high: float = math.nan


def stack_chart(
    stacks: Sequence[Stack], names: Sequence[str], colours: Sequence[str], title: str, xlabel: str
) -> Safe:
    """Bars of shares that add up to 1, the first at the bottom; one line for each interval."""
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM - 14
    step = wide / max(len(stacks), 1)
    drawn = _frame(title, xlabel, "share of cells", 14)
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        drawn += _tick_left(TOP + tall * (1 - value), f"{100 * value:.0f} %")
    bars, lines = ["" for _ in colours], ""
    for i, stack in enumerate(stacks):
        left, floor = LEFT + step * (i + 0.12), 0.0
        for place, share in enumerate(stack.shares):
            if not math.isfinite(share) or share <= 0:
                continue
            top = TOP + tall * (1 - min(floor + share, 1.0))
            wide_of, tall_of = 0.76 * step, tall * share
            bars[place] += f"M{left:.1f} {top:.1f}h{wide_of:.1f}v{tall_of:.1f}h-{wide_of:.1f}z"
            floor += share
        middle = LEFT + step * (i + 0.5)
        if math.isfinite(stack.low) and math.isfinite(stack.high):
            ends = [TOP + tall * (1 - min(max(v, 0.0), 1.0)) for v in (stack.low, stack.high)]
            lines += f"M{middle:.1f} {ends[0]:.1f}V{ends[1]:.1f}"
        drawn += (
            f'<text transform="translate({middle + 3:.1f} {TOP + tall + 8}) rotate(-40)" '
            f'text-anchor="end">{escape(stack.name)}</text>'
        )
    for bar, colour in zip(bars, colours, strict=True):
        drawn += f'<path d="{bar}" fill="{colour}" stroke="#FFF" stroke-width=".6"/>' if bar else ""
    drawn += f'<path d="{lines}" stroke="#000" stroke-width="1.4"/>' if lines else ""
    label = f"{title}: " + "; ".join(
        f"{stack.name} "
        + ", ".join(f"{100 * s:.0f} % {n}" for s, n in zip(stack.shares, names, strict=True) if s == s)
        for stack in stacks
    )
    return _svg(drawn, label)


def _frame(title: str, xlabel: str, ylabel: str, lift: int = 0) -> str:
    bottom = HEIGHT - BOTTOM - lift
    return (
        f'<path d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}" fill="none" stroke="#777"/>'
        f'<text x="4" y="14" font-weight="600">{cut(title, (WIDTH - 8) / 6.4)}</text>'
        f'<text x="4" y="28">{cut(ylabel, (WIDTH - 8) / 5.9)}</text>'
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{cut(xlabel, (WIDTH - LEFT) / 5.9)}</text>"
    )


def _tick_left(y: float, text: str) -> str:
    return (
        f'<line x1="{LEFT - 3}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#777" '
        f'stroke-opacity=".25"/><text x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">'
        f"{escape(text)}</text>"
    )


def _log_ticks(low: float, high: float) -> list[float]:
    """Round values between two powers of ten: 1, 2 and 5 of each decade, or powers alone where many."""
    first, last = math.floor(low), math.ceil(high)
    steps = (1, 2, 5) if last - first <= 2 else (1,)
    found = [m * 10.0**e for e in range(first, last + 1) for m in steps]
    found = [v for v in found if low <= math.log10(v) <= high]
    return found or [10 ** ((low + high) / 2)]


def _svg(drawn: str, label: str) -> Safe:
    return Safe(
        f'<svg class="md-curve" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(label)}">{drawn}</svg>'
    )
