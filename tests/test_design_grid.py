from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from design_tree import Screen, make_screen, tiff_bytes
from morphodose.design.namer import ranges


@pytest.fixture
def screen(tmp_path: Path) -> Screen:
    return make_screen(tmp_path / "my screen's $(x) [ü]")


def test_a_whole_screen_has_no_faults(screen: Screen) -> None:
    design = screen.judge()
    assert not design.faults
    assert len(design.planes) == 4 * 3 * 2 * 2 * 2
    assert len(design.wells()) == 12


def test_missing_planes_are_listed_one_line_a_field(screen: Screen) -> None:
    screen.plane(4, 1, 2, 1, 2, 2).unlink()
    screen.plane(8, 2, 3, 2, 1, 1).unlink()
    screen.plane(8, 2, 3, 2, 2, 2).unlink()
    message = screen.message()
    assert "the input has 2 faults\n" in message
    assert (
        "4hrs_R1: value 'Time_4hrs_R1_Well_A02_Field_1': 1 plane missing: Hoechst z 2 → copy them" in message
    )
    assert "value 'Time_8hrs_R2_Well_A03_Field_2': 2 planes missing: Brightfield z 1, Hoechst z 2" in message
    assert "--on_fault tolerant goes on without the 2 fields that this concerns" in message


def test_a_missing_field_well_or_channel_is_one_line(screen: Screen) -> None:
    for z in (1, 2):
        for channel in (1, 2):
            screen.plane(4, 1, 1, 2, z, channel).unlink()
            for field in (1, 2):
                screen.plane(4, 2, 3, field, z, channel).unlink()
                screen.plane(8, 1, 2, field, z, 2).unlink(missing_ok=True)
        for well in (1, 2, 3):
            for field in (1, 2):
                screen.plane(8, 2, well, field, z, 2).unlink()
    message = screen.message()
    assert "the input has 3 faults and 1 warning" in message
    assert "2 in 10 of 11 well-timepoints; other numbers in Time_4hrs_R1_Well_A01: 1" in message
    assert (
        "value 'Time_4hrs_R2: A03': 1 well without an image, though they have some at other times" in message
    )
    assert "value 'Time_8hrs_R1_Well_A02, all 2 fields': 2 planes missing: Hoechst z 1-2" in message
    assert (
        "--channels: value '2:Hoechst': channel 2 was imaged in 3 of 4 acquisitions; without it: Time_8hrs_R2"
        in message
    )


def test_a_plane_that_only_one_field_has_is_the_odd_one(screen: Screen) -> None:
    screen.plane(4, 1, 1, 1, 1, 1).rename(screen.plane(4, 1, 1, 1, 9, 1))
    message = screen.message()
    assert "value 'Time_4hrs_R1_Well_A01_Field_1': 1 plane missing: Brightfield z 1" in message
    assert "Brightfield z 9: in 1 of 24 fields only → remove these files" in message


def test_z_that_start_elsewhere_are_one_fault_of_their_own(screen: Screen) -> None:
    for field in (1, 2):
        for channel in (1, 2):
            for z in (1, 2):
                screen.plane(4, 1, 2, field, z, channel).rename(screen.plane(4, 1, 2, field, z - 1, channel))
    message = screen.message()
    assert "the input has 1 fault\n" in message
    assert (
        "value 'Time_4hrs_R1_Well_A02, all 2 fields': z starts at 0 here, and at 1 in most fields" in message
    )


def test_a_channel_of_few_fields_is_one_fault_and_not_missing_from_the_others(screen: Screen) -> None:
    for path in screen.root.glob("*/W*C2.tif"):
        if "W0003" not in path.name:
            path.unlink()
    message = screen.message()
    assert "the input has 1 fault\n" in message
    assert (
        "--channels: value '2:Hoechst': channel 2 is present in only 8 of 24 fields (Time_4hrs_R1_Well_A03,"
        in message
    )
    assert "→ leave it out, with 2:- in --channels, or copy its images of the other fields" in message


def test_channels_may_have_different_z(screen: Screen) -> None:
    for path in screen.root.rglob("*Z002C1.tif"):
        path.unlink()
    assert len(screen.judge().planes) == 4 * 3 * 2 * 3


def test_a_missing_acquisition_is_reported_unless_declared(screen: Screen) -> None:
    text = screen.sheet.read_text()
    screen.sheet.write_text(text.replace("P1,8,2,8hrs_R2\n", ""))
    message = screen.message()
    assert "samplesheet.csv: value 'P1, 8, 2': no row for plate P1 at 8 h, replicate 2" in message
    assert "→ add the row, with '-' for its images if it was deliberately not imaged" in message
    screen.sheet.write_text(text.replace("P1,8,2,8hrs_R2", "P1,8,2,-"))
    assert len(screen.judge().wells()) == 9


