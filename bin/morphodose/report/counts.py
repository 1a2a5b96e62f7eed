"""Section: how many cells there are, over dose and time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from morphodose.report.draw import key_outside, not_drawn, over_dose, over_time, shown_compounds
from morphodose.report.figure import Album, panels
from morphodose.report.html import long_table, notice, paragraph
from morphodose.report.inputs import Screen
from morphodose.report.parts import Part, Section
from morphodose.report.segmented import agreement
from morphodose.report.summary import conditions_of, wells_of
from morphodose.report.words import dose_words, figure_text, hours, number, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COUNT = "Count_CellsPerField"
RELATIVE = "Relative_CellCount"
#: Columns that are shown, with words; nuclei stand beside cells, so that a stain which leaves the cell is
#: not taken for death.
COLUMNS = {
    COUNT: "cells per field",
    RELATIVE: "cells relative to vehicle",
    "Count_NucleiPerField": "nuclei per field",
    "Relative_NucleiCount": "nuclei relative to vehicle",
}


def section(screen: Screen, album: Album) -> Section:
    """Cells per field and against vehicle: over time, over dose, and as a table."""
    columns = {name: words for name, words in COLUMNS.items() if screen.has(name)}
    if not columns or not screen.compounds:
        why = "no well has a treatment" if columns else "the table of wells has no counts"
        return Section("counts", "Cell counts", [Part("Cells", notice(f"Left out: {why}."))])
    parts = [
        part
        for index, c in enumerate(shown_compounds(screen))
        for part in _parts(screen, album, c, columns, index)
    ]
    apart = next((check for check in agreement(screen) if check.state in ("warn", "stop")), None)
    if apart:
        parts[0] = replace(parts[0], html=notice(f"{apart.question} No. {apart.answer}") + parts[0].html)
    parts[0] = replace(parts[0], html=not_drawn(screen) + parts[0].html)
    return Section("counts", "Cell counts", parts)


def _parts(screen: Screen, album: Album, compound: str, columns: dict[str, str], index: int) -> list[Part]:
    several = len(screen.compounds) > 1
    name = f" – {compound}" if several else ""
    tag = f"_{index + 1}" if several else ""
    parts = []
    intro = paragraph(
        "Whole cells only: a cell cut by the image border is counted apart. Dead cells that came off the "
        "plate are no longer seen, so a falling count is part of the death. Each point is the mean over "
        "wells, each bar its 95 % interval over wells."
    )
    if len(screen.timepoints) > 1:
        drawn = album.draw(f"counts_over_time{tag}", lambda: _time_figure(screen, compound, columns))
        html = intro + drawn.html(
            f"Cell counts over time, {compound}", "Mean of the wells and 95 % interval; a line a dose."
        )
        parts.append(Part(f"Over time{name}", html))
        intro = ""
    drawn = album.draw(f"counts_over_dose{tag}", lambda: _dose_figure(screen, compound, columns))
    caption = "Grey: wells. Coloured: mean of the wells and 95 % interval."
    parts.append(
        Part(
            f"Over dose{name}",
            intro + drawn.html(f"Cell counts over dose, {compound}", caption),
            below=_table(screen, compound, columns),
        )
    )
    return parts


def _time_figure(screen: Screen, compound: str, columns: dict[str, str]) -> Figure:
    figure, axes = panels(len(columns), 2, 5.0, 3.5)
    unit = screen.dose_unit(compound)
    for axis, (column, words) in zip(axes, columns.items(), strict=True):
        over_time(axis, conditions_of(screen, compound, column), unit)
        axis.set_ylabel(words)
        axis.set_ylim(bottom=0)
    key_outside(figure, axes[0], figure_text(compound))
    return figure


def _dose_figure(screen: Screen, compound: str, columns: dict[str, str]) -> Figure:
    relative = [name for name in columns if name.startswith("Relative_")] or list(columns)[:1]
    wells = wells_of(screen, compound)
    jobs = []
    for column in relative:
        conditions = conditions_of(screen, compound, column)
        jobs += [
            (column, t, conditions[conditions["Timepoint"] == t]) for t in conditions["Timepoint"].unique()
        ]
    jobs.sort(key=lambda job: (relative.index(job[0]), job[1]))
    across = max(sum(job[0] == column for job in jobs) for column in relative)
    across = across if 1 < across <= 4 else 3 if across > 4 else 2
    figure, axes = panels(len(jobs), across, 3.5, 3.0, sharey=True)
    for axis, (column, time, conditions) in zip(axes, jobs, strict=True):
        mine = wells[wells["Metadata_Timepoint"] == time]
        over_dose(axis, mine, column, conditions, screen.dose_unit(compound))
        axis.set_title(f"{columns[column].split()[0]}, {hours(time)}")
        axis.set_ylim(bottom=0)
        if column.startswith("Relative_"):
            axis.axhline(1, color="#999999", linewidth=0.9, linestyle="--")
    for axis in axes[::across]:
        axis.set_ylabel(
            "relative to vehicle" if relative[0].startswith("Relative_") else columns[relative[0]]
        )
    return figure


def _table(screen: Screen, compound: str, columns: dict[str, str]) -> str:
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
                f"{show(entry['Low'])} – {show(entry['High'])}" if entry["Wells"] > 1 else "one well",
            ]
        rows.append([*row, int(tables[next(iter(columns))].loc[dose, "Wells"])])
    headers = ["Dose", *(text for words in columns.values() for text in (words, "95 % interval")), "Wells"]
    return paragraph(f"At {hours(last)}:") + long_table(headers, rows, "doses")
