"""What a table of wells must not have, whoever wrote it: found before anything is fitted, with the fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from morphodose.errors import InputError
from morphodose.identity import alike, cased_key
from morphodose.responses.groups import as_text, further_columns

if TYPE_CHECKING:
    import pandas as pd

#: Doses and values between these are computed with; others are those of another unit.
LEAST_DOSE, MOST_DOSE = 1e-30, 1e30
LEAST_VALUE, MOST_VALUE = 1e-100, 1e100
#: How far a fraction may lie outside 0 to 1 by rounding.
ROUNDING = 1e-6
#: Columns that name the place of a row, as far as a table has them.
PLACE = (
    "Metadata_Plate",
    "Metadata_Timepoint",
    "Metadata_Replicate",
    "Metadata_Acquisition",
    "Metadata_Well",
)


def check_times(wells: pd.DataFrame, source: str) -> None:
    """Each well has a timepoint.

    Raises
    ------
    InputError
        If one is missing or infinite.
    """
    hours = wells["Metadata_Timepoint"].to_numpy(dtype=float, na_value=np.nan)
    lacking = ~np.isfinite(hours)
    if lacking.any():
        raise InputError(
            f"{source}: {int(lacking.sum())} wells without a timepoint, {_named(wells, lacking)}; write the "
            "hours in Metadata_Timepoint, or leave the column out of a table of one timepoint"
        )


def check_treatments(wells: pd.DataFrame, source: str) -> pd.DataFrame:
    """The wells; compounds without any dose, such as siRNA, get dose 1, as `check_design` has it.

    Raises
    ------
    InputError
        If a treated well has no compound, or a dose that is missing where others of the compound have one,
        below 0, or beyond `LEAST_DOSE` or `MOST_DOSE`.
    """
    treated = wells["Metadata_Role"].eq("treated").to_numpy()
    names = wells["Metadata_Compound"].astype(object)
    unnamed = treated & (names.isna() | names.astype(str).str.strip().eq("")).to_numpy()
    if unnamed.any():
        raise InputError(
            f"{source}: {int(unnamed.sum())} treated wells without a compound, {_named(wells, unnamed)}; "
            "write its name in Metadata_Compound"
        )
    doses = wells["Metadata_Dose"].to_numpy(dtype=float, na_value=np.nan)
    for wrong, what, fix in (
        (doses < 0, "below 0", "if it is a logarithm, write 10 to its power"),
        (np.isinf(doses), "infinite", "write the dose as a number"),
        ((doses > 0) & (doses < LEAST_DOSE), f"below {LEAST_DOSE:g}", "give the doses in a smaller unit"),
        (doses > MOST_DOSE, f"above {MOST_DOSE:g}", "give the doses in a larger unit"),
    ):
        if (treated & wrong).any():
            first = doses[treated & wrong][0]
            where = _named(wells, treated & wrong)
            raise InputError(f"{source}: dose {first:g} is {what}, {where}; {fix}")
    missing = treated & np.isnan(doses)
    if not missing.any():
        return wells
    dosed = set(names[treated & ~missing])
    partly = missing & names.isin(dosed).to_numpy()
    if partly.any():
        raise InputError(
            f"{source}: {int(partly.sum())} treated wells without a dose, {_named(wells, partly)}, of "
            "compounds that have one in other wells; write it in Metadata_Dose"
        )
    return wells.assign(Metadata_Dose=np.where(missing, 1.0, doses))


def one_name(wells: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Wells with one name for compounds that differ in case, in blanks or in how a letter is encoded; lines.

    As `check_design` has it in a plate map: the first name is that of all. Values of other columns that are
    so alike stay different, and are said, too.
    """
    lines = []
    for column in ["Metadata_Compound", *further_columns(wells)]:
        if column not in wells:
            continue
        texts = as_text(wells[column])
        spelt = alike([name for name in dict.fromkeys(texts) if name], cased_key)
        for names in spelt:
            how = "one" if column == "Metadata_Compound" else "different"
            told = " and ".join(map(repr, names))
            lines.append(f"{column}: {told} differ only in case, blanks or encoding and are taken as {how}")
        if spelt and column == "Metadata_Compound":
            first = {name: names[0] for names in spelt for name in names}
            wells = wells.assign(Metadata_Compound=texts.replace(first))
    return wells, lines


