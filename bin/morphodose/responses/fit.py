"""Dose responses of all endpoints: curve, EC50 with interval, and the state that says what it is worth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from morphodose.responses.dose_effect import effect_p, lack_of_fit
from morphodose.responses.endpoints import is_mirrored, stabilised, variance_model_of
from morphodose.responses.gathering import Series, weights_of
from morphodose.responses.groups import Grouping, plain
from morphodose.responses.layout import layout_doubt
from morphodose.responses.logistic import HILL_RANGE
from morphodose.responses.measures import OF_CURVE, names_with_ends, of_curve, of_wells
from morphodose.responses.multiple_testing import benjamini_hochberg
from morphodose.responses.profile_likelihood import CurveFit, fit_curve, profile_interval, steep
from morphodose.responses.region import band, region
from morphodose.responses.replicates import (
    Detour,
    Hook,
    Prior,
    Spread,
    apart,
    detour,
    hook,
    outliers,
    prior_of,
    spread_of_ec50,
)
from morphodose.responses.variance_models import BINOMIAL, MEAN, choose_variance_model
from morphodose.responses.verdict import EFFECT_Q, LACK_P, judge_fit, too_little

Floats = npt.NDArray[np.float64]
Rows = list[dict[str, Any]]

GRID = 60
#: Standard deviation of the logarithm of the replicates' EC50s from which it is said beside a bound.
APART_SD = math.log(2)
#: Variance models in words.
VARIANCE = {
    "constant": "constant",
    "binomial": "binomial",
    "mean": "in proportion to the mean",
    "mean2": "in proportion to the squared mean",
}
_ENDS = ("EC50", "Hill", "AtZeroDose", "AtInfiniteDose")


def fit_series(one: Series) -> CurveFit | None:
    """Curve of a series, or None where there are too few wells, doses, or different values."""
    if too_little(one):
        return None
    values = 1 - one.values if is_mirrored(one.endpoint) else one.values
    weights = weights_of(one)
    variance_model = variance_model_of(one.endpoint) or choose_variance_model(one.doses, values, weights)
    return fit_curve(one.doses, values, weights, variance_model)


def effect_of(one: Series, seed: int) -> float:
    """P value of "the dose does nothing", with the scatter of the endpoint; NaN where there is too little."""
    if too_little(one):
        return math.nan
    variance_model = variance_model_of(one.endpoint)
    if variance_model is BINOMIAL:
        return effect_p(one.doses, one.values, one.blocks, seed=seed, cells=one.cells)
    weights = weights_of(one)
    scale = stabilised(one.endpoint, one.values, one.cells) if variance_model is MEAN else one.values
    return effect_p(one.doses, scale, one.blocks, seed=seed, weights=weights)


def respond(
    everything: list[Series],
    seed: int = 1,
    progress: Callable[[str], None] = lambda line: None,
    grouping: Grouping | None = None,
) -> tuple[Rows, Rows, Rows]:
    """Rows of the tables `responses`, `curves` and `points`.

    Parameters
    ----------
    everything : list of Series
        What to fit; the false discovery rates are over all of it.
    seed : int
        Of the tests of an effect.
    progress : callable
        Gets a line now and then.
    grouping : Grouping, optional
        Compounds that vary a second drug have no curve; columns that were ignored are noted.
    """
    grouping = grouping or Grouping()
    ignored = [f"column {plain(name)} ignored: {why}" for name, why in grouping.ignored.items()]
    apart_of = [_apart(one) for one in everything]
    effects = np.full(len(everything), np.nan)
    for place, one in enumerate(everything):
        if one.keys["Metadata_Compound"] not in grouping.combinations:
            effects[place] = effect_of(one.only(~apart_of[place]), seed)
    rates = benjamini_hochberg(effects)
    prepared = [
        prepare(one, out, float(rate)) for one, out, rate in zip(everything, apart_of, rates, strict=True)
    ]
    spreads: dict[tuple[str, float], list[Spread]] = {}
    for each in prepared:
        spreads.setdefault(each.family, []).append(each.spread)
    priors = {family: prior_of(found) for family, found in spreads.items()}
    rows: Rows = []
    curves: Rows = []
    points: Rows = []
    for place, one in enumerate(everything):
        second = grouping.combinations.get(one.keys["Metadata_Compound"], "")
        each = prepared[place]
        row, curve, wells = _respond_one(
            one, float(effects[place]), float(rates[place]), second, each, priors[each.family]
        )
        row["Layout"] = layout_doubt(one.only(~each.out), seed if row["State"] != "refused" else None) or None
        doubt = [f"dose and place cannot be told apart: {row['Layout']}"] if row["Layout"] else []
        row["Notes"] = "; ".join([*row["Notes"], *doubt, *ignored]) or None
        rows.append(row)
        curves.extend(curve)
        points.extend(wells)
        if place + 1 == len(everything) or (place + 1) % 20 == 0:
            progress(f"curve {place + 1} of {len(everything)}")
    return rows, curves, points


@dataclass(frozen=True)
class Prepared:
    """A series with its curve, before it is judged.

    Attributes
    ----------
    one : Series
        The wells that are fitted.
    used, out : (W,) array of bool
        Which of all wells these are; which lie apart from their replicates (`apart`) and are in nothing.
    turned : Hook or None
        Effect that falls back.
    fit : CurveFit or None
        None where there is too little.
    spread : Spread
        How the EC50 differs between replicates; of an effect beyond chance.
    """

    one: Series
    used: npt.NDArray[np.bool_]
    out: npt.NDArray[np.bool_]
    turned: Hook | None = None
    fit: CurveFit | None = None
    spread: Spread = Spread(0.0, 0)

    @property
    def family(self) -> tuple[str, float]:
        """Endpoint and timepoint: replicates of all compounds are taken to differ alike in it."""
        return self.one.endpoint, float(self.one.keys["Metadata_Timepoint"])


def prepare(one: Series, out: npt.NDArray[np.bool_], rate: float) -> Prepared:
    """Fit a series, on the doses before its effect falls back; nothing without a false discovery rate.

    Parameters
    ----------
    out : (W,) array of bool
        Wells that are left out.
    """
    used = ~out
    one = one.only(used)
    if math.isnan(rate):
        return Prepared(one, used, out)
    turned = _hook_of(one) if rate <= EFFECT_Q else None
    if turned is not None:
        kept = one.doses <= turned.peak
        used[used], one = kept, one.only(kept)
    fit = fit_series(one)
    if fit is None or rate > EFFECT_Q:
        return Prepared(one, used, out, turned, fit)
    return Prepared(one, used, out, turned, fit, spread_of_ec50(fit, one.blocks))


def _apart(one: Series) -> npt.NDArray[np.bool_]:
    """Wells that lie apart from their replicates, on the scale where those of the endpoint scatter alike."""
    if too_little(one):
        return np.zeros(len(one.doses), dtype=bool)
    variance_model = variance_model_of(one.endpoint)
    if variance_model is not None:
        return apart(one.doses, stabilised(one.endpoint, one.values, one.cells), np.ones(len(one.doses)))
    weights = weights_of(one)
    name = choose_variance_model(one.doses, one.values, weights).name
    values = np.sqrt(one.values) if name == "mean" else np.log(one.values) if name == "mean2" else one.values
    return apart(one.doses, values, weights)


def _respond_one(
    one: Series, effect: float, rate: float, second: str, prepared: Prepared, prior: Prior
) -> tuple[dict[str, Any], Rows, Rows]:
    """Row of `responses`, rows of `curves` and of `points` of one series; notes as a list."""
    whole, out = one, prepared.out
    one = one.only(~out)
    positive = one.doses[one.doses > 0]
    row: dict[str, Any] = {
        **one.keys,
        "Endpoint": one.endpoint,
        "Model": None,
        "State": "refused",
        "Reason": too_little(one) or None,
        "Notes": list(one.notes),
        "Turn": None,
        **dict.fromkeys([*names_with_ends(_ENDS), "Curve_EC50", "EC50_ReplicateSD"], math.nan),
        **dict.fromkeys(names_with_ends(OF_CURVE), math.nan),
        **of_wells(one),
        "Effect_P": effect,
        "Effect_Q": rate,
        "LackOfFit_P": math.nan,
        "R2": math.nan,
        "N_Wells": len(one.doses),
        "N_Doses": len(np.unique(one.doses)),
        "N_Replicates": len(np.unique(one.blocks)),
        "Dose_Min": float(positive.min()) if len(positive) else math.nan,
        "Dose_Max": float(positive.max()) if len(positive) else math.nan,
    }
    if out.any():
        row["Notes"].append(f"left out, far from its replicates: {_named(whole, out)}")
    used, off = ~out, out.copy()
    curve: Rows = []
    if second:
        second = f"combination: the dose of a second drug ({plain(second)}) varies too; no single curve holds"
        row["Reason"] = second
    elif not row["Reason"]:
        used = prepared.used
        curve, of_curve_off = _fit_into(row, prepared, rate, prior)
        off |= of_curve_off
    one = whole
    points = [
        {
            **one.keys,
            "Endpoint": one.endpoint,
            "Metadata_Plate": str(one.blocks[n]).partition("|")[0],
            "Metadata_Replicate": str(one.blocks[n]).partition("|")[2],
            "Metadata_Well": str(one.wells[n]),
            "Metadata_Dose": float(one.doses[n]),
            "Value": float(one.values[n]),
            "Raw": float(one.raw[n]),
            "Cells": float(one.cells[n]),
            "Used": bool(used[n]),
            "Outlier": bool(off[n]),
        }
        for n in range(len(one.doses))
    ]
    return row, curve, points


def _fit_into(
    row: dict[str, Any], prepared: Prepared, rate: float, prior: Prior
) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """Judge a series and fill its row; its curve, and the wells off the curve."""
    one, used, turned, fit, spread = (
        prepared.one, prepared.used, prepared.turned, prepared.fit, prepared.spread
    )  # fmt: skip
    off = np.zeros(len(used), dtype=bool)
    if fit is None:
        row["Reason"] = f"{turned.words()}; up to there {too_little(one)}" if turned else too_little(one)
        return [], off
    row["Model"] = f"4PL, variance {VARIANCE[fit.variance_model.name]}"
    row["LackOfFit_P"], row["R2"] = lack_of_fit(
        fit.doses, fit.values, fit.at(fit.doses), fit.weights / fit.variance_model.variance(fit.at(fit.doses))
    )
    half = spread.half(prior)
    unit = one.keys["Metadata_DoseUnit"]
    verdict = judge_fit(fit, rate, row["LackOfFit_P"], row["R2"], half, unit)
    row |= {"State": verdict.state, "Reason": verdict.reason or None, "EC50": verdict.ec50}
    row |= {"EC50_Low": verdict.low, "EC50_High": verdict.high}
    if verdict.state == "unbounded" and spread.sd > APART_SD:
        # curves far apart are, taken together, one without a plateau
        row["Reason"] += f"; the EC50s of the replicates differ (SD: a factor of {math.exp(spread.sd):.2g})"
    if turned is not None:
        row["Turn"] = f"{turned.words()}; the curve is that of the doses up to {turned.peak:g}"
    elif (other := _detour_of(one)) is not None and rate <= EFFECT_Q:
        row["Turn"] = other.words()
    if row["Turn"]:
        row["Notes"].append(row["Turn"])
    if verdict.state == "refused":
        return [], off
    row["EC50_ReplicateSD"] = spread.sd / math.log(10) if spread.blocks > 1 else math.nan
    low, high = (math.exp(end) if math.isfinite(end) else math.nan for end in profile_interval(fit, "hill"))
    row |= {"Hill": fit.hill, "Hill_Low": low, "Hill_High": high, "Curve_EC50": math.exp(fit.log_ec50)}
    allowed = region(fit)
    row |= of_curve(one, fit, allowed, half)
    grid = np.concatenate([[0.0], np.geomspace(one.doses[one.doses > 0].min(), one.doses.max(), GRID)])
    ends = np.array([0.0, np.inf])
    mirrored = is_mirrored(one.endpoint)
    middle, bottom, top = _mirrored(mirrored, fit.at(grid), *band(allowed, grid))
    asymptotes = _mirrored(mirrored, fit.at(ends), *band(allowed, ends))
    for name, value, below, above in zip(("AtZeroDose", "AtInfiniteDose"), *asymptotes, strict=True):
        row |= {name: float(value), f"{name}_Low": float(below), f"{name}_High": float(above)}
    outlying = outliers(fit)
    off[np.flatnonzero(used)[outlying]] = True
    row["Notes"] += _doubts(one, fit, outlying)
    if row["LackOfFit_P"] < LACK_P:
        row["Notes"].append(
            f"the doses' means leave the curve by more than their scatter (lack of fit P "
            f"{row['LackOfFit_P']:.1g})"
        )
    keys = {**one.keys, "Endpoint": one.endpoint, "State": verdict.state}
    curve = [
        {**keys, "Dose": d, "Fit": m, "Low": b, "High": t}
        for d, m, b, t in zip(grid, middle, bottom, top, strict=True)
    ]
    return curve, off


def _mirrored(mirrored: bool, middle: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
    """One minus each, where an endpoint is the mirror of what was fitted."""
    return (1 - middle, 1 - high, 1 - low) if mirrored else (middle, low, high)


def _hook_of(one: Series) -> Hook | None:
    """Whether the effect falls back at high doses."""
    found = hook(*_scattering_alike(one))
    if found is None:
        return None
    return Hook(found.peak, _mean_at(one, found.peak), _mean_at(one, one.doses.max()))


def _detour_of(one: Series) -> Detour | None:
    """Whether low doses act the other way."""
    found = detour(*_scattering_alike(one))
    if found is None:
        return None
    return Detour(found.dose, found.lowest, _mean_at(one, found.dose), _mean_at(one, found.lowest))


def _scattering_alike(one: Series) -> tuple[Floats, Floats, Floats]:
    """Doses, values and weights; fractions and counts on the scale of `stabilised`."""
    weights = weights_of(one)
    if variance_model_of(one.endpoint) is BINOMIAL:
        weights = np.ones(len(weights))
    return one.doses, stabilised(one.endpoint, one.values, one.cells), weights


def _mean_at(one: Series, dose: float) -> float:
    return float(one.values[one.doses == dose].mean())


def _doubts(one: Series, fit: CurveFit, outlying: npt.NDArray[np.bool_]) -> list[str]:
    """What to keep in mind of a curve."""
    found = []
    low, high = fit.variance_model.low, fit.variance_model.high
    for name, value in (("at dose 0", fit.at_zero), ("at high doses", fit.at_infinity)):
        if min(abs(value - low), abs(value - high)) < 1e-9 and not is_mirrored(one.endpoint):
            found.append(f"the plateau {name} rests on its bound {value:.0f}")
    if min(abs(fit.hill / bound - 1) for bound in HILL_RANGE) < 0.02:
        found.append(f"the slope rests on its bound {fit.hill:.3g}")
    steeper = steep(fit)
    if steeper.alone and not steeper.steps:
        doses = " or ".join(f"{dose:.4g}" for dose in steeper.alone)
        found.append(
            f"only the dose {doses} may lie on the slope, which could be steeper than any number here"
        )
    if fit.at_infinity != fit.at_zero:
        top = (fit.at(fit.doses.max()) - fit.at_zero) / (fit.at_infinity - fit.at_zero)
        if top < 0.8:
            found.append(f"the highest dose reaches {float(top):.0%} of the plateau, which is extrapolated")
    if len(np.unique(one.blocks)) < 2:
        found.append("one replicate: the interval does not hold differences between replicates")
    if outlying.any():
        found.append(f"off the curve: {_named(one, outlying)}")
    return found


def _named(one: Series, chosen: npt.NDArray[np.bool_]) -> str:
    """Some wells with their doses, in words."""
    pairs = zip(one.wells[chosen], one.doses[chosen], strict=True)
    return "well " + ", ".join(f"{well} at {dose:g}" for well, dose in pairs)
