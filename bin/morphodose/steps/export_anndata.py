"""Cells and wells as AnnData."""

from __future__ import annotations

from morphodose.steps.step import Step

STEP = Step("EXPORT_ANNDATA", "export_anndata.py", words="export as AnnData", task="screen", work="cells")
