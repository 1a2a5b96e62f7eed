#!/usr/bin/env python3
"""Score a weights file: simulated fields, held-out open nuclei, and real nuclei against Otsu + watershed.

Prints the JSON that stands in the model's card. Seeds differ from those of training.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import tifffile
import torch
from train import NUCLEUS_TO_CELL, pieces, split_names

from morphodose.segmentation.border import border_labels, without_labels
from morphodose.segmentation.diameter import estimate_diameter
from morphodose.segmentation.engine import Engine, pair
from morphodose.segmentation.score import Score, score
from morphodose.segmentation.well import SegmentationSettings, segment_well
from morphodose.simulate.field import Optics, render_field

Mask = npt.NDArray[np.integer]

#: Conditions of simulated fields: what is changed from the simulator's defaults.
CONDITIONS: dict[str, dict[str, Any]] = {
    "healthy": {},
    "dying": {"fractions": [0.4, 0.2, 0.2, 0.2], "morphology": 0.5},
    "dead": {"fractions": [0.1, 0.1, 0.4, 0.4], "lost": 0.3, "morphology": 1.0},
    "dense": {"n_cells": 70.0},
    "sparse": {"n_cells": 8.0},
    "last_cells": {"n_cells": 2.0},
    "dim": {"brightness": 0.5, "fractions": [0.7, 0.1, 0.1, 0.1]},
    "large": {"cell_diameter": 60.0, "size": 540},
    "blurred": {"optics": Optics(blur=1.6, noise=1.5), "fractions": [0.7, 0.1, 0.1, 0.1]},
}


def inner(mask: Mask) -> Mask:
    """A mask without the objects at the border."""
    return without_labels(mask, border_labels(mask))


def round3(value: float) -> float:
    """Three digits are all that a few dozen images support."""
    return round(float(value), 3)


def simulated_scores(engine: Engine, fields: int, estimate: bool) -> dict[str, dict[str, float]]:
    """F1 at IoU 0.5 of cells and of nuclei, and the relative error of the cell count, by condition."""
    results = {}
    for number, (name, change) in enumerate(CONDITIONS.items()):
        rendered = [
            render_field(np.random.default_rng([7, number, i]), **({"size": 360} | change))
            for i in range(fields)
        ]
        planes = [field.planes.max(axis=0) for field in rendered]
        diameter = change.get("cell_diameter", 40.0)
        nuclei_diameter = NUCLEUS_TO_CELL * diameter
        if estimate:
            diameter = estimate_diameter(engine, [pair(p[2], p[1]) for p in planes], "cells").diameter
            nuclei_diameter = estimate_diameter(engine, [pair(p[1]) for p in planes], "nuclei").diameter
        settings = SegmentationSettings(diameter=diameter, nuclei_diameter=nuclei_diameter)
        found, used, used_nuclei = segment_well(
            [p[2] for p in planes], [p[1] for p in planes], engine, engine, settings
        )
        cells = nuclei = Score(0.5, 0, 0, 0)
        for truth, result in zip(rendered, found, strict=True):
            kept = inner(truth.cells)
            cells += score(kept, result.cells)[0]
            true_nuclei = pieces(np.where(kept > 0, truth.nuclei, 0), 15)
            nuclei += score(true_nuclei, pieces(result.nuclei, 15))[0]
        true_count = cells.true_positives + cells.false_negatives
        count = cells.true_positives + cells.false_positives
        results[name] = {
            "f1_cells": round3(cells.f1),
            "f1_nuclei": round3(nuclei.f1),
            "cells": true_count,
            "count_error": round3(count / true_count - 1),
            "diameter": round3(used),
            "nuclei_diameter": round3(used_nuclei),
        }
    return results


def held_out_scores(engine: Engine, folder: Path, estimate: bool) -> dict[str, float]:
    """F1 and average precision over the open nuclear images that training has not seen."""
    names = split_names(folder)[1]
    total = {0.5: Score(0.5, 0, 0, 0), 0.75: Score(0.75, 0, 0, 0)}
    per_image = []
    for name in names:
        truth = tifffile.imread(folder / "labels" / name)
        image = tifffile.imread(folder / "images" / name)
        areas = np.bincount(truth.ravel())[1:]
        diameter = float(np.median(2 * np.sqrt(areas[areas > 0] / np.pi)))
        if estimate:
            found = estimate_diameter(engine, [pair(image)], "nuclei").diameter
            diameter = found or engine.diam_mean["nuclei"]
        nuclei = engine.segment([pair(image)], diameter, "nuclei")[0]
        scores = score(truth, nuclei, (0.5, 0.75))
        per_image.append(scores[0].f1)
        for entry in scores:
            total[entry.threshold] += entry
    return {
        "images": len(names),
        "nuclei": total[0.5].true_positives + total[0.5].false_negatives,
        "f1_at_0.5": round3(total[0.5].f1),
        "f1_at_0.75": round3(total[0.75].f1),
        "mean_f1_at_0.5_of_images": round3(np.mean(per_image)),
    }


def otsu_nuclei(image: npt.NDArray[np.generic]) -> Mask:
    """Nuclei by Otsu's threshold and a watershed of the distance: a simple, independent count."""
    from scipy import ndimage
    from skimage.feature import peak_local_max
    from skimage.filters import gaussian, threshold_otsu
    from skimage.morphology import remove_small_objects
    from skimage.segmentation import watershed

    smooth = gaussian(image, 1, preserve_range=True)
    mask = remove_small_objects(smooth > threshold_otsu(smooth), max_size=30)
    distance = gaussian(ndimage.distance_transform_edt(mask), 1)
    markers = np.zeros(mask.shape, int)
    for i, (y, x) in enumerate(peak_local_max(distance, min_distance=5, labels=mask.astype(int)), start=1):
        markers[y, x] = i
    return watershed(-distance, markers, mask=mask)


