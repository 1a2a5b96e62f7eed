"""Compounds by what they did: EC50 of death and of shape, greatest effect, cells lost, order of events."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from morphodose.report.answers import finite
from morphodose.report.curves import FIRST, endpoint_order, rows_of
from morphodose.report.inputs import ReportInputs
from morphodose.report.segmented import disagreements
from morphodose.report.summary import conditions_of
from morphodose.report.words import dose_words, listed

#: Molar units as a share of 1 µM; doses in another unit are ranked as they are.
_MOLAR = {"pM": 1e-6, "nM": 1e-3, "uM": 1.0, "µM": 1.0, "mM": 1e3, "M": 1e6}

Row = Mapping[str, Any]
#: Flag of a compound whose count of nuclei says something else than that of cells.
NUCLEI_FLAG = "cells and nuclei disagree"


@dataclass(frozen=True)
class Effect:
    """A value at one dose and time with its interval over wells, beside that of vehicle."""

    dose: float
    time: float
    value: float
    low: float
    high: float
    vehicle: float
    vehicle_low: float = math.nan
    vehicle_high: float = math.nan
    wells: int = 1
    vehicle_wells: int = 1


@dataclass(frozen=True)
class Hit:
    """What one compound did.

    Attributes
    ----------
    compound : str
        Its name.
    main, shape : mapping or None
        Rows of `responses`: of the endpoint of death (see `main_endpoint`), and of the most sensitive shape.
    effect : Effect or None
        Where the main endpoint is farthest from vehicle, at the time of `main`.
    lost : Effect or None
        Cells lost at the highest dose and last time.
    order : str
        Whether shape changes before staining, in words.
    flags : tuple of str
        What speaks against its numbers.
    """

    compound: str
    main: Row | None
    shape: Row | None
    effect: Effect | None
    lost: Effect | None
    order: str
    flags: tuple[str, ...]


def main_endpoint(screen: ReportInputs) -> str | None:
    """The endpoint that ranks compounds: death, else the user's own, else the count of cells."""
    endpoints = endpoint_order(screen.responses)
    own = [name for name in endpoints if name.startswith("Endpoint_")]
    death = [name for name in FIRST if name in endpoints and name.startswith("Fraction_")]
    return next(iter([*death, *own, *(name for name in FIRST if name in endpoints)]), None)


def latest(rows: Sequence[Row]) -> Row | None:
    """The last timepoint whose curve was not refused, else the last."""
    return next((row for row in reversed(rows) if row["State"] != "refused"), rows[-1] if rows else None)


def rank(row: Row | None) -> tuple[float, float]:
    """Place of a response: fitted by its EC50, then imprecise, unbounded by its bound, refused."""
    if row is None:
        return (9.0, 0.0)
    scale = _MOLAR.get(str(row.get("Metadata_DoseUnit")), 1.0)
    state = str(row["State"])
    if state in ("fitted", "imprecise") and finite(row.get("EC50")):
        return (1.0 if state == "fitted" else 1.5, float(row["EC50"]) * scale)
    if state == "unbounded":
        low, high = row.get("EC50_Low"), row.get("EC50_High")
        if finite(high) and not finite(low):
            return (0.0, float(high) * scale)  # below the lowest dose
        return (2.0, float(low) * scale if finite(low) else math.inf)
    return (3.0, float(row["Effect_Q"]) if finite(row.get("Effect_Q")) else 1.0)


def hits(screen: ReportInputs) -> list[Hit]:
    """All compounds, the most potent first; those without a curve last, by name."""
    main, apart = main_endpoint(screen), {row["Compound"] for row in disagreements(screen)}
    moved = {
        row["Compound"]
        for row in screen.loss_tests
        if row["Testable"] and row["Q"] <= 0.05 and abs(row["Share"] - row["Vehicle"]) > 0.05
    }
    found = []
    for compound in screen.compounds:
        row = latest(rows_of(screen, compound, main)) if main else None
        flags = [NUCLEI_FLAG] if compound in apart else []
        flags += ["segmentation depends on the dose"] if compound in moved else []
        if row is not None and finite(row.get("LackOfFit_P")) and row["LackOfFit_P"] < 0.001:
            flags.append("curve does not fit")
        if row is not None and isinstance(row.get("Turn"), str) and row["Turn"]:
            flags.append("effect turns with the dose")
        found.append(
            Hit(
                compound,
                row,
                _shape(screen, compound),
                _greatest(screen, compound, str(main), float(row["Metadata_Timepoint"])) if row else None,
                _lost(screen, compound),
                order_words(screen, compound),
                tuple(flags),
            )
        )
    return sorted(found, key=lambda hit: (*rank(hit.main), hit.compound))


def _shape(screen: ReportInputs, compound: str) -> Row | None:
    """The most potent response of a shape, fitted ones first."""
    if screen.responses.empty:
        return None
    names = [name for name in endpoint_order(screen.responses) if name.startswith("Median")]
    viable = [name for name in names if name.startswith("MedianViable_")] or names
    rows = [row for name in viable if (row := latest(rows_of(screen, compound, name)))]
    return min(rows, key=rank, default=None)


def _greatest(screen: ReportInputs, compound: str, endpoint: str, time: float) -> Effect | None:
    frame = conditions_of(screen, compound, endpoint)
    frame = frame[frame["Timepoint"] == time]
    vehicle = frame[frame["Dose"] <= 0]
    treated = frame[frame["Dose"] > 0]
    if vehicle.empty or treated.empty:
        return None
    base, base_low, base_high = (float(vehicle[name].iloc[0]) for name in ("Mean", "Low", "High"))
    row = treated.loc[(treated["Mean"] - base).abs().idxmax()]
    value, low, high = (float(row[name]) for name in ("Mean", "Low", "High"))
    wells = int(row["Wells"]), int(vehicle["Wells"].iloc[0])
    return Effect(float(row["Dose"]), time, value, low, high, base, base_low, base_high, *wells)


def _lost(screen: ReportInputs, compound: str) -> Effect | None:
    frame = conditions_of(screen, compound, "Relative_CellCount")
    treated = frame[frame["Dose"] > 0]
    if treated.empty:
        return None
    treated = treated[treated["Timepoint"] == treated["Timepoint"].max()]
    row = treated.loc[treated["Dose"].idxmax()]
    # cells lost are the cells that remain, read from the other end
    return Effect(
        float(row["Dose"]),
        float(row["Timepoint"]),
        1 - float(row["Mean"]),
        1 - float(row["High"]),
        1 - float(row["Low"]),
        0.0,
        wells=int(row["Wells"]),
    )


def order_words(screen: ReportInputs, compound: str) -> str:
    """Whether the shape of a compound changes before staining, in a few words."""
    orders = screen.orders
    mine = orders[orders["Metadata_Compound"].astype(str) == compound] if len(orders) else orders
    if mine.empty:
        return "not judged"
    first = mine[mine["MorphologyFirst"] == "yes"].sort_values("Metadata_Dose")
    if len(first):
        unit = screen.dose_unit(compound)
        return f"shape first at {listed((dose_words(d, unit) for d in first['Metadata_Dose']), 3)}"
    if (mine["MorphologyFirst"] == "no").any():
        return "shape not before staining"
    return "no change" if (mine["MorphologyFirst"] == "neither").all() else "not determined"
