"""Rows of texts from the files in which tables are kept: CSV as spreadsheets write it, and workbooks."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from morphodose.design.faults import Faults, listing
from morphodose.design.numbers import is_doubtful
from morphodose.design.ods import Range, merged_of_ods

_SEPARATORS = (",", ";", "\t")
#: Rows from the top in which a header is looked for.
LOOKED_AT = 60


@dataclass(frozen=True)
class Sheet:
    """A sheet of a file.

    Attributes
    ----------
    name : str
        For messages: the file's name, and the sheet's where the file is a workbook.
    title : str
        The sheet's own name; empty for a text file.
    records : list of (int, list of str)
        Rows that are not empty, with the numbers that a spreadsheet shows.
    """

    name: str
    title: str
    records: list[tuple[int, list[str]]]


def is_workbook(raw: bytes) -> bool:
    """Whether a file that begins so is a workbook: .xlsx, .xlsm, .ods (zip) or .xls."""
    return raw[:2] == b"PK" or raw[:4] == b"\xd0\xcf\x11\xe0"


def read_bytes(path: Path, faults: Faults, what: str) -> bytes | None:
    """The file's bytes, or None with a fault."""
    try:
        return path.read_bytes()
    except OSError as fault:
        faults.add(
            "unreadable_table",
            path,
            f"the {what} cannot be read ({fault.strerror})",
            "check the path and its rights",
            value=path.name,
        )
        return None


def read_text(
    raw: bytes, name: str, faults: Faults, what: str, likeness: Callable[[Sequence[str]], int]
) -> Sheet | None:
    """The one sheet of a text file, or None with a fault.

    UTF-8 (with or without a byte order mark), UTF-16 with one, or Windows-1252; separators comma, semicolon
    or tab; Excel's ``sep=;`` line; any line end; quoted cells.

    Parameters
    ----------
    likeness : callable
        How much some cells look like the header: the separator is the one with which a line looks most so.
    """
    text = _decoded(raw, name, faults, what)
    if text is None:
        return None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    skipped = 0
    separator = None
    first, _, rest = text.partition("\n")
    if match := re.fullmatch(r'"?sep=(.)"?', first.strip(" \r"), re.IGNORECASE):
        separator, text, skipped = match[1], rest, 1
    if separator is None:
        separator = _separator(text, likeness)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        records = list(reader)
    except csv.Error as fault:
        lines = text.split("\n")
        at = min(reader.line_num, len(lines))
        faults.add(
            "unreadable_table",
            name,
            f"not a readable CSV table ({fault})",
            "check its quotes: each must be closed",
            at + skipped,
            next((line for line in reversed(lines[:at]) if line), "")[:80],
        )
        return None
    return Sheet(name, "", _not_empty(records, 1 + skipped))


def _separator(text: str, likeness: Callable[[Sequence[str]], int]) -> str:
    """The separator of the line that looks most like a header; else the most frequent of the first line."""
    lines = [line for line in text.split("\n", LOOKED_AT)[:LOOKED_AT] if line.strip(" ,;\t")]
    if not lines:
        return ","
    bare = re.sub(r'"[^"]*"', "", lines[0])
    best, found = 0, max(_SEPARATORS, key=bare.count)
    for line in lines:
        for separator in _SEPARATORS:
            score = likeness([cell.strip(' "') for cell in line.split(separator)])
            if score > best:
                best, found = score, separator
    return found


def _not_empty(rows: Sequence[Sequence[str]], first: int = 1) -> list[tuple[int, list[str]]]:
    return [(number, list(row)) for number, row in enumerate(rows, first) if any(c.strip() for c in row)]


def _decoded(raw: bytes, name: str, faults: Faults, what: str) -> str | None:
    """Text of the bytes, or None with a fault."""
    wrong = ""
    text = ""
    if is_workbook(raw):
        wrong = "a spreadsheet workbook, not text"
    else:
        try:
            text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("cp1252", "replace")  # what Excel on Windows writes by default
        if "\0" in text:
            wrong = "not a text file"
    if wrong:
        begin = f"bytes {raw[:4].hex(' ')} …"
        faults.add("unreadable_table", name, f"the {what} is {wrong}", "save it as CSV (UTF-8)", value=begin)
        return None
    return text


def read_workbook(raw: bytes, name: str, faults: Faults, what: str, sheet: str = "") -> list[Sheet]:
    """Visible sheets of a workbook that are not empty, or the one that is named; none with a fault.

    A cell that is merged of several counts as all of them.
    """
    import python_calamine  # only a screen with a workbook pays for it

    try:
        book = python_calamine.load_workbook(io.BytesIO(raw))
        hidden = python_calamine.SheetVisibleEnum.Visible
        titles = [s.name for s in book.sheets_metadata if s.visible == hidden or s.name == sheet]
        if sheet and sheet not in titles:
            fix = f"name one of its sheets: {listing(titles, 20)}"
            faults.add("sheet", name, f"the {what} has no such sheet", fix, 1, sheet)
            return []
        merged = merged_of_ods(raw)
        sheets = [
            _sheet(book.get_sheet_by_name(t), name, merged.get(t, [])) for t in ([sheet] if sheet else titles)
        ]
    except python_calamine.CalamineError as fault:
        faults.add(
            "unreadable_table",
            name,
            f"the {what} is a workbook that cannot be read ({fault})",
            "save it again as .xlsx without a password, or as CSV (UTF-8)",
            1,
            f"bytes {raw[:4].hex(' ')} …",
        )
        return []
    filled = [one for one in sheets if one.records]
    if not filled:
        faults.add("empty_table", name, f"the {what} is empty", "write it into a sheet", 1, listing(titles))
    return filled


def _sheet(sheet: object, name: str, merged: Sequence[Range]) -> Sheet:
    rows = [[_text(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]  # type: ignore[attr-defined]
    for (top, left), (bottom, right) in [*(sheet.merged_cell_ranges or ()), *merged]:  # type: ignore[attr-defined]
        if top >= len(rows) or left >= len(rows[top]):
            continue  # merged of empty cells beside the table
        for row in rows[top : bottom + 1]:
            for column in range(left, min(right + 1, len(row))):
                row[column] = row[column] or rows[top][left]
    title = sheet.name  # type: ignore[attr-defined]
    return Sheet(f"{name} [{title}]", title, _not_empty(rows))


def _text(value: object) -> str:
    """A cell as text; a number with a decimal point, and such that it is not taken for thousands."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        text = f"{value:.15g}"
        return text + "0" if is_doubtful(text) else text
    return str(value)
