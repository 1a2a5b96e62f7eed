from __future__ import annotations

import csv
from pathlib import Path

import pytest

from design_tree import make_screen, run
from morphodose.design import filenames
from morphodose.design.faults import Faults
from morphodose.design.folders import find_acquisitions, folder_patterns
from morphodose.design.patterns import best_preset
from morphodose.errors import InputError


def understood(root: Path, *names: str, pattern: str = "") -> tuple[list[tuple], str]:
    for name in names:
        (root / name).mkdir(parents=True)
        (root / name / "W0001F0001T0001Z001C1.tif").write_bytes(b"")
    faults = Faults()
    found, _ = find_acquisitions(str(root), folder_patterns(pattern, faults), "P1", faults)
    texts = "\n".join(fault.text() for fault in faults.found)
    return [(place.plate, place.timepoint_h, place.replicate) for place in found], texts


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("4hrs_R1", ("P1", 4, "1")),
        ("24h_rep2", ("P1", 24, "2")),
        ("0.5hrs_R1", ("P1", 0.5, "1")),
        ("0,5hrs_R1", ("P1", 0.5, "1")),
        ("30min_R1", ("P1", 0.5, "1")),
        ("2days R03", ("P1", 48, "3")),
        ("Time_4hrs_R1", ("P1", 4, "1")),
        ("PlateA_72 hours-replicate 3", ("PlateA", 72, "3")),
        ("R2_16h", ("P1", 16, "2")),
        ("48hR1", ("P1", 48, "1")),
        ("24h", ("P1", 24, "1")),
        ("Plate A_24 hrs", ("Plate_A", 24, "1")),
        ("day3", ("P1", 72, "1")),
        ("Day 2_R2", ("P1", 48, "2")),
        ("2024-03-01", ("P1", 0, "1")),
        ("PlateA__2024-03-01T10_30_00-Measurement 1", ("PlateA", 0, "1")),
        ("PlateA-Measurement 2", ("PlateA", 0, "1")),
    ],
)
def test_folder_names_say_time_and_replicate(tmp_path: Path, name: str, expected: tuple) -> None:
    found, faults = understood(tmp_path, name)
    assert not faults
    assert found == [expected]


def test_folders_of_plates_hold_their_acquisitions(tmp_path: Path) -> None:
    found, faults = understood(tmp_path, "X1/4hrs_R1", "X1/8hrs_R1", "X2/4hrs_R1")
    assert not faults
    assert found == [("X1", 4, "1"), ("X1", 8, "1"), ("X2", 4, "1")]


def test_dates_of_folders_are_times_of_their_plate_and_are_said(tmp_path: Path) -> None:
    found, faults = understood(
        tmp_path, "A__2024-03-01T10_30_00-Measurement 1", "A__2024-03-02T10_35_00-Measurement 2", "B__2024-03-01T12_00_00-Measurement 1"
    )  # fmt: skip
    assert found == [("A", 0, "1"), ("A", 24, "1"), ("B", 0, "1")]
    assert "plate A has 2 folders with dates" in faults and "taken as its times: 0, 24 h" in faults
    assert "if a measurement repeats another, delete the row of the one that does not count" in faults


def test_two_measurements_without_a_date_are_a_fault_that_says_what_to_choose(tmp_path: Path) -> None:
    _, faults = understood(tmp_path, "A-Measurement 1", "A-Measurement 2")
    assert faults.count("→") == 1
    assert "plate A was measured 2 times, and the folders have no dates" in faults
    assert "name the folders by their hours, such as 0h_R1, 24h_R1; if one repeats" in faults


def test_all_folders_that_are_not_understood_are_listed_together(tmp_path: Path) -> None:
    found, faults = understood(tmp_path, "4hrs_R1", "test", "t4", "4hrs_R01")
    assert len(found) == 2
    assert (
        "test: value 'test': the folder's name does not say timepoint and replicate → name it as 4hrs_R1"
        in faults
    )
    assert "value 't4': the folder's name" in faults
    assert "the same plate, timepoint and replicate as folder '4hrs_R01'" in faults


def test_a_users_pattern_reads_other_names(tmp_path: Path) -> None:
    found, faults = understood(
        tmp_path, "day2 well plate_b", pattern=r"day(?P<timepoint>\d+) .*_(?P<replicate>[a-z])$"
    )
    assert not faults
    assert found == [("P1", 2, "b")]
    for text, message in (
        (r"(?P<timepoint>\d+)", "no group gives the replicate → add (?P<replicate>…)"),
        (r"(?P<timepoint>", "is not a valid regular expression"),
    ):
        collected = Faults()
        folder_patterns(text, collected)
        assert message in "\n".join(fault.text() for fault in collected.found)


