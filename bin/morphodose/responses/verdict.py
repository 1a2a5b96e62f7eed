"""What an EC50 is worth: its state, its reason, its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from morphodose.responses.gathering import Series
from morphodose.responses.profile_likelihood import PARAMETERS, CurveFit, profile_interval, steep
from morphodose.units import unit_words

STATES = ("fitted", "imprecise", "unbounded", "refused")
#: What a curve needs: distinct doses (vehicle is one), and wells beyond the four parameters.
LEAST_DOSES = 4
LEAST_SPARE_WELLS = 2
#: Above this false discovery rate the dose is said to have no effect.
EFFECT_Q = 0.05
#: A curve is refused where both say that it does not describe the doses' means.
LACK_P, LACK_R2 = 0.001, 0.75
#: Ratio of the ends of an interval above which an EC50 is imprecise.
IMPRECISE = 10.0


@dataclass(frozen=True)
class CurveVerdict:
    """State of an EC50 and its interval in dose units; NaN is null."""

    state: str
    reason: str
    ec50: float = math.nan
    low: float = math.nan
    high: float = math.nan


def too_little(one: Series) -> str:
    """Why a series is too little for a curve, or ""."""
    count, wells = len(np.unique(one.doses)), len(one.doses)
    if not (one.doses > 0).any():
        return "no well with a dose has a value (missing, infinite, or a median over fewer than 5 cells)"
    if count < LEAST_DOSES:
        vehicle = bool((one.doses == 0).any())
        also = " and vehicle" if vehicle else ""
        have = f"{count - vehicle} dose{'s' if count - vehicle > 1 else ''}{also}"
        return f"{have} with values; {LEAST_DOSES - vehicle} doses{also} are needed"
    if wells < PARAMETERS + LEAST_SPARE_WELLS:
        return f"{wells} wells; {PARAMETERS + LEAST_SPARE_WELLS} are needed for a curve of four parameters"
    if np.ptp(one.values) == 0:
        return "all wells have the same value"
    return ""


def judge_fit(
    fit: CurveFit, effect_q: float, lack_p: float, r2: float, half: float, unit: str | None = None
) -> CurveVerdict:
    """State of the EC50 of a fit; `half` is the half width of its interval from the replicates (`Spread`).

    ``fitted``: the effect is beyond chance, and the EC50 and its interval lie within the tested doses, to
    one dose step. ``imprecise``: the same, but the interval spans more than `IMPRECISE`, or no dose lies on
    the slope, so that a jump anywhere between two doses fits as well. ``unbounded``:
    beyond chance, but the EC50 is only known to lie above (or below) a bound, since the plateau is not
    reached. ``refused``: the data do not support a curve.
    """
    if not effect_q <= EFFECT_Q:
        return CurveVerdict(
            "refused", f"no effect of the dose beyond chance (false discovery rate {effect_q:.2g})"
        )
    if lack_p < LACK_P and r2 < LACK_R2:
        return CurveVerdict(
            "refused", f"the doses do not follow one sigmoid curve (R2 {r2:.2f}, lack of fit P {lack_p:.1g})"
        )
    tested = np.unique(fit.doses[fit.doses > 0])
    first, last = float(tested[0]), float(tested[-1])
    down, up = profile_interval(fit, "ec50")
    ec50 = math.exp(fit.log_ec50)
    lowest, highest = first / step_of(tested[1], tested[0]), last * step_of(tested[-1], tested[-2])
    low, high = math.exp(down), math.exp(min(up, 700.0))
    if first <= ec50 <= last and lowest <= low and high <= highest:
        # replicates whose curves lie open to one side do not tell how they differ
        low = math.exp(fit.log_ec50 - max(fit.log_ec50 - down, half))
        high = math.exp(fit.log_ec50 + max(up - fit.log_ec50, half))
    beyond = ec50 > last or high > highest
    before = ec50 < first or low < lowest
    if beyond and before:
        return CurveVerdict("refused", "the wells leave the EC50 open to both sides of the tested doses")
    if beyond:
        return CurveVerdict(
            "unbounded",
            f"the plateau is not reached at the highest dose {dose_words(last, unit)}",
            low=low,
        )
    if before:
        return CurveVerdict(
            "unbounded",
            f"the effect is full at the lowest dose {dose_words(first, unit)} already",
            high=high,
        )
    why = []
    if high > IMPRECISE * low:
        why.append(f"the interval of the EC50 spans a factor of {high / low:.0f}")
        if half > max(fit.log_ec50 - down, up - fit.log_ec50):
            why.append("the replicates differ")
    if jumps := steep(fit).steps:
        ends = f"{jumps[0][0]:.4g} and {dose_words(jumps[-1][1], unit)}"
        why.append(f"a jump of the effect anywhere between {ends} fits as well: no dose shows the slope")
    if why:
        return CurveVerdict("imprecise", "; ".join(why), ec50, low, high)
    return CurveVerdict("fitted", "", ec50, low, high)


def dose_words(dose: float, unit: str | None) -> str:
    """A dose with its unit, in the words of a reason."""
    return f"{dose:g} {unit_words(unit)}".rstrip()


def step_of(upper: float, lower: float) -> float:
    """Factor of one dose step, at least 2 and at most 10."""
    return min(max(upper / lower, 2.0), 10.0)
