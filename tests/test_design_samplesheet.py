from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from morphodose.design.faults import Faults
from morphodose.design.samplesheet import Acquisition, read_samplesheet

HEADER = "plate,timepoint_h,replicate,images"


def read(folder: Path, *rows: str, header: str = HEADER) -> tuple[list[Acquisition], str]:
    for name in ("4hrs_R1", "8hrs_R1"):
        (folder / name).mkdir(exist_ok=True)
    sheet = folder / "sheet.csv"
    sheet.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    faults = Faults()
    acquisitions = read_samplesheet(sheet, folder, faults)
    return acquisitions, "\n".join(fault.text() for fault in faults.found)


def test_a_row_is_an_acquisition_with_an_absolute_folder(tmp_path: Path) -> None:
    (found,), faults = read(tmp_path, "P1,4,R1,4hrs_R1,Monday", header=HEADER + ",Operator")
    assert not faults
    assert (found.id, found.plate, found.timepoint_h, found.replicate) == ("Time_4hrs_R1", "P1", 4.0, "1")
    assert found.folder == str(tmp_path / "4hrs_R1")
    assert found.extra == {"Operator": "Monday"}


@pytest.mark.parametrize("text", ["1", "R1", "r1", "rep1", "Rep 1", "01", "replicate_1"])
def test_replicates_written_differently_are_the_same(tmp_path: Path, text: str) -> None:
    (found,), faults = read(tmp_path, f"P1,4,{text},4hrs_R1")
    assert not faults
    assert found.replicate == "1"


def test_the_plate_is_in_the_id_only_where_there_are_several(tmp_path: Path) -> None:
    acquisitions, _ = read(tmp_path, "P1,4,1,4hrs_R1", "P2,4,1,8hrs_R1")
    assert [a.id for a in acquisitions] == ["P1_Time_4hrs_R1", "P2_Time_4hrs_R1"]


def test_an_absolute_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (found,), faults = read(tmp_path, f"P1,0.5,1,{tmp_path / 'elsewhere'}")
    assert not faults
    assert found.folder == str(tmp_path / "elsewhere")
    assert found.id == "Time_0.5hrs_R1"


def test_an_acquisition_not_made_on_purpose_has_no_folder(tmp_path: Path) -> None:
    (found,), faults = read(tmp_path, "P1,4,1,-")
    assert not faults
    assert found.folder is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "P1,four,1,4hrs_R1",
            "sheet.csv: row 2: value 'four': timepoint_h is not a number → write a number such as",
        ),
        ("P1,-4,1,4hrs_R1", "row 2: value '-4': timepoint_h is not between 0 and 100000 hours"),
        ("P1,nan,1,4hrs_R1", "row 2: value 'nan': timepoint_h is not a finite number"),
        (
            "P1,4 weeks,1,4hrs_R1",
            "value '4 weeks': timepoint_h is not a number → write a number such as 4, or",
        ),
        ("P1,2024-03-01,1,4hrs_R1", "timepoint_h is not a number"),
        ("P1,,1,4hrs_R1", "row 2: value 'P1, , 1, 4hrs_R1': timepoint_h is empty → write a number"),
        (
            "P 1/x,4,1,4hrs_R1",
            "row 2: value 'P 1/x': plate has a character that some file systems do not allow",
        ),
        ("../P,4,1,4hrs_R1", "such as 'P'"),
        (",4,1,4hrs_R1", "row 2: value ', 4, 1, 4hrs_R1': plate is empty → give every acquisition its plate"),
        ("P1,4,$(x),4hrs_R1", "row 2: value '$(x)': replicate has a character"),
        ("P1,4,,4hrs_R1", "row 2: value 'P1, 4, , 4hrs_R1': replicate is empty"),
        (
            "P1,4,1,",
            "row 2: value 'P1, 4, 1, ': images is empty → write the folder, or - if it was deliberately not imaged",
        ),
        ("P1,4,1,4hr_R1", "value '4hr_R1': the folder of images does not exist → did you mean '4hrs_R1'?"),
        ("P1,4,1,sheet.csv", "value 'sheet.csv': images is a file, not a folder"),
        ("P1,4,1,s3://bucket/x", "value 's3://bucket/x': a remote address is not read"),
        ("P1,4,1,.\\4hrs_R1", "write './4hrs_R1', with slashes"),
        (
            "P1,4,1,4hrs_R1\nP1,4.0,R1,8hrs_R1",
            "row 3: value 'P1, 4, 1': the same plate, timepoint and replicate as row 2",
        ),
        ("P1,4,1,4hrs_R1\nP1,8,1,./4hrs_R1/", "row 3: value './4hrs_R1/': the same images as row 2"),
        ("P1,1.0000001,1,4hrs_R1\nP1,1,1,8hrs_R1", "the same plate, timepoint and replicate as row 2"),
    ],
)
def test_a_faulty_row_is_named_with_value_and_fix(tmp_path: Path, row: str, message: str) -> None:
    assert message in read(tmp_path, row)[1]


