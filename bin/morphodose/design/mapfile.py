"""The table of a plate map, from whichever file and shape it is kept in."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from morphodose.design.csvtable import Columns, CsvTable, table_of
from morphodose.design.faults import Faults, listing
from morphodose.design.layout import find_grids, is_ruler, table_of_grids
from morphodose.design.sheets import LOOKED_AT, is_workbook, read_bytes, read_text, read_workbook
from morphodose.design.units import read_unit

COLUMNS = ("well", "compound", "dose", "dose_unit", "role")
ALIASES = {
    "unit": "dose_unit",
    "dose_units": "dose_unit",
    "well_id": "well",
    "concentration": "dose",
    "conc": "dose",
    "drug": "compound",
    "compound_name": "compound",
    "treatment": "compound",
    "sirna": "compound",
    "well_type": "role",
}

_TABLE = Columns(
    COLUMNS, ("plate",), ALIASES, together=("dose", "dose_unit"), units={"dose": "dose_unit"}, below=True
)


def read_table(path: Path, plates: Collection[str], faults: Faults, sheet: str) -> CsvTable | None:
    """The plate map of a file with one row per well, in whichever shape it is written."""
    what = "plate map"
    raw = read_bytes(path, faults, what)
    if raw is None:
        return None
    if is_workbook(raw):
        sheets = read_workbook(raw, path.name, faults, what, sheet)
    else:
        if sheet:
            fix = "leave it out; a text file has one table"
            faults.add("sheet", "--plate_map_sheet", f"{path.name} is not a workbook", fix, value=sheet)
        text = read_text(
            raw, path.name, faults, what, lambda cells: _TABLE.likeness(cells) or is_ruler(cells)
        )
        sheets = [] if text is None else [text]
    rows = [one for one in sheets if any(_is_header(cells) for _, cells in one.records[:LOOKED_AT])]
    grids = [] if rows else [one for one in sheets if find_grids(one)]
    if len(rows) > 1:
        titles = listing(one.title for one in rows)
        faults.add(
            "sheet", path.name, "several sheets hold a plate map", "name one: --plate_map_sheet", 1, titles
        )
        return None
    used = rows or grids or sheets[:1]
    if others := [one.title for one in sheets if one not in used]:
        faults.warn(
            "sheet",
            path.name,
            f"the plate map is read from {listing(one.title for one in used)}; other sheets are passed over",
            "nothing, if that is right; else name the sheet: --plate_map_sheet",
            1,
            listing(others),
        )
    if grids:
        return _checked(table_of_grids(grids, plates, faults), faults)
    return _with_units(table_of(used[0], _TABLE, faults, what)) if used else None


def _is_header(cells: Sequence[str]) -> bool:
    return "well" in {_TABLE.proper(cell)[0] for cell in cells} and _TABLE.likeness(cells) > 1


def _checked(table: CsvTable | None, faults: Faults) -> CsvTable | None:
    """A table of grids, with the doses' units; grids that it lacks are faults."""
    table = _with_units(table)
    if table is None:
        return None
    lacks = [column for column in ("compound", "role") if column not in table.columns]
    if ("dose" in table.columns) != ("dose_unit" in table.columns):
        lacks.append("dose_unit" if "dose" in table.columns else "dose")
    grids = listing(column for column in table.columns if column not in ("well", "plate"))
    for column in lacks:
        fix = f"add a grid with '{column}' above it"
        if column == "dose_unit":
            fix += ", or write the unit above the doses, as in 'dose (uM)'"
        faults.add("grid", table.name, f"no grid of '{column}'", fix, table.header, f"grids: {grids}")
    return table


def _with_units(table: CsvTable | None) -> CsvTable | None:
    """The table with the units that stand beside the doses, as in ``10 uM``, in their own column."""
    if table is None or "dose" not in table.columns:
        return table
    rows, found = [], False
    for row in table.rows:
        match = re.fullmatch(r"(.*\d[.,]?)\s*([^\d\s.,].*)", row.cells["dose"])
        if match and not row.cells.get("dose_unit") and read_unit(match[2]).measures:
            row, found = replace(row, cells=row.cells | {"dose": match[1], "dose_unit": match[2]}), True
        rows.append(row)
    if found and "dose_unit" not in table.columns:
        rows = [replace(row, cells={"dose_unit": ""} | row.cells) for row in rows]
        return replace(table, columns=[*table.columns, "dose_unit"], rows=rows)
    return replace(table, rows=rows)
