"""What depends on the mask alone: size, shape, Zernike moments, neighbours. Computed once a field."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from morphodose.measurement import compiled  # noqa: F401  (decides where kernels are kept)
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
        A cell is a neighbour if it has a pixel this close (px). PercentTouching is the share of a cell's
        outline that such neighbours reach.

    Notes
    -----
    Counts and percentages are those of cp_measure 0.3.0 (tested), which cannot be used itself: it fails
    on fewer than two objects, names each object as its own closest one, and imports SciPy's signal and
    statistics, a second of start-up. Distances are between centroids; NaN where there is no neighbour.
    Border cells are not in the mask, so cells beside them have fewer neighbours than in the dish.
    """
    features: Features = {}
    for reach, scale in ((1, "Adjacent"), (distance, str(distance))):
        number, touching = _within(part, reach)
        features[f"Neighbors_NumberOfNeighbors_{scale}"] = number
        features[f"Neighbors_PercentTouching_{scale}"] = touching
        if scale == "Adjacent":  # the closest cells are the same at any scale
            closest = _closest(part, labels)
            features |= {f"Neighbors_{name}_{scale}": values for name, values in closest.items()}
    return features


def _within(part: Compartment, reach: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Number of objects with a pixel within `reach` px, and per cent of the outline near such."""
    import scipy.ndimage as ndi
    from centrosome.outline import outline

    number, touching = np.zeros(part.count), np.zeros(part.count)
    if part.count < 2:
        return number, touching
    outlines = outline(part.labels)
    for index, box in enumerate(ndi.find_objects(part.labels)):
        rows, columns = (slice(max(side.start - reach, 0), side.stop + reach) for side in box)
        patch = part.labels[rows, columns]
        strange = (patch != 0) & (patch != index + 1)
        if strange.any():
            # dilation by a disk, as distances: the cost does not grow with the reach
            near = ndi.distance_transform_edt(patch != index + 1) <= reach
            number[index] = len(np.unique(patch[near & strange]))
            edge = outlines[rows, columns] == index + 1
            met = edge & (ndi.distance_transform_edt(~strange) <= reach + 0.5)
            touching[index] = 100 * np.count_nonzero(met) / np.count_nonzero(edge)
    return number, touching


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
        far, who = (np.asarray(each) for each in cKDTree(centres).query(centres, k=reach))
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
