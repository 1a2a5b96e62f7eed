"""Three sentences of the first screen: death, loss of cells, order of events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from morphodose.report.answers import STATES, ec50_phrase, finite, no_cell, no_curves, refusals
from morphodose.report.curves import rows_of
from morphodose.report.hits import NUCLEI_FLAG, Hit, latest, main_endpoint
from morphodose.report.inputs import ReportInputs
from morphodose.report.shape import onset_summary
from morphodose.report.summary import no_interval
from morphodose.report.words import (
    counted,
    dose_words,
    endpoint_words,
    hours,
    listed,
    lower,
    minus,
    number,
    percent,
)

#: The endpoint that says how many cells are lost.
COUNT = "Relative_CellCount"


def findings(screen: ReportInputs, ranked: Sequence[Hit]) -> list[str]:
    """Up to three sentences: death, loss of cells, order of events; each with number, interval and state."""
    if not ranked:
        return ["No well has the role treated: there is no dose to report on."]
    main = main_endpoint(screen)
    words = lower(endpoint_words(main, screen.units)) if main and not main.startswith("Endpoint_") else ""
    words = words or (endpoint_words(main, screen.units) if main else "")
    if len(ranked) == 1:
        sentences = [_response(screen, ranked[0], words), _loss(screen, ranked[0])]
    else:
        sentences = [_responses(screen, ranked, words), _greatest_loss(screen, ranked)]
    return [text for text in (*sentences, _order(screen, ranked)) if text]


def _interval(low: float, high: float, wells: int) -> str:
    if not (finite(low) and finite(high)):
        return f"{no_interval(wells)}, no interval"
    return f"95 % interval {percent(low)} – {percent(high)}"


def _response(screen: ReportInputs, hit: Hit, words: str) -> str:
    if hit.main is None:
        return f"{hit.compound}: no dose response was fitted, {no_curves(screen)}."
    text = f"{hit.compound}, {words} at {hours(hit.main['Metadata_Timepoint'])}: {ec50_phrase(hit.main)}."
    effect, endpoint = hit.effect, str(hit.main["Endpoint"])
    if effect and endpoint.startswith(("Fraction_", "Relative_")):
        unit = str(hit.main.get("Metadata_DoseUnit") or "")
        text += (
            f" At {dose_words(effect.dose, unit)} {percent(effect.value)} "
            f"({_interval(effect.low, effect.high, effect.wells)}), in vehicle {percent(effect.vehicle)} "
            f"({_interval(effect.vehicle_low, effect.vehicle_high, effect.vehicle_wells)})."
        )
    return text


def _loss(screen: ReportInputs, hit: Hit) -> str:
    if hit.lost is None or not finite(hit.lost.value):
        return _loss_unknown(screen)
    unit, lost, effect = screen.dose_unit(hit.compound), hit.lost, hit.effect
    counts = hit.main is not None and hit.main["Endpoint"] == COUNT
    if counts and effect and (effect.dose, effect.time) == (lost.dose, lost.time):
        return _shape(screen, hit)  # what remains was told, and what is lost is the rest of it
    text = f"At {dose_words(lost.dose, unit)} {hit.compound}, {hours(lost.time)}, "
    if lost.value < 0:
        text += f"there are {percent(-lost.value)} more cells than in vehicle "
        text += f"({_interval(-lost.high, -lost.low, lost.wells)})"
    else:
        text += f"{percent(lost.value)} of the cells are lost against vehicle "
        text += f"({_interval(lost.low, lost.high, lost.wells)})"
    row = latest(rows_of(screen, hit.compound, COUNT))
    if row is not None and not _told(hit.main, row):
        text += f"; {ec50_phrase(row)}"
    if NUCLEI_FLAG in hit.flags:
        text += "; the count of nuclei says otherwise, see the checks"
    return f"{text}."


def _told(main: Mapping[str, Any] | None, row: Mapping[str, Any]) -> bool:
    """Whether what a row says of its EC50 was said of the main one: it is that row, or refused alike."""
    if main is None:
        return False
    alike = str(main["State"]) == str(row["State"]) == "refused" and main.get("Reason") == row.get("Reason")
    return alike or all(main[name] == row[name] for name in ("Endpoint", "Metadata_Timepoint"))


def _shape(screen: ReportInputs, hit: Hit) -> str:
    """The most sensitive shape, in place of a loss of cells that was told."""
    nuclei = "The counts of cells and nuclei disagree, see the checks." if NUCLEI_FLAG in hit.flags else ""
    row = hit.shape
    if row is None or _told(hit.main, row):
        return nuclei
    words = endpoint_words(str(row["Endpoint"]), screen.units)
    text = f"{words} at {hours(row['Metadata_Timepoint'])}: {ec50_phrase(row)}."
    if row["State"] != "refused":
        text = f"The most sensitive shape is {lower(text)}"
    return f"{text} {nuclei}".rstrip()


def _loss_unknown(screen: ReportInputs) -> str:
    if no_cell(screen.wells):
        return "Cells lost: not known, since no cell was found in any well."
    vehicle = screen.wells[screen.wells["Metadata_Role"] == "vehicle"]
    why = (
        "the vehicle wells have no cells" if no_cell(vehicle) else "there is no vehicle well of the same time"
    )
    return f"Cells lost: not known, since {why} to compare with."


def _responses(screen: ReportInputs, ranked: Sequence[Hit], words: str) -> str:
    states = Counter(str(hit.main["State"]) for hit in ranked if hit.main)
    if not states:
        return f"No dose response was fitted for any compound: {no_curves(screen)}."
    if set(states) == {"refused"}:
        why = refusals(hit.main.get("Reason") for hit in ranked if hit.main)
        text = f"No EC50 of {words} for any of {counted(len(ranked), 'compound')}, all refused: {why}."
        return f"{text} {_strongest(screen)}".rstrip()
    parts = [f"{states[state]} {state}" for state in STATES if states[state]]
    if without := len(ranked) - sum(states.values()):
        parts.append(f"{without} without a curve")
    text = f"EC50 of {words}, {counted(len(ranked), 'compound')}: {listed(parts)}."
    best = ranked[0].main
    if best is not None and best["State"] != "refused":
        text += (
            f" Most potent: {ranked[0].compound} at {hours(best['Metadata_Timepoint'])}, {ec50_phrase(best)}."
        )
    return text


def _strongest(screen: ReportInputs) -> str:
    """The strongest hit of compounds with too few doses for a curve, where they were judged."""
    table = screen.primary
    if table.empty:
        return ""
    hits = table[table["Hit"].fillna(False).astype(bool)]
    tested, found = (each["Metadata_Compound"].nunique() for each in (table, hits))
    if hits.empty:
        return f"Compared with vehicle at single doses, none of {counted(tested, 'compound')} is a hit."
    row = hits.loc[hits["SSMD"].abs().idxmax()]
    unit = row["Metadata_DoseUnit"] if isinstance(row["Metadata_DoseUnit"], str) else None
    return (
        f"Compared with vehicle at single doses, {found} of {counted(tested, 'compound')} "
        f"{'is a hit' if found == 1 else 'are hits'}; the strongest is {row['Metadata_Compound']} at "
        f"{dose_words(row['Metadata_Dose'], unit)}, {hours(row['Metadata_Timepoint'])}, "
        f"{lower(endpoint_words(str(row['Endpoint']), screen.units))}: SSMD {minus(row['SSMD'])}, "
        f"false discovery rate {number(row['Q'])}."
    )


def _greatest_loss(screen: ReportInputs, ranked: Sequence[Hit]) -> str:
    known = [hit for hit in ranked if hit.lost and finite(hit.lost.value)]
    if not known:
        return _loss_unknown(screen)
    most = max(known, key=lambda hit: hit.lost.value if hit.lost else 0.0)
    return _loss(screen, most)


def _order(screen: ReportInputs, ranked: Sequence[Hit]) -> str:
    if len(ranked) <= 1:
        return next(iter(onset_summary(screen)), _not_judged(screen))
    first = [hit.compound for hit in ranked if hit.order.startswith("shape first")]
    kinds = Counter(hit.order for hit in ranked)
    if kinds["not judged"] == len(ranked):
        return _not_judged(screen)
    text = f"Shape changes before staining for {len(first)} of {len(ranked)} compounds"
    text += f": {listed(first, 4)}" if first else ""
    rest = [
        f"{kinds[kind]} {kind}"
        for kind in ("shape not before staining", "no change", "not determined", "not judged")
        if kinds[kind]
    ]
    return f"{text}; {listed(rest)}." if rest else f"{text}."


def _not_judged(screen: ReportInputs) -> str:
    if len(screen.timepoints) < 2:
        return "Whether shape changes before staining cannot be told from one timepoint."
    if not screen.has("Fraction_Dying"):
        return "Whether shape changes before staining is not known: no cell has a death state."
    return "Whether shape changes before staining was not judged: no order of onsets was fitted."
