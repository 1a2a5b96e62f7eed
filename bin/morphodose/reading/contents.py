"""What a file holds: its images, their planes, and how each of them is found again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

#: Files kept open by a reader: those of a task's channels, so that none is opened once for each field.
KEPT_OPEN = 64


class Part(NamedTuple):
    """One plane of a file: its channel, z and time, counted from 0, and where it lies.

    `place` says how to find it in the file `path`: ``page=3``, ``series=0;c=1;z=2;t=0``. It is empty for
    the only plane of a file.
    """

    c: int
    z: int
    t: int
    path: str
    place: str


@dataclass(frozen=True)
class Series:
    """One image of a file: a field, as a rule.

    Attributes
    ----------
    width, height : int
        Pixels.
    dtype : str
        NumPy name of the data type.
    parts : tuple of Part
        Its planes.
    name : str
        What the file calls it.
    well : str or None
        The well that the metadata name.
    field : int, str or None
        The field that the metadata name.
    channels : tuple of str
        Names of the channels, where the metadata have them.
    pixel_um : float or None
        Edge of a pixel in µm.
    hours : tuple of float
        Time of each t in hours after the first, where known.
    loose : bool
        The planes are in one row, and nothing says whether they are z, channels or times; they are z here.
    """

    width: int
    height: int
    dtype: str
    parts: tuple[Part, ...]
    name: str = ""
    well: str | None = None
    field: int | str | None = None
    channels: tuple[str, ...] = ()
    pixel_um: float | None = None
    hours: tuple[float, ...] = ()
    loose: bool = False

    def sizes(self) -> tuple[int, int, int]:
        """How many channels, z and times there are."""
        return (
            len({part.c for part in self.parts}),
            len({part.z for part in self.parts}),
            len({part.t for part in self.parts}),
        )


@dataclass(frozen=True)
class Contents:
    """All images of a file, or why it cannot be used and what helps."""

    series: tuple[Series, ...] = ()
    fault: str = ""
    fix: str = ""
    white: bool = False
    claimed: frozenset[str] = field(default_factory=frozenset)  # other files that it describes


def place_of(**places: int | str) -> str:
    """``series=0;c=1``: the text of a place."""
    return ";".join(f"{key}={value}" for key, value in places.items())


def parse_place(text: str) -> dict[str, str]:
    """The parts of a place; the inverse of `place_of`."""
    return dict(part.split("=", 1) for part in text.split(";") if part)
