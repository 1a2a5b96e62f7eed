"""The weak labels of a cell: the dose of its well and the time of its image, as classes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from morphodose.errors import InputError
from morphodose.platemap import PlateMap
from morphodose.responses.groups import find_groups, mapped_wells, plain

VEHICLE = "vehicle"
#: Labels and the column of the split table that holds each.
LABELS = {"dose": "Label_Dose", "time": "Label_Time"}


@dataclass(frozen=True)
class Content:
    """What a well holds, as the plate map says."""

    compound: str
    dose: float | None
    unit: str
    role: str


@dataclass(frozen=True)
class Classes:
    """Classes of one label.

    Attributes
    ----------
    names : tuple of str
        In the order of the network's outputs.
    values : tuple of float
        Dose (0 is vehicle) or hours.
    ordinal : bool
        Whether the order of the classes means something; doses of several compounds have none.
    unit : str
        Of the values.
    """

    names: tuple[str, ...]
    values: tuple[float, ...]
    ordinal: bool
    unit: str

    def without(self, dropped: Iterable[str]) -> Classes:
        """These classes less some."""
        gone = set(dropped)
        kept = [(n, v) for n, v in zip(self.names, self.values, strict=True) if n not in gone]
        return Classes(tuple(n for n, _ in kept), tuple(v for _, v in kept), self.ordinal, self.unit)


def dose_classes(wells: Iterable[Content]) -> tuple[Classes, dict[Content, str | None]]:
    """Classes of dose, and the class of each content of a well.

    Vehicle wells of all compounds are one class, the first. A dose is named by its number, with its compound
    where there are several. Positive controls and empty wells have none.

    Raises
    ------
    InputError
        If a treated well has no dose.
    """
    contents = sorted(set(wells), key=lambda c: (c.role, c.compound, c.dose or 0.0, c.unit))
    treated = [c for c in contents if c.role == "treated" and c.dose != 0]
    without = next((c for c in treated if c.dose is None), None)
    if without is not None:
        raise InputError(f"plate map: a treated well with {without.compound!r} has no dose; give it one")
    compounds = sorted({c.compound for c in treated})
    pairs = sorted({(c.compound, float(c.dose or 0)) for c in treated})
    short = {pair: f"{pair[1]:g}" for pair in pairs}
    if len(set(short.items())) > len({(pair[0], name) for pair, name in short.items()}):
        short = {pair: repr(pair[1]) for pair in pairs}  # two doses that agree in six digits
    names = {pair: f"{pair[0]} {short[pair]}" if len(compounds) > 1 else short[pair] for pair in pairs}
    found: dict[Content, str | None] = {}
    for content in contents:
        if content.role == "vehicle" or (content.role == "treated" and content.dose == 0):
            found[content] = VEHICLE
        elif content.role == "treated":
            found[content] = names[content.compound, float(content.dose or 0)]
        else:
            found[content] = None
    has_vehicle = VEHICLE in found.values()
    units = {c.unit for c in treated}
    return (
        Classes(
            ((VEHICLE,) if has_vehicle else ()) + tuple(names[pair] for pair in pairs),
            ((0.0,) if has_vehicle else ()) + tuple(dose for _, dose in pairs),
            len(compounds) < 2,
            units.pop() if len(units) == 1 else "",
        ),
        found,
    )


def pooled_notes(plate_map: PlateMap, units: Iterable[tuple[str, str]], group_by: str) -> list[str]:
    """What the classes do not tell apart: groups of the plate map, among the wells (plate, well) given."""
    wells, there = mapped_wells(plate_map), set(units)
    keys = zip(wells["Metadata_Plate"], wells["Metadata_Well"], strict=True)
    columns = find_groups(wells[[key in there for key in keys]], group_by).columns
    if not columns:
        return []
    names = ", ".join(plain(name) for name in columns)
    return [
        f"{names} does not divide the classes: cells of one dose are one class whichever group they are of, "
        "and scores are over all groups together"
    ]


def time_classes(hours: Iterable[float]) -> tuple[Classes, dict[float, str]]:
    """Classes of time, and the class of each timepoint."""
    times = sorted(set(hours))
    short = [f"{time:g}" for time in times]
    names = short if len(set(short)) == len(times) else [repr(time) for time in times]
    return Classes(tuple(names), tuple(times), True, "h"), dict(zip(times, names, strict=True))


def parse_labels(text: str) -> tuple[str, ...]:
    """``dose,time`` as a tuple of labels.

    Raises
    ------
    InputError
        If it names none, or one that is not a label.
    """
    given = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [part for part in given if part not in LABELS]
    if unknown or not given:
        raise InputError(f"--labels {text!r}: expected some of {', '.join(LABELS)}, separated by commas")
    return given
