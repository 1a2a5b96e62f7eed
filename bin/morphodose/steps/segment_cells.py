"""Masks of cells and nuclei."""

from __future__ import annotations

from morphodose.options import images, segmentation
from morphodose.steps.step import Step

STEP = Step(
    "SEGMENT_CELLS",
    "segment_cells.py",
    (
        segmentation.CELL_METHOD,
        images.CELL_CHANNEL,
        images.NUCLEAR_CHANNEL,
        segmentation.DIAMETER,
        segmentation.NUCLEAR_DIAMETER,
        segmentation.EXPAND_PX,
        segmentation.MIN_AREA_PX,
    ),
    words="segmentation",
    task="wells",
    work="field_mpx",
    image="cellpose",
    gpu=True,
)
