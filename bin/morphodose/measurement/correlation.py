"""Correlation and colocalisation of two channels within each object, all pairs of channels at once.

MeasureColocalization of CellProfiler as in cp_measure 0.3.0 (`measurecolocalization`), on segment sums
instead of a loop over objects for every pair: ranks and thresholds are worked out once a channel, and
SciPy's statistics, half of the start-up of a task, are not imported. Values are the same (tested).
Costes' thresholds are left out: a search per object and pair, undefined for many dim cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from morphodose.measurement.compartments import Compartment
from morphodose.measurement.shape import Features

#: Pixels below this share of the object's maximum are no signal (CellProfiler's default, 15 %).
THRESHOLD = 0.15


@dataclass(frozen=True)
class _Channel:
    """One channel over the pixels of all objects: values, which are signal, and their dense ranks."""

    values: npt.NDArray[np.float64]
    centred: npt.NDArray[np.float64]
    variation: npt.NDArray[np.float64]
    signal: npt.NDArray[np.bool_]
    total: npt.NDArray[np.float64]
    rank: npt.NDArray[np.intp]
    top_rank: npt.NDArray[np.intp]


def correlation(part: Compartment, channels: Mapping[str, npt.NDArray[np.float64]]) -> Features:
    """``Correlation_<Name>_<A>_<B>`` of all pairs of channels.

    Names: Correlation (Pearson), Slope (of B on A), Overlap, and, with a value for each direction, K,
    Manders and RWC (rank-weighted colocalisation, Singan et al. 2011). A channel that is constant within
    an object has no correlation: NaN.
    """
    places = np.nonzero(part.labels)
    segment = (part.labels[places] - 1).astype(np.intp)
    count = part.count
    size = np.bincount(segment, minlength=count)
    data = {name: _prepare(pixels[places], segment, count, size) for name, pixels in channels.items()}
    features: Features = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        for a, b in combinations(data, 2):
            found = _pair(data[a], data[b], segment, count, f"{a}_{b}", f"{b}_{a}")
            features |= {f"Correlation_{name}": values for name, values in found.items()}
    return features


def _prepare(
    values: npt.NDArray[np.float64],
    segment: npt.NDArray[np.intp],
    count: int,
    size: npt.NDArray[np.intp],
) -> _Channel:
    """Per-channel sums, thresholds and ranks."""
    order = np.lexsort((values, segment))
    ordered, owner = values[order], segment[order]
    starts = np.concatenate([[0], np.cumsum(size)])[:-1]
    # a rank goes up where the value changes within the object: dense ranks, ties share one
    steps = np.concatenate([[0], (np.diff(ordered) != 0) & (np.diff(owner) == 0)]).astype(np.intp)
    climbed = np.cumsum(steps)
    rank = np.empty(len(values), dtype=np.intp)
    rank[order] = climbed - climbed[starts][owner] if count else climbed
    ends = starts + size - 1
    top = ordered[ends] if count else ordered
    mean = _total(segment, values, count) / size
    centred = values - mean[segment]
    signal = values >= THRESHOLD * top[segment]
    return _Channel(
        values,
        centred,
        _total(segment, np.square(centred), count),
        signal,
        _total(segment, np.where(signal, values, 0.0), count),
        rank,
        rank[order][ends] if count else rank,
    )


def _total(
    segment: npt.NDArray[np.intp], values: npt.NDArray[np.float64], count: int
) -> npt.NDArray[np.float64]:
    """Sum of the values of each object."""
    return np.asarray(np.bincount(segment, values, count), dtype=np.float64)


def _pair(
    one: _Channel, two: _Channel, segment: npt.NDArray[np.intp], count: int, forth: str, back: str
) -> Features:
    """All measures of one pair."""

    def total(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return _total(segment, values, count)

    shared = total(one.centred * two.centred)
    both = one.signal & two.signal
    first, second = one.values * both, two.values * both
    product, square, other = total(first * second), total(first**2), total(second**2)
    ranks = np.maximum(one.top_rank, two.top_rank) + 1
    weight = 1 - np.abs(one.rank - two.rank) / ranks[segment]
    # where no pixel is signal in both, the measures are 0 and not 0/0
    none = total(both.astype(float)) == 0

    def share(part: npt.NDArray[np.float64], whole: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(none, 0.0, part / whole)

    return {
        f"Correlation_{forth}": shared / np.sqrt(one.variation * two.variation),
        f"Slope_{forth}": shared / one.variation,
        f"Overlap_{forth}": share(product, np.sqrt(square * other)),
        f"K_{forth}": share(product, square),
        f"K_{back}": share(product, other),
        f"Manders_{forth}": share(total(first), one.total),
        f"Manders_{back}": share(total(second), two.total),
        f"RWC_{forth}": share(total(first * weight), one.total),
        f"RWC_{back}": share(total(second * weight), two.total),
    }
