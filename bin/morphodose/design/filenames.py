"""Well, field, z and channel from the names that instruments give their images.

Patterns are regular expressions with named groups, searched for in the path below the acquisition folder
(with ``/`` on every system). Needed: `well`, or `row` and `col`, and `channel`. Optional: `field` and `z` (1
where a name has none), `timepoint`, `plate`, `replicate`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from morphodose.design.faults import Faults, did_you_mean, nearest
from morphodose.names import row_letters

GROUPS = ("well", "row", "col", "field", "z", "channel", "timepoint", "plate", "replicate")

#: Extensions of images; files with any other one are ignored.
IMAGE_EXTENSIONS = (".tif", ".tiff")

_END = r"(?i:\.tiff?)\Z"
_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"


class Preset(NamedTuple):
    """File names of one instrument.

    `ignore` are reasons and patterns of files that are no planes. With `projections`, images without a z are
    the instrument's own projections wherever their channel has z-steps.
    """

    pattern: str
    example: str
    ignore: tuple[tuple[str, str], ...] = ()
    projections: bool = False


PRESETS: dict[str, Preset] = {
    # Yokogawa CQ1: wells are numbered row by row
    "cq1": Preset(
        r"(?:^|/)W(?P<well>\d+)F(?P<field>\d+)T(?P<timepoint>\d+)Z(?P<z>\d+)C(?P<channel>\d+)" + _END,
        "W0001F0001T0001Z003C1.tif",
    ),
    # Yokogawa CV7000 / CV8000; L is the time line, A the action. DC_ and SC_ are dark and shading references
    "cv8000": Preset(
        r"(?:^|/)(?:[^/]*_)?(?P<well>[A-Z]{1,2}\d{2})_T(?P<timepoint>\d+)F(?P<field>\d+)L\d+A\d+"
        r"Z(?P<z>\d+)C(?P<channel>\d+)" + _END,
        "Screen_D08_T0001F002L01A01Z04C01.tif",
        (("dark or shading reference", r"(?:^|/)(?:DC|SC)_[^/]*" + _END),),
    ),
    # PerkinElmer / Revvity Opera Phenix and Operetta CLS (Harmony)
    "opera_phenix": Preset(
        r"(?:^|/)r(?P<row>\d+)c(?P<col>\d+)f(?P<field>\d+)p(?P<z>\d+)-ch(?P<channel>\d+)"
        r"sk(?P<timepoint>\d+)(?:fk\d+)?(?:fl\d+)?" + _END,
        "r01c01f01p01-ch1sk1fk1fl1.tiff",
    ),
    # Molecular Devices ImageXpress (MetaXpress); w1 is followed by a GUID without a separator
    "imagexpress": Preset(
        r"(?:^|/)(?:TimePoint_(?P<timepoint>\d+)/)?(?:ZStep_(?P<z>\d+)/)?(?:[^/]*_)?(?P<well>[A-Z]{1,2}\d{2})"
        rf"(?:_s(?P<field>\d+))?(?:_w(?P<channel>\d{{1,2}}?))?(?:{_GUID})?" + _END,
        "TimePoint_1/ZStep_3/Screen_C07_s1_w1D5F8F51A-3E85-4358-AE51-A465AF87386F.tif",
        (("thumbnail", r"_thumb[^/]*" + _END),),
        projections=True,
    ),
    # GE / Cytiva IN Cell Analyzer; the channel is the text after wv, without a z or time that is damaged
    "incell": Preset(
        r"(?:^|/)(?:[^/]*_)?(?P<row>[A-Z]{1,2}) - (?P<col>\d+)\(fld (?P<field>\d+) wv "
        r"(?P<channel>(?:(?! (?:wix|z|time) ?\d)[^/()])+?)"
        r"(?: wix \d+)?(?: z (?P<z>\d+))?(?: time (?P<timepoint>\d+) - \d+ ?ms)?\)" + _END,
        "A - 01(fld 1 wv DAPI - DAPI z 3).tif",
    ),
    # Broad Bioimage Benchmark Collection 013; the second number counts the wells and is not needed
    "bbbc013": Preset(
        r"(?:^|/)Channel(?P<channel>\d+)-\d+-(?P<row>[A-Z])-(?P<col>\d+)" + _END,
        "Channel1-01-A-01.tif",
    ),
}


class Name(NamedTuple):
    """What a name says; `well` as written (``W`` numbers too), `z` None where the name has none."""

    well: str
    field: int
    z: int | None
    channel: str
    timepoint: str | None = None
    plate: str | None = None
    replicate: str | None = None


@dataclass(frozen=True)
class NamePattern:
    """A compiled preset, or the user's own expression."""

    name: str
    regex: re.Pattern[str]
    ignore: tuple[tuple[str, re.Pattern[str]], ...] = ()
    projections: bool = False
    example: str = ""

    def ignored(self, path: str) -> str | None:
        """Why a file of this instrument is no plane, or None."""
        return next((reason for reason, regex in self.ignore if regex.search(path)), None)

    def parse(self, path: str) -> Name | str:
        """Parse a path below the acquisition folder.

        Returns
        -------
        Name or str
            The name's parts, or why there are none.
        """
        match = self.regex.search(path)
        if match is None:
            return "the name does not match the file pattern"
        groups = match.groupdict()
        well = groups.get("well")
        if not well:
            row, col = groups.get("row"), groups.get("col")
            if not row or not col:
                return "the name has no well"
            if row.isdecimal():
                if int(row) < 1:
                    return f"plate row '{row}' is not one: rows start at 1"
                row = row_letters(int(row))
            # two digits, since W047 would be a number
            well = f"{row}{int(col):02d}" if col.isdecimal() and len(col) <= 18 else f"{row}{col}"
        numbers: dict[str, int | None] = {}
        for key in ("field", "z"):
            text = groups.get(key)
            # 18 digits, so that every number fits the tables' 64 bits
            if text and not (text.isdecimal() and len(text) <= 18):
                return f"{key} '{text}' is not a whole number"
            numbers[key] = int(text) if text else None
        field = numbers["field"]
        return Name(
            well,
            1 if field is None else field,
            numbers["z"],
            plain_number(groups.get("channel") or "1"),
            *(
                plain_number(text) if (text := groups.get(key)) else None
                for key in ("timepoint", "plate", "replicate")
            ),
        )


