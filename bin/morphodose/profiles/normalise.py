"""Well profiles against vehicle of the same plate and time, and the features that are worth keeping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pycytominer import feature_select
from pycytominer.operations import RobustMAD

from morphodose.cells.excluded import excluded
from morphodose.profiles.aggregate import COUNT
from morphodose.profiles.relative import OWN_REFERENCE
from morphodose.responses.select import Kind, Layout

#: A median over fewer cells is not used.
LEAST_CELLS = 5
#: Vehicle wells of a plate and time without which its wells have no profile: one has no spread.
LEAST_VEHICLE = 2
_GROUP = ["Metadata_Plate", "Metadata_Timepoint"]


@dataclass(frozen=True)
class Profiles:
    """Normalised profiles of one set of features.

    Attributes
    ----------
    table : pandas.DataFrame
        ``Metadata_*``, then the kept features, in vehicle deviations; no value is missing.
    features : list of str
    dropped : dict
        Feature → why it was left out.
    left_out : dict
        (Acquisition, well) → why it has no profile.
    """

    table: pd.DataFrame
    features: list[str]
    dropped: dict[str, str]
    left_out: dict[tuple[str, str], str]


def normalise(medians: pd.DataFrame, features: list[str], floor: float, correlation: float) -> Profiles:
    """Normalise and select.

    Parameters
    ----------
    medians : pandas.DataFrame
        Of `well_medians`.
    features : list of str
        Its columns of features; nothing is guessed from names.
    floor : float
        Added to the MAD of the vehicle wells, in units of the feature's standard deviation over all wells.
        A feature that happens to agree in the few vehicle wells is not blown up: no value exceeds
        ``range / (floor * SD)``.
    correlation : float
        Of two features that correlate more over the wells, one is dropped.

    Notes
    -----
    1. Centre: the median of the vehicle wells of the same acquisition where it has three or more, else of the
       same plate and time (as `morphodose.profiles.relative`).
    2. Scale: 1.4826 MAD of the vehicle wells of the same plate and time, plus the floor. Both are of the
       vehicle wells of the own group (``Metadata_Group``) where groups divide the analysis: a cell line is
       not an effect.
    3. Features: no position or label, a value in 95 % of the wells, not constant over wells (pycytominer's
       thresholds), and not nearly the same as another one.
    4. What is missing after that is 0, the median of vehicle.
    """
    left_out: dict[tuple[str, str], str] = {}
    table = _with_profile(medians, left_out)
    dropped = excluded(features)
    kept = [name for name in features if name not in dropped]
    kept = _select(table, kept, dropped, "drop_na_columns", "missing in more than 5 % of the wells")
    table = _centred(table, kept)
    spread = table[kept].std(ddof=1) if len(table) > 1 else pd.Series(0.0, index=kept)
    constant = spread.isna() | (spread <= 1e-6 * medians[kept].abs().max())
    dropped |= dict.fromkeys(spread.index[constant], "the same in all wells")
    kept = [name for name in kept if name not in dropped]
    if not kept or table.empty:
        return Profiles(table[_keys(table)], [], dropped, left_out)
    table = pd.concat([table[_keys(table)], table[kept] / spread[kept]], axis=1)
    parts = [_against_vehicle(table, kind, kept, floor) for kind in kinds_of(table)]
    table = pd.concat(parts).sort_index()
    table = pd.concat([table[_keys(table)], table[kept].fillna(0.0)], axis=1)
    kept = _select(table, kept, dropped, "variance_threshold", "hardly any different values among the wells")
    double = redundant(table[kept].to_numpy(dtype=float), correlation)
    reason = f"correlates by more than {correlation:g} with another feature"
    dropped |= {name: reason for name, is_double in zip(kept, double, strict=True) if is_double}
    kept = [name for name in kept if name not in dropped]
    return Profiles(table[[*_keys(table), *kept]].reset_index(drop=True), kept, dropped, left_out)


def kinds_of(table: pd.DataFrame) -> list[Kind]:
    """Wells of one kind of cells at one plate and time, as positions in the table; see `Layout.kinds`."""
    keys = table[_keys(table)]
    found = []
    for _, places in sorted(keys.groupby(_GROUP).indices.items()):
        for kind in Layout(keys.iloc[places]).kinds():
            found.append(Kind(kind.name, places[kind.wells], places[kind.vehicle], places[kind.positive]))
    return found


def _keys(table: pd.DataFrame) -> list[str]:
    return [name for name in table if name.startswith("Metadata_")]


def _with_profile(medians: pd.DataFrame, left_out: dict[tuple[str, str], str]) -> pd.DataFrame:
    """Wells with cells enough, of plates and times with vehicle enough; the others with their reason."""
    few = medians[COUNT] < LEAST_CELLS
    enough = ~few.to_numpy(dtype=bool)
    counts: dict[int, tuple[int, str]] = {}
    for kind in kinds_of(medians):
        count = int(enough[kind.vehicle].sum())
        counts |= dict.fromkeys(kind.wells.tolist(), (count, f" of {kind.name}" if kind.name else ""))
    reasons = []
    keys = medians[["Metadata_Acquisition", "Metadata_Well", COUNT]]
    for place, (row, too_few) in enumerate(zip(keys.to_dict("records"), few, strict=True)):
        count, of = counts[place]
        reason = ""
        if too_few:
            reason = f"{row[COUNT]} cells, fewer than {LEAST_CELLS}"
        elif count < LEAST_VEHICLE:
            reason = f"{count} vehicle wells{of} at this plate and time, fewer than {LEAST_VEHICLE}"
        if reason:
            left_out[row["Metadata_Acquisition"], row["Metadata_Well"]] = reason
        reasons.append(reason)
    return medians[np.array([not reason for reason in reasons], dtype=bool)].reset_index(drop=True)


def _centred(table: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    """Less the median of the vehicle wells of the acquisition, or of the plate and time."""
    table = table.copy()
    values = np.array(table[features], dtype=float)  # a copy: a view may be read-only
    acquisition = table["Metadata_Acquisition"].astype(str).to_numpy()
    raw = values.copy()  # vehicle wells may be those of several kinds
    for kind in kinds_of(table):
        for each in np.unique(acquisition[kind.wells]):
            rows = kind.wells[acquisition[kind.wells] == each]
            own = kind.vehicle[acquisition[kind.vehicle] == each]
            reference = raw[own if len(own) >= OWN_REFERENCE else kind.vehicle]
            values[rows] = raw[rows] - _nanmedian(reference)
    return pd.concat([table.drop(columns=features), pd.DataFrame(values, columns=features)], axis=1)


def _nanmedian(values: np.ndarray) -> np.ndarray:
    """Median of each column; 0 where there is no value."""
    found = pd.DataFrame(values).median().fillna(0.0)
    return np.asarray(found)


def _against_vehicle(table: pd.DataFrame, kind: Kind, features: list[str], floor: float) -> pd.DataFrame:
    """The wells of one kind, plate and time over the deviation of their vehicle wells."""
    # not pycytominer.normalize, which does the same but parses the name of every column, group by group
    scaler = RobustMAD(epsilon=floor).fit(table[features].iloc[kind.vehicle])
    mine = table.iloc[kind.wells]
    return pd.concat([mine[_keys(table)], scaler.transform(mine[features])], axis=1)


def _select(
    table: pd.DataFrame, features: list[str], dropped: dict[str, str], operation: str, reason: str
) -> list[str]:
    """Features that an operation of pycytominer keeps; the others are noted."""
    if not features or table.empty:
        return features
    found = set(feature_select(table, features=features, operation=operation))
    dropped |= {name: reason for name in features if name not in found}
    return [name for name in features if name in found]


def redundant(values: np.ndarray, threshold: float) -> np.ndarray:
    """Features that are nearly another one, (P,) bool.

    Parameters
    ----------
    values : (N, P) array
    threshold : float
        Of two features with a greater absolute correlation, the one that correlates more with all features
        together is dropped. The rule is that of pycytominer's ``correlation_threshold``, which looks at pairs
        one by one (a millisecond each, of which there are a million) and at positive correlations alone.
    """
    if values.shape[1] < 2 or len(values) < 2:
        return np.zeros(values.shape[1], dtype=bool)
    size = np.abs(np.nan_to_num(np.corrcoef(values, rowvar=False)))
    rank = np.empty(len(size), dtype=np.int64)
    rank[np.argsort(size.sum(axis=0), kind="stable")] = np.arange(len(size))
    return np.asarray(((size > threshold) & (rank[:, None] < rank[None, :])).any(axis=0))


def join(classical: Profiles, deep: Profiles) -> Profiles:
    """Both sets side by side, for the wells that have both.

    Each set is divided by the square root of its number of features: it has the same weight in a distance
    or a cosine, however many features it has.
    """
    keys = ["Metadata_Acquisition", "Metadata_Well"]
    weighted = [
        found.table[found.features] / np.sqrt(max(len(found.features), 1)) for found in (classical, deep)
    ]
    left = pd.concat([classical.table[_keys(classical.table)], weighted[0]], axis=1)
    right = pd.concat([deep.table[keys], weighted[1]], axis=1)
    table = left.merge(right, on=keys, how="inner", validate="one_to_one")
    left_out = classical.left_out | deep.left_out
    return Profiles(table, [*classical.features, *deep.features], {}, left_out)
