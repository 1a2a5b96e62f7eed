"""A percentile of the neighbourhood of each pixel, compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)

Pixels = npt.NDArray[np.float32]


def percentile_filter(image: Pixels, percentile: float, edge: int) -> Pixels:
    """A percentile of the square around each pixel, the image mirrored at its border.

    Parameters
    ----------
    image : (Y, X) array of float32
    percentile : float
        0 to 100; the value of that rank, rounded down, none between two values.
    edge : int
        Of the square, px; odd.

    Notes
    -----
    The values of `scipy.ndimage.percentile_filter`, by a histogram that moves with the square (Huang, Yang &
    Tang 1979, IEEE TASSP 27:13), of the places of the image's values in their order.
    """
    values, place = np.unique(image, return_inverse=True)
    places = np.pad(place.reshape(image.shape).astype(np.int32), edge // 2, mode="symmetric")
    return values[_ranked(places, len(values), int(edge**2 * percentile / 100), edge)]


@njit(cache=True, nogil=True)
def _ranked(places, count, rank, edge):  # type: ignore[no-untyped-def]
    """The `rank`-th smallest of each square of `edge` px in `places`, numbers from 0 to `count` - 1."""
    height, width = places.shape[0] - edge + 1, places.shape[1] - edge + 1
    found = np.empty((height, width), np.int32)
    for y in range(height):
        held = np.zeros(count, np.int32)
        for v in range(y, y + edge):
            for u in range(edge):
                held[places[v, u]] += 1
        # `below` numbers of the square are less than `at`
        at, below = 0, 0
        for x in range(width):
            if x:
                for v in range(y, y + edge):
                    left, entered = places[v, x - 1], places[v, x + edge - 1]
                    held[left] -= 1
                    held[entered] += 1
                    below += (entered < at) - (left < at)
            while below > rank:
                at -= 1
                below -= held[at]
            while below + held[at] <= rank:
                below += held[at]
                at += 1
            found[y, x] = at
    return found
