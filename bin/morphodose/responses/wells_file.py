"""A table of wells from a file: Parquet as `profile_wells` writes it, or CSV as a spreadsheet does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from morphodose.errors import InputError
from morphodose.responses.endpoints import COUNT, DEATH, choose
from morphodose.responses.select import check_columns
from morphodose.responses.table_checks import check_values
from morphodose.tables import parquet_files, read_table

if TYPE_CHECKING:
    import pandas as pd

#: Endpoints that the command makes of ``Count_CellsPerField`` (`morphodose.profiles.relative`).
MADE_OF_COUNTS = ("Relative_CellCount", "Fraction_Lost")
_NUMBERS = ("Metadata_Dose", "Metadata_Timepoint")


def read_wells(path: Path, wanted: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """The columns of wells that the responses need, and the endpoints that are fitted.

    Parameters
    ----------
    path : path
        A Parquet file, a folder of them, or a ``.csv`` file.
    wanted : list of str
        Endpoints asked for; empty for the default ones (`endpoints.choose`).

    Raises
    ------
    InputError
        If the file is not a table, lacks a wanted endpoint, or has none at all; or a value cannot be one
        (`table_checks.check_values`).
    """
    import pandas as pd

    if path.suffix.lower() == ".csv":
        try:
            table = pd.read_csv(path, dtype=object, skipinitialspace=True, encoding="utf-8-sig")
        except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as fault:
            raise InputError(f"{path}: not a table of comma-separated values ({fault})") from fault
        names = list(table.columns)
    else:
        names = pq.read_schema(parquet_files(path)[0]).names
    check_columns(names, str(path))  # another table is told as such, whatever endpoints it lacks
    made = MADE_OF_COUNTS if "Count_CellsPerField" in names else ()
    chosen = choose([*names, *(name for name in made if name not in names)], wanted)
    if not chosen:
        raise InputError(
            f"{path}: no endpoint among its columns; name some with --endpoints. Fitted by default: "
            f"{', '.join((*DEATH, *COUNT))}, Endpoint_…, and medians of shape"
        )
    needed = [n for n in names if n.startswith(("Metadata_", "Count_")) or n in (*chosen, "Fraction_Viable")]
    table = table[needed] if path.suffix.lower() == ".csv" else read_table(path, needed)
    for name in needed:
        if name.startswith("Metadata_") and name not in _NUMBERS:
            continue
        try:
            table[name] = pd.to_numeric(table[name])
        except (TypeError, ValueError) as fault:
            raise InputError(f"{path}, column {name}: {fault}; a number with a point is expected") from fault
    return check_values(table, chosen, str(path)), chosen
