"""The split table in memory: small codes instead of text, and where each cell's row is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from morphodose.errors import InputError
from morphodose.evaluation.labels import VEHICLE, Classes
from morphodose.evaluation.split_files import split_columns
from morphodose.evaluation.splits import Unit
from morphodose.names import well_position
from morphodose.tables import flat

Codes = npt.NDArray[np.int32]
_TEXT = (
    "Metadata_Plate", "Metadata_Replicate", "Metadata_Well", "Metadata_Acquisition", "Metadata_Role",
    "Metadata_Compound", "Label_Dose", "Label_Time",
)  # fmt: skip
_OTHER = ("Metadata_Field", "Metadata_Dose", "Fold", "RandomFold", "Usable", "Metadata_CellID")


@dataclass(frozen=True)
class SplitCells:
    """Cells of a screen, N, in U wells.

    Attributes
    ----------
    ids : pyarrow.Array
        CellIDs, (N,).
    units : tuple of Unit
        Wells, (U,).
    strata : (U,) array of int
        What each well holds.
    unit, field, fold, random_fold : (N,) arrays of int
    acquired : (N,) array of int
        Code of the well-timepoint.
    usable, vehicle : (N,) arrays of bool
    labels : dict
        ``dose`` and ``time`` → class of each cell, (N,); -1 has none.
    blocks : dict
        (acquisition, well) → its rows.
    """

    ids: pa.Array
    units: tuple[Unit, ...]
    strata: Codes
    unit: Codes
    field: Codes
    fold: Codes
    random_fold: Codes
    acquired: Codes
    usable: npt.NDArray[np.bool_]
    vehicle: npt.NDArray[np.bool_]
    labels: Mapping[str, Codes]
    blocks: Mapping[tuple[str, str], npt.NDArray[np.int64]]

    @property
    def folds(self) -> int:
        """Number of folds."""
        return int(self.fold.max(initial=-1)) + 1

    def rows_of(self, ids: pa.Array, among: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.int64]:
        """Row of each CellID; -1 where it is not in the split. `among` limits the search to some rows.

        Parameters
        ----------
        among : (n,) array of int, optional
            Rows to search.
        """
        known = self.ids if among is None else self.ids.take(pa.array(among))
        place = (
            pc.index_in(ids.cast(pa.string()), value_set=known).fill_null(-1).to_numpy(zero_copy_only=False)
        )
        if among is None:
            return np.asarray(place, dtype=np.int64)
        return np.where(place < 0, -1, among[place] if len(among) else -1)

    def rows_of_table(self, table: pa.Table) -> npt.NDArray[np.int64]:
        """Rows of the cells of a table of one well-timepoint or several, by ``Metadata_CellID``."""
        names = ["Metadata_Acquisition", "Metadata_Well"]
        wells = table.select(names).group_by(names).aggregate([]).to_pylist()
        here = [self.blocks.get((well[names[0]], well[names[1]])) for well in wells]
        found = [rows for rows in here if rows is not None]
        among = np.concatenate(found) if found else np.empty(0, np.int64)
        return self.rows_of(flat(table["Metadata_CellID"]), among)

    def positions(self) -> npt.NDArray[np.float64]:
        """Plate (a code), row and column of each well, (U, 3)."""
        plates = {plate: i for i, plate in enumerate(sorted({unit.plate for unit in self.units}))}
        return np.array([(plates[unit.plate], *well_position(unit.well)) for unit in self.units], dtype=float)


def read_split_cells(path: Path, classes: Mapping[str, Classes]) -> SplitCells:
    """Read ``split.parquet`` of `split_cells` into codes.

    Raises
    ------
    InputError
        If it is not that table, or a cell is in it twice.
    """
    table = split_columns(path, [*_TEXT, *_OTHER], coded=_TEXT)
    if not table.num_rows:
        raise InputError(f"{path}: no cells; nothing can be scored")
    ids = flat(table["Metadata_CellID"])
    if len(pc.unique(ids)) != len(ids):
        raise InputError(f"{path}: a CellID is there twice; make the table again")
    coded = {name: _coded(table[name]) for name in _TEXT}
    unit, units = _joint([coded[f"Metadata_{n}"] for n in ("Plate", "Replicate", "Well")])
    acquired, pairs = _joint([coded["Metadata_Acquisition"], coded["Metadata_Well"]])
    order = np.argsort(acquired, kind="stable")
    bounds = np.searchsorted(acquired[order], np.arange(len(pairs) + 1))
    blocks = {(str(a), str(w)): order[bounds[i] : bounds[i + 1]] for i, (a, w) in enumerate(pairs)}
    numbers = {name: table[name].to_numpy() for name in _OTHER if name not in ("Metadata_CellID",)}
    holds, _ = _joint([coded["Metadata_Compound"], coded["Metadata_Role"], coded["Label_Dose"]])
    doses = np.unique(np.nan_to_num(numbers["Metadata_Dose"], nan=-1.0), return_inverse=True)[1]
    strata = np.zeros(len(units), np.int32)
    vehicle = _is(coded["Metadata_Role"], VEHICLE)
    # vehicle wells of all compounds hold the same
    strata[unit] = np.where(vehicle, -1, np.unique(holds * (doses.max() + 1) + doses, return_inverse=True)[1])
    return SplitCells(
        ids, tuple(Unit(*map(str, names)) for names in units), strata, unit,
        numbers["Metadata_Field"].astype(np.int32), numbers["Fold"].astype(np.int32),
        numbers["RandomFold"].astype(np.int32), acquired, numbers["Usable"].astype(bool), vehicle,
        {
            "dose": _classed(coded["Label_Dose"], classes["dose"], path),
            "time": _classed(coded["Label_Time"], classes["time"], path),
        },
        blocks,
    )  # fmt: skip


def _coded(column: pa.ChunkedArray) -> tuple[Codes, list[Any]]:
    """Codes of a text column, -1 for null, and the texts."""
    array = flat(column.cast(pa.string())).dictionary_encode()
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes.astype(np.int32), array.dictionary.to_pylist()


def _joint(parts: list[tuple[Codes, list[Any]]]) -> tuple[Codes, list[tuple[Any, ...]]]:
    """Codes of the combinations of several text columns, and the combinations, sorted."""
    keys = np.stack([codes for codes, _ in parts], axis=1)
    combined = keys[:, 0].astype(np.int64)
    for column, (_, texts) in zip(keys.T[1:], parts[1:], strict=True):
        combined = combined * (len(texts) + 1) + column + 1
    _, first, inverse = np.unique(combined, return_index=True, return_inverse=True)
    found = [tuple(t[c] if c >= 0 else None for c, (_, t) in zip(keys[i], parts, strict=True)) for i in first]
    order = sorted(range(len(found)), key=lambda i: tuple(str(each) for each in found[i]))
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank[inverse.ravel()], [found[i] for i in order]


def _is(coded: tuple[Codes, list[Any]], text: str) -> npt.NDArray[np.bool_]:
    codes, texts = coded
    return codes == texts.index(text) if text in texts else np.zeros(len(codes), bool)


def _classed(coded: tuple[Codes, list[Any]], classes: Classes, path: Path) -> Codes:
    """Index of the class of each cell; -1 without."""
    codes, texts = coded
    unknown = [text for text in texts if text not in classes.names]
    if unknown:
        raise InputError(
            f"{path}: label {unknown[0]!r} is not a class of labels.json; do they belong together?"
        )
    index = np.array([*(classes.names.index(text) for text in texts), -1], dtype=np.int32)
    return index[codes]
