"""Small rectangles of one value: single tiles or packets of an image that were not recorded or not copied."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Edge (px) of the squares of one value that a block consists of, and the least edge of a block.
WINDOW, LEAST_EDGE = 8, 12
#: Pixels around a block that have its value, as a share: around a gap between cells more do.
AROUND = 0.05
#: … or such squares elsewhere, as a share of the blocks.
MOST_LEFT_OVER = 0.25
#: Values that are looked at, and their areas: more are nature.
MOST_VALUES, MOST_AREAS = 3, 400
#: Values that flat areas have: lossy compression leaves blocks of more.
MOST_FLAT = 3


def small_block(pixels: npt.NDArray[np.generic]) -> tuple[float, float] | None:
    """Share of a (Y, X) image that exact rectangles of one value hold, and that value; None without.

    Notes
    -----
    An area that is flat by nature has an outline of its own. One that is an exact rectangle was made, if
    hardly a pixel around it has its value, or if there is hardly another flat area.
    """
    if min(pixels.shape) < 2 * LEAST_EDGE:
        return None
    flat = flat_windows(pixels)
    if not flat.any():
        return None
    corners = pixels[: flat.shape[0], : flat.shape[1]]
    values, numbers = np.unique(corners[flat], return_counts=True)
    if len(values) > MOST_FLAT:
        return None
    for index in np.argsort(-numbers, kind="stable")[:MOST_VALUES]:
        # one further value may be that of a background that was subtracted, or of saturation
        others = int(numbers.sum() - numbers[index] - np.delete(numbers, index).max(initial=0))
        if others > MOST_LEFT_OVER * numbers[index]:
            continue
        starts = flat & (corners == values[index])
        area = _rectangles(pixels == values[index], starts, lossy=len(values) > 1)
        if area:
            return area / pixels.size, float(values[index])
    return None


def flat_windows(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Whether the pixels of each square of `WINDOW` px in a (Y, X) plane are equal, by its first pixel."""
    beside = pixels[:, 1:] == pixels[:, :-1]
    flat = _together(beside, WINDOW - 1, axis=1)
    if not flat.any():
        return np.zeros((pixels.shape[0] - WINDOW + 1, flat.shape[1]), dtype=bool)
    below = pixels[1:] == pixels[:-1]
    rows = _together(flat, WINDOW, axis=0)
    return rows & _together(below, WINDOW - 1, axis=0)[:, : rows.shape[1]]


def _together(true: npt.NDArray[np.bool_], number: int, axis: int) -> npt.NDArray[np.bool_]:
    """Whether each place and the `number` - 1 after it are all true."""
    moved, reach = np.moveaxis(true, axis, 0), 1
    while reach < number:
        step = min(reach, number - reach)
        moved = moved[:-step] & moved[step:]
        reach += step
    return np.moveaxis(moved, 0, axis)


def _rectangles(equal: npt.NDArray[np.bool_], starts: npt.NDArray[np.bool_], lossy: bool) -> int:
    """Pixels of the rectangles among the areas that squares of one value make; 0 where they are nature."""
    import scipy.ndimage as ndi

    areas = np.zeros(equal.shape, dtype=bool)
    areas[: starts.shape[0], : starts.shape[1]] = starts
    for axis in (0, 1):
        moved, reach = np.moveaxis(areas, axis, 0), 1
        while reach < WINDOW:
            moved[reach:] |= moved[:-reach].copy()
            reach *= 2
    labels, number = ndi.label(areas)
    if number > MOST_AREAS:
        return 0
    sizes = np.bincount(labels.ravel(), minlength=number + 1)
    alone = whole = 0
    for label, (y, x) in enumerate(ndi.find_objects(labels), start=1):
        height, width = y.stop - y.start, x.stop - x.start
        if min(height, width) < LEAST_EDGE or sizes[label] < height * width:
            continue
        if height == equal.shape[0] or width == equal.shape[1]:
            continue
        # blocks of lossy compression that happen to be flat side by side
        if lossy and not any(edge % WINDOW for edge in (y.start, y.stop, x.start, x.stop)):
            continue
        around = equal[max(y.start - 1, 0) : y.stop + 1, max(x.start - 1, 0) : x.stop + 1]
        ring = around.size - height * width
        whole += height * width
        if np.count_nonzero(around) - height * width <= AROUND * ring:
            alone += height * width
    if whole and int(sizes[1:].sum()) - whole <= MOST_LEFT_OVER * whole:
        return whole
    return alone
