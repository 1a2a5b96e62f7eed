"""Intervals of a fraction of cells within one well, and of a mean over wells."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

#: 97.5 % quantile of the normal distribution.
Z = 1.959963984540054


def wilson(successes: float, trials: float, z: float = Z) -> tuple[float, float]:
    """Score interval of a fraction (Wilson 1927); NaN without trials. Counts may be fractional."""
    if trials <= 0:
        return math.nan, math.nan
    p = successes / trials
    middle = (p + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(p * (1 - p) / trials + (z / (2 * trials)) ** 2)
    return max(0.0, min(middle - half, p)), min(1.0, max(middle + half, p))


def fraction_interval(
    successes: npt.ArrayLike, trials: npt.ArrayLike, z: float = Z
) -> tuple[float, float, float]:
    """Fraction of the cells of one well, with an interval that knows of its fields.

    Parameters
    ----------
    successes, trials : (F,) array_like
        Cells in question, and all cells, of each field.

    Returns
    -------
    fraction, low, high : float
        NaN where the well has no cells.

    Notes
    -----
    Cells of a field resemble each other. Wilson's interval takes the effective number of cells, which is
    the number over the design effect: the variance of the ratio between fields over that of independent
    cells (Kish 1965; Korn & Graubard 1998), never below 1. One field says nothing of it: plain Wilson.
    This is the precision of one well's figure. Wells are compared by the scatter between wells.
    """
    k, n = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    k, n = k[n > 0], n[n > 0]
    total = float(n.sum())
    if total == 0:
        return math.nan, math.nan, math.nan
    p = float(k.sum()) / total
    fields, effect = len(n), 1.0
    if fields > 1 and 0 < p < 1:
        between = fields / (fields - 1) * float(((k - p * n) ** 2).sum()) / total**2
        effect = max(1.0, between / (p * (1 - p) / total))
    effective = total / effect
    return (p, *wilson(p * effective, effective, z))


def mean_interval(values: npt.ArrayLike, level: float = 0.95) -> tuple[float, float, float, float, int]:
    """Mean, standard deviation, Student's interval and number of wells; NaN left out.

    A single well has a mean, and no interval; nor have wells that are equal (two wells of 12 cells each, or
    no dying cell in any): that they scatter so little is chance, and an interval of width 0 would say
    that the value is known exactly.
    """
    from scipy.special import stdtrit

    x = np.asarray(values, dtype=float)
    x = x[np.isfinite(x)]
    if not len(x):
        return math.nan, math.nan, math.nan, math.nan, 0
    mean = float(x.mean())
    if len(x) == 1:
        return mean, math.nan, math.nan, math.nan, 1
    if (x == x[0]).all():
        return float(x[0]), 0.0, math.nan, math.nan, len(x)
    sd = float(x.std(ddof=1))
    half = float(stdtrit(len(x) - 1, 0.5 + level / 2)) * sd / math.sqrt(len(x))
    return mean, sd, mean - half, mean + half, len(x)
