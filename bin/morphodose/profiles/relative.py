"""Cells against vehicle: cells that detached are dead too, and are in no fraction of those that remain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from morphodose.responses.select import Layout

if TYPE_CHECKING:
    import pandas as pd

#: With this many vehicle wells an acquisition is compared with its own.
OWN_REFERENCE = 3


def relative_columns(wells: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
    """``Relative_CellCount``, ``Fraction_Lost``, ``Relative_ViableCount``, ``Relative_NucleiCount``.

    And ``Count_ReferenceWells``, the number of vehicle wells behind them.

    Parameters
    ----------
    wells : pandas.DataFrame
        Wells, with ``Count_CellsPerField``; ``Metadata_Group`` where groups divide them. A column is there
        only where the wells have what it is made of: nuclei (``Count_NucleiPerField``) stay where a stain
        that leaves the cell hides it.

    Notes
    -----
    Cells per field over the mean of the vehicle wells of the well's compound and group
    (`morphodose.responses.select.Layout`) on the same plate and timepoint: those of the same acquisition
    where it has `OWN_REFERENCE` of them, else those of all its replicates. The mean of one or two wells would
    put their own scatter into every well that is divided by it, and make the vehicle wells of such an
    acquisition agree with themselves by construction.
    """
    count = len(wells)
    cells = wells["Count_CellsPerField"].to_numpy(dtype=float)
    parts = {"Relative_CellCount": cells}
    if "Fraction_Viable" in wells:
        parts["Relative_ViableCount"] = _viable_per_field(wells, cells)
    if "Count_NucleiPerField" in wells:
        parts["Relative_NucleiCount"] = wells["Count_NucleiPerField"].to_numpy(dtype=float)
    found: dict[str, npt.NDArray[Any]] = {"Count_ReferenceWells": np.zeros(count, dtype=np.int64)}
    found |= {name: np.full(count, math.nan) for name in parts}
    acquisitions = (
        wells["Metadata_Acquisition"].astype(str).to_numpy()
        if "Metadata_Acquisition" in wells
        else np.full(count, "")
    )
    by = [wells["Metadata_Plate"].astype(str), wells["Metadata_Timepoint"]]
    for places in wells.groupby(by, sort=True).indices.values():
        for mine, reference in Layout(wells.iloc[places]).references():
            mine, reference = places[mine], places[reference]
            reference = reference[np.isfinite(cells[reference])]
            for acquisition in np.unique(acquisitions[mine]):
                rows = mine[acquisitions[mine] == acquisition]
                own = reference[acquisitions[reference] == acquisition]
                chosen = own if len(own) >= OWN_REFERENCE else reference
                found["Count_ReferenceWells"][rows] = len(chosen)
                for name, values in parts.items():
                    found[name][rows] = values[rows] / _mean(values[chosen])
    return found | {"Fraction_Lost": 1 - found["Relative_CellCount"]}


def _viable_per_field(wells: pd.DataFrame, cells: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Viable cells per field; 0 where a well with fields has no cell."""
    found = cells * wells["Fraction_Viable"].to_numpy(dtype=float)
    empty = wells["Count_Cells"].to_numpy(dtype=float) == 0 if "Count_Cells" in wells else cells == 0
    found[empty] = np.where(np.isfinite(cells[empty]), 0.0, math.nan)
    return found


def _mean(values: npt.NDArray[np.float64]) -> float:
    """Mean of the values there are; NaN where it is not above 0."""
    there = values[np.isfinite(values)]
    mean = float(there.mean()) if len(there) else math.nan
    return mean if mean > 0 else math.nan
