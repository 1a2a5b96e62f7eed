"""Features of each cell."""

from __future__ import annotations

from morphodose.options import analysis
from morphodose.steps.step import Output, Step

STEP = Step(
    "MEASURE_CELLS",
    "measure_cells.py",
    (analysis.FEATURES,),
    words="measurement",
    task="wells",
    work="cell_channels",
    outputs=(Output("measurements", "*.parquet", "measurements of each well"),),
    versions=(
        "numba",
        "numpy",
    ),
)
