from __future__ import annotations

import csv
from pathlib import Path

import pytest

from morphodose.design.faults import Faults
from morphodose.design.groups import check_groups
from morphodose.design.platemap import PlateWells, read_platemap
from morphodose.platemap import read_plate_map
from morphodose.spreadsheets import as_text, from_text

HEADER = "well,compound,dose,dose_unit,role"


def read(
    folder: Path, *rows: str, header: str = HEADER, plates: tuple[str, ...] = ("P1",), plate_format: int = 96
) -> tuple[PlateWells, str]:
    path = folder / "map.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    faults = Faults()
    found = read_platemap(path, plates, plate_format, faults)
    return found, "\n".join(fault.text() for fault in faults.found)


def test_wells_are_written_alike_however_the_map_writes_them(tmp_path: Path) -> None:
    found, faults = read(tmp_path, "a1,DMSO,0,uM,vehicle", "W0002,D,1,uM,treated", "3,D,2,uM,treated")
    assert not faults
    assert [well for _, well in found] == ["A01", "A02", "A03"]


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("negative", "vehicle"),
        ("Control", "vehicle"),
        ("Negative Control", "vehicle"),
        ("VEHICLE", "vehicle"),
        ("blank", "empty"),
    ],
)
def test_roles_have_other_names(tmp_path: Path, text: str, role: str) -> None:
    found, faults = read(tmp_path, f"A01,DMSO,0,uM,{text}")
    assert not faults
    assert found["P1", "A01"].role == role


def test_dose_is_another_name_of_treated_and_unit_of_dose_unit(tmp_path: Path) -> None:
    found, faults = read(tmp_path, 'A01,D,"0,98",µM,dose', header="well,compound,dose,unit,role")
    assert not faults
    well = found["P1", "A01"]
    assert (well.role, well.dose, well.dose_unit) == ("treated", 0.98, "uM")


def test_the_real_plate_map_is_read_as_it_is(shared_data: Path) -> None:
    faults = Faults()
    found = read_platemap(shared_data / "bbbc013" / "platemap.csv", ["B"], 96, faults)
    assert not faults.found
    assert len(found) == 96
    assert found["B", "C11"].dose == 250
    assert found["B", "H01"].role == "positive"
    assert found["B", "E12"].role == "empty"
    assert found["B", "A01"].extra == {"row": "A", "col": "1"}
    assert {well.dose_unit for well in found.values() if well.compound == "LY294002"} == {"uM"}


def test_a_row_without_a_plate_holds_for_all_plates(tmp_path: Path) -> None:
    found, faults = read(
        tmp_path,
        "A01,DMSO,0,uM,vehicle,",
        "A02,D,1,uM,treated,P2",
        header=HEADER + ",plate",
        plates=("P1", "P2"),
    )
    assert not faults
    assert set(found) == {("P1", "A01"), ("P2", "A01"), ("P2", "A02")}


@pytest.mark.parametrize("text", ["NaN", "NA", "n/a", "-", "None", "NULL", "."])
def test_a_word_for_nothing_is_no_dose(tmp_path: Path, text: str) -> None:
    found, faults = read(tmp_path, f"A01,DMSO,{text},{text},vehicle", "A02,D,1,nM,treated")
    assert not faults and found["P1", "A01"].dose == 0
    _, faults = read(tmp_path, f"A01,D,{text},nM,treated", "A02,D,1,nM,treated")
    assert f"value '{text}': dose is not a" in faults


def test_vehicle_wells_may_leave_dose_unit_and_compound_out(tmp_path: Path) -> None:
    found, faults = read(tmp_path, "A01,,,,vehicle", "A02,D,,,vehicle", "A03,D,1,nM,treated", "A04,,,,empty")
    assert not faults
    assert (found["P1", "A01"].compound, found["P1", "A01"].dose) == ("vehicle", 0)
    assert found["P1", "A02"].dose_unit == "nM"
    assert found["P1", "A04"].dose is None


