"""Counts whose two bytes were written in the wrong order: 0x0102 for 0x0201."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Rows that are looked at, and pixels below which an image says nothing.
EVERY, LEAST_PIXELS = 4, 1024
#: Bytes are in the wrong order if their exchange makes an image so many times smoother: real images become
#: rougher, 1.6 times and more.
SMOOTHER = 1.5


def is_swapped(pixels: npt.NDArray[np.generic]) -> bool:
    """Whether the bytes of each count of a (Y, X) image of 16 bits are in the wrong order.

    Notes
    -----
    The higher byte of a count changes little from pixel to pixel, the lower one at random. An image whose
    bytes are exchanged is noise, and smooth again once that is undone. Nothing tells counts below 256
    from multiples of it.
    """
    if pixels.dtype.kind not in "ui" or pixels.dtype.itemsize != 2 or pixels.size < LEAST_PIXELS:
        return False
    rows = np.ascontiguousarray(pixels[::EVERY]).view(np.uint16)
    return SMOOTHER * _roughness(rows.byteswap()) < _roughness(rows)


def _roughness(counts: npt.NDArray[np.uint16]) -> float:
    """Mean step between neighbours in a row over the standard deviation; infinite for a constant image."""
    values = counts.astype(np.float32)
    spread = float(values.std())
    return float(np.abs(np.diff(values, axis=1)).mean()) / spread if spread > 0 else float("inf")
