"""The intensity above which a cell counts as stained, from control wells alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Standard deviations above the centre of the unstained cells where the gate lies when the controls
#: show no stained population. Unstained cells have a long tail upward (stain is taken up in proportion), so
#: 3 would call several per cent of healthy cells stained; stained cells lie 10 and more away.
SPREADS = 6.0
#: A valley between two populations may lie closer than that, but not closer than this.
LEAST_SPREADS = 4.0
#: Stained control cells from which a second population is believed, and their least share of the vehicle
#: cells or of the cells of the positive controls: a few bright aggregates are not a population.
LEAST_STAINED = 10
LEAST_SHARE_VEHICLE = 0.02
LEAST_SHARE_POSITIVE = 0.05
#: A valley further up than this moves the gate no further: the unstained cells end before it.
MOST_SPREADS = 12.0
#: It is a warning where the valley is this many times further up, and fewer cells than this share lie beyond.
FAR_VALLEY, FEW = 4.0, 0.1
#: Objects this many times further from the unstained cells than the 99th percentile of all cells, and at
#: least this many standard deviations, are aggregates and no cells, unless they are more than a hundredth.
FAR_TIMES, FAR_SPREADS, MOST_FAR = 5.0, 300.0, 0.01
#: Logarithm (base 10) by which gates are moved to see what hangs on them.
MOVED = 0.1
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
        ``manual``: set by the user.
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
    3. If control cells above it are many enough to be a population (`LEAST_STAINED`, and a share of the
       vehicle or of the positive controls) and are one of their own (Ashman's D on an arcsinh scale, linear
       near the unstained cells, logarithmic far from them), the gate moves to the point that is equally
       many standard deviations from both, at most to `MOST_SPREADS`. The sizes of the populations do not
       enter further: those of the controls are not those of the wells to judge.
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
    valley, share = _valley(vehicle, extra, centre, spread, threshold)
    warnings = []
    if valley is not None:
        bound = centre + MOST_SPREADS * spread
        threshold, method = min(valley, bound), "valley"
        if share < FEW and valley - centre > FAR_VALLEY * (bound - centre):
            warnings.append(
                f"{share:.1%} of the control cells lie so far above the others that the gate between them "
                f"would be at {valley:.0f} counts; it stays at {bound:.0f}: are they debris?"
            )
    stained = float(np.mean(vehicle > threshold))
    if stained > 0.25:
        warnings.append(f"{stained:.0%} of the vehicle cells are above the gate: are these wells healthy?")
    warning = "; ".join(warnings) or None
    return Gate(threshold, centre, spread, method, vehicle_stained=stained, reason=warning, **counts)


def unstained(values: Floats, reach: float = 4.0) -> tuple[float, float]:
    """Centre and standard deviation of the main, lower population; see `fit_gate`.

    Median and 1.4826 MAD find the main population, whatever lies beside it; the standard deviation of what is
    within `reach` of them is then the steadier figure for a few dozen cells.

    Parameters
    ----------
    values : (N,) array
        Counts.
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


def _valley(
    vehicle: Floats, positive: Floats, centre: float, spread: float, first_gate: float
) -> tuple[float | None, float]:
    """Gate between the unstained and the stained control cells, and the share of these in their wells.

    None where these are not a population.
    """

    def scale(values: Floats | float) -> Floats:
        return np.arcsinh((np.asarray(values) - centre) / spread)

    groups, largest = [], 0.0
    for values, share in ((vehicle, LEAST_SHARE_VEHICLE), (positive, LEAST_SHARE_POSITIVE)):
        above = values[values > first_gate]
        if len(above) >= max(LEAST_STAINED, share * len(values)):
            groups.append(above)
            largest = max(largest, len(above) / len(values))
    if not groups:
        return None, largest
    controls = np.concatenate([vehicle, positive])
    stained, rest = scale(np.concatenate(groups)), scale(controls[controls <= first_gate])
    low, low_sd = float(np.median(rest)), _robust(rest)
    high, high_sd = float(np.median(stained)), max(_robust(stained), LEAST_STAINED_SPREAD)
    if math.sqrt(2) * (high - low) / math.hypot(low_sd, high_sd) < LEAST_SEPARATION:
        return None, largest
    point = (low * high_sd + high * low_sd) / (low_sd + high_sd)
    return max(centre + spread * math.sinh(point), centre + LEAST_SPREADS * spread), largest


def manual_gate(gate: Gate, threshold: float, vehicle: Floats) -> Gate:
    """The gate at a threshold that the user set, with what the controls say of it.

    Parameters
    ----------
    vehicle : (N,) array
        Counts of the vehicle cells.
    """
    vehicle = vehicle[np.isfinite(vehicle)]
    stained = float(np.mean(vehicle > threshold)) if len(vehicle) else math.nan
    return replace(gate, threshold=threshold, method="manual", vehicle_stained=stained, reason=None)


def far_objects(values: Floats, gate: Gate) -> npt.NDArray[np.bool_]:
    """Objects far above everything, which are not cells (`FAR_TIMES`).

    Parameters
    ----------
    values : (N,) array
        Counts.
    """
    far = np.zeros(len(values), dtype=bool)
    known = np.isfinite(values)
    if not known.any() or not gate.spread > 0:
        return far
    reach = max(FAR_TIMES * (np.percentile(values[known], 99) - gate.centre), FAR_SPREADS * gate.spread)
    far[known] = values[known] > gate.centre + reach
    return far if far.sum() <= MOST_FAR * known.sum() else np.zeros(len(values), dtype=bool)


def moved_fractions(values: Floats, threshold: float) -> tuple[float, float, float]:
    """Fraction of the values above a gate, and above gates `MOVED` lower and higher; NaN without values.

    Parameters
    ----------
    values : (N,) array
        Counts.
    """
    values = values[np.isfinite(values)]
    if not len(values) or not math.isfinite(threshold):
        return math.nan, math.nan, math.nan
    at, low, high = (float(np.mean(values > threshold * 10**step)) for step in (0.0, -MOVED, MOVED))
    return at, low, high


def _robust(values: Floats) -> float:
    """1.4826 MAD."""
    return _MAD_TO_SD * float(np.median(np.abs(values - np.median(values))))
