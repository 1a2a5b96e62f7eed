"""Reading of small CSV tables as people's spreadsheets write them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from morphodose.design.faults import Faults, listing, nearest

_SEPARATORS = (",", ";", "\t")
_NUMBER = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$", re.ASCII)
_COMMA = re.compile(r"^[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?$", re.ASCII)
_THOUSANDS = re.compile(r"^[+-]?[1-9]\d{0,2},\d{3}$", re.ASCII)


@dataclass(frozen=True)
class Row:
    """One row of a table: its number in the file (the header is row 1) and its cells by column."""

    number: int
    cells: dict[str, str]

    def text(self) -> str:
        """The row as it was written, for faults of cells that are empty."""
        return listing(self.cells.values(), 12)


@dataclass(frozen=True)
class CsvTable:
    """A table of texts.

    Attributes
    ----------
    name : str
        File name for messages.
    columns : list of str
        Known columns by their proper names, others as the user wrote them.
    rows : list of Row
        Rows that are not empty.
    """

    name: str
    columns: list[str]
    rows: list[Row]


def read_csv(
    path: str | Path,
    faults: Faults,
    required: Collection[str],
    optional: Collection[str] = (),
    aliases: Mapping[str, str] | None = None,
    what: str = "table",
) -> CsvTable | None:
    """Read a CSV file, or add what is wrong with it to `faults`.

    UTF-8 (with or without a byte order mark), UTF-16 with one, or Windows-1252; separators comma, semicolon
    or tab, found from the header; Excel's ``sep=;`` line; any line end; quoted cells. Rows without any value
    are skipped. Column names are matched without case, and with spaces or dashes for underscores.

    Parameters
    ----------
    path : path
        The file.
    faults : Faults
        Collects what is wrong.
    required, optional : collections of str
        Columns that must be there, and columns with a meaning of their own. Others are carried along.
    aliases : mapping, optional
        Other names of known columns → their proper names.
    what : str
        The kind of table, for messages.

    Returns
    -------
    CsvTable or None
        None when no table could be read; the columns may still lack some of `required` (reported).
    """
    name = Path(path).name
    text = _decode(Path(path), faults, what)
    if text is None:
        return None
    records = _records(text, name, faults)
    if records is None:
        return None
    if not records:
        mend = f"give it a header and rows: {listing(required)}"
        faults.add("empty_table", name, f"the {what} is empty", mend, 1, f"{len(text)} characters")
        return None
    header_row, header = records[0]
    whole = listing((cell.strip() for cell in header), 12)
    columns = _columns(name, header_row, header, faults, required, optional, aliases or {})
    rows = []
    for number, cells in records[1:]:
        if [column_key(cell) for cell in cells] == [column_key(cell) for cell in header]:
            mend = "delete this row; tables pasted below each other have one header"
            faults.add("header", name, "the header is there again", mend, number, whole)
            continue
        if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
            faults.add(
                "row_length",
                name,
                f"{len(cells)} cells under a header of {len(columns)} columns",
                "quote a value that contains the separator, or write decimals with a point",
                number,
                listing(cells, 12),
            )
            continue
        padded = [cell.strip() for cell in cells] + [""] * (len(columns) - len(cells))
        rows.append(Row(number, dict(zip(columns, padded, strict=False))))
    return CsvTable(name, columns, rows)


def _decode(path: Path, faults: Faults, what: str) -> str | None:
    """Text of the file, or None with a fault."""
    try:
        raw = path.read_bytes()
    except OSError as fault:
        faults.add(
            "unreadable_table",
            path,
            f"the {what} cannot be read ({fault.strerror})",
            "check the path and its rights",
            value=path.name,
        )
        return None
    if raw[:2] == b"PK" or raw[:4] == b"\xd0\xcf\x11\xe0":
        faults.add(
            "unreadable_table",
            path.name,
            f"the {what} is a spreadsheet workbook, not text",
            "save it as CSV (UTF-8)",
            value=f"bytes {raw[:4].hex(' ')} …",
        )
        return None
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")  # what Excel on Windows writes by default
    if "\0" in text:
        faults.add(
            "unreadable_table",
            path.name,
            f"the {what} is not a text file",
            "save it as CSV (UTF-8)",
            value=f"bytes {raw[:4].hex(' ')} …",
        )
        return None
    return text


def _records(text: str, name: str, faults: Faults) -> list[tuple[int, list[str]]] | None:
    """Records that are not empty with their row numbers, header first; None with a fault."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    skipped = 0
    separator = None
    first, _, rest = text.partition("\n")
    if match := re.fullmatch(r'"?sep=(.)"?', first.strip(" \r"), re.IGNORECASE):
        separator, text, skipped = match[1], rest, 1
    if separator is None:
        header = next((line for line in text.split("\n") if line.strip(" ,;\t")), "")
        bare = re.sub(r'"[^"]*"', "", header)
        separator = max(_SEPARATORS, key=bare.count)
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
            "check its quotes: each needs its partner",
            at + skipped,
            next((line for line in reversed(lines[:at]) if line), "")[:80],
        )
        return None
    return [
        (number, record)
        for number, record in enumerate(records, 1 + skipped)
        if any(cell.strip() for cell in record)
    ]


