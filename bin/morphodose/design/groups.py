"""What divides the analysis, judged before the first step: columns of the plate map, and two varied drugs."""

from __future__ import annotations

from collections import defaultdict

from morphodose.design.faults import Faults, did_you_mean
from morphodose.design.numbers import parse_number
from morphodose.design.platemap import PlateWells
from morphodose.design.wells import plate_map_of
from morphodose.errors import InputError
from morphodose.responses.groups import AUTO, KEYS, NONE, is_drug, plain


def check_groups(group_by: str, platemap: PlateWells, name: str, faults: Faults) -> None:
    """Judge ``--group_by``, and warn of compounds that vary a second drug.

    Parameters
    ----------
    group_by : str
        As of `morphodose.responses.groups.find_groups`.
    platemap : PlateWells
    name : str
        Of its file.
    faults : Faults
        Takes columns that are not there, and compounds that will have no curve.
    """
    every = dict.fromkeys(column for well in platemap.values() for column in well.extra)
    columns = [column for column in every if f"Metadata_{column}" not in KEYS]
    known = {column.lower() for column in columns}
    named = [] if group_by.strip().lower() in (AUTO, NONE, "") else group_by.split(",")
    for column in filter(None, (part.strip() for part in named)):
        if plain(column).lower() not in known:
            message = "is not an additional column of the plate map"
            fix = did_you_mean(column, columns) if columns else "the plate map has none; leave --group_by out"
            faults.add("parameter", "--group_by", message, fix, value=column)
    for column in filter(is_drug, columns):
        for compound in _combined(platemap, column):
            faults.warn(
                "combination",
                name,
                f"a combination of two varied drugs, {compound} and {column}: no curve is fitted to it",
                f"for curves at each {column}, write it into the name of the compound",
                value=compound,
            )


def groups_of(group_by: str, platemap: PlateWells) -> dict[tuple[str, str], str]:
    """(plate, well) → its group, of wells on the map; none where no column divides the analysis."""
    if not any(well.extra for well in platemap.values()):
        return {}
    from morphodose.responses.groups import add_groups, find_groups, groups_in, mapped_wells

    frame = mapped_wells(plate_map_of(platemap))
    try:
        grouping = find_groups(frame, group_by.strip() or AUTO)
    except InputError:
        return {}  # a column that is not there, which `check_groups` tells
    return dict(zip(platemap, groups_in(add_groups(frame, grouping)), strict=True))


def _combined(platemap: PlateWells, column: str) -> list[str]:
    """Compounds with two or more doses of a second drug at two or more of their own."""
    doses: dict[str, set[tuple[float, float]]] = defaultdict(set)
    for well in platemap.values():
        try:
            second = parse_number(well.extra.get(column, ""))
        except ValueError:
            continue
        if well.role == "treated" and well.dose and second > 0:
            doses[well.compound].add((well.dose, second))
    return sorted(
        compound
        for compound, pairs in doses.items()
        if all(len(set(each)) > 1 for each in zip(*pairs, strict=True))
    )
