"""Checks of the segmentation: what it lost, whether the dose moves that, whether cells and nuclei agree."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from morphodose.names import TRANSMITTED_LIGHT
from morphodose.profiles.losses import (
    AT_BORDER,
    COMPLETED,
    LEAST_OBJECTS,
    MULTINUCLEATE,
    RATE,
    STAIN_OUTSIDE,
    WITHOUT_CELL,
    WITHOUT_NUCLEUS,
    Loss,
    losses_of,
    wilson_low,
    worst_fields,
)
from morphodose.report.checks import Check, State, graded, not_checked, worst
from morphodose.report.inputs import ReportInputs
from morphodose.report.summary import conditions_of
from morphodose.report.words import counted, dose_words, hours, listed, percent
from morphodose.segmentation.common import SHIPPED, Method

if TYPE_CHECKING:
    import pandas as pd

FOUND = "Does every nucleus have a cell?"
MOVED = "Does the dose change what is missed?"
AGREE = "Do cells and nuclei agree?"
STAIN = "Is the stain in cells?"
LIGHT = "Can the model see these cells?"

#: Share of nuclei in no cell, of cells without nucleus, of cells with several.
LIMITS = (0.05, 0.20)
#: Share of all cells that the border of the image cuts.
BORDER_LIMITS = (0.40, 1.0)
#: Share of the stained area in no cell; of images that were segmented well, below the first.
STAIN_LIMITS = (0.15, 0.35)
#: Change with the dose from which it is a fault and no longer a remark.
MOVE = 0.05
#: How far apart the counts of cells and of nuclei against vehicle may be.
APART = 0.15
#: Share of nuclei whose cells were grown: they are counted, but their shapes are those of the growth.
GROWN_LIMITS = (0.20, 1.0)
#: No fault where the dose moves these: size of cells and division are biology, grown cells are counted, and
#: remains of dead cells are stained, too.
_REMARKS = {MULTINUCLEATE, AT_BORDER, COMPLETED, STAIN_OUTSIDE}
#: Limits of the losses that have their own.
_LIMITS = {AT_BORDER: BORDER_LIMITS, COMPLETED: GROWN_LIMITS, STAIN_OUTSIDE: STAIN_LIMITS}
#: Models that Cellpose publishes, and where their terms and files are told.
PUBLISHED = "cyto3 or cpsam_v2, published by Cellpose, see docs/usage.md"
#: Where a model of one's own is told.
OWN_MODEL = "docs/own_model.md"
#: No model and no diameter changes how many cells lie across the edge of an image.
_BORDER_FIX = (
    "The images are small for these cells: larger fields or a lower magnification keep more of them. "
    "The count of nuclei includes those of cut cells."
)
#: Ways to make cells that start from nuclei.
_FROM_NUCLEI = ("from_nuclei", "propagate")


def segmentation_checks(screen: ReportInputs) -> list[Check]:
    """The lines of the verdict on segmentation; a line that could not be checked says why."""
    return [*_transmitted_light(screen), *_losses(screen)]


def _cell_channel(screen: ReportInputs) -> str:
    return str((screen.design.get("roles") or {}).get("cell") or screen.params.get("cell_channel") or "")


def _is_transmitted(channel: str) -> bool:
    return re.search(TRANSMITTED_LIGHT, channel, re.IGNORECASE) is not None


def _transmitted_light(screen: ReportInputs) -> list[Check]:
    """A remark where cells are sought in light that the way of finding them does not know."""
    channel, method = _cell_channel(screen), str(screen.params.get("cell_method") or "")
    if not _is_transmitted(channel) or method == "from_nuclei" or not screen.has("Count_Cells"):
        return []
    if method == "propagate":
        answer = f"{channel} is not a stain, and --cell_method propagate grows cells in a stain."
    elif str(screen.params.get("cell_model") or SHIPPED) == SHIPPED:
        answer = (
            f"{channel} is not a stain. The shipped model has learnt phase contrast from a single cell line, "
            "and no brightfield: counts and outlines may be far off."
        )
    else:
        return []
    nuclei = "--cell_method from_nuclei, which does not use this channel"
    if not ((screen.design.get("roles") or {}).get("nuclear") or screen.params.get("nuclear_channel")):
        nuclei = "next time, a nuclear stain and --cell_method from_nuclei"
    fix = f"Fix: {nuclei}; or a --cell_model of your own ({OWN_MODEL}) or {PUBLISHED}. Look at the overlays."
    return [Check("warn", LIGHT, answer, fix=fix)]


def _losses(screen: ReportInputs) -> list[Check]:
    losses = losses_of(screen.wells)
    if WITHOUT_CELL not in losses:
        unknown = not_checked(FOUND, _why_not(screen))
        if STAIN_OUTSIDE not in losses:
            return [unknown]
        channel = _cell_channel(screen)
        if _is_transmitted(channel):
            why = f"{channel} is not a stain, so signal outside cells says nothing; look at the overlays"
            return [unknown, not_checked(STAIN, why)]
        stain = _found(screen, [STAIN_OUTSIDE], STAIN)
        if stain.state in ("warn", "stop"):
            stain = replace(stain, fix=_fix(screen))
        return [unknown, stain, _moved(screen, losses)]
    checks = [_found(screen, losses), _moved(screen, losses), *agreement(screen)]
    gravest = worst([check.state for check in checks])
    if gravest in ("warn", "stop"):
        place = [check.state for check in checks].index(gravest)
        if not checks[place].fix:
            checks[place] = replace(checks[place], fix=_fix(screen))
    return checks


def _why_not(screen: ReportInputs) -> str:
    if reason := screen.left_out("segment_cells"):
        return reason
    if "Count_Nuclei" not in screen.wells:
        return "the table of wells has no counts of nuclei; profile_wells takes them from segment_cells"
    channel = (screen.design.get("roles") or {}).get("nuclear") or screen.params.get("nuclear_channel")
    if channel:
        return f"no nucleus was found in the channel {channel}"
    return "without a nuclear channel (--nuclear_channel), cells that were missed cannot be counted"


def _found(screen: ReportInputs, losses: list[Loss], question: str = FOUND) -> Check:
    wells = screen.wells
    method = str(screen.params.get("cell_method") or "")
    texts: list[str] = []
    states: list[State] = []
    for loss in losses:
        part, whole = loss.counts(wells)
        share = float(part[whole > 0].sum() / max(whole.sum(), 1))
        limits = _LIMITS.get(loss, LIMITS)
        state = graded(share, limits)
        text = f"{loss.words} {percent(share)}"
        # a well is told only where its own count puts it beyond the limit
        high = wilson_low(part, whole) > limits[1]
        if high.any():
            named = [_well(row) for row in wells[high].to_dict("records")]
            text += f", above {percent(limits[1])} in {counted(len(named), 'well')} ({listed(named, 3)})"
            state = worst([state, "stop" if high.mean() > 0.1 or _whole_condition(wells, high) else "warn"])
        texts.append(text)
        states.append(state)
    text = "; ".join(texts)
    answer = f"{capital(text)}."
    if method in _FROM_NUCLEI:
        answer += f" With --cell_method {method} each cell is made from a nucleus, so none is left over."
    if question == STAIN:
        answer += " Without nuclei, this is the only sign of missed cells; it overlooks dim ones."
    beyond = [loss for loss, state in zip(losses, states, strict=True) if state in ("warn", "stop")]
    return Check(worst(states), question, answer, fix=_BORDER_FIX if beyond == [AT_BORDER] else "")


def _whole_condition(wells: pd.DataFrame, high: Any) -> bool:
    """Whether all wells of a compound, dose and timepoint are beyond the limit."""
    keys = ["Metadata_Compound", "Metadata_Dose", "Metadata_Timepoint"]
    return bool(wells.assign(High=high).groupby(keys, dropna=False)["High"].all().any())


def _well(row: dict[str, Any]) -> str:
    plate = f"{row['Metadata_Plate']} " if row["Metadata_Plate"] else ""
    return f"{plate}{row['Metadata_Well']} at {hours(row['Metadata_Timepoint'])}"


def _moved(screen: ReportInputs, losses: list[Loss]) -> Check:
    rows = screen.loss_tests
    if not rows:
        return not_checked(
            MOVED, f"no dose has vehicle wells beside it with {LEAST_OBJECTS} nuclei or more in each"
        )
    moved = [row for row in rows if row["Testable"] and row["Q"] <= RATE]
    moved += [row for row in rows if not row["Testable"] and abs(row["Share"] - row["Vehicle"]) > LIMITS[1]]
    moved.sort(key=lambda row: (row["Loss"] in _REMARKS, -abs(row["Share"] - row["Vehicle"])))
    tested = [row for row in rows if row["Testable"]]
    untested = len(rows) - len(tested)
    note = f" {counted(untested, 'series', 'series')} could not be tested: too few wells." if untested else ""
    if not moved and not tested:
        return not_checked(
            MOVED,
            "there are too few wells to tell an effect of the dose from chance, and no large difference "
            "was seen",
        )
    if not moved:
        what = listed(dict.fromkeys(row["Loss"].words for row in rows))
        return Check(
            "ok", MOVED, f"Not beyond chance: {what}, by compound and timepoint (permutation of wells).{note}"
        )
    states = [_state_of(row) for row in moved]
    texts = [_sentence(row) for row in moved[:3]]
    more = f"; {len(moved) - 3} more such series" if len(moved) > 3 else ""
    return Check(worst(states), MOVED, f"Yes. {capital('; '.join(texts))}{more}.{note}")


def capital(text: str) -> str:
    """The text with its first letter large."""
    return text[:1].upper() + text[1:]


def rate_words(rate: float) -> str:
    """A false discovery rate, to two digits, and no smaller than says something."""
    return "below 0.001" if rate < 0.001 else f"{rate:.2g}"


def _state_of(row: dict[str, Any]) -> State:
    # one cell in twelve is not a large share, however little the vehicle wells scatter
    large = row["Change"] > MOVE
    return "stop" if large and row["Loss"] not in _REMARKS else "warn"


def _sentence(row: dict[str, Any]) -> str:
    chance = (
        f"false discovery rate {rate_words(row['Q'])}, {row['Wells']} wells permuted"
        if row["Testable"]
        else f"{row['Wells']} wells, too few to test"
    )
    return (
        f"{row['Loss'].words}: {percent(row['Vehicle'])} in vehicle, {percent(row['Share'])} at "
        f"{dose_words(row['Dose'], row['Unit'])} {row['Compound']}, {hours(row['Timepoint'])} ({chance})"
    )


def disagreements(screen: ReportInputs) -> list[dict[str, Any]]:
    """Doses where the counts of cells and nuclei against vehicle are apart, the largest first.

    A row has ``Compound``, ``Dose``, ``Unit``, ``Timepoint``, ``Cells``, ``Nuclei`` (shares of vehicle, means
    over wells), ``Several``, whether cells with several nuclei account for it, and ``Sure``, whether it is
    more than counting so few cells explains.
    """
    found: list[dict[str, Any]] = []
    if not screen.has("Relative_CellCount", "Relative_NucleiCount"):
        return found
    for compound in screen.compounds:
        cells = conditions_of(screen, compound, "Relative_CellCount").set_index(["Dose", "Timepoint"])
        nuclei = conditions_of(screen, compound, "Relative_NucleiCount").set_index(["Dose", "Timepoint"])
        for key in cells.index.intersection(nuclei.index):
            dose, time = float(key[0]), float(key[1])
            one, other = float(cells.loc[key, "Mean"]), float(nuclei.loc[key, "Mean"])
            if dose <= 0 or not abs(one - other) > APART:
                continue
            found.append(
                {
                    "Compound": compound,
                    "Dose": dose,
                    "Unit": screen.dose_unit(compound),
                    "Timepoint": time,
                    "Cells": one,
                    "Nuclei": other,
                    "Several": _several(screen, compound, dose, time),
                    "Sure": abs(one - other) > 2 * _chance(screen, compound, dose, time, one, other),
                }
            )
    return sorted(found, key=lambda row: -abs(row["Cells"] - row["Nuclei"]))


def _of_dose(screen: ReportInputs, compound: str, dose: float, time: float) -> pd.DataFrame:
    wells = screen.wells
    mine = (wells["Metadata_Compound"] == compound) & (wells["Metadata_Role"] == "treated")
    return wells[mine & (wells["Metadata_Dose"] == dose) & (wells["Metadata_Timepoint"] == time)]


def _chance(
    screen: ReportInputs, compound: str, dose: float, time: float, cells: float, nuclei: float
) -> float:
    """Standard error of the difference that counting alone makes; infinite without a count."""
    wells = _of_dose(screen, compound, dose, time)
    number = float(wells["Count_Cells"].sum()) if len(wells) else 0.0
    expected = number / cells if cells > 0 else float(WITHOUT_CELL.counts(wells)[1].sum()) / max(nuclei, 1e-9)
    return float((cells + nuclei) ** 0.5 / expected**0.5) if expected > 0 else float("inf")


def _several(screen: ReportInputs, compound: str, dose: float, time: float) -> bool:
    """Whether the surplus of nuclei lies in cells, several in one, and not outside of them."""
    wells = _of_dose(screen, compound, dose, time)
    if wells.empty or WITHOUT_CELL.part not in wells:
        return False
    outside = float(wells[WITHOUT_CELL.part].sum())
    inside = float(wells["Count_Nuclei"].sum() - (wells["Count_Cells"] - wells[WITHOUT_NUCLEUS.part]).sum())
    return inside > outside


def _counts_of(row: dict[str, Any]) -> str:
    return (
        f"{row['Compound']} {dose_words(row['Dose'], row['Unit'])}, {hours(row['Timepoint'])}: "
        f"{percent(row['Cells'])} of vehicle by cells, {percent(row['Nuclei'])} by nuclei"
    )


def agreement(screen: ReportInputs) -> list[Check]:
    """Whether cells and nuclei, each against vehicle, tell the same loss."""
    if not screen.has("Relative_CellCount", "Relative_NucleiCount"):
        return [not_checked(AGREE, "there is no vehicle well to compare either count with")]
    apart = disagreements(screen)
    found = [row for row in apart if row["Sure"]]
    if not found and apart:
        return [
            not_checked(AGREE, f"{_counts_of(apart[0])}; so few cells were counted that chance explains it")
        ]
    if not found:
        text = f"Against vehicle they do not differ by more than {percent(APART)} at any dose."
        return [Check("ok", AGREE, text)]
    texts = [
        _counts_of(row) + (", several of them in one cell" if row["Several"] else "") for row in found[:3]
    ]
    more = f"; {counted(len(found) - 3, 'more condition')}" if len(found) > 3 else ""
    fewer = [row for row in found if row["Cells"] < row["Nuclei"] and not row["Several"]]
    why = (
        " These cells are not gone: their stain or their segmentation failed. Use the count of nuclei to "
        "judge death."
        if fewer
        else " Perhaps cells divide without separating, neighbours were merged or debris was taken for cells."
    )
    return [Check("stop" if fewer else "warn", AGREE, f"{'; '.join(texts)}{more}.{why}")]


def _fix(screen: ReportInputs) -> str:
    """What to do about it."""
    fields = [str(name) for name in worst_fields(screen.images, 3).get("Metadata_ImageID", [])]
    look = f"; first look at the overlays of {listed(fields, 3)}" if fields else ""
    method = str(screen.params.get("cell_method") or "")
    # the methods in the order of how little they change: a network completed, then none
    offered = [m for m in get_args(Method) if m not in ("cellpose", method)]
    if method != "cellpose":
        offered = [m for m in offered if m in _FROM_NUCLEI]
    other = [f"another --cell_model ({PUBLISHED})", *(f"--cell_method {m}" for m in offered[:1])]
    other.append("a --diameter in px")
    if WITHOUT_CELL not in losses_of(screen.wells):
        other = [other[0], "a --diameter in px", "next time, a nuclear stain (--nuclear_channel)"]
    return f"Fix: {', '.join(other[:-1])} or {other[-1]}{look}."
