"""What a network says of cells: probabilities, classes, losses, and the table of held-out predictions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from morphodose.deep.data import CropDataset, EpochBatches, crop_loader
from morphodose.deep.heads import MISSING, count_outputs, loss, predicted_classes, probabilities
from morphodose.deep.network import Network, prepare
from morphodose.deep.processes import summed
from morphodose.deep.recipe import Recipe
from morphodose.deep.rows import KEYS

#: Cells per batch, without gradients.
BATCH = 128


@dataclass(frozen=True)
class Predicted:
    """Predictions of some cells, in their order.

    Attributes
    ----------
    probabilities : dict
        (N, K) float32 by label.
    classes : dict
        (N,) class numbers by label.
    accuracy : dict
        Share of right classes by label, among the cells that have it; NaN where none has.
    loss : float
        Mean loss.
    """

    probabilities: dict[str, npt.NDArray[np.float32]]
    classes: dict[str, npt.NDArray[np.int64]]
    accuracy: dict[str, float]
    loss: float


@torch.inference_mode()
def predict(
    network: Network,
    data: CropDataset,
    recipe: Recipe,
    device: torch.device,
    autocast: Callable[[], AbstractContextManager],
    workers: int = 0,
    part: tuple[int, int] = (0, 1),
) -> Predicted:
    """Predict all cells of `data`; the mode of the network is left as it was.

    Parameters
    ----------
    network, recipe, device
        As trained.
    data : CropDataset
        Cells, unchanged (``augment=False``).
    autocast : callable
        Context of the number format of the device.
    workers : int
        Processes that read.
    part : (int, int)
        Number of this process, and of all: each predicts its part, and all return all predictions.
    """
    was_training = network.training
    network.eval()
    # a row is filled by one process, so that the sum over all has each once
    together = torch.zeros((len(data), count_outputs(recipe)), device=device)
    batches = EpochBatches(len(data), BATCH, rank=part[0], world=part[1])
    try:
        for batch in crop_loader(data, batches, workers, pin=device.type == "cuda"):
            with autocast():
                _, found = network(prepare(batch.crops, recipe, device))
            together[batch.rows.to(device, non_blocking=True)] = found.float()
    finally:
        network.train(was_training)
    together = summed(together).cpu()
    chances = probabilities(together, recipe)
    classes = {label: found.numpy() for label, found in predicted_classes(chances).items()}
    truth = data.targets.numpy()
    accuracy = {}
    for column, (label, found) in enumerate(classes.items()):
        known = truth[:, column] != MISSING
        right = found[known] == truth[known, column]
        accuracy[label] = float(right.mean()) if known.any() else float("nan")
    return Predicted(
        {label: found.numpy().astype(np.float32) for label, found in chances.items()},
        classes,
        accuracy,
        float(loss(together, data.targets, recipe)),
    )


def prediction_table(cells: pd.DataFrame, found: Predicted, recipe: Recipe) -> pd.DataFrame:
    """Held-out predictions: keys, kind, fold, true and predicted class names, probability of each class.

    A label that the network was not trained on has neither a prediction nor probabilities.
    """
    columns: dict[str, object] = {name: cells[name].to_numpy() for name in KEYS}
    columns["Kind"] = recipe.kind
    columns["Fold"] = np.full(len(cells), recipe.fold, np.int64)
    for label in ("Dose", "Time"):
        columns[f"True_{label}"] = cells[f"Label_{label}"].to_numpy()
    for label, names in recipe.classes.items():
        columns[f"Predicted_{label.capitalize()}"] = np.array(names, np.object_)[found.classes[label]]
    for label, names in recipe.classes.items():
        for number, name in enumerate(names):
            columns[f"Probability_{label.capitalize()}_{name}"] = found.probabilities[label][:, number]
    return pd.DataFrame(columns)
