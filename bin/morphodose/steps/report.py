"""The images that the page shows, then the page; two processes of one command."""

from __future__ import annotations

from morphodose.options import analysis
from morphodose.steps.step import Output, Step

OUTPUTS = (
    Output("shown", "report/fields.json", "fields that the page shows, with --choose"),
    Output("report", "report/report.html", "the page"),
    Output("figures", "report/figures", "its figures"),
)

CHOICE = Step("CHOOSE_FIELDS", "report.py", task="screen", work="wells", outputs=OUTPUTS)
STEP = Step(
    "REPORT",
    "report.py",
    (analysis.FIGURES,),
    task="screen",
    work="wells",
    outputs=OUTPUTS,
    publishes="report",
)
