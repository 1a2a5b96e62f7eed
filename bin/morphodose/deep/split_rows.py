"""Rows of ``split.parquet``, some columns or shards at a time: a large table is never read whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow import ArrowInvalid

from morphodose.errors import InputError


def split_rows(path: str | Path, columns: Sequence[str], shards: Iterable[str] | None = None) -> pd.DataFrame:
    """Some columns of the rows of some shards (None: of all), in the order of the file.

    Raises
    ------
    InputError
        If the file is no table, or lacks a column.
    """
    wanted = None if shards is None else pc.field("Crop_Shard").isin(list(shards))
    return _rows(path, columns, wanted)


def rows_of_cells(path: str | Path, columns: Sequence[str], cells: Iterable[str]) -> pd.DataFrame:
    """Some columns of the rows of some cells, by their ``Metadata_CellID``."""
    return _rows(path, columns, pc.field("Metadata_CellID").isin(list(cells)))


def _rows(path: str | Path, columns: Sequence[str], wanted: pc.Expression | None) -> pd.DataFrame:
    try:
        # a single file, so that no part of its path is read as a partition
        table = ds.dataset([str(path)], format="parquet")
        missing = [name for name in columns if name not in table.schema.names]
        if missing:
            raise InputError(f"{path}: no column {', '.join(missing)}; a table of split_cells is expected")
        return table.to_table(columns=list(columns), filter=wanted).to_pandas()
    except (ArrowInvalid, OSError) as fault:
        raise InputError(f"{path}: not a readable Parquet file ({fault})") from fault
