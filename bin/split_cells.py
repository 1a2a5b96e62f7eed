#!/usr/bin/env python3
"""Decide which cells train and which are held out in each fold, and refuse a split that leaks."""

from __future__ import annotations

import json
from pathlib import Path

import click

from morphodose.cli import command
from morphodose.errors import InputError
from morphodose.evaluation.design import EXCLUDABLE, NothingToLearnError, nothing_learned, plan
from morphodose.evaluation.labels import parse_labels, pooled_notes
from morphodose.evaluation.leakage import leakage_rows, refuse_leaks
from morphodose.evaluation.split_table import (
    index_files,
    read_fields,
    read_quality,
    usable_cells,
    write_split,
)
from morphodose.evaluation.splits import SPLITS
from morphodose.files import replacing
from morphodose.platemap import read_plate_map
from morphodose.responses.groups import AUTO, GROUP_HELP
from morphodose.tables import count_rows, write_table
from morphodose.unusable import unusable_channels

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
@click.option(
    "--split",
    type=click.Choice(SPLITS),
    default="auto",
    help="What is held out together; auto: a replicate if there are two or more, else wells.",
)
@click.option("--folds", type=int, default=0, help="Folds; 0: one per replicate, or 3 of wells.")
@click.option(
    "--exclude",
    default="dropped",
    help=f"Crops not to use, separated by commas: {', '.join(EXCLUDABLE)} (the field, by QC); or none.",
)
@click.option(
    "--channels",
    default="",
    help="Channels of the crops, separated by commas: a field in which one is constant counts as dropped.",
)
@click.option("--labels", default="dose,time", help="What is learned: dose, time, or both.")
@click.option("--group_by", default=AUTO, help=GROUP_HELP)
@click.option("--seed", type=click.IntRange(0), default=1, help="Of the splits over wells and over cells.")
@click.option("--out", type=FILE, default="split.parquet", help="One row per crop.")
@click.option("--labels_out", type=FILE, default="labels.json", help="Classes and folds.")
@click.option("--leakage_out", type=FILE, default="leakage.parquet", help="One row per split and fold.")
def main(
    crops: tuple[Path, ...],
    plate_map: Path,
    images: tuple[Path, ...],
    split: str,
    folds: int,
    exclude: str,
    channels: str,
    labels: str,
    group_by: str,
    seed: int,
    out: Path,
    labels_out: Path,
    leakage_out: Path,
) -> None:
    """Write the fold, labels and usability of every crop, the classes, and the leakage table."""
    import pandas as pd

    files = index_files(crops)
    verdicts = read_quality(images, unusable_channels(channels)) if images else None
    wells = read_plate_map(plate_map)
    fields = read_fields(files, wells, verdicts)
    try:
        design = plan(fields, parse_labels(labels), parse_exclude(exclude), split, folds, seed)
    except NothingToLearnError as fault:
        # the rest of the run has its results all the same
        design = nothing_learned(fields, str(fault))
    imaged = {(entry.unit.plate, entry.unit.well) for entry in fields}
    design.notes += pooled_notes(wells, imaged, group_by) if design.trained else []
    rows = refuse_leaks(design.field_counts(fields), design.split.kind)
    at_random = write_split(files, fields, design, seed, out)
    write_table(pd.DataFrame([*rows, *leakage_rows(at_random, "random cells", contrast=True)]), leakage_out)
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


def parse_exclude(text: str) -> tuple[str, ...]:
    """``padded,dropped`` as a tuple; ``none`` as an empty one."""
    given = tuple(part.strip() for part in text.split(",") if part.strip() not in ("", "none"))
    unknown = [part for part in given if part not in EXCLUDABLE]
    if unknown:
        expected = ", ".join(EXCLUDABLE)
        raise InputError(
            f"--exclude {unknown[0]!r}: expected some of {expected}, separated by commas, or none"
        )
    return given


if __name__ == "__main__":
    main()
