"""Wells of a curve: the values that were fitted, and the wells that were left out of the fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from morphodose.report.inputs import ReportInputs
from morphodose.report.summary import wells_at
from morphodose.responses.schemas import POINTS
from morphodose.responses.select import usable

if TYPE_CHECKING:
    import pandas as pd

#: What makes a well-timepoint one row of the table of wells.
_WELL = ("Metadata_Plate", "Metadata_Replicate", "Metadata_Well", "Metadata_Timepoint")
_CURVE = ("Metadata_Compound", "Endpoint", "Metadata_Timepoint")


def points_of(screen: ReportInputs, row: Mapping[str, Any]) -> pd.DataFrame:
    """Wells of one row of `responses`, as `fit_responses` took them.

    Returns
    -------
    pandas.DataFrame
        Indexed as the wells: ``Dose`` (0 is vehicle), ``Value`` (as fitted, against the vehicle of its plate;
        as measured where the well was left out; NaN without a value), ``Used`` (whether it is in the fit).
        Without the table of points the values are those of the wells, and those are used that may be.
    """
    import numpy as np
    import pandas as pd

    endpoint, time = str(row["Endpoint"]), float(row["Metadata_Timepoint"])
    wells = wells_at(screen, str(row["Metadata_Compound"]), time)
    if endpoint not in wells:
        return pd.DataFrame({"Dose": wells["Dose"], "Value": np.nan, "Used": False})
    values = wells[endpoint].to_numpy(dtype=float, na_value=np.nan)
    if screen.table(POINTS).empty:
        used = wells.index.isin(usable(wells, endpoint).index)
        return pd.DataFrame({"Dose": wells["Dose"], "Value": values, "Used": used})
    found = pd.DataFrame({"Dose": wells["Dose"], "Value": values, "Used": False}, index=wells.index)
    fitted = _fitted(screen).get((str(row["Metadata_Compound"]), endpoint, time))
    if fitted is not None:
        mine = fitted.reindex(found.index)
        used = mine["Used"].eq(True).to_numpy()
        found["Used"] = used
        found["Value"] = np.where(used, mine["Value"].to_numpy(dtype=float), values)
    return found


def _fitted(screen: ReportInputs) -> dict[tuple[str, str, float], pd.DataFrame]:
    """(compound, endpoint, timepoint) → ``Value`` and ``Used`` of its points, indexed as the wells."""
    known: dict[tuple[str, str, float], pd.DataFrame] = screen.kept.setdefault("points", {})
    if not known:
        points, at = screen.table(POINTS), screen.wells.reset_index()
        rows = at.rename(columns={at.columns[0]: "Row"})[["Row", *_WELL]]
        joined = points[["Metadata_Compound", "Endpoint", *_WELL, "Value", "Used"]].merge(
            rows, on=list(_WELL)
        )
        for (compound, endpoint, time), mine in joined.groupby(list(_CURVE), sort=False):
            of = mine.drop_duplicates("Row").set_index("Row")[["Value", "Used"]]
            known[str(compound), str(endpoint), float(time)] = of
    return known