def check_copies(wells: pd.DataFrame, source: str) -> None:
    """No well stands in the table twice: copies would count as replicates.

    Where rows of one place differ, the names of the wells are not places, and say nothing of copies.

    Raises
    ------
    InputError
        If all rows that share a place are copies of others.
    """
    place = [name for name in PLACE if name in wells]
    known = wells[wells["Metadata_Well"].notna()]
    twice = known.duplicated(place)
    if twice.any() and known.duplicated()[twice].all():
        at = wells.index.isin(known.index[twice])
        raise InputError(
            f"{source}: {int(twice.sum())} rows are copies of others, with the same place and the same "
            f"values, {_named(wells, at)}; delete them"
        )


def check_values(wells: pd.DataFrame, endpoints: list[str], source: str) -> pd.DataFrame:
    """The wells, with fractions that are rounded beyond their ends brought back to them.

    Raises
    ------
    InputError
        If a fraction lies outside 0 to 1, a count is below 0 or infinite, or a value is of a size that no
        fit computes with.
    """
    counts = [name for name in wells if name.startswith("Count_") and name not in endpoints]
    found = {}
    for name in [*endpoints, *counts]:
        if name not in wells:
            continue  # made of others later
        values = wells[name].to_numpy(dtype=float, na_value=np.nan)
        if name in counts and np.isinf(values).any():
            raise InputError(
                f"{source}: {name} is infinite, {_named(wells, np.isinf(values))}; write the number"
            )
        finite = np.isfinite(values)
        size = np.where(finite, np.abs(values), 0.0)
        if size.max(initial=0) > MOST_VALUE or 0 < size.max(initial=0) < LEAST_VALUE:
            at = size == size.max()
            raise InputError(
                f"{source}: {name} is {values[at][0]:.3g}, {_named(wells, at)}; give it in a unit in which "
                f"values lie between {LEAST_VALUE:g} and {MOST_VALUE:g}"
            )
        low, high = _range(name)
        outside = finite & ((values < low - ROUNDING) | (values > high + ROUNDING))
        if outside.any():
            value = values[outside][np.argmax(np.abs(values[outside]))]
            fix = (
                "a number of cells is 0 or more"
                if high == np.inf
                else f"a fraction lies between {low:g} and 1"
            )
            if high == 1 and 1 < value <= 100:
                fix += "; divide per cent by 100"
            raise InputError(f"{source}: {name} is {value:.4g}, {_named(wells, outside)}; {fix}")
        if low > -np.inf and finite.any():
            found[name] = np.where(finite, np.clip(values, low, high), values)
    return wells.assign(**{name: values for name, values in found.items() if name not in counts})


def _range(name: str) -> tuple[float, float]:
    """Least and greatest value that a column can have."""
    if name == "Fraction_Lost":  # below 0 where there are more cells than in vehicle
        return -np.inf, 1.0
    if name.startswith("Fraction_"):
        return 0.0, 1.0
    return (0.0, np.inf) if name.startswith(("Count_", "Relative_")) else (-np.inf, np.inf)


def _named(wells: pd.DataFrame, chosen: object) -> str:
    """The first of some wells, for an error: its name, or its row below the header where it has none."""
    row = int(np.flatnonzero(np.asarray(chosen, dtype=bool))[0])
    well, plate = (wells.iloc[row].get(f"Metadata_{name}") for name in ("Well", "Plate"))
    if not isinstance(well, str) or not well:
        return f"first in row {row + 1} below the header"
    return f"first in well {well}" + (f" of plate {plate}" if isinstance(plate, str) and plate else "")
