"""From the fields of a screen to folds, labels and what may be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from morphodose.errors import InputError, ParameterError
from morphodose.evaluation.labels import Classes, Content, dose_classes, time_classes
from morphodose.evaluation.leakage import FieldCounts
from morphodose.evaluation.splits import Split, Unit, make_split

EXCLUDABLE = ("padded", "out_of_focus", "flagged", "dropped")
#: How it is told that there is nothing to learn.
NOTHING = "nothing to learn: "
WITHOUT = "wells without usable cells: nothing of them is trained or scored"
_NO_LABEL = {"positive": "positive control", "empty": "empty well"}
_VERDICTS = {"flag": ("flagged", "field flagged by QC"), "drop": ("dropped", "field dropped by QC")}


def parse_exclude(text: str) -> tuple[str, ...]:
    """``padded,dropped`` as a tuple; ``none`` as an empty one.

    Raises
    ------
    ParameterError
        If it names something else than `EXCLUDABLE`, or something beside none.
    """
    given = tuple(part.strip() for part in text.split(",") if part.strip())
    for part in () if given == ("none",) else given:
        if part not in EXCLUDABLE:
            fix = f"give some of {', '.join(EXCLUDABLE)}, separated by commas, or none alone"
            raise ParameterError("--exclude_crops", part, "is not a kind of crops", fix)
    return () if given == ("none",) else given


class NothingToLearnError(InputError):
    """No network can be trained and judged on a screen; the run goes on without."""


@dataclass(frozen=True)
class FieldCrops:
    """Crops of one field at one time.

    Attributes
    ----------
    image : str
        ``Metadata_ImageID``.
    unit : Unit
    hours : float
    field : int
    content : Content
        What the well holds.
    verdict : str
        ``keep``, ``flag``, ``drop`` of the QC.
    whole, padded : int
        Crops that lie in the image, and those padded at its border.
    out_of_focus : bool
        Whether the QC says so of the field.
    """

    image: str
    unit: Unit
    hours: float
    field: int
    content: Content
    verdict: str
    whole: int
    padded: int
    out_of_focus: bool = False


@dataclass
class LearningPlan:
    """What is learned, from which cells, in which folds.

    Attributes
    ----------
    split : Split
    classes : dict of str to Classes
        ``dose`` and ``time``; fewer than two classes: not trained.
    trained : tuple of str
        Labels that are trained.
    label_of : dict of str to list
        Label → class of each field, None where it has none.
    excluded : list of (str, str)
        Why the whole and the padded crops of each field may not be used; '' where they may.
    notes : list of str
    nothing : str
        Why there is nothing to learn, and so no fold; '' where there is.
    """

    split: Split
    classes: dict[str, Classes]
    trained: tuple[str, ...]
    label_of: dict[str, list[str | None]]
    excluded: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)
    nothing: str = ""

    def field_counts(self, fields: Sequence[FieldCrops]) -> FieldCounts:
        """Usable cells by field and fold, for the leakage check."""
        counts = np.zeros((len(fields), len(self.split.names)), dtype=np.int64)
        for i, (entry, reasons) in enumerate(zip(fields, self.excluded, strict=True)):
            counts[i, self.split.fold_of[entry.unit]] = usable(entry, reasons)
        return FieldCounts([e.unit for e in fields], [e.field for e in fields], counts)

    def labels_json(self, n_cells: int, n_usable: int) -> dict[str, Any]:
        """Contents of ``labels.json``."""
        labels = {
            name: {
                "classes": list(classes.names),
                "values": list(classes.values),
                "ordinal": classes.ordinal,
                "unit": classes.unit,
                "trained": name in self.trained,
            }
            for name, classes in self.classes.items()
        }
        names = [] if self.nothing else list(self.split.names)
        folds = {"folds": len(names), "fold_names": names, "not_learnable": self.nothing}
        cells = {"n_cells": n_cells, "n_usable": n_usable}
        return {**labels, "split": self.split.kind, **folds, **cells, "notes": self.notes}


def usable(entry: FieldCrops, reasons: tuple[str, str]) -> int:
    """Crops of a field that may be used."""
    return entry.whole * (reasons[0] == "") + entry.padded * (reasons[1] == "")


def plan(
    fields: Sequence[FieldCrops],
    labels: Sequence[str],
    exclude: Sequence[str] = ("dropped",),
    split: str = "auto",
    folds: int = 0,
    seed: int = 1,
    imaged: Sequence[Unit] = (),
) -> LearningPlan:
    """Decide what is learned from which cells.

    A class that has cells in one fold only can be trained or held out, never both; its cells are taken out
    of the label, and the notes say so. A fold without usable cells, such as a replicate that QC has dropped,
    is not a fold: those that are left share the wells. `imaged` are the wells of the screen, also those in
    which no cell was found: where cells are left in too few of these, the parameters are not at fault.

    Raises
    ------
    NothingToLearnError
        If nothing is left that could be learned.
    ParameterError
        If the screen cannot be split as asked.
    InputError
        If no usable cell is left.
    """
    if not fields:
        raise NothingToLearnError(f"{NOTHING}no cell was found in the whole screen")
    units = sorted({*(entry.unit for entry in fields), *imaged})
    dose_of = dose_classes(entry.content for entry in fields)[1]
    strata = dict.fromkeys(units, "no cell")
    strata |= {entry.unit: dose_of[entry.content] or entry.content.role for entry in fields}
    made = make_split(units, strata, split, folds, seed)
    # first without what QC leaves out, then also without what the labels leave out
    excluded = [_reasons(entry, exclude, {}, None) for entry in fields]
    design: LearningPlan | None = None
    notes: list[str] = []
    while True:
        used = {entry.unit for entry, reasons in zip(fields, excluded, strict=True) if usable(entry, reasons)}
        empty = set(range(len(made.names))) - {made.fold_of[unit] for unit in used}
        if design and not empty:
            design.notes[:0] = notes
            return design
        if made.kind == "replicate":
            names = [made.names[fold] for fold in sorted(empty)]
            notes += [f"{name} has no usable cells: nothing of it is trained or scored" for name in names]
        elif empty and WITHOUT not in notes:
            notes.append(WITHOUT)
        try:
            if not used:
                raise InputError("no usable cell is left")
            if empty:
                left = make_split(sorted(used), strata, split, folds, seed)
                made = replace(left, fold_of=_fold_of_all(units, left))
            design = _design(fields, labels, exclude, made)
        except InputError as fault:
            why = "; ".join([*notes, str(fault).removeprefix(NOTHING)])
            raise NothingToLearnError(f"{NOTHING}{why}") from fault
        excluded = design.excluded


def _fold_of_all(units: Sequence[Unit], split: Split) -> dict[Unit, int]:
    """The fold of all wells, those too that a split of the usable ones does not know: they are embedded too.

    A well goes with its replicate; one of a replicate without a fold goes into any, which has not seen it.
    """
    of = {unit.replicate: fold for unit, fold in split.fold_of.items()} if split.kind == "replicate" else {}
    return {unit: split.fold_of.get(unit, of.get(unit.replicate, 0)) for unit in units}


def nothing_learned(fields: Sequence[FieldCrops], reason: str) -> LearningPlan:
    """The design of a screen that teaches nothing: no class, and no cell that could be used."""
    classes = {
        "dose": dose_classes(entry.content for entry in fields)[0],
        "time": time_classes(entry.hours for entry in fields)[0],
    }
    classes = {name: each.without(each.names) for name, each in classes.items()}
    return LearningPlan(
        Split("none", {entry.unit: 0 for entry in fields}, ("none",)),
        classes,
        (),
        {name: [None] * len(fields) for name in classes},
        [("nothing to learn",) * 2] * len(fields),
        [reason],
        reason,
    )


def _design(
    fields: Sequence[FieldCrops], labels: Sequence[str], exclude: Sequence[str], made: Split
) -> LearningPlan:
    """What is learned under a split."""
    doses, dose_of = dose_classes(entry.content for entry in fields)
    times, time_of = time_classes(entry.hours for entry in fields)
    classes = {"dose": doses, "time": times}
    design = LearningPlan(made, classes, tuple(labels), {}, [])
    for name in ("dose", "time"):
        if name not in labels:
            design.classes[name] = classes[name].without(classes[name].names)
            design.notes.append(f"{name} is not learned (--labels)")
    design.trained = tuple(n for n in labels if _worth_training(design, n))
    given: dict[str, list[str | None]] = {
        "dose": [dose_of[entry.content] for entry in fields],
        "time": [time_of[entry.hours] for entry in fields],
    }
    while True:
        design.label_of = {
            name: [label if label in design.classes[name].names else None for label in given[name]]
            for name in ("dose", "time")
        }
        design.excluded = [
            _reasons(entry, exclude, {n: design.label_of[n][i] for n in design.trained}, given["dose"][i])
            for i, entry in enumerate(fields)
        ]
        if not _drop_lonely_classes(design, fields):
            break
    if not design.trained:
        raise NothingToLearnError(
            NOTHING + "; ".join(design.notes) + ". The network needs two doses or two timepoints, "
            "each in two replicates or two wells"
        )
    return design


def _worth_training(design: LearningPlan, name: str) -> bool:
    """Whether a label has two classes; noted where it does not."""
    names = design.classes[name].names
    if len(names) < 2:
        what = "a single timepoint" if name == "time" else "a single dose"
        design.notes.append(
            f"{name} is not learned: {f'{what} ({names[0]})' if names else 'no class is left'}"
        )
    return len(names) > 1


def _reasons(
    entry: FieldCrops, exclude: Sequence[str], labels: dict[str, str | None], dose: str | None
) -> tuple[str, str]:
    """Why whole and padded crops of a field may not be used."""
    if entry.content.role in _NO_LABEL:
        return (_NO_LABEL[entry.content.role],) * 2
    option, reason = _VERDICTS.get(entry.verdict, ("", ""))
    if option in exclude:
        return (reason, reason)
    if entry.out_of_focus and "out_of_focus" in exclude:
        return ("field out of focus",) * 2
    missing = next((name for name, label in labels.items() if label is None), None)
    if missing:
        what = f"dose {dose}" if missing == "dose" else f"{entry.hours:g} h"
        return (f"{what} has cells in one fold only",) * 2
    return ("", "crop padded at the border" if "padded" in exclude else "")


def _drop_lonely_classes(design: LearningPlan, fields: Sequence[FieldCrops]) -> bool:
    """Take classes with cells in fewer than two folds out of their label; whether there were any."""
    for name in design.trained:
        folds: dict[str, set[int]] = {each: set() for each in design.classes[name].names}
        for entry, label, reasons in zip(fields, design.label_of[name], design.excluded, strict=True):
            if label is not None and usable(entry, reasons):
                folds[label].add(design.split.fold_of[entry.unit])
        lonely = [each for each, found in folds.items() if len(found) < 2]
        if lonely:
            one = "it" if len(lonely) == 1 else "each"
            design.notes.append(
                f"{name} {', '.join(lonely)}: {one} has cells in one fold only, which could be trained or "
                "held out, not both; left out of the labels"
            )
            design.classes[name] = design.classes[name].without(lonely)
            if not _worth_training(design, name):
                design.trained = tuple(each for each in design.trained if each != name)
            return True
    return False
