"""Curves, hits and onsets."""

from __future__ import annotations

from morphodose.options import analysis
from morphodose.steps.step import Step

STEP = Step(
    "FIT_RESPONSES",
    "fit_responses.py",
    (
        analysis.GROUP_BY,
        analysis.RESPONSE_VALUES,
        analysis.CORRECT_POSITIONS,
    ),
    words="dose responses",
    task="screen",
    work="wells",
)
