"""All well-timepoints of the screen as AnnData: profiles, with counts and fractions."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from morphodose.cells.cellset import EMBEDDING, SETS
from morphodose.errors import InputError
from morphodose.export import h5ad
from morphodose.files import replacing
from morphodose.names import well_timepoint_id
from morphodose.tables import read_table

#: Columns of the table of wells that describe a well, beside its ``Metadata_*``.
_FIGURES = ("Count_", "Relative_", "Fraction_", "Endpoint_")


def write_wells(out: Path, wells: pd.DataFrame, profiles: dict[str, Path], units: dict[str, str]) -> int:
    """Write all wells; returns their number.

    Parameters
    ----------
    out : Path
        The .h5ad file.
    wells : pandas.DataFrame
        Of `profile_wells`: metadata, counts and fractions become ``obs``.
    profiles : dict
        Set → its profiles. X are those of both sets joined, where there are any, else of the one there is;
        NaN for wells without a profile.
    units : dict
        Units of the features before they were normalised.

    Raises
    ------
    InputError
        If a well is there twice.
    """
    keys = zip(wells["Metadata_Acquisition"], wells["Metadata_Well"], strict=True)
    index = [well_timepoint_id(str(acquisition), str(well)) for acquisition, well in keys]
    if len(set(index)) != len(index):
        raise InputError(f"--wells: {pd.Series(index).mode().iloc[0]} is there twice")
    chosen = next((kind for kind in reversed(SETS) if kind in profiles), None)
    table = profile_of(profiles[chosen], index) if chosen else pd.DataFrame(index=index)
    features = list(table.columns)
    what = f"profiles of the set {chosen}" if chosen else "no profiles"
    with replacing(out) as temporary, h5py.File(temporary, "w") as file:
        var = pd.DataFrame({"set": map(origin, features), "unit": map(units.get, features)}, index=features)
        h5ad.start(
            file, var.astype(object),
            {"X": f"{what}: medians of cells, in deviations of vehicle of the same plate and time"},
        )  # fmt: skip
        h5ad.write_frame(file, "obs", described(wells).set_axis(index))
        values = h5ad.matrix(file, "X", len(index), len(features))
        if features and index:
            values[:] = table.to_numpy(dtype=np.float32)
    return len(index)


def profile_of(path: Path, index: list[str]) -> pd.DataFrame:
    """Features of each well, a row of NaN where it has no profile."""
    table = read_table(path)
    keys = zip(table["Metadata_Acquisition"], table["Metadata_Well"], strict=True)
    names = [well_timepoint_id(acquisition, well) for acquisition, well in keys]
    features = [name for name in table if not name.startswith("Metadata_")]
    return table[features].set_axis(names, axis=0).reindex(index)


def origin(feature: str) -> str:
    """The set of a feature."""
    return "deep" if feature.startswith(f"{EMBEDDING}_") else "classical"


def described(wells: pd.DataFrame) -> pd.DataFrame:
    """Columns of ``obs``: float64, int64 for counts without gaps, texts with None where missing."""
    found: dict[str, pd.Series] = {}
    for name in wells:
        if not name.startswith(("Metadata_", *_FIGURES)):
            continue
        column = wells[name]
        if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
            texts = [None if pd.isna(value) else str(value) for value in column]
            found[h5ad.key(name)] = pd.Series(texts, wells.index, dtype=object)
        elif pd.api.types.is_integer_dtype(column) and not column.isna().any():
            found[h5ad.key(name)] = column.astype(np.int64)
        else:
            found[h5ad.key(name)] = column.astype(np.float64)
    return pd.DataFrame(found, index=wells.index)