def test_a_pattern_that_would_take_for_ever_is_named_with_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(filenames, "PATIENCE", 0.1)
    pattern = r"^(?P<timepoint>\d+)(?:a|aa)*h_(?P<replicate>\d+)$"
    with pytest.raises(InputError, match=r"--folder_pattern .*takes more than 0\.1 s for the name '4aaaa"):
        understood(tmp_path, "4" + "a" * 45 + "_h_x", pattern=pattern)


def test_the_preset_that_fits_is_found() -> None:
    assert best_preset(["x/r01c01f01p01-ch1sk1fk1fl1.tiff"]) == "opera_phenix"
    assert best_preset(["x/nothing.tif"]) is None


def test_the_sheet_is_written_and_the_check_accepts_it(tmp_path: Path) -> None:
    screen = make_screen(tmp_path / "my screen")
    screen.sheet.unlink()
    (screen.root / "notes").mkdir()
    result = run("make_samplesheet.py", screen.root, "-o", screen.sheet)
    assert result.returncode == 0, result.stderr
    assert "file names: cq1" in result.stdout
    line = next(line for line in result.stdout.splitlines() if line.startswith("4hrs_R1"))
    assert line.split() == ["4hrs_R1", "P1", "4", "h", "1", "24", "3", "2", "2", "1,", "2"]
    assert "no images, not taken: notes" in result.stdout
    with screen.sheet.open() as stream:
        rows = list(csv.reader(stream))
    assert rows[:2] == [["plate", "timepoint_h", "replicate", "images"], ["P1", "4", "1", "4hrs_R1"]]
    assert not screen.judge().faults


def test_no_cell_is_a_formula_and_the_folders_are_still_found(tmp_path: Path) -> None:
    understood(tmp_path, "=P1_4hrs_R1", "@P2_24hrs_R1")
    pattern = r"[=@](?P<plate>\w+)_(?P<timepoint>\d+)hrs_R(?P<replicate>\d+)"
    sheet = tmp_path / "samplesheet.csv"
    result = run("make_samplesheet.py", tmp_path, "-o", sheet, "--folder_pattern", pattern)
    assert result.returncode == 0, result.stdout + result.stderr
    with sheet.open() as stream:
        written = {row[0]: row[3] for row in list(csv.reader(stream))[1:]}
    assert written == {"P1": "./=P1_4hrs_R1", "P2": "./@P2_24hrs_R1"}
    assert all((tmp_path / folder).is_dir() for folder in written.values())


def test_folders_elsewhere_are_written_absolute(tmp_path: Path) -> None:
    screen = make_screen(tmp_path / "screen", times=(4,), reps=1, wells=1)
    sheet = tmp_path / "other" / "sheet.csv"
    sheet.parent.mkdir()
    assert run("make_samplesheet.py", screen.root, "-o", sheet, "--plate", "Q7").returncode == 0
    assert sheet.read_text().splitlines()[1] == f"Q7,4,1,{screen.root / '4hrs_R1'}"


def test_an_existing_sheet_is_kept_unless_forced(tmp_path: Path) -> None:
    screen = make_screen(tmp_path / "screen", times=(4,), reps=1, wells=1)
    before = screen.sheet.read_text()
    result = run("make_samplesheet.py", screen.root, "-o", screen.sheet)
    assert result.returncode == 1
    assert "exists already → give another name, or --force to overwrite it" in result.stderr
    assert screen.sheet.read_text() == before
    assert run("make_samplesheet.py", screen.root, "-o", screen.sheet, "--force").returncode == 0


def test_a_folder_not_understood_writes_nothing(tmp_path: Path) -> None:
    screen = make_screen(tmp_path / "screen", times=(4,), reps=1, wells=1)
    (screen.root / "4hrs_R1").rename(screen.root / "first try")
    result = run("make_samplesheet.py", screen.root, "-o", tmp_path / "s.csv")
    assert result.returncode == 1
    assert "1 fault, no samplesheet written" in result.stderr
    assert not (tmp_path / "s.csv").exists()
    assert (
        "has no folder with images in it"
        in run("make_samplesheet.py", tmp_path / "screen" / "first try", "-o", tmp_path / "s.csv").stderr
    )
