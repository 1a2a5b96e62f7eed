"""Sections: the screen in one look, and the checks behind its verdict."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from morphodose.cells.unusable import UNUSABLE, unusable_channels
from morphodose.report.answers import no_cell, no_curves, refusals
from morphodose.report.checks import Check, State, graded, not_checked, worst
from morphodose.report.claims import marks, sentences, verdict_of
from morphodose.report.deep_words import step_reason
from morphodose.report.diameters import diameter_checks
from morphodose.report.first import first_screen
from morphodose.report.gates import gate_checks
from morphodose.report.html import Safe, escape, table
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section
from morphodose.report.places import place_checks
from morphodose.report.provenance import excluded_fields
from morphodose.report.quality import edge_rows, verdict_counts
from morphodose.report.recorded import recorded_checks
from morphodose.report.segmented import segmentation_checks
from morphodose.report.shape import onset_summary
from morphodose.report.tiles import Tiles
from morphodose.report.training import small_notice
from morphodose.report.words import counted, endpoint_words, listed, percent

if TYPE_CHECKING:
    import pandas as pd

#: Share of dropped fields above which the images need a remark, and above which they are a fault.
DROPPED = (0.05, 0.25)
#: Objects without some value, as a share of the cells, likewise.
LACKING = (0.05, 0.25)
#: Share of dying cells among vehicle wells above which the vehicle is not healthy.
VEHICLE_DYING = (0.15, 0.35)
#: Coefficient of variation of the counts of the vehicle wells of a timepoint.
VEHICLE_SPREAD = (0.25, 0.5)

FOCUS = "Is the focus inside the stacks?"

BADGES = {"ok": "fine", "none": "not checked", "warn": "remark", "stop": "fault"}
_MARKS = {
    "ok": ("Sound", "Every check ran, and none found a problem."),
    "none": ("Sound as far as it was checked", "Some checks could not run; their lines say why."),
    "warn": ("Sound, with remarks", "No check failed; some have remarks."),
    "stop": (
        "Read with care",
        "At least one check failed: fix what it concerns, or leave it out.",
    ),
}


def judged(screen: ReportInputs) -> list[Check]:
    """Every check of the screen, in the order of the table."""
    return [check for make in CHECKS for check in make(screen)]


def section(screen: ReportInputs, checks: list[Check], tiles: Tiles) -> Section:
    """The first screen: the verdict, the findings, the picture that answers; then what came out besides."""
    title, text = headline(checks)
    state = worst([check.state for check in checks])
    parts = [Part(_screened(screen), first_screen(screen, checks, title, text, state, tiles))]
    if lines := [*(onset_summary(screen) if 1 < len(screen.compounds) <= 6 else []), *sentences(screen)]:
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        parts.append(Part("Other results", f'<ul class="md-key">{items}</ul>'))
    return Section("verdict", "", parts)


def checks_section(screen: ReportInputs, checks: list[Check]) -> Section:
    """The table of checks: what each found, worst first, and where to look."""
    order = ("stop", "warn", "none", "ok")
    rows = [
        [
            _badge(check.state),
            check.question,
            linked(screen, f"{check.answer} {check.fix}".rstrip()),
            _look(check.question),
        ]
        for check in sorted(checks, key=lambda check: order.index(check.state))
    ]
    html = table(["State", "Check", "Found", "Look at"], rows)
    return Section("checks", "Is it sound?", [Part("", html)])


#: Beginning of a question → (words, address) of where its wells and images are.
LOOK: dict[str, tuple[tuple[str, str], ...]] = {
    "Were cells found?": (("plate", "?view=plate&endpoint=Count_CellsPerField"),),
    "Is the input complete?": (("what was dropped", "#sec-dropped"),),
    "Are the images good?": (("fields dropped", "#sec-dropped"), ("by channel", "#sec-quality")),
    "Is the focus": (("focus", "#sec-quality"),),
    "Is the size": (("diameters", "#sec-quality"),),
    "Does every nucleus": (
        ("worst fields", "#sec-overlays"),
        ("plate", "?view=plate&endpoint=Share_Count_NucleiWithoutCell"),
    ),
    "Does the dose change": (("tests", "#sec-overlays"),),
    "Do cells and nuclei": (("plate", "?view=plate&endpoint=Relative_NucleiCount"),),
    "Is the vehicle": (("plate", "?view=plate&endpoint=Count_CellsPerField"),),
    "Are the death gates": (("gates", "#sec-gates"),),
    "Do the wells follow": (("curves", "?view=compound"),),
    "Can dose be told": (("positions", "#sec-places"), ("plate", "?view=plate")),
    "Is the network": (("networks", "?view=networks"),),
}


def _look(question: str) -> Safe:
    """Links to where the wells and images of a check are."""
    found = next((links for start, links in LOOK.items() if question.startswith(start)), ())
    return Safe(", ".join(f'<a href="{escape(at)}">{escape(words)}</a>' for words, at in found))


def linked(screen: ReportInputs, text: str) -> Safe:
    """Escaped text in which each field and each well of the screen leads to its place on the plate."""
    wells = screen.wells
    known = set(zip(wells["Metadata_Well"], wells["Metadata_Timepoint"].astype(float), strict=True))
    plates = set(wells["Metadata_Plate"]) - {""}

    def well(match: re.Match[str]) -> str:
        if (match["well"], float(match["time"])) not in known:
            return match[0]
        plate = match["plate"] if match["plate"] and html.unescape(match["plate"]) in plates else ""
        at = f"?view=plate&amp;well={match['well']}&amp;time={match['time']}"
        inner = f"{match['well']} at {match['time']} h"
        before = f"{plate} " if plate else f"{match['plate']} " if match["plate"] else ""
        at += f"&amp;plate={quote(html.unescape(plate))}" if plate else ""
        return f'{before}<a href="{at}">{inner}</a>'

    def image(match: re.Match[str]) -> str:
        return f'<a href="?view=plate&amp;image={quote(match[0])}">{match[0]}</a>'

    found = _WELL.sub(well, escape(text))
    return Safe(_IMAGE.sub(image, found))


_WELL = re.compile(r"(?:(?P<plate>[^\s(]+) )?(?P<well>[A-Z]{1,2}\d{2}) at (?P<time>[\d.]+) h")
_IMAGE = re.compile(r"\b(?:\w+_)?Time_[\d.]+hrs_R\w+?_Well_[A-Z]{1,2}\d{2}_Field_\d+\b")


def headline(checks: list[Check]) -> tuple[str, str]:
    """The verdict in a few words, and a sentence; never better than what was checked."""
    states = [check.state for check in checks]
    if not set(states) - {"none"}:
        return "Not checked", "No check could run; the lines below say why."
    title, text = _MARKS[worst(states)]
    missing = states.count("none")
    if missing and worst(states) != "none":
        text += f" {counted(missing, 'check')} could not run."
    return title, text


def _badge(state: State) -> Safe:
    return Safe(f'<span class="md-state md-{state}">{BADGES[state]}</span>')


def _screened(screen: ReportInputs) -> str:
    """What was analysed, in one line."""
    wells = screen.wells
    each = ["Metadata_Plate", "Metadata_Replicate", "Metadata_Well"]
    entries = [
        counted(len(screen.compounds), "compound"),
        counted(wells[each].drop_duplicates().shape[0], "well") + _replicates(screen),
        counted(len(screen.timepoints), "timepoint"),
    ]
    if "Count_Fields" in wells:
        entries.append(counted(int(wells["Count_Fields"].sum()), "field"))
    for column, one in (("Count_Cells", "whole cell"), ("Count_Nuclei", "nucleus")):
        if column in wells:
            many = "nuclei" if one == "nucleus" else None
            entries.append(counted(int(wells[column].sum()), one, many))
    return listed(entries)


def _replicates(screen: ReportInputs) -> str:
    """Wells of each dose and timepoint, as part of a sentence; wells are the replicates."""
    treated = screen.wells[screen.wells["Metadata_Role"] == "treated"]
    numbers = treated.groupby(["Metadata_Compound", "Metadata_Dose", "Metadata_Timepoint"]).size()
    if numbers.empty:
        return ""
    fewest, most = int(numbers.min()), int(numbers.max())
    how = counted(most, "replicate") if fewest == most else f"{fewest} to {most} replicates"
    return f" with {how} of each dose"


def input_checks(screen: ReportInputs) -> list[Check]:
    """Faults of the input, and fields left out for them."""
    faults, excluded = screen.faults, excluded_fields(screen)
    errors = int((faults["Severity"] == "error").sum()) if "Severity" in faults else len(faults)
    warnings = len(faults) - errors
    if not screen.design and not len(faults):
        return [not_checked("Is the input complete?", "the design of check_design was not given (--design)")]
    if not len(faults) and not excluded:
        return [Check("ok", "Is the input complete?", "Every plane of the design is present and readable.")]
    lost = f"; {counted(len(excluded), 'field')} left out" if excluded else ""
    kinds = [counted(count, one) for count, one in ((errors, "fault"), (warnings, "warning")) if count]
    found = f"{listed(kinds) or 'No fault'}{lost}{_first_fault(faults)}."
    return [Check("warn", "Is the input complete?", found)]


def _first_fault(faults: pd.DataFrame) -> str:
    """The gravest fault of the input, in its own words."""
    if faults.empty or "Message" not in faults:
        return ""
    # "error" is before "warning" in the alphabet, too
    ordered = faults.sort_values("Severity", kind="stable") if "Severity" in faults else faults
    file = ordered.iloc[0].get("File")
    which = "The first" if len(faults) > 1 else "It"
    where = f"is in {file}" if isinstance(file, str) and file else "says"
    return f". {which} {where}: {str(ordered.iloc[0]['Message']).rstrip('.')}"


def cell_checks(screen: ReportInputs) -> list[Check]:
    """A fault where no cell was found at all, or none in vehicle wells; nothing otherwise."""
    wells, question = screen.wells, "Were cells found?"
    if "Count_Cells" not in wells or wells.empty:
        return []
    fix = "Look at the overlays, and give the channels and diameters (--cell_channel, --diameter)."
    if no_cell(wells):
        none = "No whole cell was found in any well: there are no results."
        if dropped := _all_dropped(screen.images):
            again = "Look at the images of the instrument, and export or record them again."
            return [Check("stop", question, f"{none} {dropped}", again)]
        return [Check("stop", question, none, fix)]
    vehicle = wells[wells["Metadata_Role"] == "vehicle"]
    without = vehicle.groupby(["Metadata_Plate", "Metadata_Timepoint"])["Count_Cells"].sum() == 0
    if not without.any():
        return []
    where = counted(int(without.sum()), "plate and timepoint", "plates and timepoints")
    text = f"No vehicle well has a cell at {where}: nothing there can be compared with vehicle."
    return [Check("stop", question, text, fix)]


def _all_dropped(images: pd.DataFrame) -> str:
    """That quality control dropped every field, and why; empty where it did not."""
    counts = verdict_counts(images)
    if not counts or counts["drop"] < len(images):
        return ""
    why, *more = str(images["Metadata_QCReason"].mode().iloc[0]).split("; ")
    further = f", and {counted(len(more), 'further reason')}" if more else ""
    return f"Quality control dropped all of {counted(len(images), 'field')}: {why}{further}."


def _lacking(images: pd.DataFrame) -> list[Check]:
    """How many objects could not be measured whole; nothing where every one was."""
    if "Count_ObjectsLackingValues" not in images or "Count_Cells" not in images:
        return []
    if UNUSABLE in images:  # why values are missing there is told by `recorded_checks`
        images = images[~images[UNUSABLE].map(unusable_channels).astype(bool)]
    number, cells = images["Count_ObjectsLackingValues"].sum(), images["Count_Cells"].sum()
    if not number or not cells:
        return []
    field = images.loc[images["Count_ObjectsLackingValues"].idxmax()]
    text = f"{counted(int(number), 'object')} of {counted(int(cells), 'cell')} lack some values "
    text += f"(too small for it); most in {field['Metadata_ImageID']}: {field['Metadata_LackingValues']}."
    return [Check(graded(number / cells, LACKING), "Was every cell fully measured?", text)]


def image_checks(screen: ReportInputs) -> list[Check]:
    """Dropped and flagged fields; stacks whose focus may lie outside."""
    checks = []
    if counts := verdict_counts(screen.images):
        total = max(sum(counts.values()), 1)
        share = counts["drop"] / total
        state = worst([graded(share, DROPPED), "warn" if counts["flag"] > 0.1 * total else "ok"])
        text = f"{counts['keep']:,} of {counted(total, 'field')} kept, {counts['flag']:,} flagged, "
        text += f"{counts['drop']:,} dropped ({percent(share)})."
        checks.append(Check(state, "Are the images good?", text))
    else:
        why = (
            screen.left_out("qc_images")
            or "no verdicts of qc_images came with the table of images (--images)"
        )
        checks.append(not_checked("Are the images good?", why))
    checks += _lacking(screen.images)
    stacks = [row for row in edge_rows(screen.focus) if isinstance(row[2], int) and row[2] > 1]
    rows = [row for row in stacks if row[2] != 2]
    if stacks and not rows:
        checks.append(not_checked(FOCUS, "in stacks of two planes each plane is at an edge"))
    if rows:
        marked = [str(r[0]) for r in rows if int(str(r[3])) > 0.2 * int(str(r[1]))]
        text = (
            "The sharpest plane lies inside the stack."
            if not marked
            else f"The sharpest plane is at the edge of more than a fifth of the stacks of {listed(marked)}."
        )
        checks.append(Check("warn" if marked else "ok", FOCUS, text))
    return checks


def vehicle_checks(screen: ReportInputs) -> list[Check]:
    """Vehicle wells: whether there are any, they agree, and are healthy."""
    wells = screen.wells
    vehicle = wells[wells["Metadata_Role"] == "vehicle"]
    runs = ["Metadata_Plate", "Metadata_Timepoint"]
    question = "Is the vehicle sound?"
    if vehicle.empty:
        return [Check("stop", question, "There is no vehicle well: nothing can be compared with it.")]
    if "Count_Cells" in wells and no_cell(wells):
        return [not_checked(question, "no cell was found in any well")]
    without = wells[runs].drop_duplicates().merge(vehicle[runs].drop_duplicates(), how="left", indicator=True)
    missing = int((without["_merge"] == "left_only").sum())
    fewest = int(vehicle.groupby(runs).size().min())
    states: list[State] = ["stop" if missing else "ok", "warn" if fewest < 2 else "ok"]
    text = f"At least {counted(fewest, 'vehicle well')} at each plate and timepoint"
    if fewest < 2:
        text = "A plate and timepoint has only 1 vehicle well, so nothing says how far such wells differ"
    if missing:
        text = f"{counted(missing, 'plate and timepoint', 'plates and timepoints')} without a vehicle well"
    if screen.has("Count_CellsPerField") and fewest >= 3:
        groups = vehicle.groupby(runs)["Count_CellsPerField"]
        spread = float((groups.std() / groups.mean()).max())
        states.append(graded(spread, VEHICLE_SPREAD))
        text += f"; their counts vary by at most {percent(spread)} (coefficient of variation)"
    if screen.has("Fraction_Dying"):
        dying = float(vehicle.groupby(runs)["Fraction_Dying"].mean().max())
        states.append(graded(dying, VEHICLE_DYING))
        text += f"; at most {percent(dying)} of the vehicle cells are dying or dead"
    return [Check(worst(states), question, f"{text}.")]


def fit_checks(screen: ReportInputs) -> list[Check]:
    """Curves that the wells do not follow."""
    responses, question = screen.responses, "Do the wells follow the curves?"
    if responses.empty:
        return [not_checked(question, no_curves(screen))]
    states = responses["State"].value_counts()
    text = listed(
        f"{int(states[s]):,} {s}" for s in ("fitted", "imprecise", "unbounded", "refused") if s in states
    )
    text = f"{counted(len(responses), 'curve')}: {text}"
    if int(states.get("refused", 0)) == len(responses):
        why = refusals(responses.get("Reason", []))
        return [Check("warn", question, f"Every curve was refused, so there is no EC50: {why}.")]
    poor = 0
    if "LackOfFit_P" in responses:
        fitted = responses[responses["State"] == "fitted"]
        # with many curves some P fall below 0.05 by chance alone
        poor = int((fitted["LackOfFit_P"] < 0.05 / max(len(fitted), 1)).sum())
        text += f"; {counted(poor, 'fitted curve')} with a lack of fit" if poor else "; no lack of fit"
    turns = responses["Turn"].fillna("").ne("") if "Turn" in responses else responses["State"].isna()
    if turns.any():
        first = responses[turns].iloc[0]
        text += f"; in {counted(int(turns.sum()), 'curve')} the effect turns with the dose, such as "
        text += f"{first['Metadata_Compound']}, {endpoint_words(first['Endpoint'], screen.units)}: "
        text += str(first["Turn"])
    return [Check("warn" if poor or turns.any() else "ok", question, f"{text}.")]


def network_checks(screen: ReportInputs) -> list[Check]:
    """Whether the network may be believed: leaks, permuted labels, and how little was trained."""
    deep, question = screen.deep, "Is the network's evaluation sound?"
    judged = [label for label in ("dose", "time") if verdict_of(screen, label) is not None]
    if not judged and deep.logs.empty:
        return []  # no network was trained
    if not judged:
        return [not_checked(question, step_reason(screen, "score_models", "train_resnet", "crop_cells"))]
    leaks = int((deep.leakage["Verdict"] == "refused").sum()) if not deep.leakage.empty else 0
    if found := marks(screen):
        return [Check("stop", question, f"It is marked: {listed(found)}.")]
    if leaks:
        text = f"{counted(leaks, 'fold')} with cells of the same field on both sides."
        return [Check("stop", question, text)]
    claimed = [label for label in judged if (verdict_of(screen, label) or (False, ""))[0]]
    text = "No leak between training and held-out cells; " if not deep.leakage.empty else ""
    text += f"a claim stands for {listed(claimed)}" if claimed else "nothing is claimed"
    small = " It was trained on very little: this is a trial of the pipeline." if small_notice(screen) else ""
    return [Check("warn" if small else "ok", question, f"{text[0].upper()}{text[1:]}.{small}")]


CHECKS = (
    cell_checks,
    input_checks,
    image_checks,
    recorded_checks,
    diameter_checks,
    segmentation_checks,
    vehicle_checks,
    gate_checks,
    fit_checks,
    place_checks,
    network_checks,
)
