"""Whether the layout, and what the place of a well does, can be taken for an effect of the dose."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from morphodose.responses.dose_effect import effect_p
from morphodose.responses.endpoints import stabilised
from morphodose.responses.gathering import Series
from morphodose.responses.positions import SPARE_WELLS, TERMS, places_of

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.object_]

#: Share of the variance of the doses' order that rows and columns may explain, over all plates, and over
#: all plates where they explain more than that on each; wells needed to say so.
CONFOUNDED_R2, PARTLY_R2, LEAST_TREATED = 0.5, 0.05, 6
#: Treated wells a term that lines with a bend need.
WELLS_A_TERM = 5
#: Share of the treated wells on the edge up to which vehicle wells that all stand there are another place.
MOST_EDGE = 0.5
#: P value from which places are said to matter, or to explain an effect; share of an effect they may make up.
PLACE_P, PLACE_SHARE = 0.05, 1 / 3


def layout_doubt(one: Series, seed: int | None = 1) -> str:
    """Why dose and place cannot be told apart in the wells of a curve, or "".

    Parameters
    ----------
    one : Series
    seed : int, optional
        Of the tests with the values; None, where there is no effect to explain, leaves them out.

    Notes
    -----
    Of the design alone: the doses run along rows or columns; the vehicle wells stand apart from the treated
    ones, on one side, in one line, or at the edge. Of the values, where an effect is seen:

    - Row, column and edge move the vehicle wells (F test, plates taken apart), and by that the doses' means
      by `PLACE_SHARE` of the effect or more.
    - The vehicle wells have lines of their own, and among the treated wells the dose has no effect.
    - Plates have the same layout, so that replicates do not tell what a place does, and with each place
      counted once there is no effect beyond chance.

    Wells whose names are not positions, or are all the same, say nothing.
    """
    places = places_of(one.wells)
    if not np.isfinite(places).all() or len(np.unique(places, axis=0)) < LEAST_TREATED:
        return ""
    edge = ((places == places.min(axis=0)) | (places == places.max(axis=0))).any(axis=1)
    design = _along(places, one.doses, one.blocks) or _apart(places, one.doses > 0, edge)
    if design or seed is None:
        return design
    values = stabilised(one.endpoint, one.values, one.cells)
    return (
        _moved(np.column_stack([places, edge]), one.doses, one.blocks, values)
        or _among_treated(places, one, values, seed)
        or _alike(one, values, seed)
    )


def vehicle_doubt(treated: npt.ArrayLike, vehicle: npt.ArrayLike) -> str:
    """Why a difference between treated and vehicle wells of a plate may be that of their places, or "".

    Parameters
    ----------
    treated, vehicle : (N,), (M,) array of str
        Names of the wells; names that are not places say nothing.
    """
    both = [np.unique(np.asarray(names, dtype=str)) for names in (treated, vehicle)]
    places = places_of(np.concatenate(both))
    if not np.isfinite(places).all() or min(map(len, both)) < 1 or len(places) < LEAST_TREATED:
        return ""
    edge = ((places == places.min(axis=0)) | (places == places.max(axis=0))).any(axis=1)
    return _apart(places, np.arange(len(places)) < len(both[0]), edge)


def _along(places: Floats, doses: Floats, blocks: Names) -> str:
    """Whether the doses run along the rows or columns."""
    treated = doses > 0
    order = np.unique(doses[treated], return_inverse=True)[1].astype(float)
    if treated.sum() < LEAST_TREATED or len(np.unique(order)) < 3:
        return ""
    x, of = places[treated], blocks[treated]
    pooled = _adjusted_r2(x, order, np.zeros(len(order)))
    # on each plate in a direction of its own, and not so that the directions cancel
    single = _adjusted_r2(x, order, of) if len(np.unique(of)) > 1 else pooled
    if pooled > CONFOUNDED_R2 or (single > CONFOUNDED_R2 and pooled > PARTLY_R2):
        return "the doses run along the rows or columns of the plate"
    bent = np.column_stack([x, (x - x.mean(axis=0)) ** 2])
    if len(np.unique(x, axis=0)) >= WELLS_A_TERM * bent.shape[1] and (
        _adjusted_r2(bent, order, np.zeros(len(order))) > CONFOUNDED_R2
    ):
        return "the doses run between the middle and the sides of the plate"
    return ""


def _adjusted_r2(terms: Floats, y: Floats, blocks: npt.NDArray[np.generic]) -> float:
    """Adjusted share of the variance of `y` that lines over the terms explain, of each block on its own."""
    left, total, freedom = 0.0, float(((y - y.mean()) ** 2).sum()), len(y)
    for block in np.unique(blocks):
        mine = blocks == block
        x = np.column_stack([np.ones(int(mine.sum())), terms[mine]])
        found, _, rank, _ = np.linalg.lstsq(x, y[mine], rcond=None)
        left += float(((y[mine] - x @ found) ** 2).sum())
        freedom -= int(rank)
    if total <= 0 or freedom < 1:
        return 0.0
    return 1 - (left / freedom) / (total / (len(y) - 1))


def _apart(places: Floats, treated: npt.NDArray[np.bool_], edge: npt.NDArray[np.bool_]) -> str:
    """Whether the vehicle wells stand where no treated ones do."""
    vehicle = ~treated
    if not vehicle.any() or not treated.any():
        return ""
    for axis, name in enumerate(("row", "column")):
        lines = np.unique(places[vehicle, axis])
        low, high = places[treated, axis].min(), places[treated, axis].max()
        if np.isin(places[treated, axis], lines).any():
            continue
        if len(lines) == 1:
            return f"all vehicle wells stand in one {name}, without treated wells"
        if (lines < low).all() or (lines > high).all():
            return f"all vehicle wells stand on one side of the treated wells, by {name}s"
        if len(lines) == 2 and lines[0] < low and lines[1] > high:
            return f"all vehicle wells stand in two {name}s, on either side of all treated wells"
    if edge[vehicle].all() and edge[treated].mean() < MOST_EDGE:
        return "all vehicle wells stand on the edge of the plate, most treated wells do not"
    return ""


def _moved(terms: Floats, doses: Floats, blocks: Names, values: Floats) -> str:
    """Whether the place moves the vehicle wells, and so the treated ones by much of their effect."""
    from scipy.special import fdtrc

    vehicle = doses == 0
    kept = np.isin(blocks, blocks[vehicle])
    x, y = terms[kept].astype(float), values[kept].astype(float)
    doses, blocks, vehicle = doses[kept], blocks[kept], vehicle[kept]
    names = np.unique(blocks)
    for name in names:
        mine = blocks == name
        x[mine] -= x[mine & vehicle].mean(axis=0)
        y[mine] -= y[mine & vehicle].mean()
    slopes, _, rank, _ = np.linalg.lstsq(x[vehicle], y[vehicle], rcond=None)
    freedom = int(vehicle.sum()) - len(names) - int(rank)
    if rank == 0 or freedom < SPARE_WELLS:
        return ""
    left, total = float(((y - x @ slopes)[vehicle] ** 2).sum()), float((y[vehicle] ** 2).sum())
    if left <= 0:
        return ""
    p = float(fdtrc(int(rank), freedom, (total - left) / rank / (left / freedom)))
    moved = x @ slopes
    tested = np.unique(doses)
    by_place, in_all = (np.ptp([float(each[doses == dose].mean()) for dose in tested]) for each in (moved, y))
    if p >= PLACE_P or by_place < PLACE_SHARE * in_all:
        return ""
    share = f"{by_place / in_all:.0%} of" if by_place < in_all else "as much as"
    return (
        f"{', '.join(TERMS[:-1])} and {TERMS[-1]} move the vehicle wells (P {p:.1g}), and by that "
        f"the means of the doses by {share} the effect"
    )


def _among_treated(places: Floats, one: Series, values: Floats, seed: int) -> str:
    """Whether the effect is but a difference from vehicle wells that stand in lines of their own."""
    treated = one.doses > 0
    own = [
        name
        for axis, name in enumerate(("rows", "columns"))
        if not np.isin(places[treated, axis], places[~treated, axis]).any()
    ]
    if not own or treated.all():
        return ""
    p = effect_p(one.doses[treated], values[treated], one.blocks[treated], seed=seed)
    if p <= PLACE_P:
        return ""
    return (
        f"the vehicle wells stand in {own[0]} of their own, and among the treated wells alone the dose has "
        f"no effect beyond chance (P {p:.2g})"
    )


def _alike(one: Series, values: Floats, seed: int) -> str:
    """Whether the effect is beyond chance where plates of the same layout are counted once."""
    names = list(dict.fromkeys(one.blocks))
    layouts: dict[str, dict[str, float]] = {}
    for name in names:
        mine = (one.blocks == name) & (one.doses > 0)
        layouts[name] = dict(zip(one.wells[mine], one.doses[mine], strict=True))
    classes: list[list[str]] = []
    for name in names:
        for members in classes:
            if _same_layout(layouts[members[0]], layouts[name]):
                members.append(name)
                break
        else:
            classes.append([name])
    if len(classes) == len(names):
        return ""
    doses, means, of, cells = [], [], [], []
    for number, members in enumerate(classes):
        mine = np.isin(one.blocks, members)
        centred = values.astype(float)
        for member in members:
            at = one.blocks == member
            centred[at] -= centred[at].mean()
        for well in np.unique(one.wells[mine].astype(str)):
            here = mine & (one.wells == well)
            doses.append(float(one.doses[here][0]))
            means.append(float(centred[here].mean()))
            cells.append(int(here.sum()))
            of.append(number)
    weights = np.array(cells, dtype=float)
    p = effect_p(np.array(doses), np.array(means), np.array(of), seed=seed, weights=weights)
    if p <= PLACE_P or not math.isfinite(p):
        return ""
    return (
        f"{len(names)} plates have {len(classes)} layout{'s' if len(classes) > 1 else ''}; with each place "
        f"counted once the effect is not beyond chance (P {p:.2g})"
    )


def _same_layout(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether treated wells have the same doses on two plates; half of the wells of one may be missing."""
    shared = one.keys() & other.keys()
    return 2 * len(shared) >= max(min(len(one), len(other)), 1) and all(
        one[well] == other[well] for well in shared
    )
