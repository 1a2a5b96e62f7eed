"""The leakage check: no well, and no field at any of its timepoints, on both sides of a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError
from morphodose.evaluation.splits import Unit

OK, REFUSED, CONTRAST = "ok", "refused", "contrast only"


@dataclass(frozen=True)
class FieldCounts:
    """Cells of each field by the fold that holds them out.

    Attributes
    ----------
    units : sequence of Unit
        Well of each row, (G,).
    fields : sequence of int
        Number of the field in its well, (G,); rows of a field at several timepoints count as one.
    counts : (G, F) array of int
        Cells that may train and be scored.
    """

    units: Sequence[Unit]
    fields: Sequence[int]
    counts: npt.NDArray[np.int64]


def leakage_rows(found: FieldCounts, split: str, contrast: bool = False) -> list[dict[str, Any]]:
    """What training and held-out cells share in each fold.

    Parameters
    ----------
    found : FieldCounts
    split : str
        Name of the split.
    contrast : bool
        Whether it is known to leak and is only shown beside the others.

    Returns
    -------
    list of dict
        One row per fold: ``Split``, ``Fold``, ``N_Train``, ``N_Test`` (cells), the same of fields, wells and
        replicates, ``Shared_Fields``, ``Shared_Wells``, ``Shared_Replicates``, ``Verdict``.
    """
    units, numbers = list(found.units), list(found.fields)
    groups = {
        "Fields": _codes(list(zip(units, numbers, strict=True))),
        "Wells": _codes(units),
        "Replicates": _codes([unit[:2] for unit in units]),
    }
    rows: list[dict[str, Any]] = []
    for fold in range(found.counts.shape[1]):
        test = found.counts[:, fold]
        train = found.counts.sum(axis=1) - test
        row: dict[str, Any] = {
            "Split": split,
            "Fold": fold,
            "N_Train": int(train.sum()),
            "N_Test": int(test.sum()),
        }
        for name, codes in groups.items():
            trained, held_out = (np.bincount(codes, weights=side) > 0 for side in (train, test))
            row[f"N_Train{name}"], row[f"N_Test{name}"] = int(trained.sum()), int(held_out.sum())
            row[f"Shared_{name}"] = int((trained & held_out).sum())
        leaks = row["Shared_Wells"] > 0 or (split == "replicate" and row["Shared_Replicates"] > 0)
        row["Verdict"] = CONTRAST if contrast else REFUSED if leaks else OK
        rows.append(row)
    return rows


def _codes(keys: list[Any]) -> npt.NDArray[np.int64]:
    """Number of each key, from 0, in the order of their appearance."""
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], dtype=np.int64)


def refuse_leaks(found: FieldCounts, split: str) -> list[dict[str, Any]]:
    """Check a split before anything is trained on it.

    Returns
    -------
    list of dict
        Those of `leakage_rows`, where it is sound.

    Raises
    ------
    InputError
        If a field, or a well, has cells on both sides; a replicate, for a split over replicates.
    """
    rows = leakage_rows(found, split)
    for row in rows:
        if row["Verdict"] == REFUSED:
            raise InputError(_complaint(found, row))
    return rows


def _complaint(found: FieldCounts, row: dict[str, Any]) -> str:
    """One example of what is on both sides of a fold."""
    test = found.counts[:, row["Fold"]]
    train = found.counts.sum(axis=1) - test
    every = [(*unit, number) for unit, number in zip(found.units, found.fields, strict=True)]
    held_out = [key for key, count in zip(every, test, strict=True) if count]
    for what, length in (("field", 4), ("well", 3), ("replicate", 2)):
        trained = {key[:length] for key, count in zip(every, train, strict=True) if count}
        example = next((key for key in held_out if key[:length] in trained), None)
        if example is not None:
            plate, replicate, *rest = example[:length]
            words = [f"{name} {value}" for name, value in zip(("well", "field"), rest, strict=False)]
            place = ", ".join([f"plate {plate!r}, replicate {replicate!r}", *words])
            number = row[f"Shared_{what.capitalize()}s"]
            return (
                f"split by {row['Split']}, fold {row['Fold']}: {place} has cells that train and cells that "
                f"are held out ({number} such {what}s). A network would recognise the {what}, not the dose; "
                f"hold whole {what}s out"
            )
    raise AssertionError("a refused fold shares something")  # pragma: no cover
