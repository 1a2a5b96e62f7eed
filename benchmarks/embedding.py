#!/usr/bin/env python3
"""Crops embedded per second by `embed_cells`, beside the network's bare forward rate, taking turns.

Run with ``PYTHONPATH=bin python benchmarks/embedding.py [--use_gpu --workers 15]``. The whole of an
extraction is timed: reading crops from their shards, resize and normalisation, the network, rotation of the
axes, float16, the Parquet tables. The bare rate is that of the same network, number format and batch size on
one batch of inputs that lies in its memory, over as many crops. Weights are loaded beforehand in both; they
are not trained, which costs the same.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch

from embed_cells import embed
from morphodose.crops.shard import Crop, write_shard
from morphodose.deep.data import shard_paths
from morphodose.deep.extract import bare_forward
from morphodose.deep.network import build_network
from morphodose.deep.network_set import NetworkSet, on_device
from morphodose.deep.recipe import NETWORKS, Recipe
from morphodose.deep.rotation import Alignment, Rotation
from morphodose.devices import choose_device
from morphodose.tables import write_table

CLASSES = {"time": ("4", "8", "16", "24", "48", "72"), "dose": ("vehicle", *"1234567")}


def make_screen(folder: Path, crops: int, wells: int, channels: tuple[str, ...]) -> Path:
    """Shards of noisy square cells of 44 to 84 px in crops of 200 px, and their split; two folds by well."""
    rng = np.random.default_rng(0)
    noise = rng.integers(300, 900, (len(channels), 84, 84), dtype=np.uint16)
    rows = []
    for well in range(wells):
        name = f"Time_4hrs_R1_Well_{'ABCDEFGH'[well // 12]}{well % 12 + 1:02d}"
        ids = [f"{name}_Field_1_obj{number + 1}" for number in range(crops // wells)]
        edges = rng.integers(44, 85, len(ids))
        cut = (
            Crop(cell, (200 - e) // 2, (200 - e) // 2, noise[:, :e, :e].copy())
            for cell, e in zip(ids, edges, strict=True)
        )
        write_shard(folder / "crops" / f"{name}.arrow", cut, channels, 200)
        rows += [
            {
                "Metadata_Plate": "P", "Metadata_Timepoint": 4.0, "Metadata_Replicate": "1",
                "Metadata_Acquisition": "Time_4hrs_R1", "Metadata_Well": name[-3:], "Metadata_Field": 1,
                "Metadata_ImageID": f"{name}_Field_1", "Metadata_ObjectLabel": number + 1,
                "Metadata_CellID": cell,
                "Crop_Shard": f"{name}.arrow", "Crop_Row": number, "Label_Dose": "vehicle", "Label_Time": "4",
                "Fold": well % 2, "Usable": True,
            }
            for number, cell in enumerate(ids)
        ]  # fmt: skip
    write_table(pd.DataFrame(rows), folder / "split.parquet")
    return folder / "split.parquet"


def bare_rate(networks: NetworkSet, device: torch.device, batch_size: int, crops: int) -> float:
    """Images a second of the network alone, on one batch in its memory."""
    network, recipe = networks.of(0)
    shape = (batch_size, recipe.input_channels, recipe.input_size, recipe.input_size)
    inputs = torch.randn(shape, device=device).contiguous(memory_format=torch.channels_last)
    batches = -(-crops // batch_size)
    with torch.inference_mode():
        bare_forward(network, inputs, device)
        wait(device)
        begin = time.perf_counter()
        for _ in range(batches):
            bare_forward(network, inputs, device)
        wait(device)
    return batches * batch_size / (time.perf_counter() - begin)


def wait(device: torch.device) -> None:
    """Until the GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


@click.command()
@click.option("--network", default="resnet50", type=click.Choice(list(NETWORKS)))
@click.option("--input_size", default=224, help="Edge that the network reads, px.")
@click.option("--channels", default=1, type=click.IntRange(1), help="Of a crop.")
@click.option("--crops", default=0, help="0 is 40000 on a GPU and 192 on a CPU.")
@click.option(
    "--wells", default=0, type=click.IntRange(0, 96), help="Of a shard each; 0 is 14 on a GPU, else 4."
)
@click.option("--batch_size", default=0, help="0 is 256 on a GPU and 32 on a CPU.")
@click.option("--workers", default=0, help="Processes that read crops ahead.")
@click.option("--threads", default=1, help="CPU threads of the network.")
@click.option("--repeats", default=3, type=click.IntRange(1))
@click.option("--use_gpu", is_flag=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def main(
    network: str, input_size: int, channels: int, crops: int, wells: int, batch_size: int, workers: int,
    threads: int, repeats: int, use_gpu: bool, as_json: bool,
) -> None:  # fmt: skip
    """Print crops per second of extraction and of the bare network, and their ratio; best of the repeats."""
    device = choose_device(use_gpu)
    torch.set_num_threads(threads)
    batch = batch_size or (256 if use_gpu else 32)
    names = tuple(f"C{number}" for number in range(channels))
    recipe = Recipe(
        network,
        names,
        200,
        input_size,
        "multilabel",
        CLASSES,
        mean=(50.0,) * channels,
        std=(150.0,) * channels,
    )
    networks = NetworkSet({fold: (on_device(build_network(recipe), device), recipe) for fold in (0, 1)})
    size = recipe.embedding_size
    matrix = np.linalg.qr(np.random.default_rng(0).normal(size=(size, size)))[0].astype(np.float32)
    mean = np.zeros(size, np.float32)
    turned = Alignment({0: Rotation.identity(mean), 1: Rotation(mean, matrix)}, 0)
    wells = wells or (14 if use_gpu else 4)
    total = (crops or (40000 if use_gpu else 192)) // wells * wells
    whole, bare = [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        split = make_screen(folder, total, wells, names)
        shards = shard_paths([folder / "crops"])
        for _ in range(repeats):
            bare.append(bare_rate(networks, device, batch, total))
            begin = time.perf_counter()
            with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
                embed(shards, split, networks, turned, device, folder / "out", batch, workers)
            whole.append(total / (time.perf_counter() - begin))
        written = sum(path.stat().st_size for path in (folder / "out").iterdir())
    machine = torch.cuda.get_device_name() if use_gpu else platform.processor() or platform.machine()
    figures = {
        "device": machine, "network": network, "input_size": input_size, "channels": channels, "crops": total,
        "batch_size": batch, "workers": workers, "threads": threads,
        "extraction_per_s": [round(x, 2) for x in whole],
        "bare_per_s": [round(x, 2) for x in bare], "ratio_of_best": round(max(whole) / max(bare), 4),
        "ratios": [round(a / b, 4) for a, b in zip(whole, bare, strict=True)],
        "bytes_a_cell": round(written / total),
    }  # fmt: skip
    if as_json:
        click.echo(json.dumps(figures))
        return
    click.echo(f"{machine}: {network}, {input_size} px, {total} crops, batches of {batch}, {workers} workers")
    ratio = max(whole) / max(bare)
    click.echo(f"extraction {max(whole):.1f} crops per second, bare network {max(bare):.1f}: {ratio:.1%}")


if __name__ == "__main__":
    main()
