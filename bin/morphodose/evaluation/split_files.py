"""What `split_cells` wrote, ``split.parquet`` and ``labels.json``, for every step that reads it.

A large table is never read whole: some columns, of some shards or cells, at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from morphodose.errors import InputError
from morphodose.evaluation.labels import Classes
from morphodose.evaluation.schemas import SPLIT


def split_columns(
    path: str | Path, columns: Sequence[str], wanted: pc.Expression | None = None, coded: Sequence[str] = ()
) -> pa.Table:
    """Some columns of ``split.parquet``, in the order of the file.

    Parameters
    ----------
    path : path
        The table.
    columns : sequence of str
        Their names.
    wanted : pyarrow.compute.Expression, optional
        Which rows; all without it.
    coded : sequence of str
        Text columns to keep as codes and a dictionary.

    Raises
    ------
    InputError
        If the file is not a table of `split_cells`, or lacks a column.
    """
    kind = ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(dictionary_columns=list(coded)))
    try:
        # a single file, so that no part of its path is read as a partition
        table = ds.dataset([str(path)], format=kind)
        SPLIT.check(table.schema.names, path, columns)
        return table.to_table(columns=list(columns), filter=wanted)
    except (pa.ArrowInvalid, OSError) as fault:
        raise InputError(f"{path}: not a table of split_cells ({fault})") from fault


def split_rows(path: str | Path, columns: Sequence[str], shards: Iterable[str] | None = None) -> pd.DataFrame:
    """Some columns of the rows of some shards (None: of all), in the order of the file.

    Raises
    ------
    InputError
        If the file is not a table of `split_cells`, or lacks a column.
    """
    wanted = None if shards is None else pc.field("Crop_Shard").isin(list(shards))
    return split_columns(path, columns, wanted).to_pandas()


def rows_of_cells(path: str | Path, columns: Sequence[str], cells: Iterable[str]) -> pd.DataFrame:
    """Some columns of the rows of some cells, by their ``Metadata_CellID``.

    Raises
    ------
    InputError
        If the file is not a table of `split_cells`, or lacks a column.
    """
    return split_columns(path, columns, pc.field("Metadata_CellID").isin(list(cells))).to_pandas()


@dataclass(frozen=True)
class Labels:
    """What ``labels.json`` says.

    Attributes
    ----------
    classes : dict of str to Classes
        ``dose`` and ``time``.
    split : str
        ``replicate`` or ``wells``.
    notes : list of str
        What a reader of the scores has to know.
    """

    classes: dict[str, Classes]
    split: str
    notes: list[str]

    @property
    def trained(self) -> tuple[str, ...]:
        """Labels that have two classes or more."""
        return tuple(name for name, classes in self.classes.items() if len(classes.names) > 1)

    def to_learn(self) -> dict[str, Classes]:
        """The labels that are trained, time first, which is the order of the network's outputs.

        Raises
        ------
        InputError
            If no label has two classes.
        """
        if not self.trained:
            raise InputError("labels.json: neither dose nor time has two classes; there is nothing to learn")
        return {name: self.classes[name] for name in ("time", "dose") if name in self.trained}


def read_labels_json(path: str | Path) -> Labels:
    """Read ``labels.json``.

    Raises
    ------
    InputError
        If it is not that of `split_cells`.
    """
    try:
        given = json.loads(Path(path).read_text(encoding="utf-8"))
        classes = {
            name: Classes(
                tuple(map(str, given[name]["classes"])),
                tuple(float(value) for value in given[name]["values"]),
                bool(given[name]["ordinal"]),
                "h" if name == "time" else str(given[name].get("unit") or ""),
            )
            for name in ("dose", "time")
        }
        return Labels(classes, str(given["split"]), [str(note) for note in given.get("notes", [])])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise InputError(f"{path}: not the labels.json of split_cells ({fault!r})") from fault
