"""Cells of a screen as blocks of rows: classical measurements, embeddings, or both joined by cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from morphodose.cells.fields import LABELS, Fields
from morphodose.errors import InputError
from morphodose.files import find_files
from morphodose.tables import common_fields, text_array

SETS = ("classical", "deep", "joint")
EMBEDDING = "Embedding"
_SUFFIX = "_embeddings"
_CELL, _IMAGE = "Metadata_CellID", "Metadata_ImageID"
#: Rows read at once: large enough for fast products, small beside a P x P covariance.
ROWS = 4096

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Block:
    """Some cells of one well-timepoint, those of fields that QC kept.

    Attributes
    ----------
    keys : pyarrow.Table
        ``Metadata_*`` of the N cells, labels of the well among them.
    fields : (N,) array of int
        Row of each cell's field in the table of `Fields`.
    values : (N, P) array of float32
        Features; NaN where one is missing.
    """

    keys: pa.Table
    fields: npt.NDArray[np.int64]
    values: Matrix


@dataclass(frozen=True)
class CellSet:
    """Features of the cells, file by file.

    Attributes
    ----------
    kind : str
        One of `SETS`.
    cells, embeddings : dict
        Well-timepoint → file; the one that the kind does not need is empty.
    features : tuple of str
        Names; embeddings are ``Embedding_0`` …
    origin : tuple of str
        ``classical`` or ``deep`` for each feature.
    of_fields : Fields
        What is known of the fields.
    """

    kind: str
    cells: dict[str, Path]
    embeddings: dict[str, Path]
    features: tuple[str, ...]
    origin: tuple[str, ...]
    of_fields: Fields

    @property
    def wells(self) -> list[str]:
        """Well-timepoints that have cells, sorted."""
        if self.kind == "joint":
            return sorted(set(self.cells) & set(self.embeddings))
        return sorted(self.cells or self.embeddings)

    def only(self, features: Sequence[str]) -> CellSet:
        """The same cells with these features alone, in this order.

        Raises
        ------
        InputError
            If one is not there.
        """
        origin = dict(zip(self.features, self.origin, strict=True))
        missing = [name for name in features if name not in origin]
        if missing:
            raise InputError(
                f"{len(missing)} of {len(features)} features are not in this screen, the first is "
                f"{missing[0]!r}; it was measured with other channels, families or another network"
            )
        return replace(self, features=tuple(features), origin=tuple(origin[name] for name in features))

    def names(self, origin: str) -> list[str]:
        """Features of one origin."""
        return [name for name, of in zip(self.features, self.origin, strict=True) if of == origin]

    def blocks(self, well: str, rows: int = ROWS) -> Iterator[Block]:
        """Blocks of one well-timepoint, in the order of its file."""
        if self.kind == "deep":
            yield from self._deep(self.embeddings[well], rows)
        else:
            vectors = self._vectors(self.embeddings[well]) if self.kind == "joint" else None
            yield from self._classical(self.cells[well], rows, vectors)

    def field_rows(self, well: str, rows: int = 65_536) -> Iterator[npt.NDArray[np.int64]]:
        """Row of each cell's field, as in the blocks of one well-timepoint, without reading features."""
        source = self.embeddings[well] if self.kind == "deep" else self.cells[well]
        both = None
        if self.kind == "joint":
            both = text_array(pq.ParquetFile(self.embeddings[well]).read(columns=[_CELL])[_CELL])
        for batch in pq.ParquetFile(source).iter_batches(batch_size=rows, columns=[_IMAGE, _CELL]):
            table = pa.Table.from_batches([batch])
            if both is not None:
                table = table.filter(pc.is_in(text_array(table[_CELL]), value_set=both))
            fields = self.of_fields.rows(text_array(table[_IMAGE]), str(source))
            yield fields[self.of_fields.kept[fields]]

    def _classical(self, file: Path, rows: int, vectors: tuple[pa.Array, Matrix] | None) -> Iterator[Block]:
        source = pq.ParquetFile(file)
        wanted = self.names("classical")
        present = source.schema_arrow.names  # made anew at each look, which is slow with 1,800 columns
        missing = sorted(set(wanted).difference(present))
        if missing:
            raise InputError(f"{file}: no column {missing[0]!r}, which other tables of cells have")
        keys = [name for name in present if name.startswith("Metadata_")]
        # a thread for each of a thousand short columns costs more than it saves
        for batch in source.iter_batches(batch_size=rows, columns=[*keys, *wanted], use_threads=False):
            table = pa.Table.from_batches([batch])
            values = np.empty((len(batch), len(self.features)), dtype=np.float32)
            values[:, : len(wanted)] = _numbers(table, wanted)
            take = np.ones(len(batch), dtype=bool)
            if vectors is not None:
                place = pc.index_in(text_array(table[_CELL]), value_set=vectors[0])
                take = np.asarray(pc.is_valid(place))
                values = values[take]
                values[:, len(wanted) :] = vectors[1][np.asarray(place.drop_null())]
                table = table.filter(pa.array(take))
            yield self._kept(table.select(keys), values, str(file))

    def _deep(self, file: Path, rows: int) -> Iterator[Block]:
        source = pq.ParquetFile(file)
        keys = [name for name in source.schema_arrow.names if name.startswith("Metadata_")]
        for batch in source.iter_batches(batch_size=rows, columns=[*keys, EMBEDDING]):
            table = pa.Table.from_batches([batch])
            yield self._kept(table.select(keys), self._chosen(_embedding(table, file)), str(file))

    def _vectors(self, file: Path) -> tuple[pa.Array, Matrix]:
        """Cell ids and embeddings of a whole well."""
        table = pq.ParquetFile(file).read(columns=[_CELL, EMBEDDING])
        ids = text_array(table[_CELL])
        if len(pc.unique(ids)) != len(ids):
            raise InputError(f"{file}: a cell has several embeddings; was a well embedded twice?")
        return ids, self._chosen(_embedding(table, file))

    def _chosen(self, vectors: npt.NDArray[np.float16]) -> Matrix:
        """The wanted dimensions, as float32."""
        index = [embedding_index(name) for name in self.names("deep")]
        if index == list(range(vectors.shape[1])):
            return vectors.astype(np.float32)
        return vectors[:, index].astype(np.float32)

    def _kept(self, keys: pa.Table, values: Matrix, source: str) -> Block:
        """A block without the cells of dropped fields, with the labels of the wells."""
        fields = self.of_fields.rows(text_array(keys[_IMAGE]), source)
        take = self.of_fields.kept[fields]
        if not take.all():
            keys, values, fields = keys.filter(pa.array(take)), values[take], fields[take]
        for name in LABELS:
            if name not in keys.column_names:
                keys = keys.append_column(name, self.of_fields.table[name].take(pa.array(fields)))
        if not np.isfinite(values.sum(axis=0)).all():
            values[~np.isfinite(values)] = np.nan
        return Block(keys, fields, values)


