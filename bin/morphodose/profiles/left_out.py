"""Well-timepoints that have no profile in a set of features, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from morphodose.cells.fields import Fields
from morphodose.profiles.aggregate import KEYS
from morphodose.profiles.normalise import Profiles

_WELL = ["Metadata_Acquisition", "Metadata_Well"]
#: How the reason of one set is told in the joined one.
_WORDS = {"classical": "no classical profile", "deep": "no deep profile"}

Well = tuple[str, str]


def left_out_rows(profiles: Mapping[str, Profiles], fields: Fields) -> pd.DataFrame:
    """Rows of the table `wells_left_out`: every well of the table of images that is not among the profiles.

    Parameters
    ----------
    profiles : mapping
        Set → its profiles. A well of ``joint`` is left out for the reason of the set that lacks it.
    fields : Fields
        What is known of the fields; a well without cells is in no other table.

    Returns
    -------
    pandas.DataFrame
        ``Metadata_*`` of the well, ``Set``, ``Reason``; no rows where each well has all its profiles.
    """
    table = fields.table.to_pandas().assign(Kept=fields.kept)
    keys = table.drop_duplicates(_WELL).sort_values(_WELL)
    kept = table.groupby(_WELL)["Kept"].any().to_dict()
    wells: list[Well] = list(zip(keys[_WELL[0]], keys[_WELL[1]], strict=True))
    own = {kind: reasons(found, wells, kept) for kind, found in profiles.items() if kind != "joint"}
    rows = []
    for kind, found in profiles.items():
        there = _wells(found.table)
        for (_, row), well in zip(keys.iterrows(), wells, strict=True):
            if well not in there:
                reason = own[kind][well] if kind in own else joint_reason(own, well)
                rows.append({name: row.get(name) for name in KEYS} | {"Set": kind, "Reason": reason})
    return pd.DataFrame(rows, columns=[*KEYS, "Set", "Reason"])


def reasons(found: Profiles, wells: Iterable[Well], kept: Mapping[Well, bool]) -> dict[Well, str]:
    """Why each well that is not in a set has no profile."""
    there = _wells(found.table)
    nothing = {True: "no cells in the fields that were kept", False: "QC dropped all its fields"}
    return {well: found.left_out.get(well, nothing[bool(kept[well])]) for well in wells if well not in there}


def joint_reason(own: Mapping[str, Mapping[Well, str]], well: Well) -> str:
    """The reasons of the sets that lack a well."""
    return "; ".join(f"{_WORDS[kind]}: {found[well]}" for kind, found in own.items() if well in found)


def _wells(table: pd.DataFrame) -> set[Well]:
    return set(zip(*(table[name] for name in _WELL), strict=True))
