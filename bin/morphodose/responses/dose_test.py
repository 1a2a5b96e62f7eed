"""Does the dose do anything? A permutation test over wells, and the lack of fit of the curve."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from morphodose.responses.logistic import shape

Floats = npt.NDArray[np.float64]


def effect_p(
    doses: Floats,
    values: Floats,
    blocks: npt.NDArray[np.generic] | None = None,
    draws: int = 4999,
    seed: int = 1,
) -> float:
    """P value of "the wells do not differ with the dose", against any logistic curve.

    Parameters
    ----------
    doses, values : (W,) array
        Wells; values on a scale where they scatter alike.
    blocks : (W,) array, optional
        Wells are exchanged only within a block (a replicate, a plate).
    draws : int
        Permutations; the least P value is ``1 / (draws + 1)``.
    seed : int
        The same seed gives the same P value.

    Notes
    -----
    The statistic is the greatest squared correlation with a logistic curve over a grid of EC50s and slopes:
    a multiple contrast test (Bretz, Pinheiro & Branson 2005, MCP-Mod) with its distribution under
    permutation, which is exact for few wells. An F test of four parameters against one is not: under no
    effect the EC50 is not identified.
    """
    positive = doses[doses > 0]
    if np.ptp(values) == 0 or len(positive) == 0:
        return 1.0
    centres = np.linspace(np.log(positive.min() / 2), np.log(positive.max() * 2), 25)
    candidates = np.array([(centre, hill) for centre in centres for hill in (0.7, 1.5, 4.0)])
    shares = shape(doses[None, :], candidates[:, :1], candidates[:, 1:])
    groups = np.zeros(len(doses), dtype=int) if blocks is None else np.unique(blocks, return_inverse=True)[1]
    # what differs between blocks is no effect of the dose
    shares, centred = _within(shares, groups), _within(values[None, :], groups)[0]
    norms = np.sqrt((shares**2).sum(1, keepdims=True))
    contrasts = (shares / np.maximum(norms, 1e-12))[norms[:, 0] > 1e-9]
    total = float((centred**2).sum())
    if not len(contrasts) or total <= 0:
        return 1.0
    observed = float(((contrasts @ centred) ** 2).max())
    rng = np.random.default_rng(seed)
    exceeding = 0
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    for part in np.array_split(np.arange(draws), max(1, draws // 1000)):
        shuffled = np.empty((len(part), len(values)))
        for member in members:
            shuffled[:, member] = rng.permuted(np.tile(centred[member], (len(part), 1)), axis=1)
        greatest = ((shuffled @ contrasts.T) ** 2).max(axis=1)
        exceeding += int(np.count_nonzero(greatest >= observed * (1 - 1e-9)))
    return (exceeding + 1) / (draws + 1)


def _within(values: Floats, groups: npt.NDArray[np.int_]) -> Floats:
    """Rows less the mean of each group of columns."""
    result = values.astype(float).copy()
    for group in np.unique(groups):
        member = groups == group
        result[:, member] -= result[:, member].mean(axis=1, keepdims=True)
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


def benjamini_hochberg(p_values: Floats) -> Floats:
    """False discovery rates of a set of P values (Benjamini & Hochberg 1995); NaN stays NaN."""
    p = np.asarray(p_values, dtype=float)
    q = np.full(p.shape, np.nan)
    there = np.flatnonzero(np.isfinite(p))
    order = there[np.argsort(p[there])]
    running = 1.0
    for rank in range(len(order), 0, -1):
        running = min(running, p[order[rank - 1]] * len(order) / rank)
        q[order[rank - 1]] = running
    return q
