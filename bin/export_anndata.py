#!/usr/bin/env python3
"""Export cells and wells as AnnData (.h5ad), for scanpy and its kin."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from morphodose.cells.cellset import SETS
from morphodose.cli import command
from morphodose.errors import InputError
from morphodose.export.cells import read_reduced, selected_features, why_not_reduced, write_cells
from morphodose.export.wells import write_wells
from morphodose.files import find_files
from morphodose.options.flags import takes
from morphodose.steps.export_anndata import STEP
from morphodose.tables import column_units, read_table

EXISTING = click.Path(exists=True, path_type=Path)


@command
@takes(STEP.options)
@click.option(
    "--cells", required=True, type=EXISTING, help="Folder with the tables of cells of annotate_cells."
)
@click.option("--wells", required=True, type=EXISTING, help="wells.parquet of profile_wells.")
@click.option(
    "--reduced", type=EXISTING, help="Folder with the sets of reduce_features: classical, deep, joint."
)
@click.option("--profiles", type=EXISTING, help="Folder with <set>.parquet of profile_features.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Output folder.")
def main(cells: Path, wells: Path, reduced: Path | None, profiles: Path | None, out: Path) -> None:
    """Write OUT/cells.h5ad and OUT/wells.h5ad."""
    files = find_files(cells, "*.parquet")
    if not files:
        raise InputError(f"{cells}: no table of cells; annotate_cells writes one per well")
    folders = [reduced / kind for kind in SETS if (reduced / kind).is_dir()] if reduced else []
    folders = [folder for folder in folders if not why_not_reduced(folder)]
    features = selected_features(folders[0]) if folders and folders[0].name != "deep" else []
    sets = [read_reduced(folder) for folder in folders]
    count = write_cells(out / "cells.h5ad", files, features, sets, say)
    found = {kind: profiles / f"{kind}.parquet" for kind in SETS} if profiles else {}
    there = {kind: path for kind, path in found.items() if path.exists()}
    rows = write_wells(out / "wells.h5ad", read_table(wells), there, column_units(files[0]))
    say(f"{count} cells, {rows} wells")


def say(text: str) -> None:
    """Progress, on standard error."""
    click.echo(text, file=sys.stderr)


if __name__ == "__main__":
    main()
