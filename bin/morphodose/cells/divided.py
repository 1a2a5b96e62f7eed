"""What divides the cells of a screen for the ranking of features: groups, and the vehicle they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from morphodose.responses.groups import GROUP, NONE, add_groups, find_groups
from morphodose.responses.select import Layout

_PLACE = ["Metadata_Plate", "Metadata_Well"]


@dataclass(frozen=True)
class Divided:
    """Groups of the F fields.

    Attributes
    ----------
    names : tuple of str
        G groups; ``('',)`` where nothing divides the screen.
    codes : (F,) array of int
        Group of each field.
    vehicle : tuple of tuple of int
        For each group the groups whose vehicle wells are compared with it, its own among them.
    said : tuple of str
        What a user has to know of it.
    """

    names: tuple[str, ...]
    codes: npt.NDArray[np.int64]
    vehicle: tuple[tuple[int, ...], ...]
    said: tuple[str, ...] = ()

    def units(self, classes: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
        """Group and class of each field as one number, ``group * count + class``; -1 without a class.

        Parameters
        ----------
        classes : (F,) array of int
            Class of each field, -1 without.
        count : int
            Number of classes.
        """
        return np.where(classes >= 0, self.codes * count + classes, -1)

    def strata(self, count: int, vehicle: int | None) -> list[npt.NDArray[np.float64]]:
        """For each group an indicator (classes, G * classes) of the units that make up its classes.

        `vehicle` is the class of the vehicle, which groups share as `morphodose.responses.select.Layout`
        says; None where the classes know of no vehicle.
        """
        found = []
        for group in range(len(self.names)):
            of = np.zeros((count, len(self.names) * count))
            for number in range(count):
                sources: Sequence[int] = self.vehicle[group] if number == vehicle else (group,)
                of[number, [source * count + number for source in sources]] = 1.0
            found.append(of)
        return found


def divide(table: pa.Table, group_by: str = NONE) -> Divided:
    """Groups of the fields of a screen.

    Parameters
    ----------
    table : pyarrow.Table
        ``Metadata_*`` of the fields, with the further columns of the plate map.
    group_by : str
        As of `morphodose.responses.groups.find_groups`.

    Raises
    ------
    InputError
        If `group_by` names a column that is not there.
    """
    undivided = Divided(("",), np.zeros(table.num_rows, dtype=np.int64), ((0,),))
    if group_by == NONE or not table.num_rows:
        return undivided
    keys = [name for name in table.column_names if name.startswith("Metadata_")]
    frame = table.select(keys).to_pandas()
    wells = frame.drop_duplicates(_PLACE).reset_index(drop=True)
    grouping = find_groups(wells, group_by)
    said = tuple(grouping.lines())
    if not grouping.columns:
        return Divided(undivided.names, undivided.codes, undivided.vehicle, said)
    wells = add_groups(wells, grouping)
    of_well = wells[GROUP].astype(str).to_numpy()
    names = tuple(sorted(set(of_well)))
    index = {name: number for number, name in enumerate(names)}
    at = dict(zip(zip(*(wells[name] for name in _PLACE), strict=True), of_well, strict=True))
    codes = [index[at[place]] for place in zip(*(frame[name] for name in _PLACE), strict=True)]
    layout = Layout(wells)
    shared: list[set[int]] = [{number} for number in range(len(names))]
    for compound, group in layout.pairs(("treated", "positive")):
        for place in layout.vehicle(compound, group):
            shared[index[group]].add(index[of_well[place]])
    return Divided(
        names, np.array(codes, dtype=np.int64), tuple(tuple(sorted(each)) for each in shared), said
    )
