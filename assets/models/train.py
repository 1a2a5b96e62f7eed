#!/usr/bin/env python3
"""Train the Cellpose network that the project ships: simulated plates, real cells, real nuclei.

The command of the shipped file stands in its card, and the sets of images, their terms, and what of
them is held out. Cells are shown at 30 px (cell channel + nuclear channel), nuclei at 17 px (nuclear
channel + nothing). Tiles, flows and the loop are those of `morphodose.segmentation.training`, which
whoever trains on masks of their own uses too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt
import tifffile
import torch
from skimage.measure import label

from morphodose.segmentation.common import pair
from morphodose.segmentation.network import build_network, load_network, write_compact
from morphodose.segmentation.training import Sample, Schedule, make_sample, median_diameter, train_network
from morphodose.segmentation.weights import sha256_of
from morphodose.simulate.field import Look, Optics, render_field
from morphodose.simulate.looks import SHAPES

CELL_DIAMETER, NUCLEUS_DIAMETER = 30.0, 17.0
#: Nucleus of a healthy simulated cell, relative to the cell's diameter.
NUCLEUS_TO_CELL = 0.46

#: How often a stain is drawn: those with little light between the grains more often.
STAIN_CHANCES = {
    "cytoplasm": 0.10,
    "actin": 0.14,
    "tubulin": 0.12,
    "membrane": 0.13,
    "speckled": 0.14,
    "grains": 0.16,
    "seams": 0.08,
    "soluble": 0.13,
}
#: Stains of a tagged protein.
TAGGED = ("speckled", "grains", "soluble")


@dataclass(frozen=True)
class RealCells:
    """A set of real images whose terms allow weights to be made from it and shipped.

    Attributes
    ----------
    channels : tuple of str
        Endings of the cell channels; each is an image of its own to learn from.
    held_out : callable
        Whether an image is for judging, by its number in the order of the names and its name.
    relight : bool
        See `morphodose.segmentation.training.Sample`.
    weight : float
        How often it is drawn among the sets of its kind.
    """

    channels: tuple[str, ...]
    held_out: Callable[[int, str], bool]
    relight: bool = True
    weight: float = 1.0


#: The HeLa set learnt from is all for learning: its counterpart (hela_ebimage_silver) is only judged.
STAINED: dict[str, RealCells] = {
    "hela_rnai_ht01_silver": RealCells(("cell", "actin"), lambda _, name: False, weight=0.3),
    "wga_scportrait_silver": RealCells(
        ("cell", "lc3"), lambda _, name: name.startswith("well04"), weight=0.45
    ),
    "membrane_zebrafish_silver": RealCells(
        ("cell",), lambda _, name: name.startswith("example_cells_2"), weight=0.25
    ),
}
PHASE: dict[str, RealCells] = {
    "phase_t98g_hand": RealCells(("cell",), lambda number, _: number % 5 == 0, relight=False)
}


def pieces(labels: npt.NDArray[np.integer], smallest: int) -> npt.NDArray[np.int32]:
    """Connected pieces of each label as objects of their own, those of fewer pixels left out."""
    split = label(labels, connectivity=1)
    sizes = np.bincount(split.ravel())
    sizes[0] = smallest
    split[sizes[split] < smallest] = 0
    return split.astype(np.int32)


def drawn_look(rng: np.random.Generator, closed: bool, hard: bool) -> Look:
    """A look beyond that of the simulated plate."""
    # down to a few times the noise of a pixel, and, uneven in addition, to about the noise
    strength = float(np.exp(rng.uniform(np.log(0.05), np.log(0.4)))) if rng.random() < 0.4 else 1.0
    decades = float(rng.uniform(0, 2 if strength == 1 else 0.8)) if hard or rng.random() < 0.5 else 0.0
    stain = str(rng.choice(list(STAIN_CHANCES), p=list(STAIN_CHANCES.values())))
    return Look(
        stain=stain,
        shape=str(rng.choice(SHAPES, p=(0.5, 0.3, 0.2))),
        decades=decades,
        nuclear_decades=float(rng.uniform(0, 1)) if hard or rng.random() < 0.3 else 0.0,
        debris=float(rng.uniform(0, 5)) if hard or rng.random() < 0.3 else 0.0,
        few_bright=float(np.exp(rng.uniform(0, 1.8))) if rng.random() < 0.5 else 1.0,
        # of grains, which have little light between them, nothing would be left at less
        strength=max(strength, 0.15) if stain in ("grains", "speckled") else strength,
        spreading=float(rng.uniform(1.2, 1.5)) if closed else 1.0,
        binucleate=float(rng.uniform(0.02, 0.3)) if rng.random() < 0.25 else None,
    )


def simulated(rng: np.random.Generator) -> tuple[Sample, Sample]:
    """One simulated field as two samples: its cells, its nuclei."""
    diameter = float(rng.uniform(28, 64))
    size = int(np.clip(diameter * rng.uniform(8, 10), 300, 520))
    full = size**2 / (1.15 * diameter**2)
    # a quarter is as the simulated plate has them; of the others a third is a closed layer
    other = rng.random() < 0.75
    closed, hard = other and rng.random() < 0.33, other and rng.random() < 0.4
    kind = rng.random()
    n_cells = 0.0 if kind < 0.03 else rng.uniform(1, 6) if kind < 0.1 else full * rng.uniform(0.15, 0.95)
    if closed:
        n_cells = full * rng.uniform(0.85, 1.05)
    # half of the fields is healthy; in the others up to 95 % of the cells are dying or dead
    dead = 0.0 if rng.random() < 0.5 else rng.uniform(0, 0.3 if closed else 0.95)
    fractions = np.array([1 - dead, *(dead * rng.dirichlet([0.7, 0.7, 0.7]))])
    look = drawn_look(rng, closed, hard) if other else None
    brightness = float(np.exp(rng.uniform(np.log(0.4), np.log(2.0))))
    if look is not None:
        brightness *= 2.5**look.decades
    optics = Optics(
        planes=3,
        blur=rng.uniform(0.7, 1.8),
        noise=rng.uniform(0.7, 2.0),
        defocus=rng.uniform(0, 2.5) if rng.random() < 0.3 else 0.0,
        illumination=rng.uniform(0.3 if hard else 0, 0.6 if other else 0.35),
        haze=float(rng.uniform(0, 0.5)) if hard else 0.0,
        gradient=float(rng.uniform(0, 300)) if hard else 0.0,
    )
    field = render_field(
        rng,
        size=size,
        n_cells=n_cells,
        fractions=fractions.tolist(),
        lost=rng.uniform(0, 0.6) if not closed and rng.random() < 0.3 else 0.0,
        morphology=rng.uniform(0, 1) if not closed and rng.random() < 0.5 else 0.0,
        cell_diameter=diameter,
        clustering=rng.uniform(0, 1),
        brightness=brightness,
        optics=optics,
        look=look,
    )
    planes = field.planes.max(axis=0) if rng.random() < 0.8 else field.planes[field.planes.shape[0] // 2]
    # screens with a tagged protein often have no nuclear stain
    alone = look is not None and rng.random() < (0.4 if look.stain in TAGGED or look.strength < 1 else 0.1)
    wide = diameter if look is None else diameter * min(look.spreading, 1.2)
    cells = make_sample(pair(planes[2], None if alone else planes[1]), field.cells, wide / CELL_DIAMETER)
    return (
        cells if look is not None and look.strength < 1 else replace(cells, faint=0.15),
        nuclear_sample(planes[1], pieces(field.nuclei, 8), NUCLEUS_TO_CELL * diameter),
    )


def nuclear_sample(
    channel: npt.NDArray[np.generic], labels: npt.NDArray[np.integer], diameter: float
) -> Sample:
    """Nuclei of a diameter in px, as the network is shown them: alone."""
    return make_sample(pair(channel), labels, diameter / NUCLEUS_DIAMETER, network_diameter=NUCLEUS_DIAMETER)


def cell_names(folder: Path, which: RealCells) -> tuple[list[str], list[str]]:
    """Names of a set's images for training, and of those held out."""
    names = sorted(path.name.removesuffix("_mask.tif") for path in folder.glob("*_mask.tif"))
    held_out = [name for number, name in enumerate(names) if which.held_out(number, name)]
    return [name for name in names if name not in held_out], held_out


