"""The page."""

from __future__ import annotations

from morphodose.options import analysis
from morphodose.steps.step import Step

STEP = Step("REPORT", "report.py", (analysis.FIGURES,), task="screen", work="wells")
