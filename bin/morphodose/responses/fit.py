"""Dose responses of all endpoints: curve, EC50 with interval, and the state that says what it is worth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from morphodose.responses.dose_test import benjamini_hochberg, effect_p, lack_of_fit
from morphodose.responses.endpoints import family_of, is_mirrored, stabilised
from morphodose.responses.families import BINOMIAL, choose_family
from morphodose.responses.groups import Grouping, plain
from morphodose.responses.profile_likelihood import PARAMETERS, CurveFit, band, fit_curve, profile_interval
from morphodose.responses.select import Layout, called, series, usable

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

#: What a curve needs: distinct doses (vehicle is one), and wells beyond the four parameters.
LEAST_DOSES = 4
LEAST_SPARE_WELLS = 2
#: Above this false discovery rate the dose is said to have no effect.
EFFECT_Q = 0.05
#: A curve is refused where both say that it does not describe the doses' means.
LACK_P, LACK_R2 = 0.001, 0.75
GRID = 60
#: Variance models in words.
VARIANCE = {
    "constant": "constant",
    "binomial": "binomial",
    "mean": "in proportion to the mean",
    "mean2": "in proportion to the squared mean",
}


@dataclass(frozen=True)
class Series:
    """Wells of one compound, timepoint and endpoint."""

    keys: dict[str, Any]
    endpoint: str
    doses: Floats
    values: Floats
    cells: Floats
    fields: Floats
    blocks: npt.NDArray[np.generic]


@dataclass(frozen=True)
class Verdict:
    """State of an EC50 and its interval in dose units; NaN is null."""

    state: str
    reason: str
    ec50: float = math.nan
    low: float = math.nan
    high: float = math.nan


def gather(wells: pd.DataFrame, endpoints: list[str]) -> list[Series]:
    """Series of every compound, group, timepoint and endpoint that has a value."""
    found = []
    layout = Layout(wells)
    for compound, group in layout.pairs():
        mine = series(wells, compound, group, layout)
        for hours, rows in mine.groupby("Metadata_Timepoint", sort=True):
            units = rows.loc[rows["Metadata_Role"] == "treated", "Metadata_DoseUnit"].dropna()
            keys = {
                "Metadata_Compound": compound,
                "Metadata_Group": group,
                "Metadata_Timepoint": float(hours),
                "Metadata_DoseUnit": units.iloc[0] if len(units) else None,
            }
            for endpoint in endpoints:
                kept = usable(rows, endpoint)
                if not kept["Metadata_Role"].eq("treated").any():
                    continue
                found.append(_series_of(keys, endpoint, kept))
    return found


def _series_of(keys: dict[str, Any], endpoint: str, wells: pd.DataFrame) -> Series:
    """The columns of some wells that a fit needs."""
    ones = np.ones(len(wells))
    blocks = wells["Metadata_Plate"].astype(str) + "|" + wells["Metadata_Replicate"].astype(str)
    return Series(
        keys,
        endpoint,
        doses=wells["Metadata_Dose"].to_numpy(dtype=float),
        values=wells[endpoint].to_numpy(dtype=float),
        cells=called(wells).to_numpy(dtype=float),
        fields=wells["Count_Fields"].to_numpy(dtype=float) if "Count_Fields" in wells else ones,
        blocks=blocks.to_numpy(dtype=object),
    )


def fit_series(one: Series) -> CurveFit | None:
    """Curve of a series, or None where there are too few wells, doses, or different values."""
    if _too_little(one):
        return None
    values = 1 - one.values if is_mirrored(one.endpoint) else one.values
    given = family_of(one.endpoint)
    family = given or choose_family(one.doses, values)
    weights = np.ones(len(values))
    if given is not None:
        weights = one.cells if given is BINOMIAL else one.fields
    return fit_curve(one.doses, values, np.maximum(weights, 1), family)


def _too_little(one: Series) -> str:
    """Why a series is too little for a curve, or ""."""
    count, wells = len(np.unique(one.doses)), len(one.doses)
    if count < LEAST_DOSES:
        return f"{count} different doses (vehicle is one) have values; {LEAST_DOSES} are needed"
    if wells < PARAMETERS + LEAST_SPARE_WELLS:
        return f"{wells} wells; {PARAMETERS + LEAST_SPARE_WELLS} are needed for a curve of four parameters"
    if np.ptp(one.values) == 0:
        return "all wells have the same value"
    return ""


def judge(fit: CurveFit, effect_q: float, lack_p: float, r2: float) -> Verdict:
    """State of the EC50 of a fit.

    ``fitted``: the effect is beyond chance, and the EC50 and its interval lie within the tested doses, to
    one dose step. ``unbounded``: beyond chance, but the EC50 is only known to lie above (or below) a bound,
    since the plateau is not reached. ``refused``: the data do not support a curve.
    """
    if not effect_q <= EFFECT_Q:
        return Verdict(
            "refused", f"no effect of the dose beyond chance (false discovery rate {effect_q:.2g})"
        )
    if lack_p < LACK_P and r2 < LACK_R2:
        return Verdict(
            "refused", f"the doses do not follow one sigmoid curve (R2 {r2:.2f}, lack of fit P {lack_p:.1g})"
        )
    tested = np.unique(fit.doses[fit.doses > 0])
    first, last = float(tested[0]), float(tested[-1])
    low, high = (math.exp(end) if math.isfinite(end) else end for end in profile_interval(fit, "ec50"))
    ec50 = math.exp(fit.log_ec50)
    beyond = ec50 > last or high > last * _step(tested[-1], tested[-2])
    before = ec50 < first or low < first / _step(tested[1], tested[0])
    if beyond and before:
        return Verdict("refused", "the wells leave the EC50 open to both sides of the tested doses")
    if beyond:
        return Verdict(
            "unbounded",
            f"the plateau is not reached at the highest dose {last:g}: EC50 above {low:.3g}",
            low=low,
        )
    if before:
        return Verdict(
            "unbounded",
            f"the effect is full at the lowest dose {first:g} already: EC50 below {high:.3g}",
            high=high,
        )
    return Verdict("fitted", "", ec50, low, high)


def _step(upper: float, lower: float) -> float:
    """Factor of one dose step, at least 2 and at most 10."""
    return min(max(upper / lower, 2.0), 10.0)


def respond(
    everything: list[Series],
    seed: int = 1,
    progress: Callable[[str], None] = lambda line: None,
    grouping: Grouping | None = None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of the tables `responses` and `curves`.

    Parameters
    ----------
    everything : list of Series
        What to fit; the false discovery rates are over all of it.
    seed : int
        Of the permutation tests.
    progress : callable
        Gets a line now and then.
    grouping : Grouping, optional
        Compounds that vary a second drug have no curve; columns that were ignored are noted.
    """
    grouping = grouping or Grouping()
    effects = np.full(len(everything), np.nan)
    for place, one in enumerate(everything):
        if not _too_little(one) and one.keys["Metadata_Compound"] not in grouping.combinations:
            scale = stabilised(one.endpoint, one.values, one.cells)
            effects[place] = effect_p(one.doses, scale, one.blocks, seed=seed)
    rates = benjamini_hochberg(effects)
    rows, curves = [], []
    for place, one in enumerate(everything):
        second = grouping.combinations.get(one.keys["Metadata_Compound"], "")
        row, curve = _respond_one(one, float(effects[place]), float(rates[place]), second)
        rows.append(row)
        curves.extend(curve)
        if place + 1 == len(everything) or (place + 1) % 20 == 0:
            progress(f"curve {place + 1} of {len(everything)}")
    return rows, curves


