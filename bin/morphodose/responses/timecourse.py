"""When each dose begins to differ from vehicle, and whether shape changes before staining."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from morphodose.responses.endpoints import LEAST_CELLS, kind_of, stabilised, variance_model_of
from morphodose.responses.gathering import Series, weights_of
from morphodose.responses.layout import layout_doubt
from morphodose.responses.multiple_testing import benjamini_hochberg, holm

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


def contrasts(hours: float, doses: Floats, values: Floats, weights: Floats | None = None) -> list[Contrast]:
    """Student's t of each dose against vehicle, with the scatter pooled over all doses.

    Parameters
    ----------
    doses, values : (W,) array
        Wells of one timepoint; dose 0 is vehicle; values on a scale where wells scatter alike.
    weights : (W,) array, optional
        Inverse variances up to a factor, where they do not.

    Returns
    -------
    list of Contrast
        Of doses with enough wells; empty where vehicle or the degrees of freedom are too few. Three wells
        alone tell little of their own scatter, so that of all doses is pooled, as in Dunnett's test (1955).
    """
    from scipy.special import stdtr

    w = np.ones(len(values)) if weights is None else weights
    groups = {float(dose): doses == dose for dose in np.unique(doses)}
    vehicle = groups.pop(0.0, np.zeros(len(doses), dtype=bool))
    freedom = len(doses) - len(groups) - int(vehicle.any())
    if vehicle.sum() < LEAST_WELLS or freedom < LEAST_FREEDOM:
        return []
    means = {dose: float(np.average(values[g], weights=w[g])) for dose, g in groups.items()}
    base = float(np.average(values[vehicle], weights=w[vehicle]))
    squares = float((w[vehicle] * (values[vehicle] - base) ** 2).sum())
    squares += sum(float((w[g] * (values[g] - means[dose]) ** 2).sum()) for dose, g in groups.items())
    spread = math.sqrt(squares / freedom)
    found = []
    for dose, group in groups.items():
        if group.sum() < LEAST_WELLS:
            continue
        difference = means[dose] - base
        error = spread * math.sqrt(1 / w[group].sum() + 1 / w[vehicle].sum())
        if error > 0:
            p = 2 * float(stdtr(freedom, -abs(difference) / error))
        else:
            p = 1.0 if difference == 0 else 0.0
        found.append(Contrast(hours, dose, difference, error, freedom, base, p))
    return found


def all_contrasts(mine: list[Series]) -> list[Contrast]:
    """Contrasts of every dose and timepoint of a compound's endpoint, P values adjusted over them (Holm)."""
    found: list[Contrast] = []
    for one in sorted(mine, key=lambda each: each.keys["Metadata_Timepoint"]):
        weights = weights_of(one) if variance_model_of(one.endpoint) is None else None
        scale = stabilised(one.endpoint, one.values, one.cells)
        found += contrasts(one.keys["Metadata_Timepoint"], one.doses, scale, weights)
    changed = holm(np.array([each.p for each in found]))
    return [replace(each, p=float(p)) for each, p in zip(found, changed, strict=True)]


def selected(p_values: Floats) -> tuple[float, int]:
    """How much stricter each of many endpoints of compounds is to be read, so that few are wrong.

    Benjamini and Bogomolov (2014, J. R. Stat. Soc. B 76:297): an endpoint of a compound is looked into if the
    false discovery rate of its least adjusted P value is at most `LEVEL`; within it the level is `LEVEL`
    times the share that is looked into.

    Returns
    -------
    factor : float
        Number of endpoints over the number looked into, 1 or more.
    count : int
        Number looked into.
    """
    p = p_values[np.isfinite(p_values)]
    count = int((benjamini_hochberg(p) <= LEVEL).sum())
    return len(p) / max(count, 1), count


