"""Plate maps with one row per well and a column for each compound: ``Erlotinib (uM)``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from morphodose.design.csvtable import CsvTable, column_key
from morphodose.design.dispensed import HEADER
from morphodose.design.sheets import LOOKED_AT, Sheet
from morphodose.design.units import unit_in
from morphodose.identity import tidy

_WELLS = ("well", "well_id", "well_name", "well_position", "dispensed_well", "destination_well")
_PLATES = ("plate", "plate_name", "barcode", "plate_barcode", "destination_plate")
_ROLES = ("role", "well_type", "control_type")
#: Quantities that are not a compound, though a unit stands behind them.
_NO_COMPOUND = ("dose", "conc", "concentration", "final", "dispensed", "stock", "source", "volume")
#: First words of what is measured, in per cent or at a wavelength (nm), and is not a dose.
_MEASURED = {
    *("viability", "confluence", "confluency", "inhibition", "cytotoxicity", "survival", "humidity"),
    *("absorbance", "od", "fluorescence", "luminescence", "wavelength", "excitation", "emission"),
}
#: ``Taxol final concentration (uM)`` is a column of Taxol.
_QUANTITY = re.compile(r"[ _](?:final[ _])?(?:concentrations?|conc\.?|doses?)$", re.IGNORECASE)


@dataclass(frozen=True)
class Wide:
    """A wide sheet: index of its header, its columns, and those of compounds with (name, unit)."""

    index: int
    well: int
    plate: int | None
    role: int | None
    compounds: dict[int, tuple[str, str]]


def find_wide(sheet: Sheet, is_long: Callable[[Sequence[str]], bool]) -> Wide | None:
    """The header of a wide plate map; None where `is_long`, or no column is a compound's."""
    for index, (_, cells) in enumerate(sheet.records[:LOOKED_AT]):
        keys = [column_key(cell) for cell in cells]
        well = _at(keys, _WELLS)
        if well is None or is_long(cells):
            continue
        compounds = {}
        for column, cell in enumerate(cells):
            text = tidy(cell)
            unit = unit_in(text)
            name = text[: text.rindex(unit)].rstrip(" ([_,").removesuffix(" in") if unit else ""
            name = _QUANTITY.sub("", name)
            key = column_key(name)
            if key and key not in _NO_COMPOUND and not _is_measured(name):
                compounds[column] = (name, unit)
        if compounds:
            return Wide(index, well, _at(keys, _PLATES), _at(keys, _ROLES), compounds)
    return None


def _is_measured(text: str) -> bool:
    """Whether a heading, or its beginning, is that of measured values."""
    return column_key(text).split("_")[0] in _MEASURED


def _at(keys: Sequence[str], names: Sequence[str]) -> int | None:
    return next((keys.index(name) for name in names if name in keys), None)


def transfers_of(sheet: Sheet, found: Wide) -> Sheet:
    """The sheet with one row for each compound of a well, as `morphodose.design.dispensed` reads it.

    A well all of whose doses are 0 holds vehicle; one without any number is left out.
    """
    records: list[tuple[int, list[str]]] = [(sheet.records[found.index][0], HEADER)]
    for number, cells in sheet.records[found.index + 1 :]:
        well = _cell(cells, found.well)
        plate = _cell(cells, found.plate)
        written = {column: text for column in found.compounds if (text := _cell(cells, column))}
        dosed = {column: text for column, text in written.items() if text.strip("0.,")}
        for column, text in dosed.items():
            records.append(
                (number, [well, plate, found.compounds[column][0], text, found.compounds[column][1]])
            )
        if written and not dosed:
            records.append((number, [well, plate, "vehicle", "0", next(iter(found.compounds.values()))[1]]))
    return replace(sheet, records=records)


def with_further(table: CsvTable, sheet: Sheet, found: Wide) -> CsvTable:
    """The table with the roles of the sheet's own column, where it has one, and its further columns."""
    header = sheet.records[found.index][1]
    known = {found.well, found.plate, found.role, *found.compounds}
    further = {
        at: tidy(cell)
        for at, cell in enumerate(header)
        if at not in known and cell.strip() and not _is_measured(cell)
    }
    cells_of = dict(sheet.records[found.index + 1 :])
    rows = []
    for row in table.rows:
        cells = cells_of[row.number]
        role = {"role": given} if (given := _cell(cells, found.role)) else {}
        rows.append(
            replace(row, cells=row.cells | role | {name: _cell(cells, at) for at, name in further.items()})
        )
    return replace(table, rows=rows, columns=[*table.columns, *further.values()])


def _cell(cells: Sequence[str], column: int | None) -> str:
    return tidy(cells[column]) if column is not None and column < len(cells) else ""
