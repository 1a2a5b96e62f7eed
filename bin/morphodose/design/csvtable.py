"""Small tables with a header, as people's spreadsheets write them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from morphodose.design.faults import Faults, listing, nearest
from morphodose.design.sheets import LOOKED_AT, Sheet, read_bytes, read_text
from morphodose.design.units import unit_in
from morphodose.identity import tidy


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
    header : int
        The header's row in the file.
    """

    name: str
    columns: list[str]
    rows: list[Row]
    header: int = 1


def read_csv(
    path: str | Path,
    faults: Faults,
    required: Collection[str],
    optional: Collection[str] = (),
    aliases: Mapping[str, str] | None = None,
    what: str = "table",
    verbatim: Collection[str] = (),
) -> CsvTable | None:
    """Read a CSV file whose first row is its header, or add what is wrong with it to `faults`.

    For encodings and separators see `morphodose.design.sheets.read_text`, for the rest `table_of`.

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
    verbatim : collection of str
        Columns whose cells stay as they are written, such as paths.

    Returns
    -------
    CsvTable or None
        None when no table could be read; the columns may still lack some of `required` (reported).
    """
    columns = Columns(required, optional, aliases or {}, verbatim=verbatim)
    raw = read_bytes(Path(path), faults, what)
    if raw is None:
        return None
    sheet = read_text(raw, Path(path).name, faults, what, columns.likeness)
    return None if sheet is None else table_of(sheet, columns, faults, what)


@dataclass(frozen=True)
class Columns:
    """The columns that a table may have.

    Attributes
    ----------
    required, optional, aliases, verbatim
        As of `read_csv`.
    together : collection of str
        Required columns that may be missing if all of them are.
    units : mapping
        Column → the column of its unit, which may stand in the first one's name: ``dose (uM)``.
    below : bool
        Whether the header may stand below other rows.
    """

    required: Collection[str]
    optional: Collection[str] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    verbatim: Collection[str] = ()
    together: Collection[str] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    below: bool = False

    def likeness(self, cells: Sequence[str]) -> int:
        """How many of the required columns some cells name."""
        return len({self.proper(cell)[0] for cell in cells} & set(self.required))

    def proper(self, text: str) -> tuple[str, str]:
        """The proper name of a column, or the user's own; and the unit that stands in it."""
        key = column_key(text)
        if key in self.required or key in self.optional:
            return key, ""
        if key in self.aliases:
            return self.aliases[key], ""
        if unit := unit_in(text):
            head = column_key(re.split(r"[\s_,]*[(\[]|[\s_]+in[\s_]+|[\s_,]+(?=[^\s_,]+$)", tidy(text))[0])
            head = self.aliases.get(head, head)
            if head in self.units:
                return head, unit
        return tidy(text), ""


