"""start_screen.py on each instrument's folder: what it writes is what the check takes without an edit."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import tifffile
import yaml

from design_tree import Screen, run
from instrument_files import MADE, WELLS
from morphodose.design.check import check_screen
from morphodose.design.faults import Faults
from morphodose.design.sheetrows import HEADER
from morphodose.design.start import look
from morphodose.design.start_file import parameters_text

ROOT = Path(__file__).resolve().parents[1]
MAP = "well,compound,dose,dose_unit,role\nB02,DMSO,0,uM,vehicle\nC03,Drug,1,uM,treated\n"


@pytest.mark.parametrize("name", MADE)
def test_the_parameters_of_each_instrument_pass_the_check(tmp_path: Path, name: str) -> None:
    made = MADE[name]
    made.make(tmp_path / "images")
    found = look(str(tmp_path / "images"), "P1", 24, "auto", faults := Faults())
    assert not faults.found
    assert found.pattern == made.preset
    assert found.wells == list(WELLS)
    assert (found.pixel_um or 0) == pytest.approx(made.pixel_um or 0)
    assert found.plate_format == made.plate_format
    if made.called:
        texts = sorted(found.described[number] for number in found.channels)
        assert all(text.startswith(name) for text, name in zip(texts, sorted(made.called), strict=True))
    given = yaml.safe_load(parameters_text(found, found.roles, str(tmp_path)))
    screen = Screen(tmp_path)
    with screen.sheet.open("w", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *(row.cells() for row in found.rows())])
    screen.plate_map.write_text(MAP)
    roles = {key.removesuffix("_channel"): text for key, text in given.items() if key.endswith("_channel")}
    design = check_screen(
        screen.sheet, screen.plate_map, file_pattern=given["file_pattern"], channels=given["channels"],
        roles=roles, plate_format=given["plate_format"],
    )  # fmt: skip
    assert {plane.well for plane in design.planes} == set(WELLS)
    assert len(design.planes) == len(WELLS) * len(made.fields) * len(made.z) * len(found.names)


def test_the_command_writes_three_files_and_asks_for_the_cell_stain_in_words(tmp_path: Path) -> None:
    MADE["ome_tiff"].make(tmp_path / "images")
    (tmp_path / "layout.csv").write_text(MAP)
    given_map = ("--plate_map", tmp_path / "layout.csv")
    done = run("start_screen.py", tmp_path / "images", *given_map, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "channels: 1 → DAPI (DAPI), 2 → Cy3 (Cy3)" in done.stdout
    text = (tmp_path / "params.yml").read_text()
    assert "# WHICH CHANNEL FILLS THE CELLS?" in text and "SHOWS THE NUCLEI" not in text
    given = yaml.safe_load(text)
    groups = json.loads((ROOT / "nextflow_schema.json").read_text())["$defs"].values()
    required = {name for group in groups for name in group.get("required", [])}
    known = {name for group in groups for name in group["properties"]}
    assert "outdir" in required and required <= set(given) <= known, (
        "the next command is printed as it is typed"
    )
    assert (given["nuclear_channel"], given["cell_channel"], given["cell_method"]) == (
        "DAPI", "", "from_nuclei",
    )  # fmt: skip
    assert given["pixel_size_um"] == pytest.approx(0.325)
    assert (tmp_path / "platemap.csv").read_text() == MAP
    assert "delete the next line.\ncell_method: from_nuclei" in text, "a named stain would not be used else"
    command = f"nextflow run main.nf -params-file {tmp_path}/params.yml"
    assert f"next: name the channels in {tmp_path}/params.yml, then: {command}" in done.stdout
    assert "cell_channel: nothing says which channel fills the cells" in done.stdout
    assert "hours: all images are written as 0 h after treatment" in done.stdout
    again = run("start_screen.py", tmp_path / "images", *given_map, "--out", tmp_path)
    assert again.returncode == 1
    assert "already there" in again.stderr


def test_a_person_at_a_terminal_is_asked_for_what_nothing_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    import start_screen

    MADE["imagexpress_lower"].make(tmp_path / "images")
    (tmp_path / "layout.csv").write_text(MAP)
    monkeypatch.setattr(start_screen, "_at_terminal", lambda: True)
    arguments = [
        str(tmp_path / "images"),
        "--plate_map",
        str(tmp_path / "layout.csv"),
        "--out",
        str(tmp_path),
    ]
    done = CliRunner().invoke(
        start_screen.main, arguments, input="Channel2\nChannel1\n", catch_exceptions=False
    )
    assert (
        "Which channel fills the cells (they are segmented in it)? Enter for none (Channel1, Channel2, )"
        in done.output
    )
    assert "Which channel shows the nuclei?" in done.output
    given = yaml.safe_load((tmp_path / "params.yml").read_text())
    assert (given["cell_channel"], given["nuclear_channel"]) == ("Channel2", "Channel1")
    assert "WHICH CHANNEL" not in (tmp_path / "params.yml").read_text()


def test_the_channel_of_the_cells_is_one_of_the_images(tmp_path: Path) -> None:
    MADE["imagexpress_lower"].make(tmp_path / "images")
    (tmp_path / "layout.csv").write_text(MAP)
    given_map = ("--plate_map", tmp_path / "layout.csv")
    out = ("--out", tmp_path / "out")
    done = run("start_screen.py", tmp_path / "images", *given_map, *out, "--cell_channel", "CellMask")
    assert done.returncode == 1
    assert "--cell_channel: 'CellMask' is not a channel → give one of Channel1, Channel2" in done.stderr
    assert not (tmp_path / "out").exists()
    done = run("start_screen.py", tmp_path / "images", *given_map, *out, "--cell_channel", "Channel2")
    assert yaml.safe_load((tmp_path / "out" / "params.yml").read_text())["cell_channel"] == "Channel2"


def test_wells_with_images_that_the_layout_does_not_have_are_said(tmp_path: Path) -> None:
    MADE["ome_tiff"].make(tmp_path / "images")
    (tmp_path / "layout.csv").write_text(MAP.replace("C03", "D03"))
    given_map = ("--plate_map", tmp_path / "layout.csv", "--timepoint_h", "24")
    done = run("start_screen.py", tmp_path / "images", *given_map, "--out", tmp_path)
    assert done.returncode == 1, "a run would stop on it"
    assert done.stderr.startswith("Error: 1 fault of the plate map\n")
    assert "value 'C03': 1 well with images and no row → add the rows" in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"correct {tmp_path}/platemap.csv, then: nextflow run main.nf -params-file ")
    assert "next:" not in done.stdout and "written to" in done.stdout
    assert "hours: all" not in done.stdout


def test_the_next_command_can_be_pasted_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from start_screen import _next_command

    monkeypatch.chdir(tmp_path)
    assert _next_command(".") == f"nextflow run {ROOT}/main.nf -params-file params.yml"
    assert _next_command("my screen").endswith(" -params-file 'my screen/params.yml'")
    monkeypatch.chdir(ROOT)
    assert _next_command(".") == "nextflow run main.nf -params-file params.yml"


def test_a_layout_may_be_a_workbook_and_its_faults_are_shown(tmp_path: Path) -> None:
    MADE["ome_tiff"].make(tmp_path / "images")
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Layout")
    for line in [*MAP.splitlines(), "D04,Drug,x,uM,treated"]:
        sheet.append(line.split(","))
    book.save(tmp_path / "layout.xlsx")
    given_map = ("--plate_map", tmp_path / "layout.xlsx", "--plate_map_sheet", "Layout")
    done = run("start_screen.py", tmp_path / "images", *given_map, "--out", tmp_path)
    assert done.returncode == 1
    assert "layout.xlsx [Layout]: row 4: value 'x': dose is not a number" in done.stderr
    assert f"correct {tmp_path}/platemap.xlsx, then: nextflow run" in done.stderr
    given = yaml.safe_load((tmp_path / "params.yml").read_text())
    assert given["plate_map"] == str(tmp_path / "platemap.xlsx") and given["plate_map_sheet"] == "Layout"
    assert (tmp_path / "platemap.xlsx").read_bytes() == (tmp_path / "layout.xlsx").read_bytes()


COUNTS = np.arange(64, dtype="uint16").reshape(8, 8) + 100


def pixels_of(root: Path, images: dict[str, np.ndarray], **options: object) -> tuple[Faults, object]:
    root.mkdir()
    for name, image in images.items():
        tifffile.imwrite(root / name, image, **{"photometric": "minisblack"} | options)
    return (faults := Faults()), look(str(root), "P1", 0, "auto", faults)


@pytest.mark.parametrize(
    ("image", "offset"),
    [(COUNTS, 0), (COUNTS + 32768, 32768), ((COUNTS.astype(int) - 32768).astype("int16"), -32768),
     (COUNTS.astype("int16"), 0)],
    ids=["counts", "scanr", "signed", "signed_counts"],
)  # fmt: skip
def test_an_offset_is_recognised_and_written(tmp_path: Path, image: np.ndarray, offset: int) -> None:
    images = {f"{well}_{c}.tif": image + np.array(n, image.dtype)
              for n, well in enumerate(WELLS) for c in ("DAPI", "actin")}  # fmt: skip
    faults, found = pixels_of(tmp_path / "images", images)
    assert not faults.found
    assert found.offset == offset
    assert any(line.startswith(f"offset: {offset} is subtracted") for line in found.lines()) == bool(offset)
    given = yaml.safe_load(parameters_text(found, found.roles, str(tmp_path)))
    assert given.get("intensity_offset", 0) == offset
    screen = Screen(tmp_path)
    screen.sheet.write_text("plate,timepoint_h,replicate,images\nP1,4,1,images\n")
    screen.plate_map.write_text(MAP)
    design = screen.judge(
        file_pattern=given["file_pattern"], channels=given["channels"], intensity_offset=offset
    )
    assert len(design.planes) == 4 and not design.faults


def test_a_bright_channel_beside_a_dark_one_is_no_offset(tmp_path: Path) -> None:
    _, found = pixels_of(tmp_path / "images", {"B02_DAPI.tif": COUNTS, "B02_BF.tif": COUNTS + 40000})
    assert found.offset == 0


@pytest.mark.parametrize(
    ("images", "options", "severity", "text"),
    [
        ({"B02_DAPI.tif": (COUNTS / 255).astype("float32")}, {}, "error", "hold fractions from 0 to 1"),
        ({"B02_DAPI.tif": 65535 - COUNTS}, {"photometric": "miniswhite"}, "warning", "say that 0 is white"),
        ({"B02_BF.tif": COUNTS.astype("uint32")}, {}, "warning", "crops for networks hold counts of 8 or 16 bits"),
        ({"B02_DAPI.tif": np.full((8, 8), 7, "uint16")}, {}, "warning", "hold a single value"),
        ({"B02_DAPI.tif": COUNTS, "B02_GFP.tif": COUNTS[:5]}, {}, "warning", "sizes that do not fit together"),
        ({"B02_DAPI.tif": COUNTS, "C03_DAPI.tif": COUNTS, "D04_DAPI.tif": COUNTS[:5]}, {}, "warning",
         "size or bit depth differs within the screen"),
        ({"B02_DAPI.tif": (COUNTS.astype(int) - 120).astype("int16")}, {}, "error", "negative, down to -20"),
        ({"B02_DAPI.tif": np.where(COUNTS == 103, np.nan, COUNTS).astype("float32")}, {}, "warning", "not finite"),
    ],
)  # fmt: skip
def test_what_pixels_mean_is_said_at_the_first_look(
    tmp_path: Path, images: dict[str, np.ndarray], options: dict[str, object], severity: str, text: str
) -> None:
    faults, _ = pixels_of(tmp_path / "images", images, **options)
    (fault,) = faults.found
    assert text in fault.message and fault.severity == severity


def test_planes_that_nothing_names_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    import start_screen

    stack = {f"{well}.tif": np.stack([COUNTS, COUNTS + 1, COUNTS + 2]) for well in WELLS}
    _, found = pixels_of(tmp_path / "images", stack, metadata=None)
    assert (found.z, found.names, found.loose_planes) == ([1, 2, 3], ["Channel1"], 3)
    text = parameters_text(found, found.roles, str(tmp_path))
    assert "# EACH FILE HOLDS 3 PLANES." in text and yaml.safe_load(text)["stack_axis"] == "z"
    assert "planes: each file holds 3, and nothing says what they are: taken as z" in found.lines()
    (tmp_path / "layout.csv").write_text(MAP)
    monkeypatch.setattr(start_screen, "_at_terminal", lambda: True)
    arguments = [
        str(tmp_path / "images"),
        "--plate_map",
        str(tmp_path / "layout.csv"),
        "--out",
        str(tmp_path),
    ]
    done = CliRunner().invoke(start_screen.main, arguments, input="channel\n\n\n", catch_exceptions=False)
    assert (
        "Each file holds 3 planes, and nothing says what they are. What are they? (z, channel, time) [z]"
        in done.output
    )
    text = (tmp_path / "params.yml").read_text()
    given = yaml.safe_load(text)
    assert (given["stack_axis"], given["channels"]) == ("channel", "1:Channel1,2:Channel2,3:Channel3")
    assert "EACH FILE HOLDS" not in text
    # where the metadata say it, nothing is asked
    MADE["imagej"].make(tmp_path / "known")
    assert not look(str(tmp_path / "known"), "P1", 0, "auto", Faults()).loose_planes


def test_the_only_plate_of_the_plate_map_is_that_of_images_that_name_none(tmp_path: Path) -> None:
    MADE["scanr"].make(tmp_path / "images")
    rows = MAP.splitlines()
    table = "\n".join(["plate," + rows[0], *("Plate1," + row for row in rows[1:])]) + "\n"
    (tmp_path / "layout.csv").write_text(table)
    arguments = (tmp_path / "images", "--plate_map", tmp_path / "layout.csv", "--out")
    done = run("start_screen.py", *arguments, tmp_path / "a")
    assert (
        "plate: Plate1, as the plate map calls its only plate; the names of the images give none"
        in done.stdout
    )
    assert "no acquisition of the samplesheet is of this plate" not in done.stdout
    assert (tmp_path / "a" / "samplesheet.csv").read_text().splitlines()[1].startswith("Plate1,0,1,")
    # two names, or one that was given otherwise, are one fault each
    done = run("start_screen.py", *arguments, tmp_path / "b", "--plate", "X")
    assert done.stderr.count("no acquisition of the samplesheet is of this plate (2 rows)") == 1
    (tmp_path / "layout.csv").write_text(table.replace("Plate1,C03", "Plate2,C03"))
    done = run("start_screen.py", *arguments, tmp_path / "c")
    assert done.stderr.count("no acquisition of the samplesheet is of this plate (1 row)") == 2


def test_without_a_plate_map_the_images_are_shown_and_what_is_missing_is_said(tmp_path: Path) -> None:
    MADE["ome_tiff"].make(tmp_path / "images")
    done = run("start_screen.py", tmp_path / "images", "--out", tmp_path / "out")
    assert done.returncode == 1 and not (tmp_path / "out").exists()
    assert "channels: 1 → DAPI (DAPI), 2 → Cy3 (Cy3)" in done.stdout
    assert "what is in each well is not known → give it by --plate_map FILE: a table with" in done.stderr
    (tmp_path / "empty").mkdir()
    done = run("start_screen.py", tmp_path / "empty")
    assert done.returncode == 1 and not done.stdout, "nothing is understood of no image"
    assert f"1. {tmp_path}/empty: no image in the folder → give the folder that holds" in done.stderr


@pytest.mark.parametrize(("size", "doubted"), [(13.55, True), (0.00065, True), (0.325, False), (2.82, False)])
def test_a_pixel_that_no_image_of_cells_has_is_said(tmp_path: Path, size: float, doubted: bool) -> None:
    (tmp_path / "images").mkdir()
    about = {"PhysicalSizeX": size, "PhysicalSizeY": size}
    for well in WELLS:
        tifffile.imwrite(tmp_path / "images" / f"{well}.ome.tif", COUNTS, ome=True, metadata=about)
    found = look(str(tmp_path / "images"), "P1", 0, "auto", faults := Faults())
    assert found.pixel_um == pytest.approx(size)
    assert [fault.kind for fault in faults.found] == ["pixel_size"] * doubted
    text = parameters_text(found, found.roles, str(tmp_path))
    assert yaml.safe_load(text)["pixel_size_um"] == pytest.approx(size)
    assert ("IMPLAUSIBLE" in text) == doubted
    screen = Screen(tmp_path)
    screen.sheet.write_text("plate,timepoint_h,replicate,images\nP1,4,1,images\n")
    screen.plate_map.write_text(MAP)
    for given in (None, size):
        design = screen.judge(file_pattern="auto", channels="1:DNA", pixel_size_um=given)
        assert [fault.file for fault in design.faults] == ["--pixel_size_um" if given else "images"] * doubted


def test_a_folder_that_nothing_understands_shows_names_and_a_pattern(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"exp-B0{number + 1}-image{number}-ch{number}.tif").write_bytes(b"II*")
    (tmp_path / "layout.csv").write_text(MAP)
    given_map = ("--plate_map", tmp_path / "layout.csv")
    done = run("start_screen.py", tmp_path, *given_map, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "4 names of this kind: exp-B01-image0-ch0.tif, exp-B02-image1-ch1.tif" in done.stderr
    assert "the nearest preset is" in done.stderr
    assert "(?P<channel>" in done.stderr
    assert not (tmp_path / "out").exists()


def test_hours_that_names_write_out_are_those_of_the_samplesheet(tmp_path: Path) -> None:
    for template, expected in (
        ("Phase_B2_1_{0}.tif", {"00d00h00m": 24.0, "00d04h30m": 28.5, "02d00h00m": 72.0}),
        ("Phase_B2_1_{0}.tif", {"2024y02m29d_22h00m": 24.0, "2024y03m01d_02h00m": 28.0}),
    ):
        folder = tmp_path / str(len(expected))
        folder.mkdir()
        for time in expected:
            tifffile.imwrite(folder / template.format(time), np.ones((8, 8), "uint16"))
        found = look(str(folder), "P1", 24, "auto", Faults())
        assert {row.timepoint_in_name: row.timepoint_h for row in found.rows()} == expected
        assert "The hours of the timepoints are not known" not in parameters_text(found, {})


def started(root: Path, *names: str) -> tuple[list[list[str]], Faults, object]:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(root / name, COUNTS + np.uint16(number))
    found = look(str(root), "P1", 0, "auto", faults := Faults())
    return [[*row.cells()[:3], *row.cells()[4:]] for row in found.rows()], faults, found


def test_two_plates_in_one_folder_become_rows_of_their_own(tmp_path: Path) -> None:
    for case, names in (
        ("word", ("Plate1_B02_DAPI.tif", "Plate2_B02_DAPI.tif")),
        ("barcode", ("BC1_B02_DAPI.tif", "BC2_B02_DAPI.tif")),
        ("cv8000", ("BC1_B02_T0001F001L01A01Z01C01.tif", "BC2_B02_T0001F001L01A01Z01C01.tif")),
    ):
        rows, faults, _ = started(tmp_path / case, *names)
        assert not faults.found
        plates = ["1", "2"] if case == "word" else ["BC1", "BC2"]
        assert rows == [[plate, "0", "1", "", plate, ""] for plate in plates], case


def test_folders_that_hold_the_same_wells_are_plates_and_it_is_said(tmp_path: Path) -> None:
    rows, faults, found = started(
        tmp_path, "Plate A/W0001F0001T0001Z001C1.tif", "Plate B/W0001F0001T0001Z001C1.tif"
    )
    assert [row[0] for row in rows] == ["Plate_A", "Plate_B"]
    assert "its folders hold the same wells: each is taken as a plate" in faults.warnings[0].text()
    assert not faults.errors and found.wells == ["A01"]


@pytest.mark.parametrize(
    ("made", "names"), [("lif", ("A.lif", "B.lif")), ("ome_plate", ("A/plate.tif", "B/plate.tif"))]
)
def test_files_of_whole_plates_are_plates_of_their_own(
    tmp_path: Path, made: str, names: tuple[str, ...]
) -> None:
    for name in names:
        MADE[made].make(tmp_path / "made")
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        next((tmp_path / "made").iterdir()).rename(tmp_path / "images" / name)
    found = look(str(tmp_path / "images"), "P1", 0, "auto", faults := Faults())
    assert not faults.found
    assert [(row.plate, row.plate_in_name) for row in found.rows()] == [("A", "A"), ("B", "B")]
    screen = Screen(tmp_path)
    screen.plate_map.write_text(MAP)
    with screen.sheet.open("w", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *(row.cells() for row in found.rows())])
    channels = ",".join(f"{number}:{name}" for number, name in found.channels.items())
    design = screen.judge(file_pattern="auto", channels=channels)
    assert len(design.acquisitions) == 2 and len(design.planes) == 2 * 2 * 2 * 2 * 2
    # a sheet that does not tell them apart is told how
    screen.sheet.write_text("plate,timepoint_h,replicate,images\nP1,4,1,images\n")
    message = screen.message(file_pattern="auto", channels=channels)
    assert "have several plates → add a column plate_in_name" in message


def test_plates_above_folders_of_wells_are_no_fields(tmp_path: Path) -> None:
    rows, faults, found = started(tmp_path, *(f"P{n}/{well}/DAPI.tif" for n in (1, 2) for well in WELLS))
    assert [row[0] for row in rows] == ["P1", "P2"] and found.fields == ["1"]
    assert "its folders hold the same wells: each is taken as a plate (P1, P2)" in faults.found[0].text()
    _, _, found = started(tmp_path / "below", *(f"{well}/P{n}/DAPI.tif" for n in (1, 2) for well in WELLS))
    assert found.fields == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("B02.lsm", "export its images as TIFF"),
        ("plate.zip", "unpack the archive"),
        ("B02.txt", "give the folder that holds the images"),
    ],
)
def test_a_folder_without_images_that_are_read_says_what_to_do(tmp_path: Path, name: str, fix: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    look(str(tmp_path), "P1", 0, "auto", faults := Faults())
    assert faults.errors[0].fix.startswith(fix)


def test_times_of_names_and_folders_are_hours(tmp_path: Path) -> None:
    for case, names, hours in (
        ("unit", ("B02_4h.tif", "B02_24h.tif"), ["4", "24"]),
        ("day", ("day1/B02.tif", "day3/B02.tif"), ["24", "72"]),
        ("date", ("2024-03-01/B02.tif", "2024-03-02/B02.tif"), ["0", "24"]),
        ("one", ("B02_24h_DAPI.tif",), ["24"]),
        ("count", ("Timepoint_1/B02_DAPI.tif", "Timepoint_2/B02_DAPI.tif"), ["0", "1"]),
    ):
        rows, faults, found = started(tmp_path / case, *names)
        assert sorted((row[1] for row in rows), key=float) == hours, case
        assert not faults.errors
        assert found.unknown_hours is (case == "count")


def test_folders_that_are_no_acquisition_are_said(tmp_path: Path) -> None:
    rows, faults, _ = started(tmp_path, "4hrs_R1/B02_DAPI.tif", "test/B02_DAPI.tif")
    assert len(rows) == 1 and not faults.errors
    assert (
        "value 'test': folders with images whose names say neither time nor replicate"
        in faults.found[0].text()
    )


def test_names_of_two_kinds_files_that_are_passed_over_and_colour_are_said(tmp_path: Path) -> None:
    _, faults, found = started(
        tmp_path / "a", "B02_DAPI.tif", "B02_GFP.tif", "old_B02_s1_w1.tif", "B02_DAPI_thumb.tif"
    )
    assert "the names of the images are of 2 kinds: " in faults.found[0].text()
    assert "passed over: 1 x thumbnail, overlay or mask" in found.lines()
    (tmp_path / "b").mkdir()
    tifffile.imwrite(tmp_path / "b" / "B02.tif", np.zeros((8, 8, 3), "uint8"), photometric="rgb")
    _, faults, _ = started(tmp_path / "b")
    assert (
        "the file is a colour image (3 samples per pixel); a grey one is expected" in faults.errors[0].text()
    )
    _, faults, _ = started(tmp_path / "b", "C03.tif")
    assert not faults.errors and "(1 file that cannot be used)" in faults.warnings[0].text()


@pytest.mark.parametrize(
    ("names", "channels"),
    [
        # a word in most wells is a channel where others are stains
        (("B02_Ph2.tif", "B02_DAPI.tif", "C03_Ph2.tif", "C03_DAPI.tif"), {"Ph2": "Ph2", "DAPI": "DAPI"}),
        (("B02_AGP.tif", "B02_DAPI.tif", "C03_AGP.tif", "C03_DAPI.tif"), {"AGP": "AGP", "DAPI": "DAPI"}),
        (("Phase/VID1_A1_1_00d00h00m.tif", "Green/VID1_A1_1_00d00h00m.tif"), {"Phase": "Phase", "Green": "Green"}),
        (("VID1_A1_1_00d00h00m.tif", "VID1_A2_1_00d00h00m.tif"), {"1": "Channel1"}),
        # the filter is the name where it is one channel's, and none where two share light and filter
        (("B_02_f1_c1_xUV_mDAPI_z1_t1.tif", "B_02_f1_c2_xBlue_mFITC_z1_t1.tif"), {"1": "DAPI", "2": "FITC"}),
        (("B_02_f1_c1_xUV_mDAPI_z1_t1.tif", "B_02_f1_c2_xBlue_mDAPI_z1_t1.tif"), {"1": "UV_DAPI", "2": "Blue_DAPI"}),
        (("B_02_f1_c1_xUV_mDAPI_z1_t1.tif", "B_02_f1_c2_xUV_mDAPI_z1_t1.tif"), {"1": "Channel1", "2": "Channel2"}),
        (("B_02_f1_c1_xUV_mDAPI_z1_t1.tif", "B_03_f1_c1_xUV_mFITC_z1_t1.tif"), {"1": "Channel1"}),
    ],
)  # fmt: skip
def test_channels_have_the_names_that_names_give_them(
    tmp_path: Path, names: tuple[str, ...], channels: dict[str, str]
) -> None:
    _, _, found = started(tmp_path, *names)
    assert found.channels == channels


@pytest.mark.parametrize(
    ("names", "reason", "pattern"),
    [
        (("Row02_Well02_DAPI.tif", "Row02_Well03_DAPI.tif"), "the name has no well",
         r"Row(?P<row>\d+)_Well(?P<col>\d+)_(?P<channel>[^_ ./-]+)\.tif$"),
        (("B02-B03_DAPI.tif", "B04-B05_DAPI.tif"), "the name has two wells",
         r"(?P<well>[A-Pa-p]\d{1,2})-[A-P]\d+_(?P<channel>[^_ ./-]+)\.tif$"),
        (("Timepoint001_Row02_Well02_DAPI_zstack001_r000_c002.tif", "Timepoint001_Row02_Well03_DAPI_zstack001_r000_c002.tif"),
         "the name has no well", r"Timepoint(?P<timepoint>\d+)_Row(?P<row>\d+)_Well(?P<col>\d+)_(?P<channel>[^_ ./-]+)"
         r"_zstack(?P<z>\d+)_r(?P<tile_row>\d+)_c(?P<tile_col>\d+)\.tif$"),
        (("02-03_GFP_f1.tif", "02-04_GFP_f1.tif"), "the name has no well",
         r"(?P<row>\d+)[-_](?P<col>\d+)_(?P<channel>[^_ ./-]+)_f(?P<field>\d+)\.tif$"),
    ],
)  # fmt: skip
def test_the_pattern_that_a_message_offers_reads_the_names(
    tmp_path: Path, names: tuple[str, ...], reason: str, pattern: str
) -> None:
    _, faults, _ = started(tmp_path, *names)
    (fault,) = faults.errors
    assert fault.message.startswith(reason)
    assert f"--file_pattern '{pattern}'" in fault.fix
    found = look(str(tmp_path), "P1", 0, pattern, after := Faults())
    assert not after.found and len(found.wells) == 2
    assert found.names == ["GFP" if "GFP" in names[0] else "DAPI"]


def test_names_that_are_alike_in_each_folder_are_shown_with_it(tmp_path: Path) -> None:
    _, faults, _ = started(
        tmp_path, "1-Pos_000_000/img_000000000_DAPI_000.tif", "1-Pos_000_001/img_000000000_DAPI_000.tif"
    )
    text = faults.errors[0].text()
    assert "1-Pos_000_000/img_000000000_DAPI_000.tif, 1-Pos_000_001/img_000000000_DAPI_000.tif" in text
    assert "or name a folder per well, such as B03_DAPI.tif or B03/DAPI.tif" in text
    _, faults, found = started(
        tmp_path / "obeyed", *(f"B03/{n}-Pos_000_00{n}/img_000000000_DAPI_000.tif" for n in (1, 2))
    )
    assert not faults.found and found.wells == ["B03"] and len(found.fields) == 2


def test_a_folder_without_images_and_names_of_two_instruments_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    _, faults, _ = started(tmp_path / "a")
    assert (
        faults.errors[0]
        .text()
        .startswith(f"{tmp_path / 'a'}: no image in the folder → give the folder that holds the images")
    )
    names = [f"S_{well}_s1_w1.tif" for well in ("B02", "B03", "C02")]
    _, faults, _ = started(tmp_path / "b", *names, "W0014F0001T0001Z001C1.tif")
    assert "→ the preset cq1 reads it, but not the other names of the screen: move" in faults.errors[0].text()


def test_wells_that_a_file_and_its_name_say_differently_are_said(tmp_path: Path) -> None:
    MADE["ome_plate"].make(tmp_path / "a")
    (tmp_path / "a" / "plate.tif").rename(tmp_path / "a" / "D04.tif")
    _, faults, found = started(tmp_path / "a")
    assert found.wells == list(WELLS) and not faults.found, "a plate in one file is known by its metadata"
    text = (
        "<OME xmlns='http://www.openmicroscopy.org/Schemas/OME/2016-06'><Plate ID='P:0'><Well ID='W:0' Row='4' "
        "Column='4'><WellSample ID='S:0' Index='0'><ImageRef ID='Image:0'/></WellSample></Well></Plate>"
        "<Image ID='Image:0'><Pixels ID='Pixels:0' DimensionOrder='XYCZT' Type='uint16' SizeX='8' SizeY='8' SizeZ='1' "
        "SizeC='2' SizeT='1'><Channel ID='C:0'/><Channel ID='C:1'/><TiffData/></Pixels></Image></OME>"
    )
    (tmp_path / "b").mkdir()
    pages = np.ones((2, 8, 8), "uint16")
    tifffile.imwrite(
        tmp_path / "b" / "B02.ome.tif", pages, description=text, metadata=None, photometric="minisblack"
    )
    (tmp_path / "c").mkdir()
    one = text.replace("SizeC='2'", "SizeC='1'").replace("<Channel ID='C:1'/>", "")
    tifffile.imwrite(tmp_path / "c" / "B02.ome.tif", pages[0], description=one, metadata=None)
    for case in ("b", "c"):
        _, faults, found = started(tmp_path / case)
        assert found.wells == ["B02"]
        assert (
            "the metadata of 1 file say other wells than the files' names, which are used: B02.ome.tif: E05"
            in faults.found[0].text()
        )


def test_an_instruments_folder_of_projections_is_passed_over_beside_its_planes(tmp_path: Path) -> None:
    for kind in ("Image", "Projection"):
        MADE["cq1"].make(tmp_path / kind)
    both = look(str(tmp_path), "P1", 0, "auto", faults := Faults())
    assert both.z == [1, 2] and not faults.found
    alone = look(str(tmp_path / "Projection"), "P1", 0, "auto", faults)
    assert alone.wells == list(WELLS)
    from morphodose.design.filenames import preset_pattern
    from morphodose.design.folder import read_folder

    read = read_folder(str(tmp_path), preset_pattern("cq1"))
    assert {path.split("/")[0] for path, _ in read.named} == {"Image"}
    assert len(read.ignored["projection beside z-steps"]) == 16


def test_channels_that_differ_in_case_alone_are_said_by_name(tmp_path: Path) -> None:
    names = ("B02_DAPI.tif", "C03_DAPI.tif", "B02_gfp.tif", "C03_GFP.tif")
    _, faults, _ = started(tmp_path / "a", *names)
    (fault,) = faults.found
    assert fault.value == "GFP, gfp" and "all say GFP" in fault.text()
    _, faults, _ = started(tmp_path / "b", *(name.replace("gfp", "GFP") for name in names))
    assert not faults.found


def test_a_sidecar_with_two_of_the_known_endings_is_read_once(tmp_path: Path) -> None:
    MADE["opera_phenix"].make(tmp_path)
    found = look(str(tmp_path), "P1", 0, "auto", Faults())
    assert len(found.metadata) == 1
    (index,) = tmp_path.rglob("Index.idx.xml")
    index.write_bytes(index.read_bytes()[:900])
    look(str(tmp_path), "P1", 0, "auto", faults := Faults())
    (fault,) = faults.found
    assert "metadata of the instrument that are not read" in fault.text()
