#!/usr/bin/env python3
"""Judge every field of one well-timepoint: figures a channel, and keep, flag or drop with the reason."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from morphodose.cli import id_option, images_option, keys_option, run_for_wells, well_command
from morphodose.errors import InputError
from morphodose.images import read_field
from morphodose.keys import field_images, parse_keys
from morphodose.quality import UNITS, Thresholds, field_figures, judge
from morphodose.tables import write_table

DEFAULT = Thresholds()


@well_command
@id_option
@images_option
@keys_option
@click.option("--nuclear_channel", default="", help="Judged for focus, saturation, emptiness; '' for none.")
@click.option("--cell_channel", default="", help="Judged for saturation, emptiness, focus without nuclei.")
@click.option("--brightfield_channel", default="", help="Not a stain: nothing is looked for in it.")
@click.option(
    "--diameter", type=float, default=0.0, help="Cell diameter in px; 0: unknown, defocus only flags."
)
@click.option("--edge_flag", type=float, default=DEFAULT.edge_flag, help="Edge width / cell diameter.")
@click.option("--edge_drop", type=float, default=DEFAULT.edge_drop, help="Edge width / cell diameter.")
@click.option("--saturated_flag", type=float, default=DEFAULT.saturated_flag, help="Per cent of the pixels.")
@click.option("--saturated_drop", type=float, default=DEFAULT.saturated_drop, help="Per cent of the pixels.")
@click.option("--coverage_flag", type=float, default=DEFAULT.coverage_flag, help="Per cent; less is empty.")
@click.option("--debris_flag", type=float, default=DEFAULT.debris_flag, help="Per cent; more is debris.")
@click.option(
    "--edge_cell_flag",
    type=float,
    default=DEFAULT.edge_cell_flag,
    help="Edge width of another stain / cell diameter, where no channel is nuclear.",
)
@click.option(
    "--background_flag",
    type=float,
    default=DEFAULT.background_flag,
    help="Per cent of the camera's range that the background of a stain may take.",
)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Parquet file.")
def main(
    well_timepoint: str,
    images: Path,
    keys: str,
    nuclear_channel: str,
    cell_channel: str,
    brightfield_channel: str,
    diameter: float,
    edge_flag: float,
    edge_drop: float,
    saturated_flag: float,
    saturated_drop: float,
    coverage_flag: float,
    debris_flag: float,
    edge_cell_flag: float,
    background_flag: float,
    out: Path,
) -> None:
    """Write one row a field: keys, ImageQuality_<Figure>_<Channel>, Metadata_QCVerdict, Metadata_QCReason."""
    import pandas as pd

    well = parse_keys(well_timepoint, keys)
    limits = Thresholds(
        edge_flag=edge_flag,
        edge_drop=edge_drop,
        saturated_flag=saturated_flag,
        saturated_drop=saturated_drop,
        coverage_flag=coverage_flag,
        debris_flag=debris_flag,
        edge_cell_flag=edge_cell_flag,
        background_flag=background_flag,
    )
    paths = field_images(images, well_timepoint)
    rows: list[dict[str, object]] = []
    units = {"Metadata_Timepoint": "h"}
    for position, (image, path) in enumerate(paths.items(), start=1):
        field = read_field(path)
        for option, name in (("nuclear_channel", nuclear_channel), ("cell_channel", cell_channel)):
            if name and name not in field.channels:
                raise InputError(f"--{option} {name!r} is not in {path}; it has {', '.join(field.channels)}")
        figures = field_figures(field, brightfield_channel or None)
        found = judge(figures, nuclear_channel or None, cell_channel or None, diameter, limits)
        verdict = {"Metadata_QCVerdict": found.verdict, "Metadata_QCReason": found.reason}
        columns = {
            f"ImageQuality_{name}_{channel}": value
            for channel, values in figures.items()
            for name, value in values.items()
        }
        rows.append({**well.columns(image), **verdict, **columns})
        units |= {name: UNITS[kind] for name in columns if (kind := name.split("_")[1]) in UNITS}
        said = f"{well_timepoint}: field {position} of {len(paths)}: {found.verdict} {found.reason}"
        click.echo(said.rstrip(), file=sys.stderr)
    write_table(pd.DataFrame(rows), out, units)


if __name__ == "__main__":
    run_for_wells(main)
