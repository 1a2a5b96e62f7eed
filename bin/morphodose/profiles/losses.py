"""What the segmentation lost: shares of nuclei and cells by well, and whether the dose moves them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from morphodose.profiles.intervals import wilson
from morphodose.profiles.segmentation import NUCLEI
from morphodose.responses.dose_effect import effect_p
from morphodose.responses.multiple_testing import benjamini_hochberg
from morphodose.responses.select import Layout, series

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

#: Objects of a dose, over its wells, below which its share says little.
LEAST_OBJECTS = 20
#: Differences between a dose and vehicle that are too small to matter: they are not tested.
LEAST_DIFFERENCE = 0.02
#: False discovery rate, over all losses, compounds and timepoints, up to which the dose is said to move one.
RATE = 0.05
#: With fewer ways to exchange the wells no P value can be below 0.05.
LEAST_ARRANGEMENTS = 20
#: A difference that so many arrangements at most reach is as large as exchanged wells can show.
MOST_EXTREME = 3


@dataclass(frozen=True)
class Loss:
    """A share of objects that the segmentation got wrong, or may have.

    Attributes
    ----------
    words : str
        What is counted, in the plural.
    part : str
        Its column of the wells and of the fields.
    whole : tuple of str
        Columns whose sum it is a part of.
    one : str
        What is counted, in the singular.
    """

    words: str
    part: str
    whole: tuple[str, ...]
    one: str

    def counts(self, table: pd.DataFrame) -> tuple[Floats, Floats]:
        """Part and whole of each row; columns that a table lacks count nothing."""
        part = table[self.part].to_numpy(dtype=float)
        names = [name for name in self.whole if name in table]
        return part, table[names].to_numpy(dtype=float).sum(axis=1)

    def shares(self, table: pd.DataFrame) -> Floats:
        """Share of each row; NaN where there is nothing to be a share of."""
        part, whole = self.counts(table)
        return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


WITHOUT_CELL = Loss("nuclei in no cell", "Count_NucleiWithoutCell", NUCLEI, "nucleus in no cell")
WITHOUT_NUCLEUS = Loss(
    "cells without nucleus", "Count_CellsWithoutNucleus", ("Count_Cells",), "cell without nucleus"
)
MULTINUCLEATE = Loss(
    "cells with several nuclei", "Count_MultinucleateCells", ("Count_Cells",), "cell with several nuclei"
)
AT_BORDER = Loss(
    "cells cut by the border",
    "Count_BorderCells",
    ("Count_Cells", "Count_BorderCells"),
    "cell cut by the border",
)
#: Of a method that completes what the network left out: the cells are there, and grown from their nuclei.
COMPLETED = Loss(
    "nuclei whose cell was grown, since the network missed it",
    "Count_NucleiWithoutCellBefore",
    NUCLEI,
    "nucleus whose cell was grown, since the network missed it",
)
#: Of a screen without a nuclear channel, in areas of a cell.
STAIN_OUTSIDE = Loss(
    "stained area in no cell",
    "Count_StainedAreasInNoCell",
    ("Count_StainedAreas",),
    "stained area in no cell",
)
LOSSES = (WITHOUT_CELL, COMPLETED, WITHOUT_NUCLEUS, MULTINUCLEATE, AT_BORDER, STAIN_OUTSIDE)


def losses_of(table: pd.DataFrame) -> list[Loss]:
    """Losses that a table of wells or fields has counts of; those of nuclei only where there are nuclei."""
    present = [name for name in NUCLEI if name in table]
    nuclei = bool(present) and float(table[present].fillna(0).to_numpy(dtype=float).sum()) > 0
    return [
        loss
        for loss in LOSSES
        if loss.part in table
        and "Count_Cells" in table
        and (nuclei or loss in (AT_BORDER, STAIN_OUTSIDE))
        and (loss is not COMPLETED or is_completed(table))
    ]


def is_completed(table: pd.DataFrame) -> bool:
    """Whether cells were grown for nuclei that the network had left without one, in any row."""
    if not {COMPLETED.part, WITHOUT_CELL.part} <= set(table):
        return False
    return bool((table[COMPLETED.part] > table[WITHOUT_CELL.part]).any())


def dose_tests(wells: pd.DataFrame, losses: list[Loss], seed: int = 1) -> list[dict[str, Any]]:
    """Whether the share of each loss depends on the dose, for each compound and timepoint.

    Parameters
    ----------
    wells : pandas.DataFrame
        With ``Metadata_*`` and the counts of the losses; doses of vehicle wells are taken as 0.
    losses : list of Loss
        What is tested.
    seed : int
        Of the permutations.

    Returns
    -------
    list of dict
        ``Loss``, ``Compound``, ``Timepoint``, ``Unit``, ``Wells``, ``Vehicle`` (share, pooled over its
        wells), ``Dose`` (where it differs most from vehicle), ``Share`` there, and ``Change``, the least
        difference that the interval of this share (Wilson's) leaves; ``P`` and ``Q``.
        ``Testable`` is False where the wells are too few to tell: P is missing, or it is as small as
        exchanging so few wells can make it, and that is not small enough among so many tests.

    Notes
    -----
    The test is that of a dose effect (`morphodose.responses.dose_effect.effect_p`): shares on the scale of
    the double arcsine, wells permuted within plate and replicate, so that a well is one observation. Q is
    Benjamini and Hochberg's over everything that could be tested; where no dose differs from vehicle by
    `LEAST_DIFFERENCE` there is nothing to test and P is 1, which makes the others more cautious.
    """
    wells = wells.copy()
    wells.loc[wells["Metadata_Role"] == "vehicle", "Metadata_Dose"] = 0.0
    rows = []
    layout = Layout(wells)
    for compound, group in layout.pairs():
        mine = series(wells, compound, group, layout)
        for hours, of_time in mine.groupby("Metadata_Timepoint", sort=True):
            for loss in losses:
                row = _tested(of_time, loss, seed)
                if row:
                    rows.append({"Loss": loss, "Compound": compound, "Timepoint": float(hours), **row})
    rates = benjamini_hochberg(np.array([row["P"] for row in rows], dtype=float))
    tested = [{**row, "Q": float(rate)} for row, rate in zip(rows, rates, strict=True)]
    return [{**row, "Testable": row["Testable"] and not _at_the_limit(row)} for row in tested]


def _at_the_limit(row: dict[str, Any]) -> bool:
    """Whether the wells differ as much as they can, and are too few for the rate all the same."""
    return bool(row["Q"] > RATE and row["P"] * row["Arrangements"] <= MOST_EXTREME)


def _tested(wells: pd.DataFrame, loss: Loss, seed: int) -> dict[str, Any] | None:
    """Row of one compound, timepoint and loss; None without vehicle or dose to compare."""
    part, whole = loss.counts(wells)
    kept = np.isfinite(part) & (whole > 0)
    wells, part, whole = wells[kept], part[kept], whole[kept]
    doses = wells["Metadata_Dose"].to_numpy(dtype=float)
    pooled = {
        dose: part[doses == dose].sum() / whole[doses == dose].sum()
        for dose in np.unique(doses)
        if whole[doses == dose].sum() >= LEAST_OBJECTS
    }
    if 0.0 not in pooled or len(pooled) < 2:
        return None
    vehicle = pooled.pop(0.0)
    dose = max(pooled, key=lambda each: abs(pooled[each] - vehicle))
    units = wells.loc[doses > 0, "Metadata_DoseUnit"].dropna()
    low, high = wilson(float(part[doses == dose].sum()), float(whole[doses == dose].sum()))
    row = {
        "Unit": str(units.iloc[0]) if len(units) else "",
        "Wells": len(wells),
        "Vehicle": float(vehicle),
        "Dose": float(dose),
        "Share": float(pooled[dose]),
        "Change": max(0.0, low - float(vehicle), float(vehicle) - high),
    }
    blocks = (wells["Metadata_Plate"].astype(str) + "|" + wells["Metadata_Replicate"].astype(str)).to_numpy()
    ways = _arrangements(doses, blocks)
    row["Arrangements"] = ways
    if ways < LEAST_ARRANGEMENTS:
        return {**row, "P": math.nan, "Testable": False}
    if max(abs(share - vehicle) for share in pooled.values()) < LEAST_DIFFERENCE:
        return {**row, "P": 1.0, "Testable": True}
    scale = 0.5 * (np.arcsin(np.sqrt(part / (whole + 1))) + np.arcsin(np.sqrt((part + 1) / (whole + 1))))
    return {**row, "P": effect_p(doses, scale, blocks, seed=seed), "Testable": True}


def _arrangements(doses: Floats, blocks: npt.NDArray[Any]) -> float:
    """In how many different ways the doses can be exchanged between the wells of each block."""
    logarithm = 0.0
    for block in np.unique(blocks):
        mine = doses[blocks == block]
        logarithm += math.lgamma(len(mine) + 1)
        logarithm -= sum(math.lgamma(np.count_nonzero(mine == dose) + 1) for dose in np.unique(mine))
    return math.exp(min(logarithm, 700.0))


def wilson_low(part: Floats, whole: Floats, z: float = 1.96) -> Floats:
    """Lower end of Wilson's 95 % interval of shares; 0 where there is nothing to be a share of.

    Parameters
    ----------
    part, whole : (N,) array
        Numbers of objects.
    """
    whole_or_one = np.maximum(whole, 1.0)
    share = part / whole_or_one
    middle = share + z**2 / (2 * whole_or_one)
    half = z * np.sqrt(share * (1 - share) / whole_or_one + z**2 / (4 * whole_or_one**2))
    low = (middle - half) / (1 + z**2 / whole_or_one)
    return np.where(whole > 0, np.maximum(low, 0.0), 0.0)


def ranking_loss(images: pd.DataFrame) -> Loss:
    """The loss by which fields are ranked: what the network missed, completed since or not."""
    if STAIN_OUTSIDE.part in images and images[STAIN_OUTSIDE.part].notna().any():
        return STAIN_OUTSIDE
    return COMPLETED if is_completed(images) else WITHOUT_CELL


def worst_fields(images: pd.DataFrame, count: int) -> pd.DataFrame:
    """Fields with most nuclei (or stain, without a nuclear channel) that the network left out, worst first.

    Parameters
    ----------
    images : pandas.DataFrame
        Rows of the images table.
    count : int
        How many at most.

    Returns
    -------
    pandas.DataFrame
        Rows of `images` with ``Lost`` and ``Share`` (of `ranking_loss`) added; dropped fields and those
        without such a nucleus are left out. The order is that of the lower end of Wilson's interval, so that
        one lost nucleus of two does not stand before forty of a hundred.
    """
    if ranking_loss(images).part not in images:
        return images.iloc[:0].assign(Lost=[], Share=[])
    table = images
    if "Metadata_QCVerdict" in table:
        table = table[(table["Metadata_QCVerdict"] != "drop").fillna(True).astype(bool)]
    part, whole = ranking_loss(images).counts(table)
    part = np.nan_to_num(part)
    table = table.assign(Lost=part, Share=np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0))
    table = table.assign(Order=wilson_low(part, np.nan_to_num(whole)))[part > 0]
    order = ["Order", "Metadata_ImageID"]
    return table.sort_values(order, ascending=[False, True]).head(count).drop(columns="Order")
