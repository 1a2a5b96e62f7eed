"""Colours and names of doses that several sections share."""

from __future__ import annotations

from collections.abc import Sequence

from morphodose.report.words import VEHICLE_COLOUR, dose_words, ramp


def dose_colours(doses: Sequence[float]) -> dict[float, str]:
    """A colour for each dose, darker with the dose; the vehicle is grey."""
    above = [dose for dose in doses if dose > 0]
    colours = dict(zip(above, ramp(len(above)), strict=True))
    return {dose: colours.get(dose, VEHICLE_COLOUR) for dose in doses}


def dose_name(dose: float, unit: str) -> str:
    """``vehicle`` or ``0.3 µM``."""
    return "vehicle" if dose <= 0 else dose_words(dose, unit)
