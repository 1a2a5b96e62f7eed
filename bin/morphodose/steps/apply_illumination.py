"""The flat field taken out of the images of some wells."""

from __future__ import annotations

from morphodose.steps.step import Output, Step

STEP = Step(
    "APPLY_ILLUMINATION",
    "correct_illumination.py",
    words="flat-field correction",
    task="wells",
    work="channel_mpx",
    outputs=(Output("images", "corrected/*", "corrected fields, one folder per well"),),
    publishes="corrected",
)
