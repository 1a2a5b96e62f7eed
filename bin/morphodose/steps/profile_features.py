"""Profiles of the wells against vehicle."""

from __future__ import annotations

from morphodose.options import analysis
from morphodose.steps.step import Step

STEP = Step(
    "PROFILE_FEATURES",
    "profile_features.py",
    (analysis.GROUP_BY,),
    words="profiles of the feature sets",
    task="screen",
    work="cells",
)
