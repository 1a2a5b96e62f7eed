"""Median of every feature over the cells of each well-timepoint, with pycytominer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from pycytominer import aggregate

from morphodose.cells.cellset import CellSet
from morphodose.cells.fields import LABELS

WELL_KEYS = (
    "Metadata_Plate", "Metadata_Timepoint", "Metadata_Replicate", "Metadata_Acquisition", "Metadata_Well",
)  # fmt: skip
KEYS = (*WELL_KEYS, *LABELS)
COUNT = "Metadata_CellCount"
#: Columns aggregated at once: a frame of a large well in float64 is not held whole.
_COLUMNS = 256


def well_medians(cells: CellSet, progress: Callable[[str], None] = lambda _text: None) -> pd.DataFrame:
    """One row per well-timepoint that has cells in fields that QC kept.

    Parameters
    ----------
    cells : CellSet
    progress : callable
        Called with a line of text for each well.

    Returns
    -------
    pandas.DataFrame
        `KEYS`, ``Metadata_CellCount``, and the median of each feature over the cells that have it.
    """
    rows = []
    for well in cells.wells:
        blocks = [block for block in cells.blocks(well) if len(block.values)]
        if not blocks:
            continue
        keys = blocks[0].keys.select(list(KEYS)).slice(0, 1).to_pylist()[0]
        values = np.concatenate([block.values for block in blocks])
        rows.append(pd.DataFrame([keys | {COUNT: len(values)} | _medians(values, cells.features)]))
        progress(f"profile of {well}: {len(values)} cells")
    return (
        pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=[*KEYS, COUNT, *cells.features])
    )


def _medians(values: np.ndarray, features: tuple[str, ...]) -> dict[str, float]:
    """Median of each column; NaN where no cell has a value."""
    found: dict[str, float] = {}
    for start in range(0, len(features), _COLUMNS):
        names = list(features[start : start + _COLUMNS])
        frame = pd.DataFrame(values[:, start : start + _COLUMNS], columns=names)
        frame.insert(0, "Metadata_One", 0)
        found |= aggregate(frame, strata=["Metadata_One"], features=names, operation="median")[names].iloc[0]
    return {name: float(value) for name, value in found.items()}
