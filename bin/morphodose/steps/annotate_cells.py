"""The tables of cells and images."""

from __future__ import annotations

from morphodose.steps.step import Output, Step

STEP = Step(
    "ANNOTATE_CELLS",
    "annotate_cells.py",
    words="joining of the tables",
    task="acquisition",
    work="cells",
    outputs=(
        Output("cells", "cells/*.parquet", "tables of cells"),
        Output("images", "images/*.parquet", "table of fields"),
    ),
    versions=("pyarrow",),
    publishes="tables",
)
