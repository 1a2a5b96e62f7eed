#!/usr/bin/env python3
"""Measure every cell of some well-timepoints: one row per cell, with CellProfiler's column names."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from morphodose.cli import command, images_option, keys_option, masks_option, out_option
from morphodose.errors import InputError
from morphodose.imaging.images import read_field, read_labels
from morphodose.keys import WellKeys, field_images, read_keys
from morphodose.measurement.families import parse_families
from morphodose.measurement.field import Measured, MeasurementSettings, feature_units, measure_field
from morphodose.measurement.granularity import Spectrum
from morphodose.measurement.schemas import MEASUREMENTS
from morphodose.names import cell_id
from morphodose.options.flags import takes
from morphodose.steps.measure_cells import STEP
from morphodose.tables import LACKING, columns_to_arrow, write_as


@command
@images_option
@masks_option
@keys_option
@takes(STEP.options)
@click.option(
    "--texture_scaling",
    type=click.Choice(["log", "linear"]),
    default="log",
    help="Counts to grey levels: log keeps relative differences at any brightness; linear is CellProfiler's.",
)
@click.option(
    "--texture_scale",
    type=click.IntRange(1),
    multiple=True,
    default=[3],
    help="Distance of the pixels that texture compares, px; may be given again.",
)
@click.option(
    "--granularity_length", type=click.IntRange(1, 64), default=16, help="Steps of the granularity spectrum."
)
@click.option(
    "--granularity_subsample",
    type=click.FloatRange(0.01, 1),
    default=0.25,
    help="Scale of the images for granularity; 0.25: a quarter of their width and height.",
)
@click.option(
    "--neighbor_distance",
    type=click.IntRange(1),
    default=10,
    help="Distance up to which cells are neighbours, px.",
)
@out_option
def main(
    images: Path,
    masks: Path,
    keys: str,
    features: str,
    texture_scaling: str,
    texture_scale: tuple[int, ...],
    granularity_length: int,
    granularity_subsample: float,
    neighbor_distance: int,
    out: Path,
) -> None:
    """Measure the cells of all fields of each well-timepoint into <out>/<id>.parquet."""
    settings = MeasurementSettings(
        parse_families(features),
        texture_scaling,
        texture_scale,
        neighbor_distance,
        Spectrum(subsample=granularity_subsample, length=granularity_length),
    )
    for well in read_keys(keys):
        measure_well(well, images / well.id, masks / well.id, settings, out / f"{well.id}.parquet")


def measure_well(well: WellKeys, images: Path, masks: Path, settings: MeasurementSettings, out: Path) -> None:
    """Measure the cells of one well-timepoint, and write their table."""
    paths = field_images(images, well.id)
    nuclear = [image for image in paths if (masks / f"{image}_nuclei.tif").exists()]
    tables: dict[str, Measured] = {}
    pixel_size: float | None = None
    channels: tuple[str, ...] = ()
    for position, (image, path) in enumerate(paths.items(), start=1):
        field = read_field(path)
        if channels and (field.channels != channels or field.pixel_size_um != pixel_size):
            raise InputError(
                f"{path}: channels {field.channels} at {field.pixel_size_um} um, but the fields before have "
                f"{channels} at {pixel_size} um"
            )
        channels, pixel_size = field.channels, field.pixel_size_um
        cells = masks / f"{image}_cells.tif"
        if not cells.exists():
            raise InputError(f"{cells}: the mask of the cells of {path.name} is missing")
        if nuclear and image not in nuclear:
            raise InputError(f"{masks / f'{image}_nuclei.tif'}: missing, but other fields have nuclear masks")
        nuclei = read_labels(masks / f"{image}_nuclei.tif") if nuclear else None
        try:
            tables[image] = measure_field(field, read_labels(cells), nuclei, settings)
        except InputError as fault:
            raise InputError(f"{image}: {fault}") from fault
        count = len(tables[image].labels)
        said = "".join(f"; {times} {text}" for text, times in tables[image].lacking.most_common())
        click.echo(f"{well.id}: field {position} of {len(paths)}: {count} cells{said}", file=sys.stderr)
    columns = rows(well, tables)
    units = feature_units([name for name in columns if not name.startswith("Metadata_")], pixel_size)
    table = columns_to_arrow(columns)
    lacking = {image: dict(found.lacking) for image, found in tables.items() if found.lacking}
    # annotate_cells puts it into the table of images, where a field without a cell has its row, too
    write_as(MEASUREMENTS, table.replace_schema_metadata({LACKING: json.dumps(lacking)}), out, units)


def rows(well: WellKeys, tables: dict[str, Measured]) -> dict[str, npt.NDArray[np.generic]]:
    """Columns of the table: keys, then features; one row per cell, fields in order, labels ascending."""
    columns: dict[str, npt.NDArray[np.generic]] = {}
    keys = {image: well.columns(image) for image in tables}
    kinds = {"Metadata_Timepoint": np.float64, "Metadata_Field": np.int64}
    for name in next(iter(keys.values())):
        values = [keys[image][name] for image, table in tables.items() for _ in table.labels]
        columns[name] = np.array(values, dtype=kinds.get(name, np.object_))
    labels = [(image, int(label)) for image, table in tables.items() for label in table.labels]
    columns["Metadata_ObjectLabel"] = np.array([label for _, label in labels], dtype=np.int64)
    columns["Metadata_CellID"] = np.array([cell_id(*each) for each in labels], dtype=np.object_)
    for name in next(iter(tables.values())).features:
        columns[name] = np.concatenate([table.features[name] for table in tables.values()])
    return columns


if __name__ == "__main__":
    main()
