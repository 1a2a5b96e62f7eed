"""Feature matrices of the baselines, read batch by batch: measurements of cells, embeddings of networks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from morphodose.errors import InputError
from morphodose.evaluation.cells import SplitCells
from morphodose.tables import common_fields, flat, parquet_files

Matrix = npt.NDArray[np.float32]
KEYS = ("Metadata_Acquisition", "Metadata_Well", "Metadata_CellID")
#: Cells of a batch.
BATCH = 8192
#: Where a cell lies in its image and what its neighbours are called is not a phenotype.
_PLACES = re.compile(r"_(Location_|AreaShape_(Center|BoundingBoxM)|Neighbors_\w*ObjectNumber)")
_INTENSITY = "_Intensity_"
_TWICE = "{}: a cell is in these tables twice; name one folder of them"


@dataclass(frozen=True)
class Source:
    """Tables with one vector a cell.

    Attributes
    ----------
    files : tuple of Path
    columns : tuple of str
        Features; or ``Embedding`` alone, a list in each row.
    """

    files: tuple[Path, ...]
    columns: tuple[str, ...]

    def batches(self, cells: SplitCells) -> Iterator[tuple[npt.NDArray[np.int64], Matrix]]:
        """Rows of the split (n,) and their vectors (n, D), of the cells that are in it.

        Raises
        ------
        InputError
            If a table cannot be read, lacks a column, or has embeddings of another length.
        """
        width = 0
        for file in self.files:
            try:
                reader = pq.ParquetFile(file)
                missing = {*KEYS, *self.columns} - set(reader.schema_arrow.names)
                if missing:
                    raise InputError(f"{file}: no column {sorted(missing)[0]}, which other tables have")
                # a thread a column: with thousands of short columns it costs more than it saves (at 7,000
                # cells 3.7 times the CPU time, and twice the wall time)
                for batch in reader.iter_batches(BATCH, columns=[*KEYS, *self.columns], use_threads=False):
                    table = pa.Table.from_batches([batch])
                    rows = cells.rows_of_table(table)
                    known = np.flatnonzero(rows >= 0)
                    if not len(known):
                        continue
                    matrix = self._matrix(table, file)
                    width = width or matrix.shape[1]
                    if matrix.shape[1] != width:
                        raise InputError(
                            f"{file}: embeddings of {matrix.shape[1]} numbers, where those of other tables "
                            f"have {width}; they are of different networks: embed all cells again"
                        )
                    yield rows[known], matrix if len(known) == len(matrix) else matrix[known]
            except (pa.ArrowInvalid, OSError) as fault:
                raise InputError(f"{file}: not a readable Parquet table ({fault})") from fault

    def _matrix(self, table: pa.Table, file: Path) -> Matrix:
        """Vectors of a batch."""
        if self.columns == ("Embedding",):
            lists = flat(table["Embedding"])
            if lists.null_count:
                raise InputError(f"{file}: a cell without embedding")
            return np.asarray(lists.flatten().to_numpy(zero_copy_only=False), np.float32).reshape(
                len(lists), -1
            )
        found = np.empty((table.num_rows, len(self.columns)), np.float32)
        for i, name in enumerate(self.columns):
            found[:, i] = table[name].cast(pa.float32()).to_numpy()
        return found


def classical_source(places: Sequence[Path]) -> Source | None:
    """Features of the cells' measurements; None without tables.

    Raises
    ------
    InputError
        If the tables have no measurements.
    """
    files = tuple(sorted({f for place in places for f in parquet_files(place)}, key=lambda file: file.name))
    if not files:
        return None
    kinds = (pa.types.is_floating, pa.types.is_integer)
    names = [
        field.name
        for field in common_fields(files)
        if not field.name.startswith("Metadata_") and any(is_kind(field.type) for is_kind in kinds)
    ]
    kept = tuple(name for name in names if not _PLACES.search(name))
    if not kept:
        raise InputError(f"{files[0]}: no measurements; tables of cells (annotate_cells) are expected")
    return Source(files, kept)


def intensity_columns(source: Source) -> npt.NDArray[np.int64]:
    """Indices of the features that are stain intensities."""
    return np.array([i for i, name in enumerate(source.columns) if _INTENSITY in name], dtype=np.int64)


def embedding_source(place: Path) -> Source | None:
    """Embeddings of one network for all cells; None without tables."""
    files = tuple(parquet_files(place))
    return Source(files, ("Embedding",)) if files else None


def sample_rows(cells: SplitCells, most: int, seed: int) -> npt.NDArray[np.bool_]:
    """A sample of usable cells, (N,): as many of each well-timepoint, as far as it has them."""
    usable = np.flatnonzero(cells.usable)
    chosen = np.zeros(len(cells.usable), bool)
    if len(usable) <= most:
        chosen[usable] = True
        return chosen
    shuffled = np.random.default_rng(seed).permutation(usable)
    group = cells.acquired[shuffled]
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.unique(group))
    sizes = np.diff([*starts, len(order)])
    rank = np.arange(len(order)) - np.repeat(starts, sizes)
    chosen[shuffled[order[rank < _quota(sizes, most)]]] = True
    return chosen


def _quota(sizes: npt.NDArray[np.int64], most: int) -> int:
    """Greatest number per group that stays within `most` in all; at least 1."""
    low, high = 1, int(sizes.max())
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(sizes, middle).sum() <= most else (low, middle - 1)
    return low


def gather(
    source: Source, cells: SplitCells, wanted: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], Matrix]:
    """Rows and vectors of the wanted cells, those that the tables have.

    Parameters
    ----------
    wanted : (N,) array of bool
        Which cells of the split.

    Raises
    ------
    InputError
        If the tables have none of the cells, or have one twice.
    """
    found = np.empty(np.count_nonzero(wanted), np.int64)
    vectors = np.empty((len(found), 0), np.float32)
    count = 0
    for rows, matrix in source.batches(cells):
        if not vectors.shape[1]:  # the width of embeddings is that of the first batch
            vectors = np.empty((len(found), matrix.shape[1]), np.float32)
        mine = np.flatnonzero(wanted[rows])
        if count + len(mine) > len(found):
            raise InputError(_TWICE.format(source.files[0].parent))
        found[count : count + len(mine)] = rows[mine]
        vectors[count : count + len(mine)] = matrix[mine]
        count += len(mine)
    if not vectors.shape[1]:
        raise InputError(f"{source.files[0].parent}: none of the cells of the split is in these tables")
    if len(np.unique(found[:count])) < count:
        raise InputError(_TWICE.format(source.files[0].parent))
    return found[:count], vectors[:count]