def table_of(sheet: Sheet, columns: Columns, faults: Faults, what: str) -> CsvTable | None:
    """The table of a sheet, or None with a fault.

    Rows without any value are skipped. Column names are matched without case, and with spaces or dashes for
    underscores. What cannot be seen in a cell (zero-width characters, blanks of other kinds) is taken out.
    """
    name, records = sheet.name, sheet.records
    if not records:
        fix = f"give it a header and rows: {listing(columns.required)}"
        faults.add("empty_table", name, f"the {what} is empty", fix, 1, "no cell with a value")
        return None
    at = _header(records, columns)
    header_row, header = records[at]
    whole = listing((cell.strip() for cell in header), 12)
    if at and not columns.below:
        fix = "delete the rows above it"
        faults.add(
            "header", name, f"the header is in row {header_row}, not the first", fix, header_row, whole
        )
        return None
    if at:
        above = listing(dict.fromkeys(cell.strip() for cell in records[0][1] if cell.strip()), 4)
        faults.warn(
            "header",
            name,
            f"the header is in row {header_row}; what is above it is passed over ({above})",
            "nothing, if that is right",
            header_row,
            whole,
        )
    if not columns.likeness(header) and not any(nearest(cell, columns.required) for cell in header):
        fix = f"write the names of the columns above the rows: {listing(columns.required)}"
        if columns.below:
            fix += (
                "; in the shape of a plate, the numbers of its columns above, the letters of its rows beside"
            )
        faults.add("header", name, f"the {what} has no header", fix, header_row, whole)
        return None
    named, unit = _columns(name, header_row, header, faults, columns)
    rows = []
    for number, cells in records[at + 1 :]:
        if [column_key(cell) for cell in cells] == [column_key(cell) for cell in header]:
            fix = "delete this row; tables pasted below each other have one header"
            faults.add("header", name, "the header is repeated here", fix, number, whole)
            continue
        if len(cells) > len(named) and any(cell.strip() for cell in cells[len(named) :]):
            faults.add(
                "row_length",
                name,
                f"{len(cells)} cells under a header of {len(named)} columns",
                "quote a value that contains the separator, or write decimals with a point",
                number,
                listing(cells, 12),
            )
            continue
        padded = [*cells, *[""] * (len(named) - len(cells))]
        held = {
            column: cell.strip() if column in columns.verbatim else tidy(cell)
            for column, cell in zip(named, padded, strict=False)
        }
        rows.append(Row(number, held | {column: held.get(column) or text for column, text in unit.items()}))
    return CsvTable(name, [*named, *(column for column in unit if column not in named)], rows, header_row)


def _header(records: Sequence[tuple[int, list[str]]], columns: Columns) -> int:
    """Index of the record that looks most like a header; the first, unless another does so clearly more."""
    scores = [columns.likeness(cells) for _, cells in records[:LOOKED_AT]]
    best = max(scores)
    return scores.index(best) if best >= min(2, len(columns.required)) else 0


def column_key(text: str) -> str:
    """A column's name for comparison: lower case, spaces and dashes as underscores."""
    return re.sub(r"[\s\-]+", "_", tidy(text)).lower()


def _columns(
    name: str, number: int, header: list[str], faults: Faults, columns: Columns
) -> tuple[list[str], dict[str, str]]:
    """Proper column names of a header, and units that stand in it by their column.

    Faults of repeated, missing and misspelt columns are added.
    """
    while header and not header[-1].strip():
        header = header[:-1]  # spreadsheets leave empty columns behind
    required = columns.required
    known = [*required, *columns.optional]
    whole = listing((text.strip() for text in header), 12)
    keys = [column_key(text) for text in header]
    named: list[str] = []
    units: dict[str, str] = {}
    for position, (text, key) in enumerate(zip(header, keys, strict=True), 1):
        column, unit = columns.proper(text)
        if column != key and column in keys:
            column, unit = tidy(text), ""  # the proper name is there too
        if not column:
            column = f"column{position}"
            faults.add(
                "header", name, f"column {position} has no name", "name it or delete it", number, whole
            )
        if column.lower() in {other.lower() for other in named}:
            faults.add(
                "header",
                name,
                "this column appears twice",
                "delete or rename one of the two",
                number,
                text.strip(),
            )
            column = f"{column}#{position}"
        elif unit:
            units[columns.units[column]] = unit
        named.append(column)
    here = {*named, *units}
    missing = [column for column in known if column not in here]
    own = [other for other in named if other not in known]
    # a misspelling of an optional column must not catch a column of the user's own: date is not plate
    near = {
        column: next(
            (other for other in own if nearest(other, known, 0.6 if column in required else 0.88) == column),
            None,
        )
        for column in missing
    }
    if columns.together and all(column in missing and not near[column] for column in columns.together):
        missing = [column for column in missing if column not in columns.together]
    for column in missing:
        like = near[column]
        if column in required:
            add = f"add a column '{column}', or rename the one that holds it"
            fix = f"rename column '{like}' to '{column}'" if like else add
            faults.add("header", name, f"column '{column}' is missing", fix, number, like or whole)
        elif like:
            faults.add(
                "header",
                name,
                f"unknown column; did you mean '{column}'?",
                f"rename it to '{column}'; if it is a column of your own, give it a name that is less like "
                "that",
                number,
                like,
            )
    return named, units
