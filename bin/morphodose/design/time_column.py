"""The column of times of a samplesheet: its unit stands in its name, or in its cells."""

from __future__ import annotations

import math
from collections.abc import Sequence

from morphodose.design.csvtable import CsvTable, Row
from morphodose.design.faults import Faults, listing
from morphodose.design.numbers import Decimal, decimal_of, parse_number
from morphodose.design.times import HOURS, UNITS, hours_of_name, is_date

#: Column → unit of its numbers; "" where the cells say it.
TIME_COLUMNS = {"timepoint_h": "h", "timepoint_d": "d", "timepoint_min": "min", "timepoint": ""}
#: Other names of these columns: ``time_hours``, ``timepoint (d)``. Without a unit or a stem a column may hold
#: anything: a time of day, days in culture.
ALIASES = {
    form.format(stem=stem, word=word): f"timepoint_{unit}"
    for word, unit in UNITS.items()
    if word != "m"  # minutes, months or a letter of the user's
    for stem in ("timepoint", "time", "time_point")
    for form in ("{stem}_{word}", "{stem}_({word})", "{stem}_[{word}]", "{stem}({word})", "{stem}_in_{word}")
    if form.format(stem=stem, word=word) not in TIME_COLUMNS
}
_RENAME = "timepoint_h for hours, timepoint_d for days, timepoint_min for minutes"


def time_column(table: CsvTable, faults: Faults) -> str:
    """The column that holds the times; "" with a fault where there is none, or several, or no unit.

    Parameters
    ----------
    table : CsvTable
        The samplesheet, with the names of `TIME_COLUMNS`.
    faults : Faults
        Collects what is wrong.
    """
    found = [column for column in TIME_COLUMNS if column in table.columns]
    # beside a column with a unit, one without is the user's own
    found = [column for column in found if TIME_COLUMNS[column]] or found
    if len(found) > 1 and all(_agree(row, found) for row in table.rows):
        found = found[:1]
    if not found:
        faults.add(
            "header", table.name, "column 'timepoint_h' is missing",
            "add a column 'timepoint_h', or rename the one that holds it", table.header,
            listing(table.columns, 12),
        )  # fmt: skip
        return ""
    if len(found) > 1:
        faults.add(
            "header", table.name, "several columns hold times, and they differ", "delete all but one of them",
            table.header, listing(found),
        )  # fmt: skip
        return ""
    texts = [row.cells[found[0]] for row in table.rows]
    if not TIME_COLUMNS[found[0]] and any(_is_number(text, decimal_of(texts)) for text in texts):
        faults.add(
            "header", table.name, "nothing says the unit of the times", f"rename the column: {_RENAME}",
            table.header, found[0],
        )  # fmt: skip
        return ""
    return found[0]


def hours_in(text: str, column: str, decimal: Decimal) -> float:
    """Hours of a cell: a number in the unit of its column, or with a unit of its own, such as ``2 d``.

    Parameters
    ----------
    text : str
        The cell.
    column : str
        One of `TIME_COLUMNS`.
    decimal : str
        Decimal separator of the column (`morphodose.design.numbers.decimal_of`).

    Raises
    ------
    ValueError
        With what is wrong and, after an arrow, the fix.
    """
    try:
        return parse_number(text, decimal) * HOURS[TIME_COLUMNS[column] or "h"]
    except ValueError as fault:
        hours = None if is_date(text) else hours_of_name(text.strip())
        if hours is not None:
            return hours
        what, _, fix = str(fault).partition(" → ")
        if "is not a number" in what:
            fix = "write a number such as 4, or one with its unit: 4 h, 2 d, 90 min"
        raise ValueError(f"{what} → {fix}") from None


def _agree(row: Row, columns: Sequence[str]) -> bool:
    """Whether the columns of a row say the same hours."""
    try:
        hours = [hours_in(row.cells[column], column, "") for column in columns]
    except ValueError:
        return False
    return math.isclose(min(hours), max(hours), rel_tol=1e-3)


def _is_number(text: str, decimal: Decimal) -> bool:
    try:
        parse_number(text, decimal)
    except ValueError:
        return False
    return True
