"""Principal components from a covariance that grows block by block: exact, in memory of P x P."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from morphodose.reduction.variance import Floats


class Covariance:
    """Covariance of P features, blocks of rows added one by one.

    Blocks are multiplied in float32 and summed in float64: rows are centred (nearly) and scaled by the
    caller, so a block of some thousand rows loses no digit that matters, and the product is twice as fast.
    """

    def __init__(self, features: int) -> None:
        self.rows = 0
        self._sums: Floats = np.zeros(features)
        self._products: Floats = np.zeros((features, features))

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Add rows, (N, P), without missing values."""
        self.rows += len(values)
        self._sums += values.sum(axis=0, dtype=np.float64)
        self._products += values.T @ values  # NumPy sees the symmetry and computes one half

    def matrix(self) -> Floats:
        """Covariance over n - 1, (P, P)."""
        means = self._sums / max(self.rows, 1)
        matrix = self._products / max(self.rows - 1, 1)
        matrix -= np.outer(means, means) * (self.rows / max(self.rows - 1, 1))
        return matrix

    @property
    def mean(self) -> Floats:
        """Mean of what was added, (P,): how far the caller's centre was off."""
        return self._sums / max(self.rows, 1)


@dataclass(frozen=True)
class Components:
    """Principal components.

    Attributes
    ----------
    vectors : (K, P) array
        Unit vectors, the greatest variance first. The sign makes the entry of greatest size positive, as
        scikit-learn's does, so that a repeated run gives the same coordinates.
    variance : (K,) array
        Along each of them.
    total : float
        Variance of all features together.
    """

    vectors: Floats
    variance: Floats
    total: float

    @property
    def ratio(self) -> Floats:
        """Share of the total variance, (K,)."""
        return self.variance / self.total if self.total > 0 else np.zeros_like(self.variance)


def principal_components(covariance: Floats, count: int) -> Components:
    """The leading eigenvectors of a covariance.

    Parameters
    ----------
    covariance : (P, P) array
    count : int
        Number of components; at most P are given.
    """
    from scipy.linalg import eigh

    features = len(covariance)
    count = min(count, features)
    total = float(np.trace(covariance))
    values, vectors = eigh(covariance, subset_by_index=[features - count, features - 1])
    leading = np.ascontiguousarray(vectors[:, ::-1].T)
    largest = np.abs(leading).argmax(axis=1)
    signs = np.sign(leading[np.arange(count), largest])
    return Components(leading * signs[:, None], np.maximum(values[::-1], 0), total)
