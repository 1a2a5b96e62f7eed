#!/usr/bin/env python3
"""Train the Cellpose network that the project ships, on simulated plates and on open nuclear images.

The command of the shipped file stands in its card. `cellpose.train.train_seg` is not used: it wants all
images in memory at once, knows one mean diameter, and augments by rotation and size only. This loop
mixes two tasks (cells at 30 px: cytoplasm + nuclear channel; nuclei at 17 px: nuclear channel + empty),
changes contrast, blur and noise, averages the weights, and goes on after an interruption. Flows, loss
and geometry are Cellpose's own (`dynamics`, `train`, `transforms`; Stringer et al. 2021).
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt
import tifffile
import torch
from cellpose import dynamics, transforms
from cellpose.train import _loss_fn_seg
from skimage.measure import label

from morphodose.files import replacing
from morphodose.segmentation.network import Network, build_network, write_compact
from morphodose.simulate.field import Optics, render_field

CELL_DIAMETER, NUCLEUS_DIAMETER = 30.0, 17.0
#: Nucleus of a healthy simulated cell, relative to the cell's diameter.
NUCLEUS_TO_CELL = 0.46
TILE = 224


@dataclass
class Sample:
    """One training image: normalised channels (2, Y, X), cell probability and flows (3, Y, X), scale.

    `rescale` is px of the image per px of the network's input. float16, since hundreds are in memory.
    """

    image: npt.NDArray[np.float16]
    target: npt.NDArray[np.float16]
    rescale: float


def normalised(channel: npt.NDArray[np.generic]) -> npt.NDArray[np.float16]:
    """A channel as Cellpose normalises it before the network: 1st percentile 0, 99th 1."""
    return transforms.normalize99(np.array(channel, np.float32), copy=False).astype(np.float16)


def target_of(labels: npt.NDArray[np.integer]) -> npt.NDArray[np.float16]:
    """Cell probability and flows of a label mask (3, Y, X)."""
    if labels.max() == 0:
        return np.zeros((3, *labels.shape), np.float16)
    flows = dynamics.labels_to_flows([labels.astype(np.int32)], device=torch.device("cpu"))[0]
    return np.concatenate([flows[:1] > 0.5, flows[2:4]]).astype(np.float16)


def pieces(labels: npt.NDArray[np.integer], smallest: int) -> npt.NDArray[np.int32]:
    """Connected pieces of each label as objects of their own, those of fewer pixels left out."""
    split = label(labels, connectivity=1)
    sizes = np.bincount(split.ravel())
    sizes[0] = smallest
    split[sizes[split] < smallest] = 0
    return split.astype(np.int32)


def simulated(rng: np.random.Generator) -> list[Sample]:
    """One simulated field as two samples: its cells, its nuclei."""
    diameter = float(rng.uniform(28, 64))
    size = int(np.clip(diameter * rng.uniform(8, 10), 300, 520))
    full = size**2 / (1.15 * diameter**2)
    kind = rng.random()
    n_cells = 0.0 if kind < 0.04 else rng.uniform(1, 6) if kind < 0.12 else full * rng.uniform(0.15, 0.95)
    # a third of the fields is healthy; in the others up to 95 % of the cells are dying or dead
    dead = 0.0 if rng.random() < 0.33 else rng.uniform(0, 0.95)
    fractions = np.array([1 - dead, *(dead * rng.dirichlet([0.7, 0.7, 0.7]))])
    optics = Optics(
        planes=3,
        blur=rng.uniform(0.7, 1.8),
        noise=rng.uniform(0.7, 2.0),
        defocus=rng.uniform(0, 2.5) if rng.random() < 0.3 else 0.0,
        illumination=rng.uniform(0, 0.35),
    )
    field = render_field(
        rng,
        size=size,
        n_cells=n_cells,
        fractions=fractions.tolist(),
        lost=rng.uniform(0, 0.6) if rng.random() < 0.4 else 0.0,
        morphology=rng.uniform(0, 1) if rng.random() < 0.6 else 0.0,
        cell_diameter=diameter,
        clustering=rng.uniform(0, 1),
        brightness=float(np.exp(rng.uniform(np.log(0.4), np.log(2.0)))),
        optics=optics,
    )
    planes = field.planes.max(axis=0) if rng.random() < 0.85 else field.planes[field.planes.shape[0] // 2]
    nuclear, cytoplasm = normalised(planes[1]), normalised(planes[2])
    empty = np.zeros_like(nuclear)
    return [
        Sample(np.stack([cytoplasm, nuclear]), target_of(field.cells), diameter / CELL_DIAMETER),
        Sample(
            np.stack([nuclear, empty]),
            target_of(pieces(field.nuclei, 8)),
            NUCLEUS_TO_CELL * diameter / NUCLEUS_DIAMETER,
        ),
    ]


def real(image: Path, mask: Path) -> Sample:
    """One open nuclear image with its hand-drawn nuclei."""
    labels = tifffile.imread(mask)
    areas = np.bincount(labels.ravel())[1:]
    diameter = float(np.median(2 * np.sqrt(areas[areas > 0] / np.pi)))
    channel = normalised(tifffile.imread(image))
    pair = np.stack([channel, np.zeros_like(channel)])
    return Sample(pair, target_of(labels), max(diameter, 5.0) / NUCLEUS_DIAMETER)


def split_names(folder: Path, held_out: int = 6) -> tuple[list[str], list[str]]:
    """Names for training and, one of each `held_out` in order of the name, for testing."""
    names = sorted(path.name for path in (folder / "images").glob("*.tif"))
    return [n for i, n in enumerate(names) if i % held_out], names[::held_out]


def tile_of(sample: Sample, rng: np.random.Generator) -> tuple[npt.NDArray[np.float32], ...]:
    """A rotated, resized, re-lit tile of a sample: image (2, 224, 224), target (3, 224, 224)."""
    np.random.seed(int(rng.integers(2**31)))  # Cellpose's geometry draws from NumPy's global generator
    image, target, _ = transforms.random_rotate_and_resize(
        [sample.image.astype(np.float32)],
        Y=[sample.target.astype(np.float32)],
        rescale=[sample.rescale],
        scale_range=0.7,
        xy=(TILE, TILE),
    )
    image, target = image[0], target[0]
    for channel in image:
        if not channel.any():
            continue
        if rng.random() < 0.3:
            cv2.GaussianBlur(channel, (0, 0), rng.uniform(0.4, 1.6), dst=channel)
        if rng.random() < 0.4:
            low = channel.min()
            channel[:] = np.maximum(channel - low, 0) ** np.exp(rng.uniform(-0.5, 0.5)) + low
        if rng.random() < 0.3:
            channel += rng.normal(0, rng.uniform(0.01, 0.08), channel.shape).astype(np.float32)
        if rng.random() < 0.5:
            channel *= np.float32(np.exp(rng.uniform(-0.3, 0.3)))
            channel += np.float32(rng.uniform(-0.05, 0.05))
    # where a screen has no nuclear stain, the cytoplasm is segmented alone
    if image[1].any() and rng.random() < 0.1:
        image[1] = 0
    return image, target


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear rise over 50 steps, then a cosine down to 2 % of the peak."""
    fall = 0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * min(step / steps, 1.0)))
    return peak * min(1.0, (step + 1) / 50) * float(fall)


