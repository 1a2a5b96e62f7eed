"""The further columns of the plate map: those that vary within a compound and dose divide the analysis."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from morphodose.errors import InputError
from morphodose.names import row_number

if TYPE_CHECKING:
    import pandas as pd

    from morphodose.platemap import PlateMap

GROUP = "Metadata_Group"
AUTO, NONE = "auto", "none"
#: Between the parts of a group's name, ``CellLine=A549; siRNA=KIF11``.
BETWEEN = "; "
#: Columns that are keys of the tables, not descriptions of a well.
KEYS = frozenset(
    f"Metadata_{name}"
    for name in (
        *("Plate", "Timepoint", "Replicate", "Acquisition", "Well", "Field", "ImageID", "CellID"),
        *("ObjectLabel", "CellCount", "Compound", "Dose", "DoseUnit", "Role", "Group", "DeathState"),
        *("QCVerdict", "QCReason", "Row", "Column", "Col", "Site"),
    )
)  # fmt: skip
#: Columns about a plate's history: they tell replicate plates apart, which are not groups.
_HISTORY = re.compile(
    r"^(barcode|date|day|time|operator|user|batch|passage|run|lot|scan|scanned|imaged|"
    r"rep|repl|(tech|bio|technical|biological)_?rep\w*)(_?(id|no|nr|number))?$|_?(barcode|date|operator)$",
    re.IGNORECASE,
)
#: Columns whose numbers are doses of a further drug.
_DRUG = re.compile(
    r"(?i:dose|conc|drug|compound|inhibitor|agent|treatment|combination)|(?:^|[_ \d(])[pnuµμm]M\)?$"
)


@dataclass(frozen=True)
class Grouping:
    """What divides the analysis.

    Attributes
    ----------
    columns : tuple of str
        Columns whose values divide it (``Metadata_…``), in the order of the table.
    ignored : dict
        Column that varies within a compound and dose → why it does not divide the analysis.
    combinations : dict
        Compound → the column with the varied dose of a second drug.
    """

    columns: tuple[str, ...] = ()
    ignored: dict[str, str] = field(default_factory=dict)
    combinations: dict[str, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """What a user has to know of it, a line each."""
        found = []
        if self.columns:
            names = ", ".join(plain(name) for name in self.columns)
            found.append(f"analysis divided by {names}: each group has curves and vehicle wells of its own")
        found += [
            f"column {plain(name)} differs between wells of one compound and dose and is ignored: {why}"
            for name, why in self.ignored.items()
        ]
        found += [
            f"{compound}: combination of two varied drugs ({plain(name)}); no curve is fitted"
            for compound, name in self.combinations.items()
        ]
        return found


def plain(column: str) -> str:
    """Name of a column in the plate map."""
    return column.removeprefix("Metadata_")


def is_drug(column: str) -> bool:
    """Whether the name of a column says that its numbers are doses of a further drug."""
    return bool(_DRUG.search(plain(column))) and not re.search(r"unit", column, re.IGNORECASE)


def further_columns(wells: pd.DataFrame) -> list[str]:
    """Columns of the plate map beside those that every map has."""
    return [name for name in wells if str(name).startswith("Metadata_") and name not in KEYS]


def mapped_wells(plate_map: PlateMap) -> pd.DataFrame:
    """The wells of a plate map, of all plates, with the columns that `find_groups` needs."""
    import pandas as pd

    rows = [
        {"Metadata_Plate": at[0], "Metadata_Well": at[1], **plate_map.wells[at]} for at in plate_map.wells
    ]
    wells = pd.DataFrame(rows, columns=["Metadata_Plate", "Metadata_Well", *plate_map.columns])
    return wells.assign(Metadata_Dose=pd.to_numeric(wells["Metadata_Dose"]).astype(float))


def as_text(values: pd.Series) -> pd.Series:
    """Values of a column as text, "" where there is none; 1.0 and 1 are the same."""

    def text(value: object) -> str:
        return f"{value:g}" if isinstance(value, float) else str(value).strip()

    # whatever pandas takes for missing: None, NaN, pd.NA, NaT
    return values.astype(object).map(text, na_action="ignore").fillna("").astype(object)


def find_groups(wells: pd.DataFrame, group_by: str = AUTO) -> Grouping:
    """Columns that divide the analysis.

    Parameters
    ----------
    wells : pandas.DataFrame
        Wells; ``Metadata_*`` beyond the keys are the plate map's further columns.
    group_by : str
        ``auto``: each further column that varies within a compound and dose, unless it numbers wells,
        repeats their place, or is history of a plate (barcode, date, batch …); ``none``; or names of columns.

    Raises
    ------
    InputError
        If a named column is not there.
    """
    treated = wells[wells["Metadata_Role"].eq("treated")]
    found = _combinations(treated)
    varying = [name for name in further_columns(wells) if _varies(treated, name)]
    if group_by.strip().lower() == NONE:
        return Grouping((), dict.fromkeys(varying, "--group_by none"), found)
    if group_by.strip().lower() != AUTO:
        named = _named(wells, [part.strip() for part in group_by.split(",") if part.strip()])
        reason = f"it is not named in --group_by {group_by}"
        return Grouping(named, {name: reason for name in varying if name not in named}, found)
    ignored = {name: why for name in varying if (why := _why_not(wells, treated, name))}
    return Grouping(tuple(name for name in varying if name not in ignored), ignored, found)


def add_groups(wells: pd.DataFrame, grouping: Grouping) -> pd.DataFrame:
    """The wells with a column ``Metadata_Group``, "" where nothing divides them.

    A vehicle or positive well without a value in a column says nothing of it and serves every group.
    """
    import pandas as pd

    wells = wells.copy()
    parts: list[list[str]] = [[] for _ in range(len(wells))]
    treated = wells["Metadata_Role"].eq("treated").to_numpy()
    for name in grouping.columns:
        for place, value in enumerate(as_text(wells[name])):
            if value or treated[place]:
                parts[place].append(f"{plain(name)}={value.replace(BETWEEN, ', ') or 'not given'}")
    wells[GROUP] = pd.array([BETWEEN.join(part) for part in parts], dtype="string")
    return wells


def groups_in(wells: pd.DataFrame) -> pd.Series:
    """The group of each well as text; "" where the wells have no such column."""
    import pandas as pd

    if GROUP not in wells:
        return pd.Series("", index=wells.index, dtype=object)
    return wells[GROUP].astype(object).where(wells[GROUP].notna(), "").astype(str)


def name_groups(frame: pd.DataFrame) -> pd.DataFrame:
    """Compounds with their group in their name where groups divide the analysis: a curve, a line for each."""
    if GROUP not in frame or "Metadata_Compound" not in frame:
        return frame
    group = groups_in(frame)
    compound = frame["Metadata_Compound"].astype(object).where(frame["Metadata_Compound"].notna(), "")
    named = compound.astype(str) + ", " + group
    return frame.assign(Metadata_Compound=named.where((group != "") & (compound != ""), compound))


def _named(wells: pd.DataFrame, names: Sequence[str]) -> tuple[str, ...]:
    """The columns a user named, with or without their prefix, in whatever case."""
    import difflib

    have = {plain(name).lower(): name for name in further_columns(wells)}
    chosen = []
    for name in names:
        column = have.get(plain(name).lower())
        if column is None:
            near = difflib.get_close_matches(plain(name).lower(), have, 3)
            offered = [plain(have[each]) for each in near] or [plain(each) for each in have.values()]
            raise InputError(
                f"--group_by: {name!r} is not a column of the plate map; "
                + (f"it has {', '.join(offered)}" if offered else "it has no further columns")
            )
        chosen.append(column)
    return tuple(dict.fromkeys(chosen))


def _varies(treated: pd.DataFrame, name: str) -> bool:
    """Whether the values of a column differ within a compound and dose."""
    if treated.empty:
        return False
    values = as_text(treated[name])
    by = [treated["Metadata_Compound"].astype(object), treated["Metadata_Dose"]]
    return bool((values.groupby(by).nunique() > 1).any())


def _why_not(wells: pd.DataFrame, treated: pd.DataFrame, name: str) -> str:
    """Why a column that varies does not divide the analysis, or ""."""
    import pandas as pd

    values = as_text(treated[name])
    there = values != ""
    places = treated["Metadata_Plate"].astype(str) + "/" + treated["Metadata_Well"].astype(str)
    if _HISTORY.search(plain(name)) and values.groupby(treated["Metadata_Plate"]).nunique().le(1).all():
        return "it tells replicate plates apart"
    if _HISTORY.match(plain(name)):
        return "its name says that it tells replicates apart"
    matched = treated["Metadata_Well"].astype(str).str.extract(r"^([A-Za-z]+)0*(\d+)$")
    rows = matched[0].map(row_number, na_action="ignore")
    columns = pd.to_numeric(matched[1])
    numbers = pd.to_numeric(values[there], errors="coerce")
    places_of = [matched[0][there].eq(values[there])]
    places_of += [numbers.eq(place[there] - start) for place in (rows, columns) for start in (0, 1)]
    if any(same.all() for same in places_of):
        return "it is the row or column of the well"
    wells_of_value = places[there].groupby(values[there]).nunique()
    if places.nunique() > 1 and len(wells_of_value) > 2 and wells_of_value.le(1).all():
        return "each well has a value of its own"
    doses = treated["Metadata_Dose"]
    compound = treated["Metadata_Compound"].astype(object)
    several = compound.map(doses.groupby(compound).nunique()) > 1
    if several.any():
        # a column that follows the dose cannot divide a curve into curves
        split = doses[several].groupby([compound[several], values[several]]).nunique()
        if split.le(1).all():
            return "each of its values stands at one dose only"
    return ""


def _combinations(treated: pd.DataFrame) -> dict[str, str]:
    """Compound → a column with two or more doses of a second drug at two or more doses of the first."""
    import pandas as pd

    found: dict[str, str] = {}
    for name in further_columns(treated):
        if not is_drug(name):
            continue
        second = pd.to_numeric(as_text(treated[name]).replace("", None), errors="coerce")
        both = (second > 0) & (treated["Metadata_Dose"] > 0)
        for compound, mine in treated[both].groupby("Metadata_Compound", sort=True):
            seconds = second.loc[mine.index]
            if seconds.nunique() > 1 and mine["Metadata_Dose"].nunique() > 1:
                found.setdefault(str(compound), name)
    return found
