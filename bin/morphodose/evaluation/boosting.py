"""Gradient boosting of small trees on features that were cut into quantiles before."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8]
#: Quantiles of a feature.
BINS = 32


class BinnedBoosting:
    """scikit-learn's ``HistGradientBoostingClassifier`` on quantiles, classes of equal weight.

    Where cells have weights, scikit-learn sorts a feature anew for each of its quantiles, which takes longer
    than the trees. Here quantiles are those of the unweighted training cells, found once; so few different
    values it takes as they are.

    Parameters
    ----------
    seed : int
    trees : int
        Trees of each class.
    """

    #: Boosting has no optimum to reach: it ends after its trees.
    converged_ = True

    def __init__(self, seed: int, trees: int = 60) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        self._trees: Any = HistGradientBoostingClassifier(
            max_iter=trees, max_leaf_nodes=15, min_samples_leaf=20, class_weight="balanced",
            early_stopping=False, random_state=seed,
        )  # fmt: skip

    def fit(self, matrix: npt.NDArray[np.floating], true: npt.NDArray[np.integer]) -> BinnedBoosting:
        """Fit to features (N, D) without missing values and their classes (N,)."""
        shares = np.arange(1, BINS) / BINS
        self._edges = np.quantile(matrix, shares, axis=0, method="inverted_cdf")
        self._trees.fit(self._coded(matrix), true)
        self.classes_ = self._trees.classes_
        return self

    def predict_proba(self, matrix: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Probability of each class, (N, K)."""
        return np.asarray(self._trees.predict_proba(self._coded(matrix)), dtype=np.float64)

    def _coded(self, matrix: npt.NDArray[np.floating]) -> Codes:
        """Which quantile each value is in, (N, D)."""
        codes = np.empty(matrix.shape, np.uint8, order="F")
        for column, edges in enumerate(self._edges.T):
            codes[:, column] = np.searchsorted(edges, matrix[:, column])
        return codes
