"""Merged cells of an OpenDocument spreadsheet, which the reader of workbooks does not tell.

Source: OpenDocument 1.3, part 3: ``table:number-columns-spanned``, ``-rows-spanned`` and ``-repeated``.
"""

from __future__ import annotations

import io
import zipfile
from xml.etree.ElementTree import Element

from morphodose.reading.xmltext import BadXml, attribute, local, parse

#: (top, left), (bottom, right) of a merged cell, counted from 0, both included.
Range = tuple[tuple[int, int], tuple[int, int]]
#: Bytes of a sheet's text beyond which it is not a plate map.
_MOST = 100_000_000


def merged_of_ods(raw: bytes) -> dict[str, list[Range]]:
    """Merged cells of each sheet, by its name; empty for a file that is not .ods."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as book:
            if "content.xml" not in book.namelist() or book.getinfo("content.xml").file_size > _MOST:
                return {}
            root = parse(book.read("content.xml"))
    except (zipfile.BadZipFile, BadXml):  # the reader of workbooks has its own words for it
        return {}
    return {attribute(table, "name"): _of_table(table) for table in root.iter() if local(table) == "table"}


def _of_table(table: Element) -> list[Range]:
    found: list[Range] = []
    top = 0
    for row in (one for one in table.iter() if local(one) == "table-row"):
        left = 0
        for cell in row:
            if local(cell) not in ("table-cell", "covered-table-cell"):
                continue
            across, down = _count(cell, "number-columns-spanned"), _count(cell, "number-rows-spanned")
            if across > 1 or down > 1:
                found.append(((top, left), (top + down - 1, left + across - 1)))
            left += _count(cell, "number-columns-repeated")
        top += _count(row, "number-rows-repeated")
    return found


def _count(element: Element, name: str) -> int:
    text = attribute(element, name)
    return int(text) if text.isdecimal() and len(text) < 8 else 1
