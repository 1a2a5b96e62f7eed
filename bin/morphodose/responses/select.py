"""The wells that belong together: a compound's doses, and the vehicle wells they are compared with."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from morphodose.doses import dose_runs
from morphodose.errors import InputError
from morphodose.responses.endpoints import LEAST_CELLS
from morphodose.responses.groups import BETWEEN, as_text, further_columns, groups_in
from morphodose.responses.table_checks import check_copies, check_times, check_treatments, one_name

if TYPE_CHECKING:
    from collections.abc import Container

    import pandas as pd

Places = npt.NDArray[np.int64]

NEEDED = ("Metadata_Well", "Metadata_Compound", "Metadata_Dose", "Metadata_Role")
#: Columns that a table of wells may lack, and what stands for them.
FILLED: dict[str, object] = {
    "Metadata_Plate": "1", "Metadata_Timepoint": 0.0, "Metadata_Replicate": "1", "Metadata_DoseUnit": None,
}  # fmt: skip


def check_columns(names: Container[str], source: str) -> None:
    """Whether a table has the columns that tell of a well.

    Raises
    ------
    InputError
        If one is missing.
    """
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise InputError(
            f"{source}: no column {', '.join(missing)}; the table wells of profile_wells is expected"
        )


def check_wells(wells: pd.DataFrame, source: str) -> pd.DataFrame:
    """Wells with the columns the responses need, vehicle wells at dose 0.

    Raises
    ------
    InputError
        If a column is missing, a dose is not a number, no well is treated or vehicle, the doses of a
        compound have several units, or a well has no place in the analysis (`table_checks`).
    """
    import pandas as pd

    check_columns(wells, source)
    wells = wells.reset_index(drop=True).copy()
    wells["Metadata_Role"] = as_text(wells["Metadata_Role"]).str.lower()
    if not wells["Metadata_Role"].isin(["treated", "vehicle"]).any():
        have = ", ".join(sorted(set(wells["Metadata_Role"]) - {""})) or "none"
        raise InputError(
            f"{source}: no well with the role treated or vehicle (roles: {have}); see the plate map's role "
            "column"
        )
    for name, value in FILLED.items():
        if name not in wells:
            wells[name] = value
    try:
        wells["Metadata_Dose"] = pd.to_numeric(wells["Metadata_Dose"]).astype(float)
        wells["Metadata_Timepoint"] = pd.to_numeric(wells["Metadata_Timepoint"]).astype(float)
    except (TypeError, ValueError) as fault:
        raise InputError(
            f"{source}: a dose or timepoint is not a number ({fault}); write 0.5, not 0,5"
        ) from fault
    wells.loc[wells["Metadata_Role"] == "vehicle", "Metadata_Dose"] = 0.0
    check_times(wells, source)
    check_copies(wells, source)
    wells = one_name(check_treatments(wells, source))[0]
    treated = wells[(wells["Metadata_Role"] == "treated") & (wells["Metadata_Dose"] > 0)]
    by = as_text(treated["Metadata_Compound"])
    for compound, units in as_text(treated["Metadata_DoseUnit"]).groupby(by, sort=True):
        # a micro sign and a Greek mu are the u of uM
        spelt = {unicodedata.normalize("NFKC", unit).replace("\u03bc", "u"): unit for unit in units if unit}
        if len(spelt) > 1:
            raise InputError(
                f"{source}: doses of {compound!r} in {' and '.join(sorted(spelt.values()))} "
                "(Metadata_DoseUnit); convert them to one unit"
            )
    return wells.assign(Metadata_Dose=_one_dose(wells))


def _one_dose(wells: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Doses, those of a compound that differ by rounding as the one that most wells have.

    `check_design` sees to it in plate maps; a table of wells may come from elsewhere.
    """
    doses = wells["Metadata_Dose"].to_numpy(dtype=float).copy()
    for places in wells.groupby(as_text(wells["Metadata_Compound"]), sort=True).indices.values():
        here = places[doses[places] > 0]
        values, counts = np.unique(doses[here], return_counts=True)
        number = dict(zip(values.tolist(), counts.tolist(), strict=True))
        for run in dose_runs(values.tolist()):
            if len(run) > 1:
                doses[here[np.isin(doses[here], run)]] = max(run, key=lambda dose: number[dose])
    return doses


