"""Plate maps as laboratories keep them: workbooks, grids in the shape of a plate, headers further down."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import CoveredTableCell, Table, TableCell, TableRow
from odf.text import P

from morphodose.design.faults import Faults
from morphodose.design.platemap import PlateWells, read_platemap
from morphodose.names import plate_shape, row_letters

Rows = list[list[object]]

LONG: Rows = [
    ["Screen 12, June"], [], ["well", "Drug", "Concentration (µM)", "role"], ["A1", "DMSO", None, "vehicle"],
    ["A2", "Drug", 1.125, "treated"], ["A3", "Drug", 10, "treated"],
]  # fmt: skip
WELLS = {"A01": ("DMSO", 0.0, "vehicle"), "A02": ("Drug", 1.125, "treated"), "A03": ("Drug", 10.0, "treated")}


def read(
    path: Path, plates: tuple[str, ...] = ("P1",), sheet: str = "", wells: int = 96
) -> tuple[PlateWells, str]:
    faults = Faults()
    found = read_platemap(path, plates, wells, faults, sheet=sheet)
    return found, "\n".join(fault.text() for fault in faults.found)


def xlsx(path: Path, sheets: dict[str, Rows], merged: str = "") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        if merged:
            sheet.merge_cells(merged)
    book.save(path)
    return path


def ods(path: Path, rows: Rows, merged: tuple[int, int, int] = (-1, -1, 1)) -> Path:
    """A spreadsheet; `merged` is a row, a column, and how many cells from there are one."""
    book = OpenDocumentSpreadsheet()
    table = Table(name="Sheet1")
    book.spreadsheet.addElement(table)
    for place, row in enumerate(rows):
        line = TableRow()
        table.addElement(line)
        for column, value in enumerate(row):
            if place == merged[0] and merged[1] < column < merged[1] + merged[2]:
                line.addElement(CoveredTableCell())
                continue
            number = isinstance(value, int | float)
            span = {"numbercolumnsspanned": merged[2]} if (place, column) == merged[:2] else {}
            kind = {"valuetype": "float", "value": value} if number else {"valuetype": "string"}
            cell = TableCell(**kind, **span)
            cell.addElement(P(text="" if value is None else str(value)))
            line.addElement(cell)
    book.save(path)
    return path


def grid(label: object, values: dict[str, object], wells: int = 96) -> Rows:
    """A grid with its name in the corner."""
    rows, columns = plate_shape(wells)
    return [[label, *range(1, columns + 1)]] + [
        [
            row_letters(row),
            *(values.get(f"{row_letters(row)}{column:02d}") for column in range(1, columns + 1)),
        ]
        for row in range(1, rows + 1)
    ]


def of(field: int) -> dict[str, object]:
    return {well: held[field] for well, held in WELLS.items()}


def held(found: PlateWells, plate: str = "P1") -> dict[str, tuple[str, float | None, str]]:
    return {w: (one.compound, one.dose, one.role) for (p, w), one in found.items() if p == plate}


def as_csv(path: Path, rows: Rows, separator: str = ",") -> Path:
    lines = [separator.join("" if cell is None else str(cell) for cell in row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["xlsx", "ods", "csv", "semicolons"])
def test_a_row_a_well_below_a_title_is_read_with_the_unit_of_its_header(tmp_path: Path, kind: str) -> None:
    make = {
        "xlsx": lambda: xlsx(tmp_path / "a.xlsx", {"Layout": LONG, "Notes": [["x"]]}),
        "ods": lambda: ods(tmp_path / "a.ods", LONG),
        "csv": lambda: as_csv(tmp_path / "a.csv", LONG[1:]),
        "semicolons": lambda: as_csv(tmp_path / "a.csv", LONG, ";"),
    }
    found, faults = read(make[kind]())
    assert held(found) == WELLS
    assert found["P1", "A02"].dose_unit == "uM"
    assert ("the header is in row 3" in faults) == (kind != "csv")
    assert ("other sheets are passed over" in faults) == (kind == "xlsx")
    assert all(line.startswith("warning") for line in faults.splitlines())


@pytest.mark.parametrize("kind", ["xlsx", "ods", "csv", "semicolons"])
def test_grids_are_read_with_their_names_in_the_corner(tmp_path: Path, kind: str) -> None:
    rows = [*grid("compound", of(0)), [], *grid("dose (nM)", of(1)), [], *grid("role", of(2))]
    make = {
        "xlsx": lambda: xlsx(tmp_path / "a.xlsx", {"Sheet1": rows}),
        "ods": lambda: ods(tmp_path / "a.ods", rows),
        "csv": lambda: as_csv(tmp_path / "a.csv", rows),
        "semicolons": lambda: as_csv(tmp_path / "a.csv", [["My plate"], [], *rows], ";"),
    }
    found, faults = read(make[kind]())
    assert not faults
    assert held(found) == WELLS
    assert found["P1", "A03"].dose_unit == "nM"


@pytest.mark.parametrize("wells", [24, 96, 384, 1536])
def test_grids_of_all_plates_have_names_above_them_and_doses_with_units(tmp_path: Path, wells: int) -> None:
    rows, columns = plate_shape(wells)
    last = f"{row_letters(rows)}{columns:02d}"
    rows_of = [
        ["Compounds"], *grid(None, {last: "Drug"}, wells), ["Concentrations"], *grid(None, {last: "2,5 µM"}, wells),
        ["Well type"], *grid(None, {last: "sample"}, wells), ["cell_line"], *grid(None, {last: "U2OS"}, wells),
    ]  # fmt: skip
    found, faults = read(xlsx(tmp_path / "a.xlsx", {"Sheet1": rows_of}), wells=wells)
    assert not faults
    (one,) = found.values()
    assert (one.well, one.compound, one.dose, one.dose_unit) == (last, "Drug", 2.5, "uM")
    assert one.extra == {"cell_line": "U2OS"}


def test_plates_have_their_own_grids_and_share_those_of_no_plate(tmp_path: Path) -> None:
    other = {"A01": "DMSO", "A02": "Other", "A03": "Other"}
    rows = [
        *grid("role", of(2)), *grid("dose (uM)", of(1)),
        ["Plate P1"], *grid("compound", of(0)), ["Plate: P2"], *grid("compound", other),
    ]  # fmt: skip
    found, faults = read(as_csv(tmp_path / "a.csv", rows), ("P1", "P2"))
    assert not faults
    assert held(found) == WELLS
    assert held(found, "P2")["A03"] == ("Other", 10.0, "treated")
    rows = [*rows, *grid("compound", other)]
    assert (
        "a second grid of 'compound' for one plate" in read(as_csv(tmp_path / "a.csv", rows), ("P1", "P2"))[1]
    )


def test_sheets_name_plates_or_what_their_grid_holds(tmp_path: Path) -> None:
    whole = [*grid("compound", of(0)), *grid("dose (uM)", of(1)), *grid("role", of(2))]
    found, faults = read(xlsx(tmp_path / "a.xlsx", {"P1": whole, "P2": whole}), ("P1", "P2"))
    assert not faults and held(found) == held(found, "P2") == WELLS
    sheets = {"Compound": grid(None, of(0)), "Dose (uM)": grid(None, of(1)), "Role": grid(None, of(2))}
    found, faults = read(xlsx(tmp_path / "b.xlsx", sheets))
    assert not faults and held(found) == WELLS


def test_a_merged_cell_holds_for_all_of_its_wells(tmp_path: Path) -> None:
    values = {"A02": "Drug", "A01": "DMSO"}
    rows = [*grid("compound", values), *grid("dose (uM)", of(1)), *grid("role", of(2))]
    found, faults = read(xlsx(tmp_path / "a.xlsx", {"Sheet1": rows}, "C2:D2"))
    assert not faults and held(found) == WELLS
    found, faults = read(ods(tmp_path / "a.ods", rows, (1, 2, 2)))
    assert not faults and held(found) == WELLS


def test_a_sheet_is_chosen_by_its_name(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", {"old": LONG[2:4], "new": LONG[2:]})
    assert "several sheets hold a plate map → name one: --plate_map_sheet" in read(path)[1]
    assert held(read(path, sheet="new")[0]) == WELLS
    assert (
        "value 'none': the plate map has no such sheet → name one of its sheets: old, new"
        in read(path, sheet="none")[1]
    )
    text = as_csv(tmp_path / "a.csv", LONG[2:])
    assert "a.csv is not a workbook → leave it out" in read(text, sheet="new")[1]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*grid("compound", of(0)), *grid("dose (uM)", of(1))], "no grid of 'role' → add a grid with 'role' above it"),
        ([*grid("compound", of(0)), *grid("role", of(2)), *grid("dose", of(1))], "no grid of 'dose_unit' → add"),
        (grid(None, of(0)), "row 1: value 'DMSO, Drug, Drug': a grid without a name → write what it holds above it"),
        ([["Screen 12"], ["A01", "DMSO", 0, "uM", "vehicle"]], "the plate map has no header → write the names"),
    ],
)  # fmt: skip
def test_what_a_plate_map_lacks_is_one_fault(tmp_path: Path, rows: Rows, message: str) -> None:
    found, faults = read(as_csv(tmp_path / "a.csv", rows))
    assert not found and message in faults
    assert len(faults.splitlines()) <= 3


def test_a_broken_workbook_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04abc")
    assert "is a workbook that cannot be read" in read(tmp_path / "a.xlsx")[1]


@pytest.mark.parametrize(
    "note", [["Plate was late"], ["Made by", "Anna"], ["Checked on 3 May", None, None, "by me"]]
)
def test_notes_below_the_last_well_are_passed_over_and_said(tmp_path: Path, note: list[object]) -> None:
    found, faults = read(xlsx(tmp_path / "a.xlsx", {"Layout": [*LONG[2:], [], note]}))
    assert held(found) == WELLS
    assert faults.startswith("warning: a.xlsx [Layout]: row 6: ") and str(note[0]) in faults
    assert "below the last well" in faults and len(faults.splitlines()) == 1


@pytest.mark.parametrize(
    "row", [["A4x", "Drug", 10, "treated"], ["A4x", None, 10, None], ["A4", None, None, None]]
)
def test_a_last_row_with_a_well_role_or_dose_is_no_note(tmp_path: Path, row: list[object]) -> None:
    found, faults = read(xlsx(tmp_path / "a.xlsx", {"Layout": [*LONG[2:], row]}))
    assert "below the last well" not in faults and "row 5" in faults
    assert not all(line.startswith("warning") for line in faults.splitlines())


def test_units_beside_the_doses_need_no_column_of_their_own(tmp_path: Path) -> None:
    rows: Rows = [["Well", "Compound", "Dose", "Role"], ["A1", "DMSO", 0, "neg ctrl"]]
    series: Rows = [["A2", "Drug", "10 nM", "sample"], ["A3", "Drug", "2,5 nM", "sample"]]
    found, faults = read(xlsx(tmp_path / "a.xlsx", {"Layout": rows + series}))
    assert not faults
    assert [(well.dose, well.dose_unit) for well in found.values()][1:] == [(10.0, "nM"), (2.5, "nM")]
    _, faults = read(xlsx(tmp_path / "b.xlsx", {"Layout": [*rows, ["A2", "Drug", 10, "sample"]]}))
    assert "column 'dose_unit' is missing" in faults
    _, faults = read(xlsx(tmp_path / "c.xlsx", {"Layout": rows + series + [["A4", "Drug", 10, "sample"]]}))
    assert "row 5" in faults and "a treated well without a dose_unit" in faults


def test_a_unit_beside_a_dose_may_repeat_that_of_its_column(tmp_path: Path) -> None:
    rows: Rows = [["well", "compound", "dose", "dose_unit", "role"], ["A1", "H2O", 0, "%", "vehicle"]]
    found, faults = read(xlsx(tmp_path / "a.xlsx", {"L": [*rows, ["A2", "EtOH", "0.5 %", "%", "treated"]]}))
    assert not faults and found["P1", "A02"].dose == 0.5
    _, faults = read(xlsx(tmp_path / "b.xlsx", {"L": [*rows, ["A2", "EtOH", "5 uM", "nM", "treated"]]}))
    assert "value '5 uM': dose is not a number" in faults


@pytest.mark.parametrize("title", ["", "Layout"])
def test_cells_of_a_grid_may_hold_compound_and_dose(tmp_path: Path, title: str) -> None:
    grid: Rows = [
        *([[title]] if title else []), [None, 1, 2, 3, 4], ["A", "DMSO", "Taxol 10 uM", "Taxol (0,5µM)", None],
        ["B", "DMSO", "BAY-1 2.5nM", "BAY-1: 1 nM", "untreated"],
    ]  # fmt: skip
    found, faults = read(xlsx(tmp_path / "a.xlsx", {"Sheet1": grid}))
    assert [(w, one.compound, one.dose, one.dose_unit, one.role) for (_, w), one in found.items()] == [
        ("A01", "DMSO", 0, "", "vehicle"), ("A02", "Taxol", 10, "uM", "treated"), ("A03", "Taxol", 0.5, "uM", "treated"),
        ("B01", "DMSO", 0, "", "vehicle"), ("B02", "BAY-1", 2.5, "nM", "treated"), ("B03", "BAY-1", 1, "nM", "treated"),
        ("B04", "untreated", 1, "", "treated"),
    ]  # fmt: skip
    assert "the cells of the grid are read as compound and dose: 2 wells with solvent are vehicle" in faults


def test_dates_that_a_spreadsheet_made_are_no_compounds_and_no_doses(tmp_path: Path) -> None:
    rows: Rows = [["well", "compound", "dose", "dose_unit", "role"], ["A1", "DMSO", 0, "uM", "vehicle"]]
    made: Rows = [
        ["A2", datetime(2026, 9, 2), 1, "uM", "treated"],
        ["A3", "X", datetime(2026, 5, 1), "uM", "treated"],
    ]
    _, faults = read(xlsx(tmp_path / "a.xlsx", {"L": rows + made}))
    assert "row 3: value '2026-09-02': compound is a date: spreadsheets turn names such as SEPT2" in faults
    assert (
        "row 4" in faults
        and "→ a spreadsheet has turned it into a date: give the column the format Number" in faults
    )
    for text in ("2-Sep", "Mar-01"):
        _, faults = read(xlsx(tmp_path / "b.xlsx", {"L": [*rows, ["A2", text, 1, "uM", "treated"]]}))
        assert f"value '{text}': compound is a date" in faults
    assert not read(xlsx(tmp_path / "c.xlsx", {"L": [*rows, ["A2", "SEPT2", 1, "uM", "treated"]]}))[1]


@pytest.mark.parametrize("well", ["A1-A6", "A1:A6", "A1, A2", "A1;B1"])
def test_several_wells_in_a_row_are_refused_with_what_helps(tmp_path: Path, well: str) -> None:
    rows: Rows = [["well", "compound", "dose", "dose_unit", "role"], [well, "DMSO", 0, "uM", "vehicle"]]
    assert "→ write one row for each of its wells" in read(xlsx(tmp_path / "a.xlsx", {"L": rows}))[1]


def test_the_first_of_two_drugs_is_the_compound(tmp_path: Path) -> None:
    rows: Rows = [
        ["well", "drug1", "conc1 (uM)", "drug2", "conc2", "role"],
        ["A1", "DMSO", 0, None, None, "vehicle"],
        ["A2", "X", 1, "Y", 2, "treated"],
    ]
    found, faults = read(xlsx(tmp_path / "a.xlsx", {"L": rows}))
    assert not faults
    well = found["P1", "A02"]
    assert (well.compound, well.dose, well.dose_unit, well.extra) == (
        "X",
        1,
        "uM",
        {"compound_2": "Y", "dose_2": "2"},
    )


def test_headers_of_robots_and_readers_are_known(tmp_path: Path) -> None:
    header: Rows = [["Plate Row", "Plate Col", "Cpd", "Conc (uM)", "Content"]]
    rows: Rows = [
        ["A", 1, "DMSO", 0, "vehicle"],
        ["A", 2, "Drug", 1.125, "sample"],
        ["A", 3, "Drug", 10, "sample"],
    ]
    found, faults = read(xlsx(tmp_path / "a.xlsx", {"Layout": header + rows}))
    assert held(found) == WELLS and not faults


def test_a_merged_title_is_named_once(tmp_path: Path) -> None:
    _, faults = read(xlsx(tmp_path / "a.xlsx", {"Layout": LONG}, merged="A1:D1"))
    assert "is passed over (Screen 12, June) →" in faults
