"""P values of several tests: their false discovery rates, and their adjustment for their number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def holm(p_values: Floats) -> Floats:
    """P values adjusted for their number (Holm 1979, Scand. J. Stat. 6:65); NaN stays NaN.

    Not by statsmodels, which collects all of Python's garbage in each call: most of the time of a screen of
    many compounds.

    Parameters
    ----------
    p_values : (N,) array
        P values.
    """
    found = np.asarray(p_values, dtype=float).copy()
    there = np.flatnonzero(np.isfinite(found))
    order = there[np.argsort(found[there])]
    steps = np.maximum.accumulate(found[order] * np.arange(len(order), 0, -1))
    found[order] = np.minimum(steps, 1.0)
    return found


def benjamini_hochberg(p_values: Floats) -> Floats:
    """False discovery rates of a set of P values (Benjamini & Hochberg 1995); NaN stays NaN.

    Parameters
    ----------
    p_values : (N,) array
        P values.
    """
    from scipy.stats import false_discovery_control

    found = np.asarray(p_values, dtype=float).copy()
    there = np.isfinite(found)
    if there.any():
        found[there] = false_discovery_control(found[there])
    return found
