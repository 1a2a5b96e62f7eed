"""Fit of the four-parameter logistic, with intervals by profile likelihood.

Sources: Bates & Watts 1988, *Nonlinear Regression Analysis*, ch. 6 (profiles, F thresholds); Golub &
Pereyra 1973 (the asymptotes enter linearly: they are solved, not searched); Ritz, Baty, Streibig & Gerhard
2015 (`drc`, PLoS ONE 10:e0146021) for the model.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from morphodose.responses.logistic import HILL_RANGE, logistic, shape
from morphodose.responses.variance_models import VarianceModel

Floats = npt.NDArray[np.float64]

PARAMETERS = 4

#: How far beyond the tested doses an EC50 is looked for, as a factor; an interval that reaches it is open.
REACH = 1000.0

#: Slopes that are searched, as logarithms.
LOG_HILLS = np.linspace(math.log(HILL_RANGE[0]), math.log(HILL_RANGE[1]), 30)


@dataclass(frozen=True)
class CurveFit:
    """A fitted curve and what is needed to profile it.

    Attributes
    ----------
    doses, values, weights : (W,) array
        One entry a well; doses ≥ 0.
    variance_model : VarianceModel
        Variance model.
    at_zero, at_infinity, log_ec50, hill : float
        The estimate.
    deviance, phi : float
        Deviance at the estimate, and the dispersion.
    """

    doses: Floats
    values: Floats
    weights: Floats
    variance_model: VarianceModel
    at_zero: float
    at_infinity: float
    log_ec50: float
    hill: float
    deviance: float
    phi: float

    @property
    def freedom(self) -> int:
        """Residual degrees of freedom, wells minus parameters."""
        return len(self.values) - PARAMETERS

    def at(self, doses: npt.ArrayLike) -> Floats:
        """The curve at `doses`."""
        return logistic(doses, self.at_zero, self.at_infinity, self.log_ec50, self.hill)

    def threshold(self, level: float = 0.95) -> float:
        """Rise of the deviance at the ends of an interval: ``phi * F(level; 1, wells - 4)``."""
        from scipy.special import stdtrit

        t = float(stdtrit(self.freedom, 0.5 + level / 2))
        return self.phi * t * t

    def solve(self, log_ec50: Floats, log_hill: Floats) -> tuple[Floats, Floats, Floats]:
        """Shares, best asymptotes and deviance for candidates of EC50 and slope; see `conditional`.

        Parameters
        ----------
        log_ec50, log_hill : (K,) array
            Natural logarithms of the candidates.
        """
        shares = shape(self.doses, log_ec50[:, None], np.exp(log_hill)[:, None])
        return shares, *conditional(self.values, self.weights, self.variance_model, shares)


def ec50_bounds(doses: Floats) -> tuple[float, float]:
    """Natural logarithms between which an EC50 is looked for.

    Parameters
    ----------
    doses : (W,) array
        Doses of the wells.
    """
    positive = doses[doses > 0]
    return math.log(positive.min() / REACH), math.log(positive.max() * REACH)


def conditional(
    values: Floats, weights: Floats, variance_model: VarianceModel, shares: Floats, rounds: int = 8
) -> tuple[Floats, Floats]:
    """Best asymptotes and deviance for given curve shapes.

    Parameters
    ----------
    values, weights : (W,) array
        Wells.
    shares : (G, W) array
        `shape` of each candidate at each well.
    rounds : int
        Rounds of reweighting (Fisher scoring); least squares of constant variance needs one.

    Returns
    -------
    asymptotes : (G, 2) array
        At dose 0 and at an infinite dose, within the bounds of the variance model.
    deviance : (G,) array
    """
    rest = 1 - shares
    # first weights from the values themselves, drawn toward their mean so that none is extreme
    mean = np.broadcast_to(0.5 * values + 0.5 * np.average(values, weights=weights), shares.shape)
    best = np.full(len(shares), np.inf)
    asymptotes = np.zeros((len(shares), 2))
    rounds = 1 if variance_model.name == "constant" else rounds
    for number in range(rounds):
        w = weights / variance_model.variance(mean)
        found = _bounded_pair(w, rest, shares, values, variance_model)
        mean = found[:, :1] * rest + found[:, 1:] * shares
        if number < rounds - 3:  # still far from settled
            continue
        deviance = variance_model.deviance(values, mean, weights)
        better = deviance < best
        best[better], asymptotes[better] = deviance[better], found[better]
    return asymptotes, best


def _bounded_pair(w: Floats, a: Floats, b: Floats, values: Floats, variance_model: VarianceModel) -> Floats:
    """Weighted least squares of ``values ~ p a + q b`` for each row, `p` and `q` within the bounds."""
    aa, ab, bb = (w * a * a).sum(1), (w * a * b).sum(1), (w * b * b).sum(1)
    ay, by = (w * a * values).sum(1), (w * b * values).sum(1)
    ridge = 1e-12 * (aa + bb)  # shapes that are flat over the tested doses
    aa, bb = aa + ridge, bb + ridge
    determinant = aa * bb - ab * ab
    p, q = (bb * ay - ab * by) / determinant, (aa * by - ab * ay) / determinant
    low, high = variance_model.low, variance_model.high
    if not (math.isfinite(low) or math.isfinite(high)):
        return np.column_stack([p, q])
    # of a convex problem in a box: free if inside, else the better of the two pinned solutions
    p_pinned = np.clip(p, low, high)
    q_given = np.clip((by - ab * p_pinned) / bb, low, high)
    q_pinned = np.clip(q, low, high)
    p_given = np.clip((ay - ab * q_pinned) / aa, low, high)

    def cost(one: Floats, two: Floats) -> Floats:
        return one * one * aa + 2 * one * two * ab + two * two * bb - 2 * (one * ay + two * by)

    first = cost(p_pinned, q_given) <= cost(p_given, q_pinned)
    return np.column_stack([np.where(first, p_pinned, p_given), np.where(first, q_given, q_pinned)])


def fit_curve(doses: Floats, values: Floats, weights: Floats, variance_model: VarianceModel) -> CurveFit:
    """Fit the curve; fractions whose wells differ by more than chance are weighted for it.

    See `fit_fixed` for the arguments. With fractions, the wells of a dose differ in more than the drawing of
    cells, and most so where the curve is steep. Williams 1982 (Appl. Statist. 31:144, model III): the
    variance of a fraction p of n cells is ``p (1 - p) / n * (1 + tau n p (1 - p))``, that is, wells differ by
    an SD of ``sqrt(tau)`` on the logit scale; `tau` is such that Pearson's chi² meets its expectation.

    Parameters
    ----------
    doses, values, weights : (W,) array
        Dose, value and weight of each well.
    """
    fit = fit_fixed(doses, values, weights, variance_model)
    if variance_model.name != "binomial":
        return fit
    for _ in range(2):
        shares = fit.at(fit.doses)
        inflation = _well_variance(fit, shares, np.asarray(weights, dtype=float))
        if inflation is None:
            break
        fit = fit_fixed(doses, values, weights / inflation, variance_model)
    return fit


def _well_variance(fit: CurveFit, mean: Floats, cells: Floats) -> Floats | None:
    """Factor by which the variance of each well exceeds the binomial, or None where none does."""
    variance = fit.variance_model.variance(mean)
    squares = (fit.values - mean) ** 2 / variance
    if float(np.sum(cells * squares)) <= fit.freedom:
        return None
    low, high = 0.0, 1.0
    for _ in range(60):
        tau = 0.5 * (low + high)
        if float(np.sum(cells / (1 + tau * cells * variance) * squares)) > fit.freedom:
            low = tau
        else:
            high = tau
    return 1 + high * cells * variance


def fit_fixed(doses: Floats, values: Floats, weights: Floats, variance_model: VarianceModel) -> CurveFit:
    """Fit the curve with given weights, on a grid over EC50 and slope, then finer grids around the best.

    Parameters
    ----------
    doses, values, weights : (W,) array
        Wells; more than 4, of at least 3 doses, values not all equal (the caller sees to it).
    variance_model : VarianceModel
        Variance model; its bounds hold for both asymptotes.

    Notes
    -----
    With the asymptotes solved, two parameters are left: few enough to search the whole range, so that no
    start has to be guessed and no local minimum is taken for the best.
    """
    doses, values, weights = (np.asarray(each, dtype=float) for each in (doses, values, weights))
    variance_model = variance_model.scaled_to(values)
    blank = CurveFit(doses, values, weights, variance_model, 0.0, 0.0, 0.0, 1.0, math.inf, 1.0)
    low, high = ec50_bounds(doses)
    centres, log_hills = np.linspace(low, high, 120), LOG_HILLS[::2]
    ec50_step, hill_step = centres[1] - centres[0], log_hills[1] - log_hills[0]
    log_ec50 = log_hill = 0.0
    asymptotes, deviance = np.zeros(2), math.inf
    for _ in range(9):
        first, second = (grid.ravel() for grid in np.meshgrid(centres, log_hills))
        _, pairs, deviances = blank.solve(first, second)
        best = int(np.argmin(deviances))
        if deviances[best] < deviance:
            log_ec50, log_hill = float(first[best]), float(second[best])
            asymptotes, deviance = pairs[best], float(deviances[best])
        around = np.linspace(-1.5, 1.5, 9)
        centres = np.clip(log_ec50 + ec50_step * around, low, high)
        log_hills = np.clip(log_hill + hill_step * around, LOG_HILLS[0], LOG_HILLS[-1])
        ec50_step, hill_step = 0.4 * ec50_step, 0.4 * hill_step
    hill = math.exp(log_hill)
    at_zero, at_infinity = map(float, asymptotes)
    mean = logistic(doses, at_zero, at_infinity, log_ec50, hill)
    phi = max(
        variance_model.pearson(values, mean, weights) / max(len(values) - PARAMETERS, 1),
        variance_model.phi_floor,
    )
    if phi <= 0:  # a perfect fit: no scatter to estimate it from
        phi = 1e-12 * max(float(np.var(values)), 1e-300)
    return CurveFit(
        doses, values, weights, variance_model, at_zero, at_infinity, log_ec50, hill, deviance, phi
    )


def profile_interval(fit: CurveFit, parameter: str, level: float = 0.95) -> tuple[float, float]:
    """Interval of the logarithm of one parameter by profile likelihood; an open end is -inf or inf.

    Parameters
    ----------
    parameter : {"ec50", "hill"}

    Notes
    -----
    The parameter is held, the other three are fitted again, and the deviance may rise by
    `CurveFit.threshold`. An end that is not met inside `ec50_bounds` or `HILL_RANGE` is open. An EC50 that a
    curve steeper than `HILL_RANGE` may have (`steep`) is in its interval.
    """
    if parameter == "ec50":
        centre, bounds, step = fit.log_ec50, ec50_bounds(fit.doses), 0.15
    else:
        centre, bounds, step = math.log(fit.hill), (LOG_HILLS[0], LOG_HILLS[-1]), 0.1
    limit = fit.deviance + fit.threshold(level)
    low, high = (_end(fit, parameter, centre, bound, step, limit) for bound in bounds)
    if parameter == "ec50" and (steeper := steep(fit, level)).ec50s:
        with np.errstate(divide="ignore"):
            further = np.log(steeper.ec50s)
        low, high = min(low, float(further.min())), max(high, float(further.max()))
    return low, high


@dataclass(frozen=True)
class Steep:
    """What curves of an endless slope, whose effect jumps at the EC50, leave open.

    Attributes
    ----------
    steps : tuple of (float, float)
        Neighbouring doses between which a jump fits within the threshold: no dose lies on the slope, and the
        EC50 may lie anywhere between the two. The lower one of the first may be 0.
    alone : tuple of float
        Doses that may be the only ones on the slope: below there is no effect, above the full one.
    """

    steps: tuple[tuple[float, float], ...]
    alone: tuple[float, ...]

    @property
    def ec50s(self) -> list[float]:
        """Ends of the EC50s that such curves may have."""
        return [*(dose for step in self.steps for dose in step), *self.alone]


def steep(fit: CurveFit, level: float = 0.95) -> Steep:
    """Jumps of the effect that are within the threshold of an interval.

    The limit of the curve where its slope grows without end: the share of the effect is 0 below a dose, 1
    above it, and anything between at it (``hill (log EC50 - log dose)`` may stay where it is). The slopes
    that are searched end where a curve is a step for the eye; the EC50s of steeper curves do not.

    Parameters
    ----------
    level : float
        Of the interval.
    """
    limit = fit.deviance + fit.threshold(level)
    doses = np.unique(fit.doses)

    def fits(*groups: npt.NDArray[np.bool_]) -> tuple[bool, list[float]]:
        mean, means = np.empty(len(fit.values)), []
        for group in groups:
            means.append(float(np.average(fit.values[group], weights=fit.weights[group])))
            mean[group] = means[-1]
        return float(fit.variance_model.deviance(fit.values, mean, fit.weights)) <= limit, means

    steps, alone = [], []
    for lower, upper in itertools.pairwise(doses.tolist()):
        if fits(fit.doses <= lower, fit.doses >= upper)[0]:
            steps.append((lower, upper))
    for dose in doses[1:-1].tolist():
        within, means = fits(fit.doses < dose, fit.doses == dose, fit.doses > dose)
        if within and min(means[0], means[2]) <= means[1] <= max(means[0], means[2]):
            alone.append(dose)
    return Steep(tuple(steps), tuple(alone))


def _end(fit: CurveFit, parameter: str, centre: float, bound: float, step: float, limit: float) -> float:
    """First crossing of `limit` by the profile between `centre` and `bound`, or ±inf."""
    sign = -1.0 if bound < centre or (bound == centre and bound < 0) else 1.0
    points = np.append(np.arange(centre, bound, sign * step), bound)
    for resolution in (0, 12, 12):
        if resolution:
            points = np.linspace(points[0], points[1], resolution)
        deviance = _profile(fit, parameter, points)
        deviance[0] = min(deviance[0], limit)  # inside, by the round before
        above = np.flatnonzero(deviance > limit)
        if not len(above):
            return sign * math.inf if not resolution else float(points[-1])
        first = int(above[0])
        points, rises = points[first - 1 : first + 1], deviance[first - 1 : first + 1]
    share = (limit - rises[0]) / max(rises[1] - rises[0], 1e-300)
    return float(points[0] + min(max(share, 0.0), 1.0) * (points[1] - points[0]))


def _profile(fit: CurveFit, parameter: str, points: Floats) -> Floats:
    """Least deviance with the parameter held at each of `points`."""
    if parameter == "ec50":
        others = LOG_HILLS
    else:
        low, high = ec50_bounds(fit.doses)
        near = fit.log_ec50 + np.linspace(-2, 2, 41)
        others = np.unique(np.clip(np.concatenate([near, np.linspace(low, high, 30)]), low, high))
    held, free = (grid.ravel() for grid in np.meshgrid(points, others, indexing="ij"))
    pair = (held, free) if parameter == "ec50" else (free, held)
    deviance = fit.solve(*pair)[2].reshape(len(points), len(others))
    return _row_minimum(others, deviance)


def _row_minimum(x: Floats, table: Floats) -> Floats:
    """Minimum of each row, by a parabola through the least entry and its neighbours."""
    place = np.clip(np.argmin(table, axis=1), 1, len(x) - 2)
    rows = np.arange(len(table))
    least = table.min(axis=1)
    x0, x1, x2 = x[place - 1], x[place], x[place + 1]
    y0, y1, y2 = table[rows, place - 1], table[rows, place], table[rows, place + 1]
    with np.errstate(all="ignore"):
        slope = (y1 - y0) / (x1 - x0)
        bend = ((y2 - y1) / (x2 - x1) - slope) / (x2 - x0)
        top = 0.5 * (x0 + x1 - slope / bend)
        value = y0 + slope * (top - x0) + bend * (top - x0) * (top - x1)
    inside = (bend > 0) & (top > x0) & (top < x2) & np.isfinite(value)
    # never below what a parabola of this bend can honestly gain over the entry
    return np.where(inside, np.clip(value, least - 0.5 * (table.max(axis=1) - least), least), least)
