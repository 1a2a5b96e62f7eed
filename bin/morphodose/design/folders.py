"""A plain folder of acquisitions: plate, timepoint and replicate from each folder's name."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import regex as regular

from morphodose.design.faults import Faults, listing
from morphodose.design.filenames import Bounded, NamePattern
from morphodose.design.folder import Folder, images_of, read_folder
from morphodose.design.numbers import parse_number
from morphodose.design.times import DATE, HOURS, UNITS, hours_of_name
from morphodose.design.walk import folder_passed_over, walk

_TIME = (
    r"(?:t(?:ime)?[ _-]?)?(?P<timepoint>\d+(?:[.,]\d+)?)[ _]?(?P<unit>hours?|hrs?|h|minutes?|mins?|days?|d)"
)
_MEASUREMENT = r"measurement[ _-]?(?P<measurement>\d+)"
_REPLICATE = r"(?:replicate|rep|r)[ _-]?(?P<replicate>\d+)"

_PLATE = r"(?:(?P<plate>(?!t(?:ime)?[ _-]).+?)[ _-]+)?"

#: Understood without ``--folder_pattern``: ``4hrs_R1``, ``24h_rep2``, ``PlateA_0.5hrs_R1``, ``R1_30min``; as
#: replicate 1 ``24h``, ``day3``; dates, and Harmony's ``PlateA__2024-03-01T10_30_00-Measurement 1``.
DEFAULT_PATTERNS = (
    rf"^{_PLATE}{_TIME}[ _-]*{_REPLICATE}$",
    rf"^(?:(?P<plate>.+?)[ _-]+)?{_REPLICATE}[ _-]+{_TIME}$",
    rf"^{_PLATE}(?P<unit>day)[ _-]?(?P<timepoint>\d+(?:[.,]\d+)?)(?:[ _-]*{_REPLICATE})?$",
    rf"^{_PLATE}{_TIME}(?<![\d_ ]d)$",
    rf"^(?:(?P<plate>.+?)[ _-]+)?(?P<date>{DATE})(?:[ _-]*{_MEASUREMENT})?$",
    rf"^(?P<date>{DATE})[ _-]+(?P<plate>.+)$",
    rf"^(?P<plate>.+?)[ _-]+{_MEASUREMENT}$",
)
_GROUPS = ("timepoint", "unit", "replicate", "plate")


@dataclass(frozen=True)
class FoundFolder:
    """One acquisition's folder as its name was understood.

    With a `date` or the number of a `measurement` the hours are those since the plate's first.
    """

    path: str
    relative: str
    plate: str
    timepoint_h: float
    replicate: str
    date: str = ""
    measurement: int | None = None


def folder_patterns(text: str | None, faults: Faults) -> list[re.Pattern[str] | Bounded]:
    """Compiled patterns of folder names: the user's own one, or `DEFAULT_PATTERNS`."""
    if not text:
        return [re.compile(pattern, re.IGNORECASE) for pattern in DEFAULT_PATTERNS]
    option = "--folder_pattern"
    try:
        python = re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", text)
        regex = re.compile(python)
        bounded = Bounded(option, text, regular.compile(python))
    except (re.error, regular.error, RecursionError, OverflowError) as fault:
        message = f"is not a valid regular expression: {fault}"
        faults.add("folder_pattern", option, message, "correct it there", value=text)
        return []
    for group in ("timepoint", "replicate"):
        if group not in regex.groupindex:
            fix = f"add (?P<{group}>…); known groups: {', '.join(_GROUPS)}"
            faults.add("folder_pattern", option, f"no group gives the {group}", fix, value=text)
    return [bounded]


def find_acquisitions(
    root: str, patterns: Sequence[re.Pattern[str] | Bounded], plate: str, faults: Faults
) -> tuple[list[FoundFolder], list[str]]:
    """Folders of acquisitions below `root`, and the other folders.

    Where a name is not understood and acquisitions are in the folder, it is taken as a plate. Dates are a
    warning; measurements of one plate without dates are a fault.
    Folders with images that are not understood go to `faults`.
    """
    found: list[FoundFolder] = []
    ignored: list[str] = []
    for name in _subfolders(root):
        if _understood(root, name, name, patterns, plate, found, faults):
            continue
        path = os.path.join(root, name)
        inner = _subfolders(path)
        matching = [entry for entry in inner if any(pattern.search(entry) for pattern in patterns)]
        if not matching and not _has_images(path):
            ignored.append(name)
            continue
        # its own images, or those of a folder in it that is not an acquisition, are left over
        strangers = [
            entry for entry in inner if entry not in matching and _has_images(os.path.join(path, entry))
        ]
        if not matching:
            _not_understood(root, name, faults)
            continue
        for entry in matching:
            _understood(root, entry, f"{name}/{entry}", patterns, name, found, faults)
        for entry in strangers:
            _not_understood(root, f"{name}/{entry}", faults)
    found = _dated(found, faults)
    _check_repeats(found, faults)
    return found, ignored


def _subfolders(path: str) -> list[str]:
    with os.scandir(path) as entries:
        return sorted(
            entry.name for entry in entries if entry.is_dir() and not folder_passed_over(entry.name)
        )


def _has_images(path: str) -> bool:
    return bool(images_of(walk(path)))


def _not_understood(root: str, relative: str, faults: Faults) -> None:
    faults.add(
        "folder_name",
        os.path.join(root, relative),
        "the folder's name does not say timepoint and replicate",
        "name it as 4hrs_R1, move it away, or give --folder_pattern "
        r"such as '(?P<timepoint>\d+)(?P<unit>h)_.*_(?P<replicate>\d+)$'",
        value=relative,
    )