def _respond_one(
    one: Series, effect: float, rate: float, second: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Row of `responses` and rows of `curves` of one series."""
    positive = one.doses[one.doses > 0]
    row: dict[str, Any] = {
        **one.keys,
        "Endpoint": one.endpoint,
        "Model": None,
        "State": "refused",
        "Reason": _too_little(one),
        **dict.fromkeys(
            ("EC50", "EC50_Low", "EC50_High", "Hill", "Hill_Low", "Hill_High", "AtZeroDose", "AtInfiniteDose",
             "Curve_EC50"), math.nan,
        ),
        "Effect_P": effect,
        "Effect_Q": rate,
        "LackOfFit_P": math.nan,
        "R2": math.nan,
        "N_Wells": len(one.doses),
        "N_Doses": len(np.unique(one.doses)),
        "Dose_Min": float(positive.min()) if len(positive) else math.nan,
        "Dose_Max": float(positive.max()) if len(positive) else math.nan,
    }  # fmt: skip
    if second:
        reason = (
            f"combination: the dose of a second drug varies too ({plain(second)}); one curve cannot say both"
        )
        return row | {"Reason": reason}, []
    fit = fit_series(one)
    if fit is None:
        return row, []
    row["Model"] = f"4PL, variance {VARIANCE[fit.family.name]}"
    mean = fit.at(fit.doses)
    row["LackOfFit_P"], row["R2"] = lack_of_fit(
        fit.doses, fit.values, mean, fit.weights / fit.family.variance(mean)
    )
    verdict = judge(fit, rate, row["LackOfFit_P"], row["R2"])
    row |= {"State": verdict.state, "Reason": verdict.reason or None, "EC50": verdict.ec50}
    row |= {"EC50_Low": verdict.low, "EC50_High": verdict.high}
    if verdict.state == "refused":
        return row, []
    low, high = (math.exp(end) if math.isfinite(end) else math.nan for end in profile_interval(fit, "hill"))
    row |= {"Hill": fit.hill, "Hill_Low": low, "Hill_High": high, "Curve_EC50": math.exp(fit.log_ec50)}
    grid = np.concatenate([[0.0], np.geomspace(row["Dose_Min"], row["Dose_Max"], GRID)])
    middle, (bottom, top) = fit.at(grid), band(fit, grid)
    ends = fit.at_zero, fit.at_infinity
    if is_mirrored(one.endpoint):
        ends, middle, bottom, top = (1 - ends[0], 1 - ends[1]), 1 - middle, 1 - top, 1 - bottom
    row |= {"AtZeroDose": ends[0], "AtInfiniteDose": ends[1]}
    curves = [
        {
            **one.keys,
            "Endpoint": one.endpoint,
            "State": verdict.state,
            "Dose": d,
            "Fit": m,
            "Low": b,
            "High": t,
        }
        for d, m, b, t in zip(grid, middle, bottom, top, strict=True)
    ]
    return row, curves
