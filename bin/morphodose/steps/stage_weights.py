"""The weights, staged and checked once; those of cells and of nuclei are two processes of one command."""

from __future__ import annotations

from morphodose.steps.step import Output, Step

OUTPUTS = (
    Output("weights", "weights/*", "the file of weights"),
    Output("about", "weights.json", "where it is from, and its SHA-256"),
)

CELLS = Step(
    "STAGE_CELL_WEIGHTS",
    "stage_weights.py",
    task="model",
    work="wells",
    image="cellpose",
    outputs=OUTPUTS,
    publishes="pipeline_info",
)
NUCLEI = Step(
    "STAGE_NUCLEAR_WEIGHTS",
    "stage_weights.py",
    task="model",
    work="wells",
    image="cellpose",
    outputs=OUTPUTS,
    publishes="pipeline_info",
)
