"""Plate maps in the shape of a plate: a grid with row letters and column numbers for each thing it says."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from morphodose.design.csvtable import CsvTable, Row
from morphodose.design.dispensed import is_solvent
from morphodose.design.faults import Faults, listing
from morphodose.design.mars import are_contents, role_of
from morphodose.design.sheets import Sheet
from morphodose.design.units import read_unit, unit_in
from morphodose.identity import loose_key, name_key, tidy
from morphodose.names import row_letters, row_number

#: What a grid holds, by a word above it or in its corner; the first that fits.
_QUANTITIES = {
    "dose_unit": r"(dose[ _]?)?units?",
    "dose": r"doses?|conc(entrations?|\.)?",
    "role": r"roles?|(well|sample|control)[ _]?types?",
    "compound": r"compounds?|drugs?|treatments?|sirnas?",
}
_PLATE = re.compile(r"\bplate\b[\s:#=_-]*(?P<name>[A-Za-z0-9][\w.-]*)", re.IGNORECASE)
_NO_PLATE = {"map", "layout", "design", "format", "setup", *_QUANTITIES}
_LETTERS = re.compile(r"[A-Za-z]{1,2}")
#: A cell that holds a compound and its dose: ``Taxol 10 uM``, ``Taxol (0,5µM)``.
_CONTENT = re.compile(
    r"(?P<compound>.*?[^\W\d].*?)[\s,;:(@-]+(?P<dose>\d[\d.,]*)\s*(?P<unit>[^\d\s.,()]+)\)?"
)
#: Rows of texts above a grid in which its name is looked for.
_ABOVE = 4


@dataclass
class Grid:
    """A grid: the row it begins in, texts that may name it (nearest first), and (row, text) of its wells."""

    row: int
    labels: list[str]
    cells: dict[str, tuple[int, str]] = field(default_factory=dict)


def is_ruler(cells: Sequence[str]) -> bool:
    """Whether some cells hold the column numbers of a grid: 1, 2, 3 and so on."""
    return any(stop - start > 2 for start, stop in _runs(cells))


def _runs(cells: Sequence[str]) -> list[tuple[int, int]]:
    """(start, stop) of runs of whole numbers that count up by one, with a cell before them."""
    found = []
    start = 1
    numbers = [int(text) if re.fullmatch(r"0*[1-9]\d?", text.strip(), re.ASCII) else None for text in cells]
    while start < len(numbers):
        stop = start + 1
        first = numbers[start]
        if first is not None:
            while stop < len(numbers) and numbers[stop] == first + stop - start:
                stop += 1
            if stop - start > 1:
                found.append((start, stop))
        start = stop
    return found


def find_grids(sheet: Sheet) -> list[Grid]:
    """Grids of a sheet, from top to bottom: of two columns and two rows or more."""
    records = sheet.records
    grids: list[Grid] = []
    end = -1  # last record of the grids above
    for index, (number, cells) in enumerate(records):
        if index <= end:
            continue
        here: list[tuple[Grid, int]] = []
        runs = _runs(cells)
        for start, stop in runs:
            wells, last = _wells(records, index, start, stop)
            if last - index > 1:
                span = range(start - 1, stop) if len(runs) > 1 else range(10**6)
                labels = [cells[start - 1], *_above(records[max(end + 1, index - _ABOVE) : index], span)]
                here.append((Grid(number, [tidy(text) for text in labels if text.strip()], wells), last))
        if here:
            grids += [grid for grid, _ in here]
            end = max(last for _, last in here)
    return grids


def _wells(
    records: Sequence[tuple[int, list[str]]], index: int, start: int, stop: int
) -> tuple[dict[str, tuple[int, str]], int]:
    """Wells below a ruler, and the last record that belongs to them."""
    ruler = records[index][1]
    wells: dict[str, tuple[int, str]] = {}
    previous = None
    for number, cells in records[index + 1 :]:
        letters = cells[start - 1].strip() if len(cells) >= start else ""
        if not _LETTERS.fullmatch(letters) or (previous and row_number(letters) != previous + 1):
            break
        previous = row_number(letters)
        index += 1
        for column in range(start, stop):
            text = tidy(cells[column]) if column < len(cells) else ""
            wells[f"{row_letters(previous)}{int(ruler[column]):02d}"] = (number, text)
    return wells, index


def _above(records: Sequence[tuple[int, list[str]]], span: range) -> list[str]:
    """Texts of the rows above a grid, nearest first; a merged cell's text once."""
    return [
        text
        for _, cells in reversed(records)
        for text in dict.fromkeys(cell for column, cell in enumerate(cells) if column in span)
    ]


