"""Tables of wells with a known truth: curves, layouts of plates, what the place does, and time courses."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
import pandas as pd

DOSES = np.geomspace(0.04, 30, 7)
REPLICATES, VEHICLE = 3, 4

#: Situation of a curve → whether there is an effect.
CURVES = {
    "fractions": True, "constant scatter": True, "proportional scatter": True,
    "counts, negative binomial": True, "medians of 8 to 300 cells": True, "plates at other levels": True,
    "EC50s of replicates differ (SD 0.3)": True, "fractions, EC50s of replicates differ (SD 0.3)": True,
    "an outlying well": True, "an outlying vehicle well": True, "the effect falls back at the top": True,
    "random places, outer wells differ": True, "random places, gradient": True,
    "inactive, fractions": False, "inactive, fractions of 8 to 13 cells at two doses": False,
    "inactive, 8 to 13 cells at two doses": False, "inactive, an outlying well": False,
    "inactive, counts": False,
}  # fmt: skip

#: How wells are laid out on plates of 96; see `plates`.
LAYOUTS = (
    "all at random, anew on each plate", "all at random, alike on all plates",
    "random inside, vehicle in columns 1 and 12", "random inside alike, vehicle in columns 1 and 12",
    "random inside, vehicle in column 1", "random inside, vehicle on the edge",
    "random inside, vehicle in columns 2 and 11",
    "one row per compound in random order, vehicle in columns 1 and 12",
    "one row per compound in random order, vehicle in columns 6 and 7",
    "doses along columns, vehicle in columns 1 and 12", "doses down rows, vehicle in columns 1 and 2",
    "doses along columns, turned on plate 2", "doses there and back, vehicle in columns 1 and 12",
)  # fmt: skip
#: What a place adds to a value whose scatter is 0.08.
PLACES = (
    "nothing", "outer wells -0.15", "gradient along columns 0.2", "gradient along rows 0.2",
    "outer wells and both gradients", "columns 1 and 12 alone +0.15",
)  # fmt: skip


def curve(situation: str, name: str, rng: np.random.Generator) -> tuple[pd.DataFrame, float, float]:
    """Wells of one compound on three plates of its own, and its EC50 (NaN without an effect).

    The last is the geometric mean of the EC50s that the three replicates really have: what an estimate from
    their wells can know at best.
    """
    active = CURVES[situation]
    ec50, hill = float(np.exp(rng.normal(0, 0.5))), float(rng.uniform(1.0, 2.5))
    rows, shifts = [], []
    for replicate in range(REPLICATES):
        shift = 10 ** rng.normal(0, 0.3) if "differ (SD" in situation else 1.0
        shifts.append(math.log(shift))
        level = (1.0, 1.5, 0.8)[replicate] if "levels" in situation else 1.0
        doses = np.concatenate([np.zeros(VEHICLE), DOSES])
        places = rng.permutation(96)[: len(doses)]
        for at, dose in zip(places, doses, strict=True):
            share = 1 / (1 + (ec50 * shift / dose) ** hill) if active and dose else 0.0
            if "falls back" in situation and dose == DOSES[-1]:
                share *= 0.4
            letter, column = divmod(int(at), 12)
            outer = letter in (0, 7) or column in (0, 11)
            value, cells = 1 + share, int(rng.integers(200, 400))
            value += 0.03 * column * ("gradient" in situation) - 0.15 * (outer and "outer" in situation)
            value *= level * (1 + rng.normal(0, 0.08)) if "proportional" in situation else level
            value += rng.normal(0, 0.08) * level
            few = "cells at two doses" in situation and dose > 5
            if few:
                cells = int(rng.integers(8, 14))
            if "medians" in situation:
                cells = max(int(300 * (1 - 0.97 * share)), 8)
            if "cells" in situation and "fractions" not in situation:
                value = 1 + share + rng.normal(0, math.hypot(0.03, 1.25 * 0.3 / math.sqrt(cells)))
            if "fractions" in situation:
                p = 0.05 + 0.85 * share
                value = rng.binomial(cells, rng.beta(150 * p, 150 * (1 - p))) / cells
            if "counts" in situation:
                mean = 300 * (1 - 0.9 * share)
                value = rng.negative_binomial(40, 40 / (40 + mean)) / 300
            rows.append(
                {"Metadata_Plate": f"{name}-{replicate}", "Metadata_Replicate": str(replicate),
                 "Metadata_Timepoint": 24.0, "Metadata_Well": f"{chr(65 + letter)}{column + 1:02d}",
                 "Metadata_Compound": name if dose else "DMSO", "Metadata_Dose": dose,
                 "Metadata_DoseUnit": "uM", "Metadata_Role": "treated" if dose else "vehicle",
                 "Count_Cells": cells, "Value": value}
            )  # fmt: skip
    table = pd.DataFrame(rows)
    if "outlying" in situation:
        chosen = table.index[table["Metadata_Role"] == "vehicle"] if "vehicle" in situation else table.index
        table.loc[rng.choice(chosen), "Value"] += 0.8
    truth = ec50 if active else math.nan
    return table, truth, truth * math.exp(float(np.mean(shifts)))


def endpoint_of(situation: str) -> str:
    """Name of the endpoint that stands for the values of a situation."""
    if "fractions" in situation:
        return "Fraction_Dying"
    return "Relative_CellCount" if "counts" in situation else "Endpoint_X"


def plates(
    layout: str, place: str, rng: np.random.Generator, batches: int = 5, fraction: bool = False
) -> pd.DataFrame:
    """Inactive compounds in a layout of `LAYOUTS`, on three plates a batch, with one of `PLACES`.

    Up to eight compounds per batch, 8 to 10 doses, one well per plate; vehicle in the wells that the layout
    names. A fraction is that of 300 cells around 0.3, its logit moved by four times what the place adds.
    """
    rows = []
    for batch in range(batches):
        first: dict[tuple[int, int], tuple[int, int]] = {}
        for replicate in range(REPLICATES):
            wells = first if "alike" in layout and first else _places(layout, replicate, rng)
            first = first or wells
            for (letter, column), (compound, dose) in wells.items():
                value = 1 + _added(place, letter, column) + rng.normal(0, 0.08)
                if fraction:
                    p = 1 / (1 + math.exp(0.85 - 4 * (value - 1)))
                    value = rng.binomial(300, p) / 300
                rows.append(
                    {"Metadata_Plate": f"B{batch}-{replicate}", "Metadata_Replicate": str(replicate),
                     "Metadata_Timepoint": 24.0, "Metadata_Well": f"{chr(65 + letter)}{column + 1:02d}",
                     "Metadata_Compound": f"B{batch}C{compound}" if dose else "DMSO",
                     "Metadata_Dose": 0.03 * 3.0 ** (dose - 1) if dose else 0.0, "Metadata_DoseUnit": "uM",
                     "Metadata_Role": "treated" if dose else "vehicle", "Count_Cells": 300, "Value": value}
                )  # fmt: skip
    return pd.DataFrame(rows)


def _places(layout: str, replicate: int, rng: np.random.Generator) -> dict[tuple[int, int], tuple[int, int]]:
    """(row, column) → (compound, number of the dose from 1; 0: vehicle)."""
    every = list(itertools.product(range(8), range(12)))
    conditions = list(itertools.product(range(8), range(1, 11)))
    if layout.startswith("all at random"):
        order = rng.permutation(96)
        return {every[at]: to for at, to in zip(order, [*conditions, *[(0, 0)] * 16], strict=True)}
    if "rows, vehicle" in layout:
        return {(r, c): (c - 2, r + 1) if c > 1 else (0, 0) for r, c in every}
    if "edge" in layout:
        ring = [at for at in every if at[0] in (0, 7) or at[1] in (0, 11)]
        inside = [at for at in every if at not in ring]
        found = {ring[at]: (0, 0) for at in rng.permutation(len(ring))[:16]}
        treated = [condition for condition in conditions if condition[0] < 6]
        return found | {inside[at]: to for at, to in zip(rng.permutation(60), treated, strict=True)}
    columns = {"columns 2 and 11": (1, 10), "columns 6 and 7": (5, 6), "in column 1": (0,)}
    of_vehicle = next((each for name, each in columns.items() if name in layout), (0, 11))
    found = {at: (0, 0) for at in every if at[1] in of_vehicle}
    free = [at for at in every if at not in found]
    if "random inside" in layout:
        order = rng.permutation(len(free))[: len(conditions)]
        return found | {free[at]: to for at, to in zip(order, conditions, strict=True)}
    for row in range(8):
        order = np.arange(10)
        if "random order" in layout:
            order = rng.permutation(10)
        if "turned" in layout and replicate == 1:
            order = order[::-1]
        if "there and back" in layout:
            order = np.array([0, 9, 1, 8, 2, 7, 3, 6, 4, 5])
        columns_left = [c for c in range(12) if c not in of_vehicle]
        found |= {(row, columns_left[at]): (row, dose + 1) for dose, at in enumerate(order)}
    return found


def _added(place: str, letter: int, column: int) -> float:
    """What the place adds to a value."""
    outer = letter in (0, 7) or column in (0, 11)
    both = "both" in place
    return (
        -0.15 * (outer and "outer" in place)
        + 0.2 / 11 * column * ("along columns" in place or both)
        + 0.2 / 7 * letter * ("along rows" in place or both)
        + 0.15 * (column in (0, 11) and "alone" in place)
    )


def courses(rng: np.random.Generator, compounds: int = 40, active: int = 0) -> tuple[pd.DataFrame, list[str]]:
    """A screen over four times and five endpoints without any effect but that of some compounds; endpoints.

    Active compounds die from 24 h on, at the three highest doses.
    """
    shapes = ["MedianViable_Cells_AreaShape_Area", "MedianViable_Cells_AreaShape_FormFactor"]
    shapes += ["MedianViable_Nuclei_AreaShape_Area"]
    rows = []
    drugs: npt.NDArray[np.int_] = np.arange(compounds)
    for hours, replicate in itertools.product((4.0, 24.0, 48.0, 72.0), range(REPLICATES)):
        wells = [("DMSO", 0.0)] * 12 + [(f"C{drug:03d}", dose) for drug in drugs for dose in DOSES]
        for number, (compound, dose) in enumerate(wells):
            cells = int(rng.poisson(250))
            dies = dose > 2 and hours >= 24 and compound < f"C{active:03d}" and compound != "DMSO"
            p = 0.6 if dies else 0.06
            dying = rng.binomial(cells, rng.beta(150 * p, 150 * (1 - p))) / cells
            row = {"Metadata_Plate": f"P{replicate}", "Metadata_Replicate": str(replicate),
                   "Metadata_Timepoint": hours, "Metadata_Well": f"W{number}", "Metadata_Compound": compound,
                   "Metadata_Dose": dose, "Metadata_DoseUnit": "uM",
                   "Metadata_Role": "treated" if dose else "vehicle", "Count_Cells": cells,
                   "Fraction_Viable": 1 - dying, "Fraction_Dying": dying,
                   "Relative_CellCount": cells / 250}  # fmt: skip
            scatter = math.hypot(0.03, 0.4 / math.sqrt(max(cells * (1 - dying), 1)))
            rows.append({**row, **{name: 1 + rng.normal(0, scatter) for name in shapes}})
    return pd.DataFrame(rows), ["Fraction_Dying", "Relative_CellCount", *shapes]
