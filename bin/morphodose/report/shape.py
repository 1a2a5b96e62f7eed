"""How the shape of the cells of one compound changes, and whether it does so before they die."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from morphodose.report.answers import NO_CELL, finite, no_cell
from morphodose.report.counts import charts_over_time
from morphodose.report.draw import dose_name
from morphodose.report.html import Safe, escape, long_table, notice, paragraph
from morphodose.report.inputs import SHAPE_COLUMNS, ReportInputs
from morphodose.report.words import dose_words, endpoint_words, hours, minus, percent, ramp
from morphodose.units import unit_words

if TYPE_CHECKING:
    import pandas as pd

#: Shapes that are drawn.
MOST = 6
ANSWERS = {
    "yes": ("shape first", "md-ok"),
    "no": ("not before staining", "md-warn"),
    "undetermined": ("undetermined", "md-stop"),
    "neither": ("no change", "md-warn"),
}
KINDS = {"shape": "shape", "count": "count", "death": "death"}


def shape_columns(screen: ReportInputs) -> list[str]:
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


def view(screen: ReportInputs, compound: str) -> str:
    """Shape over time; with one timepoint nothing, since its curves over the dose are shown elsewhere."""
    columns = shape_columns(screen)
    if not columns:
        why = NO_CELL if no_cell(screen.wells) else "the table of wells has no median of a shape"
        return notice(f"Left out: {why}.")
    if len(screen.timepoints) < 2:
        return paragraph("One timepoint: how shape depends on the dose is among the curves above.")
    named = {c: endpoint_words(c, screen.units).replace(", viable cells", "") for c in columns}
    viable = all(c.startswith("MedianViable_") for c in columns)
    whom = (
        "viable cells only, so that dead cells cannot be taken for a change of shape"
        if viable
        else "all cells"
    )
    text = f"Median over the cells of a well ({whom}); mean of the wells and 95 % interval."
    return paragraph(text) + charts_over_time(screen, compound, named, "shape over time")


def onsets_view(screen: ReportInputs, compound: str) -> str:
    """When each endpoint first differs from vehicle at each dose, and which change comes first."""
    if screen.onsets.empty and screen.orders.empty:
        return notice(f"Left out: {_why_no_onsets(screen)}.")
    html = ""
    mine = _of(screen.onsets, compound)
    if len(mine):
        html += _onset_table(screen, mine)
    orders = _of(screen.orders, compound)
    if len(orders):
        rows = [order_row(row)[1:] for row in orders.to_dict("records")]
        headers = [
            "Dose",
            "Answer",
            "Shape from",
            "by",
            "Death from",
            "Dying cells above vehicle when shape changed (95 % interval)",
            "Remark",
        ]
        html += long_table(headers, rows, "doses", 16)
    return html or notice("Left out: fit_responses wrote no onset of this compound.")


def _of(table: pd.DataFrame, compound: str) -> pd.DataFrame:
    return table[table["Metadata_Compound"].astype(str) == compound] if len(table) else table


def _why_no_onsets(screen: ReportInputs) -> str:
    if len(screen.timepoints) < 2:
        return "there is one timepoint only"
    if screen.fewest_vehicles < 2:
        return "fewer than 2 vehicle wells at a timepoint, so nothing tells an effect from chance"
    return screen.why_missing("fit_responses", "onsets")


def _onset_table(screen: ReportInputs, onsets: pd.DataFrame) -> str:
    """One row per endpoint (shape, count, death), one column per dose; darker the earlier."""
    # cells lost are cells that remain, read from the other end
    onsets = onsets[onsets["Endpoint"] != "Fraction_Lost"]
    viable = onsets["Endpoint"].str.startswith("MedianViable_")
    if viable.any():  # medians of all cells say the same, less clearly
        onsets = onsets[~onsets["Endpoint"].str.startswith("Median_")]
    order = {kind: place for place, kind in enumerate(KINDS)}
    pairs = onsets[["Kind", "Endpoint"]].drop_duplicates()
    pairs = pairs.assign(Place=pairs["Kind"].map(order).fillna(9)).sort_values("Place", kind="stable")
    doses, times = sorted(onsets["Metadata_Dose"].unique()), screen.timepoints
    shades = dict(zip(times, ramp(len(times), "cividis")[::-1], strict=True))
    found = {(row["Endpoint"], row["Metadata_Dose"]): row for row in onsets.to_dict("records")}
    unit = unit_words(str(onsets["Metadata_DoseUnit"].iloc[0] or ""))
    head = "".join(f'<th scope="col">{escape(dose_words(d, None))}</th>' for d in doses)
    body = ""
    for kind, endpoint in zip(pairs["Kind"], pairs["Endpoint"], strict=True):
        cells = "".join(_onset_cell(found.get((endpoint, dose)), shades) for dose in doses)
        name = escape(endpoint_words(str(endpoint), screen.units))
        body += f'<tr><td>{escape(KINDS.get(kind, kind))}</td><th scope="row">{name}</th>{cells}</tr>'
    first = f"dose ({unit})" if unit else "dose"
    return (
        '<div class="md-scroll"><table class="md-table md-onsets"><caption>First time at which an endpoint '
        "differs from vehicle, and whether it rises (↑) or falls (↓). –: no change seen. ?: undetermined."
        f'</caption><thead><tr><th scope="col">Kind</th><th scope="col">Endpoint; {escape(first)}</th>'
        f"{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _onset_cell(row: dict[Any, Any] | None, shades: dict[float, str]) -> str:
    if row is None:
        return "<td></td>"
    if row["State"] != "changed" or not finite(row.get("Onset_h")):
        return f"<td>{'?' if row['State'] == 'undetermined' else '–'}</td>"
    time = float(row["Onset_h"])
    shade = shades.get(time, "#FFFFFF")
    light = sum(int(shade[i : i + 2], 16) * w for i, w in ((1, 0.3), (3, 0.59), (5, 0.11))) > 140
    arrow = {"up": " ↑", "down": " ↓"}.get(str(row.get("Direction")), "")
    ink = "#000" if light else "#FFF"
    return f'<td style="background:{shade};color:{ink}">{escape(hours(time))}{arrow}</td>'


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


def onset_summary(screen: ReportInputs) -> list[str]:
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
                else "no rise of dying cells was seen"
            )
            when = f"shape from {hours(row['ShapeOnset_h'])}, {later}"
            excess = [row.get(name) for name in ("Dying_Excess", "Dying_ExcessLow", "Dying_ExcessHigh")]
            if all(map(finite, excess)):
                value, low, high = (minus(100 * float(part)) for part in excess if part is not None)
                when += f"; when shape changed, dying cells were {value} percentage points above vehicle"
                when += f" (95 % interval {low} to {high})"
            at = f"; at {dose_name(row['Metadata_Dose'], unit)} " if len(first) > 1 else ": "
            sentences.append(f"{compound}: morphology changes before staining at {doses}{at}{when}.")
        elif (mine["MorphologyFirst"] == "no").any():
            sentences.append(f"{compound}: morphology was not seen to change before staining at any dose.")
        elif (mine["MorphologyFirst"] == "neither").all():
            sentences.append(f"{compound}: neither morphology nor death changed at any dose.")
        else:
            sentences.append(
                f"{compound}: whether morphology changes before staining is not determined by these wells."
            )
    return sentences
