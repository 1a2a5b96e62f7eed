"""Costes' coefficients in whole numbers and fractions, without any rounding."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from math import isqrt

Pixels = list[tuple[int, int]]


def exact_costes(one: Sequence[int], two: Sequence[int], top: int) -> tuple[float, float]:
    """Both coefficients of an object by CellProfiler's search ("Faster"); NaN where there are none.

    Parameters
    ----------
    one, two : sequence of int
        Counts of the object's pixels in two channels.
    top : int
        Full scale.
    """
    pixels = list(zip(one, two, strict=True))
    nothing = float("nan"), float("nan")
    line = _line([(a, b) for a, b in pixels if a > 0 or b > 0])
    if line is None:
        return nothing
    slope, offset = line
    left, right, before, valid = 1.0, float(top), 0.0, -1.0
    middle = (right - left) // (6 / 5) + left
    for _ in range(256):
        low = Fraction(middle)
        sign = _correlated([(a, b) for a, b in pixels if a < low or b < slope * low + offset])
        if sign is None or sign < 0:
            left = middle - 1
        else:
            right, valid = middle + 1, middle
        before, middle = middle, (right - left) // (6 / 5 if right - left > 6 else 2) + left
        if before == middle:
            break
    low = Fraction(valid - 1)
    other_low = slope * low + offset
    if valid < 0 or _correlated([(a, b) for a, b in pixels if a < low or b < other_low]) is None:
        return nothing
    total, other = sum(a for a, _ in pixels if a >= low), sum(b for _, b in pixels if b >= other_low)
    if total <= 0 or other <= 0:
        return nothing
    both = [(a, b) for a, b in pixels if a > low and b > other_low]
    return sum(a for a, _ in both) / total, sum(b for _, b in both) / other


def _sums(pixels: Pixels) -> tuple[int, int, int]:
    """Variances and covariance of the two channels, times the square of the number of pixels."""
    size = len(pixels)
    total, other = sum(a for a, _ in pixels), sum(b for _, b in pixels)
    return (
        size * sum(a * a for a, _ in pixels) - total * total,
        size * sum(b * b for _, b in pixels) - other * other,
        size * sum(a * b for a, b in pixels) - total * other,
    )


def _correlated(pixels: Pixels) -> int | None:
    """A number with the sign of the correlation; None of fewer than three pixels or a constant channel."""
    variance, other, shared = _sums(pixels)
    return shared if len(pixels) >= 3 and variance and other else None


def _line(pixels: Pixels) -> tuple[Fraction, Fraction] | None:
    """Slope and offset of the line of total least squares; the root in it to 60 digits if not whole."""
    variance, other, shared = _sums(pixels)
    if len(pixels) < 3 or not (variance and other and shared):
        return None
    square = (other - variance) ** 2 + 4 * shared**2
    with localcontext() as context:
        context.prec = 60
        root = Fraction(isqrt(square) if isqrt(square) ** 2 == square else Decimal(square).sqrt())
    slope = (other - variance + root) / (2 * shared)
    middle, other_middle = (Fraction(sum(pixel[i] for pixel in pixels), len(pixels)) for i in (0, 1))
    return slope, other_middle - slope * middle
