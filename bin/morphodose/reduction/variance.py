"""Count, mean, variance and range of each feature, over blocks of rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def is_complete(values: npt.NDArray[np.floating]) -> bool:
    """True if no value is missing; sums are cheaper than a look at each value.

    Parameters
    ----------
    values : (N, P) array
        Features.
    """
    return bool(np.isfinite(values.sum(axis=0)).all()) or bool(np.isfinite(values).all())


class Moments:
    """Moments of P features, blocks of rows added one by one.

    Variances are merged by the formula of Chan, Golub, LeVeque (1983, Am. Stat. 37:242), which does not
    lose the digits that a sum of squares loses where the mean is large.

    Attributes
    ----------
    rows : int
        Rows so far.
    count : (P,) array
        Rows with a value.
    mean, low, high : (P,) array
        Of those; NaN (mean) and ±inf where there is none.
    """

    def __init__(self, features: int) -> None:
        self.rows = 0
        self.count: Floats = np.zeros(features)
        self.mean: Floats = np.zeros(features)
        self.low: Floats = np.full(features, np.inf)
        self.high: Floats = np.full(features, -np.inf)
        self._squares: Floats = np.zeros(features)

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Add rows.

        Parameters
        ----------
        values : (N, P) array of float32
            NaN where a value is missing.
        """
        if not len(values):
            return
        self.rows += len(values)
        if is_complete(values):
            count: Floats = np.full(values.shape[1], float(len(values)))
            mean = values.mean(axis=0, dtype=np.float64)
            centred = values - mean.astype(np.float32)
            low, high = values.min(axis=0), values.max(axis=0)
        else:
            there = np.isfinite(values)
            count = there.sum(axis=0).astype(np.float64)
            some = np.maximum(count, 1)
            mean = np.where(there, values, 0).sum(axis=0, dtype=np.float64) / some
            centred = np.where(there, values - mean.astype(np.float32), 0)
            low = np.where(there, values, np.inf).min(axis=0)
            high = np.where(there, values, -np.inf).max(axis=0)
        squares = np.einsum("ij,ij->j", centred, centred, dtype=np.float64)
        squares -= count * (mean - mean.astype(np.float32)) ** 2  # centred on the rounded mean
        total = self.count + count
        some = np.maximum(total, 1)
        step = mean - self.mean
        self._squares += np.maximum(squares, 0) + step**2 * self.count * count / some
        self.mean += step * count / some
        self.count = total
        self.low = np.minimum(self.low, low)
        self.high = np.maximum(self.high, high)

    @property
    def missing(self) -> Floats:
        """Fraction of rows without a value."""
        return 1 - self.count / max(self.rows, 1)

    def filled(self, fill: Floats, gone: Floats | None = None) -> tuple[Floats, Floats]:
        """Mean and variance (over n - 1) after missing values are replaced by `fill`.

        Parameters
        ----------
        fill : (P,) or (G, P) array
            The value, or one for each group of rows.
        gone : (G, P) array, optional
            Rows of each group without a value.

        Returns
        -------
        mean, variance : (P,) array
        """
        missing = (self.rows - self.count)[None] if gone is None else gone
        mean = (self.count * self.mean + (missing * fill).sum(axis=0)) / max(self.rows, 1)
        squares = self._squares + self.count * (self.mean - mean) ** 2
        squares += (missing * (fill - mean) ** 2).sum(axis=0)
        return mean, squares / max(self.rows - 1, 1)

    def constant(self) -> npt.NDArray[np.bool_]:
        """Features whose values differ by nothing, or by no more than the rounding of float32."""
        size = np.maximum(np.abs(self.low), np.abs(self.high))
        spread = np.sqrt(self._squares / np.maximum(self.count, 1))
        found: npt.NDArray[np.bool_] = (self.count < 2) | (self.high <= self.low) | (spread <= 1e-6 * size)
        return found
