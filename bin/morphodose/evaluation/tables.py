"""Counts of all models to the tables of scores, differences, confusion and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from morphodose.evaluation.cells import SplitCells
from morphodose.evaluation.intervals import difference_of, interval_of
from morphodose.evaluation.labels import Classes
from morphodose.evaluation.metrics import BINS, Tally
from morphodose.evaluation.predictions import RANDOM

#: Models in the order of the tables.
ORDER = (
    "network", "network_permuted", RANDOM, "majority", "position", "intensity", "classical_logistic",
    "classical_boosting", "probe_trained", "probe_untrained", "probe_imagenet",
)  # fmt: skip
NONE = "none"
Tallies = Mapping[tuple[str, str], Tally]
Row = dict[str, Any]


def models_of(tallies: Tallies, label: str) -> dict[str, Tally]:
    """Counts of the models that scored a label, in order."""
    found = {model: tally for (model, name), tally in tallies.items() if name == label and tally.cells.any()}
    return {model: found[model] for model in ORDER if model in found}


def score_rows(tallies: Tallies, classes: Mapping[str, Classes], cells: SplitCells, seed: int) -> list[Row]:
    """Every metric of every model, with intervals over wells."""
    rows: list[Row] = []
    for label in classes:
        for model, tally in models_of(tallies, label).items():
            counts = {
                "N_Wells": int((tally.cells > 0).sum()),
                "N_Cells": int(tally.cells.sum()),
                "N_Unconverged": tally.unconverged,
            }
            split = "random cells" if model == RANDOM else "held-out"
            for metric, found in interval_of(tally, classes[label], cells.strata, seed).items():
                value = {"Value": found.value, "Low": found.low, "High": found.high}
                keys = {"Model": model, "Label": label.capitalize(), "Split": split, "Metric": metric}
                rows.append({**keys, **value, **counts})
    return rows


def difference_rows(
    tallies: Tallies, classes: Mapping[str, Classes], cells: SplitCells, seed: int
) -> list[Row]:
    """Paired differences: the network against every model, every model against the majority class."""
    rows: list[Row] = []
    for label in classes:
        models = models_of(tallies, label)
        for model, against in _pairs(list(models)):
            found = difference_of(models[model], models[against], classes[label], cells.strata, seed)
            for metric, less in found.items():
                value = {"Difference": less.value, "Low": less.low, "High": less.high}
                keys = {"Model": model, "Against": against, "Label": label.capitalize(), "Metric": metric}
                rows.append({**keys, **value})
    return rows


def _pairs(models: Sequence[str]) -> list[tuple[str, str]]:
    """Which models are compared: (model, against)."""
    pairs = [("network", model) for model in models if model not in ("network", RANDOM)]
    pairs += [(model, "majority") for model in models if model not in ("network", "majority")]
    pairs.append((RANDOM, "network"))
    return [pair for pair in pairs if set(pair) <= set(models)]


def confusion_rows(tallies: Tallies, classes: Mapping[str, Classes]) -> list[Row]:
    """Cells by true and predicted class; ``none`` where a model gave none."""
    rows: list[Row] = []
    for label, known in classes.items():
        for model, tally in models_of(tallies, label).items():
            counts = tally.confusion.sum(axis=0)
            names = [*known.names, NONE] if counts[:, -1].any() else list(known.names)
            for i, true in enumerate(known.names):
                total = counts[i].sum()
                for j, predicted in enumerate(names):
                    keys = {"Model": model, "Label": label.capitalize(), "True": true, "Predicted": predicted}
                    share = counts[i, j] / total if total else np.nan
                    rows.append({**keys, "Count": int(counts[i, j]), "Fraction": share})
    return rows


def calibration_rows(tallies: Tallies, classes: Mapping[str, Classes]) -> list[Row]:
    """Confidence and accuracy of each bin of confidence that has cells."""
    rows: list[Row] = []
    for label in classes:
        for model, tally in models_of(tallies, label).items():
            count, confidence, right = tally.bins.sum(axis=0)
            for each in range(BINS):
                if count[each]:
                    keys = {"Model": model, "Label": label.capitalize(), "Bin": each}
                    means = {
                        "Confidence": confidence[each] / count[each],
                        "Accuracy": right[each] / count[each],
                    }
                    rows.append({**keys, **means, "Count": int(count[each])})
    return rows