def real_cells(folder: Path, which: RealCells) -> list[Sample]:
    """The images of a set that are for training, one sample a channel."""
    samples = []
    for name in cell_names(folder, which)[0]:
        labels = tifffile.imread(folder / f"{name}_mask.tif")
        nuclear = folder / f"{name}_nuc.tif"
        second = tifffile.imread(nuclear) if nuclear.exists() else None
        for channel in which.channels:
            image = pair(tifffile.imread(folder / f"{name}_{channel}.tif"), second)
            sample = make_sample(image, labels, median_diameter(labels) / CELL_DIAMETER, which.relight)
            samples.append(replace(sample, faint=0.3, grainy=0.15) if which.relight else sample)
    return samples


def photographed_nuclei(image: Path, mask: Path) -> Sample:
    """One open nuclear image with its hand-drawn nuclei."""
    labels = tifffile.imread(mask)
    diameter = max(median_diameter(labels), 5.0)
    return replace(nuclear_sample(tifffile.imread(image), labels, diameter), faint=0.15)


def split_names(folder: Path, held_out: int = 6) -> tuple[list[str], list[str]]:
    """Names for training and, one of each `held_out` in order of the name, for testing."""
    names = sorted(path.name for path in (folder / "images").glob("*.tif"))
    return [n for i, n in enumerate(names) if i % held_out], names[::held_out]


