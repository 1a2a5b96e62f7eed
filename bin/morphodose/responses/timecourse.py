"""When each dose begins to differ from vehicle, and whether shape changes before cells die."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from morphodose.responses.endpoints import LEAST_CELLS, kind_of, stabilised
from morphodose.responses.select import Layout, called, series, usable

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

LEVEL = 0.05
#: Wells of a dose, and of vehicle, that a comparison needs; and residual degrees of freedom.
LEAST_WELLS, LEAST_FREEDOM = 2, 3
#: Excess of dying cells over vehicle that counts as none, when shape is said to change first.
MARGIN = 0.10
DEATH_ENDPOINT = "Fraction_Dying"


@dataclass(frozen=True)
class Contrast:
    """One dose against vehicle at one timepoint, on the scale of `stabilised`.

    Attributes
    ----------
    hours, dose : float
    difference, error : float
        Of the means, and its standard error.
    freedom : int
        Degrees of freedom of the error.
    vehicle : float
        Mean of the vehicle wells on that scale.
    p : float
        Two-sided, not yet adjusted.
    """

    hours: float
    dose: float
    difference: float
    error: float
    freedom: int
    vehicle: float
    p: float


def contrasts(hours: float, doses: Floats, values: Floats) -> list[Contrast]:
    """Student's t of each dose against vehicle, with the scatter pooled over all doses.

    Parameters
    ----------
    doses, values : (W,) array
        Wells of one timepoint; dose 0 is vehicle; values on a scale where wells scatter alike.

    Returns
    -------
    list of Contrast
        Of doses with enough wells; empty where vehicle or the degrees of freedom are too few. Three wells
        alone tell little of their own scatter, so that of all doses is pooled, as in Dunnett's test (1955).
    """
    from scipy.special import stdtr

    groups = {float(dose): values[doses == dose] for dose in np.unique(doses)}
    vehicle = groups.get(0.0, np.zeros(0))
    freedom = sum(len(group) - 1 for group in groups.values())
    if len(vehicle) < LEAST_WELLS or freedom < LEAST_FREEDOM:
        return []
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups.values())
    spread = math.sqrt(squares / freedom)
    found = []
    for dose, group in groups.items():
        if dose == 0 or len(group) < LEAST_WELLS:
            continue
        difference = float(group.mean() - vehicle.mean())
        error = spread * math.sqrt(1 / len(group) + 1 / len(vehicle))
        if error > 0:
            p = 2 * float(stdtr(freedom, -abs(difference) / error))
        else:
            p = 1.0 if difference == 0 else 0.0
        found.append(Contrast(hours, dose, difference, error, freedom, float(vehicle.mean()), p))
    return found


def holm(p_values: Floats) -> Floats:
    """P values adjusted for their number, by Holm's step-down (1979)."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p)))) if len(p) else p
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def all_contrasts(mine: pd.DataFrame, endpoint: str) -> list[Contrast]:
    """Contrasts of every dose and timepoint of a compound, with P values adjusted over all of them.

    `mine` are the wells of the compound with their vehicle wells (`select.series`).
    """
    found: list[Contrast] = []
    for hours, of_time in mine.groupby("Metadata_Timepoint", sort=True):
        rows = usable(of_time, endpoint)
        doses = rows["Metadata_Dose"].to_numpy(dtype=float)
        values = rows[endpoint].to_numpy(dtype=float)
        cells = called(rows).to_numpy(dtype=float)
        found += contrasts(float(hours), doses, stabilised(endpoint, values, cells))
    adjusted = holm(np.array([each.p for each in found]))
    return [Contrast(c.hours, c.dose, c.difference, c.error, c.freedom, c.vehicle, float(p))
            for c, p in zip(found, adjusted, strict=True)]  # fmt: skip


def onset(mine: list[Contrast], factor: int = 1) -> dict[str, Any]:
    """First timepoint of one dose that differs from vehicle, after the timepoint that did not.

    Parameters
    ----------
    mine : list of Contrast
        Of one dose, in order of time, P values adjusted.
    factor : int
        Further comparisons to allow for (Bonferroni).
    """
    if not mine:
        reason = f"fewer than {LEAST_WELLS} wells of the dose or of vehicle, or too few wells in all"
        return {"State": "undetermined", "Onset_h": math.nan, "After_h": math.nan, "Direction": None,
                "P": math.nan, "Reason": reason}  # fmt: skip
    before = 0.0
    for each in mine:
        p = min(1.0, each.p * factor)
        if p < LEVEL:
            direction = "up" if each.difference > 0 else "down"
            return {"State": "changed", "Onset_h": each.hours, "After_h": before, "Direction": direction,
                    "P": p, "Reason": None}  # fmt: skip
        before = each.hours
    least = min(1.0, factor * min(each.p for each in mine))
    return {"State": "not_seen", "Onset_h": math.nan, "After_h": before, "Direction": None, "P": least,
            "Reason": f"no difference from vehicle beyond chance up to {before:g} h"}  # fmt: skip


