"""Saturation that is spread over several counts: by noise added after the camera, or by a flat field."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: Share of the pixels that a spread pile or a flat ceiling has at least.
LEAST_SHARE = 1e-3
#: Width of a pile: up to this share of the range above the median, or up to so many counts in a larger one.
WIDEST, FEW_COUNTS, FEW_SHARE = 0.01, 8, 0.03
#: Windows below the pile that it is compared with, and how many times their mean it has.
WINDOWS, PILE = 4, 3.0
#: Share of the pixels of a pile whose neighbours are of it: saturated pixels lie side by side.
TOGETHER = 0.5
#: Neighbours that differ by no more counts, or by no more of their value, are level …
LEVEL_COUNTS, LEVEL = 1.5, 0.002
#: … where they are brighter than this share of the range above a low percentile.
BRIGHT, DARK = 0.4, 5.0
#: What counts as level is this part of the range at most, or noise alone would be.
STEEP = 0.02
#: Level pixels lie on one smooth surface if this share of them is so near to it.
ON_SURFACE, NEAR = 0.8, 0.005
#: Points that the surface is fitted to, times that it is, and its degree.
POINTS, ROUNDS, DEGREE = 20_000, 6, 4
#: Pixels above the surface, as a share of those on it.
ABOVE = 0.1


def spread_pile(pixels: npt.NDArray[Any], top: float) -> tuple[float, int] | None:
    """Count from which pixels pile up below `top`, and their number; None where they do not.

    Parameters
    ----------
    pixels : (Y, X) array
        An image.
    top : float
        Its greatest count, hot pixels aside.

    Notes
    -----
    The brightest pixels of an unsaturated image are the end of a tail: the windows of counts below hold more
    than the last one. A pile is narrow beside the range of the image; a population of bright objects is not.
    """
    middle = float(np.median(pixels))
    span = top - middle
    widest = int(max(WIDEST * span, min(FEW_COUNTS, FEW_SHARE * span)))
    if widest < 2:
        return None
    tail = pixels[pixels > top - (WINDOWS + 1) * widest].astype(np.float64)
    best: tuple[float, float, int] | None = None
    for width in range(2, widest + 1, max(1, widest // 16)):
        edges = top - width * np.arange(WINDOWS + 2)
        above = np.array([np.count_nonzero(tail > edge) for edge in edges[1:]])
        number, below = int(above[0]), np.diff(above)
        ratio = number / max(float(below.mean()), 1.0)
        if ratio > PILE * max(1.0, best[0] / PILE if best else 1.0):
            best = (ratio, float(edges[1]), number)
    if best is None or best[2] < LEAST_SHARE * pixels.size:
        return None
    _, edge, number = best
    piled = pixels > edge
    beside = piled[:-1, :-1] & piled[1:, :-1] & piled[:-1, 1:]
    return (edge, number) if beside.sum() >= TOGETHER * piled[:-1, :-1].sum() else None


def flat_ceiling(pixels: npt.NDArray[Any], top: float) -> tuple[float, int] | None:
    """Median count and number of pixels on a smooth ceiling, as a flat field leaves it; None without.

    Parameters
    ----------
    pixels : (Y, X) array
        Counts.
    top : float
        As for `spread_pile`.

    Notes
    -----
    Bright light is noisy. Where it is cut off neighbours are level; and all such places lie on one surface,
    the reciprocal of the flat field, which hardly a pixel exceeds. Bright areas of images without noise are
    level, too, but each at a brightness of its own. Images of 8 bits are not judged: their noise is lost.
    """
    if pixels.dtype == np.uint8 or float(pixels.max()) <= 255:
        return None
    counts = pixels.astype(np.float32)
    dark = float(np.percentile(counts, DARK))
    inner = counts[1:-1, 1:-1]
    level = inner > dark + BRIGHT * (top - dark)
    least = LEAST_SHARE * pixels.size
    # from the middle to a corner a flat field may halve
    slope = max(LEVEL, 1 / min(pixels.shape))
    if slope * top > STEEP * (top - dark):
        return None
    for beside in (counts[:-2, 1:-1], counts[2:, 1:-1], counts[1:-1, :-2], counts[1:-1, 2:]):
        if level.sum() < least:
            return None
        level &= np.abs(beside - inner) <= np.maximum(LEVEL_COUNTS, slope * inner)
    y, x = np.nonzero(level)
    if len(y) < least:
        return None
    some = np.linspace(0, len(y) - 1, min(len(y), POINTS)).astype(np.intp)
    y, x, height = y[some] + 1, x[some] + 1, inner[level][some].astype(np.float64)
    design = _terms(y, x, counts.shape)
    used = np.ones(len(height), dtype=bool)
    for _ in range(ROUNDS):
        weights = np.linalg.lstsq(design[used], height[used], rcond=None)[0]
        away = np.abs(design @ weights / height - 1)
        used = away <= max(NEAR, float(np.median(away)))
    if (away <= NEAR).mean() < ON_SURFACE:
        return None
    rows, columns = np.indices(counts.shape)
    surface = np.zeros(counts.shape)
    for weight, term in zip(weights, _term_list(rows, columns, counts.shape), strict=True):
        surface += weight * term
    at = counts >= surface * (1 - NEAR)
    if np.count_nonzero(counts > surface * (1 + 2 * NEAR)) > ABOVE * at.sum():
        return None
    return float(np.median(counts[at])), int(at.sum())


def _terms(y: npt.NDArray[Any], x: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Terms of a polynomial surface, a column each."""
    return np.stack(_term_list(y, x, shape), axis=-1)


def _term_list(
    y: npt.NDArray[Any], x: npt.NDArray[Any], shape: tuple[int, ...]
) -> list[npt.NDArray[np.float64]]:
    """Products of powers of the place within the image, -1 to 1."""
    v, u = 2 * y / shape[0] - 1, 2 * x / shape[1] - 1
    return [v**i * u**j for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)]