def test_two_files_of_one_plane_are_a_fault(screen: Screen) -> None:
    first = screen.plane()
    copy = first.parent / "copy" / first.name
    copy.parent.mkdir()
    copy.write_bytes(first.read_bytes())
    message = screen.message()
    assert f"{copy}: value 'Time_4hrs_R1_Well_A01_Field_1': is the same plane as {first}" in message
    assert "(1 in this field: Brightfield z 1) → keep one of the files" in message


@pytest.mark.parametrize(
    ("content", "message", "fix"),
    [
        (b"", "the file is empty (0 bytes)", "copy it from the instrument again"),
        (b"garbage", "the file is not a TIFF", "export it from the instrument's software as grey TIFF"),
        (None, "the file is truncated: its pixels reach to byte", "copy it from the instrument again"),
    ],
)
def test_an_unreadable_image_is_named_with_its_field_and_what_helps(
    screen: Screen, content: bytes | None, message: str, fix: str
) -> None:
    path = screen.plane(8, 1, 2, 1, 2, 1)
    path.write_bytes(path.read_bytes()[:-40] if content is None else content)
    text = screen.message()
    assert f"{path}: value 'Time_8hrs_R1_Well_A02_Field_1': {message}" in text
    assert f"→ {fix}" in text


def test_another_size_or_depth_is_a_fault_that_names_both(screen: Screen) -> None:
    screen.plane(4, 1, 1, 1, 1, 1).write_bytes(tiff_bytes(screen.root, (8, 9)))
    for path in (screen.root / "8hrs_R2").iterdir():
        path.write_bytes(tiff_bytes(screen.root, dtype="uint8"))
    message = screen.message()
    assert (
        "size or bit depth differs within the screen (Brightfield z 1: 9 x 8 uint16; expected 8 x 8 uint16"
        in message
    )
    assert "value 'Time_8hrs_R2, all 6 fields': size or bit depth differs" in message
    assert "Brightfield z 1-2, Hoechst z 1-2: 8 x 8 uint8" in message
    assert "the input has 2 faults" in message


def test_wells_without_a_row_are_listed(screen: Screen) -> None:
    rows = [line for line in screen.plate_map.read_text().splitlines() if not line.startswith("A03")]
    screen.plate_map.write_text("\n".join(rows) + "\n")
    message = screen.message()
    assert "platemap.csv: value 'A03': 1 well of plate P1 with images but without a row (such as " in message
    assert "→ add the rows (role empty if they are not to be analysed)" in message


def test_a_plate_without_any_row_is_one_fault(screen: Screen) -> None:
    with screen.sheet.open("a") as sheet:
        sheet.write("P2,4,1,P2\n")
    shutil.copytree(screen.root / "8hrs_R1", screen.root / "P2")
    text = screen.plate_map.read_text().splitlines()
    screen.plate_map.write_text("\n".join([text[0] + ",plate", *(line + ",P1" for line in text[1:])]) + "\n")
    assert "value 'P2': plate P2 has images of 3 wells but no row in the plate map" in screen.message()


def test_wells_of_the_map_without_images_are_a_warning_unless_empty(screen: Screen) -> None:
    with screen.plate_map.open("a") as plate_map:
        plate_map.write("B01,Drug,5,uM,treated\nB02,,,,empty\n")
    (warning,) = screen.judge().faults
    assert warning.severity == "warning"
    assert "row 5: value 'B01': 1 well of plate P1 without an image in any acquisition" in warning.text()


def test_empty_wells_are_left_out_and_counted(screen: Screen) -> None:
    text = screen.plate_map.read_text()
    screen.plate_map.write_text(text.replace("A03,Drug,10,uM,treated", "A03,,,,empty"))
    screen.plane(4, 1, 3).write_bytes(b"no matter")
    design = screen.judge()
    assert not design.faults
    assert len(design.wells()) == 8
    assert design.settings["empty_well_timepoints"] == 4


def test_a_time_without_vehicle_wells_is_a_warning(screen: Screen) -> None:
    for path in screen.root.glob("8hrs_R*/W0001*"):
        path.unlink()
    found = [fault for fault in screen.judge(tolerant=True).faults if fault.severity == "warning"]
    (warning,) = (fault.message for fault in found if fault.kind == "no_vehicle")
    assert warning.startswith("plate P1 has no vehicle well with images at 8 h: relative counts")


def test_no_vehicle_well_is_a_warning(screen: Screen) -> None:
    text = screen.plate_map.read_text()
    screen.plate_map.write_text(text.replace("A01,DMSO,0,uM,vehicle", "A01,Drug,3,uM,treated"))
    (warning,) = screen.judge().faults
    assert (
        "plate P1 has no vehicle well with images: relative counts and death gates need them"
        in warning.text()
    )


