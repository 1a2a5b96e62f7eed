"""Distance of each pixel of an object to the nearest one outside of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)
from morphodose.measurement.objects import Objects


def squared_distances(objects: Objects, border_is_edge: bool) -> npt.NDArray[np.int64]:
    """Squared Euclidean distance of each pixel to the nearest pixel outside of its object, px².

    Parameters
    ----------
    objects : Objects
        N objects of P pixels together.
    border_is_edge : bool
        Whether what lies beyond the image is outside. If not, a pixel of an object that fills the image has
        no distance: -1.

    Returns
    -------
    (P,) array of int64

    Notes
    -----
    The distance along columns first, then, row by row, the least sum of squares (Meijster et al. 2000),
    searched from the pixel outwards as far as it can still be less.
    """
    found = np.empty(len(objects.y), np.int64)
    height, width = objects.labels.shape
    _squared(objects.starts, objects.y, objects.x, objects.box, height, width, border_is_edge, found)
    return found


@njit(cache=True, nogil=True)
def _squared(starts, y, x, box, height, width, border_is_edge, found):  # type: ignore[no-untyped-def]
    """Both passes in the box of each object, with a pixel of margin."""
    far = 2 * (height + width)
    for index in range(len(starts) - 1):
        first, last = starts[index], starts[index + 1]
        top, left = box[index, 0] - 1, box[index, 1] - 1
        rows, columns = box[index, 2] - top + 1, box[index, 3] - left + 1
        column = np.zeros((rows, columns), np.int64)
        for p in range(first, last):
            column[y[p] - top, x[p] - left] = far
        if not border_is_edge:  # the margin beyond the image is nowhere
            for row in range(rows):
                for place in range(columns):
                    inside = 0 <= row + top < height and 0 <= place + left < width
                    if not inside:
                        column[row, place] = far
        for row in range(1, rows):
            for place in range(columns):
                column[row, place] = min(column[row, place], column[row - 1, place] + 1)
        for row in range(rows - 2, -1, -1):
            for place in range(columns):
                column[row, place] = min(column[row, place], column[row + 1, place] + 1)
        for p in range(first, last):
            line = column[y[p] - top]
            place = x[p] - left
            least = line[place] * line[place]
            step = 1
            while step * step < least:
                beyond = True
                if place >= step:
                    beyond = False
                    least = min(least, step * step + line[place - step] * line[place - step])
                if place + step < columns:
                    beyond = False
                    least = min(least, step * step + line[place + step] * line[place + step])
                if beyond:
                    break
                step += 1
            found[p] = least if least < far * far else -1
