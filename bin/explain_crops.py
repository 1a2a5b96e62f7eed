#!/usr/bin/env python3
"""A gallery: examples of each dose and time, and what is nearest the centre of each class, with Grad-CAM."""

from __future__ import annotations

from pathlib import Path

import click
import torch

from morphodose.cli import command, threads_option, use_gpu_option
from morphodose.deep.centres import class_centres, nearest_cells
from morphodose.deep.data import shard_paths
from morphodose.deep.gallery import Gallery, crop_display, draw_examples, draw_nearest
from morphodose.deep.network_set import read_networks
from morphodose.deep.schemas import GALLERY
from morphodose.devices import choose_device
from morphodose.evaluation.split_files import read_labels_json
from morphodose.files import find_files
from morphodose.options.flags import takes
from morphodose.steps.explain_crops import STEP
from morphodose.tables import write_as
from morphodose.units import unit_words

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@command
@takes(STEP.options)
@click.option("--crops", required=True, type=FOLDER, help="Folder of the shards (<well-timepoint>.arrow).")
@click.option("--split", required=True, type=FILE, help="split.parquet of split_cells.")
@click.option("--labels", required=True, type=FILE, help="labels.json of split_cells.")
@click.option(
    "--networks", required=True, type=FOLDER, help="Folder with trained_fold<k>.json, .safetensors."
)
@click.option("--embeddings", required=True, type=FOLDER, help="Tables of embed_cells, of the trained kind.")
@click.option(
    "--count", default=8, type=click.IntRange(1, 40), help="Number of crops nearest the centre of a class."
)
@click.option(
    "--examples", default=3, type=click.IntRange(1, 10), help="Number of crops of each dose and time."
)
@click.option("--seed", default=0, help="Random seed for the choice of examples.")
@threads_option
@use_gpu_option
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of PNGs."
)
@click.option(
    "--table_out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Parquet: one row per PNG.",
)
def main(
    crops: Path,
    split: Path,
    labels: Path,
    networks: Path,
    embeddings: Path,
    count: int,
    examples: int,
    seed: int,
    threads: int,
    use_gpu: bool,
    out: Path,
    table_out: Path,
) -> None:
    """Draw <out>/examples_<n>.png, dose_<i>.png and time_<i>.png.

    All crops are shown on one scale of intensity, from the vehicle cells of the screen, and in a window of
    one size. Saliency is that of the network that was not trained on the cell.
    """
    device = choose_device(use_gpu)
    if threads:
        torch.set_num_threads(threads)
    found = read_networks("trained", networks, device)
    known = read_labels_json(labels).classes
    classes = {label: list(one.names) for label, one in known.items()}
    units = {label: unit_words(one.unit) for label, one in known.items()}
    settings = crop_display(split, crops, seed)
    gallery = Gallery(split, shard_paths([crops]), found, device, settings, units)
    rows = draw_examples(gallery, classes, examples, seed, out)
    tables = find_files(embeddings, "*_embeddings.parquet")
    for label, names in found.recipe.classes.items():
        title = label.capitalize()
        near = nearest_cells(tables, title, class_centres(tables, title, names), count)
        for number, name in enumerate(names):
            if near.get(name):
                rows.append(draw_nearest(gallery, label, number, near[name], out))
            click.echo(f"{label} {number + 1} of {len(names)}, {name}: {len(near.get(name, []))} crops")
    write_as(GALLERY, rows, table_out)


if __name__ == "__main__":
    main()
