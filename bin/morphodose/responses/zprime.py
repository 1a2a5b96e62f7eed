"""Z′ of the control wells: how far apart they are in units of their scatter."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from morphodose.responses.groups import groups_in
from morphodose.responses.select import Layout, usable

if TYPE_CHECKING:
    import pandas as pd


def z_prime(positive: npt.ArrayLike, vehicle: npt.ArrayLike) -> tuple[float, str]:
    """Z′ of two sets of control wells, and why there is none (else "").

    ``1 - 3 (SD of positive + SD of vehicle) / |difference of the means|`` (Zhang, Chung & Oldenburg 1999,
    J. Biomol. Screen. 4:67). Above 0.5 the assay is good; NaN with fewer than 2 wells of either kind.
    """
    one, two = (np.asarray(each, dtype=float) for each in (positive, vehicle))
    one, two = one[np.isfinite(one)], two[np.isfinite(two)]
    if len(one) < 2 or len(two) < 2:
        return float("nan"), f"{len(one)} positive and {len(two)} vehicle wells; 2 of each are needed"
    distance = abs(float(one.mean() - two.mean()))
    if distance == 0:
        return float("nan"), "the controls have the same mean"
    return 1 - 3 * float(one.std(ddof=1) + two.std(ddof=1)) / distance, ""


def zprime_table(wells: pd.DataFrame, endpoints: list[str]) -> list[dict[str, Any]]:
    """Z′ of each plate, timepoint, compound, group and endpoint, a row each.

    The positive wells are those of the compound, or all of its group on the plate where it has none of its
    own; plates without positive wells have no row.
    """
    rows: list[dict[str, Any]] = []
    for (plate, hours), of_plate in wells.groupby(["Metadata_Plate", "Metadata_Timepoint"], sort=True):
        positives = of_plate[of_plate["Metadata_Role"] == "positive"]
        if positives.empty:
            continue
        layout, group_of = Layout(of_plate), groups_in(positives)
        for compound, group in layout.pairs(("treated", "positive")):
            of_group = positives[group_of.isin(["", group])]
            own = of_group[of_group["Metadata_Compound"] == compound]
            positive = own if len(own) else of_group
            if positive.empty:
                continue
            vehicle = of_plate.iloc[layout.vehicle(compound, group)]
            for endpoint in endpoints:
                above, below = usable(positive, endpoint)[endpoint], usable(vehicle, endpoint)[endpoint]
                value, reason = z_prime(above, below)
                rows.append(
                    {
                        "Metadata_Plate": plate,
                        "Metadata_Compound": compound,
                        "Metadata_Group": group,
                        "Metadata_Timepoint": float(hours),
                        "Endpoint": endpoint,
                        "ZPrime": value,
                        "N_Positive": len(above),
                        "N_Vehicle": len(below),
                        "Reason": reason or None,
                    }
                )
    return rows


def add_zprime(rows: Sequence[dict[str, Any]], zprimes: Sequence[dict[str, Any]]) -> None:
    """Add ``ZPrime`` to the rows of responses: the median over the plates, null without controls."""
    names = ("Metadata_Compound", "Metadata_Group", "Metadata_Timepoint", "Endpoint")
    found: dict[tuple[Any, ...], list[float]] = {}
    for row in zprimes:
        if math.isfinite(row["ZPrime"]):
            found.setdefault(tuple(row[name] for name in names), []).append(row["ZPrime"])
    for row in rows:
        values = found.get(tuple(row[name] for name in names))
        row["ZPrime"] = statistics.median(values) if values else math.nan