def plain_number(text: str) -> str:
    """``0003`` → ``3``; other texts without surrounding blanks."""
    text = text.strip()
    return str(int(text)) if text.isdecimal() and len(text) <= 18 else text


def preset_pattern(name: str) -> NamePattern:
    """The compiled pattern of a preset."""
    preset = PRESETS[name]
    ignore = tuple((reason, re.compile(pattern)) for reason, pattern in preset.ignore)
    return NamePattern(name, re.compile(preset.pattern, re.ASCII), ignore, preset.projections, preset.example)


def name_pattern(text: str, faults: Faults) -> NamePattern | None:
    """Pattern of a preset's name or of the user's regular expression; None with a fault.

    Named groups may be written ``(?P<well>…)`` or ``(?<well>…)``.
    """
    option = "--file_pattern"
    if text in PRESETS:
        return preset_pattern(text)
    if "(?" not in text:
        faults.add(
            "file_pattern",
            option,
            "is no preset, and no regular expression with named groups",
            f"{did_you_mean(text, PRESETS)}; or an expression such as "
            r"'(?P<well>[A-H]\d\d)_f(?P<field>\d+)_c(?P<channel>\d+)\.tif$'",
            value=text,
        )
        return None
    python = re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", text)
    try:
        regex = re.compile(python)
    except (re.error, RecursionError, OverflowError) as fault:
        faults.add(
            "file_pattern", option, f"is no valid regular expression: {fault}", "mend it there", value=text
        )
        return None
    before = len(faults.found)
    groups = list(regex.groupindex)
    for group in groups:
        if group not in GROUPS:
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
            "no group says the well",
            "add (?P<well>…), or (?P<row>…) and (?P<col>…)",
            value=text,
        )
    if "channel" not in groups:
        faults.add("file_pattern", option, "no group says the channel", "add (?P<channel>…)", value=text)
    return NamePattern("regex", regex) if len(faults.found) == before else None
