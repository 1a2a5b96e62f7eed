"""The network beside what needs none."""

from __future__ import annotations

from morphodose.steps.step import Output, Step

STEP = Step(
    "SCORE_MODELS",
    "score_models.py",
    words="scores of network and baselines",
    task="screen",
    work="cells",
    outputs=(
        Output("scores", "scores/model_scores.parquet", "scores of the models"),
        Output("differences", "scores/model_differences.parquet", "differences of the models"),
        Output("confusion", "scores/confusion.parquet", "classes told as others"),
        Output("calibration", "scores/calibration.parquet", "confidence and accuracy"),
        Output("verdict", "scores/model_verdict.json", "what may be claimed"),
    ),
    versions=(
        "numpy",
        "pyarrow",
        "scikit-learn",
    ),
    publishes="tables",
)
