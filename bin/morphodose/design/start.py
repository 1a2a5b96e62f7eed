"""What a folder of images is understood to be, and the parameters that follow from it."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

from morphodose.design.channels import Channels, check_case
from morphodose.design.expand import Found
from morphodose.design.faults import Faults, counted, listing
from morphodose.design.fields import natural
from morphodose.design.filenames import AUTO, Name, NamePattern, name_pattern, preset_pattern
from morphodose.design.folder import NO_IMAGE, Folder, images_of, read_folder
from morphodose.design.folders import FoundFolder, find_acquisitions, folder_patterns
from morphodose.design.found import Finder
from morphodose.design.instrument import Said, doubt_size
from morphodose.design.patterns import best_preset
from morphodose.design.pixels_seen import judge_pixels
from morphodose.design.planes import by_action
from morphodose.design.samplesheet import Acquisition
from morphodose.design.sheetrows import SheetRow, hours_of_names, inside, rows_of, safe_name
from morphodose.design.walk import Listing, walk
from morphodose.names import PLATE_FORMATS, TRANSMITTED_LIGHT, normalise_well, well_position
from morphodose.reading.contents import Part

#: Role → names of stains that commonly have it, in the texts of instruments and people.
_STAINS = {
    "nuclear": r"hoechst|dapi|draq|nucle|\bdna\b|h3342",
    "brightfield": TRANSMITTED_LIGHT,
    "early_death": r"annexin",
    "late_death": r"propidium|^pi$|sytox|7-?aad",
    "cell": r"cellmask|celltracker|actin|phalloidin|cytoplasm|membrane|calcein|\bwga\b",
}


@dataclass
class Understood:
    """A folder of images as it is understood.

    Attributes
    ----------
    folders : list of FoundFolder
        Its acquisitions.
    pattern : str
        The preset, or the expression that was given.
    channels : dict
        Number or text of a channel in the names → its name from now on.
    described : dict
        The same → what the metadata call it, with its wavelengths.
    roles : dict
        Role → name of its channel, where a name tells it.
    wells, fields, z : list
        What there is.
    inside : dict
        Path of an acquisition → (plate, time, replicate) in the names of its images.
    hours : dict
        (path of an acquisition, time in the names) → hours after its first image, where names or metadata
        know them.
    partly : dict
        Name of a channel → acquisitions that have it, where others do not.
    pixel_um : float or None
        Edge of a pixel, where the metadata agree.
    offset : float
        ``--intensity_offset``, by the pixels of a few images of each channel.
    stack_axis : str
        ``--stack_axis`` as it was given.
    loose_planes : int
        Planes in a file that were taken as z, though nothing says what they are; 0 where there are none.
    plate_format : int
        Wells of the plate: by the metadata, else the smallest, of 96 or more, that has all the wells.
    metadata : list of str
        Files of metadata that were read.
    passed : Counter
        Reason → files that were passed over; other files than images are not counted.
    """

    folders: list[FoundFolder]
    pattern: str
    channels: dict[str, str] = field(default_factory=dict)
    described: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    wells: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    z: list[int] = field(default_factory=list)
    inside: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    hours: dict[tuple[str, str], float] = field(default_factory=dict)
    partly: dict[str, list[str]] = field(default_factory=dict)
    pixel_um: float | None = None
    offset: float = 0.0
    stack_axis: str = ""
    loose_planes: int = 0
    plate_format: int = 96
    metadata: list[str] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)

    @property
    def names(self) -> list[str]:
        """Names of the channels."""
        return list(self.channels.values())

    @property
    def unknown_hours(self) -> bool:
        """Whether an acquisition has several times whose hours nothing says."""
        return any(
            len(times := {time for _, time, _ in texts}) > 1
            and any((path, time) not in self.hours for time in times)
            for path, texts in self.inside.items()
        )

    def rows(self) -> list[SheetRow]:
        """Rows of the samplesheet."""
        return [
            row
            for place in self.folders
            for row in rows_of(
                place,
                self.inside.get(place.path, []),
                {time: after for (path, time), after in self.hours.items() if path == place.path},
            )
        ]

    def lines(self) -> list[str]:
        """What is shown to the person; of a folder without wells only what was passed over."""
        passed = [f"passed over: {count} x {reason}" for reason, count in self.passed.items()]
        read = [f"metadata read: {listing(self.metadata, 4)}"] if self.metadata else []
        if not self.wells:
            return passed + read
        channels = [
            f"{number} → {name}" + (f" ({self.described[number]})" if number in self.described else "")
            for number, name in self.channels.items()
        ]
        roles = [f"{role} {name}" for role, name in self.roles.items()]
        rows = self.rows()
        plates = dict.fromkeys(row.plate for row in rows)
        times = dict.fromkeys(
            f"{row.timepoint_h:g} h" for row in sorted(rows, key=lambda row: row.timepoint_h)
        )
        replicates = dict.fromkeys(row.replicate for row in rows)
        lines = [
            f"file names: {self.pattern}",
            f"acquisitions: {listing([place.relative or '.' for place in self.folders])}",
            f"wells: {len(self.wells)} ({listing(self.wells, 6)}), plate of {self.plate_format}",
            f"fields: {listing(self.fields)}; z: {listing(self.z, 12)}",
            f"plates: {listing(plates)}; times: {listing(times)}; replicates: {listing(replicates)}",
            f"channels: {listing(channels, 20)}",
            f"roles by their names: {listing(roles) or 'none'}",
            f"pixel size: {f'{self.pixel_um:g} um' if self.pixel_um else 'not known'}",
        ]
        if self.loose_planes:
            lines.append(
                f"planes: each file holds {self.loose_planes}, and nothing says what they are: taken as z"
            )
        if self.offset:
            lines.append(
                f"offset: {self.offset:g} is subtracted from every pixel (intensity_offset), judging by a "
                "few images of each channel"
            )
        lines += [
            f"channel {name} is in only some acquisitions: {listing(ids)}"
            for name, ids in self.partly.items()
        ]
        return lines + passed + read


def look(
    folder: str, plate: str, timepoint_h: float, file_pattern: str, faults: Faults, stack_axis: str = ""
) -> Understood:
    """Look at a folder: acquisitions, names and metadata; what is not understood goes to `faults`.

    All names are read. Contents are those of all files of the first acquisition, and of some of the others:
    all of them are judged by the run itself.
    """
    root = os.path.abspath(folder)
    places = _acquisitions(root, plate, timepoint_h, faults)
    listings = [walk(place.path) for place in places]
    automatic = file_pattern == AUTO
    names = [name for listed in listings for name in images_of(listed)]
    pattern = preset_pattern(best_preset(names) or "well_files") if automatic else None
    pattern = pattern or name_pattern(file_pattern, faults)
    result = Understood(places, pattern.name if automatic and pattern else file_pattern)
    if pattern is None:
        return result
    if plates := _folders_of_plates(places, listings, pattern, faults):
        places = result.folders = plates
        listings = [walk(place.path) for place in places]
    result.stack_axis = stack_axis
    finder = Finder(pattern, automatic, Channels({}), stack_axis, faults)
    found: list[tuple[int, Found]] = []
    broken: list[Found] = []
    kinds: dict[tuple[bool, bool], str] = {}
    for number, (place, listed) in enumerate(zip(places, listings, strict=True)):
        # of no row yet: what is wrong is said of the folder
        acquisition = Acquisition(
            0, place.plate, place.timepoint_h, place.replicate, place.path, place.path, sheet=place.path
        )
        read = read_folder(place.path, pattern, listed)
        planes = finder.planes(acquisition, _some(read) if number else read)
        found += [(number, one) for one in planes if not one.fault]
        broken += [one for one in planes if one.fault]
        if pattern.name == "well_files":
            kinds |= {("field" in one.unsaid, one.channel.isdecimal()): path for path, one in read.named}
        result.passed.update({why: len(paths) for why, paths in read.ignored.items() if why != NO_IMAGE})
        # names of files that were not opened
        opened = {one.source for one in planes}
        found += [
            (number, Found(path, name, Part(0, 0, 0, path, ""), None))
            for path, name in read.named
            if os.path.join(place.path, path) not in opened and "channel" not in name.unsaid
        ]
    _report_broken(broken, bool(found), faults)
    _report_kinds(kinds, faults)
    found = by_action(found)
    finder.said.add((one for _, one in found), folder)
    check_case({one.name.channel for _, one in found}, faults)
    _fill(result, found, finder.said)
    if result.pixel_um:
        doubt_size(result.pixel_um, "images", "measure it, and correct pixel_size_um in params.yml", faults)
    result.offset, seen = judge_pixels(result.folders, result.channels, "brightfield" in result.roles, found)
    faults.found += seen
    # nothing says what the planes of a row are, and z was taken
    loose = [one.series for _, one in found if one.series and one.series.loose and one.part.z]
    if loose and not stack_axis and any("channel" in one.name.unsaid for _, one in found):
        result.loose_planes = len(loose[0].parts)
    return result


def _acquisitions(root: str, plate: str, timepoint_h: float, faults: Faults) -> list[FoundFolder]:
    """Acquisitions by the names of folders; without any, the folder itself.

    Beside acquisitions, folders of images that are not acquisitions are a warning.
    """
    of_folders = Faults()
    places, _ = find_acquisitions(root, folder_patterns(None, of_folders), plate, of_folders)
    if not places:
        return [FoundFolder(root, "", plate, timepoint_h, "1")]
    strange = [fault for fault in of_folders.errors if "does not say timepoint" in fault.message]
    faults.found += [fault for fault in of_folders.found if fault not in strange]
    if strange:
        faults.warn(
            "folder_name",
            root,
            "folders with images whose names say neither time nor replicate are left out",
            "nothing, if they are not part of the screen; else name them as 4hrs_R1",
            value=listing(fault.value for fault in strange),
        )
    dated = {place.path for place in places if place.date or place.measurement is not None}
    return [
        replace(place, timepoint_h=place.timepoint_h + timepoint_h) if place.path in dated else place
        for place in places
    ]


def _folders_of_plates(
    places: list[FoundFolder], listings: list[Listing], pattern: NamePattern, faults: Faults
) -> list[FoundFolder]:
    """Folders below the only one that hold the same wells, as plates; none where they are not such."""
    if len(places) > 1 or places[0].relative:
        return []
    below: dict[str, list[Name]] = defaultdict(list)
    for path, name in read_folder(places[0].path, pattern, listings[0]).named:
        below[path.partition("/")[0] if "/" in path else ""].append(name)
    names = [name[:8] for inner in below.values() for name in inner]
    each_is_whole = all(len({name[:8] for name in inner}) == len(inner) for inner in below.values())
    if "" in below or len(below) < 2 or not each_is_whole or len(set(names)) == len(names):
        return []
    faults.warn(
        "folder_name",
        places[0].path,
        f"its folders hold the same wells: each is taken as a plate ({listing(below)})",
        "correct plate, timepoint_h and replicate in the samplesheet if they are times or replicates",
        value=listing(below),
    )
    only = places[0]
    return [
        FoundFolder(os.path.join(only.path, name), name, safe_name(name) or only.plate, only.timepoint_h, "1")
        for name in below
    ]


def _report_broken(broken: list[Found], others: bool, faults: Faults) -> None:
    """Files that cannot be used: an error where there is nothing else."""
    files = {one.source: one for one in broken}
    if not files:
        return
    first = next(iter(files.values()))
    message = f"the file {first.fault} ({counted(len(files), 'file')} that cannot be used)"
    (faults.warn if others else faults.add)("unreadable_image", first.source, message, first.fix)


def _report_kinds(kinds: dict[tuple[bool, bool], str], faults: Faults) -> None:
    """Names of which some say a field or number a channel, and others do not: they may be of two screens."""
    if len(kinds) > 1:
        faults.warn(
            "kinds_of_names",
            "images",
            f"the names of the images are of {len(kinds)} kinds: {listing(kinds.values(), 4)}",
            "nothing, if all belong to the screen; else move the others elsewhere",
        )


def _some(folder: Folder, most: int = 24) -> Folder:
    """Of a folder, the first image of each channel, and some more spread over it."""
    firsts = {name.channel: (path, name) for path, name in reversed(folder.named)}
    step = max(1, len(folder.named) // most)
    chosen = dict(sorted([*firsts.values(), *folder.named[::step]]))
    return replace(folder, named=list(chosen.items()), unparsed=folder.unparsed[:most])


def _fill(result: Understood, found: list[tuple[int, Found]], said: Said) -> None:
    wells = set()
    known = said.plate_format
    for text in {one.name.well for _, one in found}:
        for plate_format in (known,) if known else (96, 384, 1536):
            try:
                wells.add(normalise_well(text, plate_format))
                break
            except ValueError:
                continue  # not on a plate of this size
    result.wells = sorted(wells)
    result.plate_format = known or _smallest_plate(result.wells)
    result.metadata = [sidecar.path for sidecar in said.sidecars]
    result.fields = sorted({str(one.name.field) for _, one in found}, key=natural)
    result.z = sorted({1 if one.name.z is None else one.name.z for _, one in found})
    named: dict[str, list[Name]] = defaultdict(list)
    for number, one in found:
        path, time = result.folders[number].path, one.name.timepoint or ""
        named[path].append(one.name)
        after = one.image.hours if one.image else None
        if after is not None:
            result.hours[path, time] = min(after, result.hours.get((path, time), after))
        for step, hours in enumerate(one.series.hours if one.series else ()):
            result.hours.setdefault((path, str(step + 1)), hours)
    result.inside = {path: inside(names) for path, names in named.items()}
    for path, texts in result.inside.items():
        written = hours_of_names({time for _, time, _ in texts})
        result.hours = {(path, time): after for time, after in written.items()} | result.hours
    _fill_channels(result, found, said)
    result.pixel_um = said.pixel_um


def _fill_channels(result: Understood, found: list[tuple[int, Found]], said: Said) -> None:
    texts = {one.name.channel: one.said.text() for _, one in found if one.said and one.said.text()}
    result.described = {**said.names, **texts}
    used: Counter[str] = Counter()
    where: dict[str, set[int]] = defaultdict(set)
    for index, one in found:
        where[one.name.channel].add(index)
    for number in sorted(where, key=natural):
        name = _plain(said.names.get(number, number))
        used[name] += 1
        result.channels[number] = name if used[name] == 1 else f"{name}_{used[name]}"
    all_of_them = {index for indices in where.values() for index in indices}
    result.partly = {
        result.channels[number]: [result.folders[index].relative or "." for index in sorted(indices)]
        for number, indices in where.items()
        if indices != all_of_them
    }
    for role, stains in _STAINS.items():
        fitting = [
            name
            for number, name in result.channels.items()
            if re.search(stains, said.names.get(number, number), re.IGNORECASE)
        ]
        if len(fitting) == 1:
            result.roles[role] = fitting[0]


def _smallest_plate(wells: list[str]) -> int:
    """The smallest plate, of 96 wells or more, that has all the wells."""
    places = [well_position(well) for well in wells]
    return next(
        (
            count
            for count, (rows, columns) in PLATE_FORMATS.items()
            if count >= 96 and all(row <= rows and column <= columns for row, column in places)
        ),
        96,
    )


def _plain(text: str) -> str:
    """A name for columns: ``DAPI - DAPI`` → ``DAPI``, ``Cy3 - Red`` → ``Cy3_Red``, ``1`` → ``Channel1``."""
    text = re.sub(r"^(.+) - \1$", r"\1", text)
    name = re.sub(r"[^A-Za-z0-9.+-]+", "_", text.replace(" - ", "_")).strip("_.-+")[:60]
    return f"Channel{name}" if not name or name.isdecimal() else name
