#!/usr/bin/env python3
"""Train a ResNet on the crops of all folds but one, and predict the cells of that one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click
import pandas as pd
import torch

from morphodose.cli import command, threads_option, use_gpu_option
from morphodose.deep.checkpoint import Checkpoints, run_digest
from morphodose.deep.data import CropDataset, crop_format, shard_paths
from morphodose.deep.lr_range import lr_range_test
from morphodose.deep.network import build_network, save_network
from morphodose.deep.normalise import channel_statistics
from morphodose.deep.predict import prediction_table
from morphodose.deep.presets import PRESETS, TRIAL_CELLS, TRIAL_STEPS, class_weights
from morphodose.deep.recipe import KINDS, Recipe
from morphodose.deep.rows import COLUMNS, choose_rows, shuffle_labels, thin
from morphodose.deep.schemas import LOG, LR_RANGE, PREDICTIONS
from morphodose.deep.train import Machine, choose_precision, epoch_batches, evaluate, fit, make_fabric
from morphodose.devices import choose_device
from morphodose.evaluation.split_files import read_labels_json, split_rows
from morphodose.options.flags import takes
from morphodose.spreadsheets import write_csv_rows
from morphodose.steps.train_resnet import STEP
from morphodose.tables import write_as

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
COUNT = click.IntRange(min=0)

#: Options that are entries of the recipe.
GIVEN = ("network", "head", "input_size", "fold", "kind", "seed", "code")


@command
@click.argument("shards", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--split", required=True, type=FILE, help="split.parquet of split_cells.py.")
@click.option("--labels", required=True, type=FILE, help="labels.json of split_cells.py.")
@click.option("--fold", required=True, type=COUNT, help="The fold that is held out.")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="trained",
    help="Kind of training: trained; permuted (labels shuffled between wells) or random_split (folds over "
    "cells), as contrasts.",
)
@takes(STEP.options)
@click.option("--shift", type=COUNT, default=5, help="Largest random shift in training, px of the crop.")
@click.option("--augment/--no_augment", default=True, help="Flips, right-angle turns, shifts in training.")
@click.option(
    "--max_held_out", type=COUNT, default=0, help="Maximum number of held-out cells to predict; 0: all."
)
@click.option(
    "--curve_cells",
    type=COUNT,
    default=5000,
    help="Maximum number of held-out cells for the curve; 0: as many as train.",
)
@use_gpu_option
@click.option("--devices", type=click.IntRange(min=1), default=1, help="GPUs (or CPU processes) per node.")
@click.option("--num_nodes", type=click.IntRange(min=1), default=1, help="Nodes, under SLURM.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "32-true", "bf16-mixed", "16-mixed"]),
    default="auto",
    help="Number format; auto is mixed on a GPU and 32-true on a CPU.",
)
@click.option("--deterministic", is_flag=True, help="Reproducible on a GPU, but slower.")
@click.option("--workers", type=COUNT, default=0, help="Processes per device that read crops.")
@threads_option
@click.option("--checkpoints", type=FOLDER, help="Folder that outlives the task; without it none are kept.")
@click.option("--keep_checkpoints", is_flag=True, help="Keep checkpoints when all is written.")
@click.option("--seed", type=COUNT, default=0, help="Random seed of weights, order and augmentation.")
@click.option("--code", default="", help="Digest of the code; checkpoints of other code are not used.")
@click.option("--out", default=Path(), type=FOLDER, help="Output folder.")
def main(shards: tuple[Path, ...], split: Path, labels: Path, out: Path, **options: Any) -> None:
    """Train on SHARDS (files, or folders of them), holding out one fold.

    Writes <kind>_fold<k>.safetensors and .json (weights, and all that is needed to use them), _log.csv and
    _log.parquet, _predictions.parquet of the held-out cells, and with --lr_range_test _lr_range.parquet.
    """
    machine = Machine(
        **{
            name: options[name]
            for name in ("use_gpu", "devices", "precision", "workers", "checkpoint_minutes", "deterministic")
        },
        nodes=options["num_nodes"],
    )
    choose_device(machine.use_gpu)
    if options["threads"]:
        torch.set_num_threads(options["threads"])
    fold, kind, seed = options["fold"], options["kind"], options["seed"]
    paths = shard_paths(shards)
    train, held_out = choose_rows(split_rows(split, COLUMNS), fold, kind)
    usable = len(train)
    train, held_out = (
        thin(train, options["max_training_cells"], seed),
        thin(held_out, options["max_held_out"], seed),
    )
    recipe = make_recipe(train, labels, paths, machine, options)
    recipe = dataclasses.replace(recipe, n_held_out=len(held_out))
    if kind == "permuted":
        train = shuffle_labels(train, seed)
    # nor more than train: looking at them takes a third of the time of training on as many
    curve = thin(held_out, min(options["curve_cells"] or len(train), len(train)), seed)

    fabric = make_fabric(machine)

    def say(line: str) -> None:
        if fabric.is_global_zero:
            click.echo(f"{kind}, fold {fold}: {line}", err=True)

    say(f"{len(train)} of {usable} cells to train on, {len(held_out)} held out, on {fabric.device}")
    data = CropDataset(train, paths, recipe, seed, options["shift"], options["augment"])
    seen, held = CropDataset(curve, paths, recipe), CropDataset(held_out, paths, recipe)
    batches = epoch_batches(len(data), recipe, fabric)
    together = batches.batch_size * batches.world
    if together < min(recipe.batch_size, len(data)):
        say(f"{together} images per step: {batches.world} processes cannot share {recipe.batch_size} evenly")
    steps = recipe.epochs * len(batches)
    trial = steps < TRIAL_STEPS or len(train) < TRIAL_CELLS
    note = f"a trial: {len(train)} cells, {steps} steps" if trial else ""
    device = torch.cuda.get_device_name(fabric.device) if machine.use_gpu else "CPU"
    recipe = dataclasses.replace(recipe, trial=trial, notes=(note,) if trial else (), device=device)
    network = build_network(recipe)
    stem = out / f"{kind}_fold{fold}"
    if options["lr_range_test"] and fabric.is_global_zero:
        write_as(LR_RANGE, lr_range_test(fabric, network, recipe, data), Path(f"{stem}_lr_range.parquet"))
    checkpoints = None
    if options["checkpoints"]:
        settings = {
            **dataclasses.asdict(dataclasses.replace(recipe, device="")),
            "augment": options["augment"],
            "shift": options["shift"],
            "world": fabric.world_size,
            "device_type": fabric.device.type,
            "torch": torch.__version__,
        }
        digest = run_digest(settings, {"train": train, "curve": curve}, paths)
        checkpoints = Checkpoints(options["checkpoints"], digest, say)
    log = fit(fabric, network, recipe, data, seen, machine, checkpoints, say)
    found = evaluate(fabric, network, held, recipe, machine)
    # the others have the same results, and write nothing
    if fabric.is_global_zero:
        save_network(stem, network, recipe)
        write_log(stem, log, recipe)
        predictions = prediction_table(held_out, found, recipe)
        write_as(PREDICTIONS, predictions, Path(f"{stem}_predictions.parquet"))
        if checkpoints and not options["keep_checkpoints"]:
            checkpoints.clear()
        say("held out: " + ", ".join(f"{label} {value:.3f} right" for label, value in found.accuracy.items()))
    fabric.barrier()


def make_recipe(
    train: pd.DataFrame, labels: Path, paths: dict[str, Path], machine: Machine, options: dict[str, Any]
) -> Recipe:
    """The recipe of the preset and of what the options say otherwise."""
    preset = PRESETS[options["training"]]
    known = read_labels_json(labels).to_learn()
    classes = {label: one.names for label, one in known.items()}
    channels, size = crop_format(paths)
    mean, std = channel_statistics(train, paths, options["seed"])
    return Recipe(
        **{name: options[name] for name in GIVEN},
        preset=options["training"],
        channels=channels,
        crop_size=size,
        classes=classes,
        values={label: one.values for label, one in known.items()},
        ordered={label: one.ordinal for label, one in known.items()},
        mean=mean,
        std=std,
        class_weights=class_weights(train, classes) if preset.weigh_classes else {},
        epochs=options["epochs"] or preset.epochs,
        batch_size=options["batch_size"] or preset.batch_size,
        learning_rate=options["learning_rate"] or preset.learning_rate,
        weight_decay=preset.weight_decay,
        optimizer=preset.optimizer,
        clip=preset.clip,
        precision=choose_precision(machine),
        n_train=len(train),
    )


def write_log(stem: Path, log: list[dict[str, float]], recipe: Recipe) -> None:
    """The log, one row per epoch, as CSV and as Parquet."""
    frame = pd.DataFrame(log)
    frame.insert(0, "Kind", recipe.kind)
    frame.insert(1, "Fold", recipe.fold)
    counts = ["Epoch", "Step"]
    frame[counts] = frame[counts].astype("int64")
    write_csv_rows(f"{stem}_log.csv", frame.columns, frame.itertuples(index=False))
    write_as(LOG, frame, f"{stem}_log.parquet")


if __name__ == "__main__":
    main()
