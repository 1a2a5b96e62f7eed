"""From the fields of a screen to folds, labels and what may be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from morphodose.errors import InputError
from morphodose.evaluation.labels import Classes, Content, dose_classes, time_classes
from morphodose.evaluation.leakage import FieldCounts
from morphodose.evaluation.splits import Split, Unit, make_split

EXCLUDABLE = ("padded", "flagged", "dropped")
_NO_LABEL = {"positive": "positive control", "empty": "empty well"}
_VERDICTS = {"flag": ("flagged", "field flagged by QC"), "drop": ("dropped", "field dropped by QC")}


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
    """

    image: str
    unit: Unit
    hours: float
    field: int
    content: Content
    verdict: str
    whole: int
    padded: int


@dataclass
class Design:
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
    """

    split: Split
    classes: dict[str, Classes]
    trained: tuple[str, ...]
    label_of: dict[str, list[str | None]]
    excluded: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)

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
        folds = {"folds": len(self.split.names), "fold_names": list(self.split.names)}
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
) -> Design:
    """Decide what is learned from which cells.

    A class that has cells in one fold only can be trained or held out, never both; its cells are taken out
    of the label, and the notes say so.

    Raises
    ------
    InputError
        If nothing is left that could be learned.
    """
    doses, dose_of = dose_classes(entry.content for entry in fields)
    times, time_of = time_classes(entry.hours for entry in fields)
    strata = {entry.unit: dose_of[entry.content] or entry.content.role for entry in fields}
    made = make_split([entry.unit for entry in fields], strata, split, folds, seed)
    classes = {"dose": doses, "time": times}
    design = Design(made, classes, tuple(labels), {}, [])
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
        raise InputError(
            "nothing to learn: "
            + "; ".join(design.notes)
            + ". The network needs two doses or two timepoints, "
            "each in two replicates or two wells"
        )
    _check_folds(design, fields)
    return design


def _worth_training(design: Design, name: str) -> bool:
    """Whether a label has two classes; noted where it has not."""
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
    missing = next((name for name, label in labels.items() if label is None), None)
    if missing:
        what = f"dose {dose}" if missing == "dose" else f"{entry.hours:g} h"
        return (f"{what} has cells in one fold only",) * 2
    return ("", "crop padded at the border" if "padded" in exclude else "")


def _drop_lonely_classes(design: Design, fields: Sequence[FieldCrops]) -> bool:
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


def _check_folds(design: Design, fields: Sequence[FieldCrops]) -> None:
    """Note folds without held-out cells; refuse those with none to train."""
    counts = design.field_counts(fields).counts.sum(axis=0)
    for fold, name in enumerate(design.split.names):
        if counts.sum() == counts[fold]:
            raise InputError(
                f"nothing to learn: all usable cells are in {name}; QC or --exclude left none in the others"
            )
        if not counts[fold]:
            design.notes.append(f"{name} has no usable cells: nothing is scored in it")
