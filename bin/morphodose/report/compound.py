"""Section: one compound, chosen by the control of the page: curves, EC50s, states, shape, onsets."""

from __future__ import annotations

from morphodose.report import counts, curves, death, measures, shape, surface
from morphodose.report.answers import finite, interval, no_curves
from morphodose.report.figure import Album
from morphodose.report.html import escape, folded, long_table, notice, packed, paragraph, table
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section
from morphodose.report.primary import hit_parts
from morphodose.report.words import dose_words, endpoint_words, hours, number
from morphodose.responses.schemas import COMPARISONS, DEPARTURES, GROWTH

#: Rows of the table of comparisons on the page; the others are in `comparisons.parquet`.
MOST_COMPARED = 300


def section(screen: ReportInputs, album: Album) -> Section:
    """The view of the leading compound, and those of the others kept for when they are chosen."""
    names = [hit.compound for hit in screen.ranked]
    if not names:
        return Section("compound", "Compound", [Part("", notice(f"Left out: {no_curves(screen)}."))])
    curves.draw_files(screen, album)
    surface.draw_files(screen, album)
    reading = folded("How to read the curves", paragraph(curves.READING))
    first = view(screen, names[0])
    others = "".join(packed(f"md-compound-{i}", view(screen, name)) for i, name in enumerate(names) if i)
    html = (
        f'{reading}<div class="md-view" id="md-compound-view" data-view="md-compound" data-shown="0">'
        f"{first}</div>"
        f"{others}"
    )
    return Section("compound", "Compound", [Part("", html)])


def view(screen: ReportInputs, compound: str) -> str:
    """All of one compound; the script puts its montage and its crops in their places."""
    pieces = [
        ("Dose × time", '<div data-slot="montage"></div>'),
        ("Curves", curves.view(screen, compound)),
        ("EC50 over time", curves.ec50_view(screen, compound)),
        ("Values over dose and time", surface.view(screen, compound)),
        ("Cells", counts.view(screen, compound)),
        ("Death states", death.view(screen, compound)),
        ("Crops by state and dose", '<div data-slot="crops"></div>'),
        ("Shape", shape.view(screen, compound)),
        ("Onset of each change", shape.onsets_view(screen, compound)),
        ("Growth rate", _growth(screen, compound)),
        ("Where shape and death depart from vehicle", _departures(screen, compound)),
        ("Other doses and measures", measures.view(screen, compound)),
        ("All fits", folded("Table of fits", fits) if (fits := curves.fits_table(screen, compound)) else ""),
    ]
    html = f'<h3 class="md-name">{escape(compound)}</h3>'
    return html + "".join(f"<section><h4>{title}</h4>{text}</section>" for title, text in pieces if text)


def _growth(screen: ReportInputs, compound: str) -> str:
    """GR50 and GRmax with their intervals and states."""
    frame = screen.table(GROWTH)
    if frame.empty:
        few = len(screen.timepoints) < 2
        why = "growth needs two timepoints" if few else screen.why_missing("fit_responses", "growth")
        return notice(f"Left out: {why}.")
    mine = frame[frame["Metadata_Compound"].astype(str) == compound]
    if mine.empty:
        return notice("Left out: growth needs two timepoints, or none was fitted for this compound.")
    rows: list[list[object]] = []
    for row in mine.sort_values(["Endpoint", "Metadata_Timepoint"]).to_dict("records"):
        unit, state = row["Metadata_DoseUnit"], str(row["State"])
        gr50: object = None
        if state in ("fitted", "imprecise") and finite(row["GR50"]):
            gr50 = f"{dose_words(row['GR50'], unit)} ({interval(row['GR50_Low'], row['GR50_High'])})"
        elif state == "unbounded":
            low, high = row["GR50_Low"], row["GR50_High"]
            gr50 = (
                f"> {dose_words(low, unit)}"
                if finite(low)
                else f"< {dose_words(high, unit)}"
                if finite(high)
                else None
            )
        top = row["GRmax"]
        rows.append(
            [
                endpoint_words(str(row["Endpoint"]), screen.units),
                f"{hours(row['Start_h'])} to {hours(row['Metadata_Timepoint'])}",
                state,
                gr50,
                f"{number(top)} ({interval(row['GRmax_Low'], row['GRmax_High'])})" if finite(top) else None,
                number(row["Doublings"]) if finite(row["Doublings"]) else None,
                row["Reason"] if isinstance(row["Reason"], str) else "",
            ]
        )
    headers = [
        "Count",
        "Time",
        "State",
        "GR50 (95 % interval)",
        "GRmax (95 % interval)",
        "Doublings of vehicle",
        "Reason",
    ]
    text = (
        "Growth rate inhibition (Hafner 2016). 1: grows like vehicle; 0: does not grow; below 0: cells are "
        "lost. It does not depend on how fast vehicle grows."
    )
    return paragraph(text) + table(headers, rows)


