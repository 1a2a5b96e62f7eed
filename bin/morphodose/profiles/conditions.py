"""Means over wells: each compound, group, dose and timepoint, with Student's interval over its wells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from morphodose.profiles.intervals import mean_interval
from morphodose.responses.groups import groups_in
from morphodose.responses.select import Layout, series, usable

if TYPE_CHECKING:
    import pandas as pd


def condition_rows(wells: pd.DataFrame, endpoints: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of the table `conditions`; dose 0 of a compound are its vehicle wells.

    A replicate is a well: the interval is that of the mean over wells, Student's, cut to the range that
    fractions and counts can have. Positive controls follow, under their own compound and role.
    """
    rows: list[dict[str, Any]] = []
    layout = Layout(wells)
    for compound, group in layout.pairs():
        rows += _rows(series(wells, compound, group, layout), compound, group, endpoints)
    positive = wells[wells["Metadata_Role"] == "positive"]
    by = [positive["Metadata_Compound"].astype(str), groups_in(positive)]
    for (compound, group), mine in positive.groupby(by, sort=True):
        rows += _rows(mine, str(compound), str(group), endpoints)
    return rows


def _rows(wells: pd.DataFrame, compound: str, group: str, endpoints: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of one compound in one group."""
    units = wells.loc[wells["Metadata_Role"] != "vehicle", "Metadata_DoseUnit"].dropna()
    unit = units.iloc[0] if len(units) else None
    rows = []
    groups = wells.groupby(["Metadata_Timepoint", "Metadata_Dose", "Metadata_Role"], sort=True)
    for (hours, dose, role), mine in groups:
        for endpoint in endpoints:
            mean, sd, low, high, count = mean_interval(usable(mine, endpoint)[endpoint].to_numpy(dtype=float))
            if endpoint.startswith(("Relative_", "Count_", "Fraction_")) and endpoint != "Fraction_Lost":
                low = max(low, 0.0) if low == low else low
            if endpoint.startswith("Fraction_"):
                high = min(high, 1.0) if high == high else high
            if count:
                rows.append(
                    {
                        "Metadata_Compound": compound,
                        "Metadata_Group": group,
                        "Metadata_Dose": float(dose),
                        "Metadata_DoseUnit": unit,
                        "Metadata_Role": role,
                        "Metadata_Timepoint": float(hours),
                        "Endpoint": endpoint,
                        "Mean": mean,
                        "SD": sd,
                        "Low": low,
                        "High": high,
                        "N_Wells": count,
                    }
                )
    return rows
