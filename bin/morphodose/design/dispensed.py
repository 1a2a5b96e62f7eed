"""Plate maps as dispensers write them: transfers of the Echo, dispenses of the D300, one row for each.

Sources: the transfer reports and pick lists of Beckman (Labcyte) Echo software, and the sheet ``Tabular
detail`` of Tecan (HP) D300 reports. Their columns are known by what they are called; volumes are in nL where
no heading says otherwise.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from morphodose.design.csvtable import CsvTable, Row, column_key
from morphodose.design.faults import Faults, counted, listing
from morphodose.design.numbers import Decimal, decimal_of, parse_number
from morphodose.design.sheets import LOOKED_AT, Sheet
from morphodose.design.units import convert, read_unit, unit_in
from morphodose.identity import name_key, tidy

#: What a column holds → its names (`column_key`, without a unit in brackets), the better ones first.
_NAMES: dict[str, tuple[str, ...]] = {
    "well": ("destination_well", "dest_well", "dispensed_well", "target_well"),
    "plate": ("destination_plate_barcode", "destination_plate_name", "destination_plate", "plate"),
    "fluid": (
        *("compound_name", "sample_name", "fluid_name", "compound"),
        *("sample_id", "reagent", "fluid", "description"),
    ),
    "dose": tuple(f"{of}_concentration" for of in ("destination", "dispensed", "final")),
    "dose_unit": tuple(
        f"{of}concentration_unit{s}" for of in ("destination_", "dispensed_", "") for s in ("s", "")
    ),
    "stock": ("source_concentration", "stock_concentration"),
    "stock_unit": tuple(f"{of}concentration_unit{s}" for of in ("source_", "stock_", "") for s in ("s", "")),
    "actual": ("actual_volume", "dispensed_volume"),
    "volume": ("transfer_volume", "volume"),
    "well_volume": tuple(
        f"{of}_volume" for of in ("well", "total_well", "destination_well", "final", "assay")
    ),
    "status": ("transfer_status",),
}
#: Header of rows in this form that other files are turned into: a concentration in each well.
HEADER = ["Dispensed well", "Plate", "Fluid name", "Dispensed concentration", "Concentration units"]
_VOLUMES = {"nl": 1.0, "ul": 1e3, "µl": 1e3, "μl": 1e3, "ml": 1e6}
_SOLVENT = re.compile(
    r"(?:dmso|water|h2o|ethanol|etoh|methanol|medium|media|pbs|buffer|vehicle|solvent|backfill|.*normali[sz]ation)"
    r"(?: (?:backfill|control|only))?|[\d.]+ ?% dmso",
    re.IGNORECASE,
)
_NOTHING = {"", "n/a", "na", "none", "null", "-"}


@dataclass(frozen=True)
class _Transfer:
    """One transfer: its row, and its cells by what they hold."""

    row: int
    cells: dict[str, str]

    def text(self, what: str) -> str:
        value = self.cells.get(what, "")
        return "" if value.lower() in _NOTHING else value


def is_dispensed(sheet: Sheet) -> bool:
    """Whether a sheet has a dispenser's columns: a well of destination, and a volume or concentration."""
    return _header(sheet) is not None


def _header(sheet: Sheet) -> tuple[int, dict[str, int], dict[str, str]] | None:
    """Index of the header, the column of each thing, and the units in their headings."""
    for index, (_, cells) in enumerate(sheet.records[:LOOKED_AT]):
        if likeness(cells):
            at = _columns(cells)
            return index, at, {what: _unit_of(cells[column]) for what, column in at.items()}
    return None


def likeness(cells: Sequence[str]) -> int:
    """How many columns of a dispenser some cells name; 0 where they are not the header of one."""
    at = _columns(cells)
    return len(at) if "well" in at and {"volume", "dose", "actual"} & at.keys() else 0


def _columns(cells: Sequence[str]) -> dict[str, int]:
    plain = [column_key(re.sub(r"\s*[(\[].*?[)\]]", "", tidy(cell))) for cell in cells]
    return {
        what: next(plain.index(name) for name in names if name in plain)
        for what, names in _NAMES.items()
        if any(name in plain for name in names)
    }


def _unit_of(heading: str) -> str:
    match = re.search(r"[(\[]\s*([^()\[\]]+?)\s*[)\]]", tidy(heading))
    return match[1] if match and match[1].lower() in _VOLUMES else unit_in(tidy(heading))