def onset(mine: list[Contrast], factor: float = 1.0) -> dict[str, Any]:
    """First timepoint of one dose that differs from vehicle, after the timepoint that did not.

    Parameters
    ----------
    mine : list of Contrast
        Of one dose, in order of time, P values adjusted.
    factor : float
        Further comparisons to allow for.
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
    everything: list[Series], endpoints: list[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of the tables `onsets` and `orders`.

    Parameters
    ----------
    everything : list of Series
        Of every compound, group, timepoint and endpoint (`gathering.gather`).
    endpoints : list of str
        Endpoints in the order of the rows.

    Notes
    -----
    Adjusted for all doses and timepoints of an endpoint (Holm), and for the number of compounds and endpoints
    by a false discovery rate (`selected`); where shape is compared with death, also for the number of figures
    of shape (Bonferroni).
    """
    families: dict[tuple[str, str], dict[str, list[Series]]] = {}
    for one in everything:
        key = one.keys["Metadata_Compound"], one.keys["Metadata_Group"]
        families.setdefault(key, {}).setdefault(one.endpoint, []).append(one)
    found = {
        key: {name: all_contrasts(of_name.get(name, [])) for name in endpoints}
        for key, of_name in families.items()
    }
    least = [
        min((c.p for c in every), default=math.nan) for each in found.values() for every in each.values()
    ]
    factor, _ = selected(np.array(least, dtype=float))
    shapes = [name for name in endpoints if name.startswith("MedianViable_")]
    onsets: list[dict[str, Any]] = []
    orders: list[dict[str, Any]] = []
    for (compound, group), of_name in sorted(families.items()):
        units = [one.keys["Metadata_DoseUnit"] for each in of_name.values() for one in each]
        unit = next((each for each in units if each), None)
        doses = {float(dose) for each in of_name.values() for one in each for dose in one.doses if dose > 0}
        doubts = (layout_doubt(one, None) for each in of_name.values() for one in each)
        layout = next(filter(None, doubts), None)
        for dose in sorted(doses):
            keys = {"Metadata_Compound": compound, "Metadata_Group": group, "Metadata_Dose": dose,
                    "Metadata_DoseUnit": unit}  # fmt: skip
            mine = {
                name: [c for c in every if c.dose == dose] for name, every in found[compound, group].items()
            }
            onsets += [
                {
                    **keys,
                    "Endpoint": name,
                    "Kind": kind_of(name),
                    **onset(mine[name], factor),
                    "Layout": layout,
                }
                for name in endpoints
            ]
            if DEATH_ENDPOINT in endpoints and shapes:
                order = {**keys, **order_of(mine, shapes, factor), "Layout": layout}
                if layout and order["MorphologyFirst"] == "yes":
                    order["Reason"] += f"; but dose and place cannot be told apart: {layout}"
                orders.append(order)
    return onsets, orders


def order_of(mine: dict[str, list[Contrast]], shapes: list[str], factor: float = 1.0) -> dict[str, Any]:
    """Whether the shape of viable cells changes before cells take up a death stain, at one dose.

    ``yes`` needs more than a later P value of death: where shape is first seen to differ, the excess of
    dying cells must also be shown to be small (upper end of its 95 % interval below `MARGIN`). Without
    that, an order could come from the power of the two tests alone.
    """
    deaths = mine[DEATH_ENDPOINT]
    death = onset(deaths, factor)
    seen = {name: onset(mine[name], factor * len(shapes)) for name in shapes}
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
        return "neither", "neither the shape of viable cells nor staining differs from vehicle"
    if math.isnan(shape_h):
        return "no", f"staining differs from {death_h:g} h on, the shape of viable cells at no time"
    if death_h < shape_h:
        return (
            "no",
            f"staining differs from {death_h:g} h on, the shape of viable cells from {shape_h:g} h on",
        )
    if death_h == shape_h:
        return "undetermined", f"both are first seen at {shape_h:g} h; the order lies before that timepoint"
    later = "staining at no time" if math.isnan(death_h) else f"staining from {death_h:g} h on"
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
