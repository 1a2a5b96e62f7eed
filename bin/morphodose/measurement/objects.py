"""The objects of a compartment as lists of pixels, and their values: what all compiled kernels work on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)

#: Kernels that work on values of several channels get about this many pixels at a time, so that these stay
#: in the processor's cache.
CHUNK = 2**15


@dataclass(frozen=True)
class Objects:
    """Pixels of the objects of a mask, object by object, row by row within each.

    Attributes
    ----------
    labels : (Y, X) array of int32
        The mask: 0 background, objects 1..N without gaps.
    starts : (N + 1,) array of int64
        Object i has the pixels ``starts[i]`` to ``starts[i + 1]``.
    y, x : (P,) array of int32
        Row and column of each pixel.
    edge : (P,) array of bool
        Whether one of the four neighbours within the image has another label.
    box : (N, 4) array of int64
        First row and column, last row and column (exclusive).
    """

    labels: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    y: npt.NDArray[np.int32]
    x: npt.NDArray[np.int32]
    edge: npt.NDArray[np.bool_]
    box: npt.NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many objects there are."""
        return len(self.starts) - 1

    @property
    def at_border(self) -> bool:
        """Whether an object touches the border of the image."""
        height, width = self.labels.shape
        return bool((self.box[:, :2] == 0).any() or (self.box[:, 2:] == (height, width)).any())


def objects_of(labels: npt.NDArray[np.int32], count: int) -> Objects:
    """List the pixels of a mask whose objects are numbered 1..`count` without gaps.

    Parameters
    ----------
    labels : (Y, X) array of int
        Label mask.
    """
    labels = np.ascontiguousarray(labels, dtype=np.int32)
    starts, box = _bounds(labels, count)
    y, x, edge = _listed(labels, starts)
    return Objects(labels, starts, y, x, edge, box)


def gathered(
    objects: Objects, pixels: npt.NDArray[np.generic]
) -> Iterator[tuple[int, int, npt.NDArray[np.float64]]]:
    """Values of whole objects, a cache's worth at a time.

    Parameters
    ----------
    objects : Objects
        N objects.
    pixels : (C, Y, X) array
        Channels, of any numeric type; values are taken as they are.

    Yields
    ------
    first, last : int
        Objects ``first`` to ``last`` (exclusive).
    values : (C, p) array of float64
        Values of their pixels.
    """
    if pixels.dtype == np.uint8:
        pixels = pixels.astype(np.uint16)
    elif pixels.dtype != np.uint16:
        pixels = pixels.astype(np.float64)
    pixels = np.ascontiguousarray(pixels)
    starts = objects.starts
    first = 0
    while first < objects.count:
        last = max(int(np.searchsorted(starts, starts[first] + CHUNK, side="right")) - 1, first + 1)
        part = slice(int(starts[first]), int(starts[last]))
        yield first, last, _gather(pixels, objects.y[part], objects.x[part])
        first = last


@njit(cache=True, nogil=True)
def _bounds(labels, count):  # type: ignore[no-untyped-def]
    """Where the pixels of each object begin in the list, and its box."""
    height, width = labels.shape
    starts = np.zeros(count + 1, np.int64)
    box = np.empty((count, 4), np.int64)
    for index in range(count):
        box[index, 0] = height
        box[index, 1] = width
        box[index, 2] = 0
        box[index, 3] = 0
    for y in range(height):
        for x in range(width):
            label = labels[y, x]
            if label > 0:
                starts[label] += 1
                index = label - 1
                box[index, 0] = min(box[index, 0], y)
                box[index, 1] = min(box[index, 1], x)
                box[index, 2] = y + 1
                box[index, 3] = max(box[index, 3], x + 1)
    for index in range(count):
        starts[index + 1] += starts[index]
    return starts, box


@njit(cache=True, nogil=True)
def _listed(labels, starts):  # type: ignore[no-untyped-def]
    """Row, column and edge of each pixel of the objects."""
    height, width = labels.shape
    place = starts[:-1].copy()
    rows = np.empty(starts[-1], np.int32)
    columns = np.empty(starts[-1], np.int32)
    edge = np.empty(starts[-1], np.bool_)
    for y in range(height):
        for x in range(width):
            label = labels[y, x]
            if label > 0:
                here = place[label - 1]
                place[label - 1] = here + 1
                rows[here] = y
                columns[here] = x
                edge[here] = (
                    (y > 0 and labels[y - 1, x] != label)
                    or (y < height - 1 and labels[y + 1, x] != label)
                    or (x > 0 and labels[y, x - 1] != label)
                    or (x < width - 1 and labels[y, x + 1] != label)
                )
    return rows, columns, edge


@njit(cache=True, nogil=True)
def _gather(pixels, y, x):  # type: ignore[no-untyped-def]
    """Values of the pixels in all channels."""
    values = np.empty((pixels.shape[0], len(y)), np.float64)
    for channel in range(pixels.shape[0]):
        image = pixels[channel]
        for p in range(len(y)):
            values[channel, p] = image[y[p], x[p]]
    return values
