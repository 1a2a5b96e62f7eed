"""Batches of crops for a network, read at random from their shards.

A batch is read at once (`CropDataset.__getitems__`), so that what Python costs a crop stays some
microseconds. The order and all changes of the crops are functions of (seed, epoch, index) alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from morphodose.crops.shard import CropShard
from morphodose.deep.augment import draw, paste
from morphodose.deep.heads import MISSING
from morphodose.deep.recipe import Recipe
from morphodose.errors import InputError
from morphodose.files import find_files

#: Shards held open at once by a process: each is a memory map (65,530 are the system's limit) and some 45 kB.
#: A batch drawn at random from more of them opens one for almost each crop, which costs 50 times a read.
OPEN_SHARDS = 8192

#: Batches each worker reads ahead.
AHEAD = 2

#: A batch to read: the epoch and the rows of the data.
Wanted = tuple[int, npt.NDArray[np.int64]]


class CropBatch(NamedTuple):
    """Crops with what is to be learnt of them.

    Attributes
    ----------
    crops : (N, C, S, S) tensor of uint16
        Raw crops.
    targets : (N, L) tensor of int64
        Class of each label; `heads.MISSING` where there is none.
    rows : (N,) tensor of int64
        Rows of the data that the crops are.
    """

    crops: Tensor
    targets: Tensor
    rows: Tensor


def shard_paths(places: Sequence[str | Path]) -> dict[str, Path]:
    """Shards by file name, from files and folders of them.

    Raises
    ------
    InputError
        If there is no shard.
    """
    found = {path.name: path for place in places for path in find_files(place, "*.arrow")}
    if not found:
        raise InputError(f"no shard of crops (*.arrow) in {', '.join(map(str, places)) or 'an empty list'}")
    return found


def class_targets(frame: pd.DataFrame, recipe: Recipe) -> npt.NDArray[np.int64]:
    """Class numbers (N, L) of the rows of a split table, from its ``Label_*`` columns.

    Raises
    ------
    InputError
        If the split table has a class that ``labels.json`` does not have.
    """
    targets = np.full((len(frame), len(recipe.classes)), MISSING, np.int64)
    for column, (label, names) in enumerate(recipe.classes.items()):
        number = {name: place for place, name in enumerate(names)}
        given = frame[f"Label_{label.capitalize()}"]
        strange = set(given.dropna().unique()) - set(number)
        if strange:
            raise InputError(
                f"the split table has {label} classes that labels.json does not: {', '.join(sorted(strange))}"
            )
        targets[:, column] = given.map(number).fillna(MISSING).astype(np.int64)
    return targets


class CropDataset(Dataset):
    """Rows of a split table as crops.

    Parameters
    ----------
    frame : DataFrame
        Rows to read, with ``Crop_Shard`` and ``Crop_Row``, and with ``Label_*`` for the targets.
    shards : dict
        Path of each shard by its file name (`shard_paths`).
    recipe : Recipe
        Channels and classes.
    seed, shift : int
        Of the random changes: seed and largest shift, px.
    augment : bool
        Whether crops are changed at random: in training only.

    Raises
    ------
    InputError
        If a shard is missing or has other channels, another size or other cells than the table.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        shards: dict[str, Path],
        recipe: Recipe,
        seed: int = 0,
        shift: int = 0,
        augment: bool = False,
    ) -> None:
        codes, names = pd.factorize(frame["Crop_Shard"])
        missing = [name for name in names if name not in shards]
        if missing:
            raise InputError(
                f"shard {missing[0]} of the split table is not among the {len(shards)} shards given "
                f"({len(missing)} are missing)"
            )
        self.codes: npt.NDArray[np.int32] = codes.astype(np.int32)
        self.rows: npt.NDArray[np.int32] = frame["Crop_Row"].to_numpy(np.int32)
        self.paths = [shards[name] for name in names]
        self.targets = torch.from_numpy(class_targets(frame, recipe))
        self.shape = (len(recipe.channels), recipe.crop_size, recipe.crop_size)
        self.seed, self.shift, self.augment = seed, shift, augment
        self._open: OrderedDict[int, CropShard] = OrderedDict()
        self._check(frame, recipe)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> CropBatch:
        """One crop, as it is on disk, as a batch of one."""
        return self.read(0, np.array([row]), augment=False)

    def __getitems__(self, wanted: Wanted) -> CropBatch:
        """The crops of a batch of `EpochBatches`."""
        return self.read(*wanted, augment=self.augment)

    def read(self, epoch: int, rows: npt.NDArray[np.int64], augment: bool) -> CropBatch:
        """Crops of some rows, changed as the epoch demands.

        Parameters
        ----------
        rows : (N,) array of int
            Rows of the split table.
        """
        out = np.zeros((len(rows), *self.shape), np.uint16)
        changes = draw(self.seed, epoch, rows, self.shift) if augment else None
        # shard by shard, rows ascending: neighbours in the file are read together
        for place in np.lexsort((self.rows[rows], self.codes[rows])):
            crop = self._shard(int(self.codes[rows[place]])).read_box(int(self.rows[rows[place]]))
            paste(crop, out[place], None if changes is None else changes[place])
        return CropBatch(torch.from_numpy(out), self.targets[rows], torch.from_numpy(rows))

    def _shard(self, code: int) -> CropShard:
        """An open shard; the one unused for longest is closed where too many are open."""
        shard = self._open.get(code)
        if shard is None:
            shard = self._open[code] = CropShard(self.paths[code])
            if len(self._open) > OPEN_SHARDS:
                self._open.popitem(last=False)
        else:
            self._open.move_to_end(code)
        return shard

    def _check(self, frame: pd.DataFrame, recipe: Recipe) -> None:
        """Every shard fits the recipe, and its first and last row are the table's cells."""
        cells = frame["Metadata_CellID"].to_numpy()
        order = np.lexsort((self.rows, self.codes))
        starts = np.flatnonzero(np.diff(self.codes[order], prepend=-1))
        for code, ends in enumerate(zip(starts, [*starts[1:] - 1, len(order) - 1], strict=True)):
            path = self.paths[code]
            shard = CropShard(path)
            if shard.channels != recipe.channels or shard.size != recipe.crop_size:
                raise InputError(
                    f"{path}: crops of {shard.size} px with channels {', '.join(shard.channels)}, but "
                    f"{recipe.crop_size} px with {', '.join(recipe.channels)} are expected"
                )
            for place in order[list(ends)]:
                row = int(self.rows[place])
                found = shard.read_box(row).cell_id if 0 <= row < len(shard) else "no such row"
                if found != cells[place]:
                    raise InputError(
                        f"{path}, row {row}: {found}, but the split table has {cells[place]}; "
                        "split the cells again (split_cells)"
                    )


