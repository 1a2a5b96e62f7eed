"""The wells that belong together: a compound's doses, and the vehicle wells they are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from morphodose.errors import InputError
from morphodose.responses.endpoints import LEAST_CELLS

if TYPE_CHECKING:
    import pandas as pd

NEEDED = (
    "Metadata_Plate", "Metadata_Timepoint", "Metadata_Replicate", "Metadata_Well", "Metadata_Compound",
    "Metadata_Dose", "Metadata_DoseUnit", "Metadata_Role",
)  # fmt: skip


def check_wells(wells: pd.DataFrame, source: str) -> pd.DataFrame:
    """Wells with the columns the responses need, treated wells with a dose above 0.

    Raises
    ------
    InputError
        If a column is missing or no well is treated or vehicle.
    """
    missing = [name for name in NEEDED if name not in wells]
    if missing:
        raise InputError(f"{source}: no column {', '.join(missing)}; the wells of profile_wells are expected")
    if not wells["Metadata_Role"].isin(["treated", "vehicle"]).any():
        raise InputError(
            f"{source}: no well with the role treated or vehicle; see the plate map's role column"
        )
    wells = wells.copy()
    vehicle = wells["Metadata_Role"] == "vehicle"
    wells.loc[vehicle, "Metadata_Dose"] = 0.0
    return wells


def vehicle_of(wells: pd.DataFrame, compound: str) -> pd.DataFrame:
    """Vehicle wells of a compound: those that bear its name, or else all of the plates it is on."""
    vehicle = wells[wells["Metadata_Role"] == "vehicle"]
    own = vehicle[vehicle["Metadata_Compound"] == compound]
    if len(own):
        return own
    mine = wells[(wells["Metadata_Compound"] == compound) & (wells["Metadata_Role"] != "vehicle")]
    return vehicle[vehicle["Metadata_Plate"].isin(mine["Metadata_Plate"])]


def series(wells: pd.DataFrame, compound: str) -> pd.DataFrame:
    """Treated wells of a compound and their vehicle wells (dose 0); positive controls stay outside.

    The positive wells say how good the assay is (Z′); were they in the curve, it could not be checked
    against them.
    """
    import pandas as pd

    treated = wells[(wells["Metadata_Compound"] == compound) & (wells["Metadata_Role"] == "treated")]
    return pd.concat([vehicle_of(wells, compound), treated[treated["Metadata_Dose"].notna()]])


def compounds_of(wells: pd.DataFrame) -> list[str]:
    """Compounds with treated wells, in alphabetical order."""
    return sorted(wells.loc[wells["Metadata_Role"] == "treated", "Metadata_Compound"].dropna().unique())


def usable(wells: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    """Wells whose value of the endpoint can be used: present, and a median only over enough cells."""
    kept = wells[wells[endpoint].notna()]
    cells = called(kept)
    if endpoint.startswith("MedianViable_") and "Fraction_Viable" in kept:
        cells = cells * kept["Fraction_Viable"].to_numpy(dtype=float)
    if endpoint.startswith(("Median", "Endpoint_")):
        kept = kept[cells >= LEAST_CELLS - 0.5]
    return kept


def called(wells: pd.DataFrame) -> pd.Series:
    """Cells behind the fractions of each well: those with a death state, or all."""
    import pandas as pd

    for name in ("Count_Called", "Count_Cells"):
        if name in wells:
            return wells[name].astype(float)
    return pd.Series(float(LEAST_CELLS), index=wells.index)
