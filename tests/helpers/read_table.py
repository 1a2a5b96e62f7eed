#!/usr/bin/env python3
"""Print a Parquet file, or all below a folder, as JSON: how nf-test reads tables (tests/lib/Tables.groovy)."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def plain(value: Any) -> Any:
    """The value, or None where JSON has no such number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def main() -> None:
    """Print the columns of the table, their units, and the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="Parquet file, or a folder of such files.")
    parser.add_argument(
        "--columns", help="Those to print, comma-separated; all by default, none where empty."
    )
    options = parser.parse_args()
    files = sorted(options.file.rglob("*.parquet")) if options.file.is_dir() else [options.file]
    chosen = None if options.columns is None else [name for name in options.columns.split(",") if name]
    schema = pq.read_schema(files[0])
    missing = [name for name in chosen or [] if name not in schema.names]
    if missing:
        parser.error(
            f"{options.file} has no column {', '.join(missing)}; it has {', '.join(schema.names[:40])}"
        )
    # ParquetFile: a `=` in the path is no partition
    tables = [pq.ParquetFile(file).read(columns=chosen) for file in files]
    rows = pa.concat_tables(tables, promote_options="permissive").to_pylist()
    units = {
        field.name: field.metadata[b"unit"].decode()
        for field in schema
        if field.metadata and b"unit" in field.metadata
    }
    columns = schema.names
    table = {
        "columns": columns,
        "units": units,
        "rows": [{k: plain(v) for k, v in row.items()} for row in rows],
    }
    print(json.dumps(table, default=str))


if __name__ == "__main__":
    main()
