"""A stratified sample of cells: so many of each dose, time and replicate as there is room for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from morphodose.errors import InputError

#: What a stratum is.
STRATA = ("Label_Dose", "Label_Time", "Metadata_Plate", "Metadata_Replicate")


def equal_shares(counts: npt.NDArray[np.int64], limit: int) -> npt.NDArray[np.int64]:
    """How many to take of each stratum: the same of all, but none more than it has.

    What small strata leave goes to the larger ones. Where the limit does not divide evenly, the first
    strata get one more each.

    Parameters
    ----------
    counts : (S,) array of int
        Cells of each stratum.
    """
    level, left = 0, min(limit, int(counts.sum()))
    while left >= (wider := int((counts > level).sum())) > 0:
        step = min(left // wider, int((counts[counts > level] - level).min()))
        level, left = level + step, left - step * wider
    shares = np.minimum(counts, level)
    shares[np.flatnonzero(counts > level)[:left]] += 1
    return shares


def stratified(cells: pd.DataFrame, limit: int, seed: int) -> pd.DataFrame:
    """At most `limit` rows of a split, spread over dose × time × replicate, sorted by shard and row.

    Parameters
    ----------
    cells : pandas.DataFrame
        Rows of ``split.parquet``; only those with ``Usable`` are taken.
    limit : int
        Greatest number of cells.
    seed : int
        The same seed and the same cells give the same sample, in whichever order the rows come.

    Raises
    ------
    InputError
        If no cell is usable.
    """
    usable = cells[cells["Usable"]].sort_values("Metadata_CellID", kind="stable")
    if usable.empty:
        raise InputError("the split has no usable cell (its column Excluded says why)")
    groups = usable.groupby(list(STRATA), dropna=False, sort=True).indices
    positions = [groups[key] for key in groups]
    rng = np.random.default_rng(seed)
    shares = equal_shares(np.array([len(group) for group in positions], np.int64), limit)
    chosen = [
        rng.choice(group, size=share, replace=False)
        for group, share in zip(positions, shares, strict=True)
        if share
    ]
    return usable.iloc[np.sort(np.concatenate(chosen))].sort_values(["Crop_Shard", "Crop_Row"], kind="stable")
