"""Crops of all cells of a field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.ndimage as ndi

from morphodose.crops.weights import Box, cell_weights, moved
from morphodose.errors import InputError


@dataclass(frozen=True)
class Place:
    """How a crop lies in its field.

    Attributes
    ----------
    label : int
        Pixel value of the cell in the mask.
    center : (y, x)
        Pixel of the field on which the crop is centred; it is at ``size // 2`` of the crop.
    padding : (top, bottom, left, right)
        Rows and columns of the crop that lie outside the image, px; they are 0.
    truncated : bool
        The cell reaches beyond the crop.
    """

    label: int
    center: tuple[int, int]
    padding: tuple[int, int, int, int]
    truncated: bool


@dataclass(frozen=True)
class Cut:
    """The crop of one cell.

    Attributes
    ----------
    place : Place
        How it lies in its field.
    top, left : int
        Where in the crop `pixels` begin.
    pixels : (C, h, w) array of uint16
        Counts times weights, where weights are above 0; the rest of the crop is 0.
    """

    place: Place
    top: int
    left: int
    pixels: npt.NDArray[np.uint16]


def cut_field(
    pixels: npt.NDArray[np.generic], labels: npt.NDArray[np.integer], size: int = 200
) -> Iterator[Cut]:
    """Cut every cell out of a field, labels ascending.

    Parameters
    ----------
    pixels : (C, Y, X) array of uint8 or uint16
        Counts. 8 bits are widened, not scaled.
    labels : (Y, X) array of int
        Label mask.
    size : int
        Edge of a crop, px.

    Yields
    ------
    Cut
        Pixels are ``counts × weights / 255``, rounded to the nearest count (ties cannot occur), and not
        rescaled: well inside a cell they are the counts of the camera. The crop is centred on the centroid
        of the mask, each coordinate rounded, halves up; of an even `size`, one row and column more lie
        before the centre than after it.

    Raises
    ------
    InputError
        If the pixels are not counts of 8 or 16 bits, or of another size than the mask.
    """
    if pixels.dtype not in (np.uint8, np.uint16):
        raise InputError(
            f"the image is {pixels.dtype}, but crops hold counts of 8 or 16 bits; convert it to uint16"
        )
    if labels.shape != pixels.shape[1:]:
        raise InputError(f"the cell mask is {labels.shape}, the image {pixels.shape[1:]}")
    for label, bounds in bounding_boxes(labels):
        yield _cut(pixels, labels, label, bounds, size)


def bounding_boxes(labels: npt.NDArray[np.integer]) -> list[tuple[int, Box]]:
    """Labels of a mask, ascending, with their bounding boxes.

    Parameters
    ----------
    labels : (Y, X) array of int
        Label mask.
    """
    highest = int(labels.max(initial=0))
    names = np.arange(1, highest + 1) if highest <= labels.size else np.unique(labels[labels > 0])
    if highest > labels.size:
        # find_objects keeps a place for every number up to the highest
        labels = np.where(labels > 0, np.searchsorted(names, labels) + 1, 0)
    return [
        (int(name), box) for name, box in zip(names, ndi.find_objects(labels), strict=True) if box is not None
    ]


def center_of(mask: npt.NDArray[np.bool_], bounds: Box) -> tuple[int, int]:
    """Pixel of the field nearest to the centroid of a mask that fills `bounds`; halves go up.

    Parameters
    ----------
    mask : (h, w) array of bool
        The cell in its bounding box.
    """
    found = []
    for axis, side in enumerate(bounds):
        counts = mask.sum(axis=1 - axis)
        mean = float(counts @ np.arange(side.start, side.stop)) / float(counts.sum())
        found.append(int(np.floor(mean + 0.5)))
    return found[0], found[1]


def _cut(
    pixels: npt.NDArray[np.generic], labels: npt.NDArray[np.integer], label: int, bounds: Box, size: int
) -> Cut:
    """Cut one cell."""
    center = center_of(labels[bounds] == label, bounds)
    window = slice(0, size), slice(0, size)
    window = moved(window, (center[0] - size // 2, center[1] - size // 2))
    padding = [
        beyond
        for side, edge in zip(window, labels.shape, strict=True)
        for beyond in (max(-side.start, 0), max(side.stop - edge, 0))
    ]
    truncated = any(
        cell.start < side.start or cell.stop > side.stop for cell, side in zip(bounds, window, strict=True)
    )
    weights, box = cell_weights(labels, label, bounds)
    y, x = (
        slice(max(side.start, part.start), min(side.stop, part.stop))
        for side, part in zip(window, box, strict=True)
    )
    weights = weights[moved((y, x), (-box[0].start, -box[1].start))]
    counts = pixels[:, y, x].astype(np.uint32) * weights
    return Cut(
        Place(label, center, (padding[0], padding[1], padding[2], padding[3]), truncated),
        y.start - window[0].start,
        x.start - window[1].start,
        ((counts + 127) // 255).astype(np.uint16),
    )
