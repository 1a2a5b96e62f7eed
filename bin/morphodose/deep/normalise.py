"""The screen's mean and standard deviation of each channel, from vehicle cells of the training wells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from morphodose.crops.shard import CropShard
from morphodose.errors import InputError

#: Crops that are read for it.
SAMPLE = 2000


def channel_statistics(
    train: pd.DataFrame, shards: dict[str, Path], seed: int, sample: int = SAMPLE
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of all pixels of crops, channel by channel, in counts.

    Parameters
    ----------
    train : DataFrame
        Training cells; those of vehicle wells are taken, or all where there is none.
    shards : dict
        Path of each shard by its file name.
    seed, sample : int
        A random sample of that many cells is read.

    Returns
    -------
    mean, std : tuple of float
        By channel. Pixels outside the cell, 0 in every crop, count: the network sees them, too.

    Raises
    ------
    InputError
        If a channel is constant.
    """
    vehicle = train[train["Metadata_Role"] == "vehicle"]
    cells = vehicle if len(vehicle) else train
    chosen = np.sort(np.random.default_rng([seed, 2]).permutation(len(cells))[:sample])
    total = squares = np.zeros(0)
    pixels = 0
    channels: tuple[str, ...] = ()
    for name, rows in cells.iloc[chosen].groupby("Crop_Shard", sort=True)["Crop_Row"]:
        if name not in shards:
            raise InputError(f"shard {name} of the split table is not among the {len(shards)} shards given")
        shard = CropShard(shards[str(name)])
        channels = shard.channels
        for row in rows:
            box = shard.read_box(int(row)).pixels.astype(np.float64)
            if not len(total):
                total, squares = np.zeros(len(box)), np.zeros(len(box))
            total += box.sum((1, 2))
            squares += (box**2).sum((1, 2))
            pixels += shard.size**2
    mean = total / pixels
    std = np.sqrt(np.maximum(squares / pixels - mean**2, 0))
    for channel, value in zip(channels, std, strict=True):
        if not value > 0:
            raise InputError(
                f"channel {channel} is constant in {len(chosen)} crops; cut them without it (--crop_channels)"
            )
    return tuple(float(value) for value in mean), tuple(float(value) for value in std)
