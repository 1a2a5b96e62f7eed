"""Which cells a fold trains on and which it holds out; labels shuffled between wells for the null model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from morphodose.errors import InputError

KEYS = (
    "Metadata_Plate",
    "Metadata_Timepoint",
    "Metadata_Replicate",
    "Metadata_Acquisition",
    "Metadata_Well",
    "Metadata_Field",
    "Metadata_ImageID",
    "Metadata_ObjectLabel",
    "Metadata_CellID",
)
#: Columns of ``split.parquet`` that training reads.
COLUMNS = (
    *KEYS,
    "Metadata_Role",
    "Crop_Shard",
    "Crop_Row",
    "Label_Dose",
    "Label_Time",
    "Fold",
    "RandomFold",
    "Usable",
)
#: A physical well, and a field of it, over all timepoints.
WELL = ["Metadata_Plate", "Metadata_Replicate", "Metadata_Well"]
FIELD = [*WELL, "Metadata_Field"]

#: Shuffles among which the one is taken that keeps as many labels as chance would.
SHUFFLES = 100


def choose_rows(frame: pd.DataFrame, fold: int, kind: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Usable cells to train on and to hold out.

    Parameters
    ----------
    frame : DataFrame
        The split table.
    fold : int
        The fold to hold out.
    kind : str
        ``random_split`` takes the folds over cells, any other kind those over replicates or wells.

    Raises
    ------
    InputError
        If the fold does not exist, a side is empty, or (unless the split is over cells) a field of a well
        is on both sides.
    """
    column = "RandomFold" if kind == "random_split" else "Fold"
    if fold not in set(frame[column]):
        raise InputError(f"--fold {fold} is not a {column} of the split table: {sorted(set(frame[column]))}")
    usable = frame[frame["Usable"].astype(bool)]
    held = usable[column] == fold
    train, held_out = usable[~held].reset_index(drop=True), usable[held].reset_index(drop=True)
    if train.empty or held_out.empty:
        raise InputError(
            f"fold {fold}: {len(train)} usable cells to train on and {len(held_out)} held out; "
            "it needs some of both"
        )
    if kind != "random_split":
        shared = pd.merge(train[FIELD].drop_duplicates(), held_out[FIELD].drop_duplicates(), on=FIELD)
        if len(shared):
            raise InputError(
                f"fold {fold}: {len(shared)} well fields are in training and held out, first "
                f"{dict(shared.iloc[0])}; split the cells again (split_cells)"
            )
    return train, held_out


def thin(frame: pd.DataFrame, limit: int, seed: int) -> pd.DataFrame:
    """At most `limit` rows (0: all), the same share of every well-timepoint and so of every class."""
    if not limit or len(frame) <= limit:
        return frame
    random = np.random.default_rng(seed).permutation(len(frame))
    strata = frame.groupby([*WELL, "Metadata_Timepoint"], sort=False).ngroup().to_numpy()
    order = np.lexsort((random, strata))
    sizes = np.bincount(strata)
    rank = np.empty(len(frame))
    rank[order] = np.concatenate([np.arange(size) for size in sizes])
    # how far into its stratum a row stands: the smallest are the same share of each
    share = (rank + random / len(frame)) / sizes[strata]
    kept = np.sort(np.lexsort((random, share))[:limit])
    return frame.iloc[kept].reset_index(drop=True)


def shuffle_labels(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The training cells with labels shuffled between wells, never between cells.

    Doses change between wells, a well keeping one dose at all times; times change between the timepoints
    of each well. Of `SHUFFLES` shuffles that one is taken which leaves as many labels in place as chance
    would: with few wells a single one may keep many, or none, and neither is what chance gives.
    """
    random = np.random.default_rng([seed, 1])
    shuffled = frame.copy()
    wells, first = np.unique(_codes(frame, WELL), return_inverse=True)
    dose = frame["Label_Dose"].to_numpy()[_first_rows(first, len(wells))]
    shuffled["Label_Dose"] = _shuffle(dose, np.zeros(len(wells), np.int64), random)[first]
    times, where = np.unique(_codes(frame, [*WELL, "Metadata_Timepoint"]), return_inverse=True)
    start = _first_rows(where, len(times))
    time = frame["Label_Time"].to_numpy()[start]
    shuffled["Label_Time"] = _shuffle(time, first[start], random)[where]
    return shuffled


def _codes(frame: pd.DataFrame, columns: Sequence[str]) -> npt.NDArray[np.int64]:
    """Number of the group of each row, in the order of the groups' keys."""
    return frame.groupby(list(columns), sort=True).ngroup().to_numpy()


def _first_rows(groups: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """First row of each group."""
    return np.array([np.flatnonzero(groups == number)[0] for number in range(count)])


def _shuffle(
    values: npt.NDArray[np.object_], blocks: npt.NDArray[np.int64], random: np.random.Generator
) -> npt.NDArray[np.object_]:
    """Values shuffled within blocks, as near to chance agreement as `SHUFFLES` tries come."""
    members = [np.flatnonzero(blocks == block) for block in np.unique(blocks)]
    expected = sum(
        float((np.unique(values[rows].astype(str), return_counts=True)[1] ** 2).sum()) / len(rows)
        for rows in members
    )
    best, distance = values, np.inf
    for _ in range(SHUFFLES):
        tried = values.copy()
        for rows in members:
            tried[rows] = values[random.permutation(rows)]
        off = abs(float((tried.astype(str) == values.astype(str)).sum()) - expected)
        if off < distance:
            best, distance = tried, off
    return best
