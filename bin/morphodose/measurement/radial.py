"""Radial distribution: where in the cell, between its centre and its edge, a stain lies.

MeasureObjectIntensityDistribution of CellProfiler as in cp_measure 0.3.0 (`get_radial_distribution`),
split so that the geometry (centre, distances, rings, wedges) is worked out once a mask and not once a
channel, and object by object instead of on whole images. Values are the same (tested).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)
from morphodose.measurement.objects import Objects
from morphodose.measurement.ordered import Values

RINGS = 4
WEDGES = 8
#: Slots of an object: its rings, and what lies beyond them by rounding.
SLOTS = (RINGS + 1) * WEDGES
#: Slot of a pixel that is not connected with the centre.
NOWHERE = 255

Slots = npt.NDArray[np.uint8]


def radial_names(channels: tuple[str, ...]) -> list[str]:
    """``RadialDistribution_<FracAtD|MeanFrac|RadialCV>_<Channel>_<ring>of<rings>``, channel by channel.

    FracAtD: share of the stain in the ring; MeanFrac: that share over the ring's share of the area;
    RadialCV: coefficient of variation of the mean intensity over the ring's eight wedges.
    """
    return [
        f"RadialDistribution_{name}_{channel}_{ring}of{RINGS}"
        for channel in channels
        for ring in range(1, RINGS + 1)
        for name in ("FracAtD", "MeanFrac", "RadialCV")
    ]


def rings_and_wedges(objects: Objects, to_edge: npt.NDArray[np.int64]) -> Slots:
    """Ring and wedge of each pixel: ring (0 innermost) × `WEDGES` + eighth of the circle; or `NOWHERE`.

    The centre is the pixel farthest from the edge (the first of equals, row by row); the distance from it
    is measured within the object, in steps to the eight neighbours, so pieces that are not connected with
    it belong to no ring.

    Parameters
    ----------
    objects : Objects
        N objects of P pixels together.
    to_edge : (P,) array of int64
        Squared distances to the edge, the border of the image not among them
        (`morphodose.measurement.distances.squared_distances`).
    """
    slots = np.empty(len(objects.y), np.uint8)
    _slots(objects.starts, objects.y, objects.x, objects.box, to_edge, slots)
    return slots


def radial_sums(
    objects: Objects, slots: Slots, first: int, last: int, values: Values
) -> npt.NDArray[np.float64]:
    """Sum of the values in each slot of the objects `first` to `last`: (C, last - first, `SLOTS`)."""
    starts = objects.starts[first : last + 1]
    sums = np.zeros((len(values), last - first, SLOTS))
    _sum(values, slots[starts[0] : starts[-1]], starts - starts[0], sums)
    return sums


def radial_distribution(
    objects: Objects, slots: Slots, sums: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Radial distribution of all objects, from their `radial_sums`: (C * 12, N), as in `radial_names`.

    Parameters
    ----------
    sums : (C, N, S) array
        Sums by channel, object and slot.
    """
    channels, count = sums.shape[:2]
    sizes = np.zeros((1, count, SLOTS))
    _sum(np.ones((1, len(slots))), slots, objects.starts, sizes)
    wedge_area = sizes.reshape(count, RINGS + 1, WEDGES)
    wedge_stain = sums.reshape(channels, count, RINGS + 1, WEDGES)
    stain, area = wedge_stain.sum(axis=3), wedge_area.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        fraction = stain / stain.sum(axis=2, keepdims=True)
        share = area / area.sum(axis=1, keepdims=True)
        mean_fraction = fraction / (share + np.finfo(float).eps)
        there = wedge_area > 0
        means = np.where(there, wedge_stain / wedge_area, 0.0)
        wedges = there.sum(axis=2)
        average = means.sum(axis=3) / wedges
        squares = np.where(there, means - average[..., None], 0.0) ** 2
        # a ring without pixels or without light varies by 0, as in CellProfiler
        varied = (wedges > 0) & (average != 0)
        variation = np.where(varied, np.sqrt(squares.sum(axis=3) / wedges) / average, 0.0)
    features = np.stack([fraction, mean_fraction, variation], axis=-1)[:, :, :RINGS]
    return features.transpose(0, 2, 3, 1).reshape(channels * RINGS * 3, count)


@njit(cache=True, nogil=True)
def _sum(values, slots, starts, sums):  # type: ignore[no-untyped-def]
    """Sums of the values by object and slot."""
    for channel in range(values.shape[0]):
        for index in range(len(starts) - 1):
            into = sums[channel, index]
            for p in range(starts[index], starts[index + 1]):
                if slots[p] != NOWHERE:
                    into[slots[p]] += values[channel, p]


@njit(cache=True, nogil=True)
def _slots(starts, y, x, box, to_edge, slots):  # type: ignore[no-untyped-def]
    """Centre, distances from it (raster scans until nothing changes), rings and wedges of each object."""
    slant = np.sqrt(2.0)
    for index in range(len(starts) - 1):
        first, last = starts[index], starts[index + 1]
        centre = first
        for p in range(first, last):
            if to_edge[p] > to_edge[centre]:
                centre = p
        top, left = box[index, 0] - 1, box[index, 1] - 1
        columns = box[index, 3] - left + 1
        # a pixel of margin around the box, so that no neighbour has to be asked whether it is there
        near = np.full((box[index, 2] - top + 1) * columns, np.inf)
        place = np.empty(last - first, np.int64)
        for p in range(first, last):
            place[p - first] = (y[p] - top) * columns + x[p] - left
        near[place[centre - first]] = 0.0
        forth = True
        changed = True
        while changed:
            changed = False
            sign = -1 if forth else 1
            for step in range(last - first):
                here = place[step] if forth else place[last - first - 1 - step]
                before = near[here]
                least = min(
                    min(near[here + sign], near[here + sign * columns]) + 1.0,
                    min(near[here + sign * (columns - 1)], near[here + sign * (columns + 1)]) + slant,
                )
                if least < before:
                    near[here] = least
                    changed = True
            if forth:
                # the way back is always gone: a centre at the end of the object changes nothing on the way
                changed = True
            forth = not forth
        for p in range(first, last):
            from_centre = near[place[p - first]]
            if from_centre == np.inf:
                slots[p] = NOWHERE
                continue
            far = np.sqrt(float(to_edge[p])) if to_edge[p] >= 0 else np.inf
            ring = min(int(from_centre / (from_centre + far + 0.001) * RINGS), RINGS)
            down = y[p] - y[centre]
            right = x[p] - x[centre]
            wedge = (down > 0) + 2 * (right > 0) + 4 * (abs(down) > abs(right))
            slots[p] = ring * WEDGES + wedge
