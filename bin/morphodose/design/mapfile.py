"""The table of a plate map, from whichever file and shape it is kept in."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from morphodose.design.csvtable import Columns, CsvTable, column_key, table_of
from morphodose.design.d300 import is_protocol, sheet_of_protocol
from morphodose.design.dispensed import is_dispensed, likeness, table_of_dispenser
from morphodose.design.faults import Faults, listing
from morphodose.design.harmony_layout import is_xml, root_of, sheet_of_layout, with_roles
from morphodose.design.layout import find_grids, is_ruler, table_of_grids
from morphodose.design.mars import find_contents, sheet_of_contents
from morphodose.design.sheets import LOOKED_AT, Sheet, is_workbook, read_bytes, read_text, read_workbook
from morphodose.design.units import read_unit
from morphodose.design.wide import find_wide, transfers_of, with_further
from morphodose.identity import tidy

COLUMNS = ("well", "compound", "dose", "dose_unit", "role")
ALIASES = {
    "unit": "dose_unit",
    "dose_units": "dose_unit",
    **dict.fromkeys(
        ("well_id", "wellid", "well_name", "well_position", "well_label", "well_number", "metadata_well")
        + ("well_no", "well_num"),
        "well",
    ),
    "concentration": "dose",
    "conc": "dose",
    "drug": "compound",
    "compound_name": "compound",
    "compound_id": "compound",
    "drug_name": "compound",
    "substance": "compound",
    "treatment": "compound",
    "sirna": "compound",
    "cpd": "compound",
    # of two drugs, the first is the compound
    **dict.fromkeys(("drug1", "drug_1", "compound1", "compound_1", "drug_a", "compound_a"), "compound"),
    **dict.fromkeys(("dose1", "dose_1", "conc1", "conc_1", "concentration1", "concentration_1"), "dose"),
    **dict.fromkeys(("drug2", "drug_2", "compound2", "drug_b", "compound_b"), "compound_2"),
    **dict.fromkeys(("dose2", "conc2", "conc_2", "concentration2", "concentration_2"), "dose_2"),
    **dict.fromkeys(("well_type", "sample_type", "control_type", "content"), "role"),
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
    if is_xml(raw):
        root = root_of(raw, path.name, faults)
        if root is None:
            return None
        if is_protocol(root):
            protocol = sheet_of_protocol(root, path.name, faults)
            how = "a protocol of the D300, with the doses that were planned, Row 0 and Col 0 being well A01"
            return None if protocol is None else table_of_dispenser(protocol, plates, faults, how)
        layout = sheet_of_layout(root, path.name, faults)
        if layout is None:
            return None
        optional = [column for column in _TABLE.required if column not in ("role", "dose", "dose_unit")]
        columns = replace(_TABLE, required=optional, optional=("plate", "role", "dose", "dose_unit"))
        table = _with_units(table_of(layout, columns, faults, what))
        return None if table is None else _checked_units(with_roles(table, faults), faults)
    if is_workbook(raw):
        sheets = read_workbook(raw, path.name, faults, what, sheet)
    else:
        if sheet:
            fix = "leave it out; a text file has one table"
            faults.add("sheet", "--plate_map_sheet", f"{path.name} is not a workbook", fix, value=sheet)
        text = read_text(raw, path.name, faults, what, _likeness)
        sheets = [] if text is None else [text]
    by_content = [(one, index) for one in sheets if (index := find_contents(one)) is not None]
    if by_content:
        contents = sheet_of_contents(*by_content[0], faults)
        return None if contents is None else _table_of_rows(_with_wells(contents, faults), faults, what)
    wide = [(one, found) for one in sheets if (found := find_wide(one, _is_long))]
    if len(wide) == 1:
        only, found = wide[0]
        names = listing(f"{name} in {unit}" for name, unit in found.compounds.values())
        how = f"a table with a column for each compound ({names})"
        by_compound = table_of_dispenser(transfers_of(only, found), plates, faults, how)
        return None if by_compound is None else with_further(by_compound, only, found)
    sheets = [_with_wells(one, faults) for one in sheets]
    rows = [one for one in sheets if any(_is_header(cells) for _, cells in one.records[:LOOKED_AT])]
    drops = [] if rows else [one for one in sheets if is_dispensed(one)]
    grids = [] if rows or drops else [one for one in sheets if find_grids(one)]
    if len(rows) > 1 or len(drops) > 1:
        titles = listing(one.title for one in rows or drops)
        faults.add(
            "sheet", path.name, "several sheets hold a plate map", "name one: --plate_map_sheet", 1, titles
        )
        return None
    used = rows or drops or grids or sheets[:1]
    if others := [one.title for one in sheets if one not in used]:
        faults.warn(
            "sheet",
            path.name,
            f"the plate map is read from {listing(one.title for one in used)}; other sheets are passed over",
            "nothing, if that is right; else name the sheet: --plate_map_sheet",
            1,
            listing(others),
        )
    if drops:
        return table_of_dispenser(drops[0], plates, faults)
    if grids:
        return _checked(table_of_grids(grids, plates, faults), faults)
    return _table_of_rows(used[0], faults, what) if used else None


def _table_of_rows(sheet: Sheet, faults: Faults, what: str) -> CsvTable | None:
    """The table of a sheet with a row per well; its units may stand in the cells of the doses."""
    required = [column for column in _TABLE.required if column != "dose_unit"]
    beside = replace(_TABLE, required=required, optional=("plate", "dose_unit"))
    looked_at = _with_units(table_of(sheet, beside, Faults(), what))
    has_units = looked_at is not None and "dose_unit" in looked_at.columns
    return _with_units(table_of(sheet, beside if has_units else _TABLE, faults, what))


def _is_long(cells: Sequence[str]) -> bool:
    """Whether a header has a compound or a dose of its own, and no column for each compound."""
    named = {_TABLE.proper(cell)[0] for cell in cells}
    return bool({"compound", "dose"} & named) or likeness(cells) > 0


def _likeness(cells: Sequence[str]) -> int:
    return _TABLE.likeness(cells) or likeness(cells) or int(is_ruler(cells))


#: Columns that say a well by its row and column.
_ROWS = ("row", "well_row", "plate_row", "row_index", "metadata_row")
_COLUMNS = (
    "column",
    "col",
    "well_column",
    "well_col",
    "plate_column",
    "plate_col",
    "column_index",
    "metadata_column",
)


def _with_wells(sheet: Sheet, faults: Faults) -> Sheet:
    """A sheet whose columns for row and column, where it has none for the well, are joined to wells.

    Where a row or column is 0, both are counted from 0; a warning says so.
    """
    for index, (number, cells) in enumerate(sheet.records[:LOOKED_AT]):
        keys = [column_key(cell) for cell in cells]
        row = next((keys.index(key) for key in _ROWS if key in keys), None)
        column = next((keys.index(key) for key in _COLUMNS if key in keys), None)
        if row is None or column is None or "well" in {_TABLE.proper(cell)[0] for cell in cells}:
            continue
        below = sheet.records[index + 1 :]
        pairs = [(_cell(cells, row), _cell(cells, column)) for _, cells in below]
        zero = any(text.isdecimal() and int(text) == 0 for pair in pairs for text in pair)
        if zero:
            faults.warn(
                "well_name",
                sheet.name,
                "rows and columns are counted from 0: row 0 and column 0 are well A01",
                "nothing, if that is right; else write wells such as A01",
                number,
                f"{cells[row]}, {cells[column]}",
            )
        wells = ["well", *(_well_of(*pair, int(zero)) for pair in pairs)]
        kept = sheet.records[index:]
        others = [
            (n, [cell for at, cell in enumerate(cells) if at not in (row, column)]) for n, cells in kept
        ]
        records = [(n, [well, *cells]) for well, (n, cells) in zip(wells, others, strict=True)]
        return replace(sheet, records=[*sheet.records[:index], *records])
    return sheet


def _cell(cells: Sequence[str], at: int) -> str:
    return tidy(cells[at]) if at < len(cells) else ""


def _well_of(row: str, column: str, from_zero: int) -> str:
    """``r2c3`` or ``B3``, or the two texts where they are neither."""
    if not row and not column:
        return ""
    if row.isdecimal() and column.isdecimal():
        return f"r{int(row) + from_zero}c{int(column) + from_zero}"
    return f"{row}{column}"


def _checked_units(table: CsvTable, faults: Faults) -> CsvTable:
    """The table, with a fault where its doses have no unit."""
    if "dose" in table.columns and "dose_unit" not in table.columns:
        fix = "name the contents with their unit, such as 'Concentration (uM)', and export the layout again"
        faults.add("dose_unit", table.name, "the unit of the doses is not given", fix, table.header)
    return table


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
        unit, beside = read_unit(match[2] if match else ""), row.cells.get("dose_unit", "")
        if match and unit.measures and (not beside or read_unit(beside) == unit):
            row, found = replace(row, cells=row.cells | {"dose": match[1], "dose_unit": match[2]}), True
        rows.append(row)
    if found and "dose_unit" not in table.columns:
        rows = [replace(row, cells={"dose_unit": ""} | row.cells) for row in rows]
        return replace(table, columns=[*table.columns, "dose_unit"], rows=rows)
    return replace(table, rows=rows)
