"""How well values scatter around a curve: the variance models of the fits.

Each is a quasi-likelihood (Wedderburn 1974; McCullagh & Nelder 1989, ch. 9): the variance of a well is
``phi * V(mean) / weight``, with `phi` estimated from the wells, so that differences between wells beyond
the counting of cells widen every interval.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class VarianceModel:
    """A variance model.

    Attributes
    ----------
    name : {"constant", "binomial", "mean", "mean2"}
        V(mean): 1; mean (1 - mean), for fractions, weight = cells of the well; mean, for numbers of cells
        (Poisson); mean², for positive values with a constant relative error (gamma).
    low, high : float
        What the asymptotes may be.
    phi_floor : float
        Least dispersion. 1 for fractions: cells in wells scatter at least as much as coins, so a lucky
        agreement of three wells must not shrink an interval.
    tiny : float
        Means are kept this far from the ends of their range.
    """

    name: str
    low: float = -np.inf
    high: float = np.inf
    phi_floor: float = 0.0
    tiny: float = 1e-4

    def scaled_to(self, values: Floats) -> VarianceModel:
        """The model with its smallest mean in proportion to the values.

        Parameters
        ----------
        values : (W,) array
            Values of the wells.
        """
        if self.name in ("mean", "mean2"):
            return replace(self, tiny=1e-3 * max(float(np.mean(np.abs(values))), 1e-300))
        return self

    def clip(self, mean: Floats) -> Floats:
        """Means inside the open range of the model.

        Parameters
        ----------
        mean : (…, W) array
            Means of the wells.
        """
        if self.name == "binomial":
            return np.clip(mean, self.tiny, 1 - self.tiny)
        return mean if self.name == "constant" else np.maximum(mean, self.tiny)

    def variance(self, mean: Floats) -> Floats:
        """V(mean).

        Parameters
        ----------
        mean : (…, W) array
            Means of the wells.
        """
        mean = self.clip(mean)
        if self.name == "constant":
            return np.ones_like(mean)
        return {"binomial": mean * (1 - mean), "mean": mean, "mean2": mean * mean}[self.name]

    def deviance(self, values: Floats, mean: Floats, weights: Floats) -> Floats:
        """Deviance, summed over the last axis.

        Parameters
        ----------
        values, weights : (W,) array
            Value and weight of each well.
        mean : (…, W) array
            Means of the wells.
        """
        if self.name == "constant":
            return np.sum(weights * (values - mean) ** 2, axis=-1)
        mean = self.clip(mean)
        if self.name == "binomial":
            parts = _xlogy(values, mean) + _xlogy(1 - values, 1 - mean)
        elif self.name == "mean":
            parts = _xlogy(values, mean) - (values - mean)
        else:
            ratio = np.maximum(values, self.tiny) / mean
            parts = ratio - 1 - np.log(ratio)
        return np.sum(2 * weights * np.maximum(parts, 0), axis=-1)

    def pearson(self, values: Floats, mean: Floats, weights: Floats) -> float:
        """Pearson's chi², the sum of squared residuals over V(mean).

        Parameters
        ----------
        values, mean, weights : (W,) array
            Value, mean and weight of each well.
        """
        return float(np.sum(weights * (values - mean) ** 2 / self.variance(mean)))


CONSTANT = VarianceModel("constant")
BINOMIAL = VarianceModel("binomial", 0.0, 1.0, 1.0)
MEAN = VarianceModel("mean", 0.0, np.inf)
MEAN2 = VarianceModel("mean2", 0.0, np.inf)


def choose_variance_model(
    doses: Floats, values: Floats, weights: Floats | None = None, least_ratio: float = 1.3
) -> VarianceModel:
    """Constant variance or a power of the mean, whichever the replicate wells speak for.

    Parameters
    ----------
    doses, values : (W,) array
        Wells.
    weights : (W,) array, optional
        Inverse variances up to a factor, beside what the mean does.
    least_ratio : float
        Greatest over least dose mean below which the question makes no difference.

    Notes
    -----
    ``SD ~ mean ** power`` with power 0, ½ or 1, by the restricted likelihood of the scatter within doses
    (Carroll & Ruppert 1988, *Transformation and Weighting in Regression*, ch. 3). A ratio of intensities
    that rises sevenfold has errors that rise too; equal weights make the interval of its EC50 too short.
    """
    w = np.ones(len(values)) if weights is None else weights
    groups = [doses == dose for dose in np.unique(doses) if (doses == dose).sum() > 1]
    if not groups or values.min() <= 0:
        return CONSTANT
    means = np.array([np.average(values[group], weights=w[group]) for group in groups])
    if means.max() < least_ratio * means.min():
        return CONSTANT
    freedom = np.array([group.sum() - 1 for group in groups], dtype=float)
    squares = np.array(
        [(w[group] * (values[group] - m) ** 2).sum() for group, m in zip(groups, means, strict=True)]
    )
    total = freedom.sum()

    def criterion(power: float) -> float:
        scale = means ** (2 * power)
        sigma2 = max(float((squares / scale).sum() / total), 1e-300)
        return float(total * np.log(sigma2) + (freedom * np.log(scale)).sum())

    costs = [criterion(power) for power in (0.0, 0.5, 1.0)]
    return (CONSTANT, MEAN, MEAN2)[int(np.argmin(costs))]


def _xlogy(x: Floats, mean: Floats) -> Floats:
    """``x log(x / mean)``, 0 at x = 0."""
    return np.where(x > 0, x * np.log(np.maximum(x, 1e-300) / mean), 0.0)
