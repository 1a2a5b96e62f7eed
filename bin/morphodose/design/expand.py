"""From a file's name and contents to its planes: what of well, field, z, channel and time is said where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from morphodose.design.filenames import Name
from morphodose.reading.contents import Contents, Part, Series
from morphodose.reading.said import Channel, Image

#: What the planes of a stack are whose metadata do not say it (``--stack_axis``).
STACK_AXES = ("z", "channel", "time")


@dataclass(frozen=True)
class Found:
    """One plane as its name and its file describe it; with a fault, the file as a whole.

    `said` and `image` are what the instrument's metadata say of its channel and of itself.
    """

    source: str
    name: Name
    part: Part
    series: Series | None
    fault: str = ""
    fix: str = ""
    white: bool = False
    said: Channel | None = None
    image: Image | None = None

    @property
    def called(self) -> str:
        """What the file or the instrument's metadata call its channel."""
        names = self.series.channels if self.series else ()
        own = names[self.part.c] if self.part.c < len(names) else ""
        return own or (self.said.name if self.said else "")

    @property
    def pixel_um(self) -> float | None:
        """Edge of a pixel by the file, else by the instrument's metadata."""
        own = self.series.pixel_um if self.series else None
        return own or (self.said.pixel_um if self.said else None)


class CannotPlace(Exception):
    """Why the planes of a file have no place in the screen, and what helps."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


def expand(
    path: str, name: Name | None, contents: Contents, keys: Collection[str], stack_axis: str = ""
) -> Iterator[Found]:
    """Planes of one file.

    Parameters
    ----------
    path : str
        The file.
    name : Name or None
        What its name says; None where it says nothing, and the metadata have to.
    contents : Contents
        What it holds.
    keys : collection of str
        Numbers or names that ``--channels`` knows.
    stack_axis : str
        One of `STACK_AXES`, or empty.

    Raises
    ------
    CannotPlace
        If well or channel or z is said by neither or by both.
    """
    if contents.fault:
        if name is None:
            raise CannotPlace(f"the file {contents.fault}", contents.fix)
        yield Found(path, name, Part(0, 0, 0, path, ""), None, contents.fault, contents.fix)
        return
    several = len(contents.series) > 1
    wells = {series.well for series in contents.series}
    # a plate in one file: its metadata know the wells better than its name
    by_metadata = name is None or (several and None not in wells and len(wells) > 1)
    numbers: Counter[str] = Counter()
    for series in contents.series:
        well = series.well if by_metadata else name.well if name else None
        if well is None:
            called = f" of image '{series.name}'" if series.name else ""
            raise CannotPlace(
                f"neither the file's name nor its metadata gives the well{called}",
                "put the well into the file's name, such as B03.czi, or give a --file_pattern that finds it",
            )
        numbers[well] += 1
        field: int | str = name.field if name else 1
        if several:
            number = series.field if series.field is not None else numbers[well]
            field = (
                number if name is None or "field" in name.unsaid or by_metadata else f"{name.field}_{number}"
            )
        elif name is None and series.field is not None:
            field = series.field
        base = name or Name(well, field, None, "1", unsaid=frozenset({"field", "channel"}))
        for found in _planes(path, base._replace(well=well, field=field), series, keys, stack_axis):
            yield replace(found, white=contents.white)


def _planes(path: str, name: Name, series: Series, keys: Collection[str], stack_axis: str) -> Iterator[Found]:
    axis = _axis(name, series, keys, stack_axis) if series.loose else ""
    parts = [_turned(part, axis) for part in series.parts]
    channels, heights, times = (len({part[at] for part in parts}) for at in range(3))
    if channels > 1 and "channel" not in name.unsaid:
        raise CannotPlace(
            f"its name says channel {name.channel}, and it holds {channels} channels",
            "give a --file_pattern without the group channel",
        )
    if heights > 1 and name.z is not None:
        raise CannotPlace(
            f"its name says z {name.z}, and it holds {heights} planes in z",
            "give a --file_pattern without the group z",
        )
    for part in parts:
        called = series.channels[part.c] if part.c < len(series.channels) else ""
        channel = str(part.c + 1) if "channel" in name.unsaid else name.channel
        if "channel" in name.unsaid and called in keys and channel not in keys:
            channel = called
        yield Found(
            path,
            name._replace(
                channel=channel,
                z=part.z + 1 if heights > 1 else name.z,
                timepoint=str(part.t + 1) if times > 1 else name.timepoint,
            ),
            part,
            series,
        )


def _axis(name: Name, series: Series, keys: Collection[str], given: str) -> str:
    """What the planes in a row are: what is given, or the one thing that the name leaves open."""
    if given:
        return given
    if "channel" not in name.unsaid and name.z is not None:
        if name.timepoint is None:
            return "time"
        raise CannotPlace(
            f"holds {len(series.parts)} planes, though its name gives the channel, z and time of a single "
            "plane",
            "export one plane per file, or give a --file_pattern without the group that the planes stand for",
        )
    if "channel" not in name.unsaid:
        return "z"
    if name.z is not None:
        return "channel"
    if len(keys) < 2:
        return "z"
    raise CannotPlace(
        f"holds {len(series.parts)} planes, and neither its name nor its metadata says whether they are z, "
        "channels or times",
        "say which with --stack_axis: z, channel or time",
    )


def _turned(part: Part, axis: str) -> Part:
    """A plane of a row, counted along its axis."""
    if axis == "channel":
        return part._replace(c=part.z, z=0)
    return part._replace(t=part.z, z=0) if axis == "time" else part
