"""Cells and nuclei of one compound: over time, and as a table."""

from __future__ import annotations

from morphodose.report.answers import finite
from morphodose.report.charts import Line, legend, line_chart
from morphodose.report.draw import dose_colours, dose_name
from morphodose.report.html import Safe, figure, folded, long_table, notice
from morphodose.report.inputs import ReportInputs
from morphodose.report.summary import conditions_of, doses_of, no_interval
from morphodose.report.words import dose_words, hours, number, percent

#: Columns that are shown, with words; nuclei stand beside cells, so that a stain which leaves the cell is
#: not taken for death.
COLUMNS = {
    "Count_CellsPerField": "cells per field",
    "Count_NucleiPerField": "nuclei per field",
    "Relative_CellCount": "cells relative to vehicle",
    "Relative_NucleiCount": "nuclei relative to vehicle",
}


def columns_of(screen: ReportInputs) -> dict[str, str]:
    """Columns of counts that the wells have, with words."""
    return {name: words for name, words in COLUMNS.items() if screen.has(name)}


def lines_over_time(screen: ReportInputs, compound: str, column: str) -> list[Line]:
    """One line per dose: mean over the wells and its interval at each time."""
    frame, unit = conditions_of(screen, compound, column), screen.dose_unit(compound)
    lines = []
    for dose, colour in dose_colours(doses_of(frame)).items():
        mine = frame[frame["Dose"] == dose].sort_values("Timepoint")
        points = list(
            zip(*(mine[name].astype(float) for name in ("Timepoint", "Mean", "Low", "High")), strict=True)
        )
        lines.append(Line(dose_name(dose, unit), points, colour, "5 3" if dose == 0 else ""))
    return lines


def charts_over_time(screen: ReportInputs, compound: str, columns: dict[str, str], name: str) -> str:
    """One chart for each column, the legend once."""
    drawn, key = "", ""
    for column, words in columns.items():
        lines = lines_over_time(screen, compound, column)
        zero = not column.startswith("Median")  # a shape is never 0
        title = words[:1].upper() + words[1:]
        below = "median of a well, mean over wells" if not zero else "mean over wells"
        chart = line_chart(lines, title, "time after treatment (h)", below, zero=zero)
        drawn += chart
        key = key or legend(lines)
    return figure(Safe(f'<div class="md-row">{drawn}</div>'), name, key) if drawn else ""


def view(screen: ReportInputs, compound: str) -> str:
    """Counts over time with their intervals, and those of the last time in figures."""
    columns = columns_of(screen)
    if not columns:
        return notice("Left out: the table of wells has no counts.")
    charts = ""
    if len(screen.timepoints) > 1:
        # what is relative to vehicle has its curve over the dose; the count itself is shown here
        shown = {n: w for n, w in columns.items() if n.startswith("Count_")} or columns
        charts = charts_over_time(screen, compound, shown, "cells over time")
    last = hours(screen.timepoints[-1])
    return charts + folded(f"Counts at {last}", table(screen, compound, columns))


def table(screen: ReportInputs, compound: str, columns: dict[str, str]) -> str:
    """Counts at the last timepoint, in figures."""
    last = screen.timepoints[-1]
    unit = screen.dose_unit(compound)
    tables = {}
    for column in columns:
        frame = conditions_of(screen, compound, column)
        tables[column] = frame[frame["Timepoint"] == last].set_index("Dose")
    rows = []
    for dose in tables[next(iter(columns))].index:
        row: list[object] = ["vehicle" if dose == 0 else dose_words(dose, unit)]
        for column, frame in tables.items():
            if dose not in frame.index:
                row += [None, None]
                continue
            entry = frame.loc[dose]
            show = percent if column.startswith("Relative_") else lambda v: number(v, 3)
            row += [
                show(entry["Mean"]),
                f"{show(entry['Low'])} – {show(entry['High'])}"
                if finite(entry["Low"])
                else no_interval(entry["Wells"]),
            ]
        rows.append([*row, int(tables[next(iter(columns))].loc[dose, "Wells"])])
    headers = ["Dose", *(text for words in columns.values() for text in (words, "95 % interval")), "Wells"]
    return long_table(headers, rows, "doses")
