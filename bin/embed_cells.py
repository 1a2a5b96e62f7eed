#!/usr/bin/env python3
"""Embed the crops of a shard of well-timepoints: one Parquet file each, every cell by a network new to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch

from morphodose.cli import command, threads_option, use_gpu_option
from morphodose.crops.shard import CropShard
from morphodose.deep.data import CropDataset, crop_loader, shard_paths
from morphodose.deep.embedding_table import KEYS, embedding_writer
from morphodose.deep.extract import Extracted, RunBatches, extract
from morphodose.deep.network_set import KINDS, NetworkSet, read_networks
from morphodose.deep.recipe import Recipe
from morphodose.deep.rotation import Alignment, read_alignment
from morphodose.devices import choose_device
from morphodose.errors import InputError
from morphodose.evaluation.split_files import split_rows
from morphodose.options.flags import takes
from morphodose.steps.embed_cells import STEP

LABELS = ("Dose", "Time")
#: What is held in memory of every cell of the task; the rest is read when its shard is written.
NARROW = ("Crop_Shard", "Crop_Row", "Fold", "Metadata_CellID", "Label_Dose", "Label_Time")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@command
@takes(STEP.options)
@click.option("--crops", required=True, type=FOLDER, help="Folder of the shards (<well-timepoint>.arrow).")
@click.option("--split", required=True, type=FILE, help="split.parquet of split_cells.")
@click.option("--kind", required=True, type=click.Choice(KINDS), help="Which network.")
@click.option(
    "--networks",
    required=True,
    type=FOLDER,
    help="Folder with trained_fold<k>.json and .safetensors of all folds; the other kinds read a JSON alone.",
)
@click.option("--alignment", type=FILE, help="Rotations of align_networks, for the trained networks.")
@click.option("--imagenet_weights", type=FILE, help="State dict of torchvision, .pth or .safetensors.")
@click.option(
    "--batch_size",
    default=0,
    type=click.IntRange(0),
    help="Crops per batch; 0: 256 on a GPU and 32 on a CPU.",
)
@click.option("--workers", default=0, type=click.IntRange(0), help="Processes that read crops ahead.")
@threads_option
@use_gpu_option
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Output folder.")
def main(
    crops: Path,
    split: Path,
    kind: str,
    networks: Path,
    alignment: Path | None,
    imagenet_weights: Path | None,
    batch_size: int,
    workers: int,
    threads: int,
    use_gpu: bool,
    out: Path,
) -> None:
    """Write <out>/<well-timepoint>_embeddings.parquet for each shard of crops in a folder.

    All crops are embedded, those that are not usable too. A cell goes through the network of the fold that
    held it out. With an alignment, embeddings of all folds are in the axes of the first.
    """
    device = choose_device(use_gpu)
    if threads:
        torch.set_num_threads(threads)
    found = read_networks(kind, networks, device, imagenet_weights)
    turned = read_alignment(alignment) if alignment and kind == "trained" else None
    embed(shard_paths([crops]), split, found, turned, device, out, batch_size, workers)


def embed(
    shards: dict[str, Path],
    split: Path,
    networks: NetworkSet,
    turned: Alignment | None,
    device: torch.device,
    out: Path,
    batch_size: int = 0,
    workers: int = 0,
) -> None:
    """Write the table of each shard; what is held in memory of a cell is some numbers."""
    counts = {name: len(CropShard(path)) for name, path in shards.items()}
    extra = extra_columns(networks)
    for name in (name for name, count in counts.items() if not count):
        with embedding_writer(out / file_name(name), networks.recipe.embedding_size, extra):
            pass
    filled = [name for name, count in counts.items() if count]
    if not filled:
        click.echo(f"no cell in {len(shards)} wells")
        return
    rows = sorted_rows(split, {name: counts[name] for name in filled})
    groups = (rows["Crop_Shard"].ne(rows["Crop_Shard"].shift()) | rows["Fold"].diff().ne(0)).cumsum()
    batches = RunBatches(groups.to_numpy(), batch_size or (256 if device.type == "cuda" else 32))
    dataset = CropDataset(rows, shards, networks.recipe)
    loader = crop_loader(dataset, batches, workers, pin=device.type == "cuda")
    folds = rows["Fold"].to_numpy()
    del rows
    names, codes = [path.name for path in dataset.paths], dataset.codes
    results = extract(loader, folds, networks, device, turned)
    begin = time.perf_counter()
    for position, (code, parts) in enumerate(
        groupby(results, lambda part: int(codes[part.rows[0]])), start=1
    ):
        name = names[code]
        write_shard(out / file_name(name), parts, shard_rows(split, name), networks, extra)
        now = time.perf_counter()
        click.echo(
            f"well {position} of {len(filled)}, {Path(name).stem}: {counts[name]} cells, {now - begin:.1f} s "
            f"on {device} ({counts[name] / (now - begin):.0f} a second)"
        )
        begin = now


def file_name(shard: str) -> str:
    """Name of the table of a shard."""
    return f"{Path(shard).stem}_embeddings.parquet"


def extra_columns(networks: NetworkSet) -> list[str]:
    """Columns beside keys and embedding: fold and use of the cell, and what trained networks say of it."""
    columns = ["Fold", "Usable"]
    recipe = networks.recipe
    if networks.single:
        return columns
    columns += [f"True_{label}" for label in LABELS]
    columns += [f"Predicted_{label.capitalize()}" for label in recipe.classes]
    if recipe.head == "multilabel":
        columns += [f"Called_{label.capitalize()}" for label in recipe.classes]
    for label, classes in recipe.classes.items():
        columns += [f"Probability_{label.capitalize()}_{name}" for name in classes]
    return columns


def sorted_rows(split: Path, counts: dict[str, int]) -> pd.DataFrame:
    """Rows of the split for some shards, by shard, fold and row; as many of each shard as it has crops."""
    rows = split_rows(split, NARROW, counts)
    here = rows["Crop_Shard"].value_counts()
    wrong = [name for name, count in counts.items() if here.get(name, 0) != count]
    if wrong:
        raise InputError(
            f"{wrong[0]}: {counts[wrong[0]]} crops, but {here.get(wrong[0], 0)} rows in {split}; split the "
            "cells again (split_cells)"
        )
    return rows.sort_values(["Crop_Shard", "Fold", "Crop_Row"], ignore_index=True)


def shard_rows(split: Path, shard: str) -> pd.DataFrame:
    """All that is written of the cells of a shard, in the order of `sorted_rows`."""
    columns = [*KEYS, "Fold", "Usable", *(f"Label_{label}" for label in LABELS), "Crop_Row"]
    rows = split_rows(split, columns, [shard]).sort_values(["Fold", "Crop_Row"], ignore_index=True)
    return rows.rename(columns={f"Label_{label}": f"True_{label}" for label in LABELS})


def write_shard(
    path: Path,
    parts: Iterator[Extracted],
    rows: pd.DataFrame,
    networks: NetworkSet,
    extra: list[str],
) -> None:
    """Write the table of one shard, batch by batch as they come."""
    recipe = networks.recipe
    done = 0
    with embedding_writer(path, recipe.embedding_size, extra) as writer:
        for part in parts:
            here = rows.iloc[done : done + len(part.rows)]
            columns = {name: here[name] for name in here if name in KEYS or name in extra}
            writer.write(columns | said(part, recipe), part.embeddings)
            done += len(here)


def said(part: Extracted, recipe: Recipe) -> dict[str, np.ndarray]:
    """Columns of what the network says: classes by name, probabilities."""
    columns: dict[str, np.ndarray] = {}
    for label, found in part.probabilities.items():
        names = np.array(recipe.classes[label], dtype=object)
        title = label.capitalize()
        columns[f"Predicted_{title}"] = names[part.predicted[label]]
        if label in part.called:
            called = ["; ".join(names[each]) for each in part.called[label]]
            columns[f"Called_{title}"] = np.array(called, dtype=object)
        columns |= {f"Probability_{title}_{name}": found[:, place] for place, name in enumerate(names)}
    return columns


if __name__ == "__main__":
    main()
