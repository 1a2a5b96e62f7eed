#!/usr/bin/env python3
"""Project the z-stacks of some well-timepoints: one OME-TIFF per field, and the focus curves."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from morphodose.cli import command, keys_option, out_option
from morphodose.errors import InputError
from morphodose.imaging.images import Field, write_field
from morphodose.imaging.projection import Plane, Projected, project, stack_channels
from morphodose.imaging.projection_methods import parse_projection
from morphodose.imaging.schemas import FOCUS
from morphodose.keys import WellKeys, read_keys
from morphodose.options.flags import takes
from morphodose.reading.pixels import as_counts, read_plane
from morphodose.steps.project_z import STEP
from morphodose.tables import write_as

COLUMNS = ("id", "file", "field", "z", "channel")


@command
@click.option(
    "--planes",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TSV with the columns id, file, field, z, channel, and optionally place (of the plane in the file), "
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
@out_option
def main(
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
    stacks = read_planes(planes, planes_dir, intensity_offset)
    for well in read_keys(keys):
        if well.id not in stacks:
            raise InputError(f"{planes}: it lists no plane of {well.id}")
        found = stacks[well.id]
        methods = parse_projection(projection, list(found.channels), brightfield_channel or None)
        size = pixel_size_um or found.pixel_um
        project_well(well, found, methods, size, on_fault == "tolerant", planes, out / well.id)


def project_well(
    well: WellKeys,
    found: Stacks,
    methods: Mapping[str, str],
    pixel_size_um: float | None,
    tolerant: bool,
    table: Path,
    out: Path,
) -> None:
    """Project the fields of one well-timepoint; `table` is only named in messages."""
    fields, channels = found.fields, list(found.channels)
    rows: list[dict[str, object]] = []
    for position, (field, stacks) in enumerate(sorted(fields.items()), start=1):
        image = well.image(field)
        click.echo(f"{well.id}: field {position} of {len(fields)}")
        missing = [name for name in channels if name not in stacks]
        if missing:
            raise InputError(f"{table}: field {field} has no plane of channel {', '.join(missing)}")
        try:
            done = {name: project(stacks[name], methods[name]) for name in channels}
            pixels = stack_channels(done)
        except InputError as fault:
            if not tolerant:
                raise
            click.echo(f"{well.id}: field {field} is left out: {fault}", err=True)
            written = unreadable(stacks, channels, pixel_size_um, str(fault))
            write_field(out / f"{image}.ome.tiff", written)
            continue
        written = Field(pixels, tuple(channels), pixel_size_um, tuple(done[name].method for name in channels))
        write_field(out / f"{image}.ome.tiff", written)
        rows += focus_rows(well, image, done)
    write_as(FOCUS, rows, out / "focus.parquet")


@dataclass
class Stacks:
    """The planes of one well-timepoint.

    Attributes
    ----------
    fields : dict
        Field → channel → its planes.
    channels : dict
        Names, in the order of their first plane.
    pixel_um : float or None
        Edge of a pixel, by the metadata.
    """

    fields: dict[int, dict[str, list[Plane]]] = dataclasses.field(default_factory=dict)
    channels: dict[str, None] = dataclasses.field(default_factory=dict)
    pixel_um: float | None = None


def read_planes(table: Path, folder: Path, offset: float = 0.0) -> dict[str, Stacks]:
    """The planes of each well-timepoint that a table lists."""
    wells: dict[str, Stacks] = {}
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
            well = wells.setdefault(row["id"], Stacks())
            well.channels[row["channel"]] = None
            well.pixel_um = well.pixel_um or float(row.get("pixel_um") or 0) or None
            path = folder / row["file"]
            source = row.get("source")
            name = f"{source} (staged as {row['file']})" if source else str(path)
            plane = Plane(z, name, partial(read_counts, str(path), row.get("place") or "", name, offset))
            well.fields.setdefault(field, {}).setdefault(row["channel"], []).append(plane)
    return wells


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
    """Rows of the focus table: one per channel and plane."""
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
            "MissingFewLines": missing is not None and missing.few_lines,
        }
        for channel, projected in done.items()
        for z, figure, used, missing in zip(
            projected.z, projected.focus, projected.used, projected.missing, strict=True
        )
    ]


if __name__ == "__main__":
    main()
