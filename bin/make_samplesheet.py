#!/usr/bin/env python3
"""Write the samplesheet of a plain folder of acquisitions, and show what was understood.

Timepoint and replicate are read from each folder's name: ``4hrs_R1``, ``24h_rep2``, ``30min_R1``.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from morphodose.cli import command
from morphodose.design.faults import Faults, counted, numbered, printable
from morphodose.design.filenames import name_pattern
from morphodose.design.folders import (
    HEADINGS,
    find_acquisitions,
    folder_patterns,
    images_below,
    summary,
    text_table,
)
from morphodose.design.patterns import best_preset
from morphodose.design.presets import PRESETS
from morphodose.design.samplesheet import COLUMNS, check_safe
from morphodose.errors import InputError
from morphodose.spreadsheets import as_path, write_csv_rows


@command
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option("-o", "--out", required=True, type=click.Path(dir_okay=False), help="The samplesheet to write.")
@click.option(
    "--folder_pattern",
    default="",
    help="Regular expression for folder names: groups timepoint, replicate; optional unit (min, h, d), "
    "plate.",
)
@click.option("--plate", default="P1", help="Name of the plate, if the folders do not give it.")
@click.option(
    "--file_pattern",
    default="auto",
    help=f"How file names are read, for the summary only: {', '.join(PRESETS)}, a regular expression, or "
    "auto (the preset that fits).",
)
@click.option("--force", is_flag=True, help="Overwrite an existing samplesheet.")
def main(folder: str, out: str, folder_pattern: str, plate: str, file_pattern: str, force: bool) -> None:
    """Write the samplesheet of the acquisitions in FOLDER, and print what was understood."""
    if os.path.exists(out) and not force:
        raise InputError(f"{out}: exists already → give another name, or --force to overwrite it")
    faults = Faults()
    root = os.path.abspath(folder)
    patterns = folder_patterns(folder_pattern, faults)
    found, ignored = find_acquisitions(root, patterns, plate, faults) if patterns else ([], [])
    for place in found:
        for column, text in (("plate", place.plate), ("replicate", place.replicate)):
            check_safe(place.path, None, column, text, faults)
    if not found and not faults.found:
        faults.add(
            "no_folder",
            folder,
            "has no folder with images in it",
            "give the folder that holds 4hrs_R1 and the others; for a folder that is one acquisition use "
            "start_screen.py",
        )
    pattern = None
    if file_pattern == "auto":
        some = [path for place in found[:3] for path in images_below(place.path)]
        file_pattern = best_preset(some) or ""
    if file_pattern:
        pattern = name_pattern(file_pattern, faults)
    found.sort(key=lambda place: (place.plate, place.timepoint_h, len(place.replicate), place.replicate))
    if found:
        shown = pattern.name if pattern else "none that fits; give --file_pattern"
        click.echo(f"file names: {shown}")
        click.echo(printable_lines(text_table(HEADINGS, [summary(place, pattern) for place in found])))
    if ignored:
        click.echo(f"no images, not taken: {', '.join(map(printable, ignored))}")
    for warning in faults.warnings:
        click.echo(warning.text())
    if faults.errors:
        raise InputError(
            f"{counted(len(faults.errors), 'fault')}, no samplesheet written\n{numbered(faults.errors, 50)}"
        )
    beside = Path(out).absolute().parent
    rows = []
    for place in found:
        inside = Path(place.path).is_relative_to(beside)
        images = as_path(os.path.relpath(place.path, beside)) if inside else place.path
        rows.append([place.plate, f"{place.timepoint_h:g}", place.replicate, images])
    write_csv_rows(out, COLUMNS, rows)
    click.echo(f"{counted(len(found), 'acquisition')} written to {out}")


def printable_lines(text: str) -> str:
    """`printable` for each line."""
    return "\n".join(map(printable, text.split("\n")))


if __name__ == "__main__":
    main()
