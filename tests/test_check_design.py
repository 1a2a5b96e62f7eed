from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from design_tree import CHANNELS, Screen, make_screen, run
from morphodose.tables import column_units


@pytest.fixture
def screen(tmp_path: Path) -> Screen:
    return make_screen(tmp_path / 'it\'s a "screen" $(touch pwned); ü')


def check(screen: Screen, out: Path, *more: str):
    return run(
        "check_design.py", "--samplesheet", screen.sheet, "--plate_map", screen.plate_map,
        "--channels", CHANNELS, "--out", out,
        "--nuclear_channel", "Hoechst", "--cell_method", "from_nuclei", *more,
    )  # fmt: skip


def test_the_outputs_hold_what_the_next_steps_need(screen: Screen, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = check(screen, out, "--nuclear_channel", "Hoechst", "--cell_channel", "")
    assert result.returncode == 0, result.stderr
    assert "4 acquisitions, 12 well-timepoints, 24 fields, 96 planes" in result.stdout
    assert sorted(path.name for path in out.iterdir()) == [
        "design.json", "design_faults.parquet", "planes.parquet", "plate_map.csv",
        "well_timepoints.json",
    ]  # fmt: skip
    design = json.loads((out / "design.json").read_text())
    assert design["channels"] == [{"number": "1", "name": "Brightfield"}, {"number": "2", "name": "Hoechst"}]
    assert design["roles"] == {"nuclear": "Hoechst"}
    assert design["acquisitions"][0] == {
        "acquisition": "Time_4hrs_R1", "plate": "P1", "timepoint_h": 4.0, "replicate": "1",
        "images": str(screen.root / "4hrs_R1"),
    }  # fmt: skip
    assert (design["fields"], design["plate_format"], design["excluded"], design["faults"]) == (
        24,
        96,
        [],
        [],
    )
    wells = json.loads((out / "well_timepoints.json").read_text())
    assert [well["id"] for well in wells] == design["well_timepoints"]
    first = wells[0]
    keys = ("id", "acquisition", "plate", "timepoint_h", "replicate", "well")
    assert {key: first[key] for key in keys} == {
        "id": "Time_4hrs_R1_Well_A01", "acquisition": "Time_4hrs_R1", "plate": "P1", "timepoint_h": 4.0,
        "replicate": "1", "well": "A01",
    }  # fmt: skip
    order = [(plane["field"], plane["channel"], plane["z"]) for plane in first["planes"]]
    assert order == [(f, c, z) for f in (1, 2) for c in ("Brightfield", "Hoechst") for z in (1, 2)]
    assert all(Path(plane["path"]).is_file() for well in wells for plane in well["planes"])


def test_the_tables_have_their_columns_and_units(screen: Screen, tmp_path: Path) -> None:
    out = tmp_path / "out"
    screen.plane(4, 1, 1, 1).write_bytes(b"")
    assert check(screen, out, "--on_fault", "tolerant").returncode == 0
    planes = pq.read_table(out / "planes.parquet")
    assert planes.column_names == [
        "Metadata_Plate", "Metadata_Timepoint", "Metadata_Replicate", "Metadata_Acquisition", "Metadata_Well",
        "Metadata_Field", "Metadata_ImageID", "Path", "Place", "Z", "Channel", "Width", "Height", "Dtype",
        "PixelSize", "PositionX", "PositionY", "ImagedAfter",
    ]  # fmt: skip
    assert planes.num_rows == 92
    assert column_units(out / "planes.parquet")["Metadata_Timepoint"] == "h"
    (fault,) = pq.read_table(out / "design_faults.parquet").to_pylist()
    assert fault["Severity"] == "error"
    assert fault["File"] == str(screen.plane(4, 1, 1, 1))
    assert fault["Value"] == "Time_4hrs_R1_Well_A01_Field_1"
    assert fault["Message"] == "the file is empty (0 bytes)"
    design = json.loads((out / "design.json").read_text())
    assert design["excluded"] == [{"image_id": "Time_4hrs_R1_Well_A01_Field_1", "reason": "unreadable image"}]


def test_the_plate_map_is_written_normalised_with_the_users_columns(screen: Screen, tmp_path: Path) -> None:
    screen.plate_map.write_text(
        'Well;Compound;Dose;Unit;Role;Batch No\n1;DMSO;0;µM;negative;"x;y"\nA2;Drug;0,98;µM;dose;7\n'
        "A03;;;;empty;\n"
    )
    assert check(screen, tmp_path / "out").returncode == 0
    with (tmp_path / "out" / "plate_map.csv").open() as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        ["plate", "well", "compound", "dose", "dose_unit", "role", "Batch No"],
        ["P1", "A01", "DMSO", "0.0", "uM", "vehicle", "x;y"],
        ["P1", "A02", "Drug", "0.98", "uM", "treated", "7"],
        ["P1", "A03", "", "", "", "empty", ""],
    ]


