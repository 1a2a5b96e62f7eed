"""Plates of 6 to 1536 wells, whole, named by letters and by numbers; and all faults of a screen at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from design_tree import CHANNELS, Screen, make_screen, tiff_bytes
from faults.screens import assert_complete, faults_of, kinds, write_rows
from faults.tasks import run
from morphodose.names import PLATE_FORMATS, normalise_well, plate_shape, row_letters, well_position


@pytest.mark.parametrize("plate_format", PLATE_FORMATS)
def test_every_well_of_a_plate_is_found_by_number_and_by_letter(plate_format: int) -> None:
    rows, columns = plate_shape(plate_format)
    wells = [f"{row_letters(row)}{col:02d}" for row in range(1, rows + 1) for col in range(1, columns + 1)]
    assert len(set(wells)) == plate_format
    for number, well in enumerate(wells, 1):
        assert normalise_well(well, plate_format) == well
        assert normalise_well(f"W{number:04d}", plate_format) == well
        assert normalise_well(str(number), plate_format) == well
        assert normalise_well(well.lower(), plate_format) == well
        row, col = well_position(well)
        assert (row - 1) * columns + col == number
    for beyond in (
        f"W{plate_format + 1:04d}",
        f"{row_letters(rows + 1)}01",
        f"A{columns + 1:02d}",
        "A00",
        "0",
        "",
    ):
        with pytest.raises(ValueError):
            normalise_well(beyond, plate_format)


def make_plate(root: Path, plate_format: int, preset: str) -> Screen:
    """A full plate, one plane per well, the map in the other notation than the names."""
    (root / "4hrs_R1").mkdir(parents=True)
    screen = Screen(root)
    data = tiff_bytes(root)
    rows, columns = plate_shape(plate_format)
    table: list[list[object]] = [["well", "compound", "dose", "dose_unit", "role"]]
    for number in range(1, plate_format + 1):
        row, col = (number - 1) // columns + 1, (number - 1) % columns + 1
        well, numbered = f"{row_letters(row)}{col:02d}", f"W{number:04d}"
        name = {"cq1": f"{numbered}F0001T0001Z001C1.tif", "cv8000": f"P_{well}_T0001F001L01A01Z01C01.tif",
                "opera_phenix": f"r{row:02d}c{col:02d}f01p01-ch1sk1fk1fl1.tiff"}[preset]  # fmt: skip
        (root / "4hrs_R1" / name).write_bytes(data)
        role = ["DMSO", 0, "uM", "vehicle"] if number == 1 else ["Drug", number, "uM", "treated"]
        table.append([well if preset == "cq1" else numbered, *role])
    write_rows(screen.plate_map, table)
    write_rows(screen.sheet, [["plate", "timepoint_h", "replicate", "images"], ["P1", 4, 1, "4hrs_R1"]])
    return screen


@pytest.mark.parametrize("preset", ["cq1", "cv8000", "opera_phenix"])
@pytest.mark.parametrize("plate_format", PLATE_FORMATS)
def test_a_full_plate_is_checked_whole_and_every_well_has_its_dose(
    plate_format: int, preset: str, tmp_path: Path
) -> None:
    screen = make_plate(tmp_path / "plate", plate_format, preset)
    design = screen.judge(plate_format=plate_format, file_pattern=preset, channels="1:Hoechst")
    assert not design.faults
    assert len(design.wells()) == plate_format
    _, columns = plate_shape(plate_format)
    for plane in design.planes:
        row, col = well_position(plane.well)
        number = (row - 1) * columns + col
        assert design.platemap["P1", plane.well].dose == (0 if number == 1 else number)


def test_a_plate_that_is_larger_than_it_was_said_to_be_is_a_fault_of_its_wells(tmp_path: Path) -> None:
    screen = make_plate(tmp_path / "plate", 384, "cv8000")
    faults = faults_of(screen, plate_format=96, file_pattern="cv8000", channels="1:Hoechst")
    assert_complete(faults)
    assert kinds(faults)["well_off_plate"] == 384 - 96
    assert all("--plate_format 96" in fault.fix for fault in faults if fault.kind == "well_off_plate")


def break_everything(screen: Screen) -> dict[str, int]:
    """A fault of every kind that can stand beside the others; gives how many of each."""
    sheet = [line.split(",") for line in screen.sheet.read_text().splitlines()]
    sheet += [["P1", "four", "1", "4hrs_R1"], ["P 1/x", "24", "1", "8hrs_R1"], ["P1", "24", "", "8hrs_R1"],
              ["P1", "24", "1", "24hrs_R1"], ["P1", "4", "1", "4hrs_R1"]]  # fmt: skip
    write_rows(screen.sheet, sheet)
    table = [line.split(",") for line in screen.plate_map.read_text().splitlines()]
    table += [["A05", "Drug", "-1", "uM", "treated"], ["A06", "Drug", "x", "uM", "treated"],
              ["A07", "Drug", "1", "mg/mL", "treated"], ["A08", "", "1", "uM", "treated"],
              ["A09", "Drug", "1", "", "treated"], ["A10", "Drug", "1", "uM", "whatever"],
              ["Z99", "Drug", "1", "uM", "treated"], ["A02", "Drug", "1", "uM", "treated"],
              ["B01", "Drug", "1", "uM", "treated", "one too many"]]  # fmt: skip
    write_rows(screen.plate_map, table)
    screen.plane(4, 1, 1, 1, 1, 1).write_bytes(b"")
    screen.plane(4, 1, 2, 1, 1, 1).write_bytes(screen.plane(4, 1, 2).read_bytes()[:150])
    screen.plane(4, 2, 2, 2, 2, 2).unlink()
    screen.plane(8, 1, 3, 1, 1, 1).write_bytes(tiff_bytes(screen.root, dtype="uint8"))
    screen.plane(8, 1, 3, 1, 1, 1).with_name("IMG_0001.tif").write_bytes(tiff_bytes(screen.root))
    screen.plane(8, 1, 97).write_bytes(tiff_bytes(screen.root))
    screen.plane(8, 1, 4, 1, 1, 1).write_bytes(tiff_bytes(screen.root))
    (screen.root / "8hrs_R2" / "again").mkdir()
    plane = screen.plane(8, 2, 1)
    (screen.root / "8hrs_R2" / "again" / plane.name).write_bytes(plane.read_bytes())
    screen.plane(8, 2, 1, 1, 1, 3).write_bytes(tiff_bytes(screen.root))
    return {
        "timepoint": 1, "unsafe_name": 2, "missing_folder": 1, "repeated_acquisition": 1, "repeated_images": 1,
        "dose": 2, "mixed_units": 1, "compound": 1, "dose_unit": 1, "role": 1, "well_name": 1,
        "repeated_well": 1, "row_length": 1, "unreadable_image": 2, "missing_planes": 1, "image_size": 1,
        "unparsable_name": 1, "well_off_plate": 1, "well_without_row": 1, "duplicate_planes": 1,
        "channel_without_name": 1, "channels": 1, "channel_role": 1,
    }  # fmt: skip


OPTIONS = ("1:Brightfield,2:Hoechst,2:Again", "Hoest")


def test_one_check_reports_all_faults_of_the_input(tmp_path: Path) -> None:
    screen = make_screen(tmp_path / "screen")
    expected = break_everything(screen)
    channels, nuclear = OPTIONS
    faults = faults_of(screen, channels=channels, roles={"nuclear": nuclear})
    assert_complete(faults)
    found = kinds(fault for fault in faults if fault.severity == "error")
    assert {kind: found.get(kind, 0) for kind in expected} == expected, "\n".join(f.text() for f in faults)


def test_the_command_prints_them_all_and_writes_nothing(tmp_path: Path) -> None:
    screen = make_screen(tmp_path / "screen")
    expected = break_everything(screen)
    channels, nuclear = OPTIONS
    done = run("check_design", "--samplesheet", screen.sheet, "--plate_map", screen.plate_map, "--channels", channels,
               "--nuclear_channel", nuclear, "--cell_method", "from_nuclei", "--on_fault", "tolerant", "--out", tmp_path / "out")  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr
    for kind, count in expected.items():
        assert f"{count} x {kind.replace('_', ' ')}" in done.stderr, kind
    lines = [line for line in done.stderr.splitlines() if line[:4].strip().isdigit()]
    assert len(lines) >= sum(expected.values())
    assert all(" → " in line for line in lines)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_the_design_of_a_tolerant_run_says_the_same_as_its_faults(tmp_path: Path) -> None:
    screen = make_screen(tmp_path / "screen")
    screen.plane().write_bytes(b"")
    done = run("check_design", "--samplesheet", screen.sheet, "--plate_map", screen.plate_map, "--channels", CHANNELS,
               "--on_fault", "tolerant", "--nuclear_channel", "Hoechst", "--cell_method", "from_nuclei", "--out", tmp_path / "out")  # fmt: skip
    assert done.returncode == 0, done.stderr
    (fault,) = json.loads((tmp_path / "out" / "design.json").read_text())["faults"]
    for part in ("severity", "kind", "file", "value", "message", "fix"):
        assert fault[part], part
