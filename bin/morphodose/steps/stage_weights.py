"""The weights, staged and checked once; those of cells and of nuclei are two processes of one command."""

from __future__ import annotations

from morphodose.steps.step import Step

CELLS = Step("STAGE_CELL_WEIGHTS", "stage_weights.py", task="model", work="wells", image="cellpose")
NUCLEI = Step("STAGE_NUCLEAR_WEIGHTS", "stage_weights.py", task="model", work="wells", image="cellpose")
