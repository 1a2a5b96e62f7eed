"""AnnData files: small tables by anndata, those of all cells piece by piece, never a million in memory.

anndata has no call that fills a table in pieces. What is written so has the layout of its specification
(encoding versions of anndata 0.8 and later): text with few values is categorical, its categories sorted and
all of them in use; -1 is a missing value.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

import h5py
import numpy as np
import pandas as pd
from anndata.io import write_elem

#: Rows of a chunk on disk.
ROWS = 1024
_TEXT = h5py.string_dtype("utf-8")


def start(file: h5py.File, var: pd.DataFrame, notes: Mapping[str, str]) -> None:
    """Mark an open, empty file as AnnData; `notes`, and the run that writes it, go into ``uns``."""
    _mark(file, "anndata", "0.1.0")
    for name in ("layers", "obsm", "obsp", "varm", "varp"):
        write_elem(file, name, {})
    run = os.environ.get("MORPHODOSE_RUN_ID")
    write_elem(file, "uns", dict(notes) | ({"run_id": run} if run else {}))
    write_frame(file, "var", var)


def write_frame(file: h5py.File, name: str, table: pd.DataFrame) -> None:
    """A whole ``obs`` or ``var``, in memory: text as categories, numbers as they are."""
    texts = dict.fromkeys(table.select_dtypes(object), "category")
    write_elem(file, name, table.astype(texts), dataset_kwargs={"compression": "gzip"})


def matrix(parent: h5py.Group, name: str, rows: int, columns: int) -> h5py.Dataset:
    """A float32 matrix to be filled row by row; NaN where nothing is written."""
    chunks = (max(1, min(ROWS, rows)), max(1, columns)) if rows and columns else None
    options = {"compression": "gzip", "compression_opts": 1, "shuffle": True} if chunks else {}
    found = parent.create_dataset(
        name, (rows, columns), "float32", chunks=chunks, fillvalue=np.nan if chunks else None, **options
    )
    return _mark(found, "array", "0.2.0")


def frame(file: h5py.File, name: str, order: Sequence[str], rows: int) -> h5py.Group:
    """``obs`` or ``var``: a data frame whose columns follow; its index is ``_index``."""
    group = _mark(file.create_group(name), "dataframe", "0.2.0")
    group.attrs["_index"] = "_index"
    group.attrs["column-order"] = np.array(list(order), dtype=_TEXT) if order else np.array([], dtype=_TEXT)
    text(group, "_index", rows)
    return group


def text(parent: h5py.Group, name: str, rows: int) -> h5py.Dataset:
    """A column of text to be filled."""
    chunks = (min(ROWS * 8, rows),) if rows else None
    found = parent.create_dataset(name, (rows,), _TEXT, chunks=chunks, compression="gzip" if chunks else None)
    return _mark(found, "string-array", "0.2.0")


def numbers(parent: h5py.Group, name: str, rows: int, kind: str) -> h5py.Dataset:
    """A column of numbers to be filled."""
    chunks = (min(ROWS * 8, rows),) if rows else None
    found = parent.create_dataset(name, (rows,), kind, chunks=chunks, compression="gzip" if chunks else None)
    return _mark(found, "array", "0.2.0")


def categories(
    parent: h5py.Group, name: str, rows: int, values: Iterable[str]
) -> tuple[h5py.Dataset, list[str]]:
    """A categorical column to be filled with codes.

    Returns
    -------
    codes : h5py.Dataset
        (rows,), int32.
    names : list of str
        The categories, sorted; a code is a place in it, or -1.
    """
    names = sorted(set(values))
    group = _mark(parent.create_group(name), "categorical", "0.2.0")
    group.attrs["ordered"] = False
    _mark(
        group.create_dataset("categories", data=np.array(names, dtype=object), dtype=_TEXT),
        "string-array",
        "0.2.0",
    )
    return numbers(group, "codes", rows, "int32"), names


def key(name: str) -> str:
    """A column name that HDF5 can hold: it takes a slash for a folder."""
    return name.replace("/", "_")


def _mark(place: h5py.Group, kind: str, version: str) -> h5py.Group:
    place.attrs["encoding-type"] = kind
    place.attrs["encoding-version"] = version
    return place
