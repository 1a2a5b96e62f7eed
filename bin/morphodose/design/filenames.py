"""Well, field, z and channel from the names that instruments give their images.

Patterns are regular expressions with named groups, searched for in the path below the acquisition folder
(with ``/`` on every system). Needed: `well`, or `row` and `col`. Optional: `channel`, `field` (or
`tile_row` and `tile_col`) and `z` (1 where a name has none), `timepoint`, `plate`, `replicate`.
"""

from __future__ import annotations

import re
import time
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import regex as regular

from morphodose.design.anyname import parse_any
from morphodose.design.faults import Faults, did_you_mean, nearest, printable
from morphodose.design.presets import END, PRESETS, WELL_FILES
from morphodose.errors import InputError
from morphodose.names import row_letters

GROUPS = (
    "well",
    "row",
    "col",
    "field",
    "tile_row",
    "tile_col",
    "z",
    "channel",
    "timepoint",
    "plate",
    "replicate",
)
#: Further groups of the presets: rows and columns that count from 0, the action of a Yokogawa, the text
#: before the well (a plate's, or anything), a word that may be a channel's, and how a channel is lit and
#: filtered.
_OWN_GROUPS = ("row0", "col0", "action", "prefix", "word", "lit", "filtered")

#: Extensions of TIFF files, and of files that hold planes of several fields, channels, z or times.
TIFF_EXTENSIONS = (".tif", ".tiff", ".btf", ".tf2", ".tf8")
CONTAINER_EXTENSIONS = (".czi", ".nd2", ".lif", ".zarr", ".companion.ome")
#: Extensions of images that are read.
IMAGE_EXTENSIONS = (*TIFF_EXTENSIONS, *CONTAINER_EXTENSIONS)
#: Extensions of images that are not read, and named where they are all there is.
OTHER_IMAGES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".bmp",
    ".gif",
    ".jp2",
    ".flex",
    ".c01",
    ".dib",
    ".stk",
    ".vsi",
    ".oif",
    ".oib",
    ".oir",
    ".lsm",
    ".zvi",
    ".ims",
    ".dv",
    ".mrc",
    ".sld",
    ".ics",
)
#: Archives, in which images may be.
ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz")

#: What ``--file_pattern auto`` stands for.
AUTO = "auto"
_ALL = {**PRESETS, "well_files": WELL_FILES}


class Name(NamedTuple):
    """What a name says.

    `well` is as written (``W`` numbers too); `field` is a number from 0, or the text of the name where that
    is not a number (``r000_c002``, ``-1``); `z` is None where the name has none. `unsaid` are those of field
    and channel that the name does not say and that are 1 here; `doubtful` those of plate and channel that are
    texts which may also mean nothing. `filters` are how the name says that the channel is lit and filtered.
    """

    well: str
    field: int | str
    z: int | None
    channel: str
    timepoint: str | None = None
    plate: str | None = None
    replicate: str | None = None
    action: str | None = None
    unsaid: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    filters: tuple[str, str] | None = None


#: Seconds that an expression may take for one name, and for all names that take longer than `SLOW` (of CPU).
PATIENCE = 2.0
PATIENCE_IN_ALL = 30.0
SLOW = 0.01


@dataclass(frozen=True)
class Bounded:
    """A user's expression, which may not take for ever: a repetition within a repetition can."""

    option: str
    pattern: str
    compiled: typing.Any
    spent: list[float] = field(default_factory=list, compare=False)

    def search(self, path: str) -> re.Match[str] | None:
        """As `re.Pattern.search`.

        Raises
        ------
        InputError
            If it takes longer than `PATIENCE`, or slow names together longer than `PATIENCE_IN_ALL`.
        """
        begin = time.thread_time()
        try:
            found: re.Match[str] | None = self.compiled.search(path, timeout=PATIENCE)
        except TimeoutError:
            raise InputError(
                f"{self.option} '{printable(self.pattern)}': takes more than {PATIENCE:g} s for the name "
                f"'{printable(path)}' → write it without a repetition within a repetition, such as (a+)+"
            ) from None
        took = time.thread_time() - begin
        if took > SLOW:
            self.spent.append(took)
            if sum(self.spent) > PATIENCE_IN_ALL:
                raise InputError(
                    f"{self.option} '{printable(self.pattern)}': {len(self.spent)} names took "
                    f"{sum(self.spent):.3g} s, the last one is '{printable(path)}' → write it "
                    "without a repetition within a repetition, such as (a+)+"
                )
        return found


