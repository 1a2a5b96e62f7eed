"""How much of an image is saturated, whatever the greatest count that its camera or its file can hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

#: Full scales of cameras whose counts are stored in more bits than they have: 10, 12 and 14 bits.
CAMERA_CEILINGS = (1023, 4095, 16383)
#: Pixels at the greatest count from which they may be a pile.
LEAST_PIXELS = 10
#: The greatest count of an unsaturated image is the end of a tail: hardly more pixels have it than have the
#: counts before it. Where light is cut off, all that lies above is piled up on it.
PILE = 3.0
#: Occupied counts below the greatest that it is compared with.
COUNTS_BELOW = 8


def top_of(dtype: np.dtype[Any]) -> float:
    """The greatest count that a depth can hold; infinite for floats."""
    return float(np.iinfo(dtype).max) if dtype.kind in "ui" else math.inf


def piled_up(pixels: npt.NDArray[np.generic]) -> int:
    """Pixels at exactly the greatest count of an image, if they are saturated; else 0.

    They are where that count is all that the depth (or a usual camera) can hold, or where it is a pile: over
    `PILE` times the mean number of pixels that each of the next lower occupied counts has. A camera saturates
    at a count of its own (65,520 of 12 bits shifted up, 2,047, 65,435 with an offset subtracted), so a list
    of counts would not do.
    """
    if pixels.size == 0:
        return 0
    highest = pixels.max()
    at_top = int(np.count_nonzero(pixels == highest))
    if float(highest) >= top_of(pixels.dtype) or float(highest) in CAMERA_CEILINGS:
        return at_top
    if at_top < LEAST_PIXELS:
        return 0
    below = pixels[pixels < highest]
    if below.size == 0:
        return 0
    # the tail alone is sorted: a few per cent of the pixels, unless it holds too few counts
    for share in (0.02, 1.0):
        count = max(int(share * below.size), 1)
        tail = np.partition(below, below.size - count)[below.size - count :] if share < 1 else below
        counts = np.unique(tail, return_counts=True)[1]
        # the lowest count of a part may be cut
        counts = counts[1:] if share < 1 else counts
        if len(counts) >= COUNTS_BELOW:
            break
    return at_top if at_top > PILE * max(float(counts[-COUNTS_BELOW:].mean()), 1.0) else 0


def ceiling(pixels: npt.NDArray[np.generic]) -> float:
    """The count at which the camera saturates, as far as the image tells: for shares of its range.

    Where pixels are piled up, the count they have; else the full scale of the depth, or of a camera of 10, 12
    or 14 bits where the greatest count is exactly that.
    """
    highest = float(pixels.max(initial=0))
    if piled_up(pixels):
        return highest
    return top_of(pixels.dtype)
