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
#: What is missing where everything else is understood.
NO_PLATE_MAP = (
    "nothing written: what is in each well is not known → give it by --plate_map FILE: a table with the "
    "columns well, compound, dose, dose_unit and role, or grids in the shape of a plate (docs/usage.md, "
    "Plate map)"
)
#: What a plate map may be, by its name.
TEXTS, WORKBOOKS = (".csv", ".tsv", ".txt"), (".xlsx", ".xlsm", ".xls", ".ods", ".xml", ".tdd", ".hpdd")


@command
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option(
    "--plate_map",
    type=click.Path(exists=True, dir_okay=False),
    help="What is in each well: CSV, .xlsx or .ods; one row per well, or grids in the shape of a plate. "
    "Without it the images are looked at, and nothing is written.",
)
@click.option("--plate_map_sheet", default="", help="Sheet to read if the plate map is a workbook.")
@click.option(
    "--plate",
    default="",
    help="Name of the plate, if neither folders nor the plate map give it. If not given: P1.",
)
@click.option(
    "--timepoint_h",
    type=float,
    help="Hours since treatment, if FOLDER is one acquisition. If neither this nor the images say them: 0.",
)
@click.option(
    "--file_pattern",
    default="auto",
    help="How file names are read: auto, a preset, or a regular expression (docs/usage.md).",
)
@click.option(
    "--stack_axis",
    default="",
    type=click.Choice(["", *STACK_AXES]),
    help="What the planes of a file are, if nothing says it. If not given: asked for on a terminal, else z.",
)
@click.option(
    "--cell_channel",
    default="",
    help="Channel of the stain that fills the cells. If not given: by its name, or asked for on a terminal.",
)
@click.option("--out", default=".", type=click.Path(file_okay=False), help="Folder for the three files.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def main(
    folder: str,
    plate_map: str | None,
    plate_map_sheet: str,
    plate: str,
    timepoint_h: float | None,
    file_pattern: str,
    stack_axis: str,
    cell_channel: str,
    out: str,
    force: bool,
) -> None:
    """Show what is understood of the images in FOLDER; write samplesheet.csv, platemap.csv and params.yml."""
    layout = f"platemap{_ending(Path(plate_map))}" if plate_map else ""
    written = ("samplesheet.csv", layout, "params.yml")
    there = [name for name in written if name and os.path.exists(os.path.join(out, name))]
    if plate_map and there and not force:
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
    if plate_map and not plate and (called := _only_plate(found, plate_map, plate_map_sheet)):
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
    if not plate_map:
        raise InputError(NO_PLATE_MAP)
    rows = found.rows()
    if timepoint_h is None and not any(row.timepoint_h for row in rows):
        click.echo(
            "hours: all images are written as 0 h after treatment; if that is not so, correct "
            "samplesheet.csv, or give the hours of a single acquisition by --timepoint_h"
        )
    elif found.unknown_hours:
        click.echo("hours: nothing says them: samplesheet.csv counts 0, 1, 2 …; correct them there")
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
    if faults.warnings:
        click.echo(f"to be looked at:\n{numbered(faults.warnings)}")
    os.makedirs(out, exist_ok=True)
    _write_samplesheet(found, Path(out) / "samplesheet.csv")
    _copy_plate_map(Path(plate_map), Path(out) / layout)
    with replacing(Path(out) / "params.yml") as temporary:
        temporary.write_text(parameters_text(found, roles, out, layout, plate_map_sheet), encoding="utf-8")
    click.echo(f"written to {out}: {', '.join(written)}")
    if faults.errors:
        raise InputError(
            f"{counted(len(faults.errors), 'fault')} of the plate map\n{numbered(faults.errors)}\n"
            f"correct {os.path.normpath(os.path.join(out, layout))}, then: {_next_command(out)}"
        )
    unknown = not (roles["cell"] and roles["nuclear"])
    todo = (
        f"name the channels in {os.path.normpath(os.path.join(out, 'params.yml'))}, then: " if unknown else ""
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
        click.echo(f"{role}_channel: nothing says which channel {what}; name it in params.yml")
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
