"""The network beside what needs none."""

from __future__ import annotations

from morphodose.steps.step import Step

STEP = Step(
    "SCORE_MODELS", "score_models.py", words="scores of network and baselines", task="screen", work="cells"
)
