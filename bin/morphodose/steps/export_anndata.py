"""Cells and wells as AnnData."""

from __future__ import annotations

from morphodose.steps.step import Output, Step

STEP = Step(
    "EXPORT_ANNDATA",
    "export_anndata.py",
    words="export as AnnData",
    task="screen",
    work="cells",
    outputs=(
        Output("cells", "cells.h5ad", "cells as AnnData"),
        Output("wells", "wells.h5ad", "wells as AnnData"),
    ),
    versions=(
        "h5py",
        "pandas",
        "pyarrow",
    ),
    publishes="anndata",
)
