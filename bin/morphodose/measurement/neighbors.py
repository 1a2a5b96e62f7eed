"""Neighbours of each cell (MeasureObjectNeighbors)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)
from morphodose.measurement.objects import Objects
from morphodose.measurement.shape import Features, centres


def neighbors(objects: Objects, labels: npt.NDArray[np.int64], distance: int = 10) -> Features:
    """``Neighbors_*`` of MeasureObjectNeighbors, touching (``Adjacent``) and within `distance` px.

    Parameters
    ----------
    objects : Objects
        The cells.
    labels : (N,) array of int
        Their labels in the mask: ``ClosestObjectNumber`` names the neighbour's label, 0 for none.
    distance : int
        A cell is a neighbour if it has a pixel this close (px). PercentTouching is the share of a cell's
        outline that such neighbours reach.

    Notes
    -----
    Counts and percentages are those of cp_measure 0.3.0 (tested), which fails on fewer than two objects and
    names each object as its own closest one. Distances are between centroids; NaN where there is no
    neighbour; of two neighbours as close as each other the one with the lower label comes first. Border cells
    are not in the mask, so cells beside them have fewer neighbours than in the dish.
    """
    features: Features = {}
    for reach, scale in ((1, "Adjacent"), (distance, str(distance))):
        number, touching = np.zeros(objects.count), np.zeros(objects.count)
        _within(objects.labels, objects.starts, objects.y, objects.x, reach, number, touching)
        features[f"Neighbors_NumberOfNeighbors_{scale}"] = number
        features[f"Neighbors_PercentTouching_{scale}"] = touching
        if scale == "Adjacent":  # the closest cells are the same at any scale
            closest = _closest(objects, labels)
            features |= {f"Neighbors_{name}_{scale}": values for name, values in closest.items()}
    return features


def _closest(objects: Objects, labels: npt.NDArray[np.int64]) -> Features:
    """Number, distance of, and angle between the two closest cells, by their centroids."""
    middle = centres(objects)
    who, far = np.full((2, objects.count), -1), np.full((2, objects.count), np.nan)
    _two_closest(middle, who, far)
    numbers = np.where(who >= 0, labels[who], 0).astype(np.float64)
    one, two = (middle[:, who[rank]] - middle for rank in (0, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = (one * two).sum(axis=0) / np.sqrt((one**2).sum(axis=0) * (two**2).sum(axis=0))
    angle = np.where(who[1] >= 0, np.degrees(np.arccos(np.clip(cosine, -1, 1))), np.nan)
    return {
        "FirstClosestObjectNumber": numbers[0],
        "FirstClosestDistance": far[0],
        "SecondClosestObjectNumber": numbers[1],
        "SecondClosestDistance": far[1],
        "AngleBetweenNeighbors": angle,
    }


@njit(cache=True, nogil=True)
def _two_closest(middle, who, far):  # type: ignore[no-untyped-def]
    """The two centroids next to each one."""
    count = middle.shape[1]
    for index in range(count):
        first, second = np.inf, np.inf
        for other in range(count):
            square = (middle[0, other] - middle[0, index]) ** 2 + (middle[1, other] - middle[1, index]) ** 2
            if other == index or square >= second:
                continue
            if square < first:
                second = first
                who[1, index] = who[0, index]
                first = square
                who[0, index] = other
            else:
                second = square
                who[1, index] = other
        for rank, square in ((0, first), (1, second)):
            if who[rank, index] >= 0:
                far[rank, index] = np.sqrt(square)


@njit(cache=True, nogil=True)
def _within(labels, starts, y, x, reach, number, touching):  # type: ignore[no-untyped-def]
    """Objects with a pixel within `reach` px of each, and per cent of its outline near such.

    From each pixel of the outline (one with another label among its eight neighbours, or at the border of the
    image) over the rows of a disk; half a pixel more counts as touching, as in CellProfiler.
    """
    height, width = labels.shape
    limit = (reach + 0.5) * (reach + 0.5)
    half = np.zeros(reach + 1, np.int64)
    for down in range(reach + 1):
        while (half[down] + 1) * (half[down] + 1) + down * down <= limit:
            half[down] += 1
    met = np.full(len(starts), -1)
    for index in range(len(starts) - 1):
        own = index + 1
        outline = 0
        reached = 0
        for p in range(starts[index], starts[index + 1]):
            row, column = y[p], x[p]
            inside = 0 < row < height - 1 and 0 < column < width - 1
            if inside:
                for down in range(-1, 2):
                    for right in range(-1, 2):
                        inside &= labels[row + down, column + right] == own
            if inside:
                continue
            outline += 1
            near = False
            for down in range(max(-reach, -row), min(reach, height - 1 - row) + 1):
                line = labels[row + down]
                wide = half[abs(down)]
                for there in range(max(column - wide, 0), min(column + wide, width - 1) + 1):
                    other = line[there]
                    if other != 0 and other != own:
                        near = True
                        right = there - column
                        if met[other - 1] != index and down * down + right * right <= reach * reach:
                            met[other - 1] = index
                            number[index] += 1
            reached += near
        touching[index] = 100 * reached / outline
