"""Means over wells with intervals: a well is one observation, whatever the number of its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from morphodose.report.inputs import ReportInputs

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["Dose", "Timepoint", "Mean", "Low", "High", "Wells"]


def wells_of(screen: ReportInputs, compound: str) -> pd.DataFrame:
    """Wells of a compound, and its vehicle wells as the fits take them; vehicle wells have dose 0."""
    import numpy as np

    known = screen.kept.setdefault("wells", {})
    if compound not in known:
        layout = screen.layout
        pairs = screen.kept.setdefault("pairs", {})
        if not pairs:
            for name, group in layout.pairs():
                pairs.setdefault(str(name), []).append((name, group))
        places = [
            each
            for name, group in pairs.get(compound, [])
            for each in (layout.vehicle(name, group), layout.treated(name, group))
        ]
        found = screen.wells.iloc[np.unique(np.concatenate(places)) if places else []].copy()
        found["Dose"] = np.where(found["Metadata_Role"] == "vehicle", 0.0, found["Metadata_Dose"])
        known[compound] = found[found["Dose"].notna()]
    return known[compound]


def wells_at(screen: ReportInputs, compound: str, time: float) -> pd.DataFrame:
    """Those of `wells_of` at one timepoint."""
    known = screen.kept.setdefault("wells at", {})
    if compound not in known:
        groups = wells_of(screen, compound).groupby("Metadata_Timepoint")
        known[compound] = {float(str(t)): mine for t, mine in groups}
    at = known[compound].get(time)
    return wells_of(screen, compound).iloc[:0] if at is None else at


def conditions_of(screen: ReportInputs, compound: str, column: str) -> pd.DataFrame:
    """Mean of a column in each dose and timepoint, with a 95 % interval over wells.

    Parameters
    ----------
    screen : ReportInputs
        The tables.
    compound : str
        A treated compound; the vehicle of its plates comes in as dose 0.
    column : str
        Column of the wells.

    Returns
    -------
    pandas.DataFrame
        ``Dose``, ``Timepoint``, ``Mean``, ``Low``, ``High``, ``Wells``; sorted by dose and time. From
        the table of conditions where it has the column. Else the interval is Student's over the wells
        (that of a single well, or of equal ones, is missing), cut to [0, 1] for fractions.
    """
    known = screen.kept.setdefault("conditions", {})
    if (compound, column) not in known:
        given = _given(screen, compound, column)
        known[compound, column] = _means(screen, compound, column) if given is None else given
    return known[compound, column]


def _means(screen: ReportInputs, compound: str, column: str) -> pd.DataFrame:
    """What `conditions_of` says of a column that the table of conditions does not have."""
    import pandas as pd

    from morphodose.profiles.intervals import mean_interval

    wells = wells_of(screen, compound)
    if column not in wells or wells.empty:
        return pd.DataFrame(columns=COLUMNS)
    rows = []
    for (dose, time), values in wells.groupby(["Dose", "Metadata_Timepoint"])[column]:
        mean, _, low, high, count = mean_interval(values.to_numpy(dtype=float))
        rows.append((float(dose), float(time), mean, low, high, count))
    found = pd.DataFrame(rows, columns=["Dose", "Timepoint", "Mean", "Low", "High", "Wells"])
    found = found[found["Wells"] > 0].reset_index(drop=True)
    bounded = column.startswith("Fraction_") and column != "Fraction_Lost"
    if bounded or column.startswith(("Count_", "Relative_")):
        found["Low"] = found["Low"].clip(lower=0)
    if bounded:
        found["High"] = found["High"].clip(upper=1)
    return found


def _given(screen: ReportInputs, compound: str, column: str) -> pd.DataFrame | None:
    """Rows of the table of conditions, in the form of `conditions_of`; None where it lacks the column."""
    by = screen.conditions_by.get(column, {})
    treated = by.get((compound, False))
    if treated is None:
        return None
    own = by.get((compound, True))
    if own is None:
        own = screen.kept.setdefault("vehicle", {}).get(column)
    if own is None:
        every = [mine for (_, vehicle), mine in by.items() if vehicle]
        import pandas as pd

        own = pd.concat(every).sort_index() if every else treated.iloc[:0]
        own = own.drop_duplicates("Metadata_Timepoint")
        screen.kept["vehicle"][column] = own
    chosen = [own, treated]
    import pandas as pd

    found = pd.concat(chosen, ignore_index=True)
    found["Metadata_Dose"] = found["Metadata_Dose"].where(found["Metadata_Role"] != "vehicle", 0.0)
    names = {"Metadata_Dose": "Dose", "Metadata_Timepoint": "Timepoint", "N_Wells": "Wells"}
    found = found.rename(columns=names)[COLUMNS]
    return found[found["Mean"].notna()].sort_values(["Dose", "Timepoint"], ignore_index=True)


def doses_of(frame: pd.DataFrame) -> list[float]:
    """Doses of a table of conditions, sorted; 0 is the vehicle."""
    return sorted(float(dose) for dose in frame["Dose"].unique())


def no_interval(wells: float) -> str:
    """Why a mean over so many wells has no interval."""
    return "one well" if wells < 2 else f"{int(wells)} equal wells"
