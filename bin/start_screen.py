#!/usr/bin/env python3
"""Look at a folder of images, show what is understood, and write what a run needs.

FOLDER is one acquisition, or holds folders such as 4hrs_R1 and 24hrs_R1. Written are samplesheet.csv,
platemap.csv (or .xlsx, .ods) and params.yml; then: nextflow run main.nf -params-file params.yml
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import click

from morphodose.cli import command
from morphodose.design.expand import STACK_AXES
from morphodose.design.faults import Faults, counted, listing, numbered, printable
from morphodose.design.platemap import PlateWells, plates_of, read_platemap
from morphodose.design.sheetrows import HEADER, safe_name
from morphodose.design.start import Understood, look
from morphodose.design.start_file import parameters_text
from morphodose.errors import InputError
from morphodose.files import replacing
from morphodose.spreadsheets import write_csv_rows

#: The plate where nothing names it.
NO_PLATE = "P1"
#: What a plate map may be, by its name.
TEXTS, WORKBOOKS = (".csv", ".tsv", ".txt"), (".xlsx", ".xlsm", ".xls", ".ods", ".xml", ".tdd", ".hpdd")


@command
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option(
    "--plate_map",
    required=True,
    type=click.Path(exists=True, dir_okay=False),
    help="the layout: CSV, .xlsx or .ods; one row per well, or grids in the shape of a plate",
)
@click.option("--plate_map_sheet", default="", help="sheet of a layout that is a workbook")
@click.option(
    "--plate",
    default="",
    help="plate, if neither folders nor the plate map name it; P1 if not given",
)
@click.option(
    "--timepoint_h",
    type=float,
    help="hours since treatment, if FOLDER is one acquisition; 0 if nothing says them",
)
@click.option("--file_pattern", default="auto", help="as in the pipeline")
@click.option(
    "--stack_axis",
    default="",
    type=click.Choice(["", *STACK_AXES]),
    help="what the planes of a file are, if nothing says it; asked for on a terminal",
)
@click.option("--cell_channel", default="", help="name of the cell stain; asked for if it is not known")
@click.option("--out", default=".", type=click.Path(file_okay=False), help="where the files are written")
@click.option("--force", is_flag=True, help="overwrite files that are there")
def main(
    folder: str,
    plate_map: str,
    plate_map_sheet: str,
    plate: str,
    timepoint_h: float | None,
    file_pattern: str,
    stack_axis: str,
    cell_channel: str,
    out: str,
    force: bool,
) -> None:
    """Write samplesheet.csv, platemap.csv and params.yml for the images in FOLDER."""
    layout = f"platemap{_ending(Path(plate_map))}"
    written = ("samplesheet.csv", layout, "params.yml")
    there = [name for name in written if os.path.exists(os.path.join(out, name))]
    if there and not force:
        raise InputError(f"{out}: {', '.join(there)} already there → give another --out, or --force")
    faults = Faults()
    hours = timepoint_h or 0.0
    found = look(folder, plate or NO_PLATE, hours, file_pattern, faults, stack_axis)
    if found.loose_planes and _at_terminal():
        question = (
            f"Each file holds {found.loose_planes} planes, and nothing says what they are. What are they?"
        )
        axis = click.prompt(question, type=click.Choice(STACK_AXES), default="z")
        found = look(folder, plate or NO_PLATE, hours, file_pattern, faults := Faults(), str(axis))
    if not plate and (called := _only_plate(found, plate_map, plate_map_sheet)):
        found.folders = [replace(place, plate=called) for place in found.folders]
        click.echo(
            f"plate: {called}, as the plate map calls its only plate; the names of the images give none"
        )
    for line in found.lines():
        click.echo(printable(line))
    if faults.errors:
        raise InputError(
            f"{counted(len(faults.errors), 'fault')}, nothing written\n{numbered(faults.errors)}"
        )
    rows = found.rows()
    if timepoint_h is None and not any(row.timepoint_h for row in rows):
        click.echo(
            "hours: all images are written as 0 h after treatment; if that is not so, correct "
            "samplesheet.csv, or give the hours of a single acquisition by --timepoint_h"
        )
    roles = dict(found.roles)
    if cell_channel and cell_channel not in found.names:
        raise InputError(
            f"--cell_channel: '{cell_channel}' is not a channel → give one of {', '.join(found.names)}; "
            "they can be renamed in params.yml"
        )
    if cell_channel:
        roles["cell"] = cell_channel
    if roles.get("cell") not in found.names:
        roles["cell"] = _ask(found, "cell", "fills the cells (they are segmented in it)")
    if roles.get("nuclear") not in found.names:
        roles["nuclear"] = _ask(found, "nuclear", "shows the nuclei")
    plates = list(dict.fromkeys(row.plate for row in rows))
    wells = read_platemap(plate_map, plates, found.plate_format, faults, sheet=plate_map_sheet)
    _check_wells(found, wells, plate_map, faults)
    if faults.found:
        click.echo(f"to be looked at:\n{numbered(faults.found)}")
    os.makedirs(out, exist_ok=True)
    _write_samplesheet(found, Path(out) / "samplesheet.csv")
    _copy_plate_map(Path(plate_map), Path(out) / layout)
    with replacing(Path(out) / "params.yml") as temporary:
        temporary.write_text(parameters_text(found, roles, out, layout, plate_map_sheet), encoding="utf-8")
    click.echo(f"written to {out}: {', '.join(written)}")
    todo = (
        f"correct {counted(len(faults.errors), 'fault')} of {layout} (above), then " if faults.errors else ""
    )
    click.echo(f"next: {todo}{_next_command(out)}")


def _check_wells(found: Understood, wells: PlateWells, plate_map: str, faults: Faults) -> None:
    """Wells with images that the plate map has on no plate; the run itself compares plate by plate."""
    mapped = {well for _, well in wells}
    if mapped and (unmapped := [well for well in found.wells if well not in mapped]):
        faults.add(
            "well_without_row",
            plate_map,
            f"{counted(len(unmapped), 'well')} with images and no row",
            "add the rows (role empty if they are not to be analysed), or give the plate map of these images",
            value=listing(unmapped, 12),
        )


def _next_command(out: str) -> str:
    """The command that runs the screen, to be pasted into the shell that this one was started from."""
    pipeline = Path(__file__).resolve().parents[1] / "main.nf"
    here = Path.cwd()
    script = "main.nf" if pipeline.parent == here else str(pipeline)
    given = os.path.normpath(os.path.join(out, "params.yml"))
    return f"nextflow run {shlex.quote(script)} -params-file {shlex.quote(given)}"


def _only_plate(found: Understood, plate_map: str, sheet: str) -> str:
    """The only plate that the plate map names, for images whose names say none; else an empty text."""
    named = plates_of(plate_map, sheet)
    only = next(iter(named)) if len(named) == 1 else ""
    return only if {row.plate for row in found.rows()} == {NO_PLATE} and safe_name(only) == only else ""


def _ask(found: Understood, role: str, what: str) -> str:
    """The channel of a role, from the person at the terminal; else it is left to the file."""
    if not _at_terminal():
        click.echo(f"which channel {what} is not known: name it in params.yml ({role}_channel)")
        return ""
    return str(
        click.prompt(
            f"Which channel {what}? Enter for none",
            type=click.Choice([*found.names, ""]),
            default="",
            show_default=False,
        )
    )


def _at_terminal() -> bool:
    return sys.stdin.isatty()


def _write_samplesheet(found: Understood, path: Path) -> None:
    write_csv_rows(path, HEADER, (row.cells() for row in found.rows()))


def _ending(source: Path) -> str:
    """Ending of the copied layout: .csv of a text, its own of a workbook or of XML."""
    ending = source.suffix.lower()
    if ending not in (*TEXTS, *WORKBOOKS):
        raise InputError(
            f"{source}: plate maps do not have this ending → save it as one of "
            f"{', '.join((*TEXTS, *WORKBOOKS))}"
        )
    return ".csv" if ending in TEXTS else ending


def _copy_plate_map(source: Path, path: Path) -> None:
    if source.resolve() != path.resolve():
        shutil.copyfile(source, path)


if __name__ == "__main__":
    main()
