"""Times that names of files and folders write out: ``24h``, ``day 3``, ``00d04h30m``, dates."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

#: Hours in the units that names use.
HOURS = {"min": 1 / 60, "h": 1.0, "d": 24.0}
UNITS = {
    **dict.fromkeys(("min", "mins", "minute", "minutes", "m"), "min"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
}
#: A date, and a time of day where one follows: 2024-03-01, 20240301_1230, 2024-03-01T12_30_05.
DATE = (
    r"(?<!\d)(?:19|20)\d\d(?P<dash>[-_.]?)(?:0[1-9]|1[0-2])(?P=dash)(?:0[1-9]|[12]\d|3[01])"
    r"(?:(?:T|[ _-]{1,2}T?)(?:[01]\d|2[0-3])[-_.:h]?[0-5]\d(?:[-_.:m]?[0-5]\d)?)?(?!\d)"
)
_INCUCYTE = re.compile(r"(?:(\d{4})y(\d\d)m(\d\d)d_|(\d+)d)(\d\d)h(\d\d)m", re.ASCII)
_WITH_UNIT = re.compile(r"(\d+(?:[.,]\d+)?)[ _]?([a-z]+)|(days?)[ _-]?(\d+)", re.IGNORECASE | re.ASCII)
_DATE = re.compile(DATE, re.ASCII)
_START = datetime(1970, 1, 1)


def is_date(text: str) -> bool:
    """Whether a time is one of the calendar, whose hours count from the first of them."""
    return bool(_DATE.match(text)) or "y" in text and bool(_INCUCYTE.fullmatch(text))


def hours_of_name(text: str) -> float | None:
    """Hours that a text writes out, from the start or, of a date, from 1970; None where it is another text.

    Examples
    --------
    >>> hours_of_name("01d04h30m"), hours_of_name("day3"), hours_of_name("30 min")
    (28.5, 72.0, 0.5)
    """
    try:
        if _DATE.fullmatch(text):
            digits = re.sub(r"\D", "", text)
            date = datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S")
            return (date - _START) / timedelta(hours=1)
        if found := _INCUCYTE.fullmatch(text):
            year, month, day, days, hours, minutes = (int(part or 0) for part in found.groups())
            whole = (datetime(year, month, day) - _START).days if year else days
            return 24 * whole + hours + minutes / 60
    except ValueError:  # no day of the calendar
        return None
    found = _WITH_UNIT.fullmatch(text)
    if found is None:
        return None
    number, unit = found[1] or found[4], UNITS.get((found[2] or found[3]).lower())
    return float(number.replace(",", ".")) * HOURS[unit] if unit else None
