"""The axes of the networks of all folds turned onto those of the first."""

from __future__ import annotations

from morphodose.steps.step import Output, Step

STEP = Step(
    "ALIGN_NETWORKS",
    "align_networks.py",
    task="screen",
    work="network_gmacs",
    image="resnet",
    gpu=True,
    outputs=(
        Output("alignment", "alignment.safetensors", "rotations of the networks"),
        Output("table", "alignment.parquet", "how well they fit"),
        Output("anchors", "anchors.parquet", "cells that they were fitted on"),
    ),
    versions=(
        "torch",
        "torchvision",
        "scipy",
    ),
    publishes="networks",
)