@dataclass(frozen=True)
class Pool:
    """All samples, by kind; `stained` by set, with the chance of each set."""

    cells: list[Sample]
    nuclei: list[Sample]
    photographs: list[Sample]
    stained: list[list[Sample]]
    chances: npt.NDArray[np.float64]
    phase: list[Sample]

    def draw(self, rng: np.random.Generator) -> list[Sample]:
        """Eight samples: three of simulated cells, two of stained, one of phase contrast, two of nuclei.

        In two batches of five a second one of phase contrast takes the place of one of nuclei.
        """

        def one(samples: list[Sample]) -> Sample:
            return samples[rng.integers(len(samples))]

        def stained() -> Sample:
            return one(self.stained[rng.choice(len(self.stained), p=self.chances)])

        nuclei = self.nuclei if rng.random() < 0.5 else self.photographs
        return [
            *(one(self.cells) for _ in range(3)),
            *(stained() for _ in range(2)),
            one(self.phase),
            one(self.photographs),
            one(self.phase if rng.random() < 0.4 else nuclei),
        ]


def read_pool(
    nuclei: Path, cells: Path, fields: int, photographs_every: int, seed: int, workers: int
) -> Pool:
    """Read everything that is learnt from; `workers` processes render the simulated fields meanwhile."""

    def sets(kind: Mapping[str, RealCells]) -> list[list[Sample]]:
        return [real_cells(cells / name, which) for name, which in kind.items()]

    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, torch.set_num_threads, (1,)) as processes:
        generators = [np.random.default_rng([seed, 1, number]) for number in range(fields)]
        rendered = processes.map(simulated, generators, chunksize=4)
        stained, phase = sets(STAINED), sets(PHASE)
        photographs = [
            photographed_nuclei(nuclei / "images" / name, nuclei / "labels" / name)
            for name in split_names(nuclei)[0][::photographs_every]
        ]
        made = list(rendered)
    chances = np.array([which.weight for which in STAINED.values()])
    return Pool(
        [first for first, _ in made],
        [second for _, second in made],
        photographs,
        stained,
        chances / chances.sum(),
        phase[0],
    )


@click.command(context_settings={"show_default": True})
@click.option("--nuclei", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--cells", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Compact file.")
@click.option("--work", required=True, type=click.Path(file_okay=False, path_type=Path), help="Checkpoints.")
@click.option(
    "--start",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Weights to go on from; random ones without.",
)
@click.option("--steps", default=1600, help="Batches of 8 tiles.")
@click.option("--fields", default=220, help="Simulated fields.")
@click.option("--photographs_every", default=1, help="Of the photographs of nuclei, every how many are read.")
@click.option("--widths", default="16,32,64,128", help="Channels on the levels of a new network.")
@click.option("--rate", default=0.002, help="Highest learning rate (AdamW).")
@click.option("--seed", default=20261130)
@click.option("--threads", default=2, help="1 where the machine is shared.")
@click.option("--workers", default=2, help="Processes that render the simulated fields.")
def main(
    nuclei: Path,
    cells: Path,
    out: Path,
    work: Path,
    start: Path | None,
    steps: int,
    fields: int,
    photographs_every: int,
    widths: str,
    rate: float,
    seed: int,
    threads: int,
    workers: int,
) -> None:
    """Train, writing a checkpoint and an interim compact file every 100 steps; resumes by itself."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    torch.manual_seed(seed)
    work.mkdir(parents=True, exist_ok=True)
    if start is None:
        network = build_network(tuple(map(int, widths.split(","))), CELL_DIAMETER)
    else:
        network, _ = load_network(start, CELL_DIAMETER)
    begin = time.monotonic()
    pool = read_pool(nuclei, cells, fields, photographs_every, seed, workers)
    counts = {
        "simulated_fields": len(pool.cells),
        "photographs_of_nuclei": len(pool.photographs),
        **{name: len(samples) for name, samples in zip(STAINED, pool.stained, strict=True)},
        **{name: len(pool.phase) for name in PHASE},
    }
    click.echo(f"{json.dumps(counts)}, {time.monotonic() - begin:.0f} s")
    meta = {
        "name": "morphodose",
        "format": "npz float16",
        "architecture": "Cellpose 3 residual U-Net",
        "diam_mean": CELL_DIAMETER,
        "nuclei_diam_mean": NUCLEUS_DIAMETER,
        "seed": seed,
        "steps": steps,
        "samples": counts,
        "started_from": sha256_of(start) if start else "random weights",
    }

    def interim(state: Mapping[str, torch.Tensor], done: int) -> None:
        for path in (work / f"step_{done}.npz", out):
            write_compact(path, state, {**meta, "trained_steps": done})

    train_network(
        network, pool.draw, Schedule(steps, rate, seed), work / "checkpoint.pt", interim, click.echo
    )
    click.echo(json.dumps(meta))


if __name__ == "__main__":
    main()
