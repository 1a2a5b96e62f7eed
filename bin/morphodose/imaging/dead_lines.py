"""A few rows or columns, or parts of them, that hold one value: dead lines of a camera, lost packets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: A part of a line is so many pixels of one value, beside lines of other values …
PART = 16
#: … and all parts of a line are as many as these, or as this share of it.
LEAST_PIXELS, LEAST_SHARE = 64, 0.1
#: A part stands out by so many standard deviations of the noise of the lines beside it, at least a count: dim
#: lines of images of 8 bits do no harm.
CONTRAST, LEAST_NOISE = 4.0, 1.0
#: Lines side by side, at most: more are a block.
MOST_TOGETHER = 7
#: Lines of an image, at most, as a share: more are a pattern, as enlarged images have it.
MOST_LINES = 0.03


@dataclass(frozen=True)
class DeadLines:
    """Lines that hold one value: share of the image, their number, the value, ``row`` or ``column``."""

    share: float
    number: int
    value: float
    name: str


def dead_lines(pixels: npt.NDArray[np.generic]) -> DeadLines | None:
    """Rows or columns of a (Y, X) image that hold one value, wholly or over a part; None without.

    Notes
    -----
    Noise makes no sixteen neighbours equal. What is flat by nature (a background that was subtracted,
    saturation) is flat in two dimensions; these parts differ from both lines beside them all along.
    """
    both = [_dead_rows(lines, name) for lines, name in ((pixels, "row"), (pixels.T, "column"))]
    return max((one for one in both if one), key=lambda one: one.share, default=None)


def _dead_rows(pixels: npt.NDArray[np.generic], name: str) -> DeadLines | None:
    height, width = pixels.shape
    if height < 3 or width < LEAST_PIXELS:
        return None
    flat = runs(pixels[:, 1:] == pixels[:, :-1], PART - 1)
    rows = np.flatnonzero(flat.any(axis=1))
    rows = rows[(rows > 0) & (rows < height - 1)]
    if not len(rows):
        return None
    least = max(LEAST_PIXELS, LEAST_SHARE * width)
    starts = flat[rows, :-1] & flat[rows, 1:]
    starts &= (pixels[rows] != pixels[rows - 1])[:, 1:]
    dead: dict[int, npt.NDArray[np.bool_]] = {}
    for first in rows[starts.sum(axis=1) >= least - PART]:
        line, same = pixels[first], np.ones(width, dtype=bool)
        for last in range(first, min(first + MOST_TOGETHER, height - 1)):
            same &= pixels[last] == line
            alone = same & (pixels[first - 1] != line) & (pixels[last + 1] != line)
            part = runs((line[1:] == line[:-1]) & alone[1:] & alone[:-1], PART - 1)
            if part.sum() >= least and _stands_out(line, pixels[[first - 1, last + 1]], part):
                dead |= dict.fromkeys(range(first, last + 1), part)
                break
    if not dead or len(dead) > max(MOST_LINES * height, MOST_TOGETHER):
        return None
    held = np.concatenate([pixels[row][part] for row, part in dead.items()])
    values, numbers = np.unique(held, return_counts=True)
    return DeadLines(len(held) / pixels.size, len(dead), float(values[np.argmax(numbers)]), name)


def _stands_out(
    line: npt.NDArray[np.generic], beside: npt.NDArray[np.generic], part: npt.NDArray[np.bool_]
) -> bool:
    """Whether part of a line differs from both lines beside it by more than their noise."""
    others = beside[:, part].astype(np.float64)
    noise = float(np.median(np.abs(np.diff(others, axis=1)))) / 0.6745 / np.sqrt(2)
    away = float(np.abs(np.median(others - line[part].astype(np.float64), axis=1)).min())
    return away >= CONTRAST * max(noise, LEAST_NOISE)


def runs(equal: npt.NDArray[np.bool_], least: int) -> npt.NDArray[np.bool_]:
    """Pixels (…, X) that lie in a run of `least` steps, or more, between equal neighbours (…, X - 1)."""
    starts, reach = equal, 1
    while reach < least and starts.any():
        step = min(reach, least - reach)
        starts = starts[..., :-step] & starts[..., step:]
        reach += step
    found = np.zeros((*equal.shape[:-1], equal.shape[-1] + 1), dtype=bool)
    number = starts.shape[-1]
    if not starts.any():
        return found
    # the pixels that each start reaches, by doubling as well
    found[..., :number] = starts
    reach = 1
    while reach < least + 1:
        step = min(reach, least + 1 - reach)
        found[..., step:] |= found[..., :-step].copy()
        reach += step
    return found
