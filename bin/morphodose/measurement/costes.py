"""Costes' colocalisation: thresholds above which two channels are correlated within an object.

MeasureColocalization of CellProfiler ("Faster") as in cp_measure 0.3.0 (`bisection_costes`), with the same
search and so the same values (tested); a threshold tried is one pass over the sums of the object, without
arrays of its own. The search follows the sign of a correlation and the pixels that lie exactly at a
threshold, which rounding errors can turn. Here sums of whole counts are exact, so there are none.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)
from morphodose.measurement.objects import Objects
from morphodose.measurement.ordered import Values


def costes_names(channels: tuple[str, ...]) -> list[str]:
    """``Correlation_Costes_<A>_<B>`` in both directions, for all pairs of channels."""
    return [
        f"Correlation_Costes_{one}_{two}"
        for a, b in combinations(channels, 2)
        for one, two in ((a, b), (b, a))
    ]


def full_scale(kind: np.dtype[np.generic]) -> float:
    """Largest count of an image of this type; floats and signed numbers are taken as 16-bit counts."""
    return float(2 ** (8 * kind.itemsize) - 1) if kind.kind == "u" else 65535.0


def costes(objects: Objects, first: int, last: int, values: Values, top: float) -> npt.NDArray[np.float64]:
    """Share of each channel's stain above its threshold that lies above the threshold of the other, too.

    The thresholds lie on the line of total least squares; the search brings them down from the full scale
    `top` until the pixels below either are not correlated. NaN where there is no line (fewer than three
    pixels with a signal, a constant channel, values outside of 0 to `top`) or no such threshold.

    Returns
    -------
    (C * (C - 1), last - first) array
        In the order of `costes_names`.
    """
    channels = len(values)
    starts = objects.starts[first : last + 1]
    found = np.empty((channels * (channels - 1), last - first))
    _costes(values, starts - starts[0], top, found)
    return found


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})
def _below(one, two, centred, other_centred, low, other_low):  # type: ignore[no-untyped-def]
    """Pixels below either threshold: number, sums, sum of products, and whether both channels vary there."""
    size = 0
    total = 0.0
    other = 0.0
    product = 0.0
    least = np.inf
    most = -np.inf
    other_least = np.inf
    other_most = -np.inf
    for p in range(len(one)):
        below = (one[p] < low) | (two[p] < other_low)
        size += below
        a = centred[p] if below else 0.0
        b = other_centred[p] if below else 0.0
        total += a
        other += b
        product += a * b
        least = min(least, centred[p] if below else np.inf)
        most = max(most, centred[p] if below else -np.inf)
        other_least = min(other_least, other_centred[p] if below else np.inf)
        other_most = max(other_most, other_centred[p] if below else -np.inf)
    return size, total, other, product, most > least and other_most > other_least


@njit(cache=True, nogil=True, error_model="numpy")
def _correlated(one, two, centred, other_centred, low, other_low):  # type: ignore[no-untyped-def]
    """Sign of the correlation below the thresholds: NaN where there is none.

    From whole counts around the mean: sums of them are exact, and so is a correlation of 0.
    """
    size, total, other, product, varies = _below(one, two, centred, other_centred, low, other_low)
    if size < 3 or not varies:
        return np.nan
    return product * size - total * other


@njit(cache=True, nogil=True, error_model="numpy")
def _line(one, two, centred, other_centred, middle, other_middle):  # type: ignore[no-untyped-def]
    """Slope and offset of the line through the pixels with a signal, in counts; NaN where there is none.

    From whole counts, too: where the line runs through counts, so do the thresholds on it, and a pixel that
    has just that count is not above one of them by rounding.
    """
    size = 0
    total = 0.0
    other = 0.0
    square = 0.0
    other_square = 0.0
    product = 0.0
    varies = False
    other_varies = False
    first = -1
    for p in range(len(one)):
        if one[p] > 0 or two[p] > 0:
            if first < 0:
                first = p
            size += 1
            a, b = centred[p], other_centred[p]
            total += a
            other += b
            square += a * a
            other_square += b * b
            product += a * b
            varies |= one[p] != one[first]
            other_varies |= two[p] != two[first]
    if size < 3 or not varies or not other_varies:
        return np.nan, np.nan
    variance = square * size - total * total
    other_variance = other_square * size - other * other
    shared = product * size - total * other
    if not abs(shared) > 8 * 2.220446049250313e-16 * max(variance, other_variance):
        return np.nan, np.nan
    more = other_variance - variance
    slope = (more + np.sqrt(more * more + 4 * shared * shared)) / (2 * shared)
    return slope, (other - slope * total) / size + (other_middle - slope * middle)


@njit(cache=True, nogil=True, error_model="numpy")
def _threshold(one, two, centred, other_centred, slope, offset, top):  # type: ignore[no-untyped-def]
    """Threshold of the first channel by CellProfiler's search: from a sixth below the top of the window."""
    highest = 0.0
    other_highest = 0.0
    for p in range(len(one)):
        highest = max(highest, one[p])
        other_highest = max(other_highest, two[p])
    everything = _correlated(one, two, centred, other_centred, np.inf, np.inf)
    left, right = 1.0, top
    middle = (right - left) // (6 / 5) + left
    before = 0.0
    valid = -1.0
    steps = 0
    while before != middle and steps < 256:
        steps += 1
        low = middle
        other_low = slope * low + offset
        if low > highest or other_low > other_highest:
            sign = everything
        else:
            sign = _correlated(one, two, centred, other_centred, low, other_low)
        if not sign >= 0:
            left = middle - 1
        else:
            right = middle + 1
            valid = middle
        before = middle
        middle = (right - left) // (6 / 5 if right - left > 6 else 2.0) + left
    return np.nan if valid < 0 or before != middle else valid - 1


@njit(cache=True, nogil=True, error_model="numpy")
def _costes(values, starts, top, found):  # type: ignore[no-untyped-def]
    """Both directions of each pair of channels of each object."""
    channels = values.shape[0]
    for index in range(len(starts) - 1):
        counts = values[:, starts[index] : starts[index + 1]]
        centred = np.empty_like(counts)
        middle = np.empty(channels)
        outside = np.zeros(channels, np.bool_)
        for c in range(channels):
            for value in counts[c]:
                if not 0 <= value <= top:
                    outside[c] = True
            middle[c] = np.rint(np.mean(counts[c]))
            centred[c] = counts[c] - middle[c]
        place = 0
        for a in range(channels):
            for b in range(a + 1, channels):
                one, two = counts[a], counts[b]
                found[place, index] = np.nan
                found[place + 1, index] = np.nan
                place += 2
                if outside[a] or outside[b]:
                    continue
                slope, offset = _line(one, two, centred[a], centred[b], middle[a], middle[b])
                if not np.isfinite(slope):
                    continue
                low = _threshold(one, two, centred[a], centred[b], slope, offset, top)
                other_low = slope * low + offset
                if not np.isfinite(_correlated(one, two, centred[a], centred[b], low, other_low)):
                    continue
                both = 0.0
                other_both = 0.0
                total = 0.0
                other_total = 0.0
                for p in range(len(one)):
                    if one[p] > low and two[p] > other_low:
                        both += one[p]
                        other_both += two[p]
                    if one[p] >= low:
                        total += one[p]
                    if two[p] >= other_low:
                        other_total += two[p]
                if total > 0 and other_total > 0:
                    found[place - 2, index] = both / total
                    found[place - 1, index] = other_both / other_total
