"""A screen of cells for a real network: dose coarsens the grain, position and well change the brightness.

Every replicate is a plate with a layout of its own. Cells come with their crops, and with the measurements that the
baselines see.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
    growth : float
        Change of the outline from the first to the last time, likewise.
    position : float
        Share of the brightness by which the lit corner of the plate is above its middle.
    well : float
        Standard deviation of the brightness between wells, as a share.
    """

    effect: float = 4.0
    growth: float = 4.0
    position: float = 0.2
    well: float = 0.1
    doses: tuple[float, ...] = (0, 1, 2, 4, 8, 16, 32, 64)
    hours: tuple[float, ...] = (4, 8, 16, 24, 48, 72)
    replicates: int = 3
    cells: int = 14
    seed: int = 1


def draw(random: np.random.Generator, grain: float, outline: float, gain: float) -> Pixels:
    """A cell of some 26 px; grain and outline in standard deviations of cells."""
    y, x = np.mgrid[:CROP, :CROP] - (CROP - 1) / 2
    angle = random.uniform(0, np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    stretch = np.exp(0.12 * (1.2 + outline + random.normal()))
    radius = random.normal(13, 1.2)
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
                grain = truth.effect * rank / (len(truth.doses) - 1)
                outline = truth.growth * hour / max(len(truth.hours) - 1, 1)
                cells = [draw(random, grain, outline, own) for _ in range(truth.cells)]
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
