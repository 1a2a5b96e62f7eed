"""The grid that a screen should fill: dose × time × replicate × field × z × channel."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from morphodose.design.faults import Faults, FieldKey, counted, listing
from morphodose.design.planes import Plane
from morphodose.design.platemap import PlateMap
from morphodose.design.samplesheet import Acquisition
from morphodose.design.tiff_check import TiffInfo, check_tiffs
from morphodose.names import image_id, well_timepoint_id

_ADD = "copy it from the instrument again"
Checker = Callable[[Sequence[str]], list[TiffInfo]]


def check_wells(
    planes: Iterable[Plane],
    acquisitions: Sequence[Acquisition],
    platemap: PlateMap,
    map_name: str,
    faults: Faults,
) -> tuple[list[Plane], int]:
    """Compare imaged wells with the plate map.

    Returns
    -------
    list of Plane, int
        Planes of wells that the map knows and that are not empty; the number of empty well-timepoints.
    """
    planes = list(planes)
    unmapped: dict[tuple[str, str], list[Plane]] = defaultdict(list)
    imaged: dict[str, set[str]] = defaultdict(set)
    empty: set[tuple[int, str]] = set()
    kept = []
    for plane in planes:
        place = (acquisitions[plane.acquisition].plate, plane.well)
        imaged[place[0]].add(plane.well)
        entry = platemap.get(place)
        if entry is None:
            unmapped[place].append(plane)
        elif entry.role == "empty":
            empty.add((plane.acquisition, plane.well))
        else:
            kept.append(plane)
    _report_unmapped(unmapped, platemap, map_name, faults)
    for plate in imaged:
        wells = [entry for (name, _), entry in platemap.items() if name == plate and entry.role != "empty"]
        absent = sorted(entry.well for entry in wells if entry.well not in imaged[plate])
        if absent:
            faults.warn(
                "well_without_images",
                map_name,
                f"{counted(len(absent), 'well')} of plate {plate} without an image in any acquisition",
                "give them the role empty, or look for their images",
                min(entry.row for entry in wells if entry.well in absent),
                listing(absent, 12),
            )
        if not any(entry.role == "vehicle" and entry.well in imaged[plate] for entry in wells):
            faults.warn(
                "no_vehicle",
                map_name,
                f"plate {plate} has no vehicle well with images: relative counts and death gates need them",
                "give control wells the role vehicle",
                value=plate,
            )
    return kept, len(empty)


def _report_unmapped(
    unmapped: Mapping[tuple[str, str], Sequence[Plane]], platemap: PlateMap, map_name: str, faults: Faults
) -> None:
    """One fault per plate with the wells that have images and no row."""
    mapped = {plate for plate, _ in platemap}
    for plate in dict.fromkeys(plate for plate, _ in unmapped):
        groups = {well: group for (name, well), group in sorted(unmapped.items()) if name == plate}
        if plate not in mapped:
            message = (
                f"plate {plate} has images of {counted(len(groups), 'well')} and no row in the plate map"
            )
            faults.add("plate_without_rows", map_name, message, "add its wells", value=plate)
            continue
        example = next(iter(groups.values()))[0].path
        faults.add_plane(
            "well_without_row",
            map_name,
            f"{counted(len(groups), 'well')} of plate {plate} with images and no row (such as {example})",
            "add the rows (role empty if they are not to be analysed); is --plate_format right?",
            listing(groups, 12),
            {plane.key for group in groups.values() for plane in group},
        )


def check_duplicates(planes: Iterable[Plane], names: Namer, faults: Faults) -> list[Plane]:
    """Report planes that have several files; the first of each is kept."""
    kept: dict[tuple[int, str, int, int, str], Plane] = {}
    repeated: dict[FieldKey, list[tuple[Plane, Plane]]] = defaultdict(list)
    for plane in planes:
        first = kept.setdefault((*plane.key, plane.z, plane.channel), plane)
        if first is not plane:
            repeated[plane.key].append((first, plane))
    for key, pairs in sorted(repeated.items()):
        first, second = pairs[0]
        what = names.planes((plane.channel, plane.z) for _, plane in pairs)
        faults.add_plane(
            "duplicate_planes",
            second.path,
            f"is the same plane as {first.path} ({len(pairs)} in this field: {what})",
            "keep one of the files",
            names.image(key),
            [key],
        )
    return list(kept.values())


def check_files(planes: Sequence[Plane], names: Namer, faults: Faults, check: Checker = check_tiffs) -> None:
    """Read every file's tags; set each plane's size and type, report what is unreadable or differs."""
    kinds: Counter[tuple[int, int, str]] = Counter()
    for plane, info in zip(planes, check([plane.path for plane in planes]), strict=True):
        plane.width, plane.height, plane.dtype = info.width, info.height, info.dtype
        if info.fault:
            image = names.image(plane.key)
            faults.add_plane(
                "unreadable_image", plane.path, f"the file {info.fault}", _ADD, image, [plane.key]
            )
        else:
            kinds[info.width, info.height, info.dtype] += 1
    if len(kinds) < 2:
        return
    usual = kinds.most_common(1)[0][0]
    odd: dict[FieldKey, dict[tuple[int, int, str], list[Plane]]] = defaultdict(lambda: defaultdict(list))
    for plane in planes:
        kind = (plane.width, plane.height, plane.dtype)
        if plane.dtype and kind != usual:
            odd[plane.key][kind].append(plane)
    details = {}
    example = {}
    for key, groups in odd.items():
        parts = []
        for (width, height, dtype), group in groups.items():
            parts.append(f"{names.planes((p.channel, p.z) for p in group)}: {width} x {height} {dtype}")
        details[key] = "; ".join(parts)
        example[key] = next(iter(groups.values()))[0].path
    screen = f"{usual[0]} x {usual[1]} {usual[2]}, as {kinds[usual]} of {kinds.total()} images are"
    for label, detail, keys in collapse(details, {plane.key for plane in planes}, names):
        faults.add_plane(
            "image_size",
            example[keys[0]],
            f"size or bit depth differs within the screen ({detail}; expected {screen})",
            "export all images alike, or analyse them as screens of their own",
            label,
            keys,
        )


def check_grid(
    planes: Sequence[Plane], acquisitions: Sequence[Acquisition], names: Namer, faults: Faults
) -> None:
    """Report holes of the grid.

    A field number is expected in every well, and a z in every field of its channel, when at least half of
    those there are have it; one that fewer have is itself odd and reported. Channels may have different z.
    """
    present: dict[FieldKey, set[tuple[str, int]]] = defaultdict(set)
    for plane in planes:
        present[plane.key].add((plane.channel, plane.z))
    wells = {key[:2] for key in present}
    field_counts = Counter(key[2] for key in present)
    fields = {field for field, count in field_counts.items() if 2 * count >= len(wells)}
    plane_counts = Counter(item for items in present.values() for item in items)
    channel_counts = Counter(channel for items in present.values() for channel in {c for c, _ in items})
    expected = {(c, z) for (c, z), count in plane_counts.items() if 2 * count >= channel_counts[c]}

    missing_wells = _check_wells_over_time(wells, fields, acquisitions, names, faults)
    missing, extra = {}, {}
    everything = set(present) | {(*well, field) for well in wells for field in fields}
    for key in everything:
        here = present.get(key, set())
        if not here:
            missing[key] = f"all its {counted(len(expected), 'plane')} missing"
        elif absent := expected - here:
            missing[key] = f"{counted(len(absent), 'plane')} missing: {names.planes(absent)}"
        if here and key[2] not in fields:
            extra[key] = f"field {key[2]} is in {field_counts[key[2]]} of {len(wells)} well-timepoints only"
        elif unusual := here - expected:
            counts = max(plane_counts[item] for item in unusual)
            extra[key] = f"{names.planes(unusual)}: in {counts} of {len(present)} fields only"
    for label, detail, keys in collapse(missing, everything | missing_wells, names):
        faults.add_plane(
            "missing_planes", names.folder(keys[0]), detail, _ADD.replace("it", "them"), label, keys
        )
    for label, detail, keys in collapse(extra, everything | missing_wells, names):
        mend = "remove these files, or add the others; a name may have been read wrongly (--file_pattern)"
        faults.add_plane("extra_planes", names.folder(keys[0]), detail, mend, label, keys)


def _check_wells_over_time(
    wells: set[tuple[int, str]],
    fields: set[int],
    acquisitions: Sequence[Acquisition],
    names: Namer,
    faults: Faults,
) -> set[FieldKey]:
    """A well of a plate and replicate is expected at all of its timepoints; returns the missing fields."""
    series: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index in sorted({index for index, _ in wells}):
        series[acquisitions[index].plate, acquisitions[index].replicate].append(index)
    everything: set[FieldKey] = set()
    for indices in series.values():
        ever = {well for index, well in wells if index in set(indices)}
        for index in indices:
            absent = sorted(well for well in ever if (index, well) not in wells)
            if not absent:
                continue
            keys = [(index, well, field) for well in absent for field in sorted(fields)]
            everything.update(keys)
            faults.add_plane(
                "missing_wells",
                acquisitions[index].folder,
                f"{counted(len(absent), 'well')} without an image, though they have some at other times",
                "copy their images from the instrument again",
                f"{acquisitions[index].id}: {listing(absent, 12)}",
                keys,
            )
    return everything


def check_acquisitions(acquisitions: Sequence[Acquisition], faults: Faults) -> None:
    """Every timepoint of a plate should have every replicate of that plate."""
    plates: dict[str, set[tuple[float, str]]] = defaultdict(set)
    for acquisition in acquisitions:
        plates[acquisition.plate].add((acquisition.timepoint_h, acquisition.replicate))
    for plate, pairs in plates.items():
        for time in sorted({time for time, _ in pairs}):
            for replicate in sorted({replicate for _, replicate in pairs}):
                if (time, replicate) not in pairs:
                    faults.add_plane(
                        "missing_acquisition",
                        acquisitions[0].sheet,
                        f"no row for plate {plate} at {time:g} h, replicate {replicate}, "
                        "though others have this timepoint and this replicate",
                        "add the row; with '-' for its images if it was not imaged on purpose",
                        f"{plate}, {time:g}, {replicate}",
                    )


class Namer:
    """Names of fields and planes for messages."""

    def __init__(self, acquisitions: Sequence[Acquisition], channels: Mapping[str, str]) -> None:
        self.acquisitions = acquisitions
        self.channels = channels
        self.order = {number: position for position, number in enumerate(channels)}

    def image(self, key: FieldKey) -> str:
        """The image id of a field."""
        return image_id(self.well(key), key[2])

    def well(self, key: FieldKey) -> str:
        """The well-timepoint id of a field."""
        return well_timepoint_id(self.acquisitions[key[0]].id, key[1])

    def folder(self, key: FieldKey) -> str:
        """The folder that a field's images are in."""
        return self.acquisitions[key[0]].folder or ""

    def planes(self, planes: Iterable[tuple[str, int]]) -> str:
        """``Hoechst z 1-3, PI z 2``."""
        by_channel: dict[str, set[int]] = defaultdict(set)
        for channel, z in planes:
            by_channel[channel].add(z)
        numbers = sorted(by_channel, key=lambda channel: self.order.get(channel, 0))
        return listing((f"{self.channels.get(c, c)} z {ranges(by_channel[c])}" for c in numbers), 12)


