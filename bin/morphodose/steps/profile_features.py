"""Profiles of the wells against vehicle."""

from __future__ import annotations

from morphodose.options import analysis
from morphodose.steps.step import Output, Step

STEP = Step(
    "PROFILE_FEATURES",
    "profile_features.py",
    (analysis.GROUP_BY,),
    words="profiles of the feature sets",
    task="screen",
    work="cells",
    outputs=(
        Output("profiles", "profiles/*.parquet", "profiles of the wells"),
        Output("scores", "profile_scores.parquet", "scores of the conditions"),
        Output("scorecard", "profile_scorecard.parquet", "scores of the sets"),
        Output("differences", "profile_differences.parquet", "differences of the sets"),
        Output("dropped", "dropped_features.parquet", "features in no profile"),
        Output("left_out", "wells_left_out.parquet", "wells without a profile"),
    ),
    versions=(
        "pycytominer",
        "copairs",
        "pandas",
        "scipy",
    ),
    publishes="tables",
)
