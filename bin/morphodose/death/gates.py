"""The intensity above which a cell counts as stained, from control wells alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Standard deviations above the centre of the unstained cells where the gate lies when the controls
#: show no stained population. Unstained cells have a long tail upward (stain is taken up in proportion), so
#: 3 would call several per cent of healthy cells stained; stained cells lie 10 and more away.
SPREADS = 6.0
#: A valley between two populations may lie closer than that, but not closer than this.
LEAST_SPREADS = 4.0
#: Stained control cells from which a second population is believed.
LEAST_STAINED = 10
#: Least standard deviation (of the logarithm) of stained cells: a dozen of them tell little of it.
LEAST_STAINED_SPREAD = 0.35
#: Ashman, Bird & Zepf (1994): two populations are apart when D > 2.
LEAST_SEPARATION = 2.0
MIN_VEHICLE_CELLS = 20
_MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class Gate:
    """One gate.

    Attributes
    ----------
    threshold : float
        Counts; a cell above it is stained. NaN where there is no gate.
    centre, spread : float
        Median and standard deviation of the unstained vehicle cells, counts.
    method : str or None
        ``valley``: between the two populations of the controls. ``spread``: `SPREADS` above the centre.
    vehicle_cells, positive_cells : int
        Cells of the vehicle wells, and of the positive control wells, that it rests on.
    vehicle_stained : float
        Fraction of the vehicle cells above it.
    reason : str or None
        Why there is no gate, or what to beware of.
    """

    threshold: float
    centre: float
    spread: float
    method: str | None
    vehicle_cells: int
    positive_cells: int
    vehicle_stained: float
    reason: str | None = None


def fit_gate(vehicle: Floats, positive: Floats | None = None, min_cells: int = MIN_VEHICLE_CELLS) -> Gate:
    """Gate of one stain.

    Parameters
    ----------
    vehicle : (N,) array
        Intensities of the cells of the vehicle wells, counts; NaN are left out.
    positive : (M,) array, optional
        Intensities of the cells of positive control wells.
    min_cells : int
        Vehicle cells that a gate needs. Below it the gate has no threshold and says why.

    Notes
    -----
    1. Unstained cells: the main population of the vehicle cells, found by median and MAD (`unstained`), since
       2 to 10 % of healthy cells die too and a few times that must not move the gate.
    2. A gate `SPREADS` above.
    3. If at least `LEAST_STAINED` control cells lie above it and form a population of their own (Ashman's D
       on an arcsinh scale, linear near the unstained cells and logarithmic far from them), the gate moves to
       the point that is equally many standard deviations from both. The sizes of the populations do not
       enter: those of the controls are not those of the wells to judge.
    """
    vehicle = np.asarray(vehicle, dtype=float)
    vehicle = vehicle[np.isfinite(vehicle)]
    extra = np.zeros(0) if positive is None else np.asarray(positive, dtype=float)
    extra = extra[np.isfinite(extra)]
    counts = {"vehicle_cells": len(vehicle), "positive_cells": len(extra)}
    if len(vehicle) < min_cells:
        reason = f"{len(vehicle)} vehicle cells; a gate needs {min_cells}"
        return Gate(math.nan, math.nan, math.nan, None, vehicle_stained=math.nan, reason=reason, **counts)
    centre, spread = unstained(vehicle)
    if spread <= 0:
        reason = f"more than half of the vehicle cells have the same intensity, {centre:g} counts"
        return Gate(math.nan, centre, spread, None, vehicle_stained=math.nan, reason=reason, **counts)
    threshold, method = centre + SPREADS * spread, "spread"
    valley = _valley(np.concatenate([vehicle, extra]), centre, spread, threshold)
    if valley is not None:
        threshold, method = valley, "valley"
    stained = float(np.mean(vehicle > threshold))
    warning = None
    if stained > 0.25:
        warning = f"{stained:.0%} of the vehicle cells are above the gate: are these wells healthy?"
    return Gate(threshold, centre, spread, method, vehicle_stained=stained, reason=warning, **counts)


def unstained(values: Floats, reach: float = 4.0) -> tuple[float, float]:
    """Centre and standard deviation of the main, lower population; see `fit_gate`.

    Median and 1.4826 MAD find the main population, whatever lies beside it; the standard deviation of what is
    within `reach` of them is then the steadier figure for a few dozen cells.
    """
    centre = float(np.median(values))
    spread = _robust(values)
    for _ in range(5):
        kept = values[np.abs(values - centre) <= reach * spread]
        before = (centre, spread)
        centre, spread = float(np.median(kept)), float(np.std(kept))
        if (centre, spread) == before or spread == 0:
            break
    return centre, spread


def _valley(controls: Floats, centre: float, spread: float, first_gate: float) -> float | None:
    """Gate between the unstained and the stained control cells, or None where these are no population."""

    def scale(values: Floats | float) -> Floats:
        return np.arcsinh((np.asarray(values) - centre) / spread)

    stained = scale(controls[controls > first_gate])
    if len(stained) < LEAST_STAINED:
        return None
    rest = scale(controls[controls <= first_gate])
    low, low_sd = float(np.median(rest)), _robust(rest)
    high, high_sd = float(np.median(stained)), max(_robust(stained), LEAST_STAINED_SPREAD)
    if math.sqrt(2) * (high - low) / math.hypot(low_sd, high_sd) < LEAST_SEPARATION:
        return None
    point = (low * high_sd + high * low_sd) / (low_sd + high_sd)
    return max(centre + spread * math.sinh(point), centre + LEAST_SPREADS * spread)


def _robust(values: Floats) -> float:
    """1.4826 MAD."""
    return _MAD_TO_SD * float(np.median(np.abs(values - np.median(values))))