def ranges(numbers: Iterable[int]) -> str:
    """``1-3 5``: whole numbers with runs joined."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return " ".join("-".join(map(str, part)) for part in parts)


def collapse(
    details: Mapping[FieldKey, str], everything: Iterable[FieldKey], names: Namer
) -> list[tuple[str, str, list[FieldKey]]]:
    """Join fields of one well, or of one acquisition, that all have the same fault.

    Parameters
    ----------
    details : mapping
        Field → what is wrong with it.
    everything : iterable
        All fields of the screen, to know what "all" is.
    names : Namer
        Gives the labels.

    Returns
    -------
    list of (label, detail, fields)
        In the order of acquisitions, wells and fields.
    """
    if not details:
        return []
    of_acquisition: dict[int, set[FieldKey]] = defaultdict(set)
    of_well: dict[tuple[int, str], set[FieldKey]] = defaultdict(set)
    for key in everything:
        of_acquisition[key[0]].add(key)
        of_well[key[:2]].add(key)

    def alike(keys: set[FieldKey], detail: str) -> bool:
        return all(details.get(key) == detail for key in keys)

    done: set[FieldKey] = set()
    joined = []
    for key in sorted(details):
        if key in done:
            continue
        detail = details[key]
        for keys, label in (
            (
                of_acquisition[key[0]],
                f"{names.acquisitions[key[0]].id}, all {len(of_acquisition[key[0]])} fields",
            ),
            (of_well[key[:2]], f"{names.well(key)}, all {len(of_well[key[:2]])} fields"),
            ({key}, names.image(key)),
        ):
            if len(keys) == 1 and keys != {key}:
                continue
            if keys == {key} or alike(keys, detail):
                joined.append((names.image(key) if keys == {key} else label, detail, sorted(keys)))
                done |= keys
                break
    return joined
