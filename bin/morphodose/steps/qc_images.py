"""Each field is kept, flagged or dropped."""

from __future__ import annotations

from morphodose.options import images, segmentation
from morphodose.steps.step import Output, Step

STEP = Step(
    "QC_IMAGES",
    "qc_images.py",
    (
        images.NUCLEAR_CHANNEL,
        images.CELL_CHANNEL,
        images.BRIGHTFIELD_CHANNEL,
        segmentation.DIAMETER,
        segmentation.NUCLEAR_DIAMETER,
    ),
    words="image quality control",
    task="wells",
    work="channel_mpx",
    outputs=(Output("qc", "*_qc.parquet", "verdict and figures of each field"),),
    versions=(
        "numpy",
        "scipy",
    ),
)