def _understood(
    root: str,
    name: str,
    relative: str,
    patterns: Sequence[re.Pattern[str] | Bounded],
    plate: str,
    found: list[FoundFolder],
    faults: Faults,
) -> bool:
    """Add the acquisition that a folder's name stands for; False where it stands for none."""
    match = next((match for pattern in patterns if (match := pattern.search(name))), None)
    if match is None:
        return False
    groups = match.groupdict()
    unit = UNITS.get((groups.get("unit") or "h").lower())
    path = os.path.join(root, relative)
    named = groups.get("plate")
    # letters, digits and . _ - are what a plate can be called by
    plate = re.sub(r"[^A-Za-z0-9._-]+", "_", named).strip("_.-") or plate if named else plate
    if groups.get("date") or groups.get("measurement"):
        if not _has_images(path):
            return False
        number = int(groups["measurement"]) if groups.get("measurement") else None
        found.append(FoundFolder(path, relative, plate, 0.0, "1", groups.get("date") or "", number))
        return True
    try:
        if unit is None:
            raise ValueError(f"'{groups.get('unit')}' is not a unit of time → use min, h or d")
        if groups.get("replicate") == "":
            raise ValueError("the replicate is empty → correct --folder_pattern")
        hours = parse_number((groups.get("timepoint") or "").replace(",", ".")) * HOURS[unit]
    except ValueError as fault:
        what, _, fix = str(fault).partition(" → ")
        faults.add(
            "folder_name", path, f"timepoint {what}" if what.startswith("is") else what, fix, value=name
        )
        return True
    replicate = (groups.get("replicate") or "1").lstrip("0") or "0"
    found.append(FoundFolder(path, relative, plate, round(hours, 6), replicate))
    return True


def _dated(found: list[FoundFolder], faults: Faults) -> list[FoundFolder]:
    """Folders with the hours of their dates, since the first of their plate.

    It is said, as a measurement may repeat another one; those of a plate without dates are a fault.
    """
    hours: dict[str, float] = {}
    dated = [folder for folder in found if _is_dated(folder)]
    for plate in dict.fromkeys(folder.plate for folder in dated):
        mine = [folder for folder in dated if folder.plate == plate]
        if len(mine) < 2:
            continue
        names = listing(folder.relative for folder in mine)
        dates = [date for folder in mine if (date := hours_of_name(folder.date)) is not None]
        if len(dates) < len(mine):
            faults.add(
                "folder_name",
                mine[0].path,
                f"plate {plate} was measured {len(mine)} times, and the folders have no dates ({names})",
                "if they are times, name the folders by their hours, such as 0h_R1, 24h_R1; if one repeats "
                "another, move away the one that does not count",
                value=mine[0].relative,
            )
            continue
        since = [date - min(dates) for date in dates]
        since = [round(after, 0 if after > 3 else 2) for after in since]
        hours |= {folder.relative: after for folder, after in zip(mine, since, strict=True)}
        faults.warn(
            "folder_dates",
            mine[0].path,
            f"plate {plate} has {len(mine)} folders with dates ({names}); they are taken as its times: "
            f"{listing(f'{after:g}' for after in since)} h",
            "correct the hours in the samplesheet; if a measurement repeats another, delete the row of the "
            "one that does not count",
            value=mine[0].relative,
        )
    return [replace(folder, timepoint_h=hours.get(folder.relative, folder.timepoint_h)) for folder in found]


def _is_dated(folder: FoundFolder) -> bool:
    return bool(folder.date) or folder.measurement is not None


def _check_repeats(found: Sequence[FoundFolder], faults: Faults) -> None:
    seen: dict[tuple[str, float, str], str] = {}
    for folder in found:
        if folder.measurement is not None and not folder.date:
            continue  # a fault of `_dated` where there are several
        key = (folder.plate, folder.timepoint_h, folder.replicate)
        first = seen.setdefault(key, folder.relative)
        if first != folder.relative:
            faults.add(
                "repeated_acquisition",
                folder.path,
                f"the same plate, timepoint and replicate as folder '{first}'",
                "rename one of the two, or move it away",
                value=f"{folder.plate}, {folder.timepoint_h:g} h, replicate {folder.replicate}",
            )


def images_below(folder: str, most: int = 200) -> list[str]:
    """Some relative paths of images in a folder."""
    return images_of(walk(folder))[:most]


HEADINGS = ("folder", "plate", "timepoint", "replicate", "images", "wells", "fields", "z", "channels")


def summary(folder: FoundFolder, pattern: NamePattern | None) -> tuple[str, ...]:
    """Cells of one folder under `HEADINGS`."""
    listed: Folder = read_folder(folder.path, pattern) if pattern else Folder()
    names = [name for _, name in listed.named]
    images = str(len(names) + len(listed.unparsed)) if pattern else str(len(images_of(walk(folder.path))))
    if listed.unparsed:
        images += f" ({len(listed.unparsed)} not understood)"
    channels = sorted({name.channel for name in names}, key=lambda text: (len(text), text))
    return (
        folder.relative,
        folder.plate,
        f"{folder.timepoint_h:g} h",
        folder.replicate,
        images,
        str(len({name.well for name in names})),
        str(len({name.field for name in names})),
        str(len({1 if name.z is None else name.z for name in names})),
        listing(channels, 8) or "none",
    )


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows in aligned columns."""
    table = [tuple(headings), *map(tuple, rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    )
