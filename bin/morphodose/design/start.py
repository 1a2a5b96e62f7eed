"""What a folder of images is understood to be, and the parameters that follow from it."""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from morphodose.design.channels import Channels
from morphodose.design.expand import Found
from morphodose.design.faults import Faults, listing
from morphodose.design.fields import natural
from morphodose.design.filenames import AUTO, Name, NamePattern, name_pattern, preset_pattern
from morphodose.design.folder import Folder, images_of, read_folder
from morphodose.design.folders import FoundFolder, find_acquisitions, folder_patterns
from morphodose.design.found import Finder
from morphodose.design.instrument import Said
from morphodose.design.patterns import best_preset
from morphodose.design.planes import by_action
from morphodose.design.samplesheet import Acquisition
from morphodose.design.sheetrows import SheetRow, hours_of_names, inside, rows_of, safe_name
from morphodose.design.walk import Listing, walk
from morphodose.names import PLATE_FORMATS, normalise_well, well_position
from morphodose.reading.contents import Part

#: Role → names of stains that commonly have it, in the texts of instruments and people.
_STAINS = {
    "nuclear": r"hoechst|dapi|draq|nucle|\bdna\b|h3342",
    "brightfield": r"bright|\bbf\b|phase|\btl\b|trans|\bdic\b",
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
    plate_format : int
        Wells of the plate: by the metadata, else the smallest, of 96 or more, that has all the wells.
    metadata : list of str
        Files of metadata that were read.
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
    plate_format: int = 96
    metadata: list[str] = field(default_factory=list)

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
        """What is shown to the person."""
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
        lines = [
            f"file names: {self.pattern}",
            f"acquisitions: {listing([place.relative or '.' for place in self.folders])}",
            f"wells: {len(self.wells)} ({listing(self.wells, 6)}), plate of {self.plate_format}",
            f"fields: {listing(self.fields)}; z: {listing(self.z, 12)}",
            f"plates: {listing(plates)}; times: {listing(times)}",
            f"channels: {listing(channels, 20)}",
            f"roles by their names: {listing(roles) or 'none'}",
            f"pixel size: {f'{self.pixel_um:g} um' if self.pixel_um else 'not known'}",
        ]
        lines += [
            f"channel {name} is in some acquisitions only: {listing(ids)}"
            for name, ids in self.partly.items()
        ]
        return lines + ([f"metadata read: {listing(self.metadata, 4)}"] if self.metadata else [])


def look(folder: str, plate: str, timepoint_h: float, file_pattern: str, faults: Faults) -> Understood:
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
    finder = Finder(pattern, automatic, Channels({}), "", faults)
    found: list[tuple[int, Found]] = []
    for number, (place, listed) in enumerate(zip(places, listings, strict=True)):
        acquisition = Acquisition(
            number + 1, place.plate, place.timepoint_h, place.replicate, place.path, folder
        )
        read = read_folder(place.path, pattern, listed)
        planes = finder.planes(acquisition, _some(read) if number else read)
        found += [(number, one) for one in planes if not one.fault]
        # names of files that were not opened
        opened = {one.source for one in planes}
        found += [
            (number, Found(path, name, Part(0, 0, 0, path, ""), None))
            for path, name in read.named
            if os.path.join(place.path, path) not in opened and "channel" not in name.unsaid
        ]
    found = by_action(found)
    finder.said.add((one for _, one in found), folder)
    _fill(result, found, finder.said)
    return result


def _acquisitions(root: str, plate: str, timepoint_h: float, faults: Faults) -> list[FoundFolder]:
    """Acquisitions by the names of folders; without any, the folder itself.

    Beside acquisitions, folders of images that are none are a warning.
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
            "nothing, if they are no part of the screen; else name them as 4hrs_R1",
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
    result.z = sorted({one.name.z or 1 for _, one in found})
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
    """A name that columns can carry: ``DAPI - DAPI`` → ``DAPI_DAPI``, ``1`` → ``Channel1``."""
    name = re.sub(r"[^A-Za-z0-9.+-]+", "_", text.replace(" - ", "_")).strip("_.-+")[:60]
    return f"Channel{name}" if not name or name.isdecimal() else name


def parameters_text(
    found: Understood,
    roles: Mapping[str, str],
    folder: str = ".",
    plate_map: str = "platemap.csv",
    plate_map_sheet: str = "",
) -> str:
    """``params.yml``: what is known, and in words what is not."""
    numbers = {number: f'"{number}"' if "," in number else number for number in found.channels}
    channels = ",".join(f"{numbers[number]}:{name}" for number, name in found.channels.items())
    lines = [
        "# Written by start_screen.py. Look through it, then: nextflow run main.nf -params-file params.yml",
        f"input: {_quoted(os.path.abspath(os.path.join(folder, 'samplesheet.csv')))}",
        f"plate_map: {_quoted(os.path.abspath(os.path.join(folder, plate_map)))}",
        *([f"plate_map_sheet: {_quoted(plate_map_sheet)}"] if plate_map_sheet else []),
        f"outdir: {_quoted(os.path.abspath(os.path.join(folder, 'results')))}",
        f"file_pattern: {_quoted(found.pattern)}",
        f"plate_format: {found.plate_format}",
        f"channels: {_quoted(channels)}",
        "",
        "# Roles: write the name of the channel that has it between the quotes; empty where there is none.",
    ]
    if not roles.get("cell"):
        lines += [
            "# WHICH CHANNEL FILLS THE CELLS? They are segmented in it, and nothing in the files says it.",
            f"# Write one of these between the quotes: {', '.join(found.names)}",
            "# Without one, name the nuclei below, and cells are grown around them.",
        ]
    lines.append(f"cell_channel: {_quoted(roles.get('cell', ''))}")
    if not roles.get("cell") and roles.get("nuclear"):
        lines.append("cell_method: from_nuclei")
    for role in ("nuclear", "brightfield", "early_death", "late_death"):
        lines.append(f"{role}_channel: {_quoted(roles.get(role, ''))}")
    lines += [
        "",
        "# Networks are trained on a brightfield channel, which takes days without a GPU. To leave them out:",
        "# deep: false",
        "# or, with a GPU:",
        "# use_gpu: true",
        "",
    ]
    if found.pixel_um:
        lines.append(f"pixel_size_um: {found.pixel_um:g}")
    else:
        lines += [
            "# The files do not say how large a pixel is. With it, sizes are in um; without it, in pixels:",
            "# pixel_size_um: 0.65",
        ]
    if found.unknown_hours:
        lines.append(
            "# The hours of the times are not known: samplesheet.csv counts 0, 1, 2 …; correct them there."
        )
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A text in YAML: JSON's double quotes."""
    return json.dumps(text, ensure_ascii=False)
