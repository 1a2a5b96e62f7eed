"""Differences between replicates and single wells that a curve through all of them does not tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from morphodose.responses.logistic import shape
from morphodose.responses.profile_likelihood import CurveFit

Floats = npt.NDArray[np.float64]

#: How EC50s of replicates differ where no other curves tell: a ratio of two single ones of 3 is just beyond
#: chance (the minimum significant ratio that the Assay Guidance Manual allows, 10^(2 sqrt(2) sd)); and how
#: many replicates this is worth beyond the first. From how many curves on these tell it.
PRIOR_SD, PRIOR_FREEDOM, PRIOR_CURVES = math.log(3) / (2 * math.sqrt(2)), 2.0, 8
#: Doses that a replicate needs for an EC50 of its own.
LEAST_DOSES = 4
#: A fall (or rise) back at high doses: its P value, and its share of the effect.
HOOK_P, HOOK_SHARE = 0.01, 0.2
#: P value of a well that lies off the curve, adjusted for the number of wells.
OUTLIER_P = 0.01
#: P value of a well that lies apart, adjusted for the number of wells; share of the wells that may be left
#: out as such; degrees of freedom that this needs.
APART_P, MOST_APART, LEAST_APART_FREEDOM = 0.001, 0.05, 5


@dataclass(frozen=True)
class Prior:
    """What is known of the differences between replicates before a curve is looked at.

    Attributes
    ----------
    sd : float
        Standard deviation of the logarithm (natural) of an EC50.
    freedom : float
        Degrees of freedom it counts for.
    """

    sd: float = PRIOR_SD
    freedom: float = PRIOR_FREEDOM


@dataclass(frozen=True)
class Spread:
    """How the EC50 differs between replicates.

    Attributes
    ----------
    sd : float
        Standard deviation of the logarithm (natural), that of the errors of each included.
    blocks : int
        Replicates that have an EC50 of their own.
    """

    sd: float
    blocks: int

    def half(self, prior: Prior) -> float:
        """Half width of a 95 % interval of the logarithm of the EC50 from the replicates; 0 below two.

        Three replicates tell their variance badly: if they agree by chance, their interval would be too
        short. It is drawn toward that of the prior, by the degrees of freedom of each (Smyth 2004, Stat.
        Appl. Genet. Mol. Biol. 3:3).
        """
        from scipy.special import stdtrit

        if self.blocks < 2:
            return 0.0
        own = self.blocks - 1
        freedom = own + prior.freedom
        sd = math.sqrt((own * self.sd**2 + prior.freedom * prior.sd**2) / freedom)
        return float(stdtrit(freedom, 0.975)) * sd / math.sqrt(self.blocks)


def prior_of(spreads: list[Spread]) -> Prior:
    """Prior from the curves of many compounds; that of a screen of one where they are few.

    The logarithms of the variances are matched to those of a scaled inverse chi-squared distribution, as
    `limma`'s ``fitFDist`` does (Smyth 2004). The prior never counts for more than all replicates it is from.
    """
    from scipy.special import digamma, polygamma

    known = [each for each in spreads if each.blocks > 1 and each.sd > 0]
    if len(known) < PRIOR_CURVES:
        return Prior()
    own = np.array([each.blocks - 1 for each in known], dtype=float)
    logs = np.log([each.sd**2 for each in known]) - digamma(own / 2) + np.log(own / 2)
    rest = float(logs.var(ddof=1) - polygamma(1, own / 2).mean())
    most = float(own.sum())
    if rest <= 0:
        return Prior(math.exp(float(logs.mean()) / 2), most)
    low, high = 1e-3, most / 2
    if polygamma(1, high) >= rest:
        half = high
    else:
        for _ in range(60):  # polygamma(1, x) falls with x
            half = math.sqrt(low * high)
            low, high = (half, high) if polygamma(1, half) > rest else (low, half)
    log_variance = float(logs.mean()) + float(digamma(half)) - math.log(half)
    return Prior(math.exp(log_variance / 2), 2 * half)


def spread_of_ec50(fit: CurveFit, blocks: npt.NDArray[np.generic]) -> Spread:
    """Standard deviation of the EC50 between replicates.

    Asymptotes and slope are those of all wells; each replicate has the EC50 that fits its wells best. The
    wells of a replicate share whatever moves its EC50 (cells, dilution, day), so that their number says
    nothing of it.
    """
    tested = fit.doses[fit.doses > 0]
    if not math.log(tested.min()) <= fit.log_ec50 <= math.log(tested.max()):
        return Spread(0.0, 0)  # one end of the curve alone does not tell the EC50 of a replicate
    offsets = np.linspace(-3.5, 3.5, 141)
    step = offsets[1] - offsets[0]
    found = []
    for block in np.unique(blocks):
        mine = blocks == block
        if len(np.unique(fit.doses[mine])) < LEAST_DOSES:
            continue
        shares = shape(fit.doses[mine][None, :], fit.log_ec50 + offsets[:, None], fit.hill)
        mean = fit.at_zero * (1 - shares) + fit.at_infinity * shares
        deviance = fit.variance_model.deviance(fit.values[mine], mean, fit.weights[mine])
        place = int(np.argmin(deviance))
        if not 0 < place < len(offsets) - 1:
            continue
        bend = (deviance[place - 1] - 2 * deviance[place] + deviance[place + 1]) / step**2
        slope = (deviance[place + 1] - deviance[place - 1]) / (2 * step)
        # a replicate whose EC50 is open to one side says nothing of how replicates differ
        if bend <= 0 or min(deviance[0], deviance[-1]) < deviance[place] + 4 * fit.phi:
            continue
        found.append(offsets[place] - slope / bend)
    return Spread(float(np.std(found, ddof=1)) if len(found) > 1 else 0.0, len(found))


@dataclass(frozen=True)
class Hook:
    """An effect that falls back at high doses.

    Attributes
    ----------
    peak : float
        Dose of the greatest effect.
    at_peak, at_top : float
        Mean there, and at the highest dose.
    """

    peak: float
    at_peak: float
    at_top: float

    def words(self) -> str:
        """What happens, for a reason or a note."""
        means = f"mean {self.at_peak:.3g}, {self.at_top:.3g} at the top"
        return f"the effect falls back above {self.peak:g} ({means})"


@dataclass(frozen=True)
class Detour:
    """An effect that goes the other way at lower doses (hormesis).

    Attributes
    ----------
    dose, lowest : float
        Where it is greatest, and the lowest dose (vehicle: 0).
    at_dose, at_lowest : float
        Means there.
    """

    dose: float
    lowest: float
    at_dose: float
    at_lowest: float

    def words(self) -> str:
        """What happens, for a note."""
        means = f"mean {self.at_dose:.3g} at dose {self.dose:g}, {self.at_lowest:.3g} at dose {self.lowest:g}"
        return f"low doses act the other way ({means}); one curve does not describe all doses"


def hook(doses: Floats, values: Floats, weights: Floats) -> Hook | None:
    """Whether the effect at the highest dose lies back toward vehicle from that at a lower one.

    One-sided t test of the highest dose against the dose of the greatest effect, with the scatter pooled over
    all doses, adjusted for the doses that could have been the greatest (Bonferroni); the fall must also be
    `HOOK_SHARE` of the effect.

    Parameters
    ----------
    doses, values, weights : (W,) array
        Dose, value and weight of each well.
    """
    found = _Means.of(doses, values, weights)
    if found is None or found.peak in (0, len(found.tested) - 1) or found.effects[found.peak] == 0:
        return None
    means, peak, last = found.means, found.peak, len(found.tested) - 1
    back = (found.effects[peak] - found.effects[last]) / found.effects[peak]
    if back < HOOK_SHARE or found.p(peak, last) * (last - 1) > HOOK_P:
        return None
    return Hook(float(found.tested[peak]), float(means[peak]), float(means[last]))


def detour(doses: Floats, values: Floats, weights: Floats) -> Detour | None:
    """Whether a dose below that of the greatest effect acts the other way: the test of `hook`, with vehicle.

    Parameters
    ----------
    doses, values, weights : (W,) array
        Dose, value and weight of each well.
    """
    found = _Means.of(doses, values, weights)
    if found is None or found.peak < 2:
        return None
    against = -np.sign(found.effects[found.peak]) * found.effects[1 : found.peak]
    place = 1 + int(np.argmax(against))
    if against[place - 1] < HOOK_SHARE * abs(found.effects[found.peak]):
        return None
    if found.p(place, 0) * len(against) > HOOK_P:
        return None
    dose, lowest = (float(found.tested[each]) for each in (place, 0))
    return Detour(dose, lowest, float(found.means[place]), float(found.means[0]))


@dataclass(frozen=True)
class _Means:
    """Means of the doses, their effects against the lowest, and the scatter pooled over all."""

    tested: Floats
    means: Floats
    sums: Floats
    variance: float
    freedom: int

    @classmethod
    def of(cls, doses: Floats, values: Floats, weights: Floats) -> _Means | None:
        """None where there are too few doses, or too few wells to know how they scatter.

        Parameters
        ----------
        doses, values, weights : (W,) array
            Dose, value and weight of each well.
        """
        tested = np.unique(doses)
        freedom = len(values) - len(tested)
        if len(tested) < LEAST_DOSES or freedom < 2:
            return None
        groups = [doses == dose for dose in tested]
        means = np.array([np.average(values[g], weights=weights[g]) for g in groups])
        sums = np.array([weights[g].sum() for g in groups])
        pure = sum(
            float((weights[g] * (values[g] - m) ** 2).sum()) for g, m in zip(groups, means, strict=True)
        )
        return cls(tested, means, sums, max(pure / freedom, 1e-300), freedom)

    @property
    def effects(self) -> Floats:
        return self.means - self.means[0]

    @property
    def peak(self) -> int:
        """Place of the greatest effect."""
        return int(np.argmax(np.abs(self.effects)))

    def p(self, one: int, other: int) -> float:
        """One-sided P value of the difference of the means of two doses."""
        from scipy.special import stdtr

        error = math.sqrt(self.variance * (1 / self.sums[one] + 1 / self.sums[other]))
        return float(stdtr(self.freedom, -abs(self.means[one] - self.means[other]) / error))


def outliers(fit: CurveFit) -> npt.NDArray[np.bool_]:
    """Wells that lie off the curve by more than chance: externally studentised residuals, Bonferroni."""
    from scipy.special import stdtr

    residuals = (fit.values - fit.at(fit.doses)) * np.sqrt(
        fit.weights / fit.variance_model.variance(fit.at(fit.doses)) / fit.phi
    )
    freedom = fit.freedom
    if freedom < 3:
        return np.zeros(len(residuals), dtype=bool)
    squares = np.minimum(residuals**2, freedom * (1 - 1e-9))
    t = np.sqrt(squares * (freedom - 1) / (freedom - squares))
    return np.asarray(2 * stdtr(freedom - 1, -t) * len(t) < OUTLIER_P)


def apart(doses: Floats, values: Floats, weights: Floats) -> npt.NDArray[np.bool_]:
    """Wells that lie apart from their replicates by far more than chance: what no curve should be drawn by.

    A well's distance from the means of its dose's other wells and of the doses within two steps: replicates
    whose EC50s differ by that much are not outliers. Student's t with the scatter of all other wells around
    their doses' means, Bonferroni; one after the other, up to `MOST_APART` of the wells.

    Parameters
    ----------
    values : (W,) array
        On a scale where wells scatter alike.
    weights : (W,) array
        Inverse variances up to a factor.
    """
    found = np.zeros(len(doses), dtype=bool)
    for _ in range(max(1, int(MOST_APART * len(doses)))):
        place, p = _farthest(doses[~found], values[~found], weights[~found])
        if p * len(doses) >= APART_P:
            break
        found[np.flatnonzero(~found)[place]] = True
    return found


def _farthest(doses: Floats, values: Floats, weights: Floats) -> tuple[int, float]:
    """The well that is least likely one of its dose, and its P value."""
    from scipy.special import stdtr

    tested, of = np.unique(doses, return_inverse=True)
    count, total = np.bincount(of), np.bincount(of, weights)
    means = np.bincount(of, weights * values) / total
    freedom = len(doses) - len(tested) - 1
    several = count[of] > 2
    if freedom < LEAST_APART_FREEDOM or not several.any() or np.ptp(values) == 0:
        return 0, 1.0
    rest = np.where(several, total[of] - weights, 1.0)
    others = np.where(several, (total[of] * means[of] - weights * values) / rest, 0.0)
    squares = weights * (values - means[of]) ** 2
    left = squares.sum() - squares * np.where(several, total[of] / rest, 1.0)
    error = np.sqrt(np.maximum(left, 0) / freedom * (1 / weights + 1 / rest))
    low, high = others.copy(), others.copy()
    for shift in (-2, -1, 1, 2):
        near = of + shift
        there = (near >= 0) & (near < len(tested))
        mean = np.where(there, means[np.clip(near, 0, len(tested) - 1)], others)
        low, high = np.minimum(low, mean), np.maximum(high, mean)
    distance = np.maximum(np.maximum(low - values, values - high), 0)
    t = distance / np.maximum(error, 1e-9 * np.ptp(values))
    p = np.where(several, 2 * stdtr(freedom, -t), 1.0)
    place = int(np.argmin(p))
    return place, float(p[place])