def test_a_doubtful_comma_is_decimal_where_the_column_shows_it(tmp_path: Path) -> None:
    rows = ("A01;D;31,250;uM;treated", "A02;D;0,98;uM;treated")
    found, faults = read(tmp_path, *rows, header=HEADER.replace(",", ";"))
    assert not faults
    assert found["P1", "A01"].dose == 31.25
    assert (
        "may be a thousand or a decimal comma → write 31250 or 31.250"
        in read(tmp_path, rows[0], header=HEADER.replace(",", ";"))[1]
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            ["A01,D,-1,uM,treated"],
            "map.csv: row 2: value '-1': dose is negative → write the dose itself, 0 or more",
        ),
        (["A01,D,nan,uM,treated"], "row 2: value 'A01, D, , uM, treated': dose is empty → write a number"),
        (["A01,D,high,uM,treated"], "row 2: value 'high': dose is not a number"),
        (["A01,D,5uM,nM,treated"], "value '5uM': dose is not a number → write the number alone"),
        (["A01,D,,uM,treated"], "row 2: value 'A01, D, , uM, treated': dose is empty → write a number"),
        (
            ["A01,D,1,,treated"],
            "row 2: value 'A01, D, 1, , treated': a treated well without a dose_unit → write it, such as uM",
        ),
        (
            ["A01,,1,uM,positive"],
            "row 2: value 'A01, , 1, uM, positive': a positive well without a compound → write its name",
        ),
        (["A01,D,1,uM,vehicle"], "row 2: value '1': a vehicle well with a dose → write 0"),
        (["A01,D,0,uM,treated"], "warning: map.csv: row 2: value '0': a treated well with dose 0"),
        (["A01,D,1,uM,treatd"], "row 2: value 'treatd': is not a role → did you mean 'treated'?"),
        (
            ["A01,D,1,uM,"],
            "row 2: value 'A01, D, 1, uM, ': is not a role → known: vehicle, treated, positive, empty",
        ),
        (
            ["Z01,D,1,uM,treated"],
            "value 'Z01': well 'Z01' is not on a 96-well plate → write it as A01; is --plate_format",
        ),
        (["well,D,1,uM,treated"], "value 'well': 'well' is not a well"),
        (
            ["A1,D,1,uM,treated", "A01,D,2,uM,treated"],
            "row 3: value 'A01': well A01 is in row 2 too, with other content",
        ),
        (["A1,D,1,uM,treated", "A01,D,1,uM,treated"], "well A01 is in row 2 too, with the same content"),
        # also where one of the rows has a fault of its own: it would be found at the next try
        (["A1,D,1O,uM,treated", "A01,D,10,uM,treated"], "well A01 is in row 2 too, with other content"),
        (["A1,D,1,uM,treated", "A01,D,1O,uM,treated"], "well A01 is in row 2 too, with other content"),
        (
            ["A01,D,1,uM,treated", "A02,D,10,mg/ml,treated"],
            "row 3: value 'mg/mL': compound 'D' has doses in 'mg/mL' here and in 'uM' in row 2 → write",
        ),
        (
            ["A01,Drug,1,uM,treated", "A02,drug,1,uM,treated"],
            "compounds that differ only in case are taken as one",
        ),
        (
            [],
            "map.csv: row 1: value 'well, compound, dose, dose_unit, role': the plate map has no wells → add a row per well",
        ),
    ],
)
def test_a_faulty_row_is_named_with_value_and_fix(tmp_path: Path, rows: list[str], message: str) -> None:
    assert message in read(tmp_path, *rows)[1]


def test_a_plate_that_no_acquisition_has_is_offered_the_nearest(tmp_path: Path) -> None:
    _, faults = read(tmp_path, "A01,D,1,uM,treated,Plate_1", header=HEADER + ",plate", plates=("Plate1",))
    assert (
        "row 2: value 'Plate_1': no acquisition of the samplesheet is of this plate (1 row) → did you mean 'Plate1'?"
        in faults
    )


def test_columns_that_the_tables_need_themselves_are_refused(tmp_path: Path) -> None:
    _, faults = read(tmp_path, "A01,D,1,uM,treated,7", header=HEADER + ",Timepoint")
    assert "row 1: value 'Timepoint': the tables already have a column of this name → rename it" in faults


def test_larger_plates_have_more_wells(tmp_path: Path) -> None:
    found, faults = read(tmp_path, "P24,D,1,uM,treated", "AF48,D,1,uM,treated", plate_format=1536)
    assert not faults
    assert set(found) == {("P1", "P24"), ("P1", "AF48")}


