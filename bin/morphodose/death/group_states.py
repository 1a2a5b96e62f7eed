"""States of the cells of a group, by gates from the controls of the group."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from morphodose.death.compensation import spillover
from morphodose.death.doubts import correlation, leak_doubt
from morphodose.death.kinds import GateGroup
from morphodose.death.stains import Called, Stain, call_stain
from morphodose.death.states import call_states


@dataclass(frozen=True)
class GroupStates:
    """What the gates of a group say: of its n cells and control cells, and of the m cells it judges.

    Attributes
    ----------
    group : GateGroup
    here : (N,) array of bool
        Cells that are judged or controls, n of them.
    own : (n,) array of bool
        Those that are judged, m of them.
    called : dict
        Stain → calls of the n cells.
    states, doubts : (m,) array of object
    moved : dict
        ``lower`` and ``higher`` → (m,) array of object, the states at gates moved by 0.1 of a decade.
    together : float
        Rank correlation of the two stains among unstained cells.
    leak : str or None
        The doubt that comes of it.
    """

    group: GateGroup
    here: npt.NDArray[np.bool_]
    own: npt.NDArray[np.bool_]
    called: dict[str, Called]
    states: npt.NDArray[np.object_]
    doubts: npt.NDArray[np.object_]
    moved: dict[str, npt.NDArray[np.object_]]
    together: float
    leak: str | None

    def threshold(self, stain: Stain) -> float:
        """Gate of the column that most cells are read from, counts."""
        return next(iter(self.called[stain.name].gates.values())).threshold

    def doubt(self, stain: Stain, column: str) -> str | None:
        """All that is doubtful of a gate, in a sentence; None for nothing."""
        found = (self.group.pooled, self.called[stain.name].doubts[column].words, self.leak)
        return "; ".join(filter(None, found)) or None


def states_of_group(
    group: GateGroup,
    table: dict[str, Any],
    stains: list[Stain],
    roles: npt.NDArray[np.object_],
    min_cells: int,
    by_hand: dict[str, float],
) -> GroupStates:
    """States of the cells of a group, by gates from its control cells.

    Parameters
    ----------
    roles : (N,) array of str
        Role of the well of each cell of the table.
    """
    here = group.judged | group.controls
    wells = table["Metadata_Well"][here]
    columns = {column: table[column][here] for stain in stains for column in stain.columns}
    # a vehicle well that is judged by the controls of others is not a control itself
    roles = np.where(group.controls | ~np.isin(roles, ("vehicle", "positive")), roles, "judged")[here]
    called = {
        stain.name: call_stain(stain, columns, roles, min_cells, by_hand.get(stain.channel), wells)
        for stain in stains
    }
    early, late = called.get("early"), called.get("late")
    states = call_states(early.signs if early else None, late.signs if late else None)
    moved = {
        "lower": call_states(early.lower if early else None, late.lower if late else None),
        "higher": call_states(early.higher if early else None, late.higher if late else None),
    }
    together, leak = math.nan, None
    if early and late:
        first = (next(iter(early.gates.values())), next(iter(late.gates.values())))
        together = correlation(early.intensity, late.intensity, first)
        bases = [(gate.centre, gate.spread) for gate in first]
        seen = (
            spillover(early.intensity, late.intensity, bases[0]),
            spillover(late.intensity, early.intensity, bases[1]),
        )
        leak = leak_doubt(together, max(seen))
    doubts = doubt_of_cells(called, [*filter(None, (group.pooled, leak))], wells, states)
    own = group.judged[here]
    moved = {way: found[own] for way, found in moved.items()}
    return GroupStates(group, here, own, called, states[own], doubts[own], moved, together, leak)


def doubt_of_cells(
    called: dict[str, Called],
    more: list[str],
    wells: npt.NDArray[np.object_],
    states: npt.NDArray[np.object_],
) -> npt.NDArray[np.object_]:
    """Why the state of a cell is doubtful: of all cells (`more`), or of its well; None for no doubt.

    Parameters
    ----------
    wells, states : (n,) array
        Well and state of each cell.
    """
    whole = [text for call in called.values() for doubt in call.doubts.values() for text in doubt.whole]
    whole += more
    own: dict[str, list[str]] = {}
    for doubt in (doubt for call in called.values() for doubt in call.doubts.values()):
        for well, text in doubt.wells.items():
            own.setdefault(well, []).append(text)
    said = {well: "; ".join(dict.fromkeys([*whole, *own.get(well, [])])) or None for well in set(wells)}
    known = np.array([state is not None for state in states], dtype=bool)
    found = np.array([said[well] for well in wells], dtype=object)
    found[~known] = None
    return found
