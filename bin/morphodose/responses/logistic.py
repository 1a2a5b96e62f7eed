"""The four-parameter logistic curve, and its shape on a grid of EC50s and slopes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Slopes a curve may have. Above 10 the curve is a step between two doses, whatever the number.
HILL_RANGE = (0.25, 10.0)


def shape(dose: npt.ArrayLike, log_ec50: npt.ArrayLike, hill: npt.ArrayLike) -> Floats:
    """Share of the full effect at a dose: 0 at dose 0, ½ at the EC50, 1 at an infinite dose.

    Parameters
    ----------
    dose : array_like
        Doses ≥ 0; infinity is allowed.
    log_ec50 : array_like
        Natural logarithm of the EC50, in the unit of the doses.
    hill : array_like
        Slope > 0.

    Notes
    -----
    ``1 / (1 + (EC50 / d) ** hill)``, broadcast over the arguments (Hill 1910; `drc`'s LL.4 without its
    sign convention: the direction of the effect is in the asymptotes, not in the slope).
    """
    with np.errstate(divide="ignore", over="ignore"):
        exponent = np.asarray(hill) * (np.asarray(log_ec50) - np.log(np.asarray(dose, dtype=float)))
        result: Floats = 1.0 / (1.0 + np.exp(exponent))
    return result


def logistic(dose: npt.ArrayLike, at_zero: float, at_infinity: float, log_ec50: float, hill: float) -> Floats:
    """Value of the curve: `at_zero` without drug, `at_infinity` at saturation; see `shape`."""
    return at_zero + (at_infinity - at_zero) * shape(dose, log_ec50, hill)


def predict(row: Mapping[str, Any], doses: npt.ArrayLike) -> Floats:
    """Fitted curve of one row of the `responses` table on a grid of doses; NaN where there is none."""
    names = ("AtZeroDose", "AtInfiniteDose", "Curve_EC50", "Hill")
    values = [float("nan") if row.get(name) is None else float(row[name]) for name in names]
    at_zero, at_infinity, ec50, hill = values
    if not np.all(np.isfinite(values)):
        return np.full(np.shape(doses), np.nan)
    return logistic(doses, at_zero, at_infinity, np.log(ec50), hill)
