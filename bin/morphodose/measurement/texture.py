"""Texture: Haralick features of the grey levels of each object, in four directions (MeasureTexture)."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)
from morphodose.measurement.objects import Objects

GREY_LEVELS = 256
#: Haralick's features, in the order of the kernel.
NAMES = (
    "AngularSecondMoment",
    "Contrast",
    "Correlation",
    "Variance",
    "InverseDifferenceMoment",
    "SumAverage",
    "SumVariance",
    "SumEntropy",
    "Entropy",
    "DifferenceVariance",
    "DifferenceEntropy",
    "InfoMeas1",
    "InfoMeas2",
)
DIRECTIONS = 4


def texture_names(channels: tuple[str, ...], scales: tuple[int, ...]) -> list[str]:
    """``Texture_<Name>_<Channel>_<scale>_<direction>_256``, channel by channel."""
    return [
        f"Texture_{name}_{channel}_{scale}_{direction:02}_{GREY_LEVELS}"
        for channel in channels
        for scale in scales
        for direction in range(DIRECTIONS)
        for name in NAMES
    ]


def grey_levels(pixels: npt.NDArray[np.generic], scaling: str = "log") -> npt.NDArray[np.uint8]:
    """Counts → grey levels, by a rule that depends on the depth of the image alone.

    Parameters
    ----------
    pixels : (…, Y, X) array of uint8, uint16 or another type
        Counts; of any other type they are taken as 16-bit counts.
    scaling : {"log", "linear"}
        ``linear`` is CellProfiler's: full scale of the depth → 255, rounded; what rounds to 0 takes no part
        in the texture. 16-bit microscopes rarely fill their depth: a stain of 200 to 1,500 counts has then 5
        grey levels and no texture. ``log`` keeps relative differences, 23 levels per doubling in 16 bits, at
        any brightness; its levels are 1 to 255, so every pixel takes part.

    Raises
    ------
    ValueError
        If `scaling` is neither ``log`` nor ``linear``.

    Notes
    -----
    One rule for all images of a screen: stretching each image or cell to its own range would make the same
    texture differ between doses.
    """
    if scaling not in ("log", "linear"):
        raise ValueError(f"texture scaling {scaling!r} is neither log nor linear")
    if pixels.dtype in (np.uint8, np.uint16):
        return _table(pixels.dtype.itemsize, scaling)[pixels.astype(np.uint16, copy=False)]
    return _levels(np.asarray(pixels, dtype=np.float32), 65535.0, scaling)


@cache
def _table(size: int, scaling: str) -> npt.NDArray[np.uint8]:
    """Grey level of every count of 1 or 2 bytes."""
    top = 2 ** (8 * size) - 1
    return _levels(np.arange(top + 1, dtype=np.float32), float(top), scaling)


def _levels(counts: npt.NDArray[np.float32], top: float, scaling: str) -> npt.NDArray[np.uint8]:
    """Grey levels by the formula; what is not a number is 0, and takes no part."""
    known = ~np.isnan(counts)
    counts = np.clip(np.where(known, counts, 0), 0, top)
    if scaling == "linear":
        levels = np.rint(counts / top * (GREY_LEVELS - 1))
    else:
        levels = 1 + np.rint(np.log1p(counts) / np.log1p(top) * (GREY_LEVELS - 2))
    result: npt.NDArray[np.uint8] = np.where(known, levels, 0).astype(np.uint8)
    return result


def texture(
    objects: Objects, levels: npt.NDArray[np.uint8], scales: tuple[int, ...] = (3,)
) -> npt.NDArray[np.float64]:
    """Haralick features of the grey levels of each object, in the order of `texture_names`.

    Pairs of pixels `scale` px apart, both in the object and both above level 0, in the directions right, down
    right, down and down left. NaN for objects without such a pair in one of the directions.

    Parameters
    ----------
    objects : Objects
        N objects.
    levels : (C, Y, X) array of uint8
        Grey levels of each channel (`grey_levels`).
    scales : tuple of int
        Distances, px.

    Returns
    -------
    (C * scales * 4 * 13, N) array
    """
    shape = (len(levels), len(scales), DIRECTIONS, len(NAMES), objects.count)
    found = np.empty(shape)
    for place, scale in enumerate(scales):
        _texture(
            objects.starts, objects.y, objects.x, objects.box, levels, scale, _logarithms(), found[:, place]
        )
    return found.reshape(int(np.prod(shape[:-1])), objects.count)


@cache
def _logarithms() -> npt.NDArray[np.float64]:
    """Values of c log2(c) for the counts that cells have: a logarithm takes longer than all the rest."""
    counts = np.arange(2**12, dtype=np.float64)
    return counts * np.log2(np.maximum(counts, 1))


@njit(cache=True, nogil=True)
def _weighted(count, logarithms):  # type: ignore[no-untyped-def]
    """Value of c log2(c)."""
    return logarithms[count] if count < len(logarithms) else count * np.log2(float(count))


@njit(cache=True, nogil=True)
def _texture(starts, y, x, box, levels, scale, logarithms, found):  # type: ignore[no-untyped-def]
    """All of `NAMES` of each object in each channel and direction, on the grey levels that the object has."""
    sums, differences = np.zeros(512, np.int64), np.zeros(256, np.int64)
    for index in range(len(starts) - 1):
        first, last = starts[index], starts[index + 1]
        # a margin of `scale` around the object, so that no partner has to be asked whether it is there
        top, left = box[index, 0] - scale, box[index, 1] - scale
        wide = box[index, 3] - left + scale
        place = np.empty(last - first, np.int64)
        for p in range(first, last):
            place[p - first] = (y[p] - top) * wide + x[p] - left
        codes = np.zeros((box[index, 2] - top + scale) * wide, np.uint8)
        steps = (scale, scale * (wide + 1), scale * wide, scale * (wide - 1))
        for channel in range(levels.shape[0]):
            image = levels[channel]
            out = found[channel]
            code = np.zeros(256, np.uint8)
            for p in range(first, last):
                code[image[y[p], x[p]]] = 1
            code[0] = 0
            level = np.zeros(256, np.int64)
            kinds = 0
            for grey in range(256):
                if code[grey]:
                    kinds += 1
                    code[grey] = kinds
                    level[kinds] = grey
            for p in range(first, last):
                codes[place[p - first]] = code[image[y[p], x[p]]]
            pairs = np.empty((kinds + 1, kinds + 1), np.int32)
            paired = True
            for direction in range(4):
                pairs[:] = 0
                step = steps[direction]
                for here in place:
                    pairs[codes[here], codes[here + step]] += 1
                paired = _haralick(
                    pairs, level[: kinds + 1], logarithms, sums, differences, out[direction, :, index]
                )
                if not paired:
                    break
            if not paired:
                for direction in range(4):
                    for name in range(13):
                        out[direction, name, index] = np.nan


@njit(cache=True, nogil=True)
def _haralick(pairs, level, logarithms, sums, differences, out):  # type: ignore[no-untyped-def]
    """Features from the pairs of codes; code 0 is no level. False where there is no pair.

    The table of pairs is symmetric in the end, so most features are sums over its margins: those of the
    levels, of their sums and of their differences; `sums` and `differences` are all 0 before and after.
    Entropies are log2(T) less the mean of log2 of the counts, T being their total.
    """
    side = len(level)
    single = np.zeros(side, np.int64)
    squares = 0
    weighted = 0.0
    for a in range(1, side):
        for b in range(a, side):
            count = np.int64(pairs[a, b]) + pairs[b, a]
            if count == 0:
                continue
            single[a] += count
            if a == b:
                squares += count * count
                weighted += _weighted(count, logarithms)
                sums[2 * level[a]] += count
                differences[0] += count
            else:
                single[b] += count
                squares += 2 * count * count
                weighted += 2 * _weighted(count, logarithms)
                sums[level[a] + level[b]] += 2 * count
                differences[level[b] - level[a]] += 2 * count
    total = 0
    first = 0
    for a in range(1, side):
        total += single[a]
        first += single[a] * level[a]
    if total == 0:
        return False
    whole = _weighted(total, logarithms)
    mean = first / total
    variance = 0.0
    entropy_x = 0.0
    for a in range(1, side):
        variance += (level[a] - mean) ** 2 * single[a]
        entropy_x += _weighted(single[a], logarithms)
    variance /= total
    entropy_x = (whole - entropy_x) / total
    sum_variance = 0.0
    entropy_sum = 0.0
    for place in range(2 * level[1], 2 * level[side - 1] + 1):
        if sums[place]:
            sum_variance += (place - 2 * mean) ** 2 * sums[place]
            entropy_sum += _weighted(sums[place], logarithms)
            sums[place] = 0
    contrast = 0
    inverse = 0.0
    entropy_difference = 0.0
    spread = 0.0
    # the variance of the shares of all differences that levels up to the object's highest can have
    kinds = level[side - 1] + 1
    reach = level[side - 1] - level[1] + 1
    for place in range(reach):
        count = differences[place]
        spread += (count / total - 1.0 / kinds) ** 2
        if count:
            contrast += place * place * count
            inverse += count / (1.0 + place * place)
            entropy_difference += _weighted(count, logarithms)
            differences[place] = 0
    spread += (kinds - reach) / (float(kinds) * kinds)
    entropy = (whole - weighted) / total
    out[0] = squares / (float(total) * total)
    out[1] = contrast / total
    out[2] = (variance - 0.5 * contrast / total) / variance if variance > 0 else 1.0
    out[3] = variance
    out[4] = inverse / total
    out[5] = 2 * mean
    out[6] = sum_variance / total
    out[7] = (whole - entropy_sum) / total
    out[8] = entropy
    out[9] = spread / kinds
    out[10] = (whole - entropy_difference) / total
    information = 2 * entropy_x - entropy
    out[11] = -information / entropy_x if entropy_x > 0 else -information
    out[12] = np.sqrt(max(1.0 - np.exp(-2.0 * information), 0.0))
    return True
