"""What cp_measure finds in the objects of a mask, under the names of this project's columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import combinations
from unittest import mock

import numpy as np

Expected = dict[str, np.ndarray]


@contextmanager
def eroding_within_the_image() -> Iterator[None]:
    """Let cp_measure erode and dilate what lies in the image, and nothing beside it.

    The filters of SciPy 1.17 read memory beside an image of 2 rows or columns where the footprint is 17 px
    wide or wider, as that of granularity's background is.
    """
    import skimage.morphology as morphology

    erosion, dilation = (
        mock.patch.object(morphology, name, partial(getattr(morphology, name), mode="ignore"))
        for name in ("erosion", "dilation")
    )
    with erosion, dilation:
        yield


def of_masks(family: str, labels: np.ndarray) -> Expected:
    """Features of the mask alone; those of ``sizeshape`` hold the moments, too."""
    from cp_measure.bulk import get_core_measurements

    core = get_core_measurements()
    found = core[family](labels, None)
    if family == "sizeshape":
        found |= core["feret"](labels, None)
    return {f"AreaShape_{name}": np.asarray(values, float) for name, values in found.items()}


def of_channel(family: str, labels: np.ndarray, pixels: np.ndarray, channel: str) -> Expected:
    """Features of one channel."""
    from cp_measure.bulk import get_core_measurements

    found: Expected = {}
    theirs = {"radial": "radial_distribution", "radial_zernike": "radial_zernikes"}.get(family, family)
    for name, values in get_core_measurements()[theirs](labels, pixels).items():
        parts = name.split("_")
        if name.endswith("_Z"):
            continue
        if family in ("radial", "radial_zernike"):
            parts.insert(2, channel)
        elif family == "texture":
            parts = ["Texture", parts[0], channel, *parts[1:]]
        else:
            parts.append(channel)
        found["_".join(parts)] = np.asarray(values, float)
    return found


def of_pairs(labels: np.ndarray, channels: dict[str, np.ndarray]) -> Expected:
    """Features of each pair of channels, without those of Costes."""
    from cp_measure.bulk import get_correlation_measurements
    from cp_measure.core.measurecolocalization import get_correlation_overlap

    theirs = get_correlation_measurements()
    found: Expected = {}
    for (a, first), (b, second) in combinations(channels.items(), 2):
        pair = get_correlation_overlap(first, second, labels)
        for name in ("pearson", "manders_fold", "rwc"):
            pair |= theirs[name](first, second, labels)
        for name, values in pair.items():
            _, kind, *way = name.split("_")
            kind = "Correlation" if kind == "Pearson" else kind
            ends = (b, a) if way == ["2"] else (a, b)
            found[f"Correlation_{kind}_{'_'.join(ends)}"] = np.asarray(values, float)
    return found


def of_neighbours(labels: np.ndarray, distance: int) -> Expected:
    """How many neighbours each of two or more cells has, and per cent of it that touches them."""
    from cp_measure.multimask.measureobjectneighbors import measureobjectneighbors

    found: Expected = {}
    for method, scale in (("Adjacent", "Adjacent"), ("Within a specified distance", str(distance))):
        theirs = measureobjectneighbors(labels, labels, method, distance)
        for feature in ("NumberOfNeighbors", "PercentTouching"):
            name = f"Neighbors_{feature}_{scale}"
            found[name] = np.asarray(theirs[name], float)
    return found
