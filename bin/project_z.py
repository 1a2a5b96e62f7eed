#!/usr/bin/env python3
"""Project the z-stacks of one well-timepoint: one OME-TIFF per field, and the focus curves."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from morphodose.cli import id_option, keys_option, run_for_wells, well_command
from morphodose.errors import InputError
from morphodose.imaging.images import Field, write_field
from morphodose.imaging.projection import Plane, Projected, project, stack_channels
from morphodose.imaging.projection_methods import parse_projection
from morphodose.keys import WellKeys, parse_keys
from morphodose.options.flags import takes
from morphodose.reading.pixels import as_counts, read_plane
from morphodose.steps.project_z import STEP
from morphodose.tables import write_table

COLUMNS = ("file", "field", "z", "channel")


@well_command
@id_option
@click.option(
    "--planes",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TSV with the columns file, field, z, channel, and optionally place (of the plane in the file), "
    "source (the original path) and pixel_um (by the metadata; used without --pixel_size_um).",
)
@click.option(
    "--planes_dir",
    default=Path(),
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that the file column is relative to.",
)
@takes(STEP.options)
@keys_option
@click.option(
    "--out", default=Path(), type=click.Path(file_okay=False, path_type=Path), help="Output folder."
)
def main(
    well_timepoint: str,
    planes: Path,
    planes_dir: Path,
    projection: str,
    brightfield_channel: str,
    pixel_size_um: float | None,
    intensity_offset: float,
    on_fault: str,
    keys: str,
    out: Path,
) -> None:
    """Write <out>/<id>/<ImageID>.ome.tiff for each field, and <out>/<id>/focus.parquet."""
    import pandas as pd

    well = parse_keys(well_timepoint, keys)
    fields, channels, said = read_planes(planes, planes_dir, intensity_offset)
    pixel_size_um = pixel_size_um or said
    methods = parse_projection(projection, channels, brightfield_channel or None)
    rows: list[dict[str, object]] = []
    for position, (field, stacks) in enumerate(sorted(fields.items()), start=1):
        image = well.image(field)
        click.echo(f"{well_timepoint}: field {position} of {len(fields)}")
        missing = [name for name in channels if name not in stacks]
        if missing:
            raise InputError(f"{planes}: field {field} has no plane of channel {', '.join(missing)}")
        try:
            done = {name: project(stacks[name], methods[name]) for name in channels}
            pixels = stack_channels(done)
        except InputError as fault:
            if on_fault == "strict":
                raise
            click.echo(f"{well_timepoint}: field {field} is left out: {fault}", err=True)
            written = unreadable(stacks, channels, pixel_size_um, str(fault))
            write_field(out / well_timepoint / f"{image}.ome.tiff", written)
            continue
        written = Field(pixels, tuple(channels), pixel_size_um, tuple(done[name].method for name in channels))
        write_field(out / well_timepoint / f"{image}.ome.tiff", written)
        rows += focus_rows(well, image, done)
    write_table(pd.DataFrame(rows), out / well_timepoint / "focus.parquet", {"Metadata_Timepoint": "h"})


def read_planes(
    table: Path, folder: Path, offset: float = 0.0
) -> tuple[dict[int, dict[str, list[Plane]]], list[str], float | None]:
    """Planes by field and channel, channels in the order of their first plane, and the edge of a pixel."""
    pixel_um: float | None = None
    fields: dict[int, dict[str, list[Plane]]] = {}
    channels: dict[str, None] = {}
    with table.open(newline="", encoding="utf-8") as handle:
        reader = csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise InputError(
                f"{table}: column {', '.join(missing)} is missing; it needs {', '.join(COLUMNS)}"
            )
        for number, row in enumerate(reader, start=2):
            try:
                field, z = int(row["field"]), int(row["z"])
            except (TypeError, ValueError) as fault:
                raise InputError(f"{table}, row {number}: field or z is not a whole number: {row}") from fault
            channels[row["channel"]] = None
            pixel_um = pixel_um or float(row.get("pixel_um") or 0) or None
            path = folder / row["file"]
            source = row.get("source")
            name = f"{source} (staged as {row['file']})" if source else str(path)
            plane = Plane(z, name, partial(read_counts, str(path), row.get("place") or "", name, offset))
            fields.setdefault(field, {}).setdefault(row["channel"], []).append(plane)
    if not fields:
        raise InputError(f"{table}: it lists no plane")
    return fields, list(channels), pixel_um


def read_counts(path: str, place: str, name: str, offset: float) -> npt.NDArray[np.generic]:
    """One plane as counts from 0."""
    return as_counts(read_plane(path, place, name), offset, name)


def unreadable(
    stacks: dict[str, list[Plane]], channels: list[str], pixel_size_um: float | None, fault: str
) -> Field:
    """A field of zeros in the size of its readable planes, with why it could not be read."""
    shapes: list[tuple[int, ...]] = []
    for plane in (plane for name in channels for plane in stacks[name]):
        try:
            shapes.append(plane.read().shape)
        except InputError:  # said already, or a further one of the same field
            continue
    height, width = max(shapes, default=(64, 64))
    pixels = np.zeros((len(channels), height, width), dtype=np.uint16)
    return Field(pixels, tuple(channels), pixel_size_um, fault=fault)


def focus_rows(well: WellKeys, image: str, done: dict[str, Projected]) -> list[dict[str, object]]:
    """Rows of the focus table: one a channel and plane."""
    return [
        {
            **well.columns(image),
            "Channel": channel,
            "Projection": projected.method,
            "Z": z,
            "Focus": figure,
            "Chosen": used,
            "Peak": z == projected.peak,
            "EdgeWarning": projected.edge_warning,
            "MissingShare": missing.share if missing else 0.0,
            "MissingWhat": missing.what if missing else "",
            "MissingAtEdge": missing is not None and missing.at_edge,
        }
        for channel, projected in done.items()
        for z, figure, used, missing in zip(
            projected.z, projected.focus, projected.used, projected.missing, strict=True
        )
    ]


if __name__ == "__main__":
    run_for_wells(main)
