"""Optimiser and learning rates: a tenth at the stem, growing to the head, in one cycle (Smith 2018)."""

from __future__ import annotations

import numpy as np
import torch
from torch.optim import Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import OneCycleLR

from morphodose.deep.network import Network

#: How much slower the stem learns than the head.
STEM_FACTOR = 10.0

#: Share of the steps in which the rate rises, and what it begins and ends with, as in fastai's one cycle.
RISE, START_DIVISOR, END_DIVISOR = 0.25, 25.0, 1e4


def layer_groups(network: Network) -> list[list[torch.nn.Parameter]]:
    """Parameters from the stem to the head: stem, the four stages, head."""
    trunk = network.trunk
    parts = [[trunk.conv1, trunk.bn1], [trunk.layer1], [trunk.layer2], [trunk.layer3], [trunk.layer4]]
    groups = [[value for module in part for value in module.parameters()] for part in parts]
    return [*groups, list(network.head.parameters())]


def make_optimizer(network: Network, name: str, learning_rate: float, weight_decay: float) -> Optimizer:
    """Adam or AdamW with a learning rate for each of the `layer_groups`, evenly spaced on a log scale.

    Raises
    ------
    ValueError
        If `name` is neither ``adam`` nor ``adamw``.
    """
    groups = layer_groups(network)
    rates = np.geomspace(learning_rate / STEM_FACTOR, learning_rate, len(groups))
    settings = [{"params": group, "lr": float(rate)} for group, rate in zip(groups, rates, strict=True)]
    if name == "adam":
        return Adam(settings, weight_decay=weight_decay)
    if name == "adamw":
        return AdamW(settings, weight_decay=weight_decay)
    raise ValueError(f"optimizer {name!r} is neither adam nor adamw")


def make_schedule(optimizer: Optimizer, steps: int) -> OneCycleLR:
    """One cycle over all steps, peaking at the rates of the optimiser; it cannot be of fewer than 5."""
    rates = [float(group["lr"]) for group in optimizer.param_groups]
    return OneCycleLR(
        optimizer,
        max_lr=rates,
        total_steps=max(steps, 5),
        pct_start=RISE,
        div_factor=START_DIVISOR,
        final_div_factor=END_DIVISOR,
    )
