#!/usr/bin/env python3
"""Images a second of training from shards, beside the same network on tensors in memory.

Run with ``PYTHONPATH=bin python benchmarks/training.py`` on a CPU, and on a GPU with 16 cores with
``--use_gpu --workers 15 --batch_size 256 --copies 25 --batches 100``. Simulated crops are written as 24
shards, which `copies` multiplies: a screen has hundreds, and a batch drawn at random reads almost as many as
it has crops. The same steps (forward, backward, clipping, optimiser) then take turns, some batches each, on
batches that the loader reads, changes, resizes and normalises, and on one batch that already lies in the
device's memory, ready for the network. With workers a turn has to be many times longer than what they read
ahead, two batches each.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import numpy as np
import pandas as pd
import torch
from lightning.fabric import Fabric
from scipy import ndimage

from morphodose.crops.shard import Crop, write_shard
from morphodose.deep.data import CropBatch, CropDataset, EpochBatches, crop_loader, shard_paths
from morphodose.deep.heads import loss
from morphodose.deep.network import build_network, prepare
from morphodose.deep.optimise import make_optimizer
from morphodose.deep.recipe import Recipe
from morphodose.deep.train import Machine, choose_precision, make_fabric
from morphodose.devices import choose_device

CLASSES = {"time": ("4", "24"), "dose": ("vehicle", "1", "3", "10")}
ORDERED = {"time": True, "dose": True}
CROP = 200


def cell(random: np.random.Generator, dose: int, hours: int, gain: float) -> np.ndarray:
    """A cell of some 50 px: mottled, its grain coarser with dose, its outline longer with time."""
    size = 64
    y, x = np.mgrid[:size, :size] - size / 2
    angle = random.uniform(0, np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    stretch = random.normal(1.25 if hours else 1.0, 0.12)
    radius = random.normal(22, 2.5)
    inside = (along / (radius * stretch)) ** 2 + (across * stretch / radius) ** 2 < 1
    grain = ndimage.gaussian_filter(random.normal(size=(size, size)), random.normal(1.2 + 0.35 * dose, 0.25))
    texture = grain / grain.std()
    level = gain * random.normal(1, 0.15) * (900 + 250 * texture)
    noisy = random.poisson(np.clip(level * inside, 0, None))
    return (noisy * inside).clip(0, 65535).astype(np.uint16)


def write_screen(
    folder: Path, replicates: int, wells: int, cells: int, seed: int, copies: int = 1
) -> pd.DataFrame:
    """Shards and the split table of a screen: every well has its own brightness, every cell its own look.

    Each shard is there `copies` times, under other names.
    """
    random = np.random.default_rng(seed)
    rows = []
    for replicate in range(replicates):
        for number in range(wells):
            dose = number % len(CLASSES["dose"])
            gain = random.normal(1, 0.1)
            for hours, label in enumerate(CLASSES["time"]):
                name = f"Time_{label}hrs_R{replicate + 1}_Well_A{number + 1:02d}"
                crops = [
                    Crop(f"{name}_Field_1_obj{i + 1}", 68, 68, cell(random, dose, hours, gain)[None])
                    for i in range(cells)
                ]
                write_shard(folder / f"{name}.arrow", crops, ("Brightfield",), CROP)
                rows += [
                    {
                        "Metadata_CellID": crop.cell_id,
                        "Crop_Shard": f"{name}.arrow",
                        "Crop_Row": row,
                        "Label_Dose": CLASSES["dose"][dose],
                        "Label_Time": label,
                        "Fold": replicate,
                    }
                    for row, crop in enumerate(crops)
                ]
    frame = pd.DataFrame(rows)
    copied = [frame]
    for copy in range(1, copies):
        for shard in frame["Crop_Shard"].unique():
            os.link(folder / shard, folder / f"copy{copy}_{shard}")
        copied.append(frame.assign(Crop_Shard=f"copy{copy}_" + frame["Crop_Shard"]))
    return pd.concat(copied, ignore_index=True)


@click.command()
@click.option("--network", default="resnet50", help="resnet50 or resnet18.")
@click.option("--input_size", multiple=True, type=int, default=[224], help="May be given several times.")
@click.option("--batch_size", default=16)
@click.option("--batches", default=6, help="Batches a turn.")
@click.option("--turns", default=3, help="Turns of each, of which the best counts.")
@click.option("--cells", default=100, help="Crops a shard, of 24 shards.")
@click.option("--copies", default=1, type=click.IntRange(1), help="Of each shard.")
@click.option("--workers", default=0, help="Processes that read.")
@click.option("--threads", default=1, help="CPU threads.")
@click.option("--use_gpu", is_flag=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(as_json: bool, threads: int, **options: object) -> None:
    """Print images per second."""
    torch.set_num_threads(threads)
    for row in speed(**options):  # type: ignore[arg-type]
        if as_json:
            click.echo(json.dumps(row))
        else:
            click.echo(
                "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
            )


class Rig:
    """One network, its data, and the step that both ways share."""

    def __init__(self, fabric: Fabric, recipe: Recipe, frame: pd.DataFrame, place: str, workers: int) -> None:
        self.fabric, self.recipe, self.device = fabric, recipe, fabric.device
        network = build_network(recipe)
        network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = make_optimizer(network, recipe.optimizer, 1e-4, 0.05)
        self.model, self.optimizer = fabric.setup(network, optimizer)
        data = CropDataset(frame, shard_paths([place]), recipe, shift=5, augment=True)
        self.order = EpochBatches(len(data), recipe.batch_size, 0, True)
        self.loader = crop_loader(data, self.order, workers, self.device.type == "cuda")
        first = data.read(0, np.arange(recipe.batch_size), augment=False)
        self.ready = (
            prepare(first.crops, recipe, self.device).contiguous(memory_format=torch.channels_last),
            first.targets.to(self.device),
        )
        self.stream = self.endless()

    def endless(self) -> Iterator[CropBatch]:
        """Batches, epoch after epoch."""
        while True:
            yield from self.loader
            self.order.epoch += 1

    def next_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """A batch from the shards, ready for the network."""
        batch = self.read_batch()
        images = prepare(batch.crops, self.recipe, self.device)
        return images, batch.targets.to(self.device, non_blocking=True)

    def read_batch(self) -> CropBatch:
        """A batch from the shards, raw and changed at random, as it goes to the device."""
        return next(self.stream)

    def step(self, images: torch.Tensor, targets: torch.Tensor) -> None:
        """One step of the training loop."""
        value = loss(self.model(images)[1], targets, self.recipe)
        self.fabric.backward(value)
        self.fabric.clip_gradients(
            self.model, self.optimizer, max_norm=self.recipe.clip, error_if_nonfinite=False
        )
        self.optimizer.step()
        self.optimizer.zero_grad()

    def seconds(self, work: Callable[[], object], times: int) -> tuple[float, float]:
        """Wall and CPU seconds of some repeats."""
        clocks = (time.perf_counter, time.process_time)
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        start = [clock() for clock in clocks]
        for _ in range(times):
            work()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        wall, cpu = (clock() - begin for clock, begin in zip(clocks, start, strict=True))
        return wall, cpu


def speed(
    network: str,
    input_size: tuple[int, ...],
    batch_size: int,
    batches: int,
    turns: int,
    cells: int,
    copies: int,
    workers: int,
    use_gpu: bool,
    **_: object,
) -> list[dict[str, object]]:
    """Images a second of both, for each size of the input."""
    choose_device(use_gpu)
    machine = Machine(use_gpu=use_gpu)
    fabric = make_fabric(machine)
    name = torch.cuda.get_device_name() if use_gpu else f"CPU, {torch.get_num_threads()} threads"
    found: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as place:
        frame = write_screen(Path(place), 3, 4, cells, 0, copies)
        for size in input_size:
            recipe = Recipe(
                network=network,
                input_size=size,
                classes=CLASSES,
                ordered=ORDERED,
                mean=(40.0,),
                std=(170.0,),
                optimizer="adamw",
                batch_size=batch_size,
                precision=choose_precision(machine),
            )
            rig = Rig(fabric, recipe, frame, place, workers)
            for _warm in range(2):
                rig.step(*rig.ready)
                rig.step(*rig.next_batch())
            times = [
                (
                    rig.seconds(lambda: rig.step(*rig.ready), batches),  # noqa: B023
                    rig.seconds(lambda: rig.step(*rig.next_batch()), batches),  # noqa: B023
                )
                for _turn in range(turns)
            ]
            memory, shards = (min(turn[which][0] for turn in times) for which in (0, 1))
            # CPU seconds of reading and preparing alone, steadier on a busy machine than the difference
            alone = min(rig.seconds(rig.next_batch, batches)[1] for _turn in range(turns))
            # what a reading process does; the rest of the loader's work is the device's
            read = min(rig.seconds(rig.read_batch, batches)[1] for _turn in range(turns))
            trained = min(turn[0][1] for turn in times)
            images = batches * batch_size
            found.append(
                {
                    "device": name,
                    "network": network,
                    "input": size,
                    "batch": batch_size,
                    "workers": workers,
                    "shards": 24 * copies,
                    "memory_images_per_s": images / memory,
                    "shards_images_per_s": images / shards,
                    "ratio": memory / shards,
                    "memory_cpu_ms_per_image": 1000 * trained / images,
                    "loader_cpu_ms_per_image": 1000 * alone / images,
                    "loader_cpu_share": alone / trained,
                    # processes that read have clocks of their own
                    **({} if workers else {"read_images_per_cpu_s": images / read}),
                }
            )
    return found


if __name__ == "__main__":
    main()
