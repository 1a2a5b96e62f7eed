"""The measured columns that stand for a stain, and the calls of one acquisition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt

from morphodose.death.doubts import Doubts, doubts_of
from morphodose.death.gates import MIN_VEHICLE_CELLS, MOVED, Gate, far_objects, fit_gate, manual_gate
from morphodose.death.states import above
from morphodose.errors import InputError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stain:
    """A dye and the columns it is read from.

    Attributes
    ----------
    name : {"early", "late"}
        Annexin V marks early death, PI late death.
    channel : str
        Channel name.
    columns : tuple of str
        The first one that a cell has a value in is used: PI lies in the nucleus, so its mean over the
        nucleus tells stained from unstained best; a cell without a nucleus is judged by its whole area, with
        a gate of its own, since the same dye gives a lower mean there.
    """

    name: str
    channel: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Called:
    """Signs of one stain: 1, 0 or NaN per cell; the intensity each call rests on; the gate of each column.

    ``lower`` and ``higher`` are the signs at gates moved by `morphodose.death.gates.MOVED`. ``doubts``,
    ``far`` (objects that are not cells) and ``read`` (cells judged by it) are those of each column; a
    far object has no sign.
    """

    signs: Floats
    intensity: Floats
    gates: dict[str, Gate]
    doubts: dict[str, Doubts]
    far: dict[str, int]
    read: dict[str, npt.NDArray[np.bool_]]
    lower: Floats
    higher: Floats


def find_stain(
    name: str,
    channel: str | None,
    columns: Sequence[str],
    quantity: tuple[str, str] | None = None,
) -> Stain | None:
    """The columns of a stain among those measured; None without a channel.

    A stain that was not imaged in this acquisition (one of the end point) has the columns it would have.

    `quantity` is a compartment and an intensity (`morphodose.death.options.quantities`); by default the mean,
    over the cell for the early marker, over the nucleus for the late one.

    Raises
    ------
    InputError
        If no intensity was measured, or the channel is spelt much like one that was.
    """
    if not channel:
        return None
    compartment, kind = quantity or ("Cells" if name == "early" else "Nuclei", "MeanIntensity")
    order = dict.fromkeys((compartment, "Cells"))
    wanted = [f"{part}_Intensity_{kind}_{channel}" for part in order]
    found = tuple(column for column in wanted if column in columns)
    if not found:
        have = measured_channels(columns, kind)
        if have and not get_close_matches(channel.casefold(), [one.casefold() for one in have], 1, 0.5):
            return Stain(name, channel, tuple(wanted))
        raise InputError(
            f"--{name}_channel {channel!r}: no column {wanted[0]} in the measurements; the measured channels "
            f"are {', '.join(have) or 'none (was the family intensity left out?)'}"
        )
    return Stain(name, channel, found)


def measured_channels(columns: Sequence[str], kind: str = "MeanIntensity") -> list[str]:
    """Channels of which an intensity of the cells was measured."""
    start = f"Cells_Intensity_{kind}_"
    return sorted(column.removeprefix(start) for column in columns if column.startswith(start))


def call_stain(
    stain: Stain,
    table: dict[str, Floats],
    roles: npt.NDArray[np.object_],
    min_cells: int = MIN_VEHICLE_CELLS,
    manual: float | None = None,
    wells: npt.NDArray[np.object_] | None = None,
) -> Called:
    """Gate of each column from the control wells, and the sign of every cell.

    Parameters
    ----------
    stain : Stain
    table : mapping of str to (N,) array
        The columns of the stain, counts.
    roles : (N,) array of object
        Role of the well of each cell; only ``vehicle`` and ``positive`` wells set the gates.
    min_cells : int
        Vehicle cells that a gate needs.
    manual : float, optional
        Gate that the user set, counts, in place of one from the controls.
    wells : (N,) array of object, optional
        Well of each cell, to find those whose unstained cells lie elsewhere.
    """
    signs, lower, higher, intensity = (np.full(len(roles), np.nan) for _ in range(4))
    gates: dict[str, Gate] = {}
    doubts: dict[str, Doubts] = {}
    far: dict[str, int] = {}
    read: dict[str, npt.NDArray[np.bool_]] = {}
    for column in stain.columns:
        values = table[column]
        gate = fit_gate(values[roles == "vehicle"], values[roles == "positive"], min_cells)
        if manual is not None:
            gate = manual_gate(gate, manual, values[roles == "vehicle"])
        gates[column] = gate
        no_cell = far_objects(values, gate)
        far[column] = int(no_cell.sum())
        judged = np.where(no_cell, np.nan, values)
        open_cells = np.isnan(intensity) & np.isfinite(values)
        read[column] = open_cells
        if wells is not None:
            doubts[column] = doubts_of(np.where(open_cells, judged, np.nan), gate, roles, wells)
        else:
            doubts[column] = Doubts()
        intensity[open_cells] = values[open_cells]
        for found, step in ((signs, 0.0), (lower, -MOVED), (higher, MOVED)):
            found[open_cells] = above(judged[open_cells], gate.threshold * 10**step)
    return Called(signs, intensity, gates, doubts, far, read, lower, higher)
