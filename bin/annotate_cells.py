#!/usr/bin/env python3
"""Join the measurements of an acquisition with plate map, death states and QC: tables of cells and images."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import pyarrow.parquet as pq

from morphodose.cells.annotate import (
    ABOUT_STATES,
    FIELD_KEYS,
    ORIGIN,
    VERDICT,
    Lookup,
    annotate_cells,
    image_table,
    lacking_columns,
    read_frames,
    read_lookup,
)
from morphodose.cells.schemas import CELLS, IMAGES
from morphodose.cells.unusable import read_unusable
from morphodose.cli import command
from morphodose.death.states import STATE
from morphodose.errors import InputError
from morphodose.options.flags import takes
from morphodose.platemap import read_plate_map
from morphodose.steps.annotate_cells import STEP
from morphodose.tables import LACKING, parquet_files, write_as

#: Figures of quality that every channel has.
SPREAD = "ImageQuality_Spread_"
EXISTING = click.Path(exists=True, path_type=Path)


@command
@takes(STEP.options)
@click.option(
    "--measurements",
    required=True,
    multiple=True,
    type=EXISTING,
    help="Folder with the tables of measure_cells (<id>.parquet), or a file; may be given again.",
)
@click.option("--plate_map", required=True, type=EXISTING, help="plate_map.csv of check_design.")
@click.option("--masks", type=EXISTING, help="Folder of segment_cells, with <id>/{fields,objects}.parquet.")
@click.option("--qc", type=EXISTING, help="Folder with the tables of qc_images.")
@click.option("--death", type=EXISTING, help="<acquisition>_death.parquet of call_death.")
@click.option(
    "--cells_out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the tables of cells.",
)
@click.option(
    "--images_out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Table of images to write.",
)
def main(
    measurements: tuple[Path, ...],
    plate_map: Path,
    masks: Path | None,
    qc: Path | None,
    death: Path | None,
    cells_out: Path,
    images_out: Path,
) -> None:
    """Write CELLS_OUT/<id>.parquet, one for each table of measurements, and IMAGES_OUT, one row per field."""
    files = [file for entry in measurements for file in parquet_files(entry)]
    if not files:
        raise InputError(f"no Parquet file in {', '.join(map(str, measurements))}")
    wells = read_plate_map(plate_map)
    states = read_lookup(death, "Metadata_CellID", STATE) if death else None
    said = set(pq.read_schema(death).names) & set(ABOUT_STATES) if death else set()
    about = {name: read_lookup(str(death), "Metadata_CellID", name) for name in ABOUT_STATES if name in said}
    origins = read_lookup(masks, "Metadata_CellID", ORIGIN, "objects.parquet") if masks else None
    fields, quality = read_frames(masks, "fields.parquet"), read_frames(qc, "*.parquet")
    verdicts: Lookup | None = None
    unusable: dict[str, tuple[str, ...]] = {}
    channels: list[str] = []
    if qc is not None and quality is not None:
        verdicts = read_lookup(qc, "Metadata_ImageID", VERDICT)
        unusable, _dropped = read_unusable(qc)
        channels = [
            name.removeprefix(SPREAD) for name in map(str, quality.columns) if name.startswith(SPREAD)
        ]
    measured: dict[str, dict[str, Any]] = {}
    for position, file in enumerate(files, start=1):
        # one file at a time: a screen's cells do not fit in memory
        table = annotate_cells(
            pq.ParquetFile(file).read(), wells, states, verdicts, unusable, channels, about, origins
        )
        write_as(CELLS, table, cells_out / file.name)
        lacking = json.loads((pq.read_schema(file).metadata or {}).get(LACKING, b"{}"))
        for row in table.select(list(FIELD_KEYS)).group_by(list(FIELD_KEYS)).aggregate([]).to_pylist():
            measured[row["Metadata_ImageID"]] = row | lacking_columns(
                lacking.get(row["Metadata_ImageID"], {})
            )
        click.echo(f"well {position} of {len(files)}: {file.stem}, {table.num_rows} cells", file=sys.stderr)
    write_as(IMAGES, image_table(measured, fields, quality, wells), images_out)


if __name__ == "__main__":
    main()
