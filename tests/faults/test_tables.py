"""Samplesheets and plate maps as spreadsheets break them: what is read all the same, and what is a fault."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from design_tree import Screen, make_screen
from faults.screens import assert_complete, faults_of, kinds
from morphodose.design.output import CheckedDesign


@pytest.fixture
def screen(tmp_path: Path) -> Screen:
    return make_screen(tmp_path / "screen")


def semicolons(text: str) -> str:
    return text.replace(",", ";")


def with_empty_rows(text: str) -> str:
    lines = text.splitlines()
    separator = ";" if ";" in lines[0] else ","
    return "\n".join([lines[0], "", separator * 4, *lines[1:], separator * 9, " ", ""]) + "\n"


ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "BOM": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
}
ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}
SHAPES: dict[str, Callable[[str], str]] = {
    "commas": lambda text: text,
    "semicolons": semicolons,
    "tabs": lambda text: text.replace(",", "\t"),
    "sep=": lambda text: "sep=;\n" + semicolons(text),
    "empty rows": with_empty_rows,
    "quoted": lambda text: (
        "\n".join('"' + line.replace(",", '","') + '"' for line in text.splitlines()) + "\n"
    ),
    "spaces": lambda text: text.replace(",", " , "),
    "no end of the last line": lambda text: text.rstrip("\n"),
}


def same_design(one: CheckedDesign, other: CheckedDesign) -> bool:
    rows = [[(p.key, p.z, p.channel, p.path) for p in design.planes] for design in (one, other)]
    # the rows of a table with empty ones above are counted as a spreadsheet counts them
    wells = [
        {key: (well.compound, well.dose, well.dose_unit, well.role) for key, well in design.platemap.items()}
        for design in (one, other)
    ]
    return rows[0] == rows[1] and wells[0] == wells[1] and not other.faults


@pytest.mark.parametrize(("shape", "encoding", "end"), list(itertools.product(SHAPES, ENCODINGS, ENDS)))
def test_a_screen_is_the_same_however_its_tables_were_saved(
    screen: Screen, shape: str, encoding: str, end: str
) -> None:
    before = screen.judge()
    for table in (screen.sheet, screen.plate_map):
        text = SHAPES[shape](table.read_text()).replace("\n", ENDS[end])
        table.write_bytes(ENCODINGS[encoding](text))
    assert same_design(before, screen.judge())


def test_decimal_commas_are_read_in_both_tables(screen: Screen) -> None:
    (screen.root / "8hrs_R1").rename(screen.root / "0,5hrs_R1")
    (screen.root / "8hrs_R2").rename(screen.root / "0,5hrs_R2")
    screen.sheet.write_text(
        "plate;timepoint_h;replicate;images\nP1;4,0;1;4hrs_R1\nP1;4,0;2;4hrs_R2\n"
        "P1;0,5;1;0,5hrs_R1\nP1;0,5;2;0,5hrs_R2\n"
    )
    screen.plate_map.write_text(
        "well;compound;dose;dose_unit;role\nA01;DMSO;0;uM;vehicle\nA02;Drug;0,31250;uM;treated\n"
        "A03;Drug;1,250;uM;treated\n"
    )
    design = screen.judge()
    assert not design.faults
    assert {well.dose for well in design.platemap.values()} == {0.0, 0.3125, 1.25}
    assert {a.timepoint_h for a in design.acquisitions} == {4.0, 0.5}


def test_a_decimal_comma_in_a_table_of_commas_is_a_fault_with_its_fix(screen: Screen) -> None:
    screen.plate_map.write_text(screen.plate_map.read_text().replace("A02,Drug,1,", "A02,Drug,0,98,"))
    faults = faults_of(screen)
    assert_complete(faults)
    (fault,) = [fault for fault in faults if fault.kind == "row_length"]
    assert fault.row == 3 and "decimals with a point" in fault.fix


def test_headers_that_are_repeated_among_the_rows_are_faults_of_their_rows(screen: Screen) -> None:
    """Two plate maps or sheets pasted below each other."""
    for table in (screen.sheet, screen.plate_map):
        header, *rows = table.read_text().splitlines()
        table.write_text("\n".join([header, *rows[:2], header, *rows[2:]]) + "\n")
    faults = faults_of(screen)
    assert_complete(faults)
    assert {(fault.file, fault.row) for fault in faults if fault.scope == "sheet"} == {
        ("samplesheet.csv", 4), ("platemap.csv", 4),
    }  # fmt: skip
    assert kinds(faults)["header"] == 2, [fault.text() for fault in faults]


def test_columns_that_are_repeated_are_faults(screen: Screen) -> None:
    for table in (screen.sheet, screen.plate_map):
        lines = table.read_text().splitlines()
        first = lines[0].split(",")[0]
        table.write_text(
            "\n".join([f"{lines[0]},{first.upper()}", *(line + ",x" for line in lines[1:])]) + "\n"
        )
    faults = faults_of(screen)
    assert_complete(faults)
    assert [(fault.file, fault.row, fault.value) for fault in faults] == [
        ("samplesheet.csv", 1, "PLATE"), ("platemap.csv", 1, "WELL"),
    ]  # fmt: skip


DOSES = {
    "-1": "negative", "-0,5": "negative", "nan": "not a finite number", "NaN": "not a finite number",
    "inf": "not a finite number", "-inf": "not a finite number", "1e999": "not a finite number",
    "high": "not a number", "10 nM": "not a number", "10nM": "not a number", "1..5": "not a number",
    "1/3": "not a number", "<10": "not a number", "": "empty", "1_000": "not a number",
    "0x10": "not a number", "$(touch pwned)": "not a number", "=1+1": "not a number", "N/A": "not a finite",
}  # fmt: skip


@pytest.mark.parametrize("dose", DOSES)
def test_a_dose_that_is_none_is_a_fault_of_its_row(screen: Screen, dose: str) -> None:
    screen.plate_map.write_text(screen.plate_map.read_text().replace("A02,Drug,1,", f'A02,Drug,"{dose}",'))
    faults = [fault for fault in faults_of(screen) if fault.scope == "sheet"]
    assert_complete(faults)
    (fault,) = faults
    assert (fault.kind, fault.file, fault.row) == ("dose", "platemap.csv", 3)
    assert DOSES[dose] in fault.message
    assert dose in fault.value


def test_all_faulty_doses_and_units_of_a_map_come_at_once(screen: Screen) -> None:
    rows = [f'A{number:02d},Drug,"{dose}",uM,treated' for number, dose in enumerate(DOSES, 2) if number < 13]
    rows += [
        f'B{number - 12:02d},Drug,"{dose}",uM,treated' for number, dose in enumerate(DOSES, 2) if number > 12
    ]
    rows += [
        "C01,Drug,1,uM,treated",
        "C02,Drug,1,nM,treated",
        "C03,Drug,1,mg/ml,treated",
        "C04,Other,1,nM,treated",
    ]
    screen.plate_map.write_text(
        "well,compound,dose,dose_unit,role\nA01,DMSO,0,uM,vehicle\n" + "\n".join(rows) + "\n"
    )
    faults = faults_of(screen)
    assert_complete(faults)
    assert kinds(faults)["dose"] == len(DOSES)
    mixed = [fault for fault in faults if fault.kind == "mixed_units"]
    assert {(fault.value, fault.severity) for fault in mixed} == {("mg/mL", "error"), ("nM", "warning")}
    assert all("Drug" in fault.message and "in 'uM' in row" in fault.message for fault in mixed)


def test_units_that_mean_the_same_are_not_mixed(screen: Screen) -> None:
    """Both signs for micro, and the letter u."""
    screen.plate_map.write_text(
        "well,compound,dose,dose_unit,role\nA01,DMSO,0,,vehicle\nA02,Drug,1,µM,treated\nA03,Drug,10,μM,treated\n",
        encoding="utf-8",
    )
    design = screen.judge()
    assert not design.faults
    assert {well.dose_unit for well in design.platemap.values() if well.role == "treated"} == {"uM"}
