"""The flat field taken out of the images of some wells."""

from __future__ import annotations

from morphodose.steps.step import Step

STEP = Step(
    "APPLY_ILLUMINATION",
    "correct_illumination.py",
    words="flat-field correction",
    task="wells",
    work="channel_mpx",
)