def test_a_misspelt_column_is_offered_its_name(tmp_path: Path) -> None:
    _, faults = read(tmp_path, "P1,4,1,4hrs_R1", header="plate,timepoint,replicate,image")
    assert (
        "value 'timepoint': nothing says the unit of the times → rename the column: timepoint_h for hours, "
        "timepoint_d for days" in faults
    )
    assert "value 'image': column 'images' is missing → rename column 'image' to 'images'" in faults


def test_a_sheet_without_rows_is_a_fault(tmp_path: Path) -> None:
    assert "the samplesheet has no rows → add a row per acquisition" in read(tmp_path)[1]


def test_a_header_below_other_rows_is_one_fault_that_names_its_row(tmp_path: Path) -> None:
    acquisitions, faults = read(tmp_path, "Operator,AB", "", HEADER, "P1,4,1,4hrs_R1", header="Screen 12")
    assert not acquisitions
    assert faults == (
        "sheet.csv: row 4: value 'plate, timepoint_h, replicate, images': the header is in row 4, not the first "
        "→ delete the rows above it"
    )


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6))
def test_no_text_crashes_the_samplesheet(tmp_path_factory: pytest.TempPathFactory, rows: list[str]) -> None:
    folder = tmp_path_factory.mktemp("sheet")
    sheet = folder / "s.csv"
    sheet.write_bytes("\n".join([HEADER, *rows]).encode("utf-8", "surrogatepass"))
    faults = Faults()
    assert read_samplesheet(sheet, folder, faults) or faults.found


def test_a_row_that_repeats_another_is_reported_and_its_images_are_not_read_twice(tmp_path: Path) -> None:
    acquisitions, message = read(tmp_path, "P1,4,1,4hrs_R1\nP1,4,1,4hrs_R1")
    assert "the same plate, timepoint and replicate as row 2" in message
    assert [acquisition.row for acquisition in acquisitions] == [2]


@pytest.mark.parametrize(
    ("column", "text", "hours"),
    [
        ("timepoint_h", "4", 4.0), ("timepoint_h", "4 h", 4.0), ("timepoint_h", "2 d", 48.0),
        ("timepoint_d", "2", 48.0), ("Time (days)", "0,5", 12.0), ("timepoint_min", "90", 1.5),
        ("time_h", "72", 72.0), ("timepoint", "90 min", 1.5), ("timepoint", "day 3", 72.0),
    ],
)  # fmt: skip
def test_the_unit_of_a_time_is_that_of_its_column_or_cell(
    tmp_path: Path, column: str, text: str, hours: float
) -> None:
    (found,), faults = read(tmp_path, f'P1,"{text}",1,4hrs_R1', header=f"plate,{column},replicate,images")
    assert not faults and found.timepoint_h == pytest.approx(hours) and not found.extra


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("plate,timepoint,replicate,images", "nothing says the unit of the times"),
        ("plate,replicate,images,dish", "column 'timepoint_h' is missing"),
        ("plate,timepoint_h,timepoint_d,replicate,images", "several columns hold times"),
    ],
)
def test_times_without_a_unit_are_never_taken_for_hours(tmp_path: Path, header: str, message: str) -> None:
    row = ",".join({"images": "4hrs_R1"}.get(column, "1") for column in header.split(","))
    found, faults = read(tmp_path, row, header=header)
    assert not found and message in faults


def test_times_in_two_units_that_agree_and_times_of_day_are_no_fault(tmp_path: Path) -> None:
    (found,), faults = read(
        tmp_path,
        "P1,48,2,T7,14:30,21,1,4hrs_R1",
        header="plate,timepoint_h,timepoint_d,timepoint,time,days,replicate,images",
    )
    assert not faults and found.timepoint_h == 48
    assert found.extra == {"timepoint": "T7", "time": "14:30", "days": "21"}
