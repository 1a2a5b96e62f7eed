"""The folders that Nextflow mounts are those that check_design reads, however the samplesheet was saved."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from design_tree import make_nasty_folder
from morphodose.design.walk import walk
from pipeline.conftest import TINY_ARGUMENTS, TOGETHER, simulate
from pipeline.nextflow_runs import ROOT, environment, run

pytestmark = pytest.mark.pipeline

ROWS = """plate,timepoint_h,replicate,images\nP1,4,1,"{name}"\nP1,8,1,plain\n"""
SHEETS = {
    "plain": ROWS.encode,
    "bom": lambda: ROWS.encode("utf-8-sig"),
    "utf16": lambda: ROWS.encode("utf-16"),
    "utf16be": lambda: b"\xfe\xff" + ROWS.encode("utf-16-be"),
    "cp1252": lambda: ROWS.encode("cp1252"),
    "crlf": lambda: ROWS.replace("\n", "\r\n").encode(),
    "cr": lambda: ROWS.replace("\n", "\r").encode(),
    "semicolons": lambda: ROWS.replace(",", ";").encode(),
    "tabs": lambda: ROWS.replace(",", "\t").encode(),
    "sep": lambda: ("sep=;\r\n" + ROWS.replace(",", ";").replace("\n", "\r\n")).encode(),
    "empty rows": lambda: ROWS.replace("\n", "\n,,,\n\n").encode(),
    "quoted": lambda: ROWS.replace("images", '" Images"').encode(),
    "nothing": lambda: b"",
    "one byte": lambda: b"x",
    "no column": lambda: b"plate,folder\nP1,plain\n",
}
#: Sheets from which no folder can be taken; check_design says why.
UNREADABLE = {"nothing", "one byte", "no column"}

#: Where the small letter of I is another than i.
TURKISH = {"NXF_JVM_ARGS": "-Duser.language=tr -Duser.country=TR"}

SCRIPT = """
include {{ filesBelow ; imageFolders ; listingDigest }} from '{root}/lib/image_folders'

workflow {{
    def sheets = files("{place}/*.csv").collectEntries {{ sheet ->
        def folders = imageFolders(sheet)
        [sheet.baseName, [folders.collect {{ folder -> folder.name }}, listingDigest(folders)]]
    }}
    def rules = new groovy.json.JsonSlurper().parse(new File('{root}/bin/morphodose/design/passed_over.json'))
    def nasty = file('{place}/nasty')
    def listed = filesBelow(nasty, rules).collect {{ path -> nasty.relativize(path).toString() }}.toSorted()
    println("SAID " + groovy.json.JsonOutput.toJson([sheets: sheets, listed: listed]))
}}
"""


class Said(NamedTuple):
    """What Nextflow says of the sheets and of a nasty folder, both in `folder`."""

    sheets: dict[str, list[Any]]
    listed: list[str]
    folder: Path


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Said:
    place = tmp_path_factory.mktemp("folders")
    name = "Zoë's $(touch injected); images"
    for folder in (name, "plain"):
        (place / folder).mkdir()
        (place / folder / "a.tif").write_bytes(b"x")
    for sheet, make in SHEETS.items():
        (place / f"{sheet}.csv").write_bytes(make().replace(b"{name}", name.encode()))
    for sheet, encoding in (("utf16", "utf-16"), ("utf16be", "utf-16-be"), ("cp1252", "cp1252")):
        text = ROWS.replace("{name}", name)
        mark = b"\xfe\xff" if sheet == "utf16be" else b""
        (place / f"{sheet}.csv").write_bytes(mark + text.encode(encoding))
    make_nasty_folder(place / "nasty")
    (place / "main.nf").write_text(SCRIPT.format(root=ROOT, place=place))
    done = subprocess.run(
        ["nextflow", "run", "main.nf"], cwd=place, env=environment() | TURKISH, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("SAID ")]
    return Said(**json.loads(line.removeprefix("SAID ")), folder=place)


def test_folders_are_found_in_every_kind_of_samplesheet(said: Said) -> None:
    assert sorted(said.sheets) == sorted(SHEETS)
    whole = [found for sheet, found in said.sheets.items() if sheet not in UNREADABLE]
    assert [folders for folders, _ in whole] == [["Zoë's $(touch injected); images", "plain"]] * len(whole)
    assert len({digest for _, digest in whole}) == 1, said.sheets
    assert all(said.sheets[sheet][0] == [] for sheet in UNREADABLE)
    assert not list(said.folder.rglob("injected"))


def test_nextflow_and_the_check_list_the_same_files(said: Said) -> None:
    assert said.listed == walk(str(said.folder / "nasty")).files


def test_hostile_names_of_the_tables_and_parameters_run_nothing(tmp_path: Path) -> None:
    """What the user names reaches the tasks' shell: the two tables and the model, from a folder as bad."""
    options = (
        "--times 24 --doses 10 --replicates 1 --vehicle_wells 1 --positive_wells 0 --planes 1 --size 200"
    )
    plate = simulate(tmp_path / "plate", *options.split()).parent
    sheet = tmp_path / "it's a; touch injected; `touch injected` $(touch injected) é.csv"
    sheet.write_text(f"plate,timepoint_h,replicate,images\nP1,24,1,{plate / 'images' / '24hrs_R1'}\n")
    plate_map = tmp_path / "-map; touch injected; $(touch injected) `touch injected`.csv"
    plate_map.write_bytes((plate / "platemap.csv").read_bytes())
    # a file, since a name that is none is refused before the first task; its hash stops the run early
    model = tmp_path / "$(touch injected)`touch injected`; touch it's injected"
    model.write_bytes(b"weights")
    finished = run(
        tmp_path / "it's a $(touch injected) launch", "--input", str(sheet), "--plate_map", str(plate_map),
        *TINY_ARGUMENTS, *TOGETHER,
        "--cell_model", str(model), "--cell_model_sha256", "f" * 64,
    )  # fmt: skip
    assert finished.status != 0
    assert "touch it's injected: SHA-256 is " in finished.output
    assert not list(tmp_path.rglob("injected")), finished.output