@dataclass(frozen=True)
class NamePattern:
    """Compiled patterns of a preset, or the user's own expression; without any, `parse_any` reads names."""

    name: str
    regexes: tuple[re.Pattern[str] | Bounded, ...]
    ignore: tuple[tuple[str, re.Pattern[str]], ...] = ()
    projections: bool = False
    step_0: bool = False
    example: str = ""

    def ignored(self, path: str) -> str | None:
        """Why a file of this instrument is not a plane, or None."""
        return next((reason for reason, regex in self.ignore if regex.search(path)), None)

    def parse(self, path: str) -> Name | str:
        """Parse a path below the acquisition folder.

        Returns
        -------
        Name or str
            The name's parts, or why there are none.
        """
        groups = self._groups(path)
        if isinstance(groups, str):
            return groups
        well = groups.get("well") or _well_of(groups)
        if isinstance(well, _NoWell):
            return well.reason
        z = groups.get("z")
        # 18 digits, so that every number fits the tables' 64 bits
        if z and not (z.isdecimal() and len(z) <= 18):
            return f"z '{z}' is not a whole number"
        field = _field_of(groups)
        word, prefix = groups.get("word"), (groups.get("prefix") or "").strip(" _-")
        channel = groups.get("channel") or word
        unsaid = {"field": field is None, "channel": not channel}
        timepoint, plate, replicate, action = (
            plain_number(text) if (text := groups.get(key)) else None
            for key in ("timepoint", "plate", "replicate", "action")
        )
        return Name(
            well,
            1 if field is None else field,
            int(z) if z else None,
            plain_number(channel or "1"),
            timepoint,
            plate or prefix or None,
            replicate,
            action,
            unsaid=frozenset(key for key, missing in unsaid.items() if missing),
            doubtful=frozenset(
                key for key, text in (("plate", prefix), ("channel", word)) if text and not groups.get(key)
            ),
            filters=(groups.get("lit") or "", filtered) if (filtered := groups.get("filtered")) else None,
        )

    def _groups(self, path: str) -> Mapping[str, str | None] | str:
        """The groups of the first expression that fits, or why none does."""
        if not self.regexes:
            *folders, name = path.split("/")
            stem, images = re.subn(END, "", name)
            return parse_any(stem, folders) if images else "the name is not that of an image"
        match = next((found for regex in self.regexes if (found := regex.search(path))), None)
        return "the name does not match the file pattern" if match is None else match.groupdict()


@dataclass(frozen=True)
class _NoWell:
    reason: str


def _well_of(groups: Mapping[str, str | None]) -> str | _NoWell:
    """The well of a row and a column, which may be letters or numbers, from 1 or from 0."""
    row0, col0 = groups.get("row0"), groups.get("col0")
    if row0 and col0 and len(row0) <= 9 and len(col0) <= 9:
        return f"{row_letters(int(row0) + 1)}{int(col0) + 1:02d}"
    row, col = groups.get("row"), groups.get("col")
    if not row or not col:
        return _NoWell("the name has no well")
    if row.isdecimal():
        if int(row) < 1:
            return _NoWell(f"plate row '{row}' does not exist: rows start at 1")
        row = row_letters(int(row))
    # two digits, since W047 would be a number
    return f"{row}{int(col):02d}" if col.isdecimal() and len(col) <= 18 else f"{row}{col}"


def _field_of(groups: Mapping[str, str | None]) -> int | str | None:
    """The field of a name: a number, or a text such as the row and column of a tile."""
    row, col = groups.get("tile_row"), groups.get("tile_col")
    if row and col:
        return f"r{row}_c{col}"
    text = groups.get("field")
    if not text:
        return None
    return int(text) if text.isdecimal() and len(text) <= 18 else text.strip()


def plain_number(text: str) -> str:
    """``0003`` → ``3``; other texts without surrounding blanks."""
    text = text.strip()
    return str(int(text)) if text.isdecimal() and len(text) <= 18 else text


def preset_pattern(name: str) -> NamePattern:
    """The compiled patterns of a preset."""
    preset = _ALL[name]
    ignore = tuple((reason, re.compile(pattern)) for reason, pattern in preset.ignore)
    regexes = tuple(re.compile(pattern, re.ASCII) for pattern in preset.patterns)
    return NamePattern(name, regexes, ignore, preset.projections, preset.step_0, preset.example)


def name_pattern(text: str, faults: Faults) -> NamePattern | None:
    """Pattern of a preset's name or of the user's regular expression; None with a fault.

    Named groups may be written ``(?P<well>…)`` or ``(?<well>…)``.
    """
    option = "--file_pattern"
    if text in _ALL:
        return preset_pattern(text)
    if "(?" not in text:
        faults.add(
            "file_pattern",
            option,
            "is neither a preset nor a regular expression with named groups",
            f"{did_you_mean(text, [AUTO, *_ALL])}; or an expression such as "
            r"'(?P<well>[A-H]\d\d)_f(?P<field>\d+)_c(?P<channel>\d+)\.tif$'",
            value=text,
        )
        return None
    python = re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", text)
    try:
        regex = re.compile(python)
        bounded = Bounded(option, text, regular.compile(python))
    except (re.error, regular.error, RecursionError, OverflowError) as fault:
        faults.add(
            "file_pattern",
            option,
            f"is not a valid regular expression: {fault}",
            "correct it there",
            value=text,
        )
        return None
    before = len(faults.found)
    groups = list(regex.groupindex)
    for group in groups:
        if group not in (*GROUPS, *_OWN_GROUPS):
            near = nearest(group, GROUPS)
            faults.add(
                "file_pattern",
                option,
                f"group '{group}' has no meaning here",
                f"did you mean '{near}'?" if near else f"use {', '.join(GROUPS)}, or a group without a name",
                value=text,
            )
    if "well" not in groups and not {"row", "col"} <= set(groups):
        faults.add(
            "file_pattern",
            option,
            "no group gives the well",
            "add (?P<well>…), or (?P<row>…) and (?P<col>…)",
            value=text,
        )
    return NamePattern("regex", (bounded,)) if len(faults.found) == before else None
