"""Counts, fractions and medians of each well."""

from __future__ import annotations

from morphodose.options import analysis
from morphodose.steps.step import Step

STEP = Step(
    "PROFILE_WELLS",
    "profile_wells.py",
    (
        analysis.ENDPOINTS,
        analysis.GROUP_BY,
    ),
    words="well profiles",
    task="screen",
    work="cells",
)
