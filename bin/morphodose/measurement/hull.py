"""Convex hulls of objects in whole numbers, and what is read from them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)
from morphodose.measurement.objects import Objects


def hulls(objects: Objects) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Corners of the convex hulls of the pixels' centres.

    Returns
    -------
    starts : (N + 1,) array of int64
        The hull of object i has the corners ``starts[i]`` to ``starts[i + 1]``.
    corners : (V, 2) array of int64
        Row and column; from the leftmost corner (the upper one of two) over the top, without corners on a
        straight line.
    """
    starts, corners = _hulls(objects.starts, objects.y, objects.x, objects.box)
    return starts, corners[: starts[-1]]


def feret(
    starts: npt.NDArray[np.int64], corners: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Least and greatest distance between parallel tangents of each hull, px; 0 and 0 for a single pixel.

    Parameters
    ----------
    starts : (N + 1,) array of int
        First corner of each hull.
    corners : (V, 2) array of int
        Row and column of the corners of all hulls, px.
    """
    least, greatest = np.empty(len(starts) - 1), np.empty(len(starts) - 1)
    _feret(starts, corners, least, greatest)
    return least, greatest


def convex_areas(objects: Objects) -> npt.NDArray[np.int64]:
    """Pixels whose centre lies in the hull of the middles of all pixels' sides, as in scikit-image, px²."""
    areas = np.empty(objects.count, np.int64)
    _convex_areas(objects.starts, objects.y, objects.x, objects.box, areas)
    return areas


@njit(cache=True, nogil=True)
def _chain(rows, columns, count, sign, kept):  # type: ignore[no-untyped-def]
    """Corners of the left (`sign` 1) or right (-1) side of points given from top to bottom; their number."""
    size = 0
    for point in range(count):
        while size >= 2:
            a, b = kept[size - 2], kept[size - 1]
            turn = (rows[b] - rows[a]) * (columns[point] - columns[a]) - (columns[b] - columns[a]) * (
                rows[point] - rows[a]
            )
            if sign * turn > 0:
                break
            size -= 1
        kept[size] = point
        size += 1
    return size


@njit(cache=True, nogil=True)
def _sides(y, x, first, last, rows, left, right):  # type: ignore[no-untyped-def]
    """Rows of an object that have pixels, from the top, with their first and last column; their number."""
    count = 0
    for p in range(first, last):
        if count == 0 or rows[count - 1] != y[p]:
            rows[count] = y[p]
            left[count] = x[p]
            count += 1
        right[count - 1] = x[p]
    return count


@njit(cache=True, nogil=True)
def _hulls(object_starts, y, x, box):  # type: ignore[no-untyped-def]
    """Left side upwards from its leftmost corner, right side downwards, rest of the left side upwards."""
    objects = len(object_starts) - 1
    height = 1
    room = 0
    for index in range(objects):
        height = max(height, box[index, 2] - box[index, 0])
        room += 2 * (box[index, 2] - box[index, 0])
    starts = np.zeros(objects + 1, np.int64)
    corners = np.empty((room, 2), np.int64)
    rows, left, right = np.empty(height, np.int64), np.empty(height, np.int64), np.empty(height, np.int64)
    on_left, on_right = np.empty(height, np.int64), np.empty(height, np.int64)
    place = 0
    for index in range(objects):
        count = _sides(y, x, object_starts[index], object_starts[index + 1], rows, left, right)
        lefts = _chain(rows, left, count, 1, on_left)
        rights = _chain(rows, right, count, -1, on_right)
        begin = 0
        for corner in range(lefts):
            if left[on_left[corner]] < left[on_left[begin]]:
                begin = corner
        start = place
        for step in range(begin + 1 + rights + lefts - begin - 1):
            if step <= begin:
                point = on_left[begin - step]
                row, column = rows[point], left[point]
            elif step <= begin + rights:
                point = on_right[step - begin - 1]
                row, column = rows[point], right[point]
            else:
                point = on_left[lefts - (step - begin - rights)]
                row, column = rows[point], left[point]
            # sides meet in one corner where the first or last row is a single pixel
            again = place > start and row == corners[place - 1, 0] and column == corners[place - 1, 1]
            closed = place > start and row == corners[start, 0] and column == corners[start, 1]
            if not again and not closed:
                corners[place, 0] = row
                corners[place, 1] = column
                place += 1
        starts[index + 1] = place
    return starts, corners


@njit(cache=True, nogil=True)
def _feret(starts, corners, least, greatest):  # type: ignore[no-untyped-def]
    """Greatest distance of two corners; least, over the sides, of the greatest distance of a corner to it."""
    for index in range(len(starts) - 1):
        first, last = starts[index], starts[index + 1]
        longest = 0
        narrowest = np.inf
        for a in range(first, last):
            b = a + 1 if a + 1 < last else first
            down, right = corners[b, 0] - corners[a, 0], corners[b, 1] - corners[a, 1]
            widest = 0
            for c in range(first, last):
                y, x = corners[c, 0] - corners[a, 0], corners[c, 1] - corners[a, 1]
                longest = max(longest, y * y + x * x)
                widest = max(widest, abs(down * x - right * y))
            if last - first > 2:
                narrowest = min(narrowest, widest * widest / float(down * down + right * right))
        greatest[index] = np.sqrt(float(longest))
        least[index] = np.sqrt(narrowest) if last - first > 2 else 0.0


@njit(cache=True, nogil=True)
def _convex_areas(object_starts, y, x, box, areas):  # type: ignore[no-untyped-def]
    """In half pixels: each side of the hull from top to bottom, then the whole pixels between them."""
    height = 1
    for index in range(len(object_starts) - 1):
        height = max(height, box[index, 2] - box[index, 0])
    most = 2 * height + 1
    rows, left, right = np.empty(height, np.int64), np.empty(height, np.int64), np.empty(height, np.int64)
    down, low, high = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    kept = np.empty(most, np.int64)
    edge = np.empty((2, height), np.int64)
    for index in range(len(object_starts) - 1):
        count = _sides(y, x, object_starts[index], object_starts[index + 1], rows, left, right)
        top = rows[0]
        halves = 0
        for row in range(count):
            above = row > 0 and rows[row - 1] == rows[row] - 1
            # the upper sides' middles, shared with the row above if there is one; then those left and right
            if above:
                low[halves - 1] = min(low[halves - 1], 2 * left[row])
                high[halves - 1] = max(high[halves - 1], 2 * right[row])
            else:
                down[halves] = 2 * (rows[row] - top) - 1
                low[halves] = 2 * left[row]
                high[halves] = 2 * right[row]
                halves += 1
            down[halves] = 2 * (rows[row] - top)
            low[halves] = 2 * left[row] - 1
            high[halves] = 2 * right[row] + 1
            down[halves + 1] = 2 * (rows[row] - top) + 1
            low[halves + 1] = 2 * left[row]
            high[halves + 1] = 2 * right[row]
            halves += 2
        tall = rows[count - 1] - top + 1
        for side in range(2):
            sign = 1 if side == 0 else -1
            columns = low if side == 0 else high
            _chain(down, columns, halves, sign, kept)
            corner = 0
            for row in range(tall):
                while down[kept[corner + 1]] < 2 * row:
                    corner += 1
                a, b = kept[corner], kept[corner + 1]
                span = 2 * (down[b] - down[a])
                place = columns[a] * (down[b] - down[a]) + (columns[b] - columns[a]) * (2 * row - down[a])
                # the first whole pixel to the right of the left side, the last to the left of the right one
                edge[side, row] = -((-place) // span) if side == 0 else place // span
        area = 0
        for row in range(tall):
            area += max(edge[1, row] - edge[0, row] + 1, 0)
        areas[index] = area
