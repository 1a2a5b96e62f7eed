"""The diameter of the objects, where it is not given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from morphodose.segmentation.from_nuclei import equivalent_diameters

Labels = npt.NDArray[np.integer]

#: Passes at most, and the relative change at which the diameter counts as found.
PASSES, SETTLED = 3, 0.1
#: How far from its starting value an estimate may go, as a factor: beyond, it is debris or the field.
RANGE = 5.0


def estimate_diameter(segment: Callable[[float], Sequence[Labels]], start: float) -> float:
    """Estimate the median diameter of the objects of some images.

    Parameters
    ----------
    segment : callable
        Segments the images at an assumed diameter (px) and returns their label masks.
    start : float
        The first assumption: what the network calls an object of normal size, in px.

    Returns
    -------
    float
        Diameter in px; `start` where no object is found.

    Notes
    -----
    Cellpose's own SizeModel estimates from the style vector, then segments and takes the median
    diameter of the masks. This is that second step, repeated until it settles: it works for every
    model, and the SizeModel's file is a pickle, which this project does not load.
    """
    current = start
    for _ in range(PASSES):
        found = np.concatenate([equivalent_diameters(mask) for mask in segment(current)])
        if not len(found):
            return current
        estimate = float(np.clip(np.median(found), start / RANGE, start * RANGE))
        change, current = abs(estimate / current - 1), estimate
        if change < SETTLED:
            break
    return current
