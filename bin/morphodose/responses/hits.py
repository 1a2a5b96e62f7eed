"""Hits of a primary screen: compounds with too few doses for a curve, against the vehicle of their plate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from morphodose.responses.endpoints import stabilised
from morphodose.responses.layout import vehicle_doubt
from morphodose.responses.multiple_testing import benjamini_hochberg
from morphodose.responses.select import Layout, cells_behind, usable
from morphodose.responses.verdict import LEAST_DOSES

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

#: Vehicle wells of a plate without which its compounds are not judged.
LEAST_VEHICLE = 4
#: False discovery rate, within a plate, timepoint and endpoint, up to which a compound is a hit.
HIT_Q = 0.05
#: Standard deviations per median absolute deviation of a normal distribution.
MAD_TO_SD = 1.4826


def hit_rows(wells: pd.DataFrame, endpoints: list[str]) -> list[dict[str, Any]]:
    """Rows of the table `hits`: each plate, compound, group, dose, timepoint and endpoint.

    Compounds with fewer doses than a curve needs. ``RobustZ``: (mean of the wells - median of vehicle) /
    (1.4826 MAD of vehicle) (Birmingham et al. 2009, Nat. Methods 6:569), on the scale of `stabilised`.
    ``SSMD``: difference of the means over the root of the summed variances (Zhang 2007, J. Biomol. Screen.
    12:645); a single well has the variance of vehicle. ``P``: Student's t, scatter pooled, two-sided; ``Q``:
    the false discovery rate over the compounds of the plate, timepoint and endpoint. ``Layout``: why place
    may be taken for an effect, of all such compounds of a plate together.
    """
    rows: list[dict[str, Any]] = []
    layout = Layout(wells)
    few = [
        pair
        for pair in layout.pairs()
        if wells.iloc[layout.treated(*pair)]["Metadata_Dose"].nunique() < LEAST_DOSES - 1
    ]
    doubts = _doubts(wells, layout, few)
    for compound, group in few:
        vehicle, treated = (wells.iloc[at(compound, group)] for at in (layout.vehicle, layout.treated))
        by = ["Metadata_Plate", "Metadata_Timepoint", "Metadata_Dose"]
        for (plate, hours, dose), mine in treated.groupby(by, sort=True):
            same = (vehicle["Metadata_Plate"] == plate) & (vehicle["Metadata_Timepoint"] == hours)
            units = mine["Metadata_DoseUnit"].dropna()
            keys = {
                "Metadata_Plate": str(plate),
                "Metadata_Compound": compound,
                "Metadata_Group": group,
                "Metadata_Dose": float(dose),
                "Metadata_DoseUnit": units.iloc[0] if len(units) else None,
                "Metadata_Timepoint": float(hours),
            }
            for endpoint in endpoints:
                found = judged(_values(mine, endpoint), _values(vehicle[same], endpoint))
                doubt = doubts[str(plate), float(hours)] or None
                rows.append({**keys, "Endpoint": endpoint, **found, "Layout": doubt})
    _add_rates(rows)
    return rows


def _doubts(wells: pd.DataFrame, layout: Layout, few: list[tuple[str, str]]) -> dict[tuple[str, float], str]:
    """Plate and timepoint → why the places of vehicle and treated wells differ, or ""."""
    treated = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(layout.treated(*one) for one in few)]))
    vehicle = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(layout.vehicle(*one) for one in few)]))
    reference = wells.iloc[vehicle]
    found = {}
    for (plate, hours), mine in wells.iloc[treated].groupby(["Metadata_Plate", "Metadata_Timepoint"]):
        same = (reference["Metadata_Plate"] == plate) & (reference["Metadata_Timepoint"] == hours)
        names = [each["Metadata_Well"].astype(str).to_numpy() for each in (mine, reference[same])]
        found[str(plate), float(hours)] = vehicle_doubt(*names)
    return found


def _values(wells: pd.DataFrame, endpoint: str) -> Floats:
    """Values of an endpoint on the scale where wells scatter alike."""
    kept = usable(wells, endpoint)
    return stabilised(endpoint, kept[endpoint].to_numpy(dtype=float), cells_behind(kept, endpoint))


def judged(treated: Floats, vehicle: Floats) -> dict[str, Any]:
    """Robust z, SSMD and P of some wells against vehicle wells; NaN with the reason where they are few.

    Parameters
    ----------
    treated, vehicle : (W,), (V,) arrays
        Values of the wells.
    """
    from scipy.special import stdtr

    row: dict[str, Any] = {
        "RobustZ": math.nan, "SSMD": math.nan, "P": math.nan, "N_Wells": len(treated),
        "N_Vehicle": len(vehicle), "Reason": None,
    }  # fmt: skip
    if not len(treated) or len(vehicle) < LEAST_VEHICLE:
        row["Reason"] = f"{len(treated)} wells, {len(vehicle)} of vehicle; 1 and {LEAST_VEHICLE} are needed"
        return row
    mad = MAD_TO_SD * float(np.median(np.abs(vehicle - np.median(vehicle))))
    own = float(vehicle.var(ddof=1))
    if own <= 0:
        row["Reason"] = "the vehicle wells do not scatter"
        return row
    if mad <= 0:
        row["Reason"] = "no robust z: more than half of the vehicle wells have the same value"
    difference = float(treated.mean() - vehicle.mean())
    other = float(treated.var(ddof=1)) if len(treated) > 1 else own
    freedom = len(vehicle) + len(treated) - 2
    squares = own * (len(vehicle) - 1) + (other * (len(treated) - 1) if len(treated) > 1 else 0.0)
    error = math.sqrt(squares / freedom * (1 / len(vehicle) + 1 / len(treated)))
    if mad > 0:
        row["RobustZ"] = float(treated.mean() - np.median(vehicle)) / mad
    row["SSMD"] = difference / math.sqrt(own + other)
    row["P"] = 2 * float(stdtr(freedom, -abs(difference) / error))
    return row


def _add_rates(rows: list[dict[str, Any]]) -> None:
    """Add ``Q`` over the rows of a plate, timepoint and endpoint, and ``Hit``."""
    families: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        key = row["Metadata_Plate"], row["Metadata_Timepoint"], row["Endpoint"]
        families.setdefault(key, []).append(row)
    for family in families.values():
        rates = benjamini_hochberg(np.array([row["P"] for row in family], dtype=float))
        for row, rate in zip(family, rates, strict=True):
            row |= {"Q": float(rate), "Hit": bool(rate <= HIT_Q)}
