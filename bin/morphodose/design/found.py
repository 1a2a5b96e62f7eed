"""The planes in the files of one folder; files that have no place in the screen are faults."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from morphodose.design.channels import Channels
from morphodose.design.expand import CannotPlace, Found, expand
from morphodose.design.faults import Faults, counted, listing
from morphodose.design.filenames import CONTAINER_EXTENSIONS, Name, NamePattern
from morphodose.design.folder import ARCHIVE, NO_IMAGE, Folder, is_image
from morphodose.design.instrument import Said, with_metadata
from morphodose.design.patterns import kinds_of_names, names_fix, names_message
from morphodose.design.presets import END
from morphodose.design.samplesheet import Acquisition
from morphodose.design.walk import DEAD_LINK
from morphodose.names import normalise_well
from morphodose.reading.contents import Contents, Part
from morphodose.reading.describe import describe

_COMPANION = ".companion.ome"


@dataclass
class Finder:
    """Finds the planes of folders.

    Attributes
    ----------
    pattern : NamePattern
        Reads the names.
    automatic : bool
        The pattern was found by itself.
    channels : Channels
        What ``--channels`` names and leaves out.
    stack_axis : str
        As in `morphodose.design.expand.expand`.
    faults : Faults
        Collects what is wrong.
    said : Said
        Collects what the instrument's metadata say.
    """

    pattern: NamePattern
    automatic: bool
    channels: Channels
    stack_axis: str
    faults: Faults
    said: Said = field(default_factory=Said)

    def planes(self, acquisition: Acquisition, folder: Folder) -> list[Found]:
        """Planes of one folder's files."""
        root = acquisition.folder or ""
        wanted = [(path, name) for path, name in folder.named if name.channel not in self.channels.left_out]
        left_out = [path for path, name in folder.named if name.channel in self.channels.left_out]
        if left_out:
            folder.ignored["channel left out by --channels"] += left_out
        reasons = dict(folder.unparsed)
        entries: list[tuple[str, Name | None]] = [*wanted, *((path, None) for path in reasons)]
        contents = self._contents(root, [path for path, _ in entries], folder, reasons)
        in_companion = {
            file for path, holds in contents.items() if path.endswith(_COMPANION) for file in holds.claimed
        }
        found: list[Found] = []
        unplaced: list[tuple[str, str, str]] = []
        described: set[tuple[str, str]] = set()
        for path, name in entries:
            place, holds = _join(root, path), contents[path]
            if os.path.normpath(place) in in_companion:
                folder.ignored["described by its companion file"].append(path)
                continue
            container = path in folder.zarrs or path.lower().endswith(CONTAINER_EXTENSIONS)
            if name is None and not container and not any(series.well for series in holds.series):
                unplaced.append((path, reasons[path], ""))
                continue
            keys = set(self.channels.names) | self.channels.left_out
            try:
                for one in expand(place, name, holds, keys, self.stack_axis):
                    # each of a set of OME-TIFF files describes the whole set
                    if name is not None or (one.part.path, one.part.place) not in described:
                        found.append(one)
                    described.add((one.part.path, one.part.place))
            except CannotPlace as fault:
                if name is None:
                    unplaced.append((path, str(fault), fault.fix))
                else:  # its field is known, and spoilt
                    broken = Part(0, 0, 0, place, "")
                    found.append(Found(place, name, broken, None, str(fault), fault.fix))
                    described.add((place, ""))
        found = _of_plates(root, found, {_join(root, path) for path in reasons})
        self._report(root, unplaced)
        self._report_dead(root, folder)
        if not folder.named and not unplaced and not described:
            self._report_nothing(acquisition, folder)
        self._report_channel_names(root, found)
        self._report_wells(found)
        found, sidecars = with_metadata(root, folder.ignored.get(NO_IMAGE, ()), found, self.faults)
        self.said.sidecars += sidecars
        return found

    def _contents(
        self, root: str, paths: Sequence[str], folder: Folder, unparsed: dict[str, str]
    ) -> dict[str, Contents]:
        zarrs = {_join(root, path) for path in paths if path in folder.zarrs}
        places = [_join(root, path) for path in paths]
        unnamed = {_join(root, path) for path in unparsed}
        return dict(zip(paths, describe(places, zarrs, unnamed), strict=True))

    def _report(self, root: str, unplaced: Sequence[tuple[str, str, str]]) -> None:
        """One fault for each kind of name."""
        fixes = {(path, reason): fix for path, reason, fix in unplaced}
        for reason, paths in kinds_of_names((path, reason) for path, reason, _ in unplaced):
            fix = fixes[paths[0], reason]
            kind = "unplaced_image" if fix else "unparsable_name"
            fix = fix or names_fix(paths[0], None if self.automatic else self.pattern)
            message = names_message(paths, reason)
            self.faults.add_plane(kind, _join(root, paths[0]), message, fix, paths[0].rpartition("/")[2])

    def _report_dead(self, root: str, folder: Folder) -> None:
        """A warning of dead links that are called like images: if they were planes, these are missing."""
        links = [path for path in folder.ignored.get(DEAD_LINK, ()) if is_image(path)]
        if links:
            shown = listing((f"{path} to {os.readlink(_join(root, path))}" for path in links), 4)
            self.faults.warn(
                "dead_link",
                root,
                f"{counted(len(links), 'link')} among the images, to files that do not exist, passed over",
                "mount or restore what they lead to; nothing, if they are not part of the screen",
                value=shown,
            )

    def _report_nothing(self, acquisition: Acquisition, folder: Folder) -> None:
        others = listing((f"{len(paths)} x {reason}" for reason, paths in folder.ignored.items()), 4)
        unread = any("not read" in reason for reason in folder.ignored)
        self.faults.add(
            "missing_folder",
            acquisition.sheet,
            f"no image in the folder{f' (passed over: {others})' if others else ''}",
            "export its images as TIFF, grey, 8 or 16 bits"
            if unread
            else "unpack the archive"
            if ARCHIVE in folder.ignored
            else "give the folder that holds the images",
            acquisition.row or None,
            "" if acquisition.given == acquisition.sheet else acquisition.given,
        )

    def _report_wells(self, found: Sequence[Found]) -> None:
        """A warning of wells that the metadata of a file and its name say differently."""
        other = {
            one.source: f"{one.source.rpartition('/')[2]}: {one.series.well}"
            for one in found
            if one.series is not None and one.series.well and _differ(one.series.well, one.name.well)
        }
        if other:
            self.faults.warn(
                "well_name",
                next(iter(other)),
                f"the metadata of {counted(len(other), 'file')} say other wells than the files' names, which "
                f"are used: {listing(other.values(), 4)}",
                "nothing, if the names are right; else rename the files",
            )

    def _report_channel_names(self, root: str, found: Sequence[Found]) -> None:
        """Files that name their channels in different orders, where numbers are to say which is which."""
        orders: dict[tuple[str, ...], str] = {}
        for one in found:
            if one.series is not None and len(one.series.channels) > 1 and one.name.channel.isdecimal():
                orders.setdefault(one.series.channels, one.source)
        if len(orders) > 1:
            (first, _), (second, path) = list(orders.items())[:2]
            self.faults.add_plane(
                "channel_names",
                path,
                f"its channels are {listing(second)}; those of other files are {listing(first)}",
                "name the channels by these names instead of numbers: --channels "
                + ",".join(f"{name}:<name>" for name in first),
            )


