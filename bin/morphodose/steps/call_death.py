"""A death state for each cell."""

from __future__ import annotations

from morphodose.options import analysis, images
from morphodose.steps.step import Output, Step

STEP = Step(
    "CALL_DEATH",
    "call_death.py",
    (
        images.EARLY_DEATH_CHANNEL,
        images.LATE_DEATH_CHANNEL,
        analysis.GATES,
        analysis.DEATH_QUANTITIES,
        analysis.COMPENSATION,
        analysis.GROUP_BY,
    ),
    words="death states",
    task="acquisition",
    work="cells",
    outputs=(
        Output("death", "*_death.parquet", "state of each cell"),
        Output("gates", "*_gates.parquet", "the gates"),
        Output("plot", "*_gates.png", "picture of the gates"),
    ),
    versions=(
        "numpy",
        "scipy",
    ),
    publishes="death",
)