def _departures(screen: ReportInputs, compound: str) -> str:
    """Benchmark doses of the most sensitive shape and of death, beside each other."""
    frame = screen.table(DEPARTURES)
    if frame.empty:
        return notice(f"Left out: {screen.why_missing('fit_responses', 'departures')}.")
    mine = frame[frame["Metadata_Compound"].astype(str) == compound]
    if mine.empty:
        return notice("Left out: no curve of this compound leaves vehicle.")
    rows: list[list[object]] = []
    for row in mine.sort_values("Metadata_Timepoint").to_dict("records"):
        cells: list[object] = [hours(row["Metadata_Timepoint"])]
        for kind in ("Shape", "Death"):
            endpoint, at = row[f"{kind}Endpoint"], row[f"{kind}_PointOfDeparture"]
            known = isinstance(endpoint, str) and finite(at)
            limits = interval(row[f"{kind}_PointOfDeparture_Low"], row[f"{kind}_PointOfDeparture_High"])
            cells.append(endpoint_words(endpoint, screen.units) if known else "none")
            dose = dose_words(float(number(at, 3)), row["Metadata_DoseUnit"]) if known else ""
            cells.append(f"{dose} ({limits}), {row[f'{kind}State']}" if known else None)
        rows.append([*cells, number(row["Ratio"]) if finite(row["Ratio"]) else None])
    text = (
        "The dose at which the curve of an endpoint leaves vehicle (benchmark dose), of the shape that does "
        "so first, and of death. A ratio below 1 says that shape changes at lower doses. The lowest of "
        "several shapes is also low by selection: use it to rank compounds, not as a test."
    )
    headers = [
        "Time",
        "Shape",
        "from (95 % interval), state",
        "Death",
        "from (95 % interval), state",
        "Ratio",
    ]
    return paragraph(text) + table(headers, rows)


def compared(screen: ReportInputs) -> Section | None:
    """EC50s beside each other, and hits of a primary screen: what belongs to no single compound."""
    parts = list(hit_parts(screen))
    frame = screen.table(COMPARISONS)
    if len(frame):
        frame = frame.sort_values(["P_Adjusted", "P"], kind="stable", na_position="last")
        rows: list[list[object]] = [
            [
                f"{row['First']} : {row['Second']}" + (f" ({row['Shared']})" if row["Shared"] else ""),
                endpoint_words(str(row["Endpoint"]), screen.units),
                hours(row["Metadata_Timepoint"]),
                f"{number(row['Ratio'])} ({interval(row['Ratio_Low'], row['Ratio_High'])})",
                number(row["P"]),
                number(row["P_Adjusted"]),
            ]
            for row in frame.head(MOST_COMPARED).to_dict("records")
        ]
        text = "Ratio of two EC50s at the same endpoint and time; P that it is 1, adjusted by Holm."
        if len(frame) > MOST_COMPARED:
            text += f" The first {MOST_COMPARED} of {len(frame):,}; all are in tables/comparisons.parquet."
        headers = ["Pair", "Endpoint", "Time", "Ratio (95 % interval)", "P", "P adjusted"]
        parts.append(Part("EC50s compared", paragraph(text) + long_table(headers, rows, "pairs")))
    return Section("compared", "All compounds", parts) if parts else None