def test_strict_stops_with_all_faults_and_leaves_nothing(screen: Screen, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert check(screen, out).returncode == 0
    screen.plane().unlink()
    screen.plane(8).write_bytes(b"II*\0")
    result = check(screen, out)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "   1. " in result.stderr
    assert "   2. " in result.stderr
    assert "missing: Brightfield z 1" in result.stderr
    assert "is truncated" in result.stderr
    assert not list(out.iterdir())


def test_tolerant_says_what_it_left_out(screen: Screen, tmp_path: Path) -> None:
    screen.plane().unlink()
    result = check(screen, tmp_path / "out", "--on_fault", "tolerant")
    assert result.returncode == 0
    assert "left out: 1 field with faults" in result.stdout
    assert "Time_4hrs_R1_Well_A01_Field_1" in result.stderr


def test_faults_of_the_sheet_stop_a_tolerant_run_too(screen: Screen, tmp_path: Path) -> None:
    screen.plate_map.write_text("well,compound,dose,dose_unit,role\n")
    result = check(screen, tmp_path / "out", "--on_fault", "tolerant")
    assert result.returncode == 1
    assert "the plate map has no wells → add a row per well" in result.stderr
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_base_dir_stands_for_the_folder_of_a_staged_sheet(screen: Screen, tmp_path: Path) -> None:
    staged = tmp_path / "task" / "samplesheet.csv"
    staged.parent.mkdir()
    staged.write_text(screen.sheet.read_text())
    moved = Screen(screen.root)
    arguments = (
        "--samplesheet",
        staged,
        "--plate_map",
        moved.plate_map,
        "--channels",
        CHANNELS,
        "--nuclear_channel",
        "Hoechst",
        "--cell_method",
        "from_nuclei",
        "--out",
        tmp_path / "o",
    )
    assert run("check_design.py", *arguments).returncode == 1
    assert run("check_design.py", *arguments, "--base_dir", screen.root).returncode == 0


def test_a_hostile_folder_name_runs_nothing(screen: Screen, tmp_path: Path) -> None:
    assert check(screen, tmp_path / "out").returncode == 0
    assert not (Path.cwd() / "pwned").exists()


@pytest.mark.parametrize(
    ("folder", "pattern", "channels", "rows", "counts"),
    [
        ("bbbc013", "bbbc013", "FKHR,DNA", None, (92, 92, 184)),
        ("brightfield", "opera_phenix", "B,C,A,M,H,R", ["C03"], (1, 1, 6)),
        ("formats/imagexpress_projection_mix", "imagexpress", "a,b,c,d", ["E07", "E08"], (2, 4, 88)),
        ("formats/cv8000", "cv8000", "a,b", ["D08", "E03", "F08"], (3, 12, 96)),
    ],
)
def test_real_trees_pass_whole(
    shared_data: Path,
    tmp_path: Path,
    folder: str,
    pattern: str,
    channels: str,
    rows: list[str] | None,
    counts: tuple[int, int, int],
) -> None:
    screen = Screen(tmp_path)
    screen.sheet.write_text(f"plate,timepoint_h,replicate,images\nP1,1,1,{shared_data / folder}\n")
    if rows is None:
        screen.plate_map.write_text((shared_data / folder / "platemap.csv").read_text())
    else:
        wells = "".join(f"{well},DMSO,0,uM,vehicle\n" for well in rows)
        screen.plate_map.write_text("well,compound,dose,dose_unit,role\n" + wells)
    design = screen.judge(file_pattern=pattern, channels=channels)
    # the pixels of the CV8000 set are all 0
    assert {fault.kind for fault in design.faults} <= {"blank_channel"}
    fields = {plane.key for plane in design.planes}
    assert (len(design.wells()), len(fields), len(design.planes)) == counts


def test_timepoints_of_a_real_series_are_chosen_by_row(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "formats" / "imagexpress_time_z"
    screen = Screen(tmp_path)
    screen.plate_map.write_text("well,compound,dose,dose_unit,role\nC07,DMSO,0,uM,vehicle\n")
    screen.sheet.write_text(f"plate,timepoint_h,replicate,images\nP1,1,1,{folder}\n")
    assert "have several timepoints → add a column timepoint_in_name" in screen.message(
        file_pattern="imagexpress", channels="a,b,c"
    )
    screen.sheet.write_text(
        f"plate,timepoint_h,replicate,images,timepoint_in_name\nP1,1,1,{folder},1\nP1,2,1,{folder},2\n"
    )
    design = screen.judge(file_pattern="imagexpress", channels="a,b,c")
    assert [name for name, _ in design.wells()] == ["Time_1hrs_R1_Well_C07", "Time_2hrs_R1_Well_C07"]
    assert "TimePoint_2" in design.planes[-1].path
