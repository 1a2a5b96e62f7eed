"""Columns of the tables of responses, so that a table without rows has the columns of any other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from morphodose.tables import write_arrow, write_csv

_TEXT, _NUMBER, _COUNT = pa.string(), pa.float64(), pa.int64()
_OF = {"Metadata_Compound": _TEXT, "Metadata_Group": _TEXT}
_KEYS = {**_OF, "Metadata_Timepoint": _NUMBER, "Metadata_DoseUnit": _TEXT}
_DOSE = {**_OF, "Metadata_Dose": _NUMBER, "Metadata_DoseUnit": _TEXT}


def _ends(*names: str) -> dict[str, pa.DataType]:
    """Numbers with both ends of their interval."""
    return {f"{name}{end}": _NUMBER for name in names for end in ("", "_Low", "_High")}


#: Table → column → type.
SCHEMAS: dict[str, dict[str, pa.DataType]] = {
    "responses": {
        **_KEYS,
        **dict.fromkeys(("Endpoint", "Model", "State", "Reason", "Notes", "Layout"), _TEXT),
        **_ends("EC50", "Hill", "AtZeroDose", "AtInfiniteDose"),
        **dict.fromkeys(("Curve_EC50", "EC50_ReplicateSD"), _NUMBER),
        **_ends("EC10", "EC90", "AbsoluteIC50", "PointOfDeparture", "Effect_Highest", "AUC"),
        **dict.fromkeys(("Effect_P", "Effect_Q", "LackOfFit_P", "R2", "Vehicle_Mean"), _NUMBER),
        **dict.fromkeys(("N_Vehicle", "N_Wells", "N_Doses", "N_Replicates"), _COUNT),
        **dict.fromkeys(("Dose_Min", "Dose_Max", "ZPrime"), _NUMBER),
    },
    "curves": {
        **_KEYS,
        **dict.fromkeys(("Endpoint", "State"), _TEXT),
        **dict.fromkeys(("Dose", "Fit", "Low", "High"), _NUMBER),
    },
    "points": {
        **_OF,
        **dict.fromkeys(("Metadata_Plate", "Metadata_Replicate", "Metadata_Well"), _TEXT),
        **dict.fromkeys(("Metadata_Timepoint", "Metadata_Dose"), _NUMBER),
        **dict.fromkeys(("Metadata_DoseUnit", "Endpoint"), _TEXT),
        **dict.fromkeys(("Value", "Raw", "Cells"), _NUMBER),
        **dict.fromkeys(("Used", "Outlier"), pa.bool_()),
    },
    "hits": {
        "Metadata_Plate": _TEXT,
        **_DOSE,
        "Metadata_Timepoint": _NUMBER,
        "Endpoint": _TEXT,
        **dict.fromkeys(("RobustZ", "SSMD", "P", "Q"), _NUMBER),
        "Hit": pa.bool_(),
        **dict.fromkeys(("N_Wells", "N_Vehicle"), _COUNT),
        **dict.fromkeys(("Reason", "Layout"), _TEXT),
    },
    "positions": {
        "Metadata_Plate": _TEXT,
        "Metadata_Timepoint": _NUMBER,
        **dict.fromkeys(("Endpoint", "Term"), _TEXT),
        **dict.fromkeys(("P", "Q"), _NUMBER),
        "N_Wells": _COUNT,
        "Reason": _TEXT,
    },
    "growth": {
        **_KEYS,
        **dict.fromkeys(("Endpoint", "State", "Reason"), _TEXT),
        **_ends("GR50", "GRmax"),
        **dict.fromkeys(("Doublings", "Start_h"), _NUMBER),
    },
    "comparisons": {
        **dict.fromkeys(("Kind", "Shared", "First", "Second", "Endpoint"), _TEXT),
        "Metadata_Timepoint": _NUMBER,
        **_ends("Ratio"),
        **dict.fromkeys(("P", "P_Adjusted"), _NUMBER),
    },
    "departures": {
        **_KEYS,
        **dict.fromkeys(("ShapeEndpoint", "ShapeState", "DeathEndpoint", "DeathState"), _TEXT),
        **_ends("Shape_PointOfDeparture", "Death_PointOfDeparture"),
        "Ratio": _NUMBER,
    },
    "onsets": {
        **_DOSE,
        **dict.fromkeys(("Endpoint", "Kind", "State"), _TEXT),
        **dict.fromkeys(("Onset_h", "After_h"), _NUMBER),
        "Direction": _TEXT,
        "P": _NUMBER,
        **dict.fromkeys(("Reason", "Layout"), _TEXT),
    },
    "orders": {
        **_DOSE,
        "ShapeOnset_h": _NUMBER,
        "ShapeEndpoint": _TEXT,
        "DeathOnset_h": _NUMBER,
        **dict.fromkeys(("Dying_Excess", "Dying_ExcessLow", "Dying_ExcessHigh"), _NUMBER),
        "MorphologyFirst": _TEXT,
        **dict.fromkeys(("Reason", "Layout"), _TEXT),
    },
    "zprime": {
        "Metadata_Plate": _TEXT,
        "Metadata_Compound": _TEXT,
        "Metadata_Group": _TEXT,
        "Metadata_Timepoint": _NUMBER,
        "Endpoint": _TEXT,
        "ZPrime": _NUMBER,
        **dict.fromkeys(("N_Positive", "N_Vehicle"), _COUNT),
        "Reason": _TEXT,
    },
    "conditions": {
        **_DOSE,
        "Metadata_Role": _TEXT,
        "Metadata_Timepoint": _NUMBER,
        "Endpoint": _TEXT,
        **dict.fromkeys(("Mean", "SD", "Low", "High"), _NUMBER),
        "N_Wells": _COUNT,
    },
}

_UNITS = {
    name: "h"
    for name in ("Metadata_Timepoint", "Start_h", "Onset_h", "After_h", "ShapeOnset_h", "DeathOnset_h")
}


def write_rows(
    table: str, rows: Sequence[dict[str, Any]], path: str | Path, spreadsheet: bool = False
) -> None:
    """Write rows as one of `SCHEMAS`; NaN becomes null, hours carry their unit.

    With `spreadsheet` a CSV file of the same name is written beside it (`morphodose.tables.write_csv`).
    """
    arrays, fields = [], []
    for name, kind in SCHEMAS[table].items():
        values = [row[name] for row in rows]
        values = [None if isinstance(v, float) and math.isnan(v) else v for v in values]
        arrays.append(pa.array(values, type=kind))
        unit = _UNITS.get(name)
        fields.append(pa.field(name, kind, metadata={"unit": unit} if unit else None))
    found = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    write_arrow(found, path)
    if spreadsheet:
        write_csv(found, Path(path).with_suffix(".csv"))


def add_zprime(rows: Sequence[dict[str, Any]], zprimes: Sequence[dict[str, Any]]) -> None:
    """Add ``ZPrime`` to the rows of responses: the median over the plates, null without controls."""
    import statistics

    names = ("Metadata_Compound", "Metadata_Group", "Metadata_Timepoint", "Endpoint")
    found: dict[tuple[Any, ...], list[float]] = {}
    for row in zprimes:
        if math.isfinite(row["ZPrime"]):
            found.setdefault(tuple(row[name] for name in names), []).append(row["ZPrime"])
    for row in rows:
        values = found.get(tuple(row[name] for name in names))
        row["ZPrime"] = statistics.median(values) if values else math.nan
