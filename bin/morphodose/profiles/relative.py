"""Cells against vehicle: cells that detached are dead too, and are in no fraction of those that remain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

#: With this many vehicle wells an acquisition is compared with its own.
OWN_REFERENCE = 3


def add_relative(rows: Sequence[dict[str, Any]]) -> None:
    """Add ``Relative_CellCount``, ``Fraction_Lost``, ``Relative_ViableCount``, ``Relative_NucleiCount``.

    And ``Count_ReferenceWells``, the number of vehicle wells behind them.

    Parameters
    ----------
    rows : sequence of dict
        Wells, with ``Count_CellsPerField``; changed in place. ``Relative_NucleiCount`` is added where they
        have ``Count_NucleiPerField``: nuclei stay where a stain that leaves the cell hides it.

    Notes
    -----
    Cells per field over the mean of the vehicle wells of the same plate and timepoint: those of the same
    acquisition where it has `OWN_REFERENCE` of them, else those of all its replicates. The mean of one or two
    wells would put their own scatter into every well that is divided by it, and make the vehicle wells of
    such an acquisition agree with themselves by construction.
    """
    by_acquisition: dict[Any, list[dict[str, Any]]] = {}
    by_plate: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        if row["Metadata_Role"] == "vehicle" and math.isfinite(row["Count_CellsPerField"]):
            by_acquisition.setdefault(row["Metadata_Acquisition"], []).append(row)
            by_plate.setdefault((row["Metadata_Plate"], row["Metadata_Timepoint"]), []).append(row)
    for row in rows:
        own = by_acquisition.get(row["Metadata_Acquisition"], [])
        shared = by_plate.get((row["Metadata_Plate"], row["Metadata_Timepoint"]), [])
        reference = own if len(own) >= OWN_REFERENCE else shared
        row["Count_ReferenceWells"] = len(reference)
        count = _ratio(row["Count_CellsPerField"], [each["Count_CellsPerField"] for each in reference])
        row["Relative_CellCount"], row["Fraction_Lost"] = count, 1 - count
        if any("Fraction_Viable" in each for each in rows):
            row["Relative_ViableCount"] = _ratio(viable(row), [viable(each) for each in reference])
        if "Count_NucleiPerField" in row:
            nuclei = [each.get("Count_NucleiPerField", math.nan) for each in reference]
            row["Relative_NucleiCount"] = _ratio(row["Count_NucleiPerField"], nuclei)


def viable(row: dict[str, Any]) -> float:
    """Viable cells per field."""
    if row["Count_Cells"] == 0:
        return 0.0 if row["Count_Fields"] else math.nan
    return float(row["Count_CellsPerField"] * row.get("Fraction_Viable", math.nan))


def _ratio(value: float, reference: list[float]) -> float:
    """Value over the mean of the reference, NaN where there is none."""
    there = [each for each in reference if math.isfinite(each)]
    mean = sum(there) / len(there) if there else math.nan
    return value / mean if mean > 0 else math.nan
