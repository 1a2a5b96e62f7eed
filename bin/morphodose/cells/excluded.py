"""Measured columns that do not describe the cell: where the cell lies, which label it has."""

from __future__ import annotations

import re
from collections.abc import Iterable

_POSITION = re.compile(
    r"_(AreaShape_(Center_[XYZ]|BoundingBox(Minimum|Maximum)_[XYZ]|Orientation)|Location_.*"
    r"|Neighbors_AngleBetweenNeighbors_.*|RadialDistribution_ZernikePhase_.*)$"
)
_LABEL = re.compile(r"_(Neighbors_(First|Second)ClosestObjectNumber_.*|Number_Object_Number|Parent_.*)$")


def why_excluded(feature: str) -> str:
    """Why a measured column does not describe the cell; '' if it is one.

    Position and orientation in the field tell the place on the plate and the illumination rather than the
    cell, and a label is a name. pycytominer's block list names stains of Cell Painting and would match none.
    """
    if _POSITION.search(feature):
        return "position or orientation in the field, not a property of the cell"
    if _LABEL.search(feature):
        return "label of an object, not a measurement"
    return ""


def excluded(features: Iterable[str]) -> dict[str, str]:
    """Feature → reason, of those that are excluded."""
    return {name: reason for name in features if (reason := why_excluded(name))}
