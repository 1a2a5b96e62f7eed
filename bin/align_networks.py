#!/usr/bin/env python3
"""Turn the axes of every fold's network onto those of the first, by the same cells seen by all of them."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import torch

from morphodose.cli import command, threads_option, use_gpu_option
from morphodose.deep.anchors import STRATA, stratified
from morphodose.deep.data import CropDataset, crop_loader, shard_paths
from morphodose.deep.embedding_table import KEYS
from morphodose.deep.extract import RunBatches, extract
from morphodose.deep.network_set import NetworkSet, read_networks
from morphodose.deep.rotation import align, explained, explained_held_out, write_alignment
from morphodose.deep.schemas import ALIGNMENT, ANCHORS
from morphodose.devices import choose_device
from morphodose.evaluation.split_files import rows_of_cells, split_rows
from morphodose.options.flags import takes
from morphodose.steps.align_networks import STEP
from morphodose.tables import write_as

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
OUT = click.Path(dir_okay=False, path_type=Path)


@command
@takes(STEP.options)
@click.option("--crops", required=True, type=FOLDER, help="Folder of the shards (<well-timepoint>.arrow).")
@click.option("--split", required=True, type=FILE, help="split.parquet of split_cells.")
@click.option(
    "--networks", required=True, type=FOLDER, help="Folder with trained_fold<k>.json, .safetensors."
)
@click.option("--anchors", default=2000, type=click.IntRange(4), help="Maximum number of anchor cells.")
@click.option("--seed", default=0, help="Random seed for the choice of anchors.")
@click.option(
    "--batch_size",
    default=0,
    type=click.IntRange(0),
    help="Crops per batch; 0: 256 on a GPU and 32 on a CPU.",
)
@click.option("--workers", default=0, type=click.IntRange(0), help="Processes that read crops ahead.")
@threads_option
@use_gpu_option
@click.option("--out", required=True, type=OUT, help="Safetensors: mean and rotation of each fold.")
@click.option("--table_out", required=True, type=OUT, help="Parquet: one row per fold, how well it fits.")
@click.option("--anchors_out", required=True, type=OUT, help="Parquet: which cells were the anchors.")
def main(
    crops: Path,
    split: Path,
    networks: Path,
    anchors: int,
    seed: int,
    batch_size: int,
    workers: int,
    threads: int,
    use_gpu: bool,
    out: Path,
    table_out: Path,
    anchors_out: Path,
) -> None:
    """Rotations that bring the embeddings of all folds into the axes of the lowest one.

    The anchors are a stratified sample of usable cells over dose, time and replicate. Every network sees all
    of them, so most were training cells of most networks: that is fine for a rotation, which has no labels,
    keeps all distances within a fold, and only says which axis of one network is which of another. What is
    held out stays held out: the embedding and the prediction of each cell come from a network that was not
    trained on it, and a rotation does not change its score. What a rotation cannot fix, a fold that
    learnt something else, shows in R2_HeldOut, which is measured on anchors that it was not fitted to.
    """
    device = choose_device(use_gpu)
    if threads:
        torch.set_num_threads(threads)
    found = read_networks("trained", networks, device)
    columns = [*KEYS, "Crop_Shard", "Crop_Row", "Fold", "Usable", "Label_Dose", "Label_Time"]
    narrow = [*dict.fromkeys([*STRATA, "Metadata_CellID", "Crop_Shard", "Crop_Row", "Usable"])]
    chosen = stratified(split_rows(split, narrow), anchors, seed)["Metadata_CellID"]
    sample = rows_of_cells(split, columns, chosen).sort_values(["Crop_Shard", "Crop_Row"], ignore_index=True)
    dataset = CropDataset(sample, shard_paths([crops]), found.recipe)
    batches = RunBatches(
        np.zeros(len(sample), np.int64), batch_size or (256 if device.type == "cuda" else 32)
    )
    seen: dict[int, np.ndarray] = {}
    for position, (fold, pair) in enumerate(found.by_fold.items(), start=1):
        loader = crop_loader(dataset, batches, workers, pin=device.type == "cuda")
        parts = extract(loader, sample["Fold"].to_numpy(), NetworkSet({}, pair), device)
        seen[fold] = np.concatenate([part.embeddings for part in parts])
        click.echo(f"fold {position} of {len(found.by_fold)}: {len(sample)} anchors on {device}")
    alignment = align(seen)
    write_alignment(out, alignment)
    reference = alignment.reference
    rows = []
    for fold, rotation in alignment.rotations.items():
        mean = alignment.rotations[reference].mean
        rows.append(
            {
                "Fold": fold,
                "R2": explained(rotation, seen[fold], seen[reference], mean),
                "R2_HeldOut": 1.0
                if fold == reference
                else explained_held_out(seen[fold], seen[reference], seed),
                "N_Anchors": len(sample),
            }
        )
    write_as(ALIGNMENT, rows, table_out)
    write_as(ANCHORS, sample[[*KEYS, "Fold", "Label_Dose", "Label_Time"]], anchors_out)


if __name__ == "__main__":
    main()
