"""Scores from counts: each well's confusion matrix is all that is kept of a million predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from morphodose.evaluation.labels import Classes

Array = npt.NDArray[np.float64]
#: Bins of confidence, equally wide.
BINS = 10
#: Metrics of a label in their order; `mae_steps` where its classes are ordered, `mae_hours` for times.
METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "mae_steps", "mae_hours", "ece")


@dataclass
class Tally:
    """Counted predictions of one model for one label.

    Attributes
    ----------
    confusion : (U, K, K + 1) array of int
        Cells of each well by true and predicted class; the last column counts cells that were given none
        (no output above the threshold), which are never right.
    bins : (U, 3, BINS) array
        Cells, sum of the confidences, and right predictions of each well in each bin of confidence.
    unconverged : int
        Trainings of the model, one per fold, that stopped before they had converged.
    """

    confusion: npt.NDArray[np.int64]
    bins: Array
    unconverged: int = 0

    @classmethod
    def empty(cls, units: int, classes: int) -> Tally:
        """A tally without predictions."""
        return cls(np.zeros((units, classes, classes + 1), np.int64), np.zeros((units, 3, BINS)))

    def add(
        self,
        unit: npt.NDArray[np.integer],
        true: npt.NDArray[np.integer],
        predicted: npt.NDArray[np.integer],
        confidence: npt.NDArray[np.floating],
        weight: npt.NDArray[np.integer] | None = None,
    ) -> None:
        """Count predictions.

        Parameters
        ----------
        unit, true, predicted : (N,) arrays of int
            Index of the well and of the classes; -1 where there is no prediction.
        confidence : (N,) array
            Probability that the model gave to what it predicted; NaN without one, which no bin counts.
        weight : (N,) array of int, optional
            Cells that each row stands for.
        """
        units, classes = self.confusion.shape[:2]
        count = np.ones(len(unit), np.int64) if weight is None else weight
        column = np.where(predicted < 0, classes, predicted)
        place = (unit * classes + true) * (classes + 1) + column
        found = np.bincount(place, weights=count, minlength=self.confusion.size)
        self.confusion += found.astype(np.int64).reshape(self.confusion.shape)
        known = np.isfinite(confidence)
        sure = confidence[known].astype(np.float64)
        place = unit[known] * BINS + np.clip((sure * BINS).astype(np.int64), 0, BINS - 1)
        right = (predicted == true)[known]
        for row, amount in enumerate((np.ones_like(sure), sure, right)):
            sums = np.bincount(place, weights=amount * count[known], minlength=units * BINS)
            self.bins[:, row] += sums.reshape(units, BINS)

    @property
    def cells(self) -> npt.NDArray[np.int64]:
        """Scored cells of each well, (U,)."""
        return self.confusion.sum(axis=(1, 2))

    def weighed(self, weights: Array) -> tuple[Array, Array]:
        """Confusion (B, K, K + 1) and bins (B, 3, BINS) of B resamples; `weights` is (B, U)."""
        units = len(self.confusion)
        confusion = weights @ self.confusion.reshape(units, -1).astype(np.float64)
        bins = weights @ self.bins.reshape(units, -1)
        return confusion.reshape(-1, *self.confusion.shape[1:]), bins.reshape(-1, *self.bins.shape[1:])


def scores(confusion: Array, bins: Array, classes: Classes) -> dict[str, Array]:
    """All metrics of a label.

    Parameters
    ----------
    confusion : (..., K, K + 1) array
        Of `Tally`; the counts may be weighed.
    bins : (..., 3, BINS) array
    classes : Classes

    Returns
    -------
    dict of str to array
        Metric → value of each leading index; NaN where nothing was scored. ``ece`` is left out where the
        model gives no probabilities.
    """
    found = {
        "accuracy": accuracy(confusion),
        "balanced_accuracy": balanced_accuracy(confusion),
        "macro_f1": macro_f1(confusion),
    }
    if classes.ordinal:
        found["mae_steps"] = mean_distance(confusion, np.arange(len(classes.names), dtype=np.float64))
        if classes.unit == "h":
            found["mae_hours"] = mean_distance(confusion, np.array(classes.values))
    if bins.any():
        found["ece"] = calibration_error(bins)
    return found


def _ratio(above: Array, below: Array) -> Array:
    """Quotient; NaN where there is nothing below."""
    return np.divide(above, below, out=np.full(np.broadcast(above, below).shape, np.nan), where=below > 0)


def _right(confusion: Array) -> Array:
    """Right predictions of each class, (..., K)."""
    return np.diagonal(confusion[..., :-1], axis1=-2, axis2=-1)


def _mean_of_known(values: Array) -> Array:
    """Mean over the last axis, NaN left out; NaN where all are."""
    known = np.isfinite(values)
    return _ratio(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


def accuracy(confusion: Array) -> Array:
    """Share of right predictions."""
    return _ratio(_right(confusion).sum(axis=-1), confusion.sum(axis=(-2, -1)))


def balanced_accuracy(confusion: Array) -> Array:
    """Mean recall over the classes that occur; scikit-learn's ``balanced_accuracy_score``."""
    return _mean_of_known(_ratio(_right(confusion), confusion.sum(axis=-1)))


def macro_f1(confusion: Array) -> Array:
    """Mean F1 over the classes that occur or are predicted; scikit-learn's ``f1_score(average="macro")``."""
    total = confusion.sum(axis=-1) + confusion[..., :-1].sum(axis=-2)
    return _mean_of_known(_ratio(2 * _right(confusion), total))


def mean_distance(confusion: Array, values: Array) -> Array:
    """Mean absolute difference of true and predicted value; a cell given none counts as far off as can be."""
    distance = np.abs(values[:, None] - values[None])
    distance = np.concatenate([distance, distance.max(axis=1, keepdims=True)], axis=1)
    return _ratio((confusion * distance).sum(axis=(-2, -1)), confusion.sum(axis=(-2, -1)))


def calibration_error(bins: Array) -> Array:
    """Expected calibration error: mean |accuracy − confidence| of the bins, weighed by their cells.

    Source: Guo et al. 2017, ICML, PMLR 70:1321.
    """
    gap = np.abs(bins[..., 2, :] - bins[..., 1, :]).sum(axis=-1)
    return _ratio(gap, bins[..., 0, :].sum(axis=-1))
