"""Predictions of the networks, checked against the split that they claim to be held out by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from morphodose.errors import InputError
from morphodose.evaluation.cells import SplitCells
from morphodose.evaluation.labels import Classes
from morphodose.evaluation.metrics import Tally
from morphodose.tables import flat

#: Kind of training → name of the model in the tables.
MODELS = {"trained": "network", "permuted": "network_permuted", "random_split": "network_random_split"}
#: The model whose held-out cells come from wells that it has seen.
RANDOM = "network_random_split"


def tally_predictions(
    files: Sequence[Path], cells: SplitCells, classes: Mapping[str, Classes], labels: Sequence[str]
) -> dict[tuple[str, str], Tally]:
    """Count the predictions of all kinds.

    Parameters
    ----------
    files : sequence of Path
        ``<kind>_fold<k>_predictions.parquet`` of `train_resnet`.
    cells : SplitCells
    classes : mapping
    labels : sequence of str
        Labels that were trained.

    Returns
    -------
    dict
        (model, label) → its counts over usable cells.

    Raises
    ------
    InputError
        If a cell was predicted by a network that it helped to train, twice, or is not in the split.
    """
    found: dict[tuple[str, str], Tally] = {}
    seen: dict[str, npt.NDArray[np.bool_]] = {}
    for file in files:
        reader = _opened(file)
        for kind in _kinds(reader, file):
            table = reader.read(columns=_columns(reader, labels))
            table = table.filter(pc.equal(table["Kind"].cast(pa.string()), kind))
            rows = _checked_rows(table, kind, cells, file)
            already = seen.setdefault(kind, np.zeros(len(cells.ids), bool))
            if already[rows].any():
                twice = cells.ids[int(rows[already[rows]][0])]
                raise InputError(
                    f"{file}: cell {twice} was predicted by another file too; was one given twice?"
                )
            already[rows] = True
            for label in labels:
                tally = found.setdefault(
                    (MODELS[kind], label), Tally.empty(len(cells.units), len(classes[label].names))
                )
                _add(tally, table, rows, label, cells, classes[label], file)
    return found


def _opened(file: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file)
    except (pa.ArrowInvalid, OSError) as fault:
        raise InputError(f"{file}: not a table of predictions ({fault})") from fault


def _kinds(reader: pq.ParquetFile, file: Path) -> list[str]:
    """Kinds of training that a file has predictions of."""
    if "Kind" not in reader.schema_arrow.names:
        raise InputError(f"{file}: no column Kind; train_resnet writes it")
    kinds = sorted(set(reader.read(columns=["Kind"])["Kind"].to_pylist()))
    unknown = [kind for kind in kinds if kind not in MODELS]
    if unknown:
        raise InputError(f"{file}: Kind {unknown[0]!r} is not one of {', '.join(MODELS)}")
    return kinds


def _columns(reader: pq.ParquetFile, labels: Sequence[str]) -> list[str]:
    """Columns that are needed."""
    starts = tuple(f"Probability_{label.capitalize()}_" for label in labels)
    predicted = [f"Predicted_{label.capitalize()}" for label in labels]
    names = reader.schema_arrow.names
    return [n for n in names if n in ("Metadata_CellID", "Kind", "Fold", *predicted) or n.startswith(starts)]


def _checked_rows(table: pa.Table, kind: str, cells: SplitCells, file: Path) -> npt.NDArray[np.int64]:
    """Row of each cell in the split; its fold must be the one that held it out."""
    ids = flat(table["Metadata_CellID"])
    rows = cells.rows_of(ids)
    if (rows < 0).any():
        raise InputError(
            f"{file}: cell {ids[int(np.argmin(rows))]} is not in the split table; do they belong to one run?"
        )
    if len(np.unique(rows)) != len(rows):
        raise InputError(f"{file}: a cell is there twice")
    held_out = (cells.random_fold if MODELS[kind] == RANDOM else cells.fold)[rows]
    wrong = np.flatnonzero(held_out != table["Fold"].to_numpy())
    if len(wrong):
        first = int(wrong[0])
        raise InputError(
            f"{file}: cell {ids[first]} is held out in fold {held_out[first]}, but the network of fold "
            f"{table['Fold'][first]}, which was trained on it, predicted it; its scores would mean nothing"
        )
    return rows


def _add(
    tally: Tally,
    table: pa.Table,
    rows: npt.NDArray[np.int64],
    label: str,
    cells: SplitCells,
    classes: Classes,
    file: Path,
) -> None:
    """Count the usable cells of a table."""
    name = label.capitalize()
    if f"Predicted_{name}" not in table.column_names:
        raise InputError(f"{file}: no column Predicted_{name}, but labels.json says {label} is learned")
    texts = flat(table[f"Predicted_{name}"].cast(pa.string()))
    index = pc.index_in(texts, value_set=pa.array(classes.names)).fill_null(-1)
    predicted = index.to_numpy(zero_copy_only=False).astype(np.int64)
    bad = (predicted < 0) & texts.is_valid().to_numpy(zero_copy_only=False)
    if bad.any():
        raise InputError(f"{file}: {texts[int(np.argmax(bad))].as_py()!r} is not a class of {label}")
    confidence = np.full(len(rows), np.nan)
    for code, each in enumerate(classes.names):
        column = f"Probability_{name}_{each}"
        if column in table.column_names:
            mine = predicted == code
            confidence[mine] = table[column].to_numpy()[mine]
    true = cells.labels[label][rows]
    used = cells.usable[rows] & (true >= 0)
    tally.add(cells.unit[rows][used], true[used], predicted[used], confidence[used])
