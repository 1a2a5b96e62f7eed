"""Names that are hostile to shells, file systems and tables: nothing runs, what is accepted comes back whole."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tifffile

from design_tree import CHANNELS, Screen, make_screen
from faults.screens import assert_complete, faults_of, write_rows
from faults.tasks import ROOT, Task, in_process, run, tasks_on
from morphodose.design.filenames import plain_number
from morphodose.tables import read_table

#: Each would leave a file `injected` behind if a shell saw it.
HOSTILE = (
    "a b", "it's", 'say "x"', "a;touch injected;b", "$(touch injected)", "`touch injected`", "a|touch injected",
    "a&&touch injected", "$IFS$HOME", "-rf", "--out=x", "*?[a]{b,c}", "Zoë µ 日本 ²", "back\\slash", "a#b%c!d",
    "\u202eevil", "‘’“”", "e\u0301", "x" * 200, "=cmd|' /C calc'!A0", "NaN", "null", "%s%n", "../../up", "~root",
)  # fmt: skip
WITH_LINES = ("two\nlines", "tab\there")


def seen(name: str) -> str:
    """A name without what turns the direction of text: nobody sees it, and it would turn the page."""
    return name.replace("\u202e", "")


@pytest.fixture
def screen(tmp_path: Path) -> Screen:
    return make_screen(tmp_path / "screen", times=(4,), reps=1)


@pytest.fixture(autouse=True)
def nothing_was_injected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.rglob("injected"))
    assert not (ROOT / "injected").exists()


def rows_of(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", [name for name in HOSTILE if "/" not in name])
def test_folders_of_images_may_have_any_name(screen: Screen, name: str) -> None:
    (screen.root / "4hrs_R1").rename(screen.root / name)
    write_rows(screen.sheet, [["plate", "timepoint_h", "replicate", "images"], ["P1", 4, 1, name]])
    out = screen.root / "out"
    done = run("check_design", "--samplesheet", screen.sheet, "--plate_map", screen.plate_map, "--channels", CHANNELS,
               "--nuclear_channel", "Hoechst", "--cell_method", "from_nuclei", "--out", out)  # fmt: skip
    assert done.returncode == 0, done.stderr
    wells = json.loads((out / "well_timepoints.json").read_text())
    assert len(wells) == 3
    for well in wells:
        assert re.fullmatch(r"[A-Za-z0-9._-]+", well["id"])
        assert all(Path(plane["path"]).is_file() for plane in well["planes"])


@pytest.mark.parametrize("name", WITH_LINES)
def test_folders_with_line_ends_in_their_names_are_faults_or_read(screen: Screen, name: str) -> None:
    (screen.root / "4hrs_R1").rename(screen.root / name)
    write_rows(screen.sheet, [["plate", "timepoint_h", "replicate", "images"], ["P1", 4, 1, name]])
    faults = faults_of(screen)
    assert_complete(faults)
    if faults:
        assert {fault.row for fault in faults} == {2}
    else:
        assert len(screen.judge().planes) == 24


@pytest.mark.parametrize("name", [*HOSTILE, *WITH_LINES])
@pytest.mark.parametrize("column", ["plate", "replicate"])
def test_plates_and_replicates_with_such_names_are_faults_that_offer_a_safe_one(
    screen: Screen, column: str, name: str
) -> None:
    row = {"plate": "P1", "timepoint_h": 4, "replicate": 1, "images": "4hrs_R1"} | {column: name}
    write_rows(screen.sheet, [row.keys(), row.values()])
    faults = faults_of(screen)
    assert_complete(faults)
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", seen(name)):
        assert not faults
        return
    (fault,) = [fault for fault in faults if fault.kind == "unsafe_name"]
    assert (fault.file, fault.row) == ("samplesheet.csv", 2)
    offered = re.search(r"such as '([^']*)'", fault.fix)
    assert offered and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", offered[1]), fault.fix


@pytest.mark.parametrize("name", [*HOSTILE, *WITH_LINES])
def test_channels_with_such_names_are_faults(screen: Screen, name: str) -> None:
    faults = faults_of(screen, channels=f"1:Brightfield,2:{name}")
    assert_complete(faults)
    if name == "NaN" or name == "null":
        assert not faults  # letters and digits, and nobody takes them for a missing value: see below
        return
    assert {fault.kind for fault in faults} <= {"channels", "channel_without_name", "channel_without_images"}
    assert {fault.file for fault in faults} == {"--channels"}
    assert faults


def plate_map_of(screen: Screen, names: tuple[str, ...]) -> None:
    """Hostile compounds, units, own columns and their values."""
    header = ["well", "compound", "dose", "dose_unit", "role", *(f"own {name}" for name in names)]
    rows = [["A01", "DMSO", 0, "", "vehicle", *names], ["A02", "Drug", 1, "uM", "treated", *reversed(names)]]
    rows += [["A03", name, 10, "uM", "treated", *names] for name in names[:1]]
    write_rows(screen.plate_map, [header, *rows])


@pytest.mark.parametrize("name", [*HOSTILE, *WITH_LINES])
def test_compounds_and_own_columns_come_back_as_they_were_written(
    screen: Screen, tmp_path: Path, name: str
) -> None:
    plate_map_of(screen, (name,))
    done = run("check_design", "--samplesheet", screen.sheet, "--plate_map", screen.plate_map, "--channels", CHANNELS,
               "--nuclear_channel", "Hoechst", "--cell_method", "from_nuclei", "--out", tmp_path / "out") if name == HOSTILE[0] else None  # fmt: skip
    assert done is None or done.returncode == 0, done.stderr
    design = screen.judge()
    well = design.platemap["P1", "A03"]
    assert well.compound == seen(name)
    assert well.extra == {f"own {seen(name)}": seen(name)}


@pytest.mark.slow
def test_hostile_names_go_through_every_table_to_the_report(tiny: Path, tmp_path: Path) -> None:
    """One plate map with all of them, through the steps that read it."""
    names = tuple(name for name in (*HOSTILE, *WITH_LINES))
    header = ["well", "compound", "dose", "dose_unit", "role", *(f"own {name}" for name in names)]
    compound = "<script>touch('injected')</script> $(touch injected) \"it's\" µ; `touch injected`\n2"
    rows = [["A01", "DMSO", 0, "", "vehicle", *names], ["A02", compound, 1, "u'M\"<b>", "treated", *names]]
    write_rows(tiny / "plate" / "hostile.csv", [header, *rows])
    made, out = tasks_on(tiny), tmp_path

    def step(name: str, **other: Path) -> None:
        arguments = list(made[name].arguments)
        for option, value in other.items():
            arguments[arguments.index(f"--{option}") + 1] = str(value)
        in_process(made[name].command, *Task("", tuple(arguments)).line(out))

    step("check_design", plate_map=tiny / "plate" / "hostile.csv")
    step("call_death", plate_map=out / "plate_map.csv")
    step("annotate_cells", plate_map=out / "plate_map.csv", death=out / "Time_24hrs_R1_death.parquet")
    step("profile_wells", cells=out / "cells", images=out / "images")
    step("fit_responses", wells=out / "wells.parquet")
    wells = read_table(out / "wells.parquet")
    treated = wells[wells["Metadata_Well"] == "A02"].iloc[0]
    assert treated["Metadata_Compound"] == compound
    for name in names:
        assert treated[f"Metadata_own {seen(name)}"] == seen(name)
    report = {name: out / f"{name}.parquet" for name in ("wells", "responses", "curves", "onsets", "orders")}
    step("report", images=out / "images", design=out / "design.json", **report)
    page = (out / "report.html").read_text()
    assert "<script>touch" not in page
    assert "&lt;script&gt;touch(" in page


def test_a_plane_in_a_hostile_place_is_named_whole_on_one_line(tmp_path: Path) -> None:
    place = "it's $(touch injected); `touch injected` é"
    (tmp_path / place).mkdir()
    (tmp_path / place / "a.tif").write_bytes(b"torn")
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((8, 8), np.uint16))
    (tmp_path / "planes.tsv").write_text(
        f"id\tfile\tfield\tz\tchannel\tsource\nw\tb.tif\t1\t1\tA\tb.tif\nw\t{place}/a.tif\t1\t2\tA\t/scope/{place}\n"
    )
    keys = json.dumps(
        {"id": "w", "plate": "P1", "timepoint_h": 4, "replicate": "1", "acquisition": "x", "well": "A01"}
    )
    done = run("project_z", "--keys", keys, "--planes", tmp_path / "planes.tsv", "--planes_dir", tmp_path,
               "--out", tmp_path / "out")  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"/scope/{place}" in done.stderr


def test_parameters_reach_a_command_whatever_is_in_them(tmp_path: Path) -> None:
    """Each module writes them as JSON between single quotes, of which lib/steps.nf leaves none in it."""
    line = "printf '%s' '${options}' > options.json"
    for module in sorted((ROOT / "modules" / "local").glob("*/main.nf")):
        text = module.read_text()
        assert (
            text.count(line)
            == text.count("--options options.json")
            == len(re.findall(r"^process ", text, re.M))
        ), module
    assert r"""json.replace("'", '\\u0027')""" in (ROOT / "lib" / "steps.nf").read_text()
    given = {"group_by": "".join(HOSTILE) + "".join(WITH_LINES), "endpoints": "a='b';touch injected;'c"}
    quoted = json.dumps(given).replace("'", r"\u0027")
    subprocess.run(["bash", "-c", line.replace("${options}", quoted)], cwd=tmp_path, check=True)
    assert json.loads((tmp_path / "options.json").read_text()) == given
    assert not (tmp_path / "injected").exists()


#: What modules write within single quotes as it is, for it can hold none: JSON without them, ids, names of channels,
#: and a staged folder that is always called `classical`.
WITHOUT_QUOTES = {
    "groovy.json.JsonOutput.toJson(shard.wells)",
    "keys",
    "options",
    "run_json",
    "versions",
    "row.channel",
    "meta.acquisition",
    "model",
}


def test_what_a_module_writes_within_quotes_has_none_of_its_own() -> None:
    """And a staged path, which comes escaped, is not quoted again."""
    for module in sorted((ROOT / "modules" / "local").glob("*/main.nf")):
        text = module.read_text()
        script = text.partition("script:")[2]
        staged = set(re.findall(r"path[ (](\w+)", text.partition("output:")[0]))
        for value in re.findall(r"'\$\{([^\n]*?)\}'", script):
            assert value not in staged - {"model"}, f"{module.parent.name}: '{value}' is escaped twice"
            assert value in WITHOUT_QUOTES or """.replace("'", "'\\\\''")""" in value, (
                module.parent.name,
                value,
            )


def test_numbers_of_channels_are_plain_or_texts() -> None:
    for name in (*HOSTILE, *WITH_LINES):
        assert plain_number(name) == name.strip()
