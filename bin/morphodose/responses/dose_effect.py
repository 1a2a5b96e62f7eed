"""Does the dose do anything? Tests over wells under "no effect", and the lack of fit of the curve."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from morphodose.responses.logistic import shape

Floats = npt.NDArray[np.float64]

#: Draws after which a test ends if this many of them exceed what was observed: it will not become small.
FIRST_DRAWS, ENOUGH = 999, 40
#: With fewer draws beyond the observed value the tail is extrapolated, from this share of the draws.
FEW, TAIL_SHARE = 10, 0.05
#: Shapes of the tail: 0 is that of a Gaussian sample, see `tail_p`.
SHAPES = (0.0, 0.25)


def effect_p(
    doses: Floats,
    values: Floats,
    blocks: npt.NDArray[np.generic] | None = None,
    draws: int = 4999,
    seed: int = 1,
    weights: Floats | None = None,
    cells: Floats | None = None,
) -> float:
    """P value of "the wells do not differ with the dose", against any logistic curve.

    Parameters
    ----------
    doses, values : (W,) array
        Wells.
    blocks : (W,) array, optional
        Differences between blocks (replicates, plates) are not an effect; wells are exchanged within blocks.
    draws : int
        Greatest number of draws under "no effect".
    seed : int
        The same seed gives the same P value.
    weights : (W,) array, optional
        Inverse variances up to a factor; all alike without them.
    cells : (W,) array, optional
        The values are fractions of so many cells: draws are beta-binomial, not permutations.

    Notes
    -----
    The statistic is the greatest squared correlation with a logistic curve over a grid of EC50s and slopes:
    a multiple contrast test (Bretz, Pinheiro & Branson 2005, MCP-Mod). Its distribution under "no effect" is
    that of permuted residuals, divided by their standard deviations (Freedman & Lane 1983; a well of ten
    cells scatters more than one of three hundred, and may not be exchanged with it as it is). Of fractions,
    which are skewed and in steps where cells are few, it is a parametric bootstrap: beta-binomial counts
    with each block's fraction and the wells' overdispersion. An F test of four parameters against one is not
    valid: without effect the EC50 is not identified. Far tails are extrapolated, see `tail_p`.
    """
    positive = doses[doses > 0]
    if np.ptp(values) == 0 or len(positive) == 0:
        return 1.0
    groups = np.zeros(len(doses), dtype=int) if blocks is None else np.unique(blocks, return_inverse=True)[1]
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    centre, root, model = _null(doses, values, members, weights, cells)
    contrasts = _contrasts(doses, root, members)
    observed = _statistic(((values - centre) * root)[None, :], root, members, contrasts)[0]
    if not np.isfinite(observed):
        return 1.0
    rng = np.random.default_rng(seed)
    null = np.zeros(0)
    for count in (min(FIRST_DRAWS, draws), max(draws - FIRST_DRAWS, 0)):
        if not count or np.count_nonzero(null >= observed) >= ENOUGH:
            break
        drawn = model(rng, count)
        found = _statistic((drawn - centre) * root, root, members, contrasts)
        null = np.concatenate([null, np.where(np.isfinite(found), found, 0.0)])
    return max(tail_p(float(observed), null), 1 / arrangements(doses, groups))


def tail_p(observed: float, null: Floats) -> float:
    """P value of a squared correlation from draws under "no effect", beyond them by extrapolation.

    With `FEW` draws or more at or above the observed value, their share (Davison & Hinkley 1997). With
    fewer, a generalised Pareto tail (Pickands 1975; Knijnenburg et al. 2009, Bioinformatics 25:i161) fitted
    by probability-weighted moments (Hosking & Wallis 1987) to the greatest of them, on the scale
    ``-log(1 - R²)``: there the tail of a Gaussian sample is exponential (shape 0), so that no value has P 0.

    Parameters
    ----------
    null : (R,) array
        Squared correlations of the draws.
    """
    from scipy.stats import genpareto

    scale = 1e-9  # R² of a perfect curve
    exceeding = int(np.count_nonzero(null >= observed * (1 - 1e-9)))
    simple = (exceeding + 1) / (len(null) + 1)
    if exceeding >= FEW:
        return simple
    x = np.sort(-np.log(np.maximum(1 - null, scale)))
    count = max(int(TAIL_SHARE * len(x)), 2 * FEW)
    if len(x) <= 2 * count:
        return simple
    threshold = float(0.5 * (x[-count - 1] + x[-count]))
    beyond = x[-count:] - threshold
    first = float(beyond.mean())
    second = float((beyond * (count - np.arange(1, count + 1) + 0.35) / count).mean())
    if first <= 0 or first - 2 * second <= 0:
        return simple
    # Hosking and Wallis' k is -shape
    tail = float(np.clip(-(first / (first - 2 * second) - 2), *SHAPES))
    width = first * (1 - tail)
    far = -math.log(max(1 - observed, scale)) - threshold
    return min(simple, float(genpareto.sf(far, tail, scale=width)) * count / len(x))


def arrangements(doses: Floats, groups: npt.NDArray[np.generic]) -> float:
    """In how many ways the doses can be exchanged within blocks: no P value is below 1 over it.

    Parameters
    ----------
    doses, groups : (W,) array
        Dose and block of each well.
    """
    logarithm = 0.0
    for group in np.unique(groups):
        counts = np.unique(doses[groups == group], return_counts=True)[1]
        logarithm += math.lgamma(int(counts.sum()) + 1) - sum(math.lgamma(int(n) + 1) for n in counts)
    return math.exp(min(logarithm, 700.0))


def overdispersion(doses: Floats, fractions: Floats, cells: Floats) -> float:
    """Correlation of the cells of a well, by moments within doses; 0 where wells differ no more than coins.

    Without replicate wells it is taken over all doses, which makes the test cautious.

    Parameters
    ----------
    doses, fractions, cells : (W,) array
        Dose, fraction and number of cells of each well.
    """
    n = np.maximum(np.round(cells), 1)
    keys = doses if len(doses) - len(np.unique(doses)) >= 4 else np.zeros(len(doses))
    squares, freedom, slope = 0.0, 0.0, 0.0
    for key in np.unique(keys):
        mine = keys == key
        if mine.sum() < 2:
            continue
        p = float(np.clip(np.average(fractions[mine], weights=n[mine]), 1e-9, 1 - 1e-9))
        share = 1 - n[mine] / n[mine].sum()
        squares += float((n[mine] * (fractions[mine] - p) ** 2).sum()) / max(
            p * (1 - p), 0.25 / n[mine].sum()
        )
        freedom += float(share.sum())
        slope += float((share * (n[mine] - 1)).sum())
    return float(np.clip((squares - freedom) / slope, 0.0, 0.9)) if slope > 0 else 0.0


def _null(
    doses: Floats,
    values: Floats,
    members: list[npt.NDArray[np.int_]],
    weights: Floats | None,
    cells: Floats | None,
) -> tuple[Floats, Floats, Callable[[np.random.Generator, int], Floats]]:
    """Mean under "no effect", root of the weights, and a function that draws wells."""
    centre = np.empty(len(values))
    if cells is None:
        root = np.sqrt(np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float))
        for member in members:
            centre[member] = np.average(values[member], weights=root[member] ** 2)
        leverage = np.empty(len(values))
        for member in members:
            leverage[member] = root[member] ** 2 / (root[member] ** 2).sum()
        residuals = (values - centre) * root / np.sqrt(np.maximum(1 - leverage, 1e-9))

        def permuted(rng: np.random.Generator, count: int) -> Floats:
            drawn = np.empty((count, len(values)))
            for member in members:
                drawn[:, member] = rng.permuted(np.tile(residuals[member], (count, 1)), axis=1)
            return centre + drawn / root

        return centre, root, permuted
    n = np.maximum(np.round(cells), 1)
    rho = overdispersion(doses, values, n)
    w = n / (1 + (n - 1) * rho)
    for member in members:
        total = n[member].sum()
        mean = np.average(values[member], weights=w[member])
        centre[member] = np.clip(mean, 0.5 / total, 1 - 0.5 / total)
    root = np.sqrt(w / (centre * (1 - centre)))

    def binomial(rng: np.random.Generator, count: int) -> Floats:
        chance = np.tile(centre, (count, 1))
        if rho > 1e-4:
            size = 1 / rho - 1
            chance = rng.beta(centre * size, (1 - centre) * size, (count, len(values)))
        return rng.binomial(n.astype(np.int64), chance) / n

    return centre, root, binomial


def _contrasts(doses: Floats, root: Floats, members: list[npt.NDArray[np.int_]]) -> Floats:
    """Logistic shapes, weighted, without what differs between blocks, of length 1; (C, W)."""
    positive = doses[doses > 0]
    centres = np.linspace(np.log(positive.min() / 2), np.log(positive.max() * 2), 25)
    candidates = np.array([(centre, hill) for centre in centres for hill in (0.7, 1.5, 4.0)])
    shares = _within(shape(doses[None, :], candidates[:, :1], candidates[:, 1:]) * root, root, members)
    norms = np.sqrt((shares**2).sum(1, keepdims=True))
    # a shape that hardly differs over the wells is one well's rounding
    return (shares / np.maximum(norms, 1e-300))[norms[:, 0] > 1e-6 * np.sqrt((root**2).sum())]


def _statistic(rows: Floats, root: Floats, members: list[npt.NDArray[np.int_]], contrasts: Floats) -> Floats:
    """Greatest squared correlation of each row with a contrast; NaN where a row does not vary."""
    centred = _within(rows, root, members)
    total = (centred**2).sum(axis=1)
    if not len(contrasts):
        return np.full(len(rows), np.nan)
    greatest = ((centred @ contrasts.T) ** 2).max(axis=1)
    return np.divide(greatest, total, out=np.full(len(rows), np.nan), where=total > 1e-300)


def _within(rows: Floats, root: Floats, members: list[npt.NDArray[np.int_]]) -> Floats:
    """Weighted rows less their projection on each block."""
    result = np.array(rows, dtype=float)
    for member in members:
        unit = root[member] / np.sqrt((root[member] ** 2).sum())
        result[:, member] -= (result[:, member] @ unit)[:, None] * unit
    return result


def lack_of_fit(
    doses: Floats, values: Floats, fitted: Floats, weights: Floats, parameters: int = 4
) -> tuple[float, float]:
    """P value of the lack of fit, and the share of the differences between doses that the curve explains.

    Parameters
    ----------
    fitted : (W,) array
        The curve at each well.
    weights : (W,) array
        Inverse variances up to a factor.

    Returns
    -------
    p : float
        F test of the deviation of the doses' means from the curve against the scatter of replicate wells
        (Bates & Watts 1988, § 3.10); NaN without replicate wells, or with no more doses than parameters.
    r2 : float
        1 - (deviation of the doses' means from the curve) / (their deviation from the overall mean).
    """
    from scipy.special import fdtrc

    groups = [doses == dose for dose in np.unique(doses)]
    means = [np.average(values[g], weights=weights[g]) for g in groups]
    sums = [weights[g].sum() for g in groups]
    curve = [np.average(fitted[g], weights=weights[g]) for g in groups]
    pure = sum(float((weights[g] * (values[g] - m) ** 2).sum()) for g, m in zip(groups, means, strict=True))
    lack = sum(w * (m - c) ** 2 for w, m, c in zip(sums, means, curve, strict=True))
    overall = np.average(values, weights=weights)
    between = sum(w * (m - overall) ** 2 for w, m in zip(sums, means, strict=True))
    r2 = 1 - lack / between if between > 0 else float("nan")
    between_freedom, pure_freedom = len(groups) - parameters, len(values) - len(groups)
    if between_freedom < 1 or pure_freedom < 1 or pure <= 0:
        return float("nan"), float(r2)
    ratio = (lack / between_freedom) / (pure / pure_freedom)
    return float(fdtrc(between_freedom, pure_freedom, ratio)), float(r2)
