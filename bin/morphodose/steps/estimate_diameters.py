"""Diameters of cells and nuclei, once for the screen."""

from __future__ import annotations

from morphodose.options import images, segmentation
from morphodose.steps.step import Output, Step

STEP = Step(
    "ESTIMATE_DIAMETERS",
    "estimate_diameters.py",
    (
        segmentation.CELL_METHOD,
        images.CELL_CHANNEL,
        images.NUCLEAR_CHANNEL,
        segmentation.DIAMETER,
        segmentation.NUCLEAR_DIAMETER,
    ),
    task="screen",
    work="plates",
    image="cellpose",
    gpu=True,
    outputs=(
        Output("diameters", "diameters.json", "diameters of each plate"),
        Output("table", "diameters.parquet", "how they were estimated"),
    ),
    publishes="tables",
)
