"""Numbers with decimal points, decimal commas, and separators of thousands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from morphodose.design.numbers import decimal_of, parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4", 4),
        ("0.98", 0.98),
        ("0,98", 0.98),
        ("1e-3", 0.001),
        ("1,5e2", 150),
        (" .5 ", 0.5),
        ("1x10^-3", 0.001),
        ("2,5 × 10^2", 250),
        ("10^-2", 0.01),
        ("5·10⁻²", 0.05),
    ],
)
def test_numbers_with_point_or_comma_are_read(text: str, number: float) -> None:
    assert parse_number(text) == pytest.approx(number)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("nan", "is not a finite number"),
        ("inf", "is not a finite number"),
        ("1e999", "is not a finite number"),
        ("abc", "is not a number"),
        ("1_000", "is not a number"),
        ("5 uM", "write the number alone"),
        ("10²", "is not a number"),
        ("1,250", "write 1250 or 1.250"),
        ("1.23,5", "is not a number"),
        ("12,34,567", "is not a number"),
        ("1 25", "is not a number"),
        ("١٢", "is not a number"),
    ],
)
def test_texts_that_are_no_plain_number_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_number(text)


#: A column → its decimal separator, and the numbers (None: refused).
COLUMNS: dict[tuple[str, ...], tuple[str, tuple[float | None, ...]]] = {
    ("31,250", "0,98"): (",", (31.25, 0.98)),
    ("0,98", "31,25", "1.250"): (",", (0.98, 31.25, 1250)),
    ("2.5", "31,250", "2"): (".", (2.5, 31250, 2)),
    ("1.250", "10"): ("", (1.25, 10)),
    ("31,250",): ("", (None,)),
    ("1.250", "31,250"): ("both", (None, None)),
    ("0,98", "2.5", "1.250", "1,250"): ("both", (0.98, 2.5, None, None)),
    ("1.250.000", "3"): (",", (1250000, 3)),
    ("1,250.5", "1,250"): (".", (1250.5, 1250)),
    ("1.250,5", "1.250"): (",", (1250.5, 1250)),
    ("1 250", "1'250", "1 250,5"): (",", (1250, 1250, 1250.5)),
    ("1.250e3", "0.125", "1000.125"): (".", (1250, 0.125, 1000.125)),
}


@pytest.mark.parametrize("column", COLUMNS, ids=" ".join)
def test_a_column_has_one_decimal_separator(column: tuple[str, ...]) -> None:
    decimal, numbers = COLUMNS[column]
    assert decimal_of(column) == decimal
    for text, number in zip(column, numbers, strict=True):
        if number is None:
            with pytest.raises(ValueError, match="may be a thousand or a decimal"):
                parse_number(text, decimal)
        else:
            assert parse_number(text, decimal) == number


def test_the_fix_of_a_doubtful_number_is_not_doubtful() -> None:
    with pytest.raises(ValueError, match=r"decimal point → write 1250 or 1\.2500"):
        parse_number("1.250", "both")
    assert parse_number("1.2500", "both") == 1.25


@given(st.floats(min_value=1e-12, max_value=1e12))
def test_every_number_that_python_writes_is_read_back(number: float) -> None:
    assert parse_number(repr(number)) == number
    assert parse_number(repr(number).replace(".", ","), decimal=",") == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("\uff11\uff10", 10),
        ("\uff10\uff0e\uff15", 0.5),
        ("1e\u22123", 1e-3),
        ("\u22125", -5),
        ("1E\u20106", 1e-6),
    ],
)
def test_full_width_digits_and_typographic_minus_signs_are_numbers(text: str, number: float) -> None:
    assert parse_number(text) == number


def test_a_superscript_is_no_digit() -> None:
    with pytest.raises(ValueError, match="is not a number"):
        parse_number("10\u00b2")
