"""Could a held-out score come about by chance? Labels of held-out wells are exchanged among each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Permutations of a fold.
PERMUTATIONS = 4999


@dataclass(frozen=True)
class Chance:
    """Result of the test.

    Attributes
    ----------
    p : float
        P value over all folds.
    least : float
        The least P that so few wells, or acquisitions, could give.
    """

    p: float
    least: float


@dataclass(frozen=True)
class Groups:
    """What carries a label as a whole: a well its dose, an acquisition its time.

    Attributes
    ----------
    predicted : (G, K + 1) array
        Cells by predicted class; the last column: none.
    label : (G,) array of int
    block : (G,) array of int
        Labels are exchanged within blocks (a plate in a replicate) only.
    fold : (G,) array of int
    """

    predicted: npt.NDArray[np.float64]
    label: npt.NDArray[np.int64]
    block: npt.NDArray[np.int64]
    fold: npt.NDArray[np.int64]


def chance(groups: Groups, seed: int, permutations: int = PERMUTATIONS) -> Chance:
    """P value of the balanced accuracy against labels exchanged within each held-out fold.

    In a fold the network has not seen the labels of the held-out wells; if the dose does nothing and wells
    lie in random places, their labels can be exchanged, and the P value is exact. Folds depend on each other,
    since each trains the networks of the others, so their P values are put together by e times their
    geometric mean, which holds whatever the dependence (Vovk, Wang 2020, Biometrika 107:791).
    """
    rng = np.random.default_rng(seed)
    values, least = [], []
    for fold in np.unique(groups.fold):
        mine = np.flatnonzero(groups.fold == fold)
        label, block = groups.label[mine], groups.block[mine]
        shuffled = np.repeat(label[None], permutations + 1, axis=0)
        for each in np.unique(block):
            members = np.flatnonzero(block == each)
            shuffled[1:, members] = rng.permuted(shuffled[1:, members], axis=1)
        found = _balanced_accuracy(groups.predicted[mine], shuffled)
        above = np.count_nonzero(found[1:] >= found[0] - 1e-12)
        values.append((1 + above) / (1 + permutations))
        least.append(max(1 / (1 + permutations), math.exp(-_log_arrangements(label, block))))
    return Chance(_together(values), _together(least))


def chance_of_names(confusion: npt.NDArray[np.integer], seed: int, permutations: int = PERMUTATIONS) -> float:
    """P value of a control's balanced accuracy against any other naming of the classes that it predicts.

    A network that learned from shuffled labels may well tell the doses apart, and call them by wrong names;
    by luck some names are right, more often than wells alone would let one think. Which name it gave to
    which dose is what chance decided, and what is exchanged here.

    Parameters
    ----------
    confusion : (K, K + 1) array of int
        Cells by true and predicted class; the last column: none.
    seed : int
    permutations : int

    Returns
    -------
    float
        Never below 1 / K!: of use for four classes or more.
    """
    cells = confusion.sum(axis=1)
    share = confusion[cells > 0, :-1] / cells[cells > 0, None]
    true = np.flatnonzero(cells)
    rng = np.random.default_rng(seed)
    names = rng.permuted(np.tile(np.arange(share.shape[1]), (permutations, 1)), axis=1)
    found = share[np.arange(len(true)), names[:, true]].mean(axis=1)
    own = share[np.arange(len(true)), true].mean()
    return float((1 + np.count_nonzero(found >= own - 1e-12)) / (1 + permutations))


def _balanced_accuracy(
    predicted: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Balanced accuracy for each row of `labels`, (B, G)."""
    cells = predicted.sum(axis=1)
    total, count = np.zeros(len(labels)), np.zeros(len(labels))
    for each in np.unique(labels[0]):
        mask = (labels == each).astype(np.float64)
        below = mask @ cells
        total += np.divide(mask @ predicted[:, each], below, out=np.zeros_like(below), where=below > 0)
        count += below > 0
    return total / np.maximum(count, 1)


def _log_arrangements(label: npt.NDArray[np.int64], block: npt.NDArray[np.int64]) -> float:
    """Logarithm of the number of different arrangements of the labels."""
    total = 0.0
    for each in np.unique(block):
        _, counts = np.unique(label[block == each], return_counts=True)
        total += math.lgamma(counts.sum() + 1) - sum(math.lgamma(n + 1) for n in counts)
    return total


def _together(values: Sequence[float]) -> float:
    """P values of any dependence put together; that of a single fold as it is."""
    if len(values) < 2:
        return values[0] if values else 1.0
    return min(1.0, math.e * math.exp(float(np.mean(np.log(values)))))
