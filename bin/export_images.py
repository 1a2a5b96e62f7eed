#!/usr/bin/env python3
"""Export projected fields and masks as OME-Zarr plates, and as load_data.csv of CellProfiler."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from morphodose.cli import command
from morphodose.errors import InputError
from morphodose.export.gallery import write_gallery_maps, write_gallery_plate
from morphodose.export.load_data import load_data_rows, write_load_data
from morphodose.export.ome_zarr import FieldFiles, Window, colours_of, write_plate
from morphodose.files import find_files
from morphodose.options.flags import takes
from morphodose.steps.export_images import STEP
from morphodose.tables import read_table

if TYPE_CHECKING:
    import pandas as pd

EXISTING = click.Path(exists=True, path_type=Path)
FORMATS = ("ome_zarr", "load_data", "gallery")


@command
@takes(STEP.options)
@click.option("--design", required=True, type=EXISTING, help="design.json of check_design.")
@click.option("--images", required=True, type=EXISTING, help="Images of annotate_cells, of the whole screen.")
@click.option("--fields", required=True, type=EXISTING, help="Folder with the projected fields.")
@click.option("--masks", type=EXISTING, help="Folder with the masks of segment_cells.")
@click.option(
    "--acquisition",
    multiple=True,
    help="Only this acquisition; may be given again. If not given: all in --images.",
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Output folder.")
def main(
    export: str,
    illumination: str,
    design: Path,
    images: Path,
    fields: Path,
    masks: Path | None,
    acquisition: tuple[str, ...],
    out: Path,
) -> None:
    """Write OUT/<acquisition>.ome.zarr, a plate, OUT/<acquisition>_load_data.csv, and OUT/workspace."""
    wanted = [part.strip() for part in export.split(",") if part.strip()]
    unknown = [part for part in wanted if part not in FORMATS]
    if unknown or not wanted:
        raise InputError(f"--export {export!r}: give one or more of {', '.join(FORMATS)}")
    table = read_table(images)
    known = list(dict.fromkeys(table["Metadata_Acquisition"]))
    missing = [name for name in acquisition if name not in known]
    if missing:
        raise InputError(f"--acquisition {missing[0]!r} is not in {images}; it has {', '.join(known)}")
    document = json.loads(design.read_text(encoding="utf-8"))
    found = {path.name.removesuffix(".ome.tiff"): path for path in find_files(fields, "*.ome.tiff")}
    of_image = masks_of(masks)
    chosen = table[table["Metadata_Acquisition"].isin(acquisition or known)]
    absent = [image for image in chosen["Metadata_ImageID"] if image not in found]
    if absent:
        raise InputError(f"{fields}: no projected field of {len(absent)} images, such as {absent[0]}")
    channels = [channel["name"] for channel in document["channels"]]
    windows, colours = windows_of(table, channels), colours_of(channels, document["roles"])
    published = "projected" if illumination == "none" else "corrected"
    for name, rows in chosen.groupby("Metadata_Acquisition", sort=False):
        if "ome_zarr" in wanted:
            files = [
                FieldFiles(well, int(number), found[image], of_image.get(image, {}))
                for well, number, image in zip(
                    rows["Metadata_Well"], rows["Metadata_Field"], rows["Metadata_ImageID"], strict=True
                )
            ]
            plate, place = str(rows["Metadata_Plate"].iloc[0]), out / f"{name}.ome.zarr"
            count = write_plate(
                place, plate, str(name), files, document["plate_format"], windows, colours, say
            )
            say(f"{place.name}: {count} fields")
        if "load_data" in wanted or "gallery" in wanted:
            table_of = load_data_rows(records(rows), found, of_image, published)
            if "load_data" in wanted:
                write_load_data(out / f"{name}_load_data.csv", table_of)
            if "gallery" in wanted:
                write_gallery_plate(out, str(name), table_of)
    # one task of a screen writes what all its acquisitions share
    if "gallery" in wanted and known[0] in (acquisition or known):
        write_gallery_maps(out, records(table))


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the images, with None for what is missing."""
    return [
        {str(name): None if value is None or value != value else value for name, value in row.items()}
        for row in table.to_dict("records")
    ]


def masks_of(folder: Path | None) -> dict[str, dict[str, Path]]:
    """Image id → ``cells`` and ``nuclei`` → mask."""
    found: dict[str, dict[str, Path]] = {}
    for kind in ("cells", "nuclei") if folder else ():
        for path in find_files(folder or "", f"*_{kind}.tif"):
            found.setdefault(path.name.removesuffix(f"_{kind}.tif"), {})[kind] = path
    return found


def windows_of(table: pd.DataFrame, channels: list[str]) -> dict[str, Window]:
    """Counts between which each channel is shown: what QC measured in the fields that were kept.

    From the median background to the brightest hundredth of the fields: a compound that fluoresces in a few
    wells does not darken all others.
    """
    kept = table[table["Metadata_QCVerdict"] != "drop"] if "Metadata_QCVerdict" in table else table
    windows: dict[str, Window] = {}
    for channel in channels:
        names = [f"ImageQuality_{figure}_{channel}" for figure in ("Background", "DynamicRange")]
        if set(names) <= set(kept):
            low, span = (kept[name].astype("float64") for name in names)
            top = (low + span).quantile(0.99)
            if top == top:  # a channel that no field has has no window
                windows[channel] = (float(low.median()), float(top))
    return windows


def say(text: str) -> None:
    """Progress, on standard error."""
    click.echo(text, file=sys.stderr)


if __name__ == "__main__":
    main()
