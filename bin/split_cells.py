#!/usr/bin/env python3
"""Decide which cells train and which are held out in each fold, and refuse a split that leaks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click

from morphodose.cells.unusable import unusable_channels
from morphodose.cli import command
from morphodose.evaluation.labels import groups_of, parse_labels
from morphodose.evaluation.leakage import leakage_rows, refuse_leaks
from morphodose.evaluation.learning_plan import NothingToLearnError, nothing_learned, parse_exclude, plan
from morphodose.evaluation.schemas import LEAKAGE
from morphodose.evaluation.split_table import (
    imaged_wells,
    index_files,
    read_fields,
    read_quality,
    usable_cells,
    write_split,
)
from morphodose.files import replacing
from morphodose.options.flags import takes
from morphodose.platemap import read_plate_map
from morphodose.steps.split_cells import STEP
from morphodose.tables import count_rows, write_as

EXISTING = click.Path(exists=True, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


@command
@click.option(
    "--crops",
    required=True,
    multiple=True,
    type=EXISTING,
    help="Folder with the indexes of crop_cells (<id>_crops.parquet), or a file; may be given again.",
)
@click.option("--plate_map", required=True, type=EXISTING, help="plate_map.csv of check_design.")
@click.option(
    "--images",
    multiple=True,
    type=EXISTING,
    help="Tables of images (annotate_cells), for the verdicts of QC.",
)
@takes(STEP.options)
@click.option("--labels", default="dose,time", help="What is learned: dose, time, or both.")
@click.option(
    "--seed", type=click.IntRange(0), default=1, help="Random seed for the splits over wells and over cells."
)
@click.option("--out", type=FILE, default="split.parquet", help="One row per crop.")
@click.option("--labels_out", type=FILE, default="labels.json", help="Classes and folds.")
@click.option("--leakage_out", type=FILE, default="leakage.parquet", help="One row per split and fold.")
def main(
    crops: tuple[Path, ...],
    plate_map: Path,
    images: tuple[Path, ...],
    split: str,
    split_folds: int | None,
    exclude_crops: str,
    crop_channels: str,
    brightfield_channel: str,
    labels: str,
    group_by: str,
    seed: int,
    out: Path,
    labels_out: Path,
    leakage_out: Path,
) -> None:
    """Write the fold, labels and usability of every crop, the classes, and the leakage table."""
    files = index_files(crops)
    verdicts = (
        read_quality(images, unusable_channels(crop_channels or brightfield_channel)) if images else None
    )
    wells = read_plate_map(plate_map)
    fields = read_fields(files, wells, verdicts)
    imaged = {(entry.unit.plate, entry.unit.well) for entry in fields}
    groups, notes = groups_of(wells, imaged, group_by)
    fields = [
        replace(
            entry, content=replace(entry.content, group=groups.get((entry.unit.plate, entry.unit.well), ""))
        )
        for entry in fields
    ]
    try:
        design = plan(
            fields,
            parse_labels(labels),
            parse_exclude(exclude_crops),
            split,
            split_folds or 0,
            seed,
            imaged_wells(images),
        )
    except NothingToLearnError as fault:
        # the rest of the run has its results all the same
        design = nothing_learned(fields, str(fault))
    design.notes += notes if design.trained else []
    rows = refuse_leaks(design.field_counts(fields), design.split.kind)
    at_random = write_split(files, fields, design, seed, out)
    write_as(LEAKAGE, [*rows, *leakage_rows(at_random, "random cells", contrast=True)], leakage_out)
    total, used = count_rows(files), usable_cells(fields, design)
    with replacing(labels_out) as temporary:
        text = json.dumps(design.labels_json(total, used), indent=2, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    for note in design.notes:
        click.echo(note, err=True)
    click.echo(
        f"{total} crops, {used} usable, {len(design.split.names)} folds by {design.split.kind}; "
        f"learned: {', '.join(design.trained) or 'nothing'}",
        err=True,
    )


if __name__ == "__main__":
    main()
