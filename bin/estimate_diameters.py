#!/usr/bin/env python3
"""Estimate the diameters of cells and nuclei once for a screen, on a sample of its fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from morphodose.cli import command, keys_option, out_option, threads_option, use_gpu_option
from morphodose.devices import choose_device
from morphodose.errors import InputError
from morphodose.files import replacing
from morphodose.keys import folder_keys
from morphodose.options.flags import takes
from morphodose.segmentation.common import Kind
from morphodose.segmentation.diameter_table import (
    complaints,
    diameters_of,
    estimate_plates,
    kinds_of,
    known_diameters,
    sample_fields,
)
from morphodose.segmentation.load import limit_threads, load_engine
from morphodose.segmentation.schemas import DIAMETERS
from morphodose.steps.estimate_diameters import STEP
from morphodose.tables import write_as

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@command
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@keys_option
@click.option("--weights", required=True, type=FILE, help="Weights for the cells, of stage_weights.py.")
@click.option("--nuclei_weights", type=FILE, help="Weights for the nuclei; by default those of the cells.")
@takes(STEP.options)
@use_gpu_option
@threads_option
@out_option
def main(folders: tuple[Path, ...], keys: str, weights: Path, out: Path, **options: Any) -> None:
    """Estimate from the fields of the folders <id>/ (of project_z.py), a few of each plate.

    Written are diameters.parquet (one row per plate and kind of object) and diameters.json: by plate, those
    for segment_cells.py and, under "known", those for qc_images.py, without what is only a guess. Give the
    folders of healthy wells: vehicle, at all times.
    """
    wells = dict(zip(folders, folder_keys(folders, keys), strict=True))
    device = choose_device(options["use_gpu"])
    limit_threads(options["threads"])
    channels = (options["cell_channel"], options["nuclear_channel"])
    kinds = kinds_of(options["cell_method"], channels)
    if not kinds:
        raise InputError(f"--cell_method {options['cell_method']}: name the channel that it segments")
    nuclei_weights = options["nuclei_weights"] or weights
    files: dict[Kind, Path] = {"cells": weights, "nuclei": nuclei_weights}
    engines = {kind: load_engine(files[kind], device) for kind in kinds}
    given: dict[Kind, float] = {"cells": options["diameter"], "nuclei": options["nuclear_diameter"]}
    table = estimate_plates(sample_fields(wells), engines, channels, given)
    write_as(DIAMETERS, table, out / "diameters.parquet")
    known = known_diameters(table)
    of_plates = {plate: {**used, "known": known[plate]} for plate, used in diameters_of(table).items()}
    with replacing(out / "diameters.json") as temporary:
        temporary.write_text(json.dumps(of_plates, indent=1) + "\n", encoding="utf-8")
    for row in table.itertuples():
        spread = f" ({row.Diameter_Low:.0f} to {row.Diameter_High:.0f})" if row.Count_Objects else ""
        click.echo(f"{row.Metadata_Plate}, {row.Object}: {row.Diameter:g} px{spread}, {row.State}")
    for line in complaints(table):
        click.echo(line, err=True)


if __name__ == "__main__":
    main()
