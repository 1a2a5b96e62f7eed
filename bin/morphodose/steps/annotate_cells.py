"""The tables of cells and images."""

from __future__ import annotations

from morphodose.steps.step import Step

STEP = Step(
    "ANNOTATE_CELLS", "annotate_cells.py", words="joining of the tables", task="acquisition", work="cells"
)
