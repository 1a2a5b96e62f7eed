"""Ways to train: the reference's, and a modern one; and the weights of unequal classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Largest weight of a class.
HEAVIEST = 10.0

#: Below this many steps of the optimiser, or cells, a network is a trial and is called one.
TRIAL_STEPS, TRIAL_CELLS = 200, 1000


@dataclass(frozen=True)
class Preset:
    """How to train.

    Attributes
    ----------
    epochs, batch_size : int
        Passes over the training cells; cells per step, over all devices.
    learning_rate : float
        At the head, at the peak of the cycle; a tenth of it at the stem.
    optimizer : str
        ``adam`` or ``adamw``.
    weight_decay : float
        Of AdamW, decoupled.
    weigh_classes : bool
        Whether rare classes weigh more in the loss.
    clip : float
        Greatest norm of the gradients; 0: as they are, as in the reference workflow.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: str
    weight_decay: float
    weigh_classes: bool
    clip: float


PRESETS = {
    "reference": Preset(10, 16, 3e-5, "adam", 0.0, False, 0.0),
    "modern": Preset(10, 64, 1e-3, "adamw", 0.05, True, 1.0),
}


def class_weights(train: pd.DataFrame, classes: dict[str, tuple[str, ...]]) -> dict[str, tuple[float, ...]]:
    """Weight of each class, inverse to its number of cells, 1 on average over cells, at most `HEAVIEST`."""
    weights = {}
    for label, names in classes.items():
        given = train[f"Label_{label.capitalize()}"].value_counts()
        counts = np.array([given.get(name, 0) for name in names], np.float64)
        present = counts > 0
        weight = np.ones(len(names))
        weight[present] = np.minimum(counts.sum() / (present.sum() * counts[present]), HEAVIEST)
        weights[label] = tuple(float(value) for value in weight)
    return weights
