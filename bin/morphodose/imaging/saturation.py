"""How much of an image is saturated, whatever the greatest count that its camera or its file can hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from morphodose.imaging.spread_ceiling import flat_ceiling, spread_pile

#: Full scales of cameras whose counts are stored in more bits than they have: 10, 12 and 14 bits.
CAMERA_CEILINGS = (1023, 4095, 16383)
#: Pixels at the greatest count from which they may be a pile.
LEAST_PIXELS = 10
#: The greatest count of an unsaturated image is the end of a tail: hardly more pixels have it than have the
#: counts before it. Where light is cut off, all that lies above is piled up on it.
PILE = 3.0
#: Share of the pixels that may be hot: brighter than the count at which all others are cut off.
HOT = 1e-4
#: A pile is spread where so many times the pixels at its greatest count lie just below, too.
SPREAD = 1.2
#: Occupied counts below the greatest that it is compared with.
COUNTS_BELOW = 8


def top_of(dtype: np.dtype[Any]) -> float:
    """The greatest count that a depth can hold; infinite for floats."""
    return float(np.iinfo(dtype).max) if dtype.kind in "ui" else math.inf


def saturated_at(pixels: npt.NDArray[np.generic]) -> tuple[float, int] | None:
    """The count at which an image is cut off, and the number of pixels at it or above; None if it is not.

    Notes
    -----
    It is cut off at its greatest count where that is all that the depth (or a usual camera) can hold, or
    where it is a pile: over `PILE` times the mean number of pixels that each of the next lower occupied
    counts has. A camera saturates at a count of its own (65,520 of 12 bits shifted up, 2,047, 65,435 with
    an offset subtracted), so a list of counts would not do. A few hot pixels (`HOT`) may lie above it. Noise
    that was added later, or a flat field, spreads the pile (`morphodose.imaging.spread_ceiling`).
    """
    if pixels.size == 0:
        return None
    highest = pixels.max()
    at_top = int(np.count_nonzero(pixels == highest))
    few = max(int(HOT * pixels.size), 1)
    below_hot = np.partition(pixels, pixels.size - 1 - few, axis=None)[pixels.size - 1 - few]
    at = int(np.count_nonzero(pixels == below_hot))
    above = int(np.count_nonzero(pixels > below_hot))
    found: tuple[float, int] | None = None
    if at > LEAST_PIXELS * above and _is_pile(pixels, below_hot, at):
        found = float(below_hot), at + above
    elif (
        float(highest) >= top_of(pixels.dtype)
        or float(highest) in CAMERA_CEILINGS
        or _is_pile(pixels, highest, at_top)
    ):
        found = float(highest), at_top
    spread = spread_pile(pixels, float(below_hot))
    if spread is not None and spread[1] > SPREAD * (found[1] if found else 0):
        return spread
    return found or flat_ceiling(pixels, float(below_hot))


def _is_pile(pixels: npt.NDArray[Any], count: Any, number: int) -> bool:
    """Whether far more pixels have a count than have the counts just below it."""
    if number < LEAST_PIXELS:
        return False
    below = pixels[pixels < count]
    if below.size == 0:
        return False
    # the tail alone is sorted: a few per cent of the pixels, unless it holds too few counts
    for share in (0.02, 1.0):
        part = max(int(share * below.size), 1)
        tail = np.partition(below, below.size - part)[below.size - part :] if share < 1 else below
        numbers = np.unique(tail, return_counts=True)[1]
        # the lowest count of a part may be cut
        numbers = numbers[1:] if share < 1 else numbers
        if len(numbers) >= COUNTS_BELOW:
            break
    return number > PILE * max(float(numbers[-COUNTS_BELOW:].mean()), 1.0)


def piled_up(pixels: npt.NDArray[np.generic]) -> int:
    """Pixels of an image that are saturated.

    Parameters
    ----------
    pixels : (Y, X) array
        Counts.
    """
    found = saturated_at(pixels)
    return found[1] if found else 0


def ceiling(pixels: npt.NDArray[np.generic]) -> float:
    """The count at which the camera saturates, as far as the image tells: for shares of its range.

    Where the image is cut off, the count at which it is; else the full scale of the depth.

    Parameters
    ----------
    pixels : (Y, X) array
        Counts.
    """
    found = saturated_at(pixels)
    return found[0] if found else top_of(pixels.dtype)
