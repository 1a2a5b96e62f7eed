"""The weak labels of a cell: the dose of its well and the time of its image, as classes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from morphodose.errors import InputError
from morphodose.platemap import PlateMap
from morphodose.responses.groups import add_groups, find_groups, groups_in, mapped_wells, plain

VEHICLE = "vehicle"
#: Labels and the column of the split table that holds each.
LABELS = {"dose": "Label_Dose", "time": "Label_Time"}


@dataclass(frozen=True)
class Content:
    """What a well holds, as the plate map says; `group`: by the columns that divide the analysis."""

    compound: str
    dose: float | None
    unit: str
    role: str
    group: str = ""


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
    where there are several. Groups (cell lines, siRNAs) have classes of their own, vehicle included: what
    tells a dose in one need not in another. Positive controls and empty wells have none.

    Raises
    ------
    InputError
        If a treated well has no dose.
    """
    contents = sorted(set(wells), key=lambda c: (c.group, c.role, c.compound, c.dose or 0.0, c.unit))
    treated = [c for c in contents if c.role == "treated" and c.dose != 0]
    without = next((c for c in treated if c.dose is None), None)
    if without is not None:
        raise InputError(f"plate map: a treated well with {without.compound!r} has no dose; give it one")
    compounds = {c.compound for c in treated}
    keys = sorted({(c.group, c.compound, float(c.dose or 0)) for c in treated})
    short = {key: f"{key[2]:g}" for key in keys}
    if len(set(short.items())) > len({(*key[:2], name) for key, name in short.items()}):
        short = {key: repr(key[2]) for key in keys}  # two doses that agree in six digits
    names = {
        key: _of_group(f"{key[1]} {short[key]}" if len(compounds) > 1 else short[key], key[0]) for key in keys
    }
    found: dict[Content, str | None] = {}
    for content in contents:
        if content.role == "vehicle" or (content.role == "treated" and content.dose == 0):
            found[content] = _of_group(VEHICLE, content.group)
        elif content.role == "treated":
            found[content] = names[content.group, content.compound, float(content.dose or 0)]
        else:
            found[content] = None
    of_names = set(names.values())
    vehicles = tuple(dict.fromkeys(name for name in found.values() if name and name not in of_names))
    units = {c.unit for c in treated}
    return (
        Classes(
            vehicles + tuple(names[key] for key in keys),
            (0.0,) * len(vehicles) + tuple(dose for _, _, dose in keys),
            len(compounds) < 2 and len({c.group for c in treated}) < 2,
            units.pop() if len(units) == 1 else "",
        ),
        found,
    )


def _of_group(name: str, group: str) -> str:
    """A class of a group."""
    return f"{name}, {group}" if group else name


def is_vehicle(name: str) -> bool:
    """Whether a class of dose is that of vehicle, of whatever group."""
    return name == VEHICLE or name.startswith(f"{VEHICLE}, ")


def groups_of(
    plate_map: PlateMap, units: Iterable[tuple[str, str]], group_by: str
) -> tuple[dict[tuple[str, str], str], list[str]]:
    """Group of each of some wells (plate, well), and what a reader of the classes has to know."""
    wells, there = mapped_wells(plate_map), set(units)
    keys = zip(wells["Metadata_Plate"], wells["Metadata_Well"], strict=True)
    wells = wells[[key in there for key in keys]].reset_index(drop=True)
    grouping = find_groups(wells, group_by)
    if not grouping.columns:
        return {}, []
    group = groups_in(add_groups(wells, grouping))
    names = ", ".join(plain(name) for name in grouping.columns)
    note = f"classes of dose are divided by {names}: a dose is another class in each"
    keys = zip(wells["Metadata_Plate"], wells["Metadata_Well"], strict=True)
    return dict(zip(keys, group, strict=True)), [note]


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
