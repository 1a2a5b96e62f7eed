#!/usr/bin/env python3
"""How many cells are found, and how well, on real images and on every kind the simulator draws.

By set: F1 at IoU 0.5 and 0.75 where there is truth, cells found, nuclei that lie in no cell; for the
network alone, for the pipeline's methods, and for Otsu's threshold with a watershed. The same nuclei,
the network's, serve all methods. Sets of real cells are read from `--data` (cells/, bbbc013/) and
`--cases` (images/human_actin); their README says what they are and how good their masks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import tifffile
import torch
from skimage.feature import peak_local_max
from skimage.filters import gaussian, threshold_otsu
from skimage.morphology import remove_small_objects
from skimage.segmentation import watershed
from train import PHASE, STAINED, cell_names

from morphodose.segmentation.common import CELL_TO_NUCLEUS
from morphodose.segmentation.complete import complete_cells
from morphodose.segmentation.diameter import estimate_diameter
from morphodose.segmentation.engine import Engine, pair
from morphodose.segmentation.from_nuclei import equivalent_diameters, grow_cells
from morphodose.segmentation.match import match_nuclei
from morphodose.segmentation.overlay import overlay, write_png
from morphodose.segmentation.score import Score, score
from morphodose.simulate.field import Look, Optics, render_field
from morphodose.simulate.looks import SHAPES, STAINS

Image = npt.NDArray[np.generic]
Mask = npt.NDArray[np.int32]

#: Sets never learnt from whose cells and stain are those of a set that was.
SAME_KIND = {"hela_ebimage_silver"}

#: Below this share of the median true area a true object is a splinter at the border, not judged.
SPLINTER = 0.05


@dataclass(frozen=True)
class Case:
    """One image: its channels, its cells where known, and what training has seen of it."""

    group: str
    name: str
    cell: Image
    nuclear: Image | None
    truth: Mask | None
    seen: str


@dataclass
class Tally:
    """Sums over the images of a group."""

    images: int = 0
    true_cells: int = 0
    cells: int = 0
    nuclei: int = 0
    orphans: int = 0
    scores: tuple[Score, Score] = (Score(0.5, 0, 0, 0), Score(0.75, 0, 0, 0))

    def row(self) -> dict[str, float | int | None]:
        """Figures to print; None where there is no truth, or no nuclei."""
        half, three_quarters = self.scores
        judged = self.true_cells > 0
        return {
            "images": self.images,
            "true_cells": self.true_cells if judged else None,
            "cells": self.cells,
            "f1_at_0.5": round(half.f1, 3) if judged else None,
            "f1_at_0.75": round(three_quarters.f1, 3) if judged else None,
            "nuclei": self.nuclei or None,
            "nuclei_in_no_cell": round(self.orphans / self.nuclei, 3) if self.nuclei else None,
        }


def real_sets(data: Path, at_most: int) -> Iterator[Case]:
    """Images of cells with masks; `at_most` a group, spread over it."""
    for folder in sorted(path for path in (data / "cells").iterdir() if path.is_dir()):
        names = sorted(path.name.removesuffix("_mask.tif") for path in folder.glob("*_mask.tif"))
        which = (STAINED | PHASE).get(folder.name)
        learnt, held_out = cell_names(folder, which) if which else ([], names)
        channels = ("cell", "actin") if list(folder.glob("*_actin.tif")) else ("cell",)
        unseen = "held out" if which else "same kind" if folder.name in SAME_KIND else "never"
        for part, seen in ((learnt, "trained on"), (held_out, unseen)):
            for name in spread(part, at_most):
                nuclear = folder / f"{name}_nuc.tif"
                for channel in channels:
                    yield Case(
                        folder.name + ("" if channel == "cell" else f", {channel}"),
                        name,
                        tifffile.imread(folder / f"{name}_{channel}.tif"),
                        tifffile.imread(nuclear) if nuclear.exists() else None,
                        tifffile.imread(folder / f"{name}_mask.tif").astype(np.int32),
                        seen,
                    )


def spread(names: list[str], at_most: int) -> list[str]:
    """Up to `at_most` of the names, evenly spaced."""
    if len(names) <= at_most:
        return names
    return [names[i] for i in np.linspace(0, len(names) - 1, at_most).round().astype(int)]


def without_truth(data: Path, cases: Path, at_most: int) -> Iterator[Case]:
    """Human colon cells (actin, 289 nuclei by CellProfiler), and wells of BBBC013 (a stain that moves)."""
    folder = cases / "images" / "human_actin"
    for dna in sorted(folder.glob("*d0.tif")):
        actin = folder / dna.name.replace("d0.tif", "d2.tif")
        yield Case("human_actin", dna.stem, tifffile.imread(actin), tifffile.imread(dna), None, "never")
    dna_names = sorted(path.name for path in (data / "bbbc013").glob("Channel2-*.tif"))
    for name in spread(dna_names, at_most):
        cell = data / "bbbc013" / name.replace("Channel2", "Channel1")
        dna = data / "bbbc013" / name
        yield Case("bbbc013", name, tifffile.imread(cell), tifffile.imread(dna), None, "never")


def simulated_kinds(fields: int) -> Iterator[Case]:
    """Each stain in each shape, plain and in hard light, on seeds that training does not use."""
    hard: dict[str, Any] = {
        "optics": Optics(illumination=0.6, haze=0.3, gradient=150, noise=1.5),
        "brightness": 4.0,
    }
    for s, stain in enumerate(STAINS):
        for shape_number, shape in enumerate(SHAPES):
            for name, look, more in (
                ("plain", Look(stain, shape), {}),
                ("hard light", Look(stain, shape, decades=1.5, nuclear_decades=0.7, debris=3), hard),
            ):
                for i in range(fields):
                    made = render_field(
                        np.random.default_rng([11, s, shape_number, name == "plain", i]),
                        fractions=[0.85, 0.05, 0.05, 0.05],
                        n_cells=30,
                        look=look,
                        **more,
                    )
                    plane = made.planes.max(axis=0)
                    yield Case(f"simulated {stain}, {name}", shape, plane[2], plane[1], made.cells, "kind")


def otsu_mask(image: Image) -> npt.NDArray[np.bool_]:
    """Foreground by Otsu's threshold of the smoothed image."""
    smooth = gaussian(image, 1, preserve_range=True)
    return np.asarray(remove_small_objects(smooth > threshold_otsu(smooth), max_size=30))


