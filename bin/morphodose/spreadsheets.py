"""CSV files as people open them: the only place that writes any."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path

from morphodose.files import replacing

#: What a spreadsheet takes for the beginning of a formula (the wide signs too, in East Asian settings), and
#: what then marks it as a text.
_FORMULA, _MARKED = (re.compile(rf"'{many}[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]") for many in "*+")

Cell = str | float | int | None


def as_text(cell: str) -> str:
    """A cell of a CSV that no spreadsheet runs as a formula: ``=1+1`` → ``'=1+1``; numbers as they are."""
    try:
        float(cell)
    except ValueError:
        return f"'{cell}" if _FORMULA.match(cell) else cell
    return cell


def from_text(cell: str) -> str:
    """The cell that `as_text` was given."""
    return cell[1:] if _MARKED.match(cell) else cell


def as_path(path: str) -> str:
    """A relative path that no spreadsheet takes for a formula, and that is still the same path."""
    return path if as_text(path) == path else f"./{path}"


def write_csv_rows(path: str | Path, header: Iterable[str], rows: Iterable[Iterable[Cell]]) -> None:
    """Write a table as CSV, whole or not at all; missing values (None, NaN) are empty.

    Names and texts that a spreadsheet would run as a formula get an apostrophe in front (`as_text`).
    """
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(map(as_text, header))
        writer.writerows(map(_cell, row) for row in rows)


def _cell(value: Cell) -> Cell:
    if isinstance(value, str):
        return as_text(value)
    # NaN is the value that differs from itself
    return None if value != value else value
