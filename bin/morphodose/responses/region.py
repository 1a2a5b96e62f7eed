"""All curves that the likelihood allows: bands, asymptotes, other doses of effect."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from morphodose.responses.logistic import shape
from morphodose.responses.profile_likelihood import LOG_HILLS, CurveFit, ec50_bounds

Floats = npt.NDArray[np.float64]

#: Slopes beyond those that are searched, as logarithms: a jump between two doses, which may lie anywhere.
STEEPER = np.log([20.0, 50.0, 1000.0])


@dataclass(frozen=True)
class Region:
    """Candidates of EC50 and slope whose deviance is within the threshold of an interval.

    Attributes
    ----------
    fit : CurveFit
    log_ec50, log_hill : (G,) array
    asymptotes : (G, 2) array
        The best at dose 0 and at an infinite dose.
    slack : (G,) array
        What is left of the threshold; the ellipse of further asymptotes has this radius.
    curvature : (G, 3) array
        Sums of squares and products of both asymptotes' shares: aa, ab, bb.
    """

    fit: CurveFit
    log_ec50: Floats
    log_hill: Floats
    asymptotes: Floats
    slack: Floats
    curvature: Floats

    def values(self, dose: float) -> tuple[Floats, Floats]:
        """Value at a dose, of each candidate, and how far its asymptotes let it move."""
        share = shape(dose, self.log_ec50, np.exp(self.log_hill))
        aa, ab, bb = self.curvature.T
        determinant = np.maximum(aa * bb - ab * ab, 1e-12 * (aa + bb) ** 2)
        middle = self.asymptotes[:, 0] * (1 - share) + self.asymptotes[:, 1] * share
        spread = (bb * (1 - share) ** 2 - 2 * ab * share * (1 - share) + aa * share**2) / determinant
        return middle, np.sqrt(self.slack * np.maximum(spread, 0))

    def interval(self, function: Callable[[Floats, Floats, Floats], Floats]) -> tuple[float, float]:
        """Range over the candidates of a function of log EC50, log slope and asymptotes; NaN left out.

        The asymptotes are taken on the ellipse of those allowed, too, in eight directions.
        """
        aa, ab, bb = self.curvature.T
        first = np.sqrt(np.maximum(aa, 1e-300))
        second = np.sqrt(np.maximum(bb - ab * ab / np.maximum(aa, 1e-300), 1e-12 * (aa + bb)))
        parts = [function(self.log_ec50, self.log_hill, self.asymptotes)]
        for angle in np.arange(8) * math.pi / 4:
            q = math.sin(angle) / second
            p = (math.cos(angle) - ab / first * q) / first
            moved = self.asymptotes + np.sqrt(self.slack)[:, None] * np.column_stack([p, q])
            moved = np.clip(moved, self.fit.variance_model.low, self.fit.variance_model.high)
            parts.append(function(self.log_ec50, self.log_hill, moved))
        found = np.concatenate(parts)
        found = found[~np.isnan(found)]
        return (float(found.min()), float(found.max())) if len(found) else (math.nan, math.nan)


def region(fit: CurveFit, level: float = 0.95) -> Region:
    """Candidates on a grid that a profile likelihood interval of `level` holds."""
    low, high = ec50_bounds(fit.doses)
    near = np.clip(fit.log_ec50 + np.linspace(-2.5, 2.5, 61), low, high)
    tested = np.log(np.unique(fit.doses[fit.doses > 0]))  # a jump may lie right beside a dose
    centres = np.unique(
        np.concatenate([near, np.linspace(low, high, 40), tested - 0.01, tested + 0.01, [fit.log_ec50]])
    )
    log_hills = np.unique(np.concatenate([LOG_HILLS, STEEPER, [math.log(fit.hill)]]))
    first, second = (each.ravel() for each in np.meshgrid(centres, log_hills))
    shares, asymptotes, deviance = fit.solve(first, second)
    slack = fit.deviance + fit.threshold(level) - deviance
    keep = slack >= 0
    shares, asymptotes = shares[keep], asymptotes[keep]
    mean = asymptotes[:, :1] * (1 - shares) + asymptotes[:, 1:] * shares
    w = fit.weights / fit.variance_model.variance(mean)
    curvature = np.column_stack(
        [(w * (1 - shares) ** 2).sum(1), (w * shares * (1 - shares)).sum(1), (w * shares**2).sum(1)]
    )
    return Region(fit, first[keep], second[keep], asymptotes, slack[keep], curvature)


def band(allowed: Region, grid: Floats) -> tuple[Floats, Floats]:
    """Pointwise interval of the curve: the range of all curves the likelihood allows.

    Parameters
    ----------
    allowed : Region
    grid : (D,) array
        Doses; infinity is the upper asymptote.

    Returns
    -------
    low, high : (D,) array
        Within what the variance model allows, and within twice the range of the wells beyond them.
    """
    fit = allowed.fit
    estimate = fit.at(grid)
    low, high = estimate.copy(), estimate.copy()
    for position, dose in enumerate(grid if len(allowed.slack) else []):
        middle, half = allowed.values(float(dose))
        low[position] = min(estimate[position], float((middle - half).min()))
        high[position] = max(estimate[position], float((middle + half).max()))
    reach = 2 * float(np.ptp(fit.values)) or 1.0
    return (
        np.maximum(low, max(fit.variance_model.low, fit.values.min() - reach)),
        np.minimum(high, min(fit.variance_model.high, fit.values.max() + reach)),
    )
