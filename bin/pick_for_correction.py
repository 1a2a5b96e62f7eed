#!/usr/bin/env python3
"""Pick fields of a finished run whose masks are worth correcting by hand, for a training of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import click

from morphodose.cli import command
from morphodose.errors import InputError
from morphodose.segmentation.correction import pick_fields, write_for_correction
from morphodose.tables import read_table, to_arrow, write_csv

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@command
@click.argument("results", type=FOLDER)
@click.option("--number", default=12, type=click.IntRange(2), help="Fields to correct.")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the pairs."
)
def main(results: Path, number: int, out: Path) -> None:
    """Write image and mask of some fields of RESULTS, as Cellpose's graphical program opens them.

    The fields are spread over compounds, doses and times; of each the worst segmented comes first. In the
    program's File menu, switch on "Autoload masks from _masks.tif file" and "Disable autosave _seg.npy file";
    correct, and save with Ctrl+N. (_seg.npy is a pickle and is not read.) Then: train_cells.py OUT.
    """
    try:
        design = json.loads((results / "design" / "design.json").read_text(encoding="utf-8"))
        images = read_table(results / "tables" / "images")
    except FileNotFoundError as fault:
        raise InputError(f"{results}: not the results of a finished run ({fault})") from fault
    except json.JSONDecodeError as fault:
        raise InputError(
            f"{results / 'design' / 'design.json'}: not whole ({fault}); run the check again"
        ) from fault
    roles = design.get("roles") or {}
    channels = (str(roles.get("cell") or ""), str(roles.get("nuclear") or ""))
    picked = pick_fields(images, number)
    for image_id in picked["Metadata_ImageID"]:
        write_for_correction(results, str(image_id), channels, out)
    # hashes of the images say nothing to a reader
    keys = [name for name in picked if name.startswith("Metadata_") and name != "Metadata_QCMarks"]
    columns = [*keys, "Severity"]
    write_csv(to_arrow(picked[columns]), out / "fields.csv")
    click.echo(f"{len(picked)} fields in {out}; what each is: fields.csv")


if __name__ == "__main__":
    main()
