"""Learning-rate range test (Smith 2017, arXiv:1506.01186): the loss as the rate grows step by step."""

from __future__ import annotations

import copy
import math

import numpy as np
import pandas as pd
import torch
from lightning.fabric import Fabric

from morphodose.deep.data import CropDataset, EpochBatches, crop_loader
from morphodose.deep.heads import loss
from morphodose.deep.network import Network, prepare
from morphodose.deep.optimise import STEM_FACTOR, layer_groups, make_optimizer
from morphodose.deep.recipe import Recipe

#: Rates at the head, steps between them, smoothing of the loss, and how far it may rise.
LOWEST, HIGHEST, STEPS, SMOOTHING, RISE = 1e-7, 1.0, 100, 0.9, 4.0

#: Passes over few cells at most, and steps at least.
PASSES, FEWEST = 5, 20


def lr_range_test(
    fabric: Fabric, network: Network, recipe: Recipe, train: CropDataset, steps: int = STEPS
) -> pd.DataFrame:
    """Loss against learning rate, on a copy of the network.

    Returns
    -------
    DataFrame
        ``LR`` (at the head; a tenth of it at the stem), ``Loss`` of the batch, and ``Smoothed``; up to the
        rate at which the smoothed loss is `RISE` times its least.
    """
    probe = copy.deepcopy(network).to(fabric.device)
    optimizer = make_optimizer(probe, recipe.optimizer, LOWEST, recipe.weight_decay)
    shares = np.geomspace(1 / STEM_FACTOR, 1, len(layer_groups(probe)))
    batches = EpochBatches(len(train), min(recipe.batch_size, len(train)), recipe.seed + 1, True)
    steps = min(steps, max(FEWEST, PASSES * len(batches)))
    rows: list[dict[str, float]] = []
    average, least = 0.0, math.inf
    probe.train()
    for step, rate in enumerate(np.geomspace(LOWEST, HIGHEST, steps)):
        if step % len(batches) == 0:
            batches.epoch = step // len(batches)
            stream = iter(crop_loader(train, batches))
        batch = next(stream)
        for group, share in zip(optimizer.param_groups, shares, strict=True):
            group["lr"] = float(rate * share)
        with fabric.autocast():
            _, logits = probe(prepare(batch.crops, recipe, fabric.device))
        value = loss(logits, batch.targets.to(fabric.device), recipe)
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(probe.parameters(), 1.0)
        optimizer.step()
        found = float(value.detach())
        average = SMOOTHING * average + (1 - SMOOTHING) * found
        smoothed = average / (1 - SMOOTHING ** (step + 1))
        rows.append({"LR": float(rate), "Loss": found, "Smoothed": smoothed})
        least = min(least, smoothed)
        if not math.isfinite(found) or smoothed > RISE * least:
            break
    return pd.DataFrame(rows)
