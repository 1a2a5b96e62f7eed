"""Values of each object in order, and their ranks: by counting where they are counts, else by merging."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)

Values = npt.NDArray[np.float64]


def ordered(values: Values, starts: npt.NDArray[np.int64]) -> tuple[Values, Values]:
    """Sort the values of each object, and rank them.

    Parameters
    ----------
    values : (C, p) array of float64
        Values of the pixels of several objects in C channels.
    starts : (n + 1,) array of int64
        Object i has the pixels ``starts[i]`` to ``starts[i + 1]``; `starts` begins with 0.

    Returns
    -------
    in_order : (C, p) array of float64
        Values of each object, ascending.
    rank : (C, p) array of float64
        Dense rank of each pixel in its object, from 0; equal values share one.

    Notes
    -----
    Camera counts of a cell lie within a few thousand levels: counting takes a pass over the pixels and one
    over the levels, and no comparison.
    """
    in_order, rank = np.empty_like(values), np.empty_like(values)
    _order(values, starts, in_order, rank)
    return in_order, rank


@njit(cache=True, nogil=True)
def _order(values, starts, in_order, rank):  # type: ignore[no-untyped-def]
    """Each object of each channel by counting; where it has too many levels, or fractions, by merging."""
    levels = np.zeros(4096, np.int32)
    for channel in range(values.shape[0]):
        for index in range(len(starts) - 1):
            first, last = starts[index], starts[index + 1]
            low = values[channel, first]
            high = low
            whole = True
            for p in range(first, last):
                value = values[channel, p]
                low = min(low, value)
                high = max(high, value)
                whole &= value == np.floor(value)
            # also false where a value is not a number
            if whole and high - low < 16.0 * (last - first) + 4096.0:
                span = int(high - low) + 1
                if span > len(levels):
                    levels = np.zeros(2 * span, np.int32)
                _count(values[channel], first, last, low, span, levels, in_order[channel], rank[channel])
            else:
                _merge(values[channel], first, last, in_order[channel], rank[channel])


@njit(cache=True, nogil=True)
def _count(values, first, last, low, span, levels, in_order, rank):  # type: ignore[no-untyped-def]
    """Counting sort; `levels` is all 0 before and after."""
    for p in range(first, last):
        levels[int(values[p] - low)] += 1
    place = first
    seen = 0
    for level in range(span):
        times = levels[level]
        if times:
            for _ in range(times):
                in_order[place] = low + level
                place += 1
            levels[level] = seen
            seen += 1
    for p in range(first, last):
        rank[p] = levels[int(values[p] - low)]
    for level in range(span):
        levels[level] = 0


@njit(cache=True, nogil=True)
def _merge(values, first, last, in_order, rank):  # type: ignore[no-untyped-def]
    """Merge sort of the places, bottom up; what is not a number comes last."""
    size = last - first
    order = np.arange(first, last)
    other = np.empty_like(order)
    width = 1
    while width < size:
        for start in range(0, size, 2 * width):
            left, middle, end = start, min(start + width, size), min(start + 2 * width, size)
            right = middle
            for place in range(start, end):
                # not `<=`: a value that is not a number is larger than any other
                take_left = right == end or (
                    left < middle
                    and not (values[order[right]] < values[order[left]])
                    and not (np.isnan(values[order[left]]) and not np.isnan(values[order[right]]))
                )
                if take_left:
                    other[place] = order[left]
                    left += 1
                else:
                    other[place] = order[right]
                    right += 1
        order, other = other, order
        width *= 2
    seen = 0
    for place in range(size):
        value = values[order[place]]
        if place and value != in_order[first + place - 1]:
            seen += 1
        in_order[first + place] = value
        rank[order[place]] = seen
