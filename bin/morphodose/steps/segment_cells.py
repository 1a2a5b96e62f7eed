"""Masks of cells and nuclei."""

from __future__ import annotations

from morphodose.options import images, segmentation
from morphodose.steps.step import Output, Step

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
    outputs=(Output("masks", "segmented/*", "masks, overlays and counts, one folder per well"),),
    versions=(
        "cellpose",
        "torch",
        "scikit-image",
    ),
    publishes="segmented",
)
