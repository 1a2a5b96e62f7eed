"""Flips, right-angle turns and small shifts of crops, for training only.

What is drawn for a crop depends on nothing but (seed, epoch, index), so that a run that was interrupted
goes on with the same pictures, however many workers read them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from morphodose.crops.shard import Crop, Pixels

Draws = npt.NDArray[np.int64]


def draw(seed: int, epoch: int, index: npt.NDArray[np.int64], shift: int) -> Draws:
    """Random changes of some crops.

    Parameters
    ----------
    seed, epoch : int
        Of the run, and of the pass over the data.
    index : (N,) array of int
        Numbers of the crops in the data.
    shift : int
        Largest shift, px, in either direction.

    Returns
    -------
    (N, 4) array of int
        Mirrored (0 or 1), quarter turns (0 to 3), shift down and to the right.
    """
    with np.errstate(over="ignore"):
        start = _mix(_mix(np.array([seed], np.uint64)) + np.uint64(epoch))
        bits = _mix(start + index.astype(np.uint64))
    span = np.uint64(2 * shift + 1)
    parts = (
        bits & np.uint64(1),
        (bits >> np.uint64(1)) & np.uint64(3),
        (bits >> np.uint64(8)) % span,
        (bits >> np.uint64(36)) % span,
    )
    return np.stack(parts, axis=1).astype(np.int64) - np.array([0, 0, shift, shift])


def _mix(value: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """One step of SplitMix64 (Steele, Lea, Flood 2014), a good hash of a counter."""
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def paste(crop: Crop, out: Pixels, changes: npt.NDArray[np.int64] | None = None) -> None:
    """Copy the box of a crop into an array of zeros, changed as `draw` says.

    Parameters
    ----------
    crop : Crop
        A row of a shard.
    out : (C, S, S) array of uint16
        Zeros; what leaves them is cut off.
    changes : (4,) array of int, optional
        Mirrored left to right, then turned counter-clockwise, then shifted.
    """
    top, left, pixels = crop.top, crop.left, crop.pixels
    size = out.shape[-1]
    if changes is not None:
        mirrored, turns, down, right = (int(value) for value in changes)
        if mirrored:
            pixels, left = pixels[:, :, ::-1], size - left - pixels.shape[2]
        for _ in range(turns):
            top, left = size - left - pixels.shape[2], top
            pixels = pixels.transpose(0, 2, 1)[:, ::-1]
        top, left = top + down, left + right
    height, width = pixels.shape[1:]
    y, x = max(top, 0), max(left, 0)
    bottom, side = min(top + height, size), min(left + width, size)
    if bottom > y and side > x:
        out[:, y:bottom, x:side] = pixels[:, y - top : bottom - top, x - left : side - left]
