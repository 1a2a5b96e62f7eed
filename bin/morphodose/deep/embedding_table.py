"""Embeddings in Parquet, written row group by row group: memory does not grow with the number of cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from morphodose.columns import vector
from morphodose.deep.schemas import EMBEDDINGS
from morphodose.errors import InputError
from morphodose.files import replacing
from morphodose.key_columns import OF_CELL
from morphodose.tables import signed_metadata

#: Columns of the split that go with an embedding.
KEYS = tuple(name for each in OF_CELL for name in each.each)
#: Rows of a row group; 1,024 embeddings of 2,048 numbers are 4 MiB.
ROWS = 1024
EMBEDDING = "Embedding"


def as_list_array(embeddings: npt.NDArray[np.floating]) -> pa.FixedSizeListArray:
    """An (N, D) array as a column of float16 lists.

    Raises
    ------
    InputError
        If a number is not finite, or too large for float16 (65,504): the network diverged.
    """
    with np.errstate(over="ignore"):  # an overflow is infinite, and found below
        half = np.ascontiguousarray(embeddings, np.float16)
    if not np.isfinite(half).all():
        raise InputError(
            "the network gives embeddings that are not finite, or above 65504: it diverged, or its weights "
            "are damaged"
        )
    return pa.FixedSizeListArray.from_arrays(pa.array(half.reshape(-1)), type=vector(embeddings.shape[1]))


class EmbeddingWriter:
    """Collects rows up to a row group, then writes them; see `embedding_writer`.

    One row group is written by a thread while the next is collected: compressing it would keep a GPU waiting.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        # neighbouring bytes of like numbers compress better; a dictionary of floats is only in the way
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        self._writer = pq.ParquetWriter(
            path,
            schema.with_metadata(signed_metadata(schema)),
            compression="zstd",
            use_dictionary=texts,
            use_byte_stream_split=[f"{EMBEDDING}.list.element"],
        )
        self._schema = schema
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None
        self._held: list[pa.RecordBatch] = []
        self._rows = 0

    def write(
        self,
        rows: Mapping[str, Sequence[Any] | npt.NDArray[Any] | pd.Series],
        embeddings: npt.NDArray[np.floating],
    ) -> None:
        """Add rows: a column of each name of the schema, and their (N, D) embeddings."""
        columns = [
            as_list_array(embeddings)
            if field.name == EMBEDDING
            else pa.array(rows[field.name], field.type, from_pandas=True)
            for field in self._schema
        ]
        self._held.append(pa.record_batch(columns, schema=self._schema))
        self._rows += len(embeddings)
        if self._rows >= ROWS:
            self._flush()

    def _flush(self) -> None:
        self._wait()
        if self._held:
            table = pa.Table.from_batches(self._held, self._schema)
            self._writing = self._thread.submit(self._writer.write_table, table)
        self._held, self._rows = [], 0

    def _wait(self) -> None:
        """Until the row group before is written; its fault, such as a full disk, is raised here."""
        if self._writing:
            self._writing.result()
        self._writing = None

    def __enter__(self) -> EmbeddingWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._flush()
                self._wait()
        finally:
            self._thread.shutdown()
            self._writer.close()


@contextmanager
def embedding_writer(
    path: str | Path, dimensions: int, extra: Sequence[str] = ("Fold", "Usable")
) -> Iterator[EmbeddingWriter]:
    """A writer of one table of embeddings, which is there whole in the end or not at all.

    Parameters
    ----------
    path : path
        The Parquet file.
    dimensions : int
        D, the length of an embedding.
    extra : sequence of str
        Columns between keys and embedding.
    """
    schema = EMBEDDINGS.schema([*KEYS, *extra, EMBEDDING], length=dimensions)
    with replacing(path) as temporary, EmbeddingWriter(temporary, schema) as writer:
        yield writer


def read_embeddings(
    path: str | Path, columns: Sequence[str] = (), rows: int = 4096
) -> Iterator[tuple[pd.DataFrame, npt.NDArray[np.float16]]]:
    """Tables of embeddings in parts of at most `rows` rows: the named columns, and the (n, D) embeddings.

    Raises
    ------
    InputError
        If a table has no embeddings.
    """
    file = pq.ParquetFile(path)
    if EMBEDDING not in file.schema_arrow.names:
        raise InputError(f"{path}: no column {EMBEDDING}; a table of embed_cells is expected")
    for batch in file.iter_batches(rows, columns=[*columns, EMBEDDING]):
        lists = batch.column(EMBEDDING)
        vectors = lists.flatten().to_numpy(zero_copy_only=False).reshape(len(lists), -1)
        yield batch.select(list(columns)).to_pandas(), vectors
