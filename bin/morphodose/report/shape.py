"""Section: how the shape of the cells changes, and whether it does so before they die."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from morphodose.report.answers import finite
from morphodose.report.draw import (
    dose_name,
    key_outside,
    not_drawn,
    over_dose,
    over_time,
    shown_compounds,
)
from morphodose.report.figure import Album, panels
from morphodose.report.html import Safe, long_table, notice, paragraph
from morphodose.report.inputs import SHAPE_COLUMNS, Screen
from morphodose.report.parts import Part, Section
from morphodose.report.summary import conditions_of, wells_of
from morphodose.report.words import dose_words, endpoint_words, figure_text, hours, percent
from morphodose.units import unit_words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Panels of the figure of shape.
MOST = 6
ANSWERS = {
    "yes": ("shape first", "md-ok"),
    "no": ("not before staining", "md-warn"),
    "undetermined": ("undetermined", "md-stop"),
    "neither": ("no change", "md-warn"),
}
KINDS = {"shape": "shape", "count": "count", "death": "death"}


def shape_columns(screen: Screen) -> list[str]:
    """Columns of shape that are drawn; those of viable cells first, since dead cells change a median too."""
    shapes = (
        screen.onsets.loc[screen.onsets["Kind"] == "shape", "Endpoint"] if "Kind" in screen.onsets else []
    )
    named = [str(name) for name in dict.fromkeys(shapes) if not str(name).startswith("Endpoint_")]
    candidates = list(
        dict.fromkeys([*named, *(c for c in SHAPE_COLUMNS if c.startswith("MedianViable_")), *SHAPE_COLUMNS])
    )
    found: list[str] = []
    for name in candidates:
        feature = name.partition("_")[2]
        if screen.has(name) and feature not in {f.partition("_")[2] for f in found}:
            found.append(name)
    return found[:MOST]


def section(screen: Screen, album: Album) -> Section:
    """The order of events, the onset of each change, and the shape itself."""
    title = "Shape before staining"
    columns = shape_columns(screen)
    if not columns or not screen.compounds:
        return Section(
            "shape", title, [Part("Shape", notice("Left out: the table of wells has no median of a shape."))]
        )
    parts = _orders(screen, album)
    parts[0] = replace(parts[0], html=not_drawn(screen) + parts[0].html)
    for index, compound in enumerate(shown_compounds(screen)):
        parts.append(_shape(screen, album, compound, columns, index))
    return Section("shape", title, parts)


def _why_no_onsets(screen: Screen) -> str:
    if len(screen.timepoints) < 2:
        return "there is one timepoint only"
    if screen.fewest_vehicles < 2:
        return "fewer than 2 vehicle wells at a timepoint, so nothing tells an effect from chance"
    return screen.why_missing("fit_responses", "onsets")


def _orders(screen: Screen, album: Album) -> list[Part]:
    """Whether shape changes before staining, a row a dose, and when each endpoint changes."""
    title = "Which comes first"
    if screen.onsets.empty and screen.orders.empty:
        why = _why_no_onsets(screen)
        return [Part(title, notice(f"Left out: {why}."))]
    text = paragraph(
        "An onset is the first timepoint from which an endpoint differs from the vehicle of the same "
        "time; it is known to within the gap to the timepoint before. Shape is that of viable cells "
        "alone, and it is said to change first only where more dying cells at that time are excluded."
    )
    parts = []
    if not screen.orders.empty:
        rows = [order_row(row) for row in screen.orders.to_dict("records")]
        headers = [
            "Compound",
            "Dose",
            "Answer",
            "Shape from",
            "by",
            "Death from",
            "Dying cells above vehicle when shape changed",
            "Remark",
        ]
        parts.append(Part(title, text + long_table(headers, rows, "doses", 16)))
        text = ""
    for index, compound in enumerate(shown_compounds(screen)):
        mine = (
            screen.onsets[screen.onsets["Metadata_Compound"].astype(str) == compound]
            if not screen.onsets.empty
            else screen.onsets
        )
        if mine.empty:
            continue
        tag, name = (f"_{index + 1}", f" – {compound}") if len(screen.compounds) > 1 else ("", "")
        drawn = album.draw(f"onsets{tag}", partial(_onset_figure, screen, mine, compound))
        caption = (
            "Hours after treatment at which each endpoint first differs from vehicle; the arrow says "
            "whether it rises or falls. Dash: no change seen. Question mark: undetermined."
        )
        parts.append(
            Part(f"Onset of each change{name}", text + drawn.html(f"Onsets of change, {compound}", caption))
        )
        text = ""
    return parts


def order_row(row: dict[str, Any]) -> list[object]:
    """A row of `orders` in words."""
    word, style = ANSWERS.get(str(row.get("MorphologyFirst")), (str(row.get("MorphologyFirst")), "md-stop"))
    shape, death = row.get("ShapeOnset_h"), row.get("DeathOnset_h")
    excess = "–"
    if finite(row.get("Dying_Excess")):
        excess = percent(row["Dying_Excess"], 1)
        if finite(row.get("Dying_ExcessLow")) and finite(row.get("Dying_ExcessHigh")):
            excess += f" ({percent(row['Dying_ExcessLow'], 1)} to {percent(row['Dying_ExcessHigh'], 1)})"
    endpoint = row.get("ShapeEndpoint")
    return [
        row.get("Metadata_Compound"),
        dose_words(row["Metadata_Dose"], row.get("Metadata_DoseUnit")),
        Safe(f'<span class="md-state {style}">{word}</span>')
        if word in {w for w, _ in ANSWERS.values()}
        else word,
        hours(shape) if finite(shape) else "not seen",
        endpoint_words(str(endpoint)) if isinstance(endpoint, str) and endpoint else "–",
        hours(death) if finite(death) else "not seen",
        excess,
        row.get("Reason") or "",
    ]


def _onset_figure(screen: Screen, onsets: pd.DataFrame, compound: str) -> Figure:
    """A row an endpoint (shape, count, death), a column a dose; the cell says when it changed."""
    doses = sorted(onsets["Metadata_Dose"].unique())
    viable = onsets["Endpoint"].str.startswith("MedianViable_")
    if viable.any():  # medians of all cells say the same, less clearly
        onsets = onsets[~onsets["Endpoint"].str.startswith("Median_")]
    order = {kind: place for place, kind in enumerate(KINDS)}
    rows = onsets[["Kind", "Endpoint"]].drop_duplicates()
    rows = rows.assign(Place=rows["Kind"].map(order).fillna(9)).sort_values("Place", kind="stable")
    names = [endpoint_words(e, screen.units) for e in rows["Endpoint"]]
    figure, (axes,) = panels(1, 1, 0.75 * len(doses) + 4.6, 0.36 * len(rows) + 1.2)
    _onset_cells(axes, onsets, list(rows["Endpoint"]), doses, screen.timepoints)
    axes.set_yticks(range(len(rows)), [figure_text(n) for n in names])
    axes.set_xticks(range(len(doses)), [dose_words(d, None) for d in doses])
    unit = unit_words(screen.dose_unit(compound))
    axes.set_xlabel(figure_text(f"dose of {compound} ({unit})" if unit else f"dose of {compound}"))
    for place in (
        place for place in range(1, len(rows)) if rows["Kind"].iloc[place] != rows["Kind"].iloc[place - 1]
    ):
        axes.axhline(place - 0.5, color="#555555", linewidth=1.2)
    for kind in rows["Kind"].unique():
        middle = [i for i, k in enumerate(rows["Kind"]) if k == kind]
        axes.text(
            len(doses) - 0.4,
            sum(middle) / len(middle),
            KINDS.get(kind, kind),
            va="center",
            fontsize=9,
            color="#555555",
        )
    return figure


def _onset_cells(
    axes: Axes, onsets: pd.DataFrame, endpoints: list[str], doses: list[float], times: list[float]
) -> None:
    import numpy as np
    from matplotlib import colormaps

    grid = np.full((len(endpoints), len(doses)), np.nan)
    colours = colormaps["cividis"]
    for row in onsets.to_dict("records"):
        y, x = endpoints.index(row["Endpoint"]), doses.index(row["Metadata_Dose"])
        if row["State"] == "changed" and finite(row.get("Onset_h")):
            grid[y, x] = times.index(float(row["Onset_h"])) if float(row["Onset_h"]) in times else np.nan
            arrow = {"up": "↑", "down": "↓"}.get(str(row.get("Direction")), "")
            tint = "white" if grid[y, x] < 0.55 * max(len(times) - 1, 1) else "black"
            axes.text(
                x, y, f"{row['Onset_h']:g} h {arrow}", ha="center", va="center", fontsize=8.5, color=tint
            )
        else:
            axes.text(
                x,
                y,
                "?" if row["State"] == "undetermined" else "–",
                ha="center",
                va="center",
                fontsize=9,
                color="#777777",
            )
    axes.set_facecolor("#F3F3F3")
    edges = np.arange(len(doses) + 1) - 0.5, np.arange(len(endpoints) + 1) - 0.5
    axes.pcolormesh(
        *edges,
        np.ma.masked_invalid(grid),
        cmap=colours,
        vmin=0,
        vmax=max(len(times) - 1, 1),
        edgecolors="white",
        linewidth=1.2,
    )
    axes.invert_yaxis()
    axes.grid(False)
    axes.tick_params(length=0)


def _shape(screen: Screen, album: Album, compound: str, columns: list[str], index: int) -> Part:
    tag, name = (f"_{index + 1}", f" – {compound}") if len(screen.compounds) > 1 else ("", "")
    drawn = album.draw(f"shape{tag}", lambda: _figure(screen, compound, columns))
    viable = all(c.startswith("MedianViable_") for c in columns)
    whom = (
        "viable cells only, so that dead cells cannot be taken for a change of shape"
        if viable
        else "all cells"
    )
    caption = f"Median over the cells of a well ({whom}); mean of the wells and 95 % interval."
    return Part(f"Shape{name}", drawn.html(f"Shape of the cells, {compound}", caption))


def _figure(screen: Screen, compound: str, columns: list[str]) -> Figure:
    """A panel a feature: over time, or over dose when there is one timepoint."""
    figure, axes = panels(len(columns), 3 if len(columns) > 2 else 2, 3.7, 3.0)
    unit = screen.dose_unit(compound)
    alone = len(screen.timepoints) == 1
    for axis, column in zip(axes, columns, strict=True):
        conditions = conditions_of(screen, compound, column)
        if alone:
            over_dose(axis, wells_of(screen, compound), column, conditions, unit)
        else:
            over_time(axis, conditions, unit)
        axis.set_title(
            figure_text(endpoint_words(column, screen.units).replace(", viable cells", "")), fontsize=9.5
        )
    if not alone:
        key_outside(figure, axes[0], figure_text(compound))
    axes[0].set_ylabel("median of a well")
    return figure


def onset_summary(screen: Screen) -> list[str]:
    """Sentences for the head of the report: at which doses shape changes before staining."""
    sentences = []
    for compound in screen.compounds:
        mine = (
            screen.orders[screen.orders["Metadata_Compound"].astype(str) == compound]
            if not screen.orders.empty
            else screen.orders
        )
        if mine.empty:
            continue
        unit = screen.dose_unit(compound)
        first = mine[mine["MorphologyFirst"] == "yes"].sort_values("Metadata_Dose")
        if len(first):
            doses = ", ".join(dose_name(d, unit) for d in first["Metadata_Dose"])
            seen = first[first["DeathOnset_h"].notna()]
            row = (seen if len(seen) else first).iloc[0]
            later = (
                f"death from {hours(row['DeathOnset_h'])}"
                if finite(row["DeathOnset_h"])
                else "no death was seen"
            )
            when = f"shape from {hours(row['ShapeOnset_h'])}, {later}"
            example = f"at {dose_name(row['Metadata_Dose'], unit)}, {when}"
            sentences.append(f"{compound}: morphology changes before staining at {doses} ({example}).")
        elif (mine["MorphologyFirst"] == "no").any():
            sentences.append(f"{compound}: morphology was not seen to change before staining at any dose.")
        elif (mine["MorphologyFirst"] == "neither").all():
            sentences.append(f"{compound}: neither morphology nor death changed at any dose.")
        else:
            sentences.append(
                f"{compound}: whether morphology changes before staining is not determined by these wells."
            )
    return sentences
