"""EC50s side by side: compounds and groups with each other, morphology with death."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from morphodose.responses.endpoints import kind_of
from morphodose.responses.multiple_testing import holm

Row = dict[str, Any]

#: Compounds up to which each is compared with each other; of more the pairs would be too many to read.
MOST_COMPOUNDS = 12
#: States with an EC50 and an interval.
WITH_EC50 = ("fitted", "imprecise")
#: Half a 95 % interval in standard errors.
_Z = 1.959964
DEATH = ("Fraction_Dying", "Fraction_Dead")


def comparison_rows(responses: list[Row]) -> list[Row]:
    """Rows of the table `comparisons`: ratios of EC50s, of groups of a compound and of compounds of a group.

    Parameters
    ----------
    responses : list of dict
        Rows of `responses`. Pairs have the same endpoint, timepoint and unit of dose, and an EC50 each.

    Notes
    -----
    The logarithm of a ratio is taken as normal, its variance as the sum of both variances, each from the half
    of its interval that faces the other EC50 (Zou & Donner 2008, Stat. Med. 27:1693). ``Ratio`` is that of
    the first to the second. ``P_Adjusted`` is Holm's over all pairs of a kind (compounds, groups), endpoint
    and timepoint.
    """
    rows: list[Row] = []
    for kind, same, differs in (
        ("groups", "Metadata_Compound", "Metadata_Group"),
        ("compounds", "Metadata_Group", "Metadata_Compound"),
    ):
        families: dict[tuple[Any, ...], list[Row]] = {}
        for row in responses:
            if row["State"] in WITH_EC50 and all(row[name] > 0 for name in ("EC50_Low", "EC50", "EC50_High")):
                key = row[same], row["Endpoint"], row["Metadata_Timepoint"], row["Metadata_DoseUnit"]
                families.setdefault(key, []).append(row)
        for (shared, endpoint, hours, _unit), members in families.items():
            if kind == "compounds" and len(members) > MOST_COMPOUNDS:
                continue
            for one, other in itertools.combinations(members, 2):
                rows.append(
                    {
                        "Kind": kind,
                        "Shared": shared,
                        "Endpoint": endpoint,
                        "Metadata_Timepoint": hours,
                        "First": one[differs],
                        "Second": other[differs],
                        **ratio(one, other),
                    }
                )
    families_of_p: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        families_of_p.setdefault((row["Kind"], row["Endpoint"], row["Metadata_Timepoint"]), []).append(row)
    for members in families_of_p.values():
        found = holm(np.array([row["P"] for row in members], dtype=float))
        for row, p in zip(members, found, strict=True):
            row["P_Adjusted"] = float(p)
    return rows


def ratio(one: Row, other: Row) -> dict[str, float]:
    """Ratio of two EC50s with its 95 % interval, and P that it is 1."""
    from scipy.special import ndtr

    a, a_low, a_high = (math.log(one[name]) for name in ("EC50", "EC50_Low", "EC50_High"))
    b, b_low, b_high = (math.log(other[name]) for name in ("EC50", "EC50_Low", "EC50_High"))
    log = a - b
    below, above = math.hypot(a - a_low, b_high - b), math.hypot(a_high - a, b - b_low)
    toward = below if log > 0 else above
    p = 2 * float(ndtr(-abs(log) / (toward / _Z))) if toward > 0 else math.nan
    return {
        "Ratio": math.exp(log),
        "Ratio_Low": math.exp(log - below),
        "Ratio_High": math.exp(log + above),
        "P": p,
    }


def departure_rows(responses: list[Row]) -> list[Row]:
    """Rows of the table `departures`: the dose at which shape leaves vehicle, beside that of death.

    Of all endpoints of shape (over viable cells where there are such), the one whose curve leaves dose 0
    first, by the lower end of its interval (the BMDL); a ratio below 1 says that shape changes at lower
    doses. The most sensitive of several is low by selection too: it is for ranking compounds, not a test.
    """
    by: dict[tuple[Any, ...], list[Row]] = {}
    names = ("Metadata_Compound", "Metadata_Group", "Metadata_Timepoint", "Metadata_DoseUnit")
    for row in responses:
        if row["State"] != "refused" and row["PointOfDeparture"] > 0:
            by.setdefault(tuple(row[name] for name in names), []).append(row)
    found = []
    for key, rows in by.items():
        shapes = [row for row in rows if kind_of(row["Endpoint"]) == "shape"]
        viable = [row for row in shapes if row["Endpoint"].startswith("MedianViable_")]
        deaths = [row for row in rows if row["Endpoint"] in DEATH]
        shape = min(viable or shapes, key=_lower, default=None)
        death = min(deaths, key=lambda row: DEATH.index(row["Endpoint"]), default=None)
        if shape is None and death is None:
            continue
        out: Row = dict(zip(names, key, strict=True))
        for name, of in (("Shape", shape), ("Death", death)):
            out[f"{name}Endpoint"] = of["Endpoint"] if of else None
            out[f"{name}State"] = of["State"] if of else None
            for end in ("", "_Low", "_High"):
                out[f"{name}_PointOfDeparture{end}"] = of[f"PointOfDeparture{end}"] if of else math.nan
        both = shape is not None and death is not None
        out["Ratio"] = out["Shape_PointOfDeparture"] / out["Death_PointOfDeparture"] if both else math.nan
        found.append(out)
    return found


def _lower(row: Row) -> float:
    """Lower end of a point of departure, or the point where the end is open."""
    low = row["PointOfDeparture_Low"]
    return float(low) if low > 0 else float(row["PointOfDeparture"])
