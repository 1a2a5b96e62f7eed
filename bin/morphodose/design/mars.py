"""Tables and layouts of BMG LABTECH's readers (MARS): wells by their content, ``Sample X1``.

Source: exports of MARS (``Well Row,Well Col,Content,Raw Data (…)`` or ``Well,Content,…`` below lines about
the run). The content says what kind a well is and numbers the samples; a compound and a dose stand in further
columns, where the layout has them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from morphodose.design.csvtable import column_key
from morphodose.design.faults import Faults
from morphodose.design.sheets import LOOKED_AT, Sheet
from morphodose.design.units import unit_in
from morphodose.identity import tidy

#: Contents → roles. A standard is a known amount of a substance.
_CONTENTS = (
    ("treated", re.compile(r"(?:sample )?x\d+|(?:standard )?s\d+", re.IGNORECASE)),
    ("vehicle", re.compile(r"(?:negative control )?n\d*", re.IGNORECASE)),
    ("positive", re.compile(r"(?:positive control )?p\d*", re.IGNORECASE)),
    ("empty", re.compile(r"(?:blank )?b\d*|empty|unused", re.IGNORECASE)),
)
_WELLS = ("well", "well_row", "well_col")
_COMPOUNDS = ("compound", "sample_id", "sample_ids", "sample_id1", "sample_name", "id1", "substance", "drug")
_DOSES = re.compile(r"(?:standard |sample )?(?:concentrations?|conc\.?|doses?)\b", re.IGNORECASE)
_UNITS = ("dose_unit", "unit", "units")


def role_of(content: str) -> str:
    """The role of a content such as ``Sample X1`` or ``B``; empty where it is none."""
    text = tidy(content)
    return next((role for role, pattern in _CONTENTS if pattern.fullmatch(text)), "")


def are_contents(texts: Sequence[str]) -> bool:
    """Whether texts are contents of a layout: all of them, and a sample among them."""
    return (
        bool(texts) and all(map(role_of, texts)) and any(re.search(r"x\d+$", t, re.IGNORECASE) for t in texts)
    )


def find_contents(sheet: Sheet) -> int | None:
    """Index of the header of a table by contents, or None."""
    for index, (_, cells) in enumerate(sheet.records[:LOOKED_AT]):
        keys = [column_key(cell) for cell in cells]
        if "content" in keys and ("well" in keys or {"well_row", "well_col"} <= set(keys)):
            at = keys.index("content")
            below = [
                tidy(row[at]) for _, row in sheet.records[index + 1 :] if len(row) > at and row[at].strip()
            ]
            if are_contents([text for text in below if text.lower() != "time"]):
                return index
    return None


def sheet_of_contents(sheet: Sheet, index: int, faults: Faults) -> Sheet | None:
    """The sheet with the columns of a plate map alone: wells, roles by their content, compound and dose.

    Measured values are left out. A layout without compounds is a fault: its numbers of samples name none.
    """
    number, header = sheet.records[index]
    keys = [column_key(re.sub(r"\s*[(\[].*?[)\]]", "", tidy(cell))) for cell in header]
    content = keys.index("content")
    compound = next((keys.index(key) for key in _COMPOUNDS if key in keys), None)
    dose = next((at for at, cell in enumerate(header) if _DOSES.match(tidy(cell))), None)
    if compound is None:
        faults.add(
            "compound",
            sheet.name,
            "the layout of the reader (BMG MARS) gives the kind of each well and numbers the samples, but "
            "names neither compound nor dose",
            "add columns 'compound' and 'dose (uM)' beside Content, or give the layout sample IDs and "
            "concentrations and export it again",
            number,
            tidy(next((row[content] for _, row in sheet.records[index + 1 :] if len(row) > content), "")),
        )
        return None
    taken = {at: key for at, key in enumerate(keys) if key in (*_WELLS, "plate", *_UNITS)}
    taken |= {content: "role", compound: "compound"}
    if dose is not None:
        unit = unit_in(tidy(header[dose]))
        taken[dose] = f"dose ({unit})" if unit else "dose"
    names = {"well_row": "row", "well_col": "column", "unit": "dose_unit", "units": "dose_unit"}
    records = [(number, [names.get(text, text) for text in taken.values()])]
    for at, cells in sheet.records[index + 1 :]:
        row = {column: tidy(cells[column]) if column < len(cells) else "" for column in taken}
        if not any(row[column] for column, key in taken.items() if key in _WELLS):
            continue  # the line of times below the header
        row[content] = role_of(row[content]) or row[content]
        if row[content] == "empty":
            row[compound] = ""
        records.append((at, list(row.values())))
    left = [tidy(cell) for at, cell in enumerate(header) if at not in taken and cell.strip()]
    faults.warn(
        "roles",
        sheet.name,
        "read as a layout of the reader (BMG MARS): samples and standards are treated, N is vehicle, "
        f"P positive, blanks are empty{f'; {len(left)} other columns are passed over' if left else ''}",
        "nothing, if that is right; else write a column role",
        number,
        ", ".join(dict.fromkeys(left[:3])),
    )
    return replace(sheet, records=records)