def real_counts(engine: Engine, folder: Path, step: int) -> dict[str, float]:
    """Nuclei of real wells (BBBC013) by the network and by Otsu + watershed."""
    images = [tifffile.imread(path) for path in sorted(folder.glob("Channel2-*.tif"))[::step]]
    diameter = estimate_diameter(engine, [pair(image) for image in images], "nuclei").diameter
    settings = SegmentationSettings("from_nuclei", nuclei_diameter=diameter, expand_px=1e-3)
    found = segment_well(None, images, engine, engine, settings)[0]
    ours = np.array([len(np.unique(f.nuclei)) - 1 for f in found])
    simple = [inner(otsu_nuclei(image)) for image in images]
    theirs = np.array([len(np.unique(mask)) - 1 for mask in simple])
    agreement = Score(0.5, 0, 0, 0)
    for mask, result in zip(simple, found, strict=True):
        agreement += score(mask, result.nuclei)[0]
    return {
        "wells": len(images),
        "nuclei": int(ours.sum()),
        "nuclei_otsu_watershed": int(theirs.sum()),
        "f1_between_them": round3(agreement.f1),
        "correlation_of_counts": round3(np.corrcoef(ours, theirs)[0, 1]),
        "diameter_estimated": round3(diameter),
    }


@click.command(context_settings={"show_default": True})
@click.argument("weights", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--fields", default=6, help="Simulated fields per condition.")
@click.option("--wells_step", default=8, help="Every how many wells of the real plate.")
@click.option("--estimate", is_flag=True, help="Estimate the diameters instead of giving them.")
@click.option("--threads", default=2)
def main(weights: Path, data: Path, fields: int, wells_step: int, estimate: bool, threads: int) -> None:
    """Score WEIGHTS on simulated fields and on the open images below --data (nuclei/, bbbc013/)."""
    torch.set_num_threads(threads)
    engine = Engine(weights, torch.device("cpu"))
    simulated = simulated_scores(engine, fields, estimate)
    click.echo(json.dumps({"simulated": simulated}, indent=1))
    click.echo(json.dumps({"held_out_nuclei": held_out_scores(engine, data / "nuclei", estimate)}, indent=1))
    click.echo(json.dumps({"bbbc013": real_counts(engine, data / "bbbc013", wells_step)}, indent=1))


if __name__ == "__main__":
    main()