def _of_plates(root: str, found: list[Found], unnamed: Collection[str]) -> list[Found]:
    """Files without a well in their names whose metadata say the same wells are plates, called like them."""
    held: dict[str, set[tuple[object, ...]]] = {}
    for one in found:
        if one.source in unnamed:
            held.setdefault(one.source, set()).add(one.name[:5])
    if len(held) < 2 or len(set().union(*held.values())) == sum(map(len, held.values())):
        return found
    paths = {source: os.path.relpath(source, root).replace(os.sep, "/") for source in held}
    stems = {source: re.sub(END, "", path) for source, path in paths.items()}
    last = {source: stem.rpartition("/")[2] for source, stem in stems.items()}
    if len(set(last.values())) < len(last):  # plate.tif in a folder for each plate
        last = {source: stem.rpartition("/")[0] or stem for source, stem in stems.items()}
    if len(set(last.values())) < len(last):
        last = stems
    return [
        replace(one, name=one.name._replace(plate=last[one.source])) if one.source in held else one
        for one in found
    ]


def _differ(well: str, named: str) -> bool:
    """Whether two wells are different ones; a number, which depends on the plate, is not compared."""
    if named[1:].isdecimal() and named[:1] in "Ww0123456789":
        return False
    try:
        return normalise_well(well, 1536) != normalise_well(named, 1536)
    except ValueError:
        return False


def _join(root: str, path: str) -> str:
    return os.path.join(root, path) if path else root