def average_into(mean: dict[str, torch.Tensor], network: Network, step: int) -> None:
    """Exponential moving average of the weights, of about the last 200 steps (fewer at the start)."""
    keep = min(0.995, (1 + step) / (10 + step))
    for name, value in network.state_dict().items():
        if value.dtype.is_floating_point and not name.startswith("diam_"):
            mean[name].mul_(keep).add_(value, alpha=1 - keep)
        else:
            mean[name].copy_(value)


@click.command(context_settings={"show_default": True})
@click.option("--nuclei", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Compact file.")
@click.option("--work", required=True, type=click.Path(file_okay=False, path_type=Path), help="Checkpoints.")
@click.option("--steps", default=900, help="Batches of 8 tiles.")
@click.option("--fields", default=260, help="Simulated fields.")
@click.option("--widths", default="16,32,64,128", help="Channels on the levels of the network.")
@click.option("--rate", default=0.003, help="Highest learning rate (AdamW).")
@click.option("--seed", default=20240601)
@click.option("--threads", default=2, help="1 where the machine is shared.")
def main(
    nuclei: Path,
    out: Path,
    work: Path,
    steps: int,
    fields: int,
    widths: str,
    rate: float,
    seed: int,
    threads: int,
) -> None:
    """Train, writing a checkpoint and an interim compact file every 100 steps; resumes by itself."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    torch.manual_seed(seed)
    work.mkdir(parents=True, exist_ok=True)
    network = build_network(tuple(map(int, widths.split(","))), CELL_DIAMETER)
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        [p for p in network.parameters() if p.requires_grad], lr=rate, weight_decay=1e-4
    )
    mean = {name: value.clone() for name, value in network.state_dict().items()}
    first = 0
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        mean, first = saved["mean"], saved["step"]
    click.echo("preparing the images")
    begin = time.time()
    train_names, _ = split_names(nuclei)
    photographs = [real(nuclei / "images" / name, nuclei / "labels" / name) for name in train_names]
    rendered = [simulated(np.random.default_rng([seed, 1, number])) for number in range(fields)]
    click.echo(f"{len(photographs)} photographs, {fields} simulated fields, {time.time() - begin:.0f} s")
    meta = {
        "name": "morphodose",
        "format": "npz float16",
        "architecture": f"Cellpose 3 residual U-Net, widths {widths}",
        "diam_mean": CELL_DIAMETER,
        "nuclei_diam_mean": NUCLEUS_DIAMETER,
        "seed": seed,
        "steps": steps,
        "fields": fields,
    }
    network.train()
    begin, total = time.time(), 0.0
    for step in range(first, steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, rate)
        rng = np.random.default_rng([seed, 2, step])  # a resumed run draws what the first would have
        # eight tiles: four of cells, two of simulated nuclei, two of photographed nuclei
        chosen = [rendered[rng.integers(fields)][0] for _ in range(4)]
        chosen += [rendered[rng.integers(fields)][1] for _ in range(2)]
        chosen += [photographs[rng.integers(len(photographs))] for _ in range(2)]
        tiles = [tile_of(sample, rng) for sample in chosen]
        images = torch.from_numpy(np.stack([image for image, _ in tiles]))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = network(images.contiguous(memory_format=torch.channels_last))[0]
        loss = _loss_fn_seg(np.stack([target for _, target in tiles]), output.float(), torch.device("cpu"))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        average_into(mean, network, step)
        total += float(loss.detach())
        if (step + 1) % 20 == 0:
            pace = (time.time() - begin) / (step + 1 - first)
            click.echo(f"step {step + 1} of {steps}: loss {total / 20:.4f}, {pace:.2f} s a step")
            total = 0.0
        if (step + 1) % 100 == 0 or step + 1 == steps:
            with replacing(checkpoint) as temporary:
                torch.save(
                    {
                        "network": network.state_dict(),
                        "optimizer": optimizer.state_dict(),
                        "mean": mean,
                        "step": step + 1,
                    },
                    temporary,
                )
            write_compact(out, mean, {**meta, "trained_steps": step + 1})
    click.echo(json.dumps(meta))


if __name__ == "__main__":
    main()
