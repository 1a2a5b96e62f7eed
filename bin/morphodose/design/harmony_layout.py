"""The assay layout of Harmony and Columbus (``Assaylayout/*.xml``) as a sheet with one row per well.

Its registration names the groups of contents (Compound, Concentration, a cell line …), its wells hold their
values: ``<Well Row="2" Column="3"><Content ContentID="…"><Value>``.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from morphodose.design.csvtable import CsvTable, Row
from morphodose.design.dispensed import is_solvent
from morphodose.design.faults import Faults
from morphodose.design.sheets import Sheet
from morphodose.reading.xmltext import BadXml, local, parse


def is_xml(raw: bytes) -> bool:
    """Whether a file that begins so is XML."""
    return raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def root_of(raw: bytes, name: str, faults: Faults) -> Element | None:
    """The root of an XML, or None with a fault."""
    try:
        return parse(raw)
    except BadXml as fault:
        faults.add("unreadable_table", name, f"the plate map {fault}", "export it again", value="XML")
        return None


def sheet_of_layout(root: Element, name: str, faults: Faults) -> Sheet | None:
    """Wells with the values of each group, or None with a fault."""
    groups: dict[str, str] = {}
    wells: list[tuple[str, dict[str, str]]] = []
    for element in root.iter():
        if local(element) == "Content" and element.get("GroupName"):
            groups[element.get("ID", "")] = element.get("GroupName", "")
        if local(element) == "Well" and element.get("Row") and element.get("Column"):
            held: dict[str, str] = {}
            for content in element:
                values = [value.text or "" for value in content if local(value) == "Value"]
                held[content.get("ContentID", "")] = values[0].strip() if values else ""
            wells.append((f"r{element.get('Row')}c{element.get('Column')}", held))
    used = [key for key in groups if any(held.get(key) for _, held in wells)]
    if not used:
        fix = "give the assay layout of Harmony (in the folder Assaylayout of an export), or a table"
        faults.add(
            "unreadable_table",
            name,
            "the XML is neither an assay layout with contents nor a protocol of the D300",
            fix,
            value=local(root),
        )
        return None
    records = [["well", *(groups[key] for key in used)]]
    records += [[well, *(held.get(key, "") for key in used)] for well, held in wells if any(held.values())]
    return Sheet(name, "", list(enumerate(records, 1)))


def with_roles(table: CsvTable, faults: Faults) -> CsvTable:
    """The table with a column ``role``: solvent is vehicle, no compound is empty, others are treated."""
    if "role" in table.columns or "compound" not in table.columns:
        return table

    def role(compound: str) -> str:
        return "vehicle" if is_solvent(compound) else "treated" if compound else "empty"

    rows = [Row(row.number, row.cells | {"role": role(row.cells["compound"])}) for row in table.rows]
    vehicles = sum(row.cells["role"] == "vehicle" for row in rows)
    faults.warn(
        "roles",
        table.name,
        f"the layout says no roles: {vehicles} wells with solvent are vehicle, those without a compound are "
        "empty, all others treated",
        "nothing, if that is right; else add contents of a group 'Role' (vehicle, treated, positive, empty)",
        table.header,
    )
    return CsvTable(table.name, [*table.columns, "role"], rows, table.header)
