"""Correlation and colocalisation of two channels within each object, all pairs of channels at once.

MeasureColocalization of CellProfiler as in cp_measure 0.3.0 (`measurecolocalization`): thresholds, means and
ranks are worked out once per channel, and a pair is one pass over the pixels. Values are the same (tested).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)
from morphodose.measurement.objects import Objects
from morphodose.measurement.ordered import Values

#: Pixels below this share of the object's maximum are not signal (CellProfiler's default, 15 %).
THRESHOLD = 0.15
#: What the kernel gives of a pair A, B; those with a direction first from A to B.
_NAMES = (
    "Correlation_{a}_{b}",
    "Slope_{a}_{b}",
    "Overlap_{a}_{b}",
    "K_{a}_{b}",
    "K_{b}_{a}",
    "Manders_{a}_{b}",
    "Manders_{b}_{a}",
    "RWC_{a}_{b}",
    "RWC_{b}_{a}",
)


def correlation_names(channels: tuple[str, ...]) -> list[str]:
    """``Correlation_<Name>_<A>_<B>`` of all pairs of channels.

    Names: Correlation (Pearson), Slope (of B on A), Overlap, and, with a value for each direction, K,
    Manders and RWC (rank-weighted colocalisation, Singan et al. 2011).
    """
    pairs = combinations(channels, 2)
    return [f"Correlation_{name.format(a=a, b=b)}" for a, b in pairs for name in _NAMES]


def correlation(
    objects: Objects, first: int, last: int, values: Values, in_order: Values, rank: Values
) -> npt.NDArray[np.float64]:
    """Correlations of the objects `first` to `last`, in the order of `correlation_names`.

    They are NaN where they are not defined, as the correlation with a channel that is constant within the
    object; and all of them where a pixel of either channel is not a number.

    Parameters
    ----------
    objects : Objects
        All objects of the compartment.
    first, last : int
        Those whose values are given.
    values, in_order, rank : (C, p) array of float64
        As from `morphodose.measurement.objects.gathered` and `morphodose.measurement.ordered.ordered`.

    Returns
    -------
    (C * (C - 1) / 2 * 9, last - first) array
    """
    channels = len(values)
    starts = objects.starts[first : last + 1]
    found = np.empty((channels * (channels - 1) // 2, len(_NAMES), last - first))
    _correlation(values, in_order, rank, starts - starts[0], found)
    return found.reshape(-1, last - first)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})
def _sums(one, two, centred, other, rank, other_rank, low, other_low, ranks):  # type: ignore[no-untyped-def]
    """All sums of a pair over the pixels of an object."""
    shared = 0.0
    both = 0
    product = 0.0
    square = 0.0
    other_square = 0.0
    total = 0.0
    other_total = 0.0
    near = 0.0
    other_near = 0.0
    for p in range(len(one)):
        shared += centred[p] * other[p]
        signal = (one[p] >= low) & (two[p] >= other_low)
        both += signal
        a = one[p] if signal else 0.0
        b = two[p] if signal else 0.0
        weight = 1.0 - abs(rank[p] - other_rank[p]) / ranks
        product += a * b
        square += a * a
        other_square += b * b
        total += a
        other_total += b
        near += a * weight
        other_near += b * weight
    return shared, both, product, square, other_square, total, other_total, near, other_near


@njit(cache=True, nogil=True, error_model="numpy")
def _correlation(values, in_order, rank, starts, found):  # type: ignore[no-untyped-def]
    """All of `_NAMES` of each pair of channels of each object."""
    channels = values.shape[0]
    low = np.empty(channels)
    total = np.empty(channels)
    variation = np.empty(channels)
    top = np.empty(channels)
    for index in range(len(starts) - 1):
        first, last = starts[index], starts[index + 1]
        centred = np.empty((channels, last - first))
        for c in range(channels):
            mean = 0.0
            for p in range(first, last):
                mean += values[c, p]
            mean /= last - first
            low[c] = THRESHOLD * in_order[c, last - 1]
            total[c] = 0.0
            variation[c] = 0.0
            top[c] = 0.0
            for p in range(first, last):
                value = values[c, p]
                centred[c, p - first] = value - mean
                variation[c] += (value - mean) ** 2
                if value >= low[c]:
                    total[c] += value
                top[c] = max(top[c], rank[c, p])
            if in_order[c, first] == in_order[c, last - 1]:
                variation[c] = 0.0  # and not what rounding of the mean leaves
        pair = 0
        for a in range(channels):
            for b in range(a + 1, channels):
                out = found[pair]
                pair += 1
                sums = _sums(
                    values[a, first:last],
                    values[b, first:last],
                    centred[a],
                    centred[b],
                    rank[a, first:last],
                    rank[b, first:last],
                    low[a],
                    low[b],
                    max(top[a], top[b]) + 1.0,
                )
                shared = sums[0] if variation[a] > 0.0 and variation[b] > 0.0 else 0.0
                pearson = shared / np.sqrt(variation[a] * variation[b])
                out[0, index] = pearson if abs(pearson) <= 1.0 else np.sign(pearson)
                out[1, index] = shared / variation[a]
                if np.isnan(low[a]) or np.isnan(low[b]):  # a pixel is not a number: it was sorted last
                    for place in range(2, 9):
                        out[place, index] = np.nan
                    continue
                if sums[1] == 0:  # where no pixel is signal in both, the measures are 0 and not 0/0
                    for place in range(2, 9):
                        out[place, index] = 0.0
                    continue
                out[2, index] = sums[2] / np.sqrt(sums[3] * sums[4])
                out[3, index] = sums[2] / sums[3]
                out[4, index] = sums[2] / sums[4]
                out[5, index] = sums[5] / total[a]
                out[6, index] = sums[6] / total[b]
                out[7, index] = sums[7] / total[a]
                out[8, index] = sums[8] / total[b]