def table_of_grids(sheets: Sequence[Sheet], plates: Collection[str], faults: Faults) -> CsvTable | None:
    """A table with one row per well, from the grids of one or several sheets; None where there is no grid.

    A grid is named in its corner, in the rows above it, or by the sheet. A plate named there, or by the
    sheet, holds for the grids below; a grid without one holds for every plate.

    Parameters
    ----------
    sheets : sequence of Sheet
        Sheets that may hold grids.
    plates : collection of str
        Plates that are known.
    faults : Faults
        Takes grids without a name, and two of a kind.
    """
    held: dict[tuple[str, str], dict[str, str]] = {}
    rows: dict[tuple[str, str], int] = {}
    columns: dict[str, None] = {}
    seen: dict[tuple[str, str], int] = {}
    name, first = sheets[0].name if sheets else "", 0
    only = sum(len(find_grids(sheet)) for sheet in sheets) == 1
    for sheet in sheets:
        plate = _plate([sheet.title], plates) if sheet.title else ""
        for grid in find_grids(sheet):
            name, first = (sheet.name, grid.row) if not first else (name, first)
            plate = _plate(grid.labels, plates) or plate
            texts = [text for _, text in grid.cells.values() if text]
            column, unit = _quantity([*grid.labels, sheet.title], plate)
            if column in ("", "role", "Content", "Layout") and are_contents(texts):
                column = "role"
                grid.cells = {well: (row, role_of(text)) for well, (row, text) in grid.cells.items()}
            if only and column not in _QUANTITIES and (split := _contents_of(grid)):
                return _table_of_contents(sheet, grid, plate, split, faults)
            if not column:
                fix = "write what it holds above it: compound, dose, dose_unit, role, or a name of your own"
                faults.add("grid", sheet.name, "a grid without a name", fix, grid.row, _begin(grid))
                continue
            if (plate, column) in seen:
                message = f"a second grid of '{column}' for one plate (the first: row {seen[plate, column]})"
                fix = "write the name of its plate above it, such as 'plate P2', or delete it"
                faults.add("grid", sheet.name, message, fix, grid.row, listing(grid.labels) or _begin(grid))
                continue
            seen[plate, column] = grid.row
            columns |= dict.fromkeys((column, "dose_unit") if unit else (column,))
            for well, (row, text) in grid.cells.items():
                if text:
                    cells = held.setdefault((plate, well), {})
                    cells[column] = text
                    if unit:
                        cells.setdefault("dose_unit", unit)
                    rows.setdefault((plate, well), row)
    if not seen and not first:
        return None
    return _table(name, first, columns, held, rows, plates)


def _contents_of(grid: Grid) -> dict[str, tuple[str, str, str]]:
    """Well → compound, dose and unit of cells such as ``Taxol 10 uM``; none where hardly a cell is so."""
    found = {}
    doses = 0
    for well, (_, text) in grid.cells.items():
        match = _CONTENT.fullmatch(text)
        if match and read_unit(match["unit"]).measures:
            found[well] = (match["compound"].rstrip(" ,;:-@("), match["dose"], match["unit"])
            doses += 1
        elif text:
            found[well] = (text, "", "")
    return (
        found
        if 2 * doses > len(found) or (doses and all(d or is_solvent(c) for c, d, _ in found.values()))
        else {}
    )


def _table_of_contents(
    sheet: Sheet, grid: Grid, plate: str, contents: dict[str, tuple[str, str, str]], faults: Faults
) -> CsvTable:
    """The table of one grid whose cells hold compound and dose; solvent is vehicle, others are treated."""
    rows = []
    for well, (compound, dose, unit) in contents.items():
        role = "vehicle" if is_solvent(compound) else "treated"
        cells = {
            "well": well,
            "plate": plate,
            "compound": compound,
            "dose": dose,
            "dose_unit": unit,
            "role": role,
        }
        rows.append(Row(grid.cells[well][0], cells))
    vehicles = sum(row.cells["role"] == "vehicle" for row in rows)
    faults.warn(
        "roles",
        sheet.name,
        f"the cells of the grid are read as compound and dose: {vehicles} wells with solvent are vehicle, "
        "those without a text are not on the map, all others treated",
        "nothing, if that is right; else add a grid with 'role' above it, and one for compound and dose each",
        grid.row,
        _begin(grid),
    )
    return CsvTable(sheet.name, list(rows[0].cells), rows, grid.row)


def _table(
    name: str,
    first: int,
    columns: Collection[str],
    held: dict[tuple[str, str], dict[str, str]],
    rows: dict[tuple[str, str], int],
    plates: Collection[str],
) -> CsvTable:
    """Rows of wells; what holds for every plate is part of each that has grids of its own."""
    own = dict.fromkeys(plate for plate, _ in held if plate)
    common = {well: cells for (plate, well), cells in held.items() if not plate}
    of = [*own, *(plate for plate in plates if plate not in own and common)] if own else [""]
    table = []
    for plate in of:
        wells = dict.fromkeys([*common, *(well for name, well in held if name == plate)])
        for well in wells:
            cells = common.get(well, {}) | (held.get((plate, well), {}) if plate else {})
            row = rows.get((plate, well)) or rows["", well]
            table.append(
                Row(
                    row,
                    {"well": well, "plate": plate} | {column: cells.get(column, "") for column in columns},
                )
            )
    return CsvTable(name, ["well", "plate", *columns], table, first)


def _begin(grid: Grid) -> str:
    return listing((text for _, text in grid.cells.values() if text), 4) or "empty"


def _plate(labels: Sequence[str], plates: Collection[str]) -> str:
    """The plate that one of the labels names: a known one, or the word after 'plate'."""
    for label in labels:
        for plate in plates:
            if re.search(rf"(?<![\w.-]){re.escape(plate)}(?![\w.-])", label, re.IGNORECASE):
                return plate
        if match := _PLATE.search(label):
            for plate in plates:
                if loose_key(match[0]) == loose_key(plate):
                    return plate
            if match["name"].lower() not in _NO_PLATE:
                return match["name"]
    return ""


def _quantity(labels: Sequence[str], plate: str) -> tuple[str, str]:
    """What a grid holds and, where the label says it, the unit of its doses; empty where nothing says it."""
    for label in labels:
        for column, words in _QUANTITIES.items():
            if re.search(rf"(?<![^\W_])({words})(?![^\W_])", name_key(label), re.IGNORECASE):
                return column, unit_in(label) if column == "dose" else ""
    for label in labels[:-1]:  # a sheet is called Sheet1
        if not _PLATE.search(label) and loose_key(label) != loose_key(plate):
            return label, ""
    return "", ""
