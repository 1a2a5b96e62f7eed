"""The axes of the networks of all folds turned onto those of the first."""

from __future__ import annotations

from morphodose.steps.step import Step

STEP = Step(
    "ALIGN_NETWORKS", "align_networks.py", task="screen", work="network_gmacs", image="resnet", gpu=True
)
