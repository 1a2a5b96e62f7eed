"""Which cells of an acquisition the same gates judge: those of one group, by its own vehicle wells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from morphodose.platemap import PlateMap
from morphodose.responses.groups import AUTO, GROUP, add_groups, find_groups, mapped_wells
from morphodose.responses.select import Layout

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class GateGroup:
    """Cells that are judged by the same gates, among the N of an acquisition.

    Attributes
    ----------
    name : str
        Their groups; "" where nothing divides the acquisition.
    judged : (N,) array of bool
        Cells whose states these gates call.
    controls : (N,) array of bool
        Cells of the vehicle and positive wells that set them.
    pooled : str
        Why they rest on vehicle wells of all groups; "" where they rest on their own.
    """

    name: str
    judged: Mask
    controls: Mask
    pooled: str = ""


def gate_groups(
    plate_map: PlateMap,
    table: dict[str, Any],
    roles: npt.NDArray[np.object_],
    measured: Mask,
    min_cells: int,
    group_by: str = AUTO,
) -> list[GateGroup]:
    """Divide the cells of an acquisition by the groups of the plate map.

    Parameters
    ----------
    plate_map : PlateMap
        Of all plates: what divides one plate divides the others, too.
    table : mapping
        ``Metadata_Plate`` and ``Metadata_Well`` of each cell, (N,).
    roles : (N,) array of object
        Role of the well of each cell.
    measured : (N,) array of bool
        Cells that have an intensity in every stain.
    min_cells : int
        Vehicle cells that a gate needs. Groups with fewer of their own are judged together, by the controls
        of all groups, and say so.
    group_by : str
        As of `morphodose.responses.groups.find_groups`.

    Raises
    ------
    InputError
        If `group_by` names a column that the plate map does not have.
    """
    every = mapped_wells(plate_map)
    every = add_groups(every, find_groups(every, group_by))
    plates, wells = table["Metadata_Plate"].astype(str), table["Metadata_Well"].astype(str)
    there = set(zip(plates, wells, strict=True))
    mine = [key in there for key in zip(every["Metadata_Plate"], every["Metadata_Well"], strict=True)]
    every = every[np.array(mine, dtype=bool)].reset_index(drop=True)
    keys = zip(every["Metadata_Plate"], every["Metadata_Well"], strict=True)
    number = {key: at for at, key in enumerate(keys)}
    place = np.array([number[key] for key in zip(plates, wells, strict=True)], dtype=np.int64)
    control = np.isin(roles, ("vehicle", "positive"))
    kinds = Layout(every).kinds()
    if len(kinds) < 2 or every[GROUP].eq("").all():
        return [GateGroup("", np.ones(len(roles), dtype=bool), control)]
    own, few, names, reasons = [], np.zeros(len(roles), dtype=bool), [], []
    for kind in kinds:
        judged, vehicle = np.isin(place, kind.wells), np.isin(place, kind.vehicle) & (roles == "vehicle")
        count = int((vehicle & measured).sum())
        name = kind.name or "wells without a group"
        if count >= min_cells:
            positive = np.isin(place, kind.positive) & (roles == "positive")
            own.append(GateGroup(name, judged, vehicle | positive))
        elif judged.any():
            few |= judged
            names.append(name)
            if np.isin(roles[judged], ("vehicle", "treated", "positive")).any():
                reasons.append(f"{count} vehicle cells of {name}")  # nobody reads what an empty well holds
    if names:
        why = f"{', '.join(reasons)}: the gate is that of the controls of all groups" if reasons else ""
        own.append(GateGroup(" / ".join(names), few, control, why))
    return own
