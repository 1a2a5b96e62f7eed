"""The diameters that segmentation went by: in the verdict, in the quality section, in the methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from morphodose.report.checks import Check, State
from morphodose.report.html import notice, paragraph, table
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part
from morphodose.report.words import listed

if TYPE_CHECKING:
    import pandas as pd

QUESTION = "Is the size of the objects known?"
#: Option that gives the diameter of each kind of object.
OPTIONS = {"cells": "--diameter", "nuclei": "--nuclear_diameter"}


def _rows(screen: ReportInputs, state: str) -> pd.DataFrame:
    found = screen.diameters
    return found[found["State"] == state] if "State" in found else found


def _px(values: pd.Series[float]) -> str:
    """One diameter, or from the least to the greatest."""
    low, high = f"{values.min():.3g}", f"{values.max():.3g}"
    return f"{low} px" if low == high else f"{low} to {high} px"


def spread(screen: ReportInputs, kind: str) -> str:
    """Diameter of a kind of object over the plates, and its spread; empty where not estimated."""
    rows = _rows(screen, "estimated")
    rows = rows[rows["Object"] == kind] if len(rows) else rows
    if not len(rows):
        return ""
    low, high = f"{rows['Diameter_Low'].min():.3g}", f"{rows['Diameter_High'].max():.3g}"
    fields, objects = int(rows["Count_Fields"].sum()), int(rows["Count_Objects"].sum())
    return (
        f"{_px(rows['Diameter'])}, 80 % of {objects} objects in {fields} fields between {low} and {high} px"
    )


def diameter_checks(screen: ReportInputs) -> list[Check]:
    """Whether the diameters could be estimated; nothing where they were given or are not needed."""
    if "State" not in screen.diameters or not set(screen.diameters["State"]) & {
        "estimated",
        "other plates",
        "failed",
    }:
        return []
    states: list[State] = ["ok"]
    said = []
    for state, mark in (("failed", "stop"), ("other plates", "warn")):
        for (kind, reason), rows in _rows(screen, state).groupby(["Object", "Reason"]):
            plates = listed([str(plate) for plate in rows["Metadata_Plate"]], 3)
            said.append(
                f"The diameter of {kind} could not be estimated on plate {plates}: {reason} "
                f"({_px(rows['Diameter'])}). Look at the overlays and give {OPTIONS[str(kind)]} in px."
            )
            states.append("stop" if mark == "stop" else "warn")
    for kind in ("cells", "nuclei"):
        if text := spread(screen, kind):
            said.append(f"{kind.capitalize()}: {text}.")
    worst: State = "stop" if "stop" in states else "warn" if "warn" in states else "ok"
    return [Check(worst, QUESTION, " ".join(said))]


def part(screen: ReportInputs) -> Part:
    """The table of diameters, plate by plate."""
    title = "Diameters"
    found = screen.diameters
    if "State" not in found or found.empty:
        given = [
            f"{option} {screen.params[name]} px"
            for name, option in (("diameter", "--diameter"), ("nuclear_diameter", "--nuclear_diameter"))
            if screen.params.get(name)
        ]
        text = f"Given: {listed(given)}." if given else "Not estimated: the segmentation needed none."
        return Part(title, paragraph(text))
    rows = [
        [
            row.Metadata_Plate,
            row.Object,
            f"{row.Diameter:.3g}",
            f"{row.Diameter_Low:.3g} to {row.Diameter_High:.3g}" if row.Count_Objects else "–",
            int(row.Count_Objects),
            int(row.Count_Fields),
            f"{row.State}{': ' + row.Reason if row.Reason else ''}",
        ]
        for row in found.itertuples()
    ]
    failed = len(_rows(screen, "failed"))
    warning = (
        notice(
            "A diameter could not be estimated. Masks made at a wrong scale are parts of cells or several "
            "cells in one: look at the overlays, and give --diameter and --nuclear_diameter in px."
        )
        if failed
        else ""
    )
    text = paragraph(
        "Estimated once on vehicle fields, so that the dose does not change the scale. Plates within a "
        "factor of 1.25 share one diameter; others have their own."
    )
    headers = [
        "Plate",
        "Object",
        "Diameter used (px)",
        "10th to 90th percentile",
        "Objects",
        "Fields",
        "State",
    ]
    return Part(title, warning + text + table(headers, rows))
