"""The flat field taken out of the images of a well."""

from __future__ import annotations

from morphodose.steps.step import Step

STEP = Step(
    "APPLY_ILLUMINATION",
    "correct_illumination.py",
    words="flat-field correction",
    task="well",
    work="channel_mpx",
)
