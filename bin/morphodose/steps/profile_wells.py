"""Counts, fractions and medians of each well."""

from __future__ import annotations

from morphodose.options import analysis
from morphodose.steps.step import Output, Step

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
    outputs=(
        Output("wells", "wells.parquet", "table of wells"),
        Output("conditions", "conditions.parquet", "means over wells"),
        Output("spreadsheets", "*.csv", "tables for spreadsheets"),
    ),
    versions=(
        "numpy",
        "scipy",
        "pandas",
    ),
    publishes="tables",
)
