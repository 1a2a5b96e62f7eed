"""The flat field of each acquisition."""

from __future__ import annotations

from morphodose.options import images, preparation
from morphodose.steps.step import Output, Step

STEP = Step(
    "ESTIMATE_ILLUMINATION",
    "correct_illumination.py",
    (
        preparation.ILLUMINATION,
        images.BRIGHTFIELD_CHANNEL,
    ),
    words="flat-field correction",
    task="acquisition",
    work="channel_mpx",
    outputs=(
        Output("flat_field", "*_flat_field", "flat field of each channel"),
        Output("table", "*_illumination.parquet", "how well they correct"),
    ),
    versions=(
        "numpy",
        "scipy",
    ),
    publishes="illumination",
)
