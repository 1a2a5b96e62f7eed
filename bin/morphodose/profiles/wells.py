"""One row per well-timepoint: counts, death fractions, medians of the cells in the fields that were kept."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from morphodose.cells.annotate import WHAT_LACKING
from morphodose.cells.marks import MARKS
from morphodose.cells.schemas import IMAGES
from morphodose.cells.unusable import UNUSABLE
from morphodose.death.states import DOUBT, MOVED_STATES, STATE
from morphodose.names import well_timepoint_id
from morphodose.profiles.endpoints import Endpoint
from morphodose.profiles.intervals import fraction_interval
from morphodose.profiles.segmentation import segmentation_counts

if TYPE_CHECKING:
    import pandas as pd

_WELL = ("Metadata_Acquisition", "Metadata_Well")
#: Keys of a field, and what QC said of it: not columns of a well.
_OF_FIELDS = (
    "Metadata_Field",
    "Metadata_ImageID",
    "Metadata_QCVerdict",
    "Metadata_QCReason",
    UNUSABLE,
    MARKS,
    WHAT_LACKING,
)

#: Fraction → the states that are counted, with both dyes.
FRACTIONS: dict[str, tuple[str, ...]] = {
    "Fraction_Viable": ("viable",),
    "Fraction_EarlyApoptotic": ("early_apoptotic",),
    "Fraction_LateApoptotic": ("late_apoptotic",),
    "Fraction_Necrotic": ("necrotic",),
    "Fraction_Dead": ("late_apoptotic", "necrotic", "dead"),
    "Fraction_Dying": ("early_apoptotic", "late_apoptotic", "necrotic", "dead", "dying"),
}
#: What a single dye leaves unknown: PI alone cannot see early apoptosis, Annexin V alone not who is dead.
_UNKNOWN = {
    "dead": ("Fraction_EarlyApoptotic", "Fraction_LateApoptotic", "Fraction_Necrotic"),
    "dying": ("Fraction_EarlyApoptotic", "Fraction_LateApoptotic", "Fraction_Necrotic", "Fraction_Dead"),
}


def well_rows(images: pd.DataFrame) -> list[tuple[dict[str, Any], pd.DataFrame]]:
    """Keys of every well-timepoint, with its fields; wells without cells or kept fields are there too.

    Raises
    ------
    InputError
        If the table of images lacks a column.
    """
    IMAGES.check(images, "--images", (*_WELL, "Metadata_ImageID", "Metadata_Role"))
    keys = [name for name in images if name.startswith("Metadata_") and name not in _OF_FIELDS]
    return [
        ({name: _plain(fields[name].iloc[0]) for name in keys}, fields)
        for _, fields in images.groupby(list(_WELL), sort=True)
    ]


def _plain(value: Any) -> Any:
    """A missing value as None."""
    return None if value is None or value != value or str(value) == "<NA>" else value


def kept_fields(fields: pd.DataFrame) -> pd.DataFrame:
    """Fields that QC did not drop."""
    if "Metadata_QCVerdict" not in fields:
        return fields
    return fields[(fields["Metadata_QCVerdict"] != "drop").fillna(True).astype(bool)]


def profile_well(
    keys: dict[str, Any],
    fields: pd.DataFrame,
    cells: Path | None,
    endpoints: Sequence[Endpoint] = (),
    viable_features: Sequence[str] = (),
) -> dict[str, Any]:
    """Row of one well-timepoint.

    Parameters
    ----------
    keys : dict
        Its ``Metadata_*``.
    fields : pandas.DataFrame
        Rows of its fields in the images table.
    cells : path, optional
        Its table of cells; None where it has none.
    endpoints : sequence of Endpoint
        Asked for by the user.
    viable_features : sequence of str
        Features whose median over the viable cells alone is wanted too: dying cells change their shape, so
        that a median over all cells mixes the change of shape with death.

    Returns
    -------
    dict
        Without the columns that compare wells with vehicle (see `morphodose.profiles.relative`).
    """
    kept = kept_fields(fields)
    row: dict[str, Any] = {**keys, "Count_Fields": len(kept), "Count_FieldsDropped": len(fields) - len(kept)}
    table = pq.ParquetFile(cells).read(use_threads=False) if cells is not None else None
    if table is not None:
        images = table["Metadata_ImageID"].to_pylist()
        wanted = set(kept["Metadata_ImageID"])
        table = table.filter(pa.array([image in wanted for image in images], type=pa.bool_()))
    count = table.num_rows if table is not None else 0
    row["Count_Cells"] = count
    row["Count_CellsPerField"] = count / len(kept) if len(kept) else math.nan
    row |= segmentation_counts(kept)
    if table is None:
        return row
    states = np.array(table[STATE].to_pylist(), dtype=object) if STATE in table.column_names else None
    if states is not None:
        row |= fractions(states, np.array(table["Metadata_ImageID"].to_pylist(), dtype=object))
        for end, name in MOVED_STATES.items():
            if name in table.column_names:
                row |= moved_fractions(np.array(table[name].to_pylist(), dtype=object), end)
        if DOUBT in table.column_names:
            row["Count_DoubtfulStates"] = len(table) - table[DOUBT].null_count
    row |= medians(table)
    viable = states == "viable" if states is not None else None
    if viable is not None:
        chosen = table.filter(pa.array(viable.astype(bool), type=pa.bool_()))
        have = [name for name in viable_features if name in table.column_names]
        row |= {f"MedianViable_{n}": value for n, value in _medians(chosen, have).items()}
    for endpoint in endpoints:
        if not set(endpoint.columns) <= set(table.column_names):
            continue  # its channel was not imaged at this time: the column is empty here
        columns = {name: _numbers(table, name) for name in endpoint.columns}
        values = endpoint.of_cells(columns)
        values = values[np.isfinite(values)]
        row[f"Endpoint_{endpoint.name}"] = float(np.median(values)) if len(values) else math.nan
    return row


def fractions(states: np.ndarray, images: np.ndarray) -> dict[str, Any]:
    """Fractions of the cells whose state is known, with intervals; NaN for what the dyes do not tell.

    Parameters
    ----------
    states, images : (N,) array of object
        State (or None) and field of each cell.
    """
    known = np.array([state is not None for state in states], dtype=bool)
    states, images = states[known], images[known]
    row: dict[str, Any] = {"Count_Called": len(states)}
    names = np.unique(images.astype(str)) if len(images) else []
    members = [images == name for name in names]
    unknown = {name for state, names in _UNKNOWN.items() if np.any(states == state) for name in names}
    for name, wanted in FRACTIONS.items():
        inside = np.isin(states.astype(str), wanted)
        found = fraction_interval([inside[m].sum() for m in members], [m.sum() for m in members])
        row |= dict(zip((name, f"{name}_Low", f"{name}_High"), found, strict=True))
        if name in unknown:
            row |= dict.fromkeys((name, f"{name}_Low", f"{name}_High"), math.nan)
    return row


def moved_fractions(states: np.ndarray, end: str) -> dict[str, float]:
    """Fractions by the states at moved gates, ``Fraction_…_<end>``; NaN for what the dyes do not tell.

    Parameters
    ----------
    states : (N,) array of str
        States of the cells at the moved gates.
    """
    found = fractions(states, np.full(len(states), "", dtype=object))
    return {f"{name}_{end}": found[name] for name in FRACTIONS}


def medians(table: pa.Table) -> dict[str, float]:
    """``Median_<feature>`` of every numeric column that is not a key."""
    names = [
        field.name
        for field in table.schema
        if not field.name.startswith("Metadata_")
        and (pa.types.is_floating(field.type) or pa.types.is_integer(field.type))
    ]
    return {f"Median_{name}": value for name, value in _medians(table, names).items()}


def _medians(table: pa.Table, names: Sequence[str], at_once: int = 64) -> dict[str, float]:
    """Median of each column over the cells that have a value; NaN where none has."""
    found: dict[str, float] = {}
    for start in range(0, len(names), at_once):
        part = names[start : start + at_once]
        block = np.column_stack([_numbers(table, name) for name in part])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # all cells without a value: NaN says so
            values = np.nanmedian(block, axis=0) if len(block) else np.full(len(part), np.nan)
        found |= dict(zip(part, map(float, values), strict=True))
    return found


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    """A column as float64, null as NaN."""
    return table[name].cast(pa.float64()).to_numpy()


def cells_of(keys: dict[str, Any], files: dict[str, Path]) -> Path | None:
    """The table of cells of a well-timepoint, by its id."""
    return files.get(well_timepoint_id(keys["Metadata_Acquisition"], keys["Metadata_Well"]))
