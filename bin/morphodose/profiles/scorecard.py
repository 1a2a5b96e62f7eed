"""The same figures for each set of features, and how far they are apart."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from morphodose.profiles.retrieval import interval

Resampled = dict[tuple[str, str], npt.NDArray[np.float64]]


def scorecard(
    scores: pd.DataFrame, resampled: Resampled, features: dict[str, int], wells: int
) -> pd.DataFrame:
    """A row for each set and score: the mean over the conditions that could be scored.

    Parameters
    ----------
    scores : pandas.DataFrame
        Rows of `score_conditions`, with their set.
    resampled : dict
        (set, score) → (C, B) array, mAP of each condition in each resample of wells.
    features : dict
        Set → number of features.
    wells : int
        Wells that have a profile in every set: all sets are scored on the same.
    """
    rows = []
    for (kind, score), again in resampled.items():
        part = scores[(scores["Set"] == kind) & (scores["Score"] == score)]
        scored = part[part["Reason"] == ""]
        row: dict[str, Any] = {
            "Set": kind, "Score": score, "N_Conditions": len(scored), "N_Wells": wells,
            "N_Features": features[kind], "Reason": "" if len(scored) else _why(part),
        }  # fmt: skip
        if len(scored):
            row |= {
                "mAP": scored["mAP"].mean(),
                "mAP_Normalised": scored["mAP_Normalised"].mean(),
                "Fraction_Found": float((scored["Q"] < 0.05).mean()),
            }
            row |= interval(mean_of(again))
            row["Low"], row["High"] = min(row["Low"], row["mAP"]), max(row["High"], row["mAP"])
        rows.append(row)
    return pd.DataFrame(rows)


def _why(part: pd.DataFrame) -> str:
    """The most frequent reason."""
    return str(part["Reason"].mode().iloc[0]) if len(part) else "no treated well has a profile"


def mean_of(resampled: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean over conditions in each resample; conditions that a resample cannot score are left out.

    Parameters
    ----------
    resampled : (C, R) array
        Scores by condition and resample.
    """
    there = np.isfinite(resampled)
    count = there.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(count > 0, np.where(there, resampled, 0).sum(axis=0) / count, np.nan))


def differences(scores: pd.DataFrame, resampled: Resampled) -> pd.DataFrame:
    """A row for each pair of sets and score: difference of the mean mAP, interval of paired resamples."""
    kinds = list(dict.fromkeys(kind for kind, _ in resampled))
    rows = []
    for score in dict.fromkeys(score for _, score in resampled):
        for against, kind in combinations(kinds, 2):
            means = {}
            for name in (kind, against):
                part = scores[(scores["Set"] == name) & (scores["Score"] == score) & (scores["Reason"] == "")]
                means[name] = part["mAP"].mean() if len(part) else np.nan
            difference = means[kind] - means[against]
            if np.isfinite(difference):
                paired = mean_of(resampled[kind, score]) - mean_of(resampled[against, score])
                row = {"Set": kind, "Against": against, "Score": score, "Difference": difference}
                rows.append(row | interval(paired))
    return pd.DataFrame(rows)
