"""Listing the images of a screen and reading their names."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from morphodose.design.channels import Channels
from morphodose.design.faults import Faults, counted, listing, nearest
from morphodose.design.filenames import IMAGE_EXTENSIONS, Name, NamePattern, plain_number
from morphodose.design.samplesheet import Acquisition
from morphodose.names import normalise_well

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(slots=True)
class Plane:
    """One raw plane; `acquisition` is its index, `channel` the number in the names."""

    acquisition: int
    well: str
    field: int
    z: int
    channel: str
    path: str
    width: int = 0
    height: int = 0
    dtype: str = ""

    @property
    def key(self) -> tuple[int, str, int]:
        """Its field of the screen."""
        return (self.acquisition, self.well, self.field)


@dataclass
class Folder:
    """Images of one folder with their parsed names, and what was not taken, by reason."""

    named: list[tuple[str, Name]] = field(default_factory=list)
    unparsed: list[tuple[str, str]] = field(default_factory=list)
    ignored: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def list_files(folder: str) -> list[str]:
    """Relative paths (with ``/``) of all files below a folder, sorted; links are followed, loops are not."""
    found: list[str] = []
    visited: set[tuple[int, int]] = set()
    pending = [""]
    while pending:
        below = pending.pop()
        place = os.path.join(folder, below)
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in visited:
            continue
        visited.add((status.st_dev, status.st_ino))
        with os.scandir(place) as entries:
            for entry in entries:
                path = f"{below}/{entry.name}" if below else entry.name
                if entry.is_dir():
                    if not entry.name.startswith("."):  # snapshots and caches of file servers
                        pending.append(path)
                else:
                    found.append(path)
    return sorted(found)


def read_folder(folder: str, pattern: NamePattern) -> Folder:
    """List a folder and parse the names of its images."""
    listed = Folder()
    for path in list_files(folder):
        name = path.rpartition("/")[2]
        if not name.lower().endswith(IMAGE_EXTENSIONS):
            listed.ignored["no TIFF by its extension"].append(path)
        elif name.startswith("."):
            listed.ignored["hidden file"].append(path)
        elif reason := pattern.ignored(path):
            listed.ignored[reason].append(path)
        elif _CONTROL.search(path) or not _is_text(path):
            listed.unparsed.append((path, "the name has control characters or is no UTF-8"))
        else:
            parsed = pattern.parse(path)
            if isinstance(parsed, str):
                listed.unparsed.append((path, parsed))
            else:
                listed.named.append((path, parsed))
    if pattern.projections:
        _leave_out_projections(listed)
    return listed


def _by_length(text: str) -> tuple[int, str]:
    return len(text), text  # 2 before 10


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8 came in as surrogates
        return False
    return True


def _leave_out_projections(listed: Folder) -> None:
    """Ignore images without a z where their channel has z-steps: the instrument's own projections.

    Decided for a channel in the whole folder, so that a well whose z-steps are missing is reported instead of
    being taken from its projection. A channel without any z-step keeps its one image as z 1.
    """
    stacked = {name.channel for _, name in listed.named if name.z is not None}
    kept = []
    for path, name in listed.named:
        if name.z is None and name.channel in stacked:
            listed.ignored["projection beside z-steps"].append(path)
        else:
            kept.append((path, name))
    listed.named = kept


def collect_planes(
    acquisitions: Sequence[Acquisition],
    pattern: NamePattern,
    channels: Channels,
    plate_format: int,
    faults: Faults,
) -> tuple[list[Plane], Counter[str]]:
    """Planes of all acquisitions, and how many files were ignored for which reason.

    Names that cannot be parsed, wells off the plate, more than one timepoint, plate or replicate in a folder,
    and channels without a name go to `faults`.
    """
    folders: dict[str, Folder] = {}
    ignored: Counter[str] = Counter()
    planes: list[Plane] = []
    wells: dict[str, str | ValueError] = {}
    unknown: dict[str, list[str]] = defaultdict(list)
    for index, acquisition in enumerate(acquisitions):
        if acquisition.folder is None:
            continue
        if acquisition.folder not in folders:
            folders[acquisition.folder] = folder = _read(acquisition, pattern, faults)
            ignored.update({reason: len(paths) for reason, paths in folder.ignored.items()})
        folder = folders[acquisition.folder]
        for path, name in _select(acquisition, folder.named, faults):
            if name.channel in channels.left_out:
                ignored["channel left out by --channels"] += 1
                continue
            place = os.path.join(acquisition.folder, path)
            if name.channel not in channels.names:
                unknown[name.channel].append(place)
                continue
            if name.well not in wells:
                wells[name.well] = _normalised(name.well, plate_format)
            well = wells[name.well]
            if isinstance(well, ValueError):
                faults.add_plane(
                    "well_off_plate",
                    place,
                    str(well),
                    f"is --plate_format {plate_format} right? otherwise rename or remove the file",
                    name.well,
                )
                continue
            z = 1 if name.z is None else name.z
            planes.append(Plane(index, well, name.field, z, name.channel, place))
    _report_channels(channels, unknown, planes, faults)
    return planes, ignored


def _normalised(well: str, plate_format: int) -> str | ValueError:
    try:
        return normalise_well(well, plate_format)
    except ValueError as fault:
        return fault


def _read(acquisition: Acquisition, pattern: NamePattern, faults: Faults) -> Folder:
    """List and parse one folder; faults of its names are added."""
    path = acquisition.folder or ""
    try:
        folder = read_folder(path, pattern)
    except OSError as fault:
        where = fault.filename or path
        faults.add(
            "missing_folder",
            where,
            f"cannot be read ({fault.strerror})",
            "check its rights",
            acquisition.row,
            acquisition.given,
        )
        return Folder()
    for name, reason in folder.unparsed:
        mend = f"rename or remove it, or give another --file_pattern (now {pattern.name}"
        mend += f", such as {pattern.example})" if pattern.example else f": {pattern.regex.pattern})"
        faults.add_plane("unparsable_name", os.path.join(path, name), reason, mend, name.rpartition("/")[2])
    if not folder.named and not folder.unparsed:
        others = listing((f"{len(paths)} x {reason}" for reason, paths in folder.ignored.items()), 4)
        faults.add(
            "missing_folder",
            acquisition.sheet,
            f"no image in the folder of this acquisition{f' (ignored: {others})' if others else ''}",
            "correct the folder, or --file_pattern",
            acquisition.row,
            acquisition.given,
        )
    return folder


def _select(
    acquisition: Acquisition, named: Iterable[tuple[str, Name]], faults: Faults
) -> list[tuple[str, Name]]:
    """Names that belong to the acquisition, where names carry a timepoint, plate or replicate themselves."""
    chosen = list(named)
    for key in ("timepoint", "plate", "replicate"):
        values: Counter[str] = Counter(
            value for _, name in chosen if (value := getattr(name, key)) is not None
        )
        wanted = plain_number(acquisition.in_name.get(key, ""))
        if wanted and chosen:
            if wanted not in values:
                near = nearest(wanted, values)
                offer = f"did you mean {near}? " if near else ""
                faults.add(
                    "in_name",
                    acquisition.sheet,
                    f"no file name below '{acquisition.given}' has this {key}",
                    f"{offer}the names have {listing(sorted(values)) or 'none'}",
                    acquisition.row,
                    acquisition.in_name[key],
                )
            chosen = [(path, name) for path, name in chosen if getattr(name, key) == wanted]
        elif len(values) > 1:
            ordered: list[str] = sorted(values, key=_by_length)
            faults.add(
                "in_name",
                acquisition.sheet,
                f"the file names below '{acquisition.given}' have several {key}s",
                f"add a column {key}_in_name that says which one the row is; the others need own rows",
                acquisition.row,
                listing(ordered),
            )
            return []
    return chosen


def _report_channels(
    channels: Channels, unknown: dict[str, list[str]], planes: Sequence[Plane], faults: Faults
) -> None:
    """Channels of the files without a name, and names without files."""
    if not channels.names:
        return  # reported already
    named = ",".join(f"{number}:{name}" for number, name in channels.names.items())
    for number, paths in sorted(unknown.items(), key=lambda item: _by_length(item[0])):
        faults.add(
            "channel_without_name",
            "--channels",
            f"{counted(len(paths), 'image')} of channel {number}, which has no name (such as {paths[0]})",
            f"add it: {named},{number}:<name>; or leave it out on purpose: {number}:-",
            value=number,
        )
    present = {plane.channel for plane in planes}
    if not present:
        return
    seen = sorted(present | set(unknown), key=_by_length)
    for number, name in channels.names.items():
        if number not in present:
            faults.add(
                "channel_without_images",
                "--channels",
                f"channel {number} has no image in any acquisition",
                f"take it out of --channels, or correct its number; the images have {listing(seen)}",
                value=f"{number}:{name}",
            )
