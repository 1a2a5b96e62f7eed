"""Fields and masks for other tools."""

from __future__ import annotations

from morphodose.options import analysis, preparation
from morphodose.steps.step import Step

STEP = Step(
    "EXPORT_IMAGES",
    "export_images.py",
    (analysis.EXPORT, preparation.ILLUMINATION),
    task="acquisition",
    work="channel_mpx",
)
