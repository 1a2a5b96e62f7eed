"""All cells of the screen as AnnData, file by file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from morphodose.errors import InputError
from morphodose.export import h5ad
from morphodose.files import find_files, replacing
from morphodose.tables import column_units, count_rows, read_table

CELL = "Metadata_CellID"
_ROWS = 8192


@dataclass(frozen=True)
class Reduced:
    """Results of `reduce_features` for one set.

    Attributes
    ----------
    name : str
    pca : dict
        Well-timepoint → file of coordinates.
    components : int
    umap : Path, optional
        Coordinates of the sample.
    """

    name: str
    pca: dict[str, Path]
    components: int
    umap: Path | None


def read_reduced(folder: Path) -> Reduced:
    """What a folder of `reduce_features` holds.

    Raises
    ------
    InputError
        If there are no coordinates.
    """
    pca = {file.stem: file for file in find_files(folder / "pca", "*.parquet")}
    if not pca:
        raise InputError(f"{folder}: no pca/*.parquet; reduce_features writes it")
    names = pq.read_schema(next(iter(pca.values()))).names
    umap = folder / "umap.parquet"
    return Reduced(
        folder.name, pca, sum(name.startswith("PC_") for name in names), umap if umap.exists() else None
    )


def why_not_reduced(folder: Path) -> str:
    """Why `reduce_features` found no components (a screen without cells); empty where it found them."""
    record = folder / "reduction.json"
    return str(json.loads(record.read_text(encoding="utf-8")).get("reason", "")) if record.exists() else ""


def selected_features(folder: Path) -> list[str]:
    """Classical features that a reduction selected."""
    table = read_table(folder / "selected_features.parquet", ["Feature", "Set", "Selected"])
    return list(table.loc[table["Selected"] & (table["Set"] == "classical"), "Feature"])


def write_cells(
    out: Path,
    files: list[Path],
    features: list[str],
    reduced: list[Reduced],
    progress: Callable[[str], None] = lambda _text: None,
) -> int:
    """Write all cells; returns their number.

    Parameters
    ----------
    out : Path
        The .h5ad file.
    files : list of Path
        Tables of cells, ``<well-timepoint>.parquet``.
    features : list of str
        Columns that become X, as measured.
    reduced : list of Reduced
        Each becomes ``X_pca_<set>``, and ``X_umap_<set>`` where there is a map; NaN for cells without.
    progress : callable
        Called with a line of text for each file.
    """
    files = [file for file in files if pq.read_metadata(file).num_rows]
    rows, columns = count_rows(files), metadata_columns(files)
    units = column_units(files[0]) if files else {}
    with replacing(out) as temporary, h5py.File(temporary, "w") as file:
        var = pd.DataFrame(
            {"set": "classical", "unit": [units.get(name) for name in features]}, index=features
        )
        h5ad.start(file, var.astype(object), {"X": "features as measured, of the cells; null is NaN"})
        values = h5ad.matrix(file, "X", rows, len(features))
        obs = h5ad.frame(file, "obs", [h5ad.key(name) for name in columns], rows)
        writers = _columns(obs, columns, rows, files)
        coordinates = {
            each.name: h5ad.matrix(file["obsm"], f"X_pca_{each.name}", rows, each.components)
            for each in reduced
        }
        maps = {
            each.name: _Map(each.umap, h5ad.matrix(file["obsm"], f"X_umap_{each.name}", rows, 2))
            for each in reduced
            if each.umap
        }
        start = 0
        for source in files:
            first = start
            # a thread for each of a thousand short columns costs more than it saves
            for batch in pq.ParquetFile(source).iter_batches(
                _ROWS, columns=[CELL, *columns, *features], use_threads=False
            ):
                table = pa.Table.from_batches([batch])
                place = slice(start, start + len(batch))
                obs["_index"][place] = np.array(table[CELL].to_pylist(), dtype=object)
                for name, (dataset, names) in writers.items():
                    dataset[place] = _encoded(table[name], names)
                if features:
                    values[place] = np.column_stack([_floats(table, name) for name in features])
                start += len(batch)
            ids = pq.ParquetFile(source).read(columns=[CELL])[CELL].cast(pa.string()).combine_chunks()
            for each in reduced:
                _fill(coordinates[each.name], first, ids, each.pca.get(source.stem), "PC_", each.components)
            for name in maps:
                maps[name].fill(first, ids)
            progress(f"{source.stem}: {start - first} cells")
    return rows


def metadata_columns(files: list[Path]) -> dict[str, pa.DataType]:
    """``Metadata_*`` that every file has, and their types; the id of the cell is the index instead."""
    found: dict[str, pa.DataType] = {}
    for number, file in enumerate(files):
        fields = {field.name: field.type for field in pq.read_schema(file)}
        if not number:
            found = {name: kind for name, kind in fields.items() if name.startswith("Metadata_")}
        found = {name: kind for name, kind in found.items() if name in fields}
    found.pop(CELL, None)
    return found


def _columns(
    obs: h5py.Group, columns: dict[str, pa.DataType], rows: int, files: list[Path]
) -> dict[str, tuple[h5py.Dataset, list[str] | None]]:
    """A dataset for each column of metadata, and the categories where it is text."""
    texts = [name for name, kind in columns.items() if not _is_number(kind)]
    found: dict[str, set[str]] = {name: set() for name in texts}
    for file in files if texts else []:
        table = pq.ParquetFile(file).read(columns=texts)
        for name in texts:
            found[name] |= set(pc.unique(table[name].cast(pa.string())).drop_null().to_pylist())
    writers: dict[str, tuple[h5py.Dataset, list[str] | None]] = {}
    for name, kind in columns.items():
        if name in found:
            writers[name] = h5ad.categories(obs, h5ad.key(name), rows, found[name])
        else:
            stored = "int64" if pa.types.is_integer(kind) else "float64"
            writers[name] = (h5ad.numbers(obs, h5ad.key(name), rows, stored), None)
    return writers


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _encoded(column: pa.ChunkedArray, names: list[str] | None) -> np.ndarray:
    """Codes of a text column, or the numbers."""
    if names is None:
        return np.asarray(column.to_numpy())
    places = pc.index_in(column.cast(pa.string()), value_set=pa.array(names, pa.string()))
    return np.asarray(pc.fill_null(places, -1).to_numpy())


def _floats(table: pa.Table, name: str) -> np.ndarray:
    return np.asarray(table[name].cast(pa.float32(), safe=False).to_numpy())


def _fill(
    dataset: h5py.Dataset, first: int, ids: pa.Array, source: Path | None, prefix: str, width: int
) -> None:
    """Coordinates of the cells of one well, from its file; NaN where it has none."""
    found = np.full((len(ids), width), np.nan, dtype=np.float32)
    if source is not None:
        table = pq.ParquetFile(source).read()
        places = pc.index_in(ids, value_set=table[CELL].cast(pa.string()).combine_chunks())
        points = np.column_stack([_floats(table, f"{prefix}{number}") for number in range(1, width + 1)])
        there = np.asarray(pc.is_valid(places))
        found[there] = points[np.asarray(places.drop_null())]
    dataset[first : first + len(ids)] = found


class _Map:
    """Coordinates of the sample of one set, which is small enough to be held."""

    def __init__(self, source: Path, dataset: h5py.Dataset) -> None:
        table: Any = read_table(source, [CELL, "UMAP_1", "UMAP_2"])
        self._ids = pa.array(table[CELL], pa.string())
        self._points = table[["UMAP_1", "UMAP_2"]].to_numpy(dtype=np.float32)
        self._dataset = dataset

    def fill(self, first: int, ids: pa.Array) -> None:
        found = np.full((len(ids), 2), np.nan, dtype=np.float32)
        places = pc.index_in(ids, value_set=self._ids)
        found[np.asarray(pc.is_valid(places))] = self._points[np.asarray(places.drop_null())]
        self._dataset[first : first + len(ids)] = found
