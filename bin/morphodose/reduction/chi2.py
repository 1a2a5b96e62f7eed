"""Chi-squared of each feature against a label, from sums over blocks of rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from morphodose.reduction.variance import Floats, is_complete


class ClassSums:
    """Sums of P features in each of C classes.

    Attributes
    ----------
    rows : (C,) array
        Rows of each class.
    """

    def __init__(self, classes: int, features: int) -> None:
        self.rows: Floats = np.zeros(classes)
        self._count: Floats = np.zeros((classes, features))
        self._sums: Floats = np.zeros((classes, features))
        self._shift: npt.NDArray[np.float32] | None = None

    def add(self, values: npt.NDArray[np.float32], codes: npt.NDArray[np.integer]) -> None:
        """Add rows.

        Parameters
        ----------
        values : (N, P) array of float32
            NaN where a value is missing.
        codes : (N,) array of int
            Class of each row; rows below 0 are left out.
        """
        if not len(values):
            return
        complete = is_complete(values)
        if self._shift is None:
            # near the values, so that their differences keep their digits in float32
            first = values[:64] if complete else np.where(np.isfinite(values[:64]), values[:64], 0)
            self._shift = first.mean(axis=0, dtype=np.float64).astype(np.float32)
        shifted = values - self._shift
        member = (np.arange(len(self.rows))[:, None] == codes[None, :]).astype(np.float32)
        rows = member.sum(axis=1, dtype=np.float64)
        if complete:
            self._count += rows[:, None]
        else:
            there = np.isfinite(values)
            shifted = np.where(there, shifted, 0)
            self._count += member @ there.astype(np.float32)
        self._sums += member @ shifted
        self.rows += rows

    def mean(self, number: int) -> Floats:
        """Mean of each feature in one class, over the rows with a value; NaN where there is none."""
        shift = 0.0 if self._shift is None else self._shift.astype(np.float64)
        count = self._count[number]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(count > 0, self._sums[number] / count, np.nan) + shift)

    def scores(
        self, low: Floats, high: Floats, fill: Floats, strata: Sequence[Floats] | None = None
    ) -> Floats:
        """Chi-squared of each feature scaled to 0 … 1 against the classes.

        Parameters
        ----------
        low, high : (P,) array
            Range that is scaled to 0 … 1.
        fill : (P,) or (C, P) array
            Value of missing entries, or that of each class.
        strata : sequence of (K, C) array, optional
            For each stratum, which of the C classes make up its K ones. Chi-squared is computed within each
            and summed, so that what differs between strata alone (two cell lines) scores nothing.

        Returns
        -------
        (P,) array
            As `sklearn.feature_selection.chi2` of the scaled features; 0 for a constant feature. Its
            P values are not given: cells of a well are not independent observations.
        """
        shift = 0.0 if self._shift is None else self._shift.astype(np.float64)
        gone = self.rows[:, None] - self._count
        sums = self._sums + self._count * shift + gone * np.where(np.isfinite(fill), fill, 0)
        span = high - low
        usable = np.isfinite(span) & (span > 0)
        safe = np.where(usable, span, 1.0)
        observed = (sums - self.rows[:, None] * np.where(usable, low, 0)) / safe
        total = np.zeros(len(safe))
        for of in [np.eye(len(self.rows))] if strata is None else strata:
            total += _statistic(of @ observed, of @ self.rows)
        return np.asarray(np.where(usable, total, 0.0))


def _statistic(observed: Floats, rows: Floats) -> Floats:
    """Sum over classes of (observed - expected)² / expected, of each feature."""
    expected = rows[:, None] / max(rows.sum(), 1) * observed.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        terms = np.where(expected > 0, (observed - expected) ** 2 / expected, 0)
    return np.asarray(terms.sum(axis=0))
