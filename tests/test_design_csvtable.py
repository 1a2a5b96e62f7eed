from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from morphodose.design.csvtable import read_csv
from morphodose.design.faults import Faults

NEEDED = ("well", "dose")


def read(path: Path, content: str | bytes, **options: object):
    path = path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    faults = Faults()
    return read_csv(path, faults, NEEDED, **options), faults  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        b"well,dose\nA01,1\nB02,2.5\n",
        b"\xef\xbb\xbfwell,dose\r\nA01,1\r\nB02,2.5\r\n",
        b"well;dose\rA01;1\rB02;2.5",
        b"well\tdose\nA01\t1\nB02\t2.5\n",
        b'sep=;\r\n"well";"dose"\r\n"A01";"1"\r\n"B02";2.5\r\n',
        b"\n\nWELL, Dose \n,\nA01,1\n , \nB02 ,2.5,,,\n\n",
        "well\tdose\nA01\t1\nB02\t2.5\n".encode("utf-16"),
    ],
    ids=["plain", "bom-crlf", "semicolon-cr", "tab", "sep-line-quoted", "blanks", "utf-16"],
)
def test_a_table_reads_the_same_however_the_spreadsheet_wrote_it(tmp_path: Path, content: bytes) -> None:
    table, faults = read(tmp_path, content)
    assert not faults.found
    assert [(row.cells["well"], row.cells["dose"]) for row in table.rows] == [("A01", "1"), ("B02", "2.5")]


def test_row_numbers_are_those_a_spreadsheet_shows(tmp_path: Path) -> None:
    table, _ = read(tmp_path, "well,dose\n\nA01,1\n,\nB02,2\n")
    assert [row.number for row in table.rows] == [3, 5]


def test_quoted_cells_keep_separators_quotes_and_line_ends(tmp_path: Path) -> None:
    table, faults = read(tmp_path, 'well,dose,note\nA01,1,"a, ""b""\nc"\nA02,2,\n')
    assert not faults.found
    assert table.rows[0].cells["note"] == 'a, "b"\nc'
    assert table.rows[1].number == 3


def test_windows_1252_text_is_read(tmp_path: Path) -> None:
    table, faults = read(tmp_path, "well,dose,unit\nA01,1,µM\n".encode("cp1252"))
    assert not faults.found
    assert table.rows[0].cells["unit"] == "µM"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"",
            "t.csv: row 1: value 'no cell with a value': the table is empty → give it a header and rows: well, dose",
        ),
        (
            b"PK\x03\x04abc",
            "t.csv: value 'bytes 50 4b 03 04 …': the table is a spreadsheet workbook, not text → save",
        ),
        (
            b"well,dose\n\x00\x01,2",
            "t.csv: value 'bytes 77 65 6c 6c …': the table is not a text file → save it as CSV",
        ),
        (b'well,dose\n"A01,1\n', """t.csv: row 2: value '"A01,1': not a readable CSV table"""),
        (
            b"well,dose,well\nA01,1,A02\n",
            "t.csv: row 1: value 'well': this column appears twice → delete or rename",
        ),
        (
            b"well\nA01\n",
            "t.csv: row 1: value 'well': column 'dose' is missing → add a column 'dose', or rename the one that",
        ),
        (
            b"well,does\nA01,1\n",
            "row 1: value 'does': column 'dose' is missing → rename column 'does' to 'dose'",
        ),
        (b"well,dose,plat\nA01,1,P\n", "row 1: value 'plat': unknown column; did you mean 'plate'?"),
        (
            b"well,,dose\nA01,x,1\n",
            "row 1: value 'well, , dose': column 2 has no name → name it or delete it",
        ),
        (b"well,dose\nA01,1\nWell , dose\nA02,1\n", "row 3: value 'well, dose': the header is repeated here"),
        (b"well,dose\nA01,1\nA02,1,5\n", "row 3: value 'A02, 1, 5': 3 cells under a header of 2 columns"),
    ],
)
def test_a_fault_of_the_table_says_row_value_and_fix(tmp_path: Path, content: bytes, message: str) -> None:
    _, faults = read(tmp_path, content, optional=("plate",))
    assert message in "\n".join(fault.text() for fault in faults.found)


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    faults = Faults()
    assert read_csv(tmp_path / "none.csv", faults, NEEDED) is None
    assert "cannot be read (No such file or directory)" in faults.found[0].text()


def test_columns_of_the_users_own_are_carried_along(tmp_path: Path) -> None:
    table, faults = read(tmp_path, "well,dose,Batch No\nA01,1,7\n")
    assert not faults.found
    assert table.rows[0].cells["Batch No"] == "7"


def test_a_users_column_that_looks_a_little_like_an_optional_one_is_no_fault(tmp_path: Path) -> None:
    _, faults = read(tmp_path, "well,dose,date,plate_id\nA01,1,2025,7\n", optional=("plate",))
    assert not faults.found


def test_an_alias_stands_for_its_column_unless_that_is_there_too(tmp_path: Path) -> None:
    table, _ = read(tmp_path, "well,amount\nA01,1\n", aliases={"amount": "dose"})
    assert table.columns == ["well", "dose"]
    table, _ = read(tmp_path, "well,amount,dose\nA01,1,2\n", aliases={"amount": "dose"})
    assert table.columns == ["well", "amount", "dose"]


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    table, faults = read(tmp_path_factory.mktemp("csv"), content)
    assert table is not None or faults.found
