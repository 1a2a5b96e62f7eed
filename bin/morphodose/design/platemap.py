"""The plate map: what each well holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from morphodose.design.csvtable import CsvTable, Row
from morphodose.design.faults import Faults, counted, did_you_mean, listing
from morphodose.design.mapfile import COLUMNS, read_table
from morphodose.design.numbers import NOT_GIVEN, Decimal, decimal_of, is_doubtful, is_grouped, parse_number
from morphodose.design.sheetrows import safe_name
from morphodose.design.units import read_unit
from morphodose.design.wells import PlateWell as PlateWell
from morphodose.design.wells import PlateWells as PlateWells
from morphodose.design.wells import harmonise
from morphodose.identity import cased_key, name_key
from morphodose.names import normalise_well

#: Other words for the roles, as plate maps write them.
ROLE_ALIASES = {
    "vehicle": "vehicle",
    "negative": "vehicle",
    "negative_control": "vehicle",
    "neg": "vehicle",
    "neg_control": "vehicle",
    "neg_ctrl": "vehicle",
    "control": "vehicle",
    "untreated": "vehicle",
    "solvent": "vehicle",
    "dmso": "vehicle",
    "treated": "treated",
    "treatment": "treated",
    "dose": "treated",
    "compound": "treated",
    "sample": "treated",
    "positive": "positive",
    "positive_control": "positive",
    "pos": "positive",
    "pos_control": "positive",
    "pos_ctrl": "positive",
    "empty": "empty",
    "blank": "empty",
    "unused": "empty",
}
ROLES = ("vehicle", "treated", "positive", "empty")
_DOSED = ("treated", "positive")
#: What spreadsheets make of names and numbers that look like a date.
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d(?: 00:00:00)?|\d{1,2}[-. ](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*-\d\d",
    re.IGNORECASE,
)
_NO_DOSE = {"dose": "", "dose_unit": ""}

#: Lower-case names that the tables give to columns of their own (``Metadata_Timepoint``, …).
RESERVED = frozenset(
    {"timepoint", "replicate", "acquisition", "field", "imageid", "objectlabel", "cellid", "deathstate"}
    | {"doseunit", "qcverdict", "qcreason"}
)


def read_platemap(
    path: str | Path,
    plates: Collection[str],
    plate_format: int,
    faults: Faults,
    closed: bool = True,
    sheet: str = "",
) -> PlateWells:
    """Wells of a plate map; everything wrong with it goes to `faults`.

    Parameters
    ----------
    path : path
        A CSV file or workbook. One row per well: `COLUMNS`, an optional `plate` (a row without one holds for
        every plate), and the user's own. Or in the shape of a plate: `morphodose.design.layout`.
    plates : collection of str
        Plates of the samplesheet, in their order.
    plate_format : int
        Wells on a plate.
    faults : Faults
        Collects what is wrong.
    closed : bool
        Whether `plates` are all there are, so that another one is a fault.
    sheet : str
        Sheet of a workbook; where none is named, the one that holds a plate map.
    """
    table = read_table(Path(path), plates, faults, sheet)
    if table is None:
        return {}
    reserved = [column for column in table.columns if _is_reserved(column)]
    for column in reserved:
        message, fix = "the tables already have a column of this name", f"rename it, such as 'my_{column}'"
        faults.add("header", table.name, message, fix, table.header, column)
    if any(column not in table.columns for column in ("well", "compound", "role")):
        return {}
    if ("dose" in table.columns) != ("dose_unit" in table.columns):
        return {}
    if not table.rows:
        header = listing(table.columns, 12)
        message, fix = "the plate map has no wells", "add a row per well"
        faults.add("empty_table", table.name, message, fix, table.header, header)
        return {}
    added = {} if "dose" in table.columns else _NO_DOSE
    rows = [replace(row, cells=row.cells | added) for row in table.rows]
    numbered = {
        cased_key(row.cells["compound"]) for row in rows if row.cells["dose"].lower() not in NOT_GIVEN
    }
    table = replace(table, rows=[_said(row, numbered) for row in rows])
    table = _without_notes(table, plate_format, faults)
    decimal = _decimal(table, faults)
    dosed = _dosed(table)
    found: PlateWells = {}
    unknown: dict[str, list[int]] = {}
    for row in table.rows:
        well = _well(table, row, plate_format, decimal, dosed, faults)
        if well is None:
            continue
        for plate in _plates(row, plates):
            if closed and plates and plate not in plates:
                unknown.setdefault(plate, []).append(row.number)
            else:
                _add(table.name, found, replace(well, plate=plate), faults)
    _report_unknown(table, unknown, plates, faults)
    whole = {key: well for key, well in found.items() if not well.broken}
    _say_undosed(table, whole, dosed, faults)
    return harmonise(table.name, found, faults)


def _said(row: Row, numbered: Collection[str]) -> Row:
    """The row, its dose and unit empty where an export wrote a word for nothing.

    Of a treatment that has a dose in other rows, the word stays: it is a fault, and is shown as it was typed.
    """
    wanted = _role(row) in _DOSED and cased_key(row.cells["compound"]) in numbered
    columns = ["dose_unit"] if wanted else list(_NO_DOSE)
    nothing = {column: "" for column in columns if row.cells[column].lower() in NOT_GIVEN}
    return replace(row, cells=row.cells | nothing)


def _without_notes(table: CsvTable, plate_format: int, faults: Faults) -> CsvTable:
    """The table without the lines that people write below it; a warning names them."""
    last = max((at for at, row in enumerate(table.rows) if not _is_note(row, plate_format)), default=-1)
    notes = table.rows[last + 1 :]
    if last < 0 or not notes:
        return table
    texts = dict.fromkeys(text for row in notes for text in row.cells.values() if text)
    faults.warn(
        "note",
        table.name,
        "the rows below the last well have no well, role or dose, and are passed over",
        "nothing, if they are notes; else correct their well, role and dose",
        notes[0].number,
        listing(texts, 4),
    )
    return replace(table, rows=table.rows[: last + 1])


def _is_note(row: Row, plate_format: int) -> bool:
    """Whether a row has no well, no role and no number for a dose."""
    return not (
        _role(row)
        or _reads(lambda: normalise_well(row.cells["well"], plate_format))
        or _reads(lambda: parse_number(row.cells["dose"], ""))
    )


def _reads(read: Callable[[], object]) -> bool:
    try:
        read()
    except ValueError:
        return False
    return True


def _decimal(table: CsvTable, faults: Faults) -> Decimal:
    """The decimal separator of the doses; what it changes, or what speaks against one, is a warning."""
    texts = [row.cells["dose"] for row in table.rows]
    decimal = decimal_of(texts)
    grouped = [row for row in table.rows if is_grouped(row.cells["dose"], decimal)]
    if decimal == "both":
        row = next(
            row for row in table.rows if decimal_of([row.cells["dose"]]) or is_doubtful(row.cells["dose"])
        )
        faults.warn(
            "decimal_separator",
            table.name,
            "some doses have a decimal comma, and some a decimal point",
            "write all of them the same way",
            row.number,
            row.cells["dose"],
        )
    elif grouped:
        text = grouped[0].cells["dose"]
        faults.warn(
            "decimal_separator",
            table.name,
            f"dose is read as {parse_number(text, decimal):.15g}, "
            f"since others in the column have a decimal {'comma' if decimal == ',' else 'point'}",
            "nothing, if that is right; else write all decimals the same way",
            grouped[0].number,
            text,
        )
    return decimal


def _dosed(table: CsvTable) -> set[str]:
    """Keys of the compounds one of whose treated wells states a dose or a unit."""
    return {
        cased_key(row.cells["compound"])
        for row in table.rows
        if (row.cells["dose"] or row.cells["dose_unit"]) and _role(row) in _DOSED
    }


def _say_undosed(table: CsvTable, found: PlateWells, dosed: Collection[str], faults: Faults) -> None:
    wells = [well for well in found.values() if well.role in _DOSED and cased_key(well.compound) not in dosed]
    if wells:
        faults.warn(
            "treatment_without_dose",
            table.name,
            "these treatments have no dose: they are compared with vehicle, without a curve (their dose is "
            "written as 1, without a unit)",
            "nothing, if they have none, as with siRNA; else write dose and dose_unit",
            min(well.row for well in wells),
            listing(dict.fromkeys(well.compound for well in wells)),
        )


def _is_reserved(column: str) -> bool:
    return column not in COLUMNS and column.lower().replace("_", "") in RESERVED


def _extra(row: Row) -> dict[str, str]:
    return {column: value for column, value in row.cells.items() if column not in (*COLUMNS, "plate")}


def _plates(row: Row, plates: Collection[str]) -> list[str]:
    """Plates a row speaks of: all of them where it names none.

    A name with characters that a samplesheet cannot have is that of the plate that has others for them.
    """
    plate = row.cells.get("plate", "")
    if plate and plate not in plates and safe_name(plate) in plates:
        plate = safe_name(plate)
    return [plate] if plate else list(plates)


def _report_unknown(
    table: CsvTable, unknown: dict[str, list[int]], plates: Collection[str], faults: Faults
) -> None:
    """One fault for each plate that the samplesheet does not have."""
    for plate, rows in unknown.items():
        faults.add(
            "unknown_plate",
            table.name,
            f"no acquisition of the samplesheet is of this plate ({counted(len(rows), 'row')})",
            did_you_mean(plate, plates),
            rows[0],
            plate,
        )


def plates_of(path: str | Path, sheet: str = "") -> set[str]:
    """Names of the plates that a plate map has; none where it names none, or cannot be read."""
    table = read_table(Path(path), (), Faults(), sheet)
    return {name for row in table.rows if (name := row.cells.get("plate", ""))} if table else set()


def _role(row: Row) -> str:
    """The role that a row states, or an empty text."""
    return ROLE_ALIASES.get(cased_key(row.cells["role"]).replace(" ", "_").replace("-", "_"), "")


def _well(
    table: CsvTable,
    row: Row,
    plate_format: int,
    decimal: Decimal,
    dosed: Collection[str],
    faults: Faults,
) -> PlateWell | None:
    """The well of a row, still without its plate; None where the row names no well."""
    before = len(faults.errors)
    cells, name, number = row.cells, table.name, row.number
    well = ""
    try:
        well = normalise_well(cells["well"], plate_format)
    except ValueError as fault:
        several = re.fullmatch(
            r"\W*[A-Za-z]{1,2}\d{1,2}\s*[-–:;,/+ ]+\s*[A-Za-z]{1,2}\d{1,2}.*", cells["well"]
        )
        fix = (
            "write one row for each of its wells"
            if several
            else f"write it as A01; is --plate_format {plate_format} right?"
        )
        faults.add("well_name", name, str(fault), fix, number, cells["well"] or row.text())
    role = _role(row)
    if not role:
        fix = did_you_mean(cells["role"], ROLES)
        faults.add("role", name, "is not a role", fix, number, cells["role"] or row.text())
    compound, unit = cells["compound"], read_unit(cells["dose_unit"]).name
    undosed = role in _DOSED and bool(compound) and cased_key(compound) not in dosed
    dose = 1.0 if undosed else _dose(table, row, role, decimal, faults)
    if _DATE.fullmatch(compound):
        fix = "give the column the format Text, and write the names again"
        message = "compound is a date: spreadsheets turn names such as SEPT2 and MARCH1 into dates"
        faults.add("compound", name, message, fix, number, compound)
    if role in _DOSED:
        if not compound:
            message = f"a {role} well without a compound"
            faults.add("compound", name, message, "write its name", number, row.text())
        if not unit and not undosed:
            message = f"a {role} well without a dose_unit"
            faults.add("dose_unit", name, message, "write it, such as uM", number, row.text())
    elif role == "vehicle" and not compound:
        compound = "vehicle"
    broken = len(faults.errors) > before
    if not well:
        return None
    return PlateWell("", well, compound, dose, unit, role or "treated", number, _extra(row), broken)


def _dose(table: CsvTable, row: Row, role: str, decimal: Decimal, faults: Faults) -> float | None:
    """Dose of a row: 0 where a vehicle well says none, None where an empty one does."""
    text = row.cells["dose"]
    if not text and role in ("vehicle", "empty"):
        return 0.0 if role == "vehicle" else None
    try:
        dose = parse_number(text, decimal)
    except ValueError as fault:
        what, _, fix = str(fault).partition(" → ")
        if _DATE.fullmatch(text):
            fix = (
                "a spreadsheet has turned it into a date: give the column the format Number, and write it "
                "again"
            )
        if not text:
            fix += "; a treatment without a dose has neither dose nor dose_unit in any of its rows"
        faults.add("dose", table.name, f"dose {what}", fix, row.number, text or row.text())
        return None
    if dose < 0:
        fix = "write the dose itself, 0 or more; if this is a logarithm, 10 to that power (1e-6 for -6)"
        faults.add("dose", table.name, "dose is negative", fix, row.number, text)
    elif dose > 0 and role == "vehicle":
        faults.add(
            "dose",
            table.name,
            "a vehicle well with a dose",
            "write 0 (the share of solvent can have a column of its own), or the role treated",
            row.number,
            text,
        )
    elif dose == 0 and role in ("treated", "positive"):
        faults.warn(
            "dose",
            table.name,
            f"a {role} well with dose 0",
            "if it is a control, write the role vehicle",
            row.number,
            text,
        )
    return dose


def _add(name: str, found: PlateWells, well: PlateWell, faults: Faults) -> None:
    first = found.setdefault((well.plate, well.well), well)
    if first is well:
        return
    if first.broken:
        found[well.plate, well.well] = well
    content = "the same content"
    fix = "delete one of the two rows"
    if name_key(first.compound) != name_key(well.compound):
        content = f"'{first.compound}' there and '{well.compound}' here"
        fix = (
            "for a combination, write one row and give the second drug columns of its own (compound_2, "
            "dose_2); else correct the well of one row"
        )
    elif replace(first, row=well.row) != well:
        content = "other content"
        fix = "correct the well of one of the two rows, or its plate where there are several"
    faults.add(
        "repeated_well",
        name,
        f"well {well.well} is in row {first.row} too, with {content}",
        fix,
        well.row,
        well.well,
    )
