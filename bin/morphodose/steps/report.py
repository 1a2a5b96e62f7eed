"""The images that the page shows, then the page; two processes of one command."""

from __future__ import annotations

from morphodose.options import analysis
from morphodose.steps.step import Step

CHOICE = Step("CHOOSE_FIELDS", "report.py", task="screen", work="wells")
STEP = Step("REPORT", "report.py", (analysis.FIGURES,), task="screen", work="wells")