@dataclass(frozen=True)
class Kind:
    """Wells of one kind of cells, see `Layout.kinds`.

    Attributes
    ----------
    name : str
        Their groups; "" where nothing divides them.
    wells : array of int
        Positions of the wells.
    vehicle, positive : array of int
        Positions of their vehicle wells, and of the positive controls that do not contradict their groups.
    """

    name: str
    wells: Places
    vehicle: Places
    positive: Places


class Layout:
    """Which vehicle wells belong to which treated wells: the one place that says so.

    Parameters
    ----------
    wells : pandas.DataFrame
        Wells, of one or several timepoints; ``Metadata_Group`` if the analysis is divided.

    Notes
    -----
    On each plate where a compound (of a group) is treated, its vehicle wells are those

    1. whose group says nothing that contradicts the compound's; of these the ones that say most;
    2. that bear the compound's name, if there are any; else those that bear no treated compound's name;
    3. of the compound's own solvent: where a further column has one value for the compound and vehicle wells
       have that value, or are named by it, only these.
    """

    def __init__(self, wells: pd.DataFrame) -> None:
        count = len(wells)
        blank = np.full(count, "", dtype=object)
        self._role = wells["Metadata_Role"].astype(object).to_numpy()
        self._plate = as_text(wells["Metadata_Plate"]).to_numpy() if "Metadata_Plate" in wells else blank
        named = "Metadata_Compound" in wells
        self._compound = as_text(wells["Metadata_Compound"]).to_numpy() if named else blank
        self._group = groups_in(wells).to_numpy()
        self._said = [frozenset(group.split(BETWEEN)) - {""} for group in self._group]
        self._vehicle: dict[str, list[int]] = {}
        self._treated: dict[tuple[str, str], dict[str, list[int]]] = {}
        for place in range(count):
            if self._role[place] == "vehicle":
                self._vehicle.setdefault(self._plate[place], []).append(place)
            elif self._role[place] in ("treated", "positive"):
                key = self._compound[place], self._group[place]
                self._treated.setdefault(key, {}).setdefault(self._plate[place], []).append(place)
        self._named = {name for name, _ in self.pairs()}
        self._columns = {name: as_text(wells[name]).to_numpy() for name in further_columns(wells)}

    def pairs(self, roles: tuple[str, ...] = ("treated",)) -> list[tuple[str, str]]:
        """Compound and group of the treated wells, sorted."""
        return sorted(
            key
            for key, at in self._treated.items()
            if key[0] and any(self._role[place] in roles for places in at.values() for place in places)
        )

    def vehicle(self, compound: str, group: str = "") -> Places:
        """Positions of the vehicle wells of a compound in a group, on all of its plates."""
        places: list[int] = []
        for plate, treated in sorted(self._treated.get((compound, group), {}).items()):
            places += self._on_plate(compound, group, treated, plate)
        return np.array(sorted(places), dtype=np.int64)

    def treated(self, compound: str, group: str = "") -> Places:
        """Positions of the treated wells of a compound in a group."""
        at = self._treated.get((compound, group), {})
        places = [place for places in at.values() for place in places if self._role[place] == "treated"]
        return np.array(sorted(places), dtype=np.int64)

    def references(self) -> list[tuple[Places, Places]]:
        """Positions of wells that are compared with the same vehicle wells, and of these vehicle wells.

        Wells of every role are among the former; a vehicle well is compared with those of its own kind.
        """
        found = []
        for (compound, group), at in sorted(self._treated.items()):
            for plate, places in sorted(at.items()):
                reference = self._on_plate(compound, group, places, plate)
                found.append((np.array(places, dtype=np.int64), np.array(reference, dtype=np.int64)))
        kinds: dict[tuple[str, ...], list[int]] = {}
        for plate, places in sorted(self._vehicle.items()):
            for place in places:
                own = self._compound[place] if self._compound[place] in self._named else ""
                solvent = tuple(self._columns[name][place] for name in self._solvents)
                kinds.setdefault((plate, own, self._group[place], *solvent), []).append(place)
        for places in kinds.values():
            found.append((np.array(places, dtype=np.int64), np.array(places, dtype=np.int64)))
        return found

    def kinds(self) -> list[Kind]:
        """Wells of one kind of cells: those of one group, or of several that share vehicle wells.

        Compounds and solvents do not divide them: what every cell of a group is measured by (the gates of
        stains, the spread of a feature) rests on all vehicle wells of the group.
        """
        found: dict[tuple[str, tuple[int, ...]], list[int]] = {}
        known: dict[tuple[str, frozenset[str]], tuple[int, ...]] = {}
        for place, key in enumerate(zip(self._plate, self._said, strict=True)):
            if key not in known:
                known[key] = tuple(self._of_group(key[1], key[0]))
            found.setdefault((key[0], known[key]), []).append(place)
        kinds = []
        for (plate, vehicle), places in found.items():
            said = {self._said[place] for place in places}
            positive = [
                place
                for place in range(len(self._role))
                if self._role[place] == "positive"
                and self._plate[place] == plate
                and any(self._said[place] <= one for one in said)
            ]
            name = " / ".join(sorted({self._group[place] for place in places} - {""}))
            kinds.append(
                Kind(name, *(np.array(each, dtype=np.int64) for each in (places, vehicle, positive)))
            )
        return kinds

    @cached_property
    def _solvents(self) -> list[str]:
        """Further columns by which vehicle wells are told apart for compounds."""
        pairs = [(plate, places) for at in self._treated.values() for plate, places in at.items()]
        found = []
        for name, values in self._columns.items():
            of_vehicle = {plate: {values[p] for p in places} for plate, places in self._vehicle.items()}
            if any(_shared(values, places) in of_vehicle.get(plate, set()) - {""} for plate, places in pairs):
                found.append(name)
        return found

    def _of_group(self, said: frozenset[str], plate: str) -> list[int]:
        """Vehicle wells of a plate that contradict nothing that is said of a group; those that say most."""
        agreeing = [place for place in self._vehicle.get(plate, []) if self._said[place] <= said]
        most = max((len(self._said[place]) for place in agreeing), default=0)
        return [place for place in agreeing if len(self._said[place]) == most]

    def _on_plate(self, compound: str, group: str, treated: list[int], plate: str) -> list[int]:
        """Vehicle wells of a compound on one plate."""
        chosen = self._of_group(frozenset(group.split(BETWEEN)) - {""}, plate)
        own = [place for place in chosen if self._compound[place] == compound]
        chosen = own or [place for place in chosen if self._compound[place] not in self._named] or chosen
        for values in self._columns.values():
            value = _shared(values, treated)
            if value:
                same = [place for place in chosen if values[place] == value]
                chosen = same or [place for place in chosen if self._compound[place] == value] or chosen
        return chosen