def test_names_that_cannot_be_parsed_and_wells_off_the_plate_are_faults(screen: Screen) -> None:
    data = screen.plane().read_bytes()
    folder = screen.root / "4hrs_R1"
    (folder / "overview.tif").write_bytes(data)
    (folder / "W0097F0001T0001Z001C1.tif").write_bytes(data)
    (folder / "notes.txt").write_text("no image")
    message = screen.message()
    assert (
        "overview.tif: value 'overview.tif': the name does not match the file pattern → rename or remove it"
        in message
    )
    assert "such as W0001F0001T0001Z003C1.tif" in message
    assert "value '0097': well '0097' is beyond a 96-well plate → is --plate_format 96 right?" in message


def test_names_with_line_ends_or_broken_bytes_are_faults_not_crashes(screen: Screen) -> None:
    folder = screen.root / "4hrs_R1"
    (folder / "W0001F0001T0001Z001C1\n.tif").write_bytes(b"")
    with open(bytes(folder) + b"/W0001F0001T0001Z001C\xff.tif", "wb"):
        pass
    message = screen.message()
    assert "W0001F0001T0001Z001C1\\n.tif': the name has control characters or is not UTF-8" in message
    assert "\\udcff" in message


def test_channels_without_a_name_or_without_images_are_faults(screen: Screen) -> None:
    message = screen.message(channels="1:Brightfield,3:PI")
    assert (
        "--channels: value '2': 48 images of channel 2, which has no name in --channels (such as " in message
    )
    assert "→ add it: 1:Brightfield,3:PI,2:<name>; or, to leave it out, 1:Brightfield,3:PI,2:-" in message
    assert "--channels: value '3:PI': channel 3 has no image in any acquisition" in message
    assert "the images have 1, 2" in message


def test_a_channel_left_out_on_purpose_is_ignored(screen: Screen) -> None:
    design = screen.judge(channels="1:Brightfield,2:-")
    assert not design.faults
    assert len(design.planes) == 48
    assert design.settings["ignored_files"] == {"channel left out by --channels": 48}


def test_an_empty_folder_is_a_fault_that_says_what_was_ignored(screen: Screen) -> None:
    for path in (screen.root / "4hrs_R1").iterdir():
        path.rename(path.with_suffix(".png"))
    message = screen.message()
    assert "samplesheet.csv: row 2: value '4hrs_R1': no image in the folder" in message
    assert "(passed over: 24 x PNG image, which is not read)" in message
    assert "→ export its images as TIFF, grey, 8 or 16 bits" in message


def test_one_channel_as_png_is_named(screen: Screen) -> None:
    for path in screen.root.glob("*/*C2.tif"):
        path.rename(path.with_suffix(".png"))
    message = screen.message()
    assert (
        "channel 2 has no image in any acquisition (passed over: 48 x PNG image, which is not read)"
        in message
    )
    assert "→ export it as TIFF if those are its images" in message


def test_several_timepoints_in_a_folder_need_a_choice(screen: Screen) -> None:
    folder = screen.root / "4hrs_R1"
    for path in list(folder.iterdir()):
        path.with_name(path.name.replace("T0001", "T0002")).write_bytes(path.read_bytes())
    message = screen.message()
    assert "row 2: value '1, 2': the file names below '4hrs_R1' have several timepoints" in message
    assert "→ add a column timepoint_in_name" in message
    rows = screen.sheet.read_text().splitlines()
    rows = [rows[0] + ",timepoint_in_name", rows[1] + ",1", *(row + "," for row in rows[2:])]
    screen.sheet.write_text("\n".join([*rows, "P1,6,1,4hrs_R1,0002", "P1,6,2,-,"]) + "\n")
    design = screen.judge()
    assert len(design.wells()) == 15
    screen.sheet.write_text("\n".join([*rows, "P1,6,1,4hrs_R1,3", "P1,6,2,-,"]) + "\n")
    assert (
        "row 6: value '3': no file name below '4hrs_R1' has this timepoint → the names have 1, 2"
        in screen.message()
    )


def test_all_faults_come_together_and_warnings_after_them(screen: Screen) -> None:
    screen.plane(4, 1, 1).unlink()
    screen.plane(4, 2, 1).write_bytes(b"")
    with screen.plate_map.open("a") as plate_map:
        plate_map.write("B01,Drug,-5,uM,treated\nB02,Other,1,uM,treated\n")
    message = screen.message(roles={"cell": "Celmask"}, file_pattern="cq1")
    for part in (
        "the input has 4 faults and 1 warning",
        "--cell_channel: value 'Celmask': is not a channel of --channels",
        "row 5: value '-5': dose is negative",
        "is empty (0 bytes)",
        "1 plane missing: Brightfield z 1",
        "   5. warning: platemap.csv",
        "in all: 1 x channel role, 1 x dose, 1 x unreadable image, 1 x missing planes",
    ):
        assert part in message
    assert "tolerant" not in message  # the sheet's faults stop that as well


