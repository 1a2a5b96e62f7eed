"""Signs of a stain that failed, which no gate can repair: the states of what they concern are doubtful."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from morphodose.death.gates import MOVED, Floats, Gate

#: Cells from which the figures of a well or of the controls mean something.
LEAST_CELLS = 20
#: Positive controls rise if this much more of them than of the vehicle lies above the gate.
LEAST_RISE = 0.15
#: Without positive controls a dye is shown to work by this share of all cells above the gate, of so many.
LEAST_STAINED, SHOWN_CELLS = 0.005, 200
#: The cells of a well below the gate lie elsewhere if their median is this many standard deviations away.
MOST_SHIFT = 1.5
#: Least share of the cells of a well that are its lower population.
LOWER_SHARE = 0.15
#: Correlation of the two stains among cells below both gates.
MOST_CORRELATION = 0.4
#: Cells so near the gate (as shares of its distance from the unstained cells) may be either, and this share
#: of the cells may be so near.
NEAR, MOST_NEAR = (0.75, 1.5), 0.08
#: A well's cells lie lower if this much more of them than of the vehicle's lies below one of these quantiles.
QUANTILES, MOST_LOWER = (10, 30, 50), 0.3
#: Estimated spillover that is a doubt.
MOST_SPILLOVER = 0.04
#: The fraction of a well hangs on the gate if it changes by more as the distance of the gate from the
#: unstained cells changes by 0.1 of a decade, which has to be so many cells.
MOST_MOVED, LEAST_MOVED_CELLS = 0.1, 5
#: Wells that a sentence names.
MOST_NAMES = 4


@dataclass(frozen=True)
class Doubts:
    """What is doubtful of one stain: in the whole acquisition, and in single wells."""

    whole: tuple[str, ...] = ()
    wells: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str | None:
        """All of it in a sentence; None for nothing."""
        said = list(self.whole)
        reasons: dict[str, list[str]] = {}
        for well, reason in self.wells.items():
            reasons.setdefault(reason, []).append(well)
        for reason, wells in reasons.items():
            names = ", ".join(wells[:MOST_NAMES])
            more = f" and {len(wells) - MOST_NAMES} more" if len(wells) > MOST_NAMES else ""
            said.append(f"{reason} in {names}{more}")
        return "; ".join(said) or None


def doubts_of(
    values: Floats, gate: Gate, roles: npt.NDArray[np.object_], wells: npt.NDArray[np.object_]
) -> Doubts:
    """What speaks against the calls of one stain.

    Parameters
    ----------
    values : (N,) array
        Intensities of all cells of the acquisition, counts.
    gate : Gate
    roles, wells : (N,) array of object
        Role of the well, and the well, of each cell.
    """
    vehicle = values[(roles == "vehicle") & np.isfinite(values)]
    if not np.isfinite(gate.threshold) or not gate.spread > 0 or len(vehicle) < LEAST_CELLS:
        return Doubts()
    whole = []
    positive = values[(roles == "positive") & np.isfinite(values)]
    if len(positive) >= LEAST_CELLS:
        above = float(np.mean(positive > gate.threshold))
        if above - gate.vehicle_stained < LEAST_RISE:
            whole.append(
                f"the positive controls do not rise above the gate ({above:.0%} of their cells, "
                f"{gate.vehicle_stained:.0%} of the vehicle's): the dye may have failed"
            )
    every = values[np.isfinite(values)]
    stained = float(np.mean(every > gate.threshold)) if len(every) else 0.0
    if len(positive) < LEAST_CELLS and len(every) >= SHOWN_CELLS and stained < LEAST_STAINED:
        whole.append(
            f"hardly a cell is stained ({stained:.1%} of all), and no positive control shows that the dye "
            "works"
        )
    reach = (every - gate.centre) / (gate.threshold - gate.centre)
    near = float(np.mean((reach > NEAR[0]) & (reach < NEAR[1])))
    found = _elsewhere(values, gate, wells, vehicle)
    if len(every) >= LEAST_CELLS and near > MOST_NEAR:
        whole.append(f"stained and unstained cells are hardly apart: {near:.0%} of all lie near the gate")
    else:
        for well, text in _movable(values, gate, wells).items():
            found.setdefault(well, text)
    return Doubts(tuple(whole), found)


def _movable(values: Floats, gate: Gate, wells: npt.NDArray[np.object_]) -> dict[str, str]:
    """Wells whose stained fraction hangs on where exactly the gate lies above the unstained cells."""
    found = {}
    distance = gate.threshold - gate.centre
    ends = gate.centre + distance * 10.0 ** np.array([-MOVED, 0.0, MOVED])
    for well in sorted(set(wells)):
        here = values[(wells == well) & np.isfinite(values)]
        between = [int(((here > low) & (here <= high)).sum()) for low, high in pairwise(ends)]
        if max(between) > MOST_MOVED * len(here) and max(between) >= LEAST_MOVED_CELLS:
            found[str(well)] = (
                f"more than {MOST_MOVED:.0%} of the cells lie so near the gate that a small move of it "
                "changes their state"
            )
    return found


def _elsewhere(values: Floats, gate: Gate, wells: npt.NDArray[np.object_], vehicle: Floats) -> dict[str, str]:
    """Wells whose cells below the gate lie elsewhere than the vehicle's: background, focus, dead vehicle."""
    found = {}
    levels = np.percentile(vehicle, QUANTILES)
    for well in sorted(set(wells)):
        here = values[(wells == well) & np.isfinite(values)]
        below = [float(np.mean(here < level)) for level in levels] if len(here) >= LEAST_CELLS else []
        if any(share > q / 100 + MOST_LOWER for share, q in zip(below, QUANTILES, strict=False)):
            found[str(well)] = "most cells lie lower than those of the vehicle (is it dying?)"
            continue
        lower = here[here <= gate.threshold]
        if len(lower) < max(LEAST_CELLS, LOWER_SHARE * len(here)):
            continue
        shift = (float(np.median(lower)) - gate.centre) / gate.spread
        # of few cells the median is not sure either
        if abs(shift) > MOST_SHIFT + 2 * 1.25 / np.sqrt(len(lower)):
            side = "higher" if shift > 0 else "lower"
            found[str(well)] = f"the unstained cells lie {side} than those of the vehicle"
    return found


def correlation(early: Floats, late: Floats, gates: tuple[Gate, Gate]) -> float:
    """Rank correlation of the two stains among cells below both gates; NaN for fewer than `LEAST_CELLS`.

    Parameters
    ----------
    early, late : (N,) array
        Counts of the cells in the two channels.
    """
    from scipy.stats import spearmanr

    below = (early <= gates[0].threshold) & (late <= gates[1].threshold)
    if below.sum() < LEAST_CELLS or np.ptp(early[below]) == 0 or np.ptp(late[below]) == 0:
        return float("nan")
    return float(spearmanr(early[below], late[below]).statistic)


def leak_doubt(correlation: float, spillover: float) -> str | None:
    """The doubt of stains that rise together, in unstained cells or by light that leaks."""
    if spillover > MOST_SPILLOVER:
        return f"about {spillover:.0%} of the light of one stain leaks into the other (--compensation)"
    if correlation > MOST_CORRELATION:
        return (
            f"the two stains rise together in unstained cells (rank correlation {correlation:.2f}): light of "
            "one may leak into the other (--compensation)"
        )
    return None
