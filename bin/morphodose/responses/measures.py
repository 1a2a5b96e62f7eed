"""What is read from a curve beside the EC50, and from the wells without a curve."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from morphodose.responses.endpoints import is_mirrored, kind_of, variance_model_of
from morphodose.responses.gathering import Series
from morphodose.responses.profile_likelihood import CurveFit
from morphodose.responses.region import Region
from morphodose.responses.variance_models import BINOMIAL

Floats = npt.NDArray[np.float64]

#: Measures of a curve, each with ``_Low`` and ``_High``.
OF_CURVE = ("EC10", "EC90", "AbsoluteIC50", "PointOfDeparture")
#: Measures of the wells, each with ``_Low`` and ``_High``; there without a curve, too.
OF_WELLS = ("Effect_Highest", "AUC")
#: Vehicle wells whose standard deviation is the step of a point of departure.
LEAST_VEHICLE = 3


def names_with_ends(names: tuple[str, ...]) -> list[str]:
    """Each name with its ``_Low`` and ``_High``."""
    return [f"{name}{end}" for name in names for end in ("", "_Low", "_High")]


def of_wells(one: Series, level: float = 0.95) -> dict[str, Any]:
    """Mean of vehicle, effect of the highest dose, area under the doses' means; with Student's intervals.

    The area is the mean height over the logarithm of the dose, by trapezoids between the lowest and highest
    dose, in the unit of the endpoint. The scatter is pooled over all doses.
    """
    from scipy.special import stdtrit

    row: dict[str, Any] = dict.fromkeys(names_with_ends(OF_WELLS), math.nan)
    vehicle = one.values[one.doses == 0]
    row |= {"Vehicle_Mean": float(vehicle.mean()) if len(vehicle) else math.nan, "N_Vehicle": len(vehicle)}
    doses = np.unique(one.doses)
    groups = [one.values[one.doses == dose] for dose in doses]
    means, numbers = np.array([g.mean() for g in groups]), np.array([len(g) for g in groups], dtype=float)
    freedom = len(one.values) - len(doses)
    spread = (
        math.sqrt(sum(float(((g - g.mean()) ** 2).sum()) for g in groups) / freedom) if freedom > 0 else 0.0
    )
    reach = float(stdtrit(freedom, 0.5 + level / 2)) * spread if freedom > 0 else math.nan

    def put(name: str, factors: Floats) -> None:
        value = float(factors @ means)
        half = reach * math.sqrt(float((factors**2 / numbers).sum()))
        row.update({name: value, f"{name}_Low": value - half, f"{name}_High": value + half})

    if len(vehicle) and doses[-1] > 0:
        factors = np.zeros(len(doses))
        factors[0], factors[-1] = -1.0, 1.0
        put("Effect_Highest", factors)
    positive = doses > 0
    if positive.sum() > 1:
        x = np.log(doses[positive])
        widths = np.diff(x) / (x[-1] - x[0])
        factors = np.zeros(len(doses))
        factors[np.flatnonzero(positive)[:-1]] += widths / 2
        factors[np.flatnonzero(positive)[1:]] += widths / 2
        put("AUC", factors)
    return row


def of_curve(one: Series, fit: CurveFit, allowed: Region, widening: float) -> dict[str, float]:
    """Doses of 10 % and 90 % of the effect, absolute IC50, point of departure; with intervals.

    Parameters
    ----------
    allowed : Region
        The curves the likelihood allows: an interval is the range of a dose over them.
    widening : float
        Half width that differences between replicates add to the logarithm of a dose.

    Notes
    -----
    ``AbsoluteIC50``: where a count is half of vehicle's, a fraction 0.5 (Sebaugh 2011, Pharm. Stat. 10:128).
    ``PointOfDeparture``: where the curve leaves its value at dose 0 by one standard deviation of the vehicle
    wells (the benchmark dose of Crump 1995, Risk Anal. 15:79; its lower end is the BMDL).
    """
    vehicle = fit.values[fit.doses == 0]
    sd = float(vehicle.std(ddof=1)) if len(vehicle) >= LEAST_VEHICLE else math.nan
    level = math.nan
    if variance_model_of(one.endpoint) is BINOMIAL:
        level = 0.5
    absolute = kind_of(one.endpoint) == "count" or is_mirrored(one.endpoint)

    def log_dose(log_ec50: Floats, log_hill: Floats, share: Floats) -> Floats:
        with np.errstate(all="ignore"):
            found = log_ec50 - np.log(1 / share - 1) / np.exp(log_hill)
        return np.where((share > 0) & (share < 1), found, np.inf)

    def ec(share: float) -> Callable[[Floats, Floats, Floats], Floats]:
        return lambda c, h, _: log_dose(c, h, np.full(len(c), share))

    def crossing(c: Floats, h: Floats, a: Floats) -> Floats:
        target = a[:, 0] / 2 if absolute else np.full(len(c), level)
        with np.errstate(all="ignore"):
            return log_dose(c, h, (target - a[:, 0]) / (a[:, 1] - a[:, 0]))

    def departure(c: Floats, h: Floats, a: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return log_dose(c, h, sd / np.abs(a[:, 1] - a[:, 0]))

    functions = {"EC10": ec(0.1), "EC90": ec(0.9)}
    if absolute or math.isfinite(level):
        functions["AbsoluteIC50"] = crossing
    if sd > 0:
        functions["PointOfDeparture"] = departure
    row: dict[str, float] = dict.fromkeys(names_with_ends(OF_CURVE), math.nan)
    here = (np.array([fit.log_ec50]), np.log([fit.hill]), np.array([[fit.at_zero, fit.at_infinity]]))
    for name, function in functions.items():
        middle = float(function(*here)[0])
        low, high = allowed.interval(function)
        low, high = min(low, middle), max(high, middle)
        if not math.isfinite(middle):
            # not reached by the curve: a bound from below is all there is
            row[f"{name}_Low"] = _exp(low)
            continue
        low = middle - math.hypot(middle - low, widening)
        high = middle + math.hypot(high - middle, widening) if math.isfinite(high) else high
        row |= {name: _exp(middle), f"{name}_Low": _exp(low), f"{name}_High": _exp(high)}
    return row


def _exp(value: float) -> float:
    """A dose from its logarithm; NaN where it is open."""
    return math.exp(value) if math.isfinite(value) and abs(value) < 700 else math.nan
