"""What a run found on a simulated plate beside what was put in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from morphodose.imaging.images import read_labels
from morphodose.segmentation.score import Score, score
from morphodose.tables import read_table

if TYPE_CHECKING:
    import pandas as pd

FRACTIONS = ("Fraction_Viable", "Fraction_EarlyApoptotic", "Fraction_LateApoptotic", "Fraction_Necrotic")
WELL_KEYS = ["Metadata_Acquisition", "Metadata_Timepoint", "Metadata_Well"]


@dataclass(frozen=True)
class Comparison:
    """Found against true.

    Attributes
    ----------
    cells_found, cells_true : int
        Cells that do not touch the border, over all fields.
    f1 : float
        F1 of the cell masks at IoU 0.5, over all cells of the in-focus fields.
    fractions : pandas.DataFrame
        A row per timepoint and dose: cells, found and true fraction of each state, replicates pooled.
    responses : pandas.DataFrame
        A row per endpoint and timepoint: state, EC50 with interval, true EC50, whether it is inside.
    """

    cells_found: int
    cells_true: int
    f1: float
    fractions: pd.DataFrame
    responses: pd.DataFrame

    @property
    def count_error(self) -> float:
        """Relative error of the number of cells."""
        return self.cells_found / self.cells_true - 1

    @property
    def fraction_error(self) -> float:
        """Largest difference of a death fraction at any dose and timepoint."""
        return max(
            float((self.fractions[name] - self.fractions[f"{name}_True"]).abs().max()) for name in FRACTIONS
        )

    def text(self) -> str:
        """The comparison as a person reads it."""
        lines = [
            f"cells          found {self.cells_found}, true {self.cells_true} ({self.count_error:+.1%})",
            f"masks          F1 at IoU 0.5: {self.f1:.3f}",
            f"death states   found (true); largest difference of a fraction: {self.fraction_error:.3f}",
            "               h    dose   cells"
            + "".join(f"{name.removeprefix('Fraction_'):>16}" for name in FRACTIONS),
        ]
        for row in self.fractions.to_dict("records"):
            pairs = "".join(f"{row[name]:.2f} ({row[f'{name}_True']:.2f})".rjust(16) for name in FRACTIONS)
            place = f"{row['Metadata_Timepoint']:>16g} {row['Metadata_Dose']:>7g} {row['Count_Cells']:>7g}"
            control = "  positive control" if row["Metadata_Role"] == "positive" else ""
            lines.append(f"{place}{pairs}{control}")
        for row in self.responses.to_dict("records"):
            fitted = row["State"] == "fitted"
            found = f" {row['EC50']:.3g} ({row['EC50_Low']:.3g} to {row['EC50_High']:.3g})" if fitted else ""
            where = "inside" if row["Inside"] else "OUTSIDE"
            of = f"{row['Metadata_Compound']}, " if self.responses["Metadata_Compound"].nunique() > 1 else ""
            name = f"EC50           {of}{row['Endpoint']} at {row['Metadata_Timepoint']:g} h"
            lines.append(f"{name}: {row['State']}{found}, true {row['EC50_True']:.3g} {where}")
        return "\n".join(lines)


def compare(results: Path, truth: Path) -> Comparison:
    """Compare a result folder of the pipeline with the truth of the simulated plate.

    Parameters
    ----------
    results : path
        The pipeline's ``--outdir``.
    truth : path
        The ``truth`` folder that `simulate_plate.py` wrote.

    Raises
    ------
    FileNotFoundError
        If a table or a mask is missing.
    InputError
        If a table is not whole.
    """
    wells = read_table(results / "tables" / "wells.parquet")
    true_wells = read_table(truth / "wells.parquet")
    return Comparison(
        int(wells["Count_Cells"].sum()),
        int(true_wells["Count_Cells"].sum()),
        pooled_f1(results, truth),
        pooled_fractions(wells, true_wells),
        compare_responses(read_table(results / "tables" / "responses.parquet"), truth),
    )


def pooled_f1(results: Path, truth: Path, iou: float = 0.5) -> float:
    """F1 over the cells of all in-focus fields; cells that touch the border are left out on both sides.

    Raises
    ------
    FileNotFoundError
        If the mask of a field is missing.
    """
    fields = read_table(truth / "fields.parquet", ["Metadata_ImageID", "OutOfFocus"])
    cells = read_table(truth / "cells.parquet", ["Metadata_ImageID", "Metadata_ObjectLabel", "TouchesBorder"])
    masks = {path.name: path for path in (results / "segmented").rglob("*_cells.tif")}
    total = Score(iou, 0, 0, 0)
    for image in fields.loc[~fields["OutOfFocus"], "Metadata_ImageID"]:
        border = cells.loc[
            (cells["Metadata_ImageID"] == image) & cells["TouchesBorder"], "Metadata_ObjectLabel"
        ]
        true = read_labels(truth / f"{image}_cells.tif")
        if f"{image}_cells.tif" not in masks:
            raise FileNotFoundError(f"no {image}_cells.tif in {results / 'segmented'}")
        true[np.isin(true, border)] = 0
        total += score(true, read_labels(masks[f"{image}_cells.tif"]), (iou,))[0]
    return total.f1


def pooled_fractions(wells: pd.DataFrame, true_wells: pd.DataFrame) -> pd.DataFrame:
    """Found and true fraction of each state by timepoint and dose; wells weigh by their cells."""
    keys = ["Metadata_Timepoint", "Metadata_Role", "Metadata_Dose"]
    joined = wells.merge(
        true_wells[[*WELL_KEYS, "Count_Cells", *FRACTIONS]],
        on=WELL_KEYS,
        suffixes=("", "_True"),
        validate="1:1",
    )
    for name in FRACTIONS:
        joined[name] = joined[name].fillna(0) * joined["Count_Cells"]
        joined[f"{name}_True"] = joined[f"{name}_True"].fillna(0) * joined["Count_Cells_True"]
    sums = joined.groupby(keys, as_index=False)[
        ["Count_Cells", "Count_Cells_True", *FRACTIONS, *(f"{name}_True" for name in FRACTIONS)]
    ].sum()
    for name in FRACTIONS:
        sums[name] /= sums["Count_Cells"].clip(lower=1)
        sums[f"{name}_True"] /= sums["Count_Cells_True"].clip(lower=1)
    return sums.sort_values(keys[::2], ignore_index=True)


def compare_responses(responses: pd.DataFrame, truth: Path) -> pd.DataFrame:
    """EC50 of death of each compound and timepoint beside the true one: NaN of one that does nothing."""
    curves = json.loads((truth / "truth.json").read_text(encoding="utf-8"))["endpoints"]
    true = {(curve["compound"], curve["endpoint"], curve["timepoint_h"]): curve["ec50"] for curve in curves}
    rows = responses[responses["Endpoint"].isin(["Fraction_Dying", "Fraction_Dead"])].copy()
    keys = zip(rows["Metadata_Compound"], rows["Endpoint"], rows["Metadata_Timepoint"], strict=True)
    # no EC50 is true of a compound that does nothing
    found = [true.get((compound, endpoint, float(hours))) for compound, endpoint, hours in keys]
    rows["EC50_True"] = np.array(found, dtype=float)
    low = rows["EC50_Low"].fillna(0.0)
    high = rows["EC50_High"].fillna(np.inf)
    inside = (rows["State"] != "refused") & (low <= rows["EC50_True"]) & (rows["EC50_True"] <= high)
    rows["Inside"] = inside | (rows["EC50_True"].isna() & (rows["State"] == "refused"))
    return rows.sort_values(["Metadata_Compound", "Endpoint", "Metadata_Timepoint"], ignore_index=True)