def time_courses(
    wells: pd.DataFrame, endpoints: list[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of the tables `onsets` and `orders`.

    Notes
    -----
    Adjusted for all doses and timepoints of an endpoint (Holm); where shape is compared with death, also
    for the number of figures of shape (Bonferroni).
    """
    onsets: list[dict[str, Any]] = []
    orders: list[dict[str, Any]] = []
    shapes = [name for name in endpoints if name.startswith("MedianViable_")]
    layout = Layout(wells)
    for compound, group in layout.pairs():
        of_compound = series(wells, compound, group, layout)
        treated = of_compound[of_compound["Metadata_Role"] == "treated"]
        units = treated["Metadata_DoseUnit"].dropna()
        unit = units.iloc[0] if len(units) else None
        doses = sorted(treated["Metadata_Dose"].dropna().unique())
        found = {endpoint: all_contrasts(of_compound, endpoint) for endpoint in endpoints}
        for dose in map(float, doses):
            keys = {"Metadata_Compound": compound, "Metadata_Group": group, "Metadata_Dose": dose,
                    "Metadata_DoseUnit": unit}  # fmt: skip
            mine = {name: [c for c in every if c.dose == dose] for name, every in found.items()}
            onsets += [
                {**keys, "Endpoint": name, "Kind": kind_of(name), **onset(mine[name])} for name in endpoints
            ]
            if DEATH_ENDPOINT in endpoints and shapes:
                orders.append({**keys, **order_of(mine, shapes)})
    return onsets, orders


def order_of(mine: dict[str, list[Contrast]], shapes: list[str]) -> dict[str, Any]:
    """Whether the shape of viable cells changes before cells die, at one dose.

    ``yes`` needs more than a later P value of death: where shape is first seen to differ, the excess of
    dying cells must also be shown to be small (upper end of its 95 % interval below `MARGIN`). Without
    that, an order could come from the power of the two tests alone.
    """
    deaths = mine[DEATH_ENDPOINT]
    death = onset(deaths)
    seen = {name: onset(mine[name], len(shapes)) for name in shapes}
    changed = [
        (found["Onset_h"], found["P"], name) for name, found in seen.items() if found["State"] == "changed"
    ]
    shape_h, _, shape_name = min(changed) if changed else (math.nan, math.nan, None)
    result: dict[str, Any] = {
        "ShapeOnset_h": shape_h, "ShapeEndpoint": shape_name, "DeathOnset_h": death["Onset_h"],
        "Dying_Excess": math.nan, "Dying_ExcessLow": math.nan, "Dying_ExcessHigh": math.nan,
    }  # fmt: skip
    there = next((each for each in deaths if each.hours == shape_h), None)
    if there is not None:
        names = ("Dying_Excess", "Dying_ExcessLow", "Dying_ExcessHigh")
        result |= dict(zip(names, excess(there), strict=True))
    verdict, reason = _verdict(result, death["State"], [found["State"] for found in seen.values()])
    return {**result, "MorphologyFirst": verdict, "Reason": reason}


def _verdict(result: dict[str, Any], death: str, shapes: list[str]) -> tuple[str, str]:
    """Answer and reason of `order_of`."""
    shape_h, death_h = result["ShapeOnset_h"], result["DeathOnset_h"]
    if death == "undetermined":
        return "undetermined", "too few wells to compare with vehicle"
    if all(state == "undetermined" for state in shapes):
        return "undetermined", f"too few wells with {LEAST_CELLS} or more viable cells to judge their shape"
    if math.isnan(shape_h) and math.isnan(death_h):
        return "neither", "neither the shape of viable cells nor death differs from vehicle"
    if math.isnan(shape_h):
        return "no", f"death differs from {death_h:g} h on, the shape of viable cells at no time"
    if death_h < shape_h:
        return "no", f"death differs from {death_h:g} h on, the shape of viable cells from {shape_h:g} h on"
    if death_h == shape_h:
        return "undetermined", f"both are first seen at {shape_h:g} h; the order lies before that timepoint"
    later = "death at no time" if math.isnan(death_h) else f"death from {death_h:g} h on"
    high = result["Dying_ExcessHigh"]
    if not high < MARGIN:
        return "undetermined", (
            f"shape differs from {shape_h:g} h on, {later}; but the wells do not exclude an excess of "
            f"{MARGIN:.0%} dying cells at {shape_h:g} h"
        )
    return "yes", f"the shape of viable cells differs from {shape_h:g} h on, {later}"


def excess(contrast: Contrast, level: float = 0.95) -> tuple[float, float, float]:
    """Excess of a fraction over vehicle with its interval, from a contrast on the double arcsine scale."""
    from scipy.special import stdtrit

    reach = float(stdtrit(contrast.freedom, 0.5 + level / 2)) * contrast.error

    def fraction(angle: float) -> float:
        return math.sin(min(max(angle, 0.0), math.pi / 2)) ** 2

    base = fraction(contrast.vehicle)
    ends = (contrast.difference, contrast.difference - reach, contrast.difference + reach)
    first, low, high = (fraction(contrast.vehicle + end) - base for end in ends)
    return first, low, high
