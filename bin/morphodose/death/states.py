"""The state of each cell: the quadrants of Annexin V × PI, as in flow cytometry."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: States with both dyes: Annexin V negative or positive × PI negative or positive (Vermes et al. 1995,
#: J. Immunol. Methods 184:39).
QUADRANTS = ("viable", "early_apoptotic", "late_apoptotic", "necrotic")
#: A single dye tells only some of it. PI alone: ``viable`` (membrane intact; early apoptotic cells are among
#: them) or ``dead`` (late apoptotic or necrotic). Annexin V alone: ``viable`` or ``dying`` (early or late
#: apoptotic; necrotic cells bind it too or are missed).
STATES = (*QUADRANTS, "dead", "dying")

STATE = "Metadata_DeathState"
#: Why the state of a cell is doubtful; null for no doubt.
DOUBT = "Metadata_DeathDoubt"
#: The state at gates 0.1 of a decade lower and higher: end of a fraction's name → column.
MOVED_STATES = {"GateLower": f"{STATE}GateLower", "GateHigher": f"{STATE}GateHigher"}


def call_states(
    early: npt.NDArray[np.float64] | None, late: npt.NDArray[np.float64] | None
) -> npt.NDArray[np.object_]:
    """States from the signs of the dyes.

    Parameters
    ----------
    early, late : (N,) array or None
        1 above the gate, 0 below, NaN where there is no intensity or no gate; None where the screen has no
        such dye.

    Returns
    -------
    (N,) array of object
        One of `STATES`, or None where a dye of the screen says nothing of the cell.

    Raises
    ------
    ValueError
        If neither dye is given.
    """
    if early is None and late is None:
        raise ValueError("death states need at least one dye")
    signs = [np.asarray(dye, dtype=float) for dye in (early, late) if dye is not None]
    known = np.all([np.isfinite(dye) for dye in signs], axis=0)
    states = np.full(len(signs[0]), None, dtype=object)
    if early is None or late is None:
        positive = "dead" if early is None else "dying"
        states[known] = np.where(signs[0][known] > 0, positive, "viable")
        return states
    index = np.where(
        signs[0][known] > 0, np.where(signs[1][known] > 0, 2, 1), np.where(signs[1][known] > 0, 3, 0)
    )
    states[known] = np.array(QUADRANTS, dtype=object)[index]
    return states


def above(values: npt.NDArray[np.float64], threshold: float) -> npt.NDArray[np.float64]:
    """1 above the gate, 0 below, NaN without a value or a gate.

    Parameters
    ----------
    values : (N,) array
        Counts.
    """
    signs = np.where(np.asarray(values, dtype=float) > threshold, 1.0, 0.0)
    signs[~np.isfinite(values) | ~np.isfinite(threshold)] = np.nan
    return signs
