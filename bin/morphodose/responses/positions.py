"""Whether the place of a well moves what is measured."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from morphodose.responses.endpoints import stabilised
from morphodose.responses.multiple_testing import benjamini_hochberg
from morphodose.responses.select import cells_behind, usable

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

#: Vehicle wells that a test of a place needs beside its terms.
SPARE_WELLS = 4
TERMS = ("row", "column", "edge")
_WELL = re.compile(r"^([A-Za-z]{1,2})0*([1-9]\d*)$")


def places_of(wells: npt.ArrayLike) -> Floats:
    """Row and column of wells named ``B07``, from 0; NaN where a name is not such. (W, 2)."""
    found = np.full((len(np.atleast_1d(wells)), 2), math.nan)
    for number, name in enumerate(np.atleast_1d(wells)):
        if match := _WELL.match(str(name)):
            row = 0
            for letter in match[1].upper():
                row = 26 * row + ord(letter) - 64
            found[number] = row - 1, int(match[2]) - 1
    return found


def position_rows(wells: pd.DataFrame, endpoints: list[str]) -> list[dict[str, Any]]:
    """Rows of the table `positions`: whether row, column or edge moves the vehicle wells.

    Each term is tested with the others in the model (F test of least squares), for each plate, timepoint and
    endpoint, over the vehicle wells; the false discovery rate is over all rows. Where the vehicle wells
    stand so that a term cannot be told, the row says so.
    """
    rows: list[dict[str, Any]] = []
    vehicle = wells[wells["Metadata_Role"] == "vehicle"]
    by = [vehicle["Metadata_Plate"].astype(str), vehicle["Metadata_Timepoint"]]
    everywhere = places_of(wells["Metadata_Well"].to_numpy())
    known = everywhere[np.isfinite(everywhere).all(axis=1)]
    if not len(known) or len(np.unique(known, axis=0)) < 2:
        return []
    low, high = known.min(axis=0), known.max(axis=0)
    for (plate, hours), mine in vehicle.groupby(by, sort=True):
        for endpoint in endpoints:
            kept = usable(mine, endpoint)
            places = places_of(kept["Metadata_Well"].to_numpy())
            values = stabilised(endpoint, kept[endpoint].to_numpy(dtype=float), cells_behind(kept, endpoint))
            there = np.isfinite(places).all(axis=1)
            places, values = places[there], values[there]
            edge = ((places == low) | (places == high)).any(axis=1).astype(float)
            keys = {"Metadata_Plate": plate, "Metadata_Timepoint": float(hours), "Endpoint": endpoint}
            for term, p, reason in _tests(np.column_stack([places, edge]), values):
                row = {"Term": term, "P": p, "N_Wells": len(values), "Reason": reason or None}
                rows.append({**keys, **row})
    rates = benjamini_hochberg(np.array([row["P"] for row in rows], dtype=float))
    return [{**row, "Q": float(rate)} for row, rate in zip(rows, rates, strict=True)]


def _tests(terms: Floats, values: Floats) -> list[tuple[str, float, str]]:
    """P value of each term given the others, and why there is none."""
    from scipy.stats import f

    needed = len(TERMS) + 1 + SPARE_WELLS
    if len(values) < needed:
        reason = f"{len(values)} vehicle well{'s' * (len(values) != 1)}; {needed} are needed"
        return [(name, math.nan, reason) for name in TERMS]
    whole = np.column_stack([np.ones(len(values)), terms])
    found = []
    for number, name in enumerate(TERMS):
        reduced = np.delete(whole, number + 1, axis=1)
        rank, without = np.linalg.matrix_rank(whole), np.linalg.matrix_rank(reduced)
        if rank == without:
            found.append((name, math.nan, "the vehicle wells do not tell it"))
        else:
            left, more = _squares(whole, values), _squares(reduced, values)
            freedom = len(values) - rank
            p = float(f.sf((more - left) / max(left / freedom, 1e-300), 1, freedom)) if more > 0 else 1.0
            found.append((name, p, ""))
    return found


def _squares(x: Floats, y: Floats) -> float:
    """Residual sum of squares of least squares."""
    return float(((y - x @ np.linalg.lstsq(x, y, rcond=None)[0]) ** 2).sum())