def otsu_watershed(cell: Image, nuclear: Image | None, diameter: float) -> Mask:
    """Cells by Otsu + watershed: from the nuclei where there are some, else from the distance map."""
    from scipy import ndimage

    foreground = otsu_mask(cell)
    seeds_from = foreground if nuclear is None else otsu_mask(nuclear)
    apart = max(3, int(diameter * (0.4 if nuclear is None else 0.25)))
    distance = gaussian(ndimage.distance_transform_edt(seeds_from), 1)
    markers = np.zeros(cell.shape, np.int32)
    for i, (y, x) in enumerate(
        peak_local_max(distance, min_distance=apart, labels=seeds_from.astype(int)), start=1
    ):
        markers[y, x] = i
    smooth = gaussian(cell, 1, preserve_range=True)
    surface = -distance if nuclear is None else -smooth
    return np.asarray(watershed(surface, markers, mask=foreground | (markers > 0)), np.int32)


def methods(engine: Engine) -> dict[str, Callable[[Case, Mask | None, float, float], Mask | None]]:
    """Name of a method → cells of a case from its nuclei and the diameters; None where it cannot be had."""

    def network(case: Case, _: Mask | None, diameter: float, __: float) -> Mask:
        return engine.segment([pair(case.cell, case.nuclear)], diameter, "cells")[0]

    def grown(_: Case, nuclei: Mask | None, __: float, nuclear_diameter: float) -> Mask | None:
        return None if nuclei is None else grow_cells(nuclei, nuclear_diameter / 2)

    def otsu(case: Case, _: Mask | None, diameter: float, __: float) -> Mask:
        return otsu_watershed(case.cell, case.nuclear, diameter)

    def completed(cells: Mask, case: Case, nuclei: Mask | None, nuclear_diameter: float) -> Mask:
        if nuclei is None:
            return cells
        return complete_cells(cells, nuclei, case.cell, nuclear_diameter, nuclear_diameter / 2).cells

    def default(case: Case, nuclei: Mask | None, diameter: float, nuclear_diameter: float) -> Mask:
        return completed(network(case, nuclei, diameter, nuclear_diameter), case, nuclei, nuclear_diameter)

    def propagated(case: Case, nuclei: Mask | None, _: float, nuclear_diameter: float) -> Mask | None:
        if nuclei is None:
            return None
        return completed(np.zeros(case.cell.shape, np.int32), case, nuclei, nuclear_diameter)

    return {
        "cellpose": network,
        "cellpose_completed": default,
        "propagate": propagated,
        "from_nuclei": grown,
        "otsu_watershed": otsu,
    }