def column_key(text: str) -> str:
    """A column's name for comparison: lower case, spaces and dashes as underscores."""
    return re.sub(r"[\s\-]+", "_", text.strip()).lower()


def _columns(
    name: str,
    number: int,
    header: list[str],
    faults: Faults,
    required: Collection[str],
    optional: Collection[str],
    aliases: Mapping[str, str],
) -> list[str]:
    """Proper column names of a header; faults of repeated, missing and misspelt ones are added."""
    while header and not header[-1].strip():
        header = header[:-1]  # spreadsheets leave empty columns behind
    known = [*required, *optional]
    whole = listing((text.strip() for text in header), 12)
    keys = [column_key(text) for text in header]
    columns: list[str] = []
    for position, (text, key) in enumerate(zip(header, keys, strict=True), 1):
        column = key if key in known else text.strip()
        if key in aliases and aliases[key] not in keys:
            column = aliases[key]
        if not column:
            column = f"column{position}"
            faults.add(
                "header", name, f"column {position} has no name", "name it or delete it", number, whole
            )
        if column.lower() in {other.lower() for other in columns}:
            faults.add(
                "header",
                name,
                "this column is there twice",
                "delete or rename one of the two",
                number,
                text.strip(),
            )
            column = f"{column}#{position}"
        columns.append(column)
    missing = [column for column in known if column not in columns]
    for column in missing:
        own = [other for other in columns if other not in known]
        # a misspelling of an optional column must not catch a column of the user's own: date is not plate
        cutoff = 0.6 if column in required else 0.88
        near = next((other for other in own if nearest(other, known, cutoff) == column), None)
        if column in required:
            mend = f"rename column '{near}' to '{column}'" if near else f"add a column '{column}'"
            faults.add("header", name, f"column '{column}' is missing", mend, number, near or whole)
        elif near:
            faults.add(
                "header",
                name,
                f"unknown column; did you mean '{column}'?",
                f"rename it to '{column}', or to something less alike when it is a column of your own",
                number,
                near,
            )
    return columns


def parse_number(text: str, decimal_comma: bool = False) -> float:
    """A finite number, with a decimal point or comma.

    Parameters
    ----------
    text : str
        ``4``, ``0.98``, ``0,98``, ``1e-3``.
    decimal_comma : bool
        Read ``1,250`` as 1.25. Without it such a text is refused, since it may be 1250 as well.

    Raises
    ------
    ValueError
        With what is wrong and, after an arrow, the mend.
    """
    text = text.strip()
    if not text:
        raise ValueError("is empty → write a number")
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity", "na", "n/a"):
        raise ValueError("is not a finite number → write a number, or leave the row out")
    if _COMMA.match(text):
        if _THOUSANDS.match(text) and not decimal_comma:
            point = text.replace(",", ".")
            raise ValueError(
                f"may be a thousand or a decimal comma → write {text.replace(',', '')} or {point}"
            )
        text = text.replace(",", ".")
    if not _NUMBER.match(text):
        unit = re.match(r"^[+-]?[\d.,]+\s*[^\d\s.,]+$", text)
        raise ValueError(
            "is not a number → write the number alone, its unit has a column of its own"
            if unit
            else "is not a number → write a number such as 0.5"
        )
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("is not a finite number → write a number")
    return number


def uses_decimal_comma(texts: Collection[str]) -> bool:
    """Whether one of the texts can only be a number with a decimal comma, such as ``0,98``."""
    return any(_COMMA.match(text.strip()) and not _THOUSANDS.match(text.strip()) for text in texts)
