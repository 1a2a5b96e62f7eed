"""Which cells of an acquisition the same gates judge: those of one group, by its own vehicle wells.

Within a group, the vehicle wells of different solvents (or those that compounds have of their own) set gates
of their own where their unstained cells differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from morphodose.death.doubts import MOST_SHIFT
from morphodose.death.gates import SPREADS, unstained
from morphodose.platemap import PlateMap
from morphodose.responses.groups import (
    AUTO,
    BETWEEN,
    GROUP,
    add_groups,
    as_text,
    find_groups,
    further_columns,
    mapped_wells,
)
from morphodose.responses.select import Layout

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Unstained cells of vehicle wells are wider than those of others if their spread is so many times theirs.
MOST_RATIO = 2.0


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
        Why they rest on vehicle wells of others; "" where they rest on their own.
    """

    name: str
    judged: Mask
    controls: Mask
    pooled: str = ""


def gate_groups(
    plate_map: PlateMap,
    table: dict[str, Any],
    roles: npt.NDArray[np.object_],
    stains: Sequence[Floats],
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
    stains : sequence of (N,) array
        Intensity of each cell in each stain, counts; NaN where there is none.
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
    measured = np.all([np.isfinite(values) for values in stains], axis=0)
    layout = Layout(every)
    kinds = layout.kinds()
    if len(kinds) < 2 or every[GROUP].eq("").all():
        whole = GateGroup("", np.ones(len(roles), dtype=bool), np.isin(roles, ("vehicle", "positive")))
        return _by_vehicle(whole, every, layout, place, roles, stains, min_cells)
    own, few, names, reasons = [], np.zeros(len(roles), dtype=bool), [], []
    for kind in kinds:
        judged, vehicle = np.isin(place, kind.wells), np.isin(place, kind.vehicle) & (roles == "vehicle")
        count = int((vehicle & measured).sum())
        name = kind.name or "wells without a group"
        if count >= min_cells:
            positive = np.isin(place, kind.positive) & (roles == "positive")
            divided = GateGroup(name, judged, vehicle | positive)
            own += _by_vehicle(divided, every, layout, place, roles, stains, min_cells)
        elif judged.any():
            few |= judged
            names.append(name)
            if np.isin(roles[judged], ("vehicle", "treated", "positive")).any():
                reasons.append(f"{count} vehicle cells of {name}")  # what an empty well holds is not used
    if names:
        why = f"{', '.join(reasons)}: the gate is that of the controls of all groups" if reasons else ""
        control = np.isin(roles, ("vehicle", "positive"))
        own.append(GateGroup(" / ".join(names), few, control, why))
    return own


@dataclass(frozen=True)
class _Reference:
    """Wells compared with the same vehicle wells, and what the unstained cells of these are like."""

    wells: frozenset[int]
    vehicle: frozenset[int]
    unstained: tuple[tuple[float, float], ...]


def _by_vehicle(
    group: GateGroup,
    every: pd.DataFrame,
    layout: Layout,
    place: npt.NDArray[np.int64],
    roles: npt.NDArray[np.object_],
    stains: Sequence[Floats],
    min_cells: int,
) -> list[GateGroup]:
    """The group, divided where the vehicle wells that its wells are compared with (`Layout`) differ.

    They differ where the unstained cells lie elsewhere by the measure of `doubts.MOST_SHIFT`, or are more
    than `MOST_RATIO` times as wide. Vehicle wells with too few cells to set a gate stay with the most others.
    Where the vehicle cells of one lie above a gate of the others and are wider, no one can tell another
    background from dying cells: the gate is that of the others, and doubtful.
    """
    vehicle_cells = group.controls & (roles == "vehicle")
    merged: dict[frozenset[int], set[int]] = {}
    for compared, reference in layout.references():
        if len(reference):
            merged.setdefault(frozenset(reference.tolist()), set()).update(compared.tolist())
    found = []
    for vehicle, wells in merged.items():
        mine = vehicle_cells & np.isin(place, list(vehicle))
        counts = [values[mine & np.isfinite(values)] for values in stains]
        if not (group.judged & np.isin(place, list(wells))).any():
            continue
        if min(map(len, counts)) >= min_cells:
            found.append(_Reference(frozenset(wells), vehicle, tuple(unstained(each) for each in counts)))
    clusters: list[list[_Reference]] = []
    for one in sorted(found, key=lambda each: (-len(each.wells), sorted(each.wells))):
        for cluster in clusters:
            if not _differ(one, cluster[0]):
                cluster.append(one)
                break
        else:
            clusters.append([one])
    if len(clusters) < 2:
        return [group]
    names = _names([_wells(one.vehicle for one in each) for each in clusters], every)
    parts, taken = [], np.zeros(len(place), dtype=bool)
    for number in range(len(clusters) - 1, -1, -1):
        cluster = clusters[number]
        # the first takes what no other has: empty wells, wells with few vehicle cells
        mine = np.isin(place, _wells(one.wells for one in cluster))
        judged = group.judged & ~taken & (mine | (number == 0))
        taken |= judged
        others = [other for other in clusters if other is not cluster]
        lower = next((other for other in others if _above(cluster[0], other[0])), None)
        setting = cluster if lower is None else lower
        controls = vehicle_cells & np.isin(place, _wells(one.vehicle for one in setting))
        positive = group.controls & (roles == "positive")
        own = positive & np.isin(place, _wells(one.wells for one in setting))
        why = group.pooled
        if lower is not None:
            of = names[clusters.index(lower)]
            why = (
                f"most vehicle cells of {names[number]} lie above a gate of those of {of} (dying, or another "
                f"background?): the gate is that of {of}"
            )
        name = BETWEEN.join(filter(None, (group.name, f"vehicle={names[number]}")))
        parts.append(GateGroup(name, judged, controls | (own if own.any() else positive), why))
    return parts[::-1]


def _wells(parts: Iterable[frozenset[int]]) -> list[int]:
    """All wells of some sets, sorted."""
    return sorted(set().union(*parts))


def _differ(one: _Reference, other: _Reference) -> bool:
    """Whether the unstained cells of two sets of vehicle wells lie elsewhere, or are wider, in any stain."""
    for (centre, spread), (second, wide) in zip(one.unstained, other.unstained, strict=True):
        widest, narrowest = max(spread, wide), min(spread, wide)
        if narrowest > 0 and (
            abs(centre - second) > MOST_SHIFT * narrowest or widest > MOST_RATIO * narrowest
        ):
            return True
    return False


def _above(one: _Reference, other: _Reference) -> bool:
    """Whether the vehicle cells of one lie above a gate that the others set, in any stain.

    Cells that are as narrow as the others have another background and are not stained.
    """
    return any(
        centre > low + SPREADS * spread > low and wide > MOST_RATIO * spread
        for (centre, wide), (low, spread) in zip(one.unstained, other.unstained, strict=True)
    )


def _names(parts: list[list[int]], every: pd.DataFrame) -> list[str]:
    """What tells sets of vehicle wells apart in the plate map, or the wells themselves."""
    for column in ("Metadata_Compound", *further_columns(every)):
        values = as_text(every[column]).to_numpy()
        found = [" / ".join(sorted(set(values[part]) - {""})) for part in parts]
        if all(found) and len(set(found)) == len(found):
            return found
    return [f"wells {', '.join(map(str, every['Metadata_Well'].iloc[part]))}" for part in parts]
