"""Protocols of the D300 (HP, Tecan; ``.tdd``, ``.hpdd``) as a sheet of a dispenser's rows.

Source: the files of its software (``<Protocol>``), and github.com/datarail/datarail, which writes them. Wells
are counted from 0; ``<Fluid>`` of a well is a concentration in the protocol's unit of molarity or mass.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from morphodose.design.dispensed import HEADER
from morphodose.design.faults import Faults, listing
from morphodose.design.sheets import Sheet
from morphodose.names import row_letters
from morphodose.reading.xmltext import local

_REPORT = "give the report of the D300 instead (.xlsx, sheet 'Tabular detail'), which says what went where"


def is_protocol(root: Element) -> bool:
    """Whether an XML is a protocol of the D300."""
    return local(root) == "Protocol" and _child(root, "Fluids") is not None


def sheet_of_protocol(root: Element, name: str, faults: Faults) -> Sheet | None:
    """One row for each fluid of each well, as `morphodose.design.dispensed` reads them; None with a fault.

    Parameters
    ----------
    root : Element
        A protocol (`is_protocol`).
    name : str
        The file, for messages.
    faults : Faults
        Takes what a protocol does not say: randomised wells, fluids by volume, several plates without names;
        and rows, columns or plates that are not numbers.
    """
    wrong = [text for text in _places(root) if not (text.isascii() and text.isdecimal())]
    if wrong:
        message = "a row, column or plate of a well is not a number"
        faults.add("dispensed", name, message, _REPORT, 1, listing(wrong))
        return None
    fluids = {fluid.get("ID", ""): fluid for fluid in _children(root, "Fluids")}
    plates = _children(root, "Plates")
    if any(_is_randomised(plate) for plate in plates):
        message = "its wells are randomised: it does not say where each dose went"
        faults.add("dispensed", name, message, _REPORT, 1, "Randomize")
        return None
    backfilled = {
        (int(well.get("P", 0)), int(well.get("R", 0)), int(well.get("C", 0)))
        for backfill in _children(root, "Backfills")
        for well in _children(backfill, "Wells")
    }
    contents: list[list[list[str]]] = []
    by_volume: set[str] = set()
    for number, plate in enumerate(plates):
        rows = []
        wells = _children(plate, "Wells")
        start = _first(wells, plate)
        dosed = set()
        for well in wells:
            place = (int(well.get("Row", 0)) - start, int(well.get("Col", 0)) - start)
            for held in well:
                fluid = fluids.get(held.get("ID", ""), held)
                if _text(fluid, "ByVol").lower() == "true":
                    by_volume.add(_text(fluid, "Name"))
                rows.append([_well(*place), "", _text(fluid, "Name"), held.text or "", _unit(root, fluid)])
                dosed.add(place)
        rows += [
            [_well(row, column), "", "DMSO", "", "uM"]
            for at, row, column in sorted(backfilled)
            if at == number and (row, column) not in dosed
        ]
        contents.append(rows)
    if by_volume:
        message = "fluids are dispensed by volume, which gives no concentration"
        faults.add("dispensed", name, message, _REPORT, 1, listing(sorted(by_volume)))
        return None
    names = [_text(plate, "Name") for plate in plates]
    if len(plates) > 1 and "" in names and any(rows != contents[0] for rows in contents):
        message = f"it has {len(plates)} plates that differ, and not all of them have a name"
        fix = "name them in the D300's software as in the samplesheet, and save the protocol again"
        faults.add("dispensed", name, message, fix, 1, listing(text or "(no name)" for text in names))
        return None
    if "" in names:  # all alike
        names, contents = [""], contents[:1]
    records = [HEADER]
    for plate_name, rows in zip(names, contents, strict=True):
        records += [[well, plate_name, *rest] for well, _, *rest in rows]
    return Sheet(name, "", list(enumerate(records, 1)))


def _places(root: Element) -> Iterator[str]:
    """Rows, columns and plates of wells, and numbers of rows and columns of plates, as they are written."""
    for element in root.iter():
        if local(element) == "Well":
            yield from (element.get(key, "0") for key in ("Row", "Col", "P", "R", "C"))
        elif local(element) in ("Rows", "Cols"):
            yield (element.text or "").strip() or "0"


def _is_randomised(plate: Element) -> bool:
    """Whether the wells of a plate are put elsewhere: from some wells to others, or by a flag."""
    return bool(_children(plate, "Randomize")) or _text(plate, "Randomize").lower() not in ("", "false")


def _first(wells: list[Element], plate: Element) -> int:
    """Number of the first row and column: 0, or 1 where a well has the number of the last by such a count."""
    counts = [(int(_text(plate, "Rows") or 0), "Row"), (int(_text(plate, "Cols") or 0), "Col")]
    return int(any(count and int(well.get(key, 0)) >= count for well in wells for count, key in counts))


def _unit(root: Element, fluid: Element) -> str:
    """Unit of a fluid's concentrations: the protocol's for molarity, or for mass if its stock is a mass."""
    mass = "g" in _text(fluid, "ConcentrationUnit")
    found = _text(root, "MassConcentrationUnit" if mass else "MolarityConcentrationUnit")
    return (found or _text(root, "ConcentrationUnit")).replace("_", "/")


def _well(row: int, column: int) -> str:
    return f"{row_letters(row + 1)}{column + 1:02d}"


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if local(child) == name), None)


def _children(element: Element, name: str) -> list[Element]:
    found = _child(element, name)
    return [] if found is None else list(found)


def _text(element: Element, name: str) -> str:
    found = _child(element, name)
    return (found.text or "").strip() if found is not None else ""
