#!/usr/bin/env python3
"""Segment cells and nuclei of a shard of well-timepoints with Cellpose; weights are loaded once."""

from __future__ import annotations

import filecmp
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import pandas as pd

from morphodose.cli import command, keys_option, out_option, threads_option, use_gpu_option
from morphodose.devices import choose_device
from morphodose.imaging.images import read_field, write_labels
from morphodose.keys import WellKeys, field_images, folder_keys
from morphodose.options.flags import takes
from morphodose.segmentation.common import Kind, MaskThresholds, Segmenter
from morphodose.segmentation.diameter_table import (
    complaints,
    diameters_of,
    estimate_plates,
    kinds_of,
    sample_fields,
)
from morphodose.segmentation.load import limit_threads, load_engine
from morphodose.segmentation.objects import object_table, object_units
from morphodose.segmentation.overlay import overlay, write_png
from morphodose.segmentation.schemas import FIELDS, OBJECTS
from morphodose.segmentation.well import Images, SegmentationSettings, WellSegmentation
from morphodose.steps.segment_cells import STEP
from morphodose.tables import write_as

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@command
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@keys_option
@click.option(
    "--weights",
    required=True,
    type=FILE,
    help="Weights for the cells, staged by stage_weights.py: of this project or of Cellpose 3, or, where "
    "Cellpose 4 is installed, of Cellpose-SAM (trained in part on non-commercial data).",
)
@click.option("--nuclei_weights", type=FILE, help="Weights for the nuclei; by default those of the cells.")
@takes(STEP.options)
@click.option(
    "--flow_threshold",
    default=0.4,
    type=click.FloatRange(min=0),
    help="Flow error above which a mask of Cellpose is left out; 0: none are left out.",
)
@click.option(
    "--cellprob_threshold", default=0.0, help="Output of the network above which a pixel is part of a cell."
)
@click.option(
    "--min_nucleus_area_px", default=15, type=click.IntRange(min=1), help="Area of the smallest nucleus, px²."
)
@use_gpu_option
@click.option(
    "--batch_size",
    default=0,
    type=click.IntRange(min=0),
    help="Tiles per batch; 0: 8 on a GPU and 1 on a CPU.",
)
@threads_option
@out_option
def main(folders: tuple[Path, ...], keys: str, out: Path, **options: Any) -> None:
    """Segment the fields of each folder <id>/ (of project_z.py) into <out>/<id>/.

    For each field: <ImageID>_cells.tif, <ImageID>_nuclei.tif, <ImageID>_overlay.png; for the
    well-timepoint: objects.parquet (one row per cell) and fields.parquet (one row per field).
    """
    wells = dict(zip(folders, folder_keys(folders, keys), strict=True))
    device = choose_device(options["use_gpu"])
    limit_threads(options["threads"])
    engine = load_engine(options["weights"], device, options["batch_size"])
    nuclei_weights = options["nuclei_weights"] or options["weights"]
    same = filecmp.cmp(nuclei_weights, options["weights"], shallow=False)
    nuclei_engine = engine if same else load_engine(nuclei_weights, device, options["batch_size"])
    flow, probability = options["flow_threshold"], options["cellprob_threshold"]
    settings = SegmentationSettings(
        method=options["cell_method"],
        diameter=options["diameter"],
        nuclei_diameter=options["nuclear_diameter"],
        expand_px=options["expand_px"],
        cells=MaskThresholds(flow, probability, options["min_area_px"]),
        nuclei=MaskThresholds(flow, probability, options["min_nucleus_area_px"]),
    )
    channels = (options["cell_channel"], options["nuclear_channel"])
    sizes = plate_diameters(wells, channels, engine, nuclei_engine, settings)
    for position, (folder, well) in enumerate(wells.items(), start=1):
        begin = time.perf_counter()
        known = replace(settings, **sizes[well.plate])
        cells = segment_folder(folder, well, channels, engine, nuclei_engine, known, out / well.id)
        seconds = time.perf_counter() - begin
        click.echo(f"well {position} of {len(wells)}, {well.id}: {cells} cells, {seconds:.1f} s on {device}")


def plate_diameters(
    wells: Mapping[Path, WellKeys],
    channels: tuple[str, str],
    engine: Segmenter,
    nuclei_engine: Segmenter,
    settings: SegmentationSettings,
) -> dict[str, dict[str, float]]:
    """Plate → the diameters among the settings; what is not given is estimated from all the folders."""
    engines: dict[Kind, Segmenter] = {"cells": engine, "nuclei": nuclei_engine}
    given: dict[Kind, float] = {"cells": settings.diameter, "nuclei": settings.nuclei_diameter}
    kinds = kinds_of(settings.method, channels)
    found = {well.plate: dict(given) for well in wells.values()}
    if any(engines[kind].needs_diameter and not given[kind] for kind in kinds):
        of_kinds = {kind: engines[kind] for kind in kinds}
        table = estimate_plates(sample_fields(wells), of_kinds, channels, given)
        found = diameters_of(table)
        for line in complaints(table):
            click.echo(line, err=True)
    return {plate: {"diameter": of["cells"], "nuclei_diameter": of["nuclei"]} for plate, of in found.items()}


def segment_folder(
    folder: Path,
    well: WellKeys,
    channels: tuple[str, str],
    engine: Segmenter,
    nuclei_engine: Segmenter,
    settings: SegmentationSettings,
    out: Path,
) -> int:
    """Segment and write the fields of one well-timepoint; the number of cells kept."""
    begin, writing = time.perf_counter(), 0.0
    files = field_images(folder, well.id)
    readers = [partial(read_images, path, channels) for path in files.values()]
    segmented = WellSegmentation(readers, engine, nuclei_engine, settings)
    tables, rows, pixel_sizes = [], [], []
    for image, (images, found) in zip(files, segmented, strict=True):
        started = time.perf_counter()
        keys = well.columns(image)
        write_labels(out / f"{image}_cells.tif", found.cells)
        write_labels(out / f"{image}_nuclei.tif", found.nuclei)
        picture = overlay(images.cell, images.nuclear, found.cells, found.nuclei, found.left_out)
        write_png(out / f"{image}_overlay.png", picture)
        tables.append(
            object_table(found.cells, keys, found.nuclei_counts, found.origins, images.pixel_size_um)
        )
        pixel_sizes.append(images.pixel_size_um)
        rows.append({**keys, **found.summary()})
        writing += time.perf_counter() - started
    seconds = (time.perf_counter() - begin - writing) / len(rows)
    fields = pd.DataFrame(rows).assign(
        Diameter=segmented.diameter, NucleiDiameter=segmented.nuclei_diameter, Seconds=seconds
    )
    objects = pd.concat(tables, ignore_index=True)
    write_as(OBJECTS, objects, out / "objects.parquet", object_units(pixel_sizes[0]))
    write_as(FIELDS, fields, out / "fields.parquet")
    return len(objects)


def read_images(path: Path, channels: tuple[str, str]) -> Images:
    """The images of a field that are segmented, no others."""
    field = read_field(path, [name for name in channels if name] or None)
    cell, nuclear = (field.channel(name) if name else None for name in channels)
    return Images(cell, nuclear, field.pixel_size_um)


if __name__ == "__main__":
    main()