def test_long_lists_are_cut_with_their_total(screen: Screen) -> None:
    for path in (screen.root / "4hrs_R1").iterdir():
        path.write_bytes(b"")
    message = screen.message(show=3)
    assert message.count("is empty (0 bytes)") == 3
    assert "… and 21 more like these (unreadable_image, 24 in all)" in message
    assert len(screen.message().splitlines()) < 50  # what Nextflow shows of a task


def test_tolerant_leaves_out_the_fields_not_the_wells(screen: Screen) -> None:
    screen.plane(4, 1, 1, 2).unlink()
    screen.plane(8, 1, 1, 1).write_bytes(b"")
    (screen.root / "8hrs_R1" / "overview.tif").write_bytes(b"")
    design = screen.judge(tolerant=True)
    assert {design.names.image(key): reasons for key, reasons in design.excluded.items()} == {
        "Time_4hrs_R1_Well_A01_Field_2": ["missing_planes"],
        "Time_8hrs_R1_Well_A01_Field_1": ["unreadable_image"],
    }
    assert len(design.wells()) == 12
    assert len({plane.key for plane in design.planes}) == 22
    assert len(design.faults) == 3


def test_tolerant_still_stops_where_nothing_is_left(screen: Screen) -> None:
    for path in screen.root.rglob("W*.tif"):
        path.write_bytes(b"")
    assert "the design has no image: all 24 fields have faults" in screen.message(tolerant=True)


def test_a_users_expression_finds_plate_time_and_replicate_in_one_tree(tmp_path: Path) -> None:
    root = tmp_path / "all"
    for plate in "XY":
        for well in ("A01", "A02"):
            path = root / plate / "run_R1" / f"{well} gfp.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(path, np.zeros((4, 4), "uint8"))
    screen = Screen(tmp_path)
    screen.sheet.write_text(
        "plate,timepoint_h,replicate,images,plate_in_name,replicate_in_name\nP1,4,1,all,X,1\nP2,4,1,all,Y,\n"
    )
    screen.plate_map.write_text("well,compound,dose,dose_unit,role\nA01,D,0,uM,vehicle\nA02,D,1,uM,treated\n")
    pattern = r"^(?P<plate>[^/]+)/run_R(?P<replicate>\d)/(?P<well>\w+) (?P<channel>\w+)\.tif$"
    design = screen.judge(file_pattern=pattern, channels="gfp:GFP")
    assert [name for name, _ in design.wells()] == [
        f"{plate}_Time_4hrs_R1_Well_{well}" for plate in ("P1", "P2") for well in ("A01", "A02")
    ]
    assert [plane.path.split("/")[-3] for plane in design.planes] == ["X", "X", "Y", "Y"]


def test_runs_of_numbers_are_joined() -> None:
    assert ranges({1, 2, 3, 5, 8, 9}) == "1-3 5 8-9"


def without(screen: Screen, channel: int, *acquisitions: str) -> None:
    for name in acquisitions:
        for path in (screen.root / name).glob(f"*C{channel}.tif"):
            path.unlink()


def test_a_channel_that_one_time_lacks_is_declared_and_stops_nothing(screen: Screen) -> None:
    without(screen, 2, "4hrs_R1", "4hrs_R2")
    design = screen.judge()
    assert [fault.kind for fault in design.faults] == ["channel_at_some_times"]
    assert "death states that need it, are missing at 4 h" in design.faults[0].message
    assert design.settings["channels_at_some_times"] == {"Hoechst": ["Time_4hrs_R1", "Time_4hrs_R2"]}
    assert not design.excluded and len(design.wells()) == 12


def test_a_channel_that_one_replicate_of_a_time_lacks_is_a_fault(screen: Screen) -> None:
    without(screen, 2, "4hrs_R1")
    message = screen.message()
    assert "without it: Time_4hrs_R1, at times when others have it" in message
    assert "→ copy its images; or leave the channel out; or analyse" in message


def test_a_channel_that_every_time_needs_is_a_fault_where_one_lacks_it(screen: Screen) -> None:
    without(screen, 2, "4hrs_R1", "4hrs_R2")
    message = screen.message(roles={"nuclear": "Hoechst"})
    assert "without it: Time_4hrs_R1, Time_4hrs_R2, but --nuclear_channel needs it at every time" in message
    assert "choose another --nuclear_channel" in message
