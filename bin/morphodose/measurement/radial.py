"""Radial distribution: where in the cell, between its centre and its edge, a stain lies.

MeasureObjectIntensityDistribution of CellProfiler as in cp_measure 0.3.0 (`get_radial_distribution`),
split so that the geometry (centre, distances, rings, wedges) is worked out once a mask and not once a
channel, and object by object instead of on whole images. Values are the same (tested).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from morphodose.measurement.compartments import Compartment
from morphodose.measurement.shape import Features

RINGS = 4
WEDGES = 8


@dataclass(frozen=True)
class Geometry:
    """Object, ring and wedge of each pixel of a compartment.

    Attributes
    ----------
    pixels : (2, P) array of int
        Row and column of the pixels that belong to an object and are connected with its centre.
    segment, ring, wedge : (P,) array of int
        Object (from 0), ring (0 innermost) and eighth of the circle of each of them.
    count : int
        How many objects there are.
    """

    pixels: npt.NDArray[np.intp]
    segment: npt.NDArray[np.intp]
    ring: npt.NDArray[np.intp]
    wedge: npt.NDArray[np.intp]
    count: int


def geometry(part: Compartment, rings: int = RINGS) -> Geometry:
    """Rings and wedges of all objects of a compartment.

    The centre is the pixel farthest from the edge (the first of equals, row by row); the distance from it
    is measured within the object, so pieces that are not connected with it belong to no ring.
    """
    import scipy.ndimage as ndi
    from centrosome.propagate import propagate

    found: list[tuple[npt.NDArray[np.intp], ...]] = []
    height, width = part.labels.shape
    for index, box in enumerate(ndi.find_objects(part.labels)):
        if box is None:
            continue
        # one pixel of margin, so that distances see the edge; none beyond the image, whose border is none
        top, left = max(box[0].start - 1, 0), max(box[1].start - 1, 0)
        area = (slice(top, min(box[0].stop + 1, height)), slice(left, min(box[1].stop + 1, width)))
        inside = part.labels[area] == index + 1
        to_edge = ndi.distance_transform_edt(inside)
        row, column = np.unravel_index(int(np.argmax(np.where(inside, to_edge, -1))), inside.shape)
        seed = np.zeros(inside.shape, dtype=np.int32)
        seed[row, column] = 1
        reached, from_centre = propagate(np.zeros(inside.shape), seed, inside, 1)
        rows, columns = np.nonzero((reached > 0) & inside)
        near, far = from_centre[rows, columns], to_edge[rows, columns]
        ring = np.minimum((near / (near + far + 0.001) * rings).astype(np.intp), rings)
        down, right = rows - row, columns - column
        wedge = (down > 0) + 2 * (right > 0) + 4 * (np.abs(down) > np.abs(right))
        segment = np.full(len(rows), index, dtype=np.intp)
        found.append((rows + top, columns + left, segment, ring, wedge.astype(np.intp)))
    if not found:
        none = np.zeros(0, dtype=np.intp)
        return Geometry(np.zeros((2, 0), dtype=np.intp), none, none, none, part.count)
    rows, columns, segment, ring, wedge = (np.concatenate(each) for each in zip(*found, strict=True))
    return Geometry(np.stack([rows, columns]), segment, ring, wedge, part.count)


def radial_distribution(
    shape: Geometry, pixels: npt.NDArray[np.float64], channel: str, rings: int = RINGS
) -> Features:
    """``RadialDistribution_<FracAtD|MeanFrac|RadialCV>_<Channel>_<ring>of<rings>``.

    FracAtD: share of the stain in the ring; MeanFrac: that share over the ring's share of the area;
    RadialCV: coefficient of variation of the mean intensity over the ring's eight wedges.
    """
    values = pixels[tuple(shape.pixels)]
    bins = shape.segment * (rings + 1) + shape.ring
    size = shape.count * (rings + 1)
    stain = np.bincount(bins, values, size).reshape(shape.count, rings + 1)
    area = np.bincount(bins, minlength=size).reshape(shape.count, rings + 1)
    slot = bins * WEDGES + shape.wedge
    wedge_stain = np.bincount(slot, values, size * WEDGES).reshape(shape.count, rings + 1, WEDGES)
    wedge_area = np.bincount(slot, minlength=size * WEDGES).reshape(shape.count, rings + 1, WEDGES)

    features: Features = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        fraction = stain / stain.sum(axis=1, keepdims=True)
        share = area / area.sum(axis=1, keepdims=True)
        mean_fraction = fraction / (share + np.finfo(float).eps)
        there = wedge_area > 0
        means = np.where(there, wedge_stain / wedge_area, 0.0)
        wedges = there.sum(axis=2)
        average = means.sum(axis=2) / wedges
        spread = np.sqrt((np.where(there, means - average[:, :, None], 0.0) ** 2).sum(axis=2) / wedges)
        variation = np.where(wedges > 0, spread / average, 0.0)
    for ring in range(rings):
        scale = f"{channel}_{ring + 1}of{rings}"
        features[f"RadialDistribution_FracAtD_{scale}"] = fraction[:, ring]
        features[f"RadialDistribution_MeanFrac_{scale}"] = mean_fraction[:, ring]
        features[f"RadialDistribution_RadialCV_{scale}"] = variation[:, ring]
    return features
