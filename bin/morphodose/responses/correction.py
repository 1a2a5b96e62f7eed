"""Values of wells less what their place on the plate does, as the vehicle wells tell it. Only on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from morphodose.errors import ParameterError
from morphodose.responses.endpoints import variance_model_of
from morphodose.responses.positions import SPARE_WELLS, TERMS, places_of
from morphodose.responses.select import Layout, usable
from morphodose.responses.variance_models import BINOMIAL

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

NONE = "none"
#: A correction that scatters more than wells do, in units of their variance, is not made.
MOST_LEVERAGE = 1.0
#: (plate, timepoint, endpoint) → why its values were not corrected, "" where they were.
Said = dict[tuple[str, float, str], str]


def parse_terms(text: str) -> tuple[str, ...]:
    """``row,column,edge`` as a tuple in the order of `TERMS`; ``none`` is empty.

    Raises
    ------
    ParameterError
        If it names something else.
    """
    given = [part.strip() for part in text.split(",") if part.strip() not in ("", NONE)]
    for part in given:
        if part not in TERMS:
            fix = f"give some of {', '.join(TERMS)}, separated by commas, or {NONE}"
            raise ParameterError("--correct_positions", part, "is not a term of the place", fix)
    return tuple(term for term in TERMS if term in given)


def correct(wells: pd.DataFrame, endpoints: list[str], terms: tuple[str, ...]) -> tuple[pd.DataFrame, Said]:
    """Wells with endpoints corrected for their place, and on which plates and at which times that was done.

    Notes
    -----
    For each plate, timepoint, group and endpoint a plane over rows and columns, and a step at the edge (the
    `terms` asked for), are fitted to the vehicle wells alone by least squares: what treated wells do is not
    taken for the place. Each well is then shifted, or divided where all values of an endpoint that is no
    fraction are above 0, by what the place does less its mean over the vehicle wells; fractions stay in 0 to
    1. Where the vehicle wells cannot tell all terms, or are fewer than the terms and `SPARE_WELLS` more,
    or so far from other wells that a correction would scatter more than these, nothing is corrected.
    """
    if not terms:
        return wells, {}
    wells = wells.copy()
    roles = wells["Metadata_Role"].to_numpy(dtype=object)
    said: Said = {}
    places = places_of(wells["Metadata_Well"].to_numpy())
    known = np.isfinite(places).all(axis=1)
    low, high = (end(places[known], axis=0) if known.any() else np.zeros(2) for end in (np.min, np.max))
    edge = ((places == low) | (places == high)).any(axis=1).astype(float)
    columns = np.column_stack([places, edge])[:, [TERMS.index(term) for term in terms]]
    by = [wells["Metadata_Plate"].astype(str), wells["Metadata_Timepoint"]]
    for endpoint in endpoints:
        raw = wells[endpoint].to_numpy(dtype=float)
        values = raw.copy()
        used = np.zeros(len(wells), dtype=bool)
        used[wells.index.get_indexer(usable(wells, endpoint).index)] = True
        for (plate, hours), at in wells.groupby(by, sort=True).indices.items():
            kinds = []
            for kind in Layout(wells.iloc[at]).kinds():
                mine, vehicle = at[kind.wells], at[kind.vehicle]
                if not np.isin(roles[mine], ("vehicle", "treated", "positive")).any():
                    continue  # empty wells
                vehicle = vehicle[used[vehicle] & known[vehicle]]
                why = "the name of a well is not a position"
                if known[mine].all():
                    judged = mine[np.isin(roles[mine], ("vehicle", "treated", "positive"))]
                    why = _untold(columns[vehicle], columns[judged])
                    if not why and "edge" in terms:
                        why = _other_edges(places[vehicle], places[judged], low, high)
                kinds.append((mine, vehicle, why + (f" of {kind.name}" if why and kind.name else "")))
            # all of a plate or nothing: wells that are compared are treated alike
            reasons = list(dict.fromkeys(why for _, _, why in kinds if why))
            said[str(plate), float(hours), endpoint] = "; ".join(reasons)
            for mine, vehicle, _ in kinds if not reasons else ():
                values[mine] = _moved(endpoint, values[mine], columns[mine], raw[vehicle], columns[vehicle])
        wells[endpoint] = values
    return wells, said


def _untold(terms: Floats, at: Floats) -> str:
    """Why vehicle wells at `terms` do not tell what the place does to wells `at`, or ""."""
    count = terms.shape[1]
    if len(terms) < count + 1 + SPARE_WELLS:
        return f"{len(terms)} vehicle wells; {count + 1 + SPARE_WELLS} are needed"
    whole = np.column_stack([np.ones(len(terms)), terms])
    if np.linalg.matrix_rank(whole) < count + 1:
        return "the vehicle wells stand so that they do not tell it"
    there = np.column_stack([np.ones(len(at)), at])
    # variance of the correction of a well over that of a vehicle well
    leverage = ((there @ np.linalg.inv(whole.T @ whole)) * there).sum(axis=1)
    return "" if leverage.max() <= MOST_LEVERAGE else "the vehicle wells stand too far from others to tell it"


def _other_edges(vehicle: Floats, at: Floats, low: Floats, high: Floats) -> str:
    """Why the vehicle wells on the edge do not stand for the edge where others are, or ""."""
    for axis, name in enumerate(("rows", "columns")):
        outer = [low[axis], high[axis]]
        if np.isin(at[:, axis], outer).any() and not np.isin(vehicle[:, axis], outer).any():
            return f"no vehicle well stands in the outer {name}"
    return ""


def _moved(endpoint: str, values: Floats, at: Floats, vehicle: Floats, vehicle_at: Floats) -> Floats:
    """Values of wells less the effect of their place."""
    fraction = variance_model_of(endpoint) is BINOMIAL or endpoint == "Fraction_Lost"
    there = np.isfinite(values)
    ratio = not fraction and bool((values[there] > 0).all())
    y = np.log(vehicle) if ratio else vehicle
    centre = vehicle_at.mean(axis=0)
    slopes = np.linalg.lstsq(vehicle_at - centre, y - y.mean(), rcond=None)[0]
    effect = (at - centre) @ slopes
    found = values * np.exp(-effect) if ratio else values - effect
    return np.clip(found, 0, 1) if variance_model_of(endpoint) is BINOMIAL else found


def note_of(said: Said, plates: set[str], hours: float, endpoint: str, terms: tuple[str, ...]) -> str:
    """What was done to the values of a curve, in a sentence; "" where no correction was asked for."""
    if not terms:
        return ""
    mine = {plate: said.get((plate, hours, endpoint), "") for plate in sorted(plates)}
    faults = [f"{plate} ({why})" for plate, why in mine.items() if why]
    names = ", ".join(terms)
    if not faults:
        return f"corrected for {names} by the vehicle wells"
    return f"not corrected for {names} on plate {', '.join(faults)}" + (
        "; corrected on the others" if len(faults) < len(mine) else ""
    )
