"""Which cells are held out together: replicates, wells, or (as a contrast only) cells at random."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError, ParameterError

SPLITS = ("auto", "replicate", "wells")
#: Folds of a split over wells where the user gives none: each fold is a training.
WELL_FOLDS = 3


class Unit(NamedTuple):
    """One well of one replicate over all its timepoints: the unit that is held out and resampled."""

    plate: str
    replicate: str
    well: str


@dataclass(frozen=True)
class Split:
    """A split of the wells into folds.

    Attributes
    ----------
    kind : str
        ``replicate`` or ``wells``.
    fold_of : dict
        Unit → the fold in which it is held out, from 0.
    names : tuple of str
        Name of each fold.
    """

    kind: str
    fold_of: Mapping[Unit, int]
    names: tuple[str, ...]


def natural(text: str) -> list[tuple[int, int, str]]:
    """Key that sorts ``R2`` before ``R10``."""
    parts = re.findall(r"\d+|\D+", text)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def make_split(
    units: Sequence[Unit], strata: Mapping[Unit, str], kind: str = "auto", folds: int = 0, seed: int = 1
) -> Split:
    """Split wells into folds.

    Parameters
    ----------
    units : sequence of Unit
        Wells that were imaged.
    strata : mapping
        Unit → what it holds; a split over wells spreads each content over the folds.
    kind : str
        ``replicate``, ``wells``, or ``auto``: replicates where there are two or more.
    folds : int
        Number of folds; 0: one for each replicate, or `WELL_FOLDS`.
    seed : int
        Of the split over wells.

    Raises
    ------
    InputError
        If there is nothing to hold out.
    """
    held_out, count = folds_of(units, kind, folds)
    if held_out == "replicate":
        return _by_replicate(units, count)
    return _by_well(units, strata, count, seed)


def folds_of(units: Sequence[Unit], kind: str = "auto", folds: int = 0) -> tuple[str, int]:
    """What `make_split` holds out, ``replicate`` or ``wells``, and in how many folds; its parameters.

    Raises
    ------
    InputError
        If there is nothing to hold out.
    ParameterError
        If the screen has too few replicates or wells for it.
    """
    if kind not in SPLITS:
        raise InputError(f"--split {kind!r} is not one of {', '.join(SPLITS)}")
    if folds == 1 or folds < 0:
        message = "at least 2 are needed to hold one out"
        raise ParameterError("--split_folds", str(folds), message, "0 takes as many as fit")
    replicates = sorted({unit.replicate for unit in units}, key=natural)
    if kind == "auto":
        kind = "replicate" if len(replicates) > 1 else "wells"
    if kind == "replicate":
        if len(replicates) < 2:
            message = f"the screen has only replicate {', '.join(map(repr, replicates))}"
            raise ParameterError("--split", "replicate", message, "use --split wells, or auto")
        return kind, min(folds or len(replicates), len(replicates))
    wells = len(set(units))
    if wells < 2:
        message = "a single well cannot be split"
        raise ParameterError("--split", "wells", message, "the network needs at least two wells")
    return kind, min(folds or WELL_FOLDS, wells)


def _by_replicate(units: Sequence[Unit], count: int) -> Split:
    """Leave one replicate out, or with fewer folds than replicates a group of them."""
    replicates = sorted({unit.replicate for unit in units}, key=natural)
    groups = np.array_split(np.arange(len(replicates)), count)
    fold_of = {replicates[i]: fold for fold, group in enumerate(groups) for i in group}
    names = tuple(
        f"replicate{'s' if len(group) > 1 else ''} {', '.join(replicates[i] for i in group)}"
        for group in groups
    )
    return Split("replicate", {unit: fold_of[unit.replicate] for unit in units}, names)


def _by_well(units: Sequence[Unit], strata: Mapping[Unit, str], count: int, seed: int) -> Split:
    """Deal the wells of each content out over the folds, in random order."""
    rng = np.random.default_rng(seed)
    contents: dict[str, list[Unit]] = {}
    for unit in sorted(set(units)):
        contents.setdefault(strata[unit], []).append(unit)
    fold_of: dict[Unit, int] = {}
    for content in sorted(contents):
        for place in rng.permutation(len(contents[content])):
            fold_of[contents[content][place]] = len(fold_of) % count
    return Split("wells", fold_of, tuple(f"wells {fold + 1} of {count}" for fold in range(count)))


def random_folds(n: int, folds: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Folds of `n` cells of one well-timepoint at random, in equal parts: the contrast, never the claim."""
    return rng.permutation((np.arange(n) + rng.integers(folds)) % folds)
