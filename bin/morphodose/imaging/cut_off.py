"""A straight line at which the objects of an image are cut off, and nothing but one value beyond it.

Where a background was subtracted, its zeros and those of a part that was not copied are one. But natural
objects end here and there, each with a rounded tip; at the edge of a missing part all of them end at once, at
their full width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Rows beyond the line that hold nothing.
DEPTH = 8
#: Least rows of a missing part.
LEAST_ROWS = 16
#: Pixels of objects at the line, at least.
LEAST_PIXELS = 24
#: Objects that the line cuts, at least: one alone may have a straight side. What counts as one: pixels in the
#: rows before the line, and of these at the line.
LEAST_OBJECTS, STRIP, LEAST_AREA, LEAST_WIDTH = 3, 32, 24, 4
#: … or so many pixels of what may be one: cells that touch are one object. A round one of 800 px across is
#: 40 px wide where it ends. And so many times those that end in other rows.
LONG, LONG_OTHERS = 80, 5.0
#: The pixels at the line are this many times those that end in other rows.
OTHERS = 2.0
#: Share of the objects' pixels a few rows before the line that reach it: of tips, less than half.
REACH, BEFORE = 0.5, 4
#: Lines that are looked at.
MOST_LINES = 8


@dataclass(frozen=True)
class CutOff:
    """What lies beyond the lines: its share of the image, and whether it is a band along one edge."""

    share: float
    at_edge: bool


def cut_off(empty: npt.NDArray[np.bool_]) -> CutOff | None:
    """Rectangles that hold one value alone, at whose edges objects are cut straight; None without.

    Parameters
    ----------
    empty : (Y, X) array of bool
        Pixels of the value.

    Notes
    -----
    Where fewer than three objects end at the edge, and on a short line, nothing tells a missing part from an
    empty one, and none is found.
    """
    beyond = np.zeros(empty.shape, dtype=bool)
    turned, target = empty, beyond
    for _ in range(4):
        for first, last, left, right in _parts_below(turned):
            target[first:last, left:right] = True
        turned, target = np.rot90(turned), np.rot90(target)
    if not beyond.any():
        return None
    rows, columns = beyond.all(axis=1), beyond.all(axis=0)
    band = not (beyond & ~rows[:, None] & ~columns[None, :]).any()
    ends = bool(rows[[0, -1]].any() or columns[[0, -1]].any())
    return CutOff(float((beyond & empty).mean()), band and ends)


def _parts_below(empty: npt.NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """First and last row, first and last column (exclusive) of the parts whose upper edge is straight."""
    height, width = empty.shape
    if height < LEAST_ROWS + BEFORE + 1:
        return []
    # rows of nothing from each pixel on downwards, up to DEPTH
    filled = np.cumsum(~empty, axis=0, dtype=np.int32)
    deep = np.zeros((height, width), dtype=bool)
    deep[1 : height - DEPTH + 1] = filled[DEPTH:] == filled[:-DEPTH]
    ends = np.zeros((height, width), dtype=bool)
    ends[1:] = ~empty[:-1] & deep[1:]
    numbers = ends.sum(axis=1)
    lines = np.argsort(-numbers, kind="stable")
    # the first lines do not show what is ordinary: a missing strip has two, a broken row two more
    ordinary = float(numbers[lines[MOST_LINES]]) if height > MOST_LINES else 0.0
    least = max(LEAST_PIXELS, OTHERS * ordinary)
    found: list[tuple[int, int, int, int]] = []
    for row in lines[:MOST_LINES]:
        if row <= BEFORE or numbers[row] < least:
            continue
        left, right = _longest(ends[row], deep[row])
        line = ends[row, left:right]
        if not _is_cut(line, ~empty[max(row - STRIP, 0) : row, left:right], least):
            continue
        if (left, right) != (0, width):
            at = np.flatnonzero(line)
            left, right = left + int(at[0]), left + int(at[-1]) + 1
        filled_rows = np.flatnonzero(~empty[row:, left:right].all(axis=1))
        last = int(row + filled_rows[0]) if len(filled_rows) else height
        if last - row < LEAST_ROWS:
            continue
        found.append((int(row), last, left, right))
        # the end of the file: a row was broken off midway, and nothing follows
        if last == height and empty[row + 1 :].all():
            found.append((int(row) + 1, height, 0, width))
    return found


def _longest(ends: npt.NDArray[np.bool_], deep: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """The stretch of a row with nothing below it in which most objects end."""
    stops = np.concatenate([[-1], np.flatnonzero(~deep), [len(deep)]])
    total = np.concatenate([[0], np.cumsum(ends)])
    numbers = total[stops[1:]] - total[stops[:-1] + 1]
    best = int(np.argmax(numbers))
    return int(stops[best]) + 1, int(stops[best + 1])


def _is_cut(line: npt.NDArray[np.bool_], strip: npt.NDArray[np.bool_], least: float) -> bool:
    """Whether the objects of the strip before a line, `line` in its last row, are cut by it."""
    import scipy.ndimage as ndi

    before = strip[-1 - BEFORE]
    if line.sum() < least or line[before].sum() < REACH * before.sum():
        return False
    if line.sum() >= max(LONG, LONG_OTHERS / OTHERS * least):
        return True
    # grains of noise are not objects
    opened = ndi.binary_opening(np.pad(strip, ((0, 2), (0, 0)), mode="edge"), np.ones((3, 3)))[:-2]
    objects, number = ndi.label(opened)
    areas = np.bincount(objects.ravel(), minlength=number + 1)
    widths = np.bincount(objects[-1][line], minlength=number + 1)
    return bool(((areas >= LEAST_AREA) & (widths >= LEAST_WIDTH))[1:].sum() >= LEAST_OBJECTS)
