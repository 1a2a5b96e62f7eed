"""Numbers as people write them: one rule for decimal and thousands separators in a column."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

#: The decimal separator of a column: ``.``, ``,``, ``both`` (neither can be told), or ``""`` (nothing tells).
Decimal = Literal["", ".", ",", "both"]

#: What exports of tables write into a cell that has no value.
NOT_GIVEN = frozenset({"", "-", "–", "—", "na", "n/a", "#n/a", "nan", "none", "null", "nil", "."})

_EXPONENT = r"([eE][+-]?\d+)?"
_NUMBER = re.compile(rf"[+-]?(\d+(\.\d*)?|\.\d+){_EXPONENT}", re.ASCII)
_WITH: dict[str, re.Pattern[str]] = {
    mark: re.compile(rf"[+-]?(\d+{re.escape(mark)}\d*|{re.escape(mark)}\d+){_EXPONENT}", re.ASCII)
    for mark in ".,"
}
# 1,250 is 1.25 or 1250; 0,125 and 1250,125 and 1,25 can only have a decimal comma
_DOUBTFUL = {mark: re.compile(rf"[+-]?[1-9]\d{{0,2}}{re.escape(mark)}\d{{3}}", re.ASCII) for mark in ".,"}
# 1,250,000 and 1,250.5: the comma groups thousands, so the decimal separator is a point
_GROUPED = {
    ".": re.compile(rf"[+-]?\d{{1,3}}(,\d{{3}})+\.\d*{_EXPONENT}|[+-]?\d{{1,3}}(,\d{{3}}){{2,}}", re.ASCII),
    ",": re.compile(rf"[+-]?\d{{1,3}}(\.\d{{3}})+,\d*{_EXPONENT}|[+-]?\d{{1,3}}(\.\d{{3}}){{2,}}", re.ASCII),
}
_BLANKS = re.compile(r"(?<=\d)[ '’](?=\d{3}(?!\d))", re.ASCII)
_PLAIN = dict.fromkeys(map(ord, "\u2212\u2010\u2011\u2012\u2013"), "-") | {
    code: chr(code - 0xFEE0) for code in (*range(0xFF10, 0xFF1A), 0xFF0B, 0xFF0C, 0xFF0E, 0xFF45)
}
_OTHER = {".": ",", ",": "."}
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
#: ``1x10^-3``, ``10^-2``, ``5·10⁻²``.
_POWER = re.compile(
    r"(?:(?P<number>[+-]?\d+(?:[.,]\d+)?)\s*[x×*·]\s*)?10(?:\^(?P<raised>[+-]?\d{1,3})|(?P<above>⁻[⁰¹²³⁴-⁹]{1,3}))"
)


def plain_text(text: str) -> str:
    """A number without surrounding blanks, its full-width digits and typographic minus signs in plain ones.

    A power of ten that is written out (``1x10^-3``, ``5·10⁻²``) has its exponent; other superscripts stay
    what they are: 10² is not 102.
    """
    plain = text.strip().translate(_PLAIN)
    if not (power := _POWER.fullmatch(plain)):
        return plain
    return f"{power['number'] or 1}e{(power['raised'] or power['above']).translate(_RAISED)}"


def decimal_of(texts: Collection[str]) -> Decimal:
    """The decimal separator that the numbers of a column show.

    A text such as ``0,98``, ``2.5`` or ``1.250.000`` has one reading and settles the others; ``1,250`` has
    two. Where one text shows a comma and another a point, or ``1,250`` stands beside ``1.250``, it is
    ``both``.
    """
    plain = [_BLANKS.sub("", plain_text(text)) for text in texts]
    shown = {mark for mark in ".," for text in plain if _shows(text, mark)}
    doubtful = {mark for mark in ".," for text in plain if _DOUBTFUL[mark].fullmatch(text)}
    if len(shown) == 2 or (not shown and len(doubtful) == 2):
        return "both"
    if shown:
        return "," if "," in shown else "."
    return ""


def _shows(text: str, mark: str) -> bool:
    """Whether a text can only be a number whose decimal separator is `mark`."""
    if _GROUPED[mark].fullmatch(text):
        return True
    return bool(_WITH[mark].fullmatch(text)) and not _DOUBTFUL[mark].fullmatch(text)


def is_doubtful(text: str) -> bool:
    """Whether a text such as ``1,250`` or ``1.250`` has two readings by itself."""
    text = _BLANKS.sub("", plain_text(text))
    return any(pattern.fullmatch(text) for pattern in _DOUBTFUL.values())


def is_grouped(text: str, decimal: Decimal) -> bool:
    """Whether the column makes thousands of the mark in such a text."""
    return decimal in _OTHER and bool(_DOUBTFUL[_OTHER[decimal]].fullmatch(_BLANKS.sub("", plain_text(text))))


def parse_number(text: str, decimal: Decimal = "") -> float:
    """A finite number, with a decimal point or comma.

    Parameters
    ----------
    text : str
        ``4``, ``0.98``, ``0,98``, ``1e-3``, ``1 250``, ``1.250,5``.
    decimal : str
        What `decimal_of` says of the column. ``1,250`` is 1.25 with ``,`` and 1250 with ``.``; ``1.250`` is
        1250 with ``,`` and else 1.25. With ``both`` either is refused, and with ``""`` the one with a comma.

    Raises
    ------
    ValueError
        With what is wrong and, after an arrow, the fix.
    """
    text = plain_text(text)
    if not text:
        raise ValueError("is empty → write a number")
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity", "na", "n/a"):
        raise ValueError("is not a finite number → write a number, or leave the row out")
    plain = _pointed(_BLANKS.sub("", text), decimal)
    if not _NUMBER.fullmatch(plain):
        unit = re.match(r"^[+-]?[\d.,]+\s*[^\d\s.,]+$", text)
        raise ValueError(
            "is not a number → write the number alone; its unit has a column of its own"
            if unit
            else "is not a number → write a number such as 0.5"
        )
    number = float(plain)
    if number in (float("inf"), float("-inf")):
        raise ValueError("is not a finite number → write a number")
    return number


def _pointed(text: str, decimal: Decimal) -> str:
    """The text with a decimal point and without separators of thousands."""
    for mark, other in _OTHER.items():
        if _GROUPED[mark].fullmatch(text):
            return text.replace(other, "").replace(mark, ".")
        if not _DOUBTFUL[mark].fullmatch(text):
            continue
        if decimal == mark or (decimal == "" and mark == "."):
            return text.replace(mark, ".")
        if decimal == other:
            return text.replace(mark, "")
        name = "comma" if mark == "," else "point"
        # 1.250 would be as doubtful as before, 1.2500 is not
        whole, fraction = text.replace(mark, ""), text.replace(",", ".") + ("0" if mark == "." else "")
        raise ValueError(f"may be a thousand or a decimal {name} → write {whole} or {fraction}")
    return text.replace(",", ".") if _WITH[","].fullmatch(text) else text
