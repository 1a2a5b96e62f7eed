"""What depends on the mask alone: size and shape (MeasureObjectSizeShape). Worked out once a mask."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)
from morphodose.measurement.hull import convex_areas, feret, hulls
from morphodose.measurement.objects import Objects

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

_DIAGONAL = np.sqrt(2.0)
#: Length of the perimeter at an edge pixel, by 1 + 2 × (edge pixels beside it) + 10 × (those at its corners)
#: (Benkrid, Crookes; `skimage.measure.perimeter`).
_PERIMETER = np.zeros(50)
_PERIMETER[[5, 7, 15, 17, 25, 27]] = 1
_PERIMETER[[21, 33]] = _DIAGONAL
_PERIMETER[[13, 23]] = (1 + _DIAGONAL) / 2
_SLANT = np.pi / (4 * _DIAGONAL)
#: Length of the perimeter and Euler number by the pattern of 2 × 2 pixels: 1 lower right, 2 upper right,
#: 4 lower left, 8 upper left
#: (`skimage.measure.perimeter_crofton`, four directions; `euler_number`, 8-connected).
_CROFTON = np.array(
    [0, np.pi / 4 + _SLANT, _SLANT, 2 * _SLANT, 0, np.pi / 4 + _SLANT, 0, _SLANT]
    + [np.pi / 4, np.pi / 2, _SLANT, _SLANT, np.pi / 4, np.pi / 2, 0, 0]
)
_EULER = np.array([0, 0, 0, 0, 0, 0, -1, 0, 1, 0, 0, 0, 0, 0, -1, 0])


def size_and_shape(objects: Objects, to_edge: npt.NDArray[np.int64]) -> Features:
    """``AreaShape_*`` of MeasureObjectSizeShape in px, without moments.

    Values are those of scikit-image and cp_measure.
    The bounding box's maximum is exclusive, as in CellProfiler: ``image[y0:y1, x0:x1]``.

    Parameters
    ----------
    objects : Objects
        N objects of P pixels together.
    to_edge : (P,) array of int64
        Squared distances to the edge, of which the border of the image is a part
        (`morphodose.measurement.distances.squared_distances`).
    """
    count = objects.count
    area = np.diff(objects.starts).astype(np.float64)
    perimeters, patterns, filled = np.empty(count), np.zeros((count, 16), np.int64), np.empty(count, np.int64)
    _outlines(objects.starts, objects.y, objects.x, objects.box, _PERIMETER, perimeters, patterns, filled)
    radii = np.empty((3, count))
    _radii(objects.starts, to_edge, radii)
    _, central = moments(objects)
    inertia = inertia_of(central)
    difference, slanted = inertia[0] - inertia[2], inertia[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        eccentricity = np.where(inertia[3] == 0, 0.0, np.sqrt(1 - inertia[4] / inertia[3]))
        form_factor = 4 * np.pi * area / perimeters**2
    orientation = np.where(
        difference == 0,
        np.where(slanted < 0, np.pi / 4, -np.pi / 4),
        0.5 * np.arctan2(-2 * slanted, -difference),
    )
    top, left, bottom, right = objects.box.T
    box_area = ((bottom - top) * (right - left)).astype(np.float64)
    convex = convex_areas(objects)
    narrowest, longest = feret(*hulls(objects))
    found = {
        "Area": area,
        "BoundingBoxArea": box_area,
        "ConvexArea": convex,
        "EquivalentDiameter": np.sqrt(4 * area / np.pi),
        "Perimeter": perimeters,
        "MajorAxisLength": 4 * np.sqrt(inertia[3]),
        "MinorAxisLength": 4 * np.sqrt(inertia[4]),
        "Eccentricity": eccentricity,
        "Orientation": np.degrees(orientation),
        "Center_X": centres(objects)[1],
        "Center_Y": centres(objects)[0],
        "BoundingBoxMinimum_X": left,
        "BoundingBoxMaximum_X": right,
        "BoundingBoxMinimum_Y": top,
        "BoundingBoxMaximum_Y": bottom,
        "FormFactor": form_factor,
        "Extent": area / box_area,
        "Solidity": area / convex,
        "Compactness": perimeters**2 / np.maximum(4 * np.pi * area, 1),
        "EulerNumber": patterns @ _EULER,
        "MaximumRadius": radii[0],
        "MeanRadius": radii[1],
        "MedianRadius": radii[2],
        "FilledArea": filled,
        "PerimeterCrofton": patterns @ _CROFTON,
        "MinFeretDiameter": narrowest,
        "MaxFeretDiameter": longest,
    }
    return {f"AreaShape_{name}": np.asarray(values, dtype=np.float64) for name, values in found.items()}


def centres(objects: Objects) -> npt.NDArray[np.float64]:
    """Row and column of the centroid of each object, px: (2, N)."""
    size = np.diff(objects.starts)
    sums = [np.add.reduceat(axis, objects.starts[:-1], dtype=np.float64) for axis in (objects.y, objects.x)]
    return np.stack(sums) / size


def moments(objects: Objects) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Moments of each object in its box, and about its centroid: sums of y^p x^q, (N, 4, 4) each."""
    raw, central = np.zeros((objects.count, 4, 4)), np.zeros((objects.count, 4, 4))
    middle = centres(objects) - objects.box[:, :2].T
    _moments(objects.starts, objects.y, objects.x, objects.box, np.zeros_like(middle), raw)
    _moments(objects.starts, objects.y, objects.x, objects.box, middle, central)
    return raw, central


