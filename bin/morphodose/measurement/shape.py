"""What depends on the mask alone: size, shape, Zernike moments, neighbours. Computed once a field."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from morphodose.measurement import compiled  # noqa: F401  (first: decides where kernels are kept)
from morphodose.measurement.compartments import Compartment

Features = dict[str, npt.NDArray[np.floating]]

#: AreaShape features that grow with the square of the pixel size, and with the pixel size.
AREAS = ("Area", "BoundingBoxArea", "ConvexArea", "FilledArea")
LENGTHS = (
    "Perimeter",
    "PerimeterCrofton",
    "MajorAxisLength",
    "MinorAxisLength",
    "EquivalentDiameter",
    "MaximumRadius",
    "MeanRadius",
    "MedianRadius",
    "MinFeretDiameter",
    "MaxFeretDiameter",
)
#: Positions lead from a row to its pixels, so they stay in px: x to the right, y down, from 0.
POSITIONS = (
    "Center_X",
    "Center_Y",
    "BoundingBoxMinimum_X",
    "BoundingBoxMaximum_X",
    "BoundingBoxMinimum_Y",
    "BoundingBoxMaximum_Y",
)


def size_and_shape(part: Compartment) -> Features:
    """``AreaShape_*`` of MeasureObjectSizeShape in px, without its advanced (moment) features.

    The bounding box's maximum is exclusive, as in CellProfiler: ``image[y0:y1, x0:x1]``.
    """
    from cp_measure.core.measureobjectsizeshape import get_sizeshape
    from cp_measure.core.numba._feret import get_feret

    found = get_sizeshape(part.labels, None, calculate_advanced=False)
    found |= get_feret(part.labels, None)
    return {f"AreaShape_{name}": values for name, values in found.items()}


def zernike(part: Compartment) -> Features:
    """``AreaShape_Zernike_<n>_<m>`` up to degree 9 within the smallest enclosing circle."""
    from cp_measure.core.measureobjectsizeshape import get_zernike

    return {f"AreaShape_{name}": values for name, values in get_zernike(part.labels, None).items()}


def neighbors(part: Compartment, labels: npt.NDArray[np.int64], distance: int = 10) -> Features:
    """``Neighbors_*`` of MeasureObjectNeighbors, touching (``Adjacent``) and within `distance` px.

    Parameters
    ----------
    part : Compartment
        The cells.
    labels : (N,) array of int
        Their labels in the mask: ``ClosestObjectNumber`` names the neighbour's label, 0 for none.
    distance : int
        Each cell is expanded by this much (px); two that then touch are neighbours.

    Notes
    -----
    cp_measure 0.3.0 fails on fewer than two objects and gives each object its own number as the closest
    one; both are mended here. Distances are between centres; NaN where there is no neighbour. Border
    cells are not in the mask, so cells beside them have fewer neighbours than in the dish.
    """
    from cp_measure.multimask.measureobjectneighbors import (
        D_ADJACENT,
        D_WITHIN,
        measureobjectneighbors,
    )

    features: Features = {}
    for method, scale in ((D_ADJACENT, "Adjacent"), (D_WITHIN, str(distance))):
        if part.count > 1:
            found = measureobjectneighbors(part.labels, part.labels, method, distance)
            counted = {name: np.asarray(found[f"Neighbors_{name}_{scale}"], float) for name in _COUNTED}
        else:
            counted = {name: np.zeros(part.count) for name in _COUNTED}
        features |= {f"Neighbors_{name}_{scale}": values for name, values in counted.items()}
        if scale == "Adjacent":  # the closest cells are the same at any scale
            closest = _closest(part, labels)
            features |= {f"Neighbors_{name}_{scale}": values for name, values in closest.items()}
    return features


_COUNTED = ("NumberOfNeighbors", "PercentTouching")


def _closest(part: Compartment, labels: npt.NDArray[np.int64]) -> Features:
    """Number, distance of, and angle between the two closest cells, by their centroids."""
    from scipy.spatial import cKDTree

    count = part.count
    numbers = np.zeros((count, 2))
    distances = np.full((count, 2), np.nan)
    angle = np.full(count, np.nan)
    if count > 1:
        y, x = np.nonzero(part.labels)
        segment = part.labels[y, x] - 1
        size = np.bincount(segment, minlength=count)
        centres = np.stack([np.bincount(segment, axis, count) / size for axis in (y, x)], axis=1)
        reach = min(count, 3)
        far, who = cKDTree(centres).query(centres, k=reach)
        # a cell is its own nearest, but not its own first where two centroids coincide
        own = who == np.arange(count)[:, None]
        own[~own.any(axis=1), -1] = True
        others = who[~own].reshape(count, reach - 1)
        numbers[:, : reach - 1] = labels[others]
        distances[:, : reach - 1] = far[~own].reshape(count, reach - 1)
        if reach == 3:
            one, two = (centres[others[:, rank]] - centres for rank in (0, 1))
            with np.errstate(invalid="ignore", divide="ignore"):
                cosine = (one * two).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
            angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return {
        "FirstClosestObjectNumber": numbers[:, 0],
        "FirstClosestDistance": distances[:, 0],
        "SecondClosestObjectNumber": numbers[:, 1],
        "SecondClosestDistance": distances[:, 1],
        "AngleBetweenNeighbors": angle,
    }