def open_cells(kind: str, cells: Path | None, embeddings: Path | None, of_fields: Fields) -> CellSet:
    """The cells of a feature set.

    Parameters
    ----------
    kind : {'classical', 'deep', 'joint'}
    cells : Path, optional
        Folder with ``<well-timepoint>.parquet`` of `annotate_cells`: every numeric column that all of them
        have and that is not ``Metadata_*`` is a feature.
    embeddings : Path, optional
        Folder with ``<well-timepoint>_embeddings.parquet``: the column ``Embedding``.
    of_fields : Fields

    Raises
    ------
    InputError
        If a folder that the kind needs is missing or holds no table. A screen without a cell has no wells.
    """
    names: dict[str, list[str]] = {"classical": [], "deep": []}
    tables: dict[str, Path] = {}
    vectors: dict[str, Path] = {}
    if kind != "deep":
        if cells is None:
            raise InputError(f"--set {kind} needs --cells, the folder of the tables of cells")
        found = {file.stem: file for file in find_files(cells, "*.parquet")}
        tables, every = _tables(found, cells, "cells")
        names["classical"] = _numeric(list(tables.values()) or every)
    if kind != "classical":
        if embeddings is None:
            raise InputError(f"--set {kind} needs --embeddings, the folder of the embeddings")
        files = find_files(embeddings, f"*{_SUFFIX}.parquet")
        found = {file.stem.removesuffix(_SUFFIX): file for file in files}
        vectors, every = _tables(found, embeddings, "embedded cells")
        widths = {file: _width(file) for file in vectors.values() or every}
        first, width = next(iter(widths.items()))
        for file, other in widths.items():
            if other != width:
                raise InputError(f"{file}: embeddings of {other} numbers, but of {width} in {first}")
        names["deep"] = [f"{EMBEDDING}_{number}" for number in range(width)]
    opened = CellSet(
        kind, tables, vectors,
        (*names["classical"], *names["deep"]),
        ("classical",) * len(names["classical"]) + ("deep",) * len(names["deep"]),
        of_fields,
    )  # fmt: skip
    if not opened.wells and tables and vectors:
        raise InputError(f"no well-timepoint has both a table in {cells} and one in {embeddings}")
    return opened


def embedding_index(name: str) -> int:
    """Place in the embedding of a feature called ``Embedding_<n>``."""
    return int(name.removeprefix(f"{EMBEDDING}_"))


def _tables(files: dict[str, Path], folder: Path, what: str) -> tuple[dict[str, Path], list[Path]]:
    """Files that have rows, and all of them; a well without cells has none."""
    if not files:
        raise InputError(f"{folder}: no Parquet file with {what} in this folder")
    return {name: file for name, file in files.items() if pq.read_metadata(file).num_rows}, list(
        files.values()
    )


def _numeric(files: Sequence[Path]) -> list[str]:
    """Names of the numeric columns that are not keys and that all tables have.

    What was measured at some times only (an end-point stain) would set those times apart.
    """
    return [
        field.name
        for field in common_fields(files)
        if not field.name.startswith("Metadata_")
        and (pa.types.is_floating(field.type) or pa.types.is_integer(field.type))
    ]


def _width(file: Path) -> int:
    """Length of the embeddings of a file."""
    schema = pq.read_schema(file)
    kind = schema.field(EMBEDDING).type if EMBEDDING in schema.names else None
    if kind is None or not pa.types.is_fixed_size_list(kind):
        raise InputError(f"{file}: no column {EMBEDDING!r} of lists of fixed size; embed_cells writes it")
    return int(kind.list_size)


def _numbers(table: pa.Table, names: Sequence[str]) -> Matrix:
    """Columns as (N, P) float32, null as NaN."""
    values = np.empty((table.num_rows, len(names)), dtype=np.float32, order="F")
    for number, name in enumerate(names):
        values[:, number] = table[name].cast(pa.float32(), safe=False).to_numpy()
    return np.ascontiguousarray(values)


def _embedding(table: pa.Table, file: Path) -> npt.NDArray[np.float16]:
    """The column of embeddings as (N, D)."""
    width = _width(file)
    chunks = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in table[EMBEDDING].chunks]
    flat = np.concatenate(chunks) if len(chunks) != 1 else chunks[0]
    if len(flat) != table.num_rows * width:
        raise InputError(f"{file}: a cell has no embedding")
    return np.asarray(flat.reshape(-1, width))
