"""Parquet tables: Zstandard, ``Metadata_*`` first, float32, units in the column's Parquet metadata."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from morphodose.columns import Table, TableError
from morphodose.errors import InputError
from morphodose.files import find_files, replacing
from morphodose.spreadsheets import write_csv_rows

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd


#: Metadata of a table of measurements: JSON, field → what its objects lack → their number.
LACKING = b"lacking"
#: Rows that a reader of a part of a table reads at least.
ROW_GROUP = 1 << 16


def to_arrow(frame: pd.DataFrame, units: Mapping[str, str] | None = None) -> pa.Table:
    """Arrow table of `frame` in the house order and types.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per object; the index is not kept.
    units : mapping, optional
        Column name → unit (``um``, ``um2``, ``px``, ``h``, ``nM``), stored as field metadata.

    Returns
    -------
    pyarrow.Table
        ``Metadata_*`` columns first, then the others, each group in its given order; floating
        features as float32. Metadata keep float64, since doses and times are keys that are joined on.
    """
    keys = [name for name in frame.columns if name.startswith("Metadata_")]
    features = [name for name in frame.columns if not name.startswith("Metadata_")]
    return _typed(pa.Table.from_pandas(frame[keys + features], preserve_index=False), units)


def columns_to_arrow(columns: Mapping[str, npt.NDArray[np.generic]]) -> pa.Table:
    """Arrow table of arrays by name, ``Metadata_*`` first, with the types that they have.

    `pyarrow.array` imports pandas, whatever it is given: half of what the start of a task takes that needs
    pandas for nothing else. This does not.

    Parameters
    ----------
    columns : mapping
        Name → (N,) array of numbers, or of objects that are text or None.

    Raises
    ------
    TypeError
        If an array is of another type.
    """
    names = sorted(columns, key=lambda name: not name.startswith("Metadata_"))
    return pa.Table.from_arrays([_from_numpy(name, columns[name]) for name in names], names)


def _from_numpy(name: str, values: npt.NDArray[np.generic]) -> pa.Array:
    """A column of numbers, which keeps its memory, or of texts."""
    if values.dtype.kind in "iuf":
        buffers = [None, pa.py_buffer(np.ascontiguousarray(values))]
        return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), buffers)
    if not all(value is None or isinstance(value, str) for value in values):
        raise TypeError(f"{name}: numbers or text are expected, got {values.dtype}")
    texts = [str(value or "").encode() for value in values]
    known = np.packbits(np.array([value is not None for value in values], bool), bitorder="little")
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    buffers = [pa.py_buffer(part) for part in (known, ends, b"".join(texts))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


def _typed(table: pa.Table, units: Mapping[str, str] | None) -> pa.Table:
    """A table with the house types and its units."""
    fields = []
    for field in table.schema:
        kind = field.type
        if pa.types.is_large_string(kind):
            kind = pa.string()
        elif pa.types.is_float64(kind) and not field.name.startswith("Metadata_"):
            kind = pa.float32()
        unit = (units or {}).get(field.name)
        fields.append(pa.field(field.name, kind, metadata={"unit": unit} if unit else None))
    return table.cast(pa.schema(fields))


def write_as(
    table: Table,
    found: pd.DataFrame | pa.Table | Sequence[Mapping[str, Any]],
    path: str | Path,
    units: Mapping[str, str] | None = None,
    spreadsheet: bool = False,
) -> None:
    """Write a table as it is declared, whole or not at all.

    Parameters
    ----------
    table : Table
    found : pandas.DataFrame, pyarrow.Table or sequence of mapping
        Its content; of rows, NaN is a missing value, and none at all is a table with all its columns.
    path : path
        The Parquet file.
    units : mapping, optional
        Units of columns, where the declaration leaves them to the writer.
    spreadsheet : bool
        Whether a CSV of the same name is written beside it.

    Raises
    ------
    TableError
        If a column is not declared, is missing, or has values of another type.
    """
    if isinstance(found, pa.Table):
        arrow = found
    else:
        arrow = rows_to_arrow(table, found) if isinstance(found, Sequence) else to_arrow(found)
    typed = table.typed(arrow, units)
    write_arrow(typed, path)
    if spreadsheet:
        write_csv(typed, Path(path).with_suffix(".csv"))


def rows_to_arrow(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as a declared table: its columns in their order, then those whose name depends on the screen.

    Raises
    ------
    TableError
        If a row lacks a column that each such table has, or has a value of another type.
    """
    there = dict.fromkeys(name for row in rows for name in row)
    names = [name for name in table.plain if name in there or name in table.needed]
    names += [name for name in there if name not in names]
    lacking = next((name for row in rows for name in table.needed if name not in row), None)
    if lacking:
        raise TableError(f"table {table.name}: a row without the column {lacking}")
    schema = table.schema(names)
    arrays = [_array(table, field, [row.get(field.name) for row in rows]) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(table: Table, field: pa.Field, values: list[Any]) -> pa.Array:
    """A column of rows; NaN is a missing value, also of a text."""
    known = [None if isinstance(value, float) and math.isnan(value) else value for value in values]
    try:
        return pa.array(known, field.type, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as fault:
        raise TableError(f"table {table.name}: {field.name}: {fault}") from fault


def write_table(frame: pd.DataFrame, path: str | Path, units: Mapping[str, str] | None = None) -> None:
    """Write `frame` as one Parquet file, whole or not at all; see `to_arrow`."""
    write_arrow(to_arrow(frame, units), path)


def write_arrow(table: pa.Table, path: str | Path) -> None:
    """Write a table as it is, whole or not at all.

    A dictionary of floats is only in the way. Zstandard makes a seventh less than Snappy of a well of 1,400
    cells; of one of 30 cells it makes as much and takes 40 ms longer.
    """
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    signed = table.replace_schema_metadata(signed_metadata(table.schema))
    with replacing(path) as temporary:
        pq.write_table(
            signed,
            temporary,
            row_group_size=ROW_GROUP,
            compression="zstd",
            compression_level=1,
            use_dictionary=texts,
        )


def signed_metadata(schema: pa.Schema) -> dict[bytes, bytes] | None:
    """Metadata of a table with the ``run_id`` of the pipeline's run, which writes it, where there is one.

    It is Nextflow's session, and the same when a run is resumed: a step that is done again and finds the same
    writes the same bytes, and those after it stay in the cache.
    """
    metadata = {key: value for key, value in (schema.metadata or {}).items() if key != b"run_id"}
    run = os.environ.get("MORPHODOSE_RUN_ID")
    if run:
        metadata[b"run_id"] = run.encode()
    return metadata or None


def run_id(path: str | Path) -> str | None:
    """The run that wrote a Parquet file; None where a command was run by hand."""
    found = (pq.read_schema(path).metadata or {}).get(b"run_id")
    return found.decode() if found else None


def write_csv(table: pa.Table, path: str | Path) -> None:
    """Write a table as CSV for spreadsheets, whole or not at all; see `morphodose.spreadsheets`."""
    texts = {field.name for field in table.schema if not _is_number(field.type)}
    rows = (
        [str(value) if name in texts and value is not None else value for name, value in row.items()]
        for row in table.to_pylist()
    )
    write_csv_rows(path, table.column_names, rows)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def read_table(
    paths: str | Path | Sequence[str | Path], columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read one Parquet file, a folder of them (recursively, by name), or a list, into a frame.

    Parameters
    ----------
    paths : path or sequence of paths
        Files are read in the order given, those of a folder in the order of their names.
    columns : sequence of str, optional
        Only these columns, so that a wide table of a large screen never fills the memory.

    Raises
    ------
    FileNotFoundError
        If there is no Parquet file.
    InputError
        If a file is not whole.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    files = [file for entry in map(Path, given) for file in parquet_files(entry)]
    if not files:
        raise FileNotFoundError(f"no Parquet file in {', '.join(map(str, given)) or 'an empty list'}")
    tables = []
    for file in files:
        with readable(file):
            # ParquetFile, not read_table: the latter reads `a=b` in a path as a partition
            tables.append(pq.ParquetFile(file).read(columns=list(columns) if columns else None))
    return pa.concat_tables(tables, promote_options="permissive").to_pandas()


@contextmanager
def readable(file: str | Path) -> Iterator[None]:
    """Say which Parquet file is not whole: pyarrow does not.

    Raises
    ------
    InputError
        If what is done here finds that the file is empty, cut short or damaged.
    """
    try:
        yield
    except (pa.ArrowInvalid, OSError) as fault:
        if isinstance(fault, OSError) and fault.errno:  # of the disk, or there is no file
            raise
        raise InputError(
            f"{file}: not a whole Parquet table ({fault}); run the step that wrote it again "
            "(the tables of a -stub-run are empty)"
        ) from fault


def parquet_files(path: Path) -> list[Path]:
    """The file itself, or all Parquet files below a folder, sorted by name."""
    return find_files(path, "*.parquet") if path.is_dir() else [path]


def column_units(path: str | Path) -> dict[str, str]:
    """Units of the columns of a Parquet file, as `write_table` stored them."""
    return units_of(pq.read_schema(path))


def units_of(fields: Iterable[pa.Field]) -> dict[str, str]:
    """Units of columns that have one."""
    return {f.name: f.metadata[b"unit"].decode() for f in fields if f.metadata and b"unit" in f.metadata}


def count_rows(paths: Sequence[str | Path]) -> int:
    """Rows of several Parquet files, from their footers alone."""
    return sum(pq.ParquetFile(path).metadata.num_rows for path in paths)


def common_fields(files: Sequence[Path]) -> list[pa.Field]:
    """Columns that all files have, in the order of the first.

    A channel that was imaged at some times only leaves its columns out of the tables of the others. One
    schema is read for each number of columns: those of a screen are wide, and else alike.
    """
    return _of_schemas(files, every=True)


def all_fields(files: Sequence[Path]) -> list[pa.Field]:
    """Columns that any file has, in their order; see `common_fields`."""
    return _of_schemas(files, every=False)


def _of_schemas(files: Sequence[Path], every: bool) -> list[pa.Field]:
    first_of: dict[int, Path] = {}
    for file in files:
        first_of.setdefault(pq.read_metadata(file).num_columns, file)
    schemas = [pq.read_schema(file) for file in first_of.values()]
    fields = {field.name: field for schema in schemas for field in schema}
    if not every:
        return list(fields.values())
    names = [set(schema.names) for schema in schemas]
    return [field for name, field in fields.items() if all(name in of for of in names)]


def flat(column: pa.ChunkedArray) -> pa.Array:
    """One array of a column, whatever its chunks."""
    found = column.combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found


def text_array(column: pa.ChunkedArray) -> pa.Array:
    """One array of texts of a column, whatever its type and chunks."""
    return flat(column.cast(pa.string()))
