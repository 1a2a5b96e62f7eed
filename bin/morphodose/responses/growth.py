"""Growth rates: how much slower treated cells divide than vehicle, whatever the time and the cell line.

Hafner, Niepel, Chung & Sorger 2016, Nat. Methods 13:521.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from morphodose.responses.dose_effect import lack_of_fit
from morphodose.responses.fit import effect_of, fit_series
from morphodose.responses.gathering import Series, series_of
from morphodose.responses.multiple_testing import benjamini_hochberg
from morphodose.responses.profile_likelihood import CurveFit
from morphodose.responses.region import region
from morphodose.responses.replicates import Prior, spread_of_ec50
from morphodose.responses.select import Layout, series
from morphodose.responses.verdict import EFFECT_Q, IMPRECISE, LACK_P, LACK_R2, step_of, too_little

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

#: Counts against vehicle, and the fraction of the cells that each counts.
COUNTS: dict[str, str | None] = {"Relative_CellCount": None, "Relative_ViableCount": "Fraction_Viable"}
#: Doublings of vehicle below which a growth rate rests on too little growth.
LEAST_DOUBLINGS = 0.3
GR = "GR"


def growth_rate(relative: npt.ArrayLike, doublings: npt.ArrayLike) -> Floats:
    """GR value of counts relative to vehicle.

    Parameters
    ----------
    relative : (W,) array
        Cells over the cells of vehicle at the same time.
    doublings : (W,) array
        Doublings of vehicle since the start, log2(vehicle / vehicle at the start).

    Returns
    -------
    (W,) array
        1: as vehicle; 0: no growth; below 0: fewer cells than at the start, −1: none.

    Notes
    -----
    GR = 2^(log2(x / x0) / log2(v / x0)) − 1 with x cells, v of vehicle, x0 at the start, which is
    2 (x / v)^(1 / doublings) − 1.
    """
    return 2 * np.asarray(relative, dtype=float) ** (1 / np.asarray(doublings, dtype=float)) - 1


def growth_rows(wells: pd.DataFrame, seed: int = 1) -> list[dict[str, Any]]:
    """Rows of the table `growth`: GR50 and GRmax of each compound, group and time after the first.

    The start is the first timepoint of the screen: its vehicle wells stand for all wells before they grew.
    """
    times = np.unique(wells["Metadata_Timepoint"])
    if len(times) < 2 or "Count_CellsPerField" not in wells:
        return []
    rows: list[dict[str, Any]] = []
    fits: list[Series | None] = []
    layout = Layout(wells)
    for endpoint, fraction in COUNTS.items():
        if endpoint not in wells or (fraction and fraction not in wells):
            continue
        cells = wells["Count_CellsPerField"].to_numpy(dtype=float)
        if fraction:
            cells = cells * wells[fraction].to_numpy(dtype=float)
        for compound, group in layout.pairs():
            vehicle = layout.vehicle(compound, group)
            mine = series(wells.assign(**{GR: math.nan}), compound, group, layout)
            for hours in times[1:]:
                grown = doublings(wells.iloc[vehicle], cells[vehicle], float(times[0]), float(hours))
                here = mine[(mine["Metadata_Timepoint"] == hours) & mine[endpoint].notna()]
                if not here["Metadata_Role"].eq("treated").any():
                    continue
                units = here["Metadata_DoseUnit"].dropna()
                row = {
                    "Metadata_Compound": compound,
                    "Metadata_Group": group,
                    "Metadata_Timepoint": float(hours),
                    "Metadata_DoseUnit": units.iloc[0] if len(units) else None,
                    "Endpoint": endpoint,
                    "Start_h": float(times[0]),
                }
                one, why = _rates(row, here, endpoint, grown)
                row |= {"Doublings": min(grown.values(), default=math.nan), "State": "refused", "Reason": why}
                row |= dict.fromkeys(
                    ("GR50", "GR50_Low", "GR50_High", "GRmax", "GRmax_Low", "GRmax_High"), math.nan
                )
                rows.append(row)
                fits.append(one)
    effects = np.array([effect_of(one, seed) if one else math.nan for one in fits], dtype=float)
    for row, one, rate in zip(rows, fits, benjamini_hochberg(effects), strict=True):
        if one is not None:
            row |= highest(one)
            row |= _judged(one, float(rate))
    return rows


def doublings(vehicle: pd.DataFrame, cells: Floats, start: float, hours: float) -> dict[str, float]:
    """Plate → doublings of its vehicle wells between two timepoints; NaN where one has no cells.

    Parameters
    ----------
    cells : (W,) array
        Cells of each vehicle well.
    """
    plates = vehicle["Metadata_Plate"].astype(str).to_numpy()
    times = vehicle["Metadata_Timepoint"].to_numpy(dtype=float)
    found = {}
    for plate in np.unique(plates[times == hours]):
        ends = [cells[(plates == plate) & (times == time) & np.isfinite(cells)] for time in (start, hours)]
        first, last = (float(each.mean()) if len(each) else math.nan for each in ends)
        found[str(plate)] = math.log2(last / first) if first > 0 and last > 0 else math.nan
    return found


def _rates(
    keys: dict[str, Any], wells: pd.DataFrame, endpoint: str, grown: dict[str, float]
) -> tuple[Series | None, str | None]:
    """The GR values of some wells, or why there are none."""
    plates = wells["Metadata_Plate"].astype(str)
    factor = plates.map(grown).to_numpy(dtype=float)
    slow = {plate: grown.get(plate, math.nan) for plate in sorted(set(plates))}
    slow = {plate: value for plate, value in slow.items() if not value >= LEAST_DOUBLINGS}
    if slow:
        told = ", ".join(
            f"{value:.2f} doublings on plate {plate}" if math.isfinite(value) else f"unknown on plate {plate}"
            for plate, value in slow.items()
        )
        return None, f"growth of the vehicle wells: {told}; {LEAST_DOUBLINGS:g} are needed"
    kept = wells.assign(**{GR: growth_rate(wells[endpoint], factor)})
    found = series_of({name: keys[name] for name in keys if name.startswith("Metadata_")}, GR, kept, False)
    # wells without cells say as much as others
    one = replace(found, cells=np.ones(len(kept)))
    return one, too_little(one) or None


def highest(one: Series, level: float = 0.95) -> dict[str, float]:
    """``GRmax``, the mean at the highest dose, with Student's interval; the scatter is pooled over doses."""
    from scipy.special import stdtrit

    groups = [one.values[one.doses == dose] for dose in np.unique(one.doses)]
    freedom = len(one.values) - len(groups)
    value = float(groups[-1].mean())
    if freedom < 1:
        return {"GRmax": value}
    spread = math.sqrt(sum(float(((each - each.mean()) ** 2).sum()) for each in groups) / freedom)
    half = float(stdtrit(freedom, 0.5 + level / 2)) * spread / math.sqrt(len(groups[-1]))
    return {"GRmax": value, "GRmax_Low": value - half, "GRmax_High": value + half}


