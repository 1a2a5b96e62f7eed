"""The first screen: the verdict with its worst reasons, three findings, and the picture that answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from morphodose.report.answers import (
    ec50_words,
    finite,
    no_curves,
)
from morphodose.report.checks import Check
from morphodose.report.curves import curve_drawing, curve_of
from morphodose.report.findings import findings
from morphodose.report.hits import Effect, Hit, main_endpoint, rank
from morphodose.report.html import escape, figure, notice, packed, paragraph
from morphodose.report.inputs import ReportInputs
from morphodose.report.montage import montage
from morphodose.report.points import points_of
from morphodose.report.summary import no_interval
from morphodose.report.svg import LARGE, SHARES, SPARK, curve_svg
from morphodose.report.tiles import Tiles
from morphodose.report.words import (
    counted,
    dose_words,
    endpoint_words,
    hours,
    lower,
    minus,
    number,
    percent,
)

#: Letters of a reason on the first screen; the whole of it stands in the table of checks.
LONGEST = 230
#: The blank between a number and its unit, which stay on one line.
_UNIT = re.compile(r"(?<=[0-9]) (?=%|h\b|[npµm]?M\b)")
_FIGURES = ' class="md-figure-cell"'


def first_screen(
    screen: ReportInputs, checks: Sequence[Check], title: str, text: str, state: str, tiles: Tiles
) -> str:
    """HTML of the first screen."""
    ranked = screen.ranked
    return (
        _verdict(checks, title, text, state)
        + _findings(findings(screen, ranked))
        + (_picker(screen, ranked, tiles) if ranked else "")
    )


def reasons(checks: Sequence[Check], most: int = 2) -> list[Check]:
    """The worst checks that are not fine, faults before remarks before what was not checked."""
    order = ("stop", "warn", "none")
    bad = [check for check in checks if check.state != "ok"]
    return sorted(bad, key=lambda check: order.index(check.state))[:most]


def _verdict(checks: Sequence[Check], title: str, text: str, state: str) -> str:
    worst = reasons(checks)
    items = "".join(
        f"<li><b>{escape(check.question)}</b> {escape(f'{_short(check.answer)} {check.fix}'.rstrip())}</li>"
        for check in worst
    )
    more = sum(check.state != "ok" for check in checks) - len(worst)
    if more > 0:
        items += (
            f'<li><a href="#sec-checks">{escape(counted(more, "more line"))} in the table of checks</a></li>'
        )
    inner = f"<ul>{items}</ul>" if items else ""
    return (
        f'<div class="md-verdict md-{escape(state)}"><strong>{escape(title)}</strong>'
        f"{escape(text)}{inner}</div>"
    )


def _short(text: str) -> str:
    """A long answer up to the end of a clause outside brackets, else of a word; the rest is in the table."""
    if len(text) <= LONGEST:
        return text
    depth, clause, word = 0, 0, 0
    for place, letter in enumerate(text[:LONGEST]):
        depth += (letter == "(") - (letter == ")")
        if letter == " ":
            word = place
            if depth == 0 and text[place - 1] in ".;:,":
                clause = place - 1 if text[place - 1] != "." else place
    if clause > LONGEST // 3:
        return text[:clause] + (" …" if text[clause - 1] != "." else "")
    return text[:word] + " …"


def _findings(sentences: Sequence[str]) -> str:
    items = "".join(f"<li>{_UNIT.sub('&nbsp;', escape(sentence))}</li>" for sentence in sentences)
    return f'<ol class="md-findings">{items}</ol>' if items else ""


def _picker(screen: ReportInputs, ranked: Sequence[Hit], tiles: Tiles) -> str:
    """Table of hits (of several compounds), and the place where the chosen compound is shown."""
    first = f'<div class="md-view" data-view="md-hit" data-shown="0">{_view(screen, ranked[0], tiles)}</div>'
    if len(ranked) == 1:
        return first
    others = "".join(packed(f"md-hit-{i}", _view(screen, hit, tiles)) for i, hit in enumerate(ranked) if i)
    return hit_table(screen, ranked) + first + others


def _view(screen: ReportInputs, hit: Hit, tiles: Tiles) -> str:
    """Montage and main curve of one compound."""
    curve: str = notice(f"Curve left out: no dose response was fitted, {no_curves(screen)}.")
    if hit.main is not None:
        curve = figure(curve_drawing(screen, hit.main, LARGE), f"{hit.compound} curve")
    name = f'<h3 class="md-name">{escape(hit.compound)}</h3>'
    picture = montage(screen, hit.compound, tiles)
    return f'{name}<div class="md-pair"><div data-home="montage">{picture}</div><div>{curve}</div></div>'


def hit_table(screen: ReportInputs, ranked: Sequence[Hit]) -> str:
    """Ranked, sortable and searchable table of compounds."""
    main = main_endpoint(screen)
    words = endpoint_words(main, screen.units) if main else "response"
    headers = (
        ("Compound", "text"),
        ("Curve", ""),
        (f"EC50: {lower(words)}", "number"),
        ("EC50: shape", "number"),
        ("Greatest effect", "number"),
        ("Cells lost", "number"),
        ("Order", "text"),
        ("Flags", "text"),
    )
    head = "".join(
        f'<th scope="col"><button type="button" data-sort="{i}">{escape(text)}</button></th>'
        if kind
        else f'<th scope="col">{escape(text)}</th>'
        for i, (text, kind) in enumerate(headers)
    )
    labels = [text for text, _ in headers]
    limits = _limits_of(screen, main)
    body = "".join(_hit_row(screen, hit, i, labels, limits) for i, hit in enumerate(ranked))
    return (
        '<label class="md-find">Find a compound <input type="search" data-find="md-hits"></label>'
        '<div class="md-scroll md-tall" tabindex="0" role="group" aria-label="Compounds">'
        '<table class="md-table md-hits" id="md-hits">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        + paragraph(_axes_of(screen, ranked, words, limits), kind="md-none")
    )


def _limits_of(screen: ReportInputs, main: str | None) -> tuple[float, float] | None:
    """Ends of the value axis of all small curves, so that they can be compared with one another."""
    if main is None or main not in screen.wells or screen.wells[main].isna().all():
        return None
    if main.startswith("Fraction_"):
        return (0.0, 1.0)
    low, high = float(screen.wells[main].min()), float(screen.wells[main].max())
    return (min(low, 0.0) if low < 0.5 * high else low, high if high > low else low + 1.0)


def _axes_of(
    screen: ReportInputs, ranked: Sequence[Hit], words: str, limits: tuple[float, float] | None
) -> str:
    """The axes of the small curves, in words."""
    if limits is None or not any(hit.main is not None for hit in ranked):
        return "There are no small curves: no dose response was fitted."
    share = str(main_endpoint(screen)).startswith(SHARES)
    low, high = (percent(limit) if share else number(limit) for limit in limits)
    names = {hit.compound for hit in ranked}
    treated = screen.wells[
        screen.wells["Metadata_Compound"].isin(names) & (screen.wells["Metadata_Dose"] > 0)
    ]
    each = treated.groupby("Metadata_Compound")["Metadata_Dose"].agg(["min", "max"]).drop_duplicates()
    units = treated["Metadata_DoseUnit"].drop_duplicates()
    doses = "the doses of each compound"
    if len(each) == 1 and len(units) == 1:
        unit = units.iloc[0] if isinstance(units.iloc[0], str) else None
        doses = f"{number(each['min'].iloc[0])} to {dose_words(each['max'].iloc[0], unit)}"
    return (
        f"Small curves: {lower(words)}, {low} at the bottom to {high} at the top; from left to right "
        f"vehicle and {doses}, on a logarithmic axis."
    )


def _hit_row(
    screen: ReportInputs,
    hit: Hit,
    number_of: int,
    labels: Sequence[str],
    limits: tuple[float, float] | None,
) -> str:
    spark = ""
    if hit.main is not None:
        words = endpoint_words(str(hit.main["Endpoint"]))
        points = points_of(screen, hit.main)
        spark = curve_svg(hit.main, points, curve_of(screen, hit.main), words, SPARK, limits=limits)
    fraction = hit.main is not None and str(hit.main["Endpoint"]).startswith(("Fraction_", "Relative_"))
    cells = [
        (f'<button type="button" data-hit="{number_of}">{escape(hit.compound)}</button>', hit.compound),
        (spark or "–", ""),
        (_ec50_cell(hit.main, False), _key(hit.main)),
        (_ec50_cell(hit.shape, True, screen), _key(hit.shape)),
        (_effect_cell(hit.effect, fraction), -_size(hit.effect)),
        (_effect_cell(hit.lost, True), -hit.lost.value if hit.lost and finite(hit.lost.value) else 9e9),
        (escape(hit.order), hit.order),
        (escape(", ".join(hit.flags)) or "–", ", ".join(hit.flags) or "~"),
    ]
    inner = "".join(
        f'<td{_FIGURES if 1 < i < 6 else ""}{_named(labels[i]) if i > 1 else ""} data-key="{escape(key)}">'
        f"{text}</td>"
        for i, (text, key) in enumerate(cells)
    )
    return f"<tr>{inner}</tr>"


def _named(label: str) -> str:
    """What a narrow window writes before a value, where there is no room for the head of the table."""
    return f' data-label="{escape(label)}"'


def _key(row: Mapping[str, Any] | None) -> float:
    """Sorting key of an EC50: fitted ones by size, then the others."""
    group, value = rank(row)
    return group * 1e12 + min(value, 1e11)


def _size(effect: Effect | None) -> float:
    return abs(effect.value - effect.vehicle) if effect and finite(effect.value) else -9e9


def _ec50_cell(row: Mapping[str, Any] | None, shape: bool, screen: ReportInputs | None = None) -> str:
    if row is None:
        return "–"
    small = hours(row["Metadata_Timepoint"])
    if shape and screen:
        small = f"{endpoint_words(str(row['Endpoint'])).partition(',')[0]}, {small}"
    return f"{escape(ec50_words(row))}<br><small>{escape(str(row['State']))}, {escape(small)}</small>"


def _effect_cell(effect: Effect | None, fraction: bool) -> str:
    if effect is None or not finite(effect.value):
        return "–"
    show = percent if fraction else minus
    known = finite(effect.low) and finite(effect.high)
    limits = f"{show(effect.low)} – {show(effect.high)}" if known else no_interval(effect.wells)
    return f"{escape(show(effect.value))}<br><small>{escape(limits)}</small>"
