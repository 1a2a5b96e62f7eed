"""What a folder of images is understood to be, and the parameters that follow from it."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from morphodose.design.channels import Channels
from morphodose.design.expand import Found
from morphodose.design.faults import Faults, listing
from morphodose.design.fields import natural
from morphodose.design.filenames import AUTO, name_pattern, preset_pattern
from morphodose.design.folder import images_of, read_folder
from morphodose.design.folders import FoundFolder, find_acquisitions, folder_patterns
from morphodose.design.found import Finder
from morphodose.design.patterns import best_preset
from morphodose.design.samplesheet import Acquisition
from morphodose.design.walk import walk
from morphodose.names import PLATE_FORMATS, normalise_well, well_position

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
        The same → what the metadata call it.
    roles : dict
        Role → name of its channel, where a name tells it.
    wells, fields, z, times : list
        What there is.
    pixel_um : float or None
        Edge of a pixel, where all files agree.
    hours : tuple of float
        Hours of the times, where the metadata know them.
    """

    folders: list[FoundFolder]
    pattern: str
    channels: dict[str, str] = field(default_factory=dict)
    described: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    wells: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    z: list[int] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    pixel_um: float | None = None
    hours: tuple[float, ...] = ()

    @property
    def names(self) -> list[str]:
        """Names of the channels."""
        return list(self.channels.values())

    @property
    def plate_format(self) -> int:
        """The smallest plate, of 96 wells or more, that has all the wells."""
        places = [well_position(well) for well in self.wells]
        return next(
            (
                wells
                for wells, (rows, columns) in PLATE_FORMATS.items()
                if wells >= 96 and all(row <= rows and column <= columns for row, column in places)
            ),
            96,
        )

    def lines(self) -> list[str]:
        """What is shown to the person."""
        channels = [
            f"{number} → {name}" + (f" ({self.described[number]})" if number in self.described else "")
            for number, name in self.channels.items()
        ]
        roles = [f"{role} {name}" for role, name in self.roles.items()]
        return [
            f"file names: {self.pattern}",
            f"acquisitions: {listing([place.relative or '.' for place in self.folders])}",
            f"wells: {len(self.wells)} ({listing(self.wells, 6)}), plate of {self.plate_format}",
            f"fields: {listing(self.fields)}; z: {listing(self.z, 12)}",
            f"times: {listing(self.times) or 'one'}",
            f"channels: {listing(channels, 20)}",
            f"roles by their names: {listing(roles) or 'none'}",
            f"pixel size: {f'{self.pixel_um:g} um' if self.pixel_um else 'not known'}",
        ]


def look(folder: str, plate: str, timepoint_h: float, file_pattern: str, faults: Faults) -> Understood:
    """Look at a folder: acquisitions, names and metadata; what is not understood goes to `faults`."""
    root = os.path.abspath(folder)
    places, _ = find_acquisitions(root, folder_patterns(None, Faults()), plate, Faults())
    if not places:
        places = [FoundFolder(root, "", plate, timepoint_h, "1")]
    listed = walk(places[0].path)
    automatic = file_pattern == AUTO
    pattern = preset_pattern(best_preset(images_of(listed)) or "well_files") if automatic else None
    pattern = pattern or name_pattern(file_pattern, faults)
    result = Understood(places, pattern.name if automatic and pattern else file_pattern)
    if pattern is None:
        return result
    first = Acquisition(1, plate, timepoint_h, "1", places[0].path, folder)
    # the first acquisition stands for the others: all of them are judged by the run itself
    finder = Finder(pattern, automatic, Channels({}), "", faults)
    found = [
        one for one in finder.planes(first, read_folder(places[0].path, pattern, listed)) if not one.fault
    ]
    _fill(result, found)
    return result


def _fill(result: Understood, found: list[Found]) -> None:
    wells = set()
    for text in {one.name.well for one in found}:
        for plate_format in (96, 384, 1536):
            try:
                wells.add(normalise_well(text, plate_format))
                break
            except ValueError:
                continue  # not on a plate of this size
    result.wells = sorted(wells)
    result.fields = sorted({str(one.name.field) for one in found}, key=natural)
    result.z = sorted({one.name.z or 1 for one in found})
    result.times = sorted({one.name.timepoint for one in found if one.name.timepoint}, key=natural)
    for one in found:
        number, series = one.name.channel, one.series
        if series is not None and one.part.c < len(series.channels):
            result.described.setdefault(number, series.channels[one.part.c])
    used: Counter[str] = Counter()
    for number in sorted({one.name.channel for one in found}, key=natural):
        name = _plain(result.described.get(number, number))
        used[name] += 1
        result.channels[number] = name if used[name] == 1 else f"{name}_{used[name]}"
    for role, stains in _STAINS.items():
        fitting = [
            name
            for number, name in result.channels.items()
            if re.search(stains, result.described.get(number, number), re.IGNORECASE)
        ]
        if len(fitting) == 1:
            result.roles[role] = fitting[0]
    sizes = {round(one.series.pixel_um, 6) for one in found if one.series and one.series.pixel_um}
    result.pixel_um = sizes.pop() if len(sizes) == 1 else None
    result.hours = next((one.series.hours for one in found if one.series and one.series.hours), ())


def _plain(text: str) -> str:
    """A name that columns can carry: ``DAPI - DAPI`` → ``DAPI_DAPI``, ``1`` → ``Channel1``."""
    name = re.sub(r"[^A-Za-z0-9.+-]+", "_", text.replace(" - ", "_")).strip("_.-+")[:60]
    return f"Channel{name}" if not name or name.isdecimal() else name


def times_of(found: Understood, place: FoundFolder) -> list[tuple[str, float]]:
    """(time in the names, hours) of each row of an acquisition; an empty text where there is one time."""
    if len(found.times) < 2:
        return [("", place.timepoint_h)]
    return [
        (text, place.timepoint_h + (found.hours[number] if number < len(found.hours) else number))
        for number, text in enumerate(found.times)
    ]


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
    if len(found.times) > 1 and not found.hours:
        lines.append(
            "# The hours of the times are not known: samplesheet.csv counts 0, 1, 2 …; correct them there."
        )
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A text in YAML: JSON's double quotes."""
    return json.dumps(text, ensure_ascii=False)