def inertia_of(central: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Inertia tensor from central moments: its three entries and two eigenvalues, (5, N)."""
    a, b, c = (central[:, p, q] / central[:, 0, 0] for p, q in ((2, 0), (1, 1), (0, 2)))
    mean, half = (a + c) / 2, np.sqrt(((c - a) / 2) ** 2 + b**2)
    return np.stack([c, -b, a, np.maximum(mean + half, 0), np.maximum(mean - half, 0)])


def moment_features(objects: Objects) -> Features:
    """``AreaShape_*``, the advanced features of MeasureObjectSizeShape, in powers of px.

    SpatialMoment (in the object's box), CentralMoment, NormalizedMoment and HuMoment of orders up to 3, and
    the InertiaTensor with its eigenvalues.
    """
    raw, central = moments(objects)
    size = central[:, 0, 0]
    found: Features = {}
    for name, values in (("SpatialMoment", raw), ("CentralMoment", central)):
        found |= {f"{name}_{p}_{q}": values[:, p, q] for p in range(3) for q in range(4)}
    normal = np.full_like(central, np.nan)
    for p in range(4):
        for q in range(4):
            if p + q >= 2:
                normal[:, p, q] = central[:, p, q] / size ** ((p + q) / 2 + 1)
            found[f"NormalizedMoment_{p}_{q}"] = normal[:, p, q]
    found |= {f"HuMoment_{place}": values for place, values in enumerate(_hu(normal))}
    entries = inertia_of(central)
    for place, name in enumerate(("0_0", "0_1", "1_1")):
        found[f"InertiaTensor_{name}"] = entries[place]
    found["InertiaTensor_1_0"] = entries[1]
    found |= {f"InertiaTensorEigenvalues_{place}": entries[3 + place] for place in range(2)}
    return {f"AreaShape_{name}": values for name, values in found.items()}


def _hu(n: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float64]]:
    """The seven invariants of Hu (1962) from normalized moments."""
    a, b = n[:, 3, 0] + n[:, 1, 2], n[:, 2, 1] + n[:, 0, 3]
    c, d = n[:, 3, 0] - 3 * n[:, 1, 2], 3 * n[:, 2, 1] - n[:, 0, 3]
    e = n[:, 2, 0] - n[:, 0, 2]
    return [
        n[:, 2, 0] + n[:, 0, 2],
        e**2 + 4 * n[:, 1, 1] ** 2,
        c**2 + d**2,
        a**2 + b**2,
        c * a * (a**2 - 3 * b**2) + d * b * (3 * a**2 - b**2),
        e * (a**2 - b**2) + 4 * n[:, 1, 1] * a * b,
        d * a * (a**2 - 3 * b**2) - c * b * (3 * a**2 - b**2),
    ]


@njit(cache=True, nogil=True)
def _moments(starts, y, x, box, origin, sums):  # type: ignore[no-untyped-def]
    """Sums of y^p x^q about an origin in the box of each object, row by row."""
    for index in range(len(starts) - 1):
        into = sums[index]
        p = starts[index]
        while p < starts[index + 1]:
            row = y[p]
            power = np.zeros(4)
            while p < starts[index + 1] and y[p] == row:
                right = x[p] - box[index, 1] - origin[1, index]
                power[0] += 1.0
                power[1] += right
                power[2] += right * right
                power[3] += right * right * right
                p += 1
            down = row - box[index, 0] - origin[0, index]
            for q in range(4):
                into[0, q] += power[q]
                into[1, q] += power[q] * down
                into[2, q] += power[q] * down * down
                into[3, q] += power[q] * down * down * down


@njit(cache=True, nogil=True)
def _radii(starts, to_edge, radii):  # type: ignore[no-untyped-def]
    """Greatest, mean and median distance to the edge, by counting the squared distances."""
    for index in range(len(starts) - 1):
        first, last = starts[index], starts[index + 1]
        top = 0
        for p in range(first, last):
            top = max(top, to_edge[p])
        times = np.zeros(top + 1, np.int64)
        for p in range(first, last):
            times[to_edge[p]] += 1
        total = 0.0
        below, above = (last - first - 1) // 2, (last - first) // 2
        seen = 0
        median = 0.0
        for square in range(top + 1):
            if times[square]:
                distance = np.sqrt(float(square))
                total += times[square] * distance
                if seen <= below < seen + times[square]:
                    median += 0.5 * distance
                if seen <= above < seen + times[square]:
                    median += 0.5 * distance
                seen += times[square]
        radii[0, index] = np.sqrt(float(top))
        radii[1, index] = total / (last - first)
        radii[2, index] = median


@njit(cache=True, nogil=True)
def _outlines(starts, y, x, box, weights, perimeters, patterns, filled):  # type: ignore[no-untyped-def]
    """Perimeter, patterns of 2 × 2 pixels, and area with holes filled, in the box with a pixel of margin."""
    for index in range(len(starts) - 1):
        first, last = starts[index], starts[index + 1]
        top, left = box[index, 0] - 1, box[index, 1] - 1
        wide = box[index, 3] - left + 1
        size = (box[index, 2] - top + 1) * wide
        inside = np.zeros(size, np.uint8)
        edge = np.zeros(size, np.uint8)
        place = np.empty(last - first, np.int64)
        for p in range(first, last):
            place[p - first] = (y[p] - top) * wide + x[p] - left
            inside[place[p - first]] = 1
        for here in place:
            within = inside[here - 1] & inside[here + 1] & inside[here - wide] & inside[here + wide]
            edge[here] = 1 - within
        total = 0.0
        for here in place:
            if edge[here]:
                beside = edge[here - 1] + edge[here + 1] + edge[here - wide] + edge[here + wide]
                corners = (
                    edge[here - wide - 1]
                    + edge[here - wide + 1]
                    + edge[here + wide - 1]
                    + edge[here + wide + 1]
                )
                total += weights[1 + 2 * beside + 10 * corners]
        perimeters[index] = total
        for here in range(wide + 1, size):
            # the last pixel of a row and the first of the next are margin, as is what lies left of a box
            pattern = (
                inside[here] + 2 * inside[here - wide] + 4 * inside[here - 1] + 8 * inside[here - wide - 1]
            )
            patterns[index, pattern] += 1
        # what the margin reaches over eight neighbours is not a hole
        waiting = np.empty(size, np.int64)
        waiting[0] = 0
        inside[0] = 2
        held = 1
        outside = 0
        while held:
            held -= 1
            here = waiting[held]
            outside += 1
            row, column = divmod(here, wide)
            for down in range(-1, 2):
                for right in range(-1, 2):
                    if row + down >= 0 and 0 <= column + right < wide:
                        there = here + down * wide + right
                        if there < size and inside[there] == 0:
                            inside[there] = 2
                            waiting[held] = there
                            held += 1
        filled[index] = size - outside
