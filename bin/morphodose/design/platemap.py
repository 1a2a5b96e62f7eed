"""The plate map: what each well holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from morphodose.design.csvtable import CsvTable, Row, parse_number, read_csv, uses_decimal_comma
from morphodose.design.faults import Faults, did_you_mean, listing
from morphodose.names import normalise_well

COLUMNS = ("well", "compound", "dose", "dose_unit", "role")
ALIASES = {"unit": "dose_unit", "dose_units": "dose_unit", "well_id": "well"}

#: Other words for the roles, as plate maps write them.
ROLE_ALIASES = {
    "vehicle": "vehicle",
    "negative": "vehicle",
    "negative_control": "vehicle",
    "neg": "vehicle",
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
    "empty": "empty",
    "blank": "empty",
    "unused": "empty",
}
ROLES = ("vehicle", "treated", "positive", "empty")

#: Lower-case names that the tables give to columns of their own (``Metadata_Timepoint``, …).
RESERVED = frozenset(
    {"timepoint", "replicate", "acquisition", "field", "imageid", "objectlabel", "cellid", "deathstate"}
    | {"doseunit", "qcverdict", "qcreason"}
)


@dataclass(frozen=True)
class PlateWell:
    """One well of one plate; `dose` is None in an empty well without one."""

    plate: str
    well: str
    compound: str
    dose: float | None
    dose_unit: str
    role: str
    row: int
    extra: dict[str, str] = field(default_factory=dict)


#: (plate, well) → its row.
PlateMap = dict[tuple[str, str], PlateWell]


def read_platemap(
    path: str | Path, plates: Collection[str], plate_format: int, faults: Faults, closed: bool = True
) -> PlateMap:
    """Wells of a plate map; everything wrong with it goes to `faults`.

    Parameters
    ----------
    path : path
        The CSV file: `COLUMNS`, an optional `plate` (a row without one holds for every plate), and the
        user's own.
    plates : collection of str
        Plates of the samplesheet, in their order.
    plate_format : int
        Wells on a plate.
    faults : Faults
        Collects what is wrong.
    closed : bool
        Whether `plates` are all there are, so that another one is a fault.
    """
    table = read_csv(path, faults, COLUMNS, ("plate",), ALIASES, "plate map")
    if table is None:
        return {}
    reserved = [column for column in table.columns if _is_reserved(column)]
    for column in reserved:
        faults.add(
            "header",
            table.name,
            "the tables use this name for a column of their own",
            f"rename it, such as 'my_{column}'",
            1,
            column,
        )
    if any(column not in table.columns for column in COLUMNS):
        return {}
    if not table.rows:
        header = listing(table.columns, 12)
        faults.add("empty_table", table.name, "the plate map has no wells", "add a row per well", 1, header)
        return {}
    comma = uses_decimal_comma([row.cells["dose"] for row in table.rows])
    found: PlateMap = {}
    for row in table.rows:
        well = _well(table, row, plate_format, comma, faults)
        if well is None:
            continue
        for plate in _plates(table, row, plates, closed, faults):
            _add(table.name, found, PlateWell(plate, *well, row.number, _extra(row)), faults)
    return _with_units(table.name, found, faults)


def _is_reserved(column: str) -> bool:
    return column not in COLUMNS and column.lower().replace("_", "") in RESERVED


def _extra(row: Row) -> dict[str, str]:
    return {column: value for column, value in row.cells.items() if column not in (*COLUMNS, "plate")}


def _plates(table: CsvTable, row: Row, plates: Collection[str], closed: bool, faults: Faults) -> list[str]:
    """Plates a row speaks of: all of them where it names none."""
    plate = row.cells.get("plate", "")
    if not plate:
        return list(plates)
    if closed and plates and plate not in plates:
        faults.add(
            "unknown_plate",
            table.name,
            "no acquisition of the samplesheet is of this plate",
            did_you_mean(plate, plates),
            row.number,
            plate,
        )
        return []
    return [plate]


def _well(
    table: CsvTable, row: Row, plate_format: int, comma: bool, faults: Faults
) -> tuple[str, str, float | None, str, str] | None:
    """Well, compound, dose, unit and role of a row, or None with faults."""
    before = len(faults.errors)
    cells, name, number = row.cells, table.name, row.number
    well = ""
    try:
        well = normalise_well(cells["well"], plate_format)
    except ValueError as fault:
        mend = f"write it as A01; is --plate_format {plate_format} right?"
        faults.add("well_name", name, str(fault), mend, number, cells["well"] or row.text())
    role = ROLE_ALIASES.get(cells["role"].strip().lower().replace(" ", "_").replace("-", "_"), "")
    if not role:
        mend = did_you_mean(cells["role"], ROLES)
        faults.add("role", name, "is not a role", mend, number, cells["role"] or row.text())
    compound, unit = cells["compound"], cells["dose_unit"].replace("µ", "u").replace("μ", "u")
    dose = _dose(table, row, role, comma, faults)
    if role in ("treated", "positive"):
        if not compound:
            message = f"a {role} well without a compound"
            faults.add("compound", name, message, "write its name", number, row.text())
        if not unit:
            message = f"a {role} well without a dose_unit"
            faults.add("dose_unit", name, message, "write it, such as uM", number, row.text())
    elif role == "vehicle" and not compound:
        compound = "vehicle"
    return None if len(faults.errors) > before else (well, compound, dose, unit, role)


def _dose(table: CsvTable, row: Row, role: str, comma: bool, faults: Faults) -> float | None:
    """Dose of a row: 0 where a vehicle well says none, None where an empty one does."""
    text = row.cells["dose"]
    if not text and role in ("vehicle", "empty"):
        return 0.0 if role == "vehicle" else None
    try:
        dose = parse_number(text, comma)
    except ValueError as fault:
        what, _, mend = str(fault).partition(" → ")
        faults.add("dose", table.name, f"dose {what}", mend, row.number, text or row.text())
        return None
    if dose < 0:
        faults.add("dose", table.name, "dose is negative", "write 0 or more", row.number, text)
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


def _add(name: str, found: PlateMap, well: PlateWell, faults: Faults) -> None:
    first = found.setdefault((well.plate, well.well), well)
    if first is not well:
        same = replace(first, row=well.row) == well
        faults.add(
            "repeated_well",
            name,
            f"well {well.well} is in row {first.row} too, with {'the same' if same else 'other'} content",
            "delete one of the two rows",
            well.row,
            well.well,
        )


def _with_units(name: str, found: PlateMap, faults: Faults) -> PlateMap:
    """Units that differ within a compound are faults; vehicle wells, 0 of any unit, take their compound's."""
    units: dict[str, dict[str, int]] = defaultdict(dict)
    for well in found.values():
        if well.dose_unit and well.role in ("treated", "positive"):
            units[well.compound].setdefault(well.dose_unit, well.row)
    for compound, rows in units.items():
        if len(rows) > 1:
            (first, first_row), *others = rows.items()
            for unit, row in others:
                faults.add(
                    "mixed_units",
                    name,
                    f"compound '{compound}' has doses in '{unit}' here and in '{first}' in row {first_row}",
                    "convert them to one unit",
                    row,
                    unit,
                )
    spellings: dict[str, set[str]] = defaultdict(set)
    for compound in units:
        spellings[compound.lower()].add(compound)
    for names in spellings.values():
        if len(names) > 1:
            faults.warn(
                "compound_spelling",
                name,
                "compounds that differ only in case are taken as different",
                "write them alike if they are the same",
                value=listing(sorted(names)),
            )
    for key, well in found.items():
        unit = next(iter(units.get(well.compound, ())), well.dose_unit)
        if well.role == "vehicle" and unit != well.dose_unit:
            found[key] = replace(well, dose_unit=unit)
    return found
