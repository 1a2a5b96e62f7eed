"""A screen of cells for a real network: dose coarsens the grain or shrinks, position and well change the brightness.

Every replicate is a plate with a layout of its own. Cells come with their crops, and with the measurements that the
baselines see.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import ndimage

from evaluation_tables import cell_keys, content, write_crop_index, write_map
from morphodose.crops.shard import Crop, write_shard
from morphodose.tables import write_table

CROP = 40
Pixels = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Truth:
    """What the screen holds.

    Attributes
    ----------
    effect : float
        Change of the grain's size from vehicle to the highest dose, in standard deviations of cells.
    shrinking : float
        Share of the radius that the highest dose takes.
    growth : float
        Change of the outline from the first to the last time, likewise.
    position : float
        Share of the brightness by which the lit corner of the plate is above its middle.
    well : float
        Standard deviation of the brightness between wells, as a share.
    """

    effect: float = 4.0
    shrinking: float = 0.0
    growth: float = 4.0
    position: float = 0.2
    well: float = 0.1
    doses: tuple[float, ...] = (0, 1, 2, 4, 8, 16, 32, 64)
    hours: tuple[float, ...] = (4, 8, 16, 24, 48, 72)
    replicates: int = 3
    cells: int = 14
    seed: int = 1


def draw(
    random: np.random.Generator, grain: float, outline: float, gain: float, scale: float = 1.0
) -> Pixels:
    """A cell of some 26 px times `scale`; grain and outline in standard deviations of cells."""
    y, x = np.mgrid[:CROP, :CROP] - (CROP - 1) / 2
    angle = random.uniform(0, np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    stretch = np.exp(0.12 * (1.2 + outline + random.normal()))
    radius = scale * random.normal(13, 1.2)
    inside = (along / (radius * stretch)) ** 2 + (across * stretch / radius) ** 2 < 1
    size = 1.2 * np.exp(0.18 * (grain + random.normal()))
    texture = ndimage.gaussian_filter(random.normal(size=(CROP, CROP)), size)
    level = gain * random.normal(1, 0.12) * (900 + 250 * texture / texture.std())
    return (random.poisson(np.clip(level, 0, None)) * inside).clip(0, 65535).astype(np.uint16)


def write_screen(folder: Path, truth: Truth) -> None:
    """Shards and indexes in ``crops/``, measurements in ``cells/``, and ``plate_map.csv``."""
    random = np.random.default_rng(truth.seed)
    places = [f"{row}{column:02d}" for row in "ABCDEFGH" for column in range(1, 13)]
    layouts = {}
    for replicate in range(1, truth.replicates + 1):
        plate = f"P{replicate}"
        wells = random.permutation(96)[: len(truth.doses)]
        layouts[plate] = {places[w]: content(dose) for w, dose in zip(wells, truth.doses, strict=True)}
        for rank, place in enumerate(wells):
            lit = truth.position * ((place // 12) / 7 + (place % 12) / 11 - 1)
            own = 1 + lit + random.normal(0, truth.well)
            for hour, hours in enumerate(truth.hours):
                keys = cell_keys(plate, hours, str(replicate), places[place], (1,), truth.cells)
                share = rank / (len(truth.doses) - 1)
                grain, scale = truth.effect * share, 1 - truth.shrinking * share
                outline = truth.growth * hour / max(len(truth.hours) - 1, 1)
                cells = [draw(random, grain, outline, own, scale) for _ in range(truth.cells)]
                write_well(folder, keys, cells)
    write_map(folder / "plate_map.csv", layouts)


def write_well(folder: Path, keys: pd.DataFrame, cells: list[Pixels]) -> None:
    """Shard, index and measurements of a well-timepoint."""
    write_crop_index(folder / "crops", keys)
    name = f"{keys['Metadata_Acquisition'].iloc[0]}_Well_{keys['Metadata_Well'].iloc[0]}"
    ids = keys["Metadata_CellID"]
    crops = [Crop(each, 0, 0, cell[None]) for each, cell in zip(ids, cells, strict=True)]
    write_shard(folder / "crops" / f"{name}.arrow", crops, ("Brightfield",), CROP)
    lit = [cell[cell > 0].astype(float) for cell in cells]
    measured = keys.assign(
        Cells_AreaShape_Area=[float(len(values)) for values in lit],
        Cells_Intensity_MeanIntensity_Brightfield=[values.mean() for values in lit],
        Cells_Intensity_StdIntensity_Brightfield=[values.std() for values in lit],
        Cells_Intensity_IntegratedIntensity_Brightfield=[values.sum() for values in lit],
        Cells_Intensity_MedianIntensity_Brightfield=[float(np.median(values)) for values in lit],
    )
    write_table(measured, folder / "cells" / f"{name}.parquet")


class Steps(NamedTuple):
    """Commands of bin/ with their arguments, that learn from a screen and judge what was learned."""

    split: tuple[object, ...]
    trainings: tuple[tuple[object, ...], ...]
    score: tuple[object, ...]


def steps(folder: Path, replicates: int, options: tuple[object, ...]) -> Steps:
    """The steps on the screen in `folder`, as the pipeline takes them by default; scores go to ``scores/``."""
    crops, scores = folder / "crops", folder / "scores"
    table, labels, leakage = (scores / name for name in ("split.parquet", "labels.json", "leakage.parquet"))
    split = ("--split", table, "--labels", labels)
    kinds = [("trained", fold) for fold in range(replicates)]
    kinds += [("permuted", fold) for fold in range(replicates)] + [("random_split", 0)]
    return Steps(
        ("split_cells", "--crops", crops, "--plate_map", folder / "plate_map.csv", "--out", table,
         "--labels_out", labels, "--leakage_out", leakage),
        tuple(
            ("train_resnet", *split, "--kind", kind, "--fold", fold, "--threads", 1, *options,
             "--out", folder / "predictions", crops)
            for kind, fold in kinds
        ),
        ("score_models", *split, "--leakage", leakage, "--predictions", folder / "predictions",
         "--cells", folder / "cells", "--out", scores),
    )  # fmt: skip