def judged(truth: Mask) -> Mask:
    """True objects without the splinters that the border leaves of cells."""
    areas = np.bincount(truth.ravel())
    small = areas < SPLINTER * np.median(areas[1:][areas[1:] > 0])
    return np.where(small[truth], 0, truth).astype(np.int32)


def nuclei_of(case: Case, engine: Engine) -> tuple[Mask | None, float]:
    """Nuclei by the network at an estimated diameter, and that diameter."""
    if case.nuclear is None:
        return None, 0.0
    images = [pair(case.nuclear)]
    # where it cannot be told, the pipeline, too, takes the size that the network was trained on
    diameter = estimate_diameter(engine, images, "nuclei").diameter or engine.diam_mean["nuclei"]
    return engine.segment(images, diameter, "nuclei")[0], diameter


def cell_diameter(case: Case, nuclear_diameter: float, engine: Engine, estimate: bool) -> float:
    """Diameter of the cells: of the truth, or, without it or where asked for, estimated."""
    if case.truth is not None and not estimate:
        return float(np.median(equivalent_diameters(case.truth)))
    images = [pair(case.cell, case.nuclear)]
    found = estimate_diameter(engine, images, "cells", nuclear_diameter).diameter
    if found > nuclear_diameter:
        return found
    return CELL_TO_NUCLEUS * nuclear_diameter or engine.diam_mean["cells"]


@click.command(context_settings={"show_default": True})
@click.argument("weights", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--cases", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--images", default=6, help="Real images per set, at most.")
@click.option("--fields", default=1, help="Simulated fields a stain, shape and light.")
@click.option("--only", default="", help="Groups whose name contains this.")
@click.option("--method", "chosen", multiple=True, help="Methods; all without.")
@click.option("--estimate", is_flag=True, help="Estimate the diameters, even where truth gives them.")
@click.option("--overlays", type=click.Path(file_okay=False, path_type=Path), help="Folder for PNGs.")
@click.option("--threads", default=2)
def main(
    weights: Path,
    data: Path,
    cases: Path,
    images: int,
    fields: int,
    only: str,
    chosen: tuple[str, ...],
    estimate: bool,
    overlays: Path | None,
    threads: int,
) -> None:
    """Score WEIGHTS and the other methods; prints one JSON line per group and method."""
    torch.set_num_threads(threads)
    engine = Engine(weights, torch.device("cpu"))
    known = methods(engine)
    if unknown := set(chosen) - set(known):
        raise click.BadParameter(f"{', '.join(sorted(unknown))}: the methods are {', '.join(known)}")
    tallies: dict[tuple[str, str, str], Tally] = {}

    def all_cases() -> Iterator[Case]:
        yield from real_sets(data, images)
        yield from without_truth(data, cases, images)
        yield from simulated_kinds(fields)

    for case in all_cases():
        if only not in case.group:
            continue
        nuclei, nuclear_diameter = nuclei_of(case, engine)
        diameter = cell_diameter(case, nuclear_diameter, engine, estimate)
        for method in chosen or known:
            cells = known[method](case, nuclei, diameter, nuclear_diameter)
            if cells is None:
                continue
            add(tallies.setdefault((case.group, case.seen, method), Tally()), case, cells, nuclei)
            if overlays is not None:
                overlays.mkdir(parents=True, exist_ok=True)
                file = f"{case.group}_{case.name}_{method}.png".replace(" ", "_").replace(",", "")
                nothing = np.zeros_like(cells)
                outlined = nothing if nuclei is None else nuclei
                write_png(overlays / file, overlay(case.cell, case.nuclear, cells, outlined, nothing))
    for (group, seen, method), tally in tallies.items():
        click.echo(json.dumps({"group": group, "training": seen, "method": method} | tally.row()))


def add(tally: Tally, case: Case, cells: Mask, nuclei: Mask | None) -> None:
    """Count one image in."""
    tally.images += 1
    tally.cells += int(np.count_nonzero(np.unique(cells)))
    if nuclei is not None:
        tally.nuclei += int(np.count_nonzero(np.unique(nuclei)))
        tally.orphans += match_nuclei(cells, nuclei).orphans
    if case.truth is not None:
        truth = judged(case.truth)
        found = score(truth, cells, (0.5, 0.75))
        tally.scores = (tally.scores[0] + found[0], tally.scores[1] + found[1])
        tally.true_cells += found[0].true_positives + found[0].false_negatives


if __name__ == "__main__":
    main()