def _shared(values: npt.NDArray[np.object_], places: list[int]) -> str:
    """The value that all places share, or ""."""
    first = str(values[places[0]])
    return first if all(values[place] == first for place in places) else ""


def series(wells: pd.DataFrame, compound: str, group: str = "", layout: Layout | None = None) -> pd.DataFrame:
    """Treated wells of a compound and their vehicle wells (dose 0); positive controls stay outside.

    The positive wells say how good the assay is (Z′); were they in the curve, it could not be checked
    against them.
    """
    layout = layout or Layout(wells)
    found = wells.iloc[np.concatenate([layout.vehicle(compound, group), layout.treated(compound, group)])]
    return found[found["Metadata_Dose"].notna()]


def usable(wells: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    """Wells whose value of the endpoint can be used: present, and a median only over enough cells."""
    kept = wells[np.isfinite(wells[endpoint].to_numpy(dtype=float, na_value=np.nan))]
    if endpoint.startswith(("Median", "Endpoint_")):
        kept = kept[cells_behind(kept, endpoint) >= LEAST_CELLS - 0.5]
    return kept


def cells_behind(wells: pd.DataFrame, endpoint: str) -> npt.NDArray[np.float64]:
    """Cells that the value of an endpoint rests on, in each well."""
    cells = called(wells).to_numpy(dtype=float)
    if endpoint.startswith("MedianViable_") and "Fraction_Viable" in wells:
        cells = cells * wells["Fraction_Viable"].to_numpy(dtype=float)
    return cells


def called(wells: pd.DataFrame) -> pd.Series:
    """Cells behind the fractions of each well: those with a death state, or all; where unknown, few."""
    import pandas as pd

    for name in ("Count_Called", "Count_Cells"):
        if name in wells:
            return wells[name].astype(float).fillna(float(LEAST_CELLS))
    return pd.Series(float(LEAST_CELLS), index=wells.index)
