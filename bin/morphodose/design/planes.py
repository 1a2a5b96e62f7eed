"""Listing the images of a screen, reading their names, and what they hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from morphodose.design.channels import Channels
from morphodose.design.expand import Found
from morphodose.design.faults import Faults, counted, listing, nearest
from morphodose.design.fields import number_fields
from morphodose.design.filenames import NamePattern, plain_number, preset_pattern
from morphodose.design.folder import images_of, read_folder
from morphodose.design.found import Finder
from morphodose.design.instrument import Said
from morphodose.design.patterns import best_preset
from morphodose.design.samplesheet import Acquisition
from morphodose.design.walk import Listing, walk
from morphodose.names import normalise_well
from morphodose.reading.said import Image


@dataclass(slots=True)
class Plane:
    """One raw plane.

    Attributes
    ----------
    acquisition : int
        Index of its acquisition.
    channel : str
        Number or text of it in the names.
    path, place : str
        The file, and where in it the plane lies (`morphodose.reading.contents.Part`).
    fault, fix : str
        Why the file cannot be used, and what helps; empty where it can.
    white : bool
        0 is white in the file; it is inverted when it is read.
    pixel_um : float or None
        Edge of a pixel in µm by the metadata.
    image : Image or None
        What the instrument's metadata say of its time and place.
    """

    acquisition: int
    well: str
    field: int
    z: int
    channel: str
    path: str
    width: int = 0
    height: int = 0
    dtype: str = ""
    place: str = ""
    fault: str = ""
    fix: str = ""
    white: bool = False
    pixel_um: float | None = None
    image: Image | None = None

    @property
    def key(self) -> tuple[int, str, int]:
        """Its field of the screen."""
        return (self.acquisition, self.well, self.field)


@dataclass
class Collected:
    """Planes of a screen and what was found on the way.

    Attributes
    ----------
    planes : list of Plane
        All planes of the acquisitions.
    ignored : Counter
        Reason → files that were passed over.
    pattern : str
        The preset that was used, or ``regex``.
    fields : dict
        Number of a field → its text in the names, where these are not numbers.
    unsure : bool
        A file that cannot be used may hold any of the channels.
    said : Said
        What the instrument's metadata say.
    """

    planes: list[Plane] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    pattern: str = ""
    fields: dict[int, str] = field(default_factory=dict)
    unsure: bool = False
    said: Said = field(default_factory=Said)


def _by_length(text: str) -> tuple[int, str]:
    return len(text), text  # 2 before 10


def collect_planes(
    acquisitions: Sequence[Acquisition],
    pattern: NamePattern | None,
    channels: Channels,
    plate_format: int,
    faults: Faults,
    stack_axis: str = "",
) -> Collected:
    """Planes of all acquisitions, and what was passed over.

    Names that cannot be parsed, wells off the plate, more than one timepoint, plate or replicate in a folder,
    and channels without a name go to `faults`.

    Parameters
    ----------
    acquisitions : sequence of Acquisition
        Rows of the samplesheet.
    pattern : NamePattern or None
        None: the preset that understands the names (``--file_pattern auto``).
    channels : Channels
        Names of the channels.
    plate_format : int
        Wells on a plate.
    faults : Faults
        Collects what is wrong.
    stack_axis : str
        What planes in a row are where nothing says it (`morphodose.design.expand.STACK_AXES`).
    """
    result = Collected()
    listings = _listings(acquisitions, faults)
    automatic = pattern is None
    if pattern is None:
        names = [path for listed in listings.values() for path in images_of(listed)]
        pattern = preset_pattern(best_preset(names) or "well_files")
    result.pattern = pattern.name
    keys = set(channels.names)
    finder = Finder(pattern, automatic, channels, stack_axis, faults, result.said)
    folders: dict[str, list[Found]] = {}
    chosen: list[tuple[int, Found]] = []
    for index, acquisition in enumerate(acquisitions):
        folder = acquisition.folder
        if folder is None or folder not in listings:
            continue
        if folder not in folders:
            read = read_folder(folder, pattern, listings[folder])
            folders[folder] = finder.planes(acquisition, read)
            result.ignored.update({reason: len(paths) for reason, paths in read.ignored.items()})
        chosen += [(index, found) for found in _select(acquisition, folders[folder], faults)]
    chosen = by_action(chosen)
    for index, found in chosen:
        result.said.add((found,), acquisitions[index].id)
    numbers = number_fields(found.name.field for _, found in chosen)
    result.fields = {number: text for text, number in numbers.items() if str(number) != text}
    wells: dict[str, str | ValueError] = {}
    unknown: dict[str, list[str]] = defaultdict(list)
    for index, found in chosen:
        name = found.name
        result.unsure |= bool(found.fault) and "channel" in name.unsaid
        if name.channel in channels.left_out:
            result.ignored["channel left out by --channels"] += 1
            continue
        if name.channel not in keys:
            unknown[name.channel].append(found.source)
            continue
        if name.well not in wells:
            wells[name.well] = _normalised(name.well, plate_format)
        well = wells[name.well]
        if isinstance(well, ValueError):
            fix = f"is --plate_format {plate_format} right? otherwise rename or remove the file"
            faults.add_plane("well_off_plate", found.source, str(well), fix, name.well)
            continue
        result.planes.append(plane_of(index, found, well, numbers[str(name.field)]))
    _report_channels(channels, unknown, result, faults)
    return result


def plane_of(acquisition: int, found: Found, well: str, field: int) -> Plane:
    """A plane as it was found, with its well as ``A01`` and the number of its field."""
    name = found.name
    z = 1 if name.z is None else name.z
    plane = Plane(acquisition, well, field, z, name.channel, found.part.path, place=found.part.place)
    plane.fault, plane.fix, plane.white = found.fault, found.fix, found.white
    if found.series is not None:
        series = found.series
        plane.width, plane.height, plane.dtype = series.width, series.height, series.dtype
        plane.pixel_um, plane.image = found.pixel_um, found.image
    return plane


def _listings(acquisitions: Sequence[Acquisition], faults: Faults) -> dict[str, Listing]:
    """What lies in the folder of each acquisition; those that cannot be read are faults."""
    listings: dict[str, Listing] = {}
    failed: set[str] = set()
    for acquisition in acquisitions:
        folder = acquisition.folder
        if folder is None or folder in listings or folder in failed:
            continue
        try:
            listings[folder] = walk(folder)
        except OSError as fault:
            failed.add(folder)
            reason = f"cannot be read ({fault.strerror})"
            where = fault.filename or folder
            faults.add(
                "missing_folder", where, reason, "check its rights", acquisition.row, acquisition.given
            )
    return listings


def by_action(chosen: list[tuple[int, Found]]) -> list[tuple[int, Found]]:
    """Channels that a Yokogawa took in several actions are told apart: ``1A2`` is channel 1 of action 2."""
    actions: dict[str, set[str]] = defaultdict(set)
    for _, found in chosen:
        if found.name.action is not None:
            actions[found.name.channel].add(found.name.action)
    several = {channel for channel, taken in actions.items() if len(taken) > 1}
    return [
        (index, replace(found, name=found.name._replace(channel=f"{found.name.channel}A{found.name.action}")))
        if found.name.channel in several
        else (index, found)
        for index, found in chosen
    ]


def _normalised(well: str, plate_format: int) -> str | ValueError:
    try:
        return normalise_well(well, plate_format)
    except ValueError as fault:
        return fault


def _select(acquisition: Acquisition, named: Iterable[Found], faults: Faults) -> list[Found]:
    """Names that belong to the acquisition, where names carry a timepoint, plate or replicate themselves."""
    chosen = list(named)
    for key in ("timepoint", "plate", "replicate"):
        values: Counter[str] = Counter(
            value for found in chosen if (value := getattr(found.name, key)) is not None
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
            chosen = [found for found in chosen if getattr(found.name, key) == wanted]
        elif len(values) > 1:
            ordered: list[str] = sorted(values, key=_by_length)
            faults.add(
                "in_name",
                acquisition.sheet,
                f"the file names below '{acquisition.given}' have several {key}s",
                f"add a column {key}_in_name that says which one the row is; the others need rows of their "
                "own",
                acquisition.row,
                listing(ordered),
            )
            return []
    return chosen


def _report_channels(
    channels: Channels, unknown: dict[str, list[str]], result: Collected, faults: Faults
) -> None:
    """Channels of the files without a name, and names without files."""
    if not channels.names:
        return  # reported already
    named = ",".join(f"{number}:{name}" for number, name in channels.names.items())
    for number, paths in sorted(unknown.items(), key=lambda item: _by_length(item[0])):
        faults.add(
            "channel_without_name",
            "--channels",
            f"{counted(len(paths), 'image')} of channel {number}, which has no name in --channels (such as "
            f"{paths[0]})",
            f"add it: {named},{number}:<name>; or, to leave it out, {named},{number}:-",
            value=number,
        )
    present = {plane.channel for plane in result.planes}
    if not present or result.unsure:
        return
    others = [f"{count} x {what}" for what, count in result.ignored.items() if "not read" in what]
    seen = sorted(present | set(unknown), key=_by_length)
    for number, name in channels.names.items():
        if number not in present:
            faults.add(
                "channel_without_images",
                "--channels",
                f"channel {number} has no image in any acquisition"
                + (f" (passed over: {listing(others)})" if others else ""),
                ("export it as TIFF if those are its images; else " if others else "")
                + f"remove it from --channels, or correct its number; the images have {listing(seen)}",
                value=f"{number}:{name}",
            )