class EpochBatches(Sampler):
    """Batches of rows, epoch by epoch, of one process among several.

    Parameters
    ----------
    count : int
        Rows of the data.
    batch_size : int
        Rows of a batch of one process.
    seed : int
        Of the order.
    shuffle : bool
        A new order each epoch; then a last batch that is not full is left out, so that all batches and
        all processes have as many. Without it rows come in their order, all of them, and the processes that
        have no row of the last batch have a batch less.
    rank, world : int
        Number of this process, and of all.

    Attributes
    ----------
    epoch, start : int
        The next pass: its number, and the batch it begins with (0 but after an interruption).
    """

    def __init__(
        self, count: int, batch_size: int, seed: int = 0, shuffle: bool = False, rank: int = 0, world: int = 1
    ) -> None:
        if not count or batch_size < 1:
            raise ValueError(f"batches of {batch_size} from {count} rows")
        self.count, self.batch_size, self.seed, self.shuffle = count, batch_size, seed, shuffle
        self.rank, self.world = rank, world
        self.epoch = self.start = 0

    def __len__(self) -> int:
        whole = self.batch_size * self.world
        return max(1, self.count // whole) if self.shuffle else -(-self.count // whole)

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """The rows in the order of an epoch."""
        if not self.shuffle:
            return np.arange(self.count)
        return np.random.default_rng([self.seed, epoch]).permutation(self.count)

    def __iter__(self) -> Iterator[Wanted]:
        order, whole = self.order(self.epoch), self.batch_size * self.world
        for number in range(self.start, len(self)):
            rows = order[number * whole : (number + 1) * whole][self.rank :: self.world]
            if len(rows):
                yield self.epoch, rows


def crop_loader(
    dataset: CropDataset, batches: EpochBatches, workers: int = 0, pin: bool = False
) -> DataLoader:
    """A loader of `CropBatch`; `workers` processes read ahead, into pinned memory for a GPU."""
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_as_it_is,
        pin_memory=pin,
        persistent_workers=workers > 0,
        prefetch_factor=AHEAD if workers else None,
    )


def _as_it_is(batch: Any) -> Any:
    """A batch comes whole from the data."""
    return batch


def crop_format(shards: dict[str, Path]) -> tuple[tuple[str, ...], int]:
    """Channels and edge of the crops of the first of some shards, which the others are held to."""
    shard = CropShard(next(iter(shards.values())))
    return shard.channels, shard.size
