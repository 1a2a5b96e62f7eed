"""Curves of known truth: coverage and error of EC50s, and how often inactive compounds are believed.

    benchmarks/response_truth.py --curves 40

Wells are simulated here, not by the package: beta-binomial fractions, values with constant or proportional
scatter, medians of few cells, plates at different levels, EC50s that differ between replicates, outlying
wells, and places on the plate that move the values.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

import click
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bin"))

from morphodose.responses.fit import respond
from morphodose.responses.gathering import gather
from morphodose.responses.select import check_wells

DOSES = np.geomspace(0.04, 30, 7)
REPLICATES, VEHICLE = 3, 4
#: Situation → whether there is an effect.
SITUATIONS = {
    "fractions": True, "constant scatter": True, "proportional scatter": True, "plates at other levels": True,
    "EC50 of replicates differ (SD 0.3)": True, "an outlying well": True, "inactive, fractions": False,
    "inactive, 8 to 13 cells at two doses": False, "inactive, vehicle in one outer column": False,
    "inactive, gradient along the columns": False, "inactive, random places": False,
}  # fmt: skip


def curve(situation: str, name: str, rng: np.random.Generator) -> tuple[pd.DataFrame, float]:
    """Wells of one compound, and the EC50 that was put in (NaN without an effect)."""
    active = SITUATIONS[situation]
    ec50 = float(np.exp(rng.normal(math.log(1.0), 0.5)))
    hill = float(rng.uniform(1.0, 2.5))
    rows = []
    for replicate in range(REPLICATES):
        shift = 10 ** rng.normal(0, 0.3) if "differ" in situation else 1.0
        level = (1.0, 1.5, 0.8)[replicate] if "levels" in situation else 1.0
        doses = np.concatenate([np.zeros(VEHICLE), DOSES])
        order = np.arange(len(doses))
        if "random" in situation:
            order = rng.permutation(order)
        for place, dose in zip(order, doses, strict=True):
            share = 1 / (1 + (ec50 * shift / dose) ** hill) if active and dose else 0.0
            letter, column = "BCD"[replicate], place + 2
            if "one outer column" in situation and dose == 0:
                letter, column = "ABCDEFGHIJKL"[4 * replicate + place], 1
            value, cells = 1 + share, 300
            outer = -0.15 if column == 1 else 0.0
            value += outer * ("column" in situation) + 0.02 * column * ("gradient" in situation)
            value *= level * (1 + rng.normal(0, 0.08)) if "proportional" in situation else level
            value += rng.normal(0, 0.08) * level
            if "cells at two doses" in situation:
                cells = int(rng.integers(8, 14)) if dose > 5 else 300
                value = 1 + rng.normal(0, math.hypot(0.03, 1.25 * 0.3 / math.sqrt(cells)))
            if "fractions" in situation:
                p = 0.05 + 0.85 * share
                value = rng.binomial(cells, rng.beta(150 * p, 150 * (1 - p))) / cells
            rows.append(
                {"Metadata_Plate": f"P{replicate}", "Metadata_Replicate": "1", "Metadata_Timepoint": 24.0,
                 "Metadata_Well": f"{letter}{column:02d}", "Metadata_Compound": name, "Metadata_Dose": dose,
                 "Metadata_DoseUnit": "uM", "Metadata_Role": "treated" if dose else "vehicle",
                 "Count_Cells": cells, "Value": value}
            )  # fmt: skip
    table = pd.DataFrame(rows)
    if "outlying" in situation:
        table.loc[int(rng.integers(len(table))), "Value"] += 0.8
    return table, ec50 if active else math.nan


def judge(situation: str, curves: int, seed: int = 1) -> dict[str, float | str]:
    """Coverage, error, refusals and cost of a situation."""
    rng = np.random.default_rng(seed)
    made = [curve(situation, f"C{number:04d}", rng) for number in range(curves)]
    endpoint = "Fraction_Dying" if "fractions" in situation else "Endpoint_X"
    # one screen: the vehicle wells of each compound bear its name
    wells = pd.concat([table for table, _ in made], ignore_index=True).rename(columns={"Value": endpoint})
    began = time.process_time()
    rows = {
        row["Metadata_Compound"]: row
        for row in respond(gather(check_wells(wells, "simulated"), [endpoint]))[0]
    }
    cost = (time.process_time() - began) / curves
    found = [(rows[f"C{number:04d}"], truth) for number, (_, truth) in enumerate(made)]
    fitted = [(row, truth) for row, truth in found if row["State"] in ("fitted", "imprecise")]
    believed = [row for row, _ in found if row["State"] != "refused" and not row["Layout"]]
    inside = [row["EC50_Low"] <= truth <= row["EC50_High"] for row, truth in fitted]
    errors = [abs(math.log10(row["EC50"] / truth)) for row, truth in fitted]
    active = SITUATIONS[situation]
    return {
        "Situation": situation,
        "Curves": curves,
        "With EC50": len(fitted),
        "Coverage": float(np.mean(inside)) if active and fitted else math.nan,
        "Median error (log10)": float(np.median(errors)) if active and fitted else math.nan,
        "Believed": len(believed) / curves if not active else math.nan,
        "CPU s a curve": cost,
    }


@click.command()
@click.option("--curves", default=40, help="Simulated compounds of each situation.")
@click.option("--seed", default=1)
def main(curves: int, seed: int) -> None:
    """Print a table in Markdown."""
    header = None
    for situation in SITUATIONS:
        row = judge(situation, curves, seed)
        if header is None:
            header = list(row)
            print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
        cells = [f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()]
        print("| " + " | ".join("–" if cell == "nan" else cell for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    main()
