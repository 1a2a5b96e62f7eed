"""How well a segmentation agrees with the truth: F1 and average precision at IoU thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Score:
    """Agreement of predicted with true objects at one IoU threshold.

    Attributes
    ----------
    threshold : float
        Intersection over union from which two objects count as the same.
    true_positives, false_positives, false_negatives : int
        Objects found; predicted ones that are not there; true ones that were missed.
    """

    threshold: float
    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); 1 where there was nothing to find and nothing was found."""
        total = 2 * self.true_positives + self.false_positives + self.false_negatives
        return 2 * self.true_positives / total if total else 1.0

    @property
    def average_precision(self) -> float:
        """TP / (TP + FP + FN), as in the 2018 Data Science Bowl."""
        total = self.true_positives + self.false_positives + self.false_negatives
        return self.true_positives / total if total else 1.0

    def __add__(self, other: Score) -> Score:
        """Counts of several images together; thresholds must be the same."""
        if other.threshold != self.threshold:
            raise ValueError(f"scores at {self.threshold} and {other.threshold} cannot be added")
        return Score(
            self.threshold,
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
        )


def iou_matrix(truth: Labels, predicted: Labels) -> npt.NDArray[np.float64]:
    """Intersection over union of each true with each predicted object.

    Parameters
    ----------
    truth, predicted : (Y, X) array of int
        Label masks; labels need not be consecutive.

    Returns
    -------
    (T, P) array
        Rows and columns in the order of the sorted labels, background left out.

    Raises
    ------
    ValueError
        If the two masks differ in shape.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"masks differ in shape: {truth.shape} and {predicted.shape}")
    true_labels, true_index = np.unique(truth, return_inverse=True)
    found_labels, found_index = np.unique(predicted, return_inverse=True)
    shape = (len(true_labels), len(found_labels))
    pairs = true_index.ravel().astype(np.int64) * shape[1] + found_index.ravel()
    overlap = np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape).astype(float)
    union = overlap.sum(axis=1, keepdims=True) + overlap.sum(axis=0, keepdims=True) - overlap
    iou: npt.NDArray[np.float64] = overlap / union
    return iou[np.ix_(true_labels != 0, found_labels != 0)]


def score(truth: Labels, predicted: Labels, thresholds: Sequence[float] = (0.5,)) -> list[Score]:
    """Count agreeing objects at each IoU threshold.

    Parameters
    ----------
    truth, predicted : (Y, X) array of int
        Label masks; 0 is background.
    thresholds : sequence of float
        From 0.5 to below 1. Above 0.5 an object can have one partner only, so that no assignment
        problem arises; a pair at exactly the threshold counts when it is each other's best.

    Raises
    ------
    ValueError
        If a threshold is not in [0.5, 1).

    Notes
    -----
    Caicedo et al., "Evaluation of deep learning strategies for nucleus segmentation in fluorescence
    images", Cytometry A 95:952 (2019), and Nature Methods 16:1247 (2019).
    """
    iou = iou_matrix(truth, predicted)
    results = []
    for threshold in thresholds:
        if not 0.5 <= threshold < 1:
            raise ValueError(f"an IoU threshold lies in [0.5, 1), got {threshold}")
        hits = iou >= threshold
        found = int(min(hits.any(axis=1).sum(), hits.any(axis=0).sum())) if hits.size else 0
        results.append(Score(threshold, found, iou.shape[1] - found, iou.shape[0] - found))
    return results