def table_of_dispenser(
    sheet: Sheet, plates: Collection[str], faults: Faults, how: str = ""
) -> CsvTable | None:
    """One row per well, from transfers; what is not said is asked for, and what was understood is said.

    Solvent beside a compound fills up; two compounds are a combination (``compound_2``, ``dose_2``). Wells
    with solvent alone are vehicle, others treated. A well whose transfer failed is empty.

    Parameters
    ----------
    sheet : Sheet
        A sheet that `is_dispensed`.
    plates : collection of str
        Plates of the samplesheet; a file of one other plate holds for all.
    faults : Faults
        Takes what is missing.
    how : str
        What the sheet was read as, for the message; by default the transfers of a dispenser.
    """
    found = _header(sheet)
    if found is None:
        return None
    index, at, units = found
    transfers, failed = _transfers(sheet, index, at)
    before = len(faults.errors)
    decimal = decimal_of([one.cells.get(key, "") for one in transfers for key in ("dose", "stock", "volume")])
    wells: dict[tuple[str, str], list[_Transfer]] = defaultdict(list)
    for one in transfers:
        wells[one.text("plate"), one.text("well")].append(one)
    names = {plate for plate, _ in wells}
    for_all = len(names) == 1 and not names & set(plates)
    rows = []
    for (plate, well), here in wells.items():
        cells = _contents(sheet.name, here, units, decimal, faults)
        if (plate, well) in failed:
            cells = {"compound": "", "dose": "", "dose_unit": "", "role": "empty"}
        if cells is not None:
            rows.append(Row(here[0].row, {"well": well, "plate": "" if for_all else plate, **cells}))
    if len(faults.errors) > before:
        return None
    columns = ["well", "plate", "compound", "dose", "dose_unit", "role"]
    columns += [
        name for name in ("compound_2", "dose_2", "dose_unit_2") if any(name in row.cells for row in rows)
    ]
    rows = [Row(row.number, dict.fromkeys(columns, "") | row.cells) for row in rows]
    if not how:
        header = sheet.records[index][1]
        used = listing((f"'{tidy(header[column])}' as {what}" for what, column in at.items()), 12)
        how = f"the transfers of a dispenser ({used})"
    _say(sheet.name, sheet.records[index][0], how, rows, failed, faults)
    return CsvTable(sheet.name, columns, rows, sheet.records[index][0])


def is_solvent(text: str) -> bool:
    """Whether a fluid's name is that of a solvent or of medium."""
    return _SOLVENT.fullmatch(name_key(text)) is not None


def _transfers(sheet: Sheet, index: int, at: dict[str, int]) -> tuple[list[_Transfer], set[tuple[str, str]]]:
    """Transfers below the header, and the (plate, well) of those that failed."""
    transfers: dict[tuple[str, ...], _Transfer] = {}
    failed: set[tuple[str, str]] = set()
    header = [tidy(cell) for cell in sheet.records[index][1]]
    in_exceptions = any("[EXCEPTIONS]" in cells for _, cells in sheet.records[:index])
    for number, cells in sheet.records[index + 1 :]:
        texts = [tidy(cell) for cell in cells]
        if texts[:1] and texts[0].startswith("["):
            in_exceptions = texts[0].upper() == "[EXCEPTIONS]"
            continue
        if texts == header or len([text for text in texts if text]) < 3:  # lines about the run
            continue
        one = _Transfer(number, {what: texts[n] if n < len(texts) else "" for what, n in at.items()})
        place = (one.text("plate"), one.text("well"))
        if not place[1]:
            continue
        actual = one.text("actual")
        fails = in_exceptions or one.text("status") or (actual and _zero(actual))
        if fails and not is_solvent(one.text("fluid")):
            failed.add(place)
        transfers[*place, *texts] = one  # exceptions are there again under details
    return list(transfers.values()), failed


def _zero(text: str) -> bool:
    return re.fullmatch(r"0*[.,]?0*", text) is not None


