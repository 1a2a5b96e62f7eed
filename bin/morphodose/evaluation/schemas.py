"""Columns of the tables of scores, so that a table without rows has the columns of any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from morphodose.tables import write_arrow

_TEXT, _NUMBER, _COUNT = pa.string(), pa.float64(), pa.int64()

#: Table → column → type.
SCHEMAS: dict[str, dict[str, pa.DataType]] = {
    "model_scores": {
        **dict.fromkeys(("Model", "Label", "Split", "Metric"), _TEXT),
        **dict.fromkeys(("Value", "Low", "High"), _NUMBER),
        **dict.fromkeys(("N_Wells", "N_Cells", "N_Unconverged"), _COUNT),
    },
    "model_differences": {
        **dict.fromkeys(("Model", "Against", "Label", "Metric"), _TEXT),
        **dict.fromkeys(("Difference", "Low", "High"), _NUMBER),
    },
    "confusion": {
        **dict.fromkeys(("Model", "Label", "True", "Predicted"), _TEXT),
        "Count": _COUNT,
        "Fraction": _NUMBER,
    },
    "calibration": {
        **dict.fromkeys(("Model", "Label"), _TEXT),
        "Bin": _COUNT,
        **dict.fromkeys(("Confidence", "Accuracy"), _NUMBER),
        "Count": _COUNT,
    },
}


def write_rows(table: str, rows: Sequence[dict[str, Any]], folder: Path) -> None:
    """Write ``<table>.parquet`` into a folder."""
    schema = pa.schema(SCHEMAS[table].items())
    write_arrow(pa.Table.from_pylist(list(rows), schema=schema), folder / f"{table}.parquet")