#: Cells of a plate map, and what is written of them: nothing that a spreadsheet runs.
WRITTEN = {
    "=1+1": "'=1+1",
    "@SUM(A1)": "'@SUM(A1)",
    "-DMSO": "'-DMSO",
    "+Drug": "'+Drug",
    "'=x": "''=x",
    "-5": "-5",
    "Drug=2": "Drug=2",
    "'": "'",
    "": "",
}


@pytest.mark.parametrize("cell", WRITTEN)
def test_no_cell_is_a_formula_and_all_are_read_as_they_were(cell: str) -> None:
    assert as_text(cell) == WRITTEN[cell]
    assert from_text(as_text(cell)) == cell


def test_a_compound_that_is_a_formula_comes_through_the_plate_map(tmp_path: Path) -> None:
    path = tmp_path / "plate_map.csv"
    cells = ["P1", "A01", "=HYPERLINK(1)", "1", "uM", "treated", "@batch"]
    names = ["plate", "well", "compound", "dose", "dose_unit", "role", "=own"]
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(map(as_text, names))
        writer.writerow([])
        writer.writerow(map(as_text, cells))
    well = read_plate_map(path).of("P1", "A01")
    assert well["Metadata_Compound"] == "=HYPERLINK(1)" and well["Metadata_=own"] == "@batch"


def judged_groups(folder: Path, group_by: str, *rows: str, column: str = "CellLine") -> list[str]:
    found, _ = read(folder, *rows, header=f"{HEADER},{column}")
    faults = Faults()
    check_groups(group_by, found, "map.csv", faults)
    return [fault.text() for fault in faults.found]


def test_a_column_to_divide_by_is_one_of_the_plate_map(tmp_path: Path) -> None:
    rows = ("A01,DMSO,0,uM,vehicle,HeLa", "A02,D,1,uM,treated,HeLa")
    for good in ("auto", "none", "", "CellLine", "cellline", "Metadata_CellLine"):
        assert judged_groups(tmp_path, good, *rows) == []
    (text,) = judged_groups(tmp_path, "CelLine", *rows)
    assert text == (
        "--group_by: value 'CelLine': is not an additional column of the plate map → did you mean 'CellLine'? "
        "known: CellLine"
    )


def test_two_varied_drugs_are_told_before_the_first_step(tmp_path: Path) -> None:
    def rows(*seconds: str) -> list[str]:
        pairs = [(first, second) for first in ("1", "10") for second in seconds]
        return [f"A{n:02d},D,{a},uM,treated,{b}" for n, (a, b) in enumerate(pairs, start=1)]

    (text,) = judged_groups(tmp_path, "auto", *rows("0", "2", "20"), column="InhibitorDose")
    assert "a combination of two varied drugs, D and InhibitorDose: no curve is fitted" in text
    # with and without a second drug: two groups
    assert judged_groups(tmp_path, "auto", *rows("0", "2"), column="InhibitorDose") == []
    assert judged_groups(tmp_path, "auto", *rows("0", "2", "20"), column="Passage") == []


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("Well Position", ("B-02", "C 03")),
        ("Well_Name", ("Well B02", "r3c3")),
        ("Row,Column", ("2,2", "3,3")),
        ("Row,Col", ("B,2", "C,03")),
    ],
)
def test_wells_may_be_written_in_many_ways(tmp_path: Path, header: str, rows: tuple[str, str]) -> None:
    found, faults = read(
        tmp_path, f"{rows[0]},DMSO,0,uM,vehicle", f"{rows[1]},D,1,uM,treated",
        header=f"{header},compound,dose,dose_unit,role",
    )  # fmt: skip
    assert not faults
    assert [(well, one.compound) for (_, well), one in found.items()] == [("B02", "DMSO"), ("C03", "D")]


def test_rows_and_columns_that_count_from_0_are_said(tmp_path: Path) -> None:
    found, faults = read(
        tmp_path, "1,0,DMSO,0,uM,vehicle", "2,2,D,1,uM,treated", header="row,col,compound,dose,dose_unit,role"
    )
    assert [well for _, well in found] == ["B01", "C03"]
    assert "warning: map.csv: row 1: value 'row, col': rows and columns are counted from 0" in faults


def test_two_bare_numbers_are_no_well(tmp_path: Path) -> None:
    _, faults = read(tmp_path, "02-03,D,1,uM,treated")
    assert "'02-03' does not say which number is the row: expected B03, or r02c03" in faults