def _contents(
    name: str, here: Sequence[_Transfer], units: dict[str, str], decimal: Decimal, faults: Faults
) -> dict[str, str] | None:
    """Compound, dose and role of one well; None with a fault."""
    doses: dict[str, list[tuple[float, str]]] = {}
    solvents = []
    for one in here:
        fluid = one.text("fluid")
        if not fluid:
            fix = "add a column 'Compound Name' with the compound of each source well (DMSO for solvent)"
            faults.add(
                "compound", name, "a transfer does not name its compound", fix, one.row, one.text("well")
            )
            return None
        if is_solvent(fluid):
            solvents.append(fluid)
            continue
        dose = _dose(name, one, units, decimal, faults)
        if dose is None:
            return None
        doses.setdefault(fluid, []).append(dose)
    if not doses:
        plain = re.sub(r"\s*(?:normali[sz]ation|backfill)\b", "", solvents[0], flags=re.IGNORECASE)
        return {"compound": plain or solvents[0], "dose": "0", "dose_unit": "", "role": "vehicle"}
    if len(doses) > 2:
        fix = (
            "write a plate map with one row per well, and a column for each further drug (compound_2, dose_2)"
        )
        message = f"{counted(len(doses), 'compound')} in one well ({listing(doses)})"
        faults.add("combination", name, message, fix, here[0].row, here[0].text("well"))
        return None
    totals = {fluid: (sum(convert(v, read_unit(u), read_unit(parts[0][1])) for v, u in parts), parts[0][1])
              for fluid, parts in doses.items()}  # fmt: skip
    (first, (total, unit)), *others = totals.items()
    cells = {"compound": first, "dose": f"{total:.6g}", "dose_unit": unit, "role": "treated"}
    for other, (value, of) in others:
        cells |= {"compound_2": other, "dose_2": f"{value:.6g}", "dose_unit_2": of}
    return cells


def _dose(
    name: str, one: _Transfer, units: dict[str, str], decimal: Decimal, faults: Faults
) -> tuple[float, str] | None:
    """Concentration in the well and its unit: as written, or from stock and volumes; None with a fault."""
    well = one.text("well")
    try:
        if dose := one.text("dose"):
            value = parse_number(dose, decimal)
            unit = one.text("dose_unit") or units.get("dose", "")
            if value > 0 and not read_unit(unit).measures:
                fix = "write it into the heading, such as 'Dispensed concentration (uM)'"
                faults.add(
                    "dose_unit", name, "the unit of the concentration is not given", fix, one.row, dose
                )
                return None
            if value > 0:
                return value, read_unit(unit).name
        stock, volume = one.text("stock"), one.text("actual") or one.text("volume")
        unit = one.text("stock_unit") or units.get("stock", "")
        if not stock or not volume or not read_unit(unit).measures:
            fix = (
                "add a column 'Destination Concentration (uM)'; or 'Source Concentration (mM)' of the stock "
                "and 'Well Volume (uL)', the volume in the well after dispensing"
            )
            faults.add("dose", name, "a transfer gives neither the dose nor the stock", fix, one.row, well)
            return None
        total, of = one.text("well_volume"), units.get("well_volume", "").lower()
        if not total or of not in _VOLUMES:
            fix = "add a column 'Well Volume (uL)': the volume in the well after dispensing"
            message = (
                f"the dose from {volume} nL of {stock} {unit} depends on the volume in the well, which is "
                "not given"
            )
            faults.add("well_volume", name, message, fix, one.row, well)
            return None
        moved = parse_number(volume, decimal) * _VOLUMES[units.get("volume", "").lower() or "nl"]
        dose_here = parse_number(stock, decimal) * moved / (parse_number(total, decimal) * _VOLUMES[of])
    except (ValueError, ZeroDivisionError) as fault:
        what, _, fix = str(fault).partition(" → ")
        faults.add("dose", name, f"a number {what}", fix or "correct it", one.row, well)
        return None
    # in uM, as plates are: 10 mM of 25 nL in 50 uL are 5 uM
    main = read_unit("uM") if read_unit(unit).measures == "molar" else read_unit(unit)
    return convert(dose_here, read_unit(unit), main), main.name


def _say(
    name: str,
    number: int,
    how: str,
    rows: Sequence[Row],
    failed: Collection[tuple[str, str]],
    faults: Faults,
) -> None:
    vehicles = sum(row.cells["role"] == "vehicle" for row in rows)
    faults.warn(
        "dispensed",
        name,
        f"read as {how}: {counted(len(rows), 'well')}, of which "
        f"{vehicles} with solvent alone are vehicle; positive controls are not known and are treated",
        "nothing, if that is right; for other roles write a plate map with a column role",
        number,
    )
    if failed:
        faults.warn(
            "dispensed",
            name,
            f"{counted(len(failed), 'well')} with transfers that failed are taken as empty",
            "nothing, if they are not to be analysed",
            number,
            listing(sorted(well for _, well in failed)),
        )
