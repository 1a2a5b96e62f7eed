"""Names and keys that run through every table, mask, crop and file.

A *well-timepoint* is one well of one acquisition; its id is the image id without the field.
"""

from __future__ import annotations

import re
import string

#: Wells on a plate → (rows, columns), ANSI/SLAS 4-2004 layouts.
PLATE_FORMATS: dict[int, tuple[int, int]] = {
    6: (2, 3),
    12: (3, 4),
    24: (4, 6),
    48: (6, 8),
    96: (8, 12),
    384: (16, 24),
    1536: (32, 48),
}

#: What names of channels without a stain have in them.
TRANSMITTED_LIGHT = r"bright|\bbf\b|phase|\btl\b|\btrans(?!f)|\bdic\b"

_WELL = re.compile(r"^([A-Za-z]{1,2})0*([1-9]\d?)$")
# what people write around letter and number: Well B-02, B 02, B_02, and row and column by number: r02c03
_APART = r"\s*[-_.\u2010-\u2015\u2212]?\s*"
_WORD = re.compile(rf"^well{_APART}", re.IGNORECASE)
_LOOSE_WELL = re.compile(rf"^([A-Za-z]{{1,2}}){_APART}0*([1-9]\d?)$")
_ROW_COLUMN = re.compile(
    rf"^r(?:ow)?{_APART}0*([1-9]\d?){_APART},?{_APART}c(?:ol(?:umn)?)?{_APART}0*([1-9]\d?)$", re.IGNORECASE
)
_TWO_NUMBERS = re.compile(rf"^\d+(?:{_APART}|\s*[,;/]\s*)\d+$")
_NUMBERED = re.compile(r"^[Ww]?0*([1-9]\d*)$")
_ROW_W = re.compile(r"^[Ww]\d{1,2}$")


def row_letters(row: int) -> str:
    """Letters of a plate row, 1 → ``A``, 26 → ``Z``, 27 → ``AA`` (1536-well plates).

    Raises
    ------
    ValueError
        If `row` is below 1.
    """
    if row < 1:
        raise ValueError(f"plate rows start at 1, got {row}")
    letters = ""
    while row:
        row, rest = divmod(row - 1, 26)
        letters = string.ascii_uppercase[rest] + letters
    return letters


def row_number(letters: str) -> int:
    """Number of a plate row, ``A`` → 1, ``AA`` → 27; the inverse of `row_letters`."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + string.ascii_uppercase.index(letter) + 1
    return number


def plate_shape(plate_format: int) -> tuple[int, int]:
    """Rows and columns of a plate with `plate_format` wells.

    Raises
    ------
    ValueError
        If there are no plates of so many wells.
    """
    if plate_format not in PLATE_FORMATS:
        known = ", ".join(map(str, PLATE_FORMATS))
        raise ValueError(f"plate format {plate_format!r} is not one of {known} wells")
    return PLATE_FORMATS[plate_format]


def normalise_well(text: str, plate_format: int = 96) -> str:
    """Write a well as ``A01``.

    Parameters
    ----------
    text : str
        ``A1``, ``a01``, ``A-01``, ``A 01``, ``A_01``, ``Well A01``; row and column by number, ``r01c01``; or
        a number counted row by row as on the CQ1: ``W0012``, ``12``. Where the plate has a row W (1536
        wells), ``W12`` is the well of that row, and only ``W012`` or longer is a number.
    plate_format : int
        Wells on the plate, 6 to 1536; numbers are unfolded with it.

    Raises
    ------
    ValueError
        If the text is not a well, or the well is not on a plate of this format.
    """
    rows, columns = plate_shape(plate_format)
    given = str(text).strip()
    text = _WORD.sub("", given)
    in_row_w = rows >= row_number("W") and _ROW_W.match(text)
    if not in_row_w and (match := _NUMBERED.match(text)):
        number = int(match[1])
        if number > rows * columns:
            raise ValueError(f"well {given!r} is beyond a {plate_format}-well plate")
        row, column = (number - 1) // columns + 1, (number - 1) % columns + 1
    elif match := _LOOSE_WELL.match(text) or _ROW_COLUMN.match(text):
        row = int(match[1]) if match[1].isdecimal() else row_number(match[1])
        column = int(match[2])
        if row > rows or column > columns:
            raise ValueError(f"well {given!r} is not on a {plate_format}-well plate")
    elif _TWO_NUMBERS.match(text):
        raise ValueError(f"{given!r} does not say which number is the row: expected B03, or r02c03")
    else:
        raise ValueError(f"{given!r} is not a well: expected A01, r01c01, or a number such as W0012")
    return f"{row_letters(row)}{column:02d}"


def well_position(well: str) -> tuple[int, int]:
    """Row and column, from 1, of a well written ``A01``.

    Raises
    ------
    ValueError
        If `well` is not written as A01.
    """
    match = _WELL.match(well)
    if not match:
        raise ValueError(f"{well!r} is not a well written as A01")
    return row_number(match[1]), int(match[2])


def acquisition_id(timepoint_h: float, replicate: str, plate: str | None = None) -> str:
    """``Time_{t}hrs_R{replicate}``, with a plate prefix where a screen has several plates."""
    prefix = f"{plate}_" if plate else ""
    return f"{prefix}Time_{timepoint_h:g}hrs_R{replicate}"


def well_timepoint_id(acquisition: str, well: str) -> str:
    """``{acquisition}_Well_{well}``: the key of one well of one acquisition."""
    return f"{acquisition}_Well_{well}"


def image_id(well_timepoint: str, field: int) -> str:
    """``Metadata_ImageID``: ``{well_timepoint}_Field_{field}``."""
    return f"{well_timepoint}_Field_{field}"


def cell_id(image: str, label: int) -> str:
    """``Metadata_CellID``: ``{ImageID}_obj{label}``, `label` being the pixel value in the mask."""
    return f"{image}_obj{label}"


def field_of(image: str) -> int:
    """Field number of a ``Metadata_ImageID``.

    Raises
    ------
    ValueError
        If `image` is not the id of an image.
    """
    _, separator, field = image.rpartition("_Field_")
    if not separator or not field.isdigit():
        raise ValueError(f"{image!r} is not an image id: it does not end in _Field_<n>")
    return int(field)