def _judged(one: Series, rate: float) -> dict[str, Any]:
    """State, reason and GR50 of a series of GR values; the states are those of `responses`."""
    if why := too_little(one):
        return {"State": "refused", "Reason": why}
    if not rate <= EFFECT_Q:
        return {
            "State": "refused",
            "Reason": f"no effect of the dose beyond chance (false discovery rate {rate:.2g})",
        }
    fit = fit_series(one)
    if fit is None:
        raise AssertionError("a series that is enough for a curve has one")
    at = fit.at(fit.doses)
    lack, r2 = lack_of_fit(fit.doses, fit.values, at, fit.weights / fit.variance_model.variance(at))
    if lack < LACK_P and r2 < LACK_R2:
        why = f"the doses do not follow one sigmoid curve (R2 {r2:.2f}, lack of fit P {lack:.1g})"
        return {"State": "refused", "Reason": why}
    return _gr50(one, fit)


def _gr50(one: Series, fit: CurveFit) -> dict[str, Any]:
    """The dose at which the curve is 0.5, and what it is worth."""

    def crossing(log_ec50: Floats, log_hill: Floats, ends: Floats) -> Floats:
        with np.errstate(all="ignore"):
            share = (0.5 - ends[:, 0]) / (ends[:, 1] - ends[:, 0])
            found = log_ec50 - np.log(1 / share - 1) / np.exp(log_hill)
        return np.where((share > 0) & (share < 1), found, np.inf)

    here = (np.array([fit.log_ec50]), np.log([fit.hill]), np.array([[fit.at_zero, fit.at_infinity]]))
    middle = float(crossing(*here)[0])
    low, high = region(fit).interval(crossing)
    low, high = min(low, middle), max(high, middle)
    tested = np.unique(fit.doses[fit.doses > 0])
    first, last = math.log(tested[0]), math.log(tested[-1])
    before = middle < first or low < first - math.log(step_of(tested[1], tested[0]))
    beyond = middle > last or high > last + math.log(step_of(tested[-1], tested[-2]))
    if before and beyond:
        return {
            "State": "refused",
            "Reason": "the wells leave the GR50 open to both sides of the tested doses",
        }
    if beyond:
        why = f"GR does not reach 0.5, or not for certain, at the highest dose {tested[-1]:g}"
        return {"State": "unbounded", "Reason": why, "GR50_Low": _dose(low)}
    if before:
        why = f"GR is below 0.5 at the lowest dose {tested[0]:g} already"
        return {"State": "unbounded", "Reason": why, "GR50_High": _dose(high)}
    half = spread_of_ec50(fit, one.blocks).half(Prior())
    low, high = middle - max(middle - low, half), middle + max(high - middle, half)
    found = {"GR50": _dose(middle), "GR50_Low": _dose(low), "GR50_High": _dose(high)}
    if high - low > math.log(IMPRECISE):
        return {"State": "imprecise", "Reason": "the interval of the GR50 spans more than tenfold", **found}
    return {"State": "fitted", "Reason": None, **found}


def _dose(log_dose: float) -> float:
    """A dose from its logarithm; NaN where it is open."""
    return math.exp(log_dose) if abs(log_dose) < 700 else math.nan
