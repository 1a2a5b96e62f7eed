"""The grid that a screen should fill: dose × time × replicate × field × z × channel."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from morphodose.design.faults import Faults, FieldKey, counted, listing
from morphodose.design.namer import Namer, collapse
from morphodose.design.planes import Plane
from morphodose.design.platemap import PlateWells
from morphodose.design.samplesheet import Acquisition

_ADD = "copy it from the instrument again"


def check_wells(
    planes: Iterable[Plane],
    acquisitions: Sequence[Acquisition],
    platemap: PlateWells,
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
    imaged_at: dict[str, dict[float, set[str]]] = defaultdict(lambda: defaultdict(set))
    empty: set[tuple[int, str]] = set()
    kept = []
    for plane in planes:
        place = (acquisitions[plane.acquisition].plate, plane.well)
        imaged[place[0]].add(plane.well)
        imaged_at[place[0]][acquisitions[plane.acquisition].timepoint_h].add(plane.well)
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
        absent = sorted(entry.well for entry in wells if entry.well not in imaged[plate] and not entry.broken)
        if absent:
            faults.warn(
                "well_without_images",
                map_name,
                f"{counted(len(absent), 'well')} of plate {plate} without an image in any acquisition",
                "give them the role empty, or look for their images",
                min(entry.row for entry in wells if entry.well in absent),
                listing(absent, 12),
            )
        vehicle = {entry.well for entry in wells if entry.role == "vehicle"}
        without = [hours for hours, there in sorted(imaged_at[plate].items()) if not vehicle & there]
        if without:
            some = len(without) < len(imaged_at[plate])
            when = f" at {listing(f'{hours:g}' for hours in without)} h" if some else ""
            faults.warn(
                "no_vehicle",
                map_name,
                f"plate {plate} has no vehicle well with images{when}: relative counts and death gates need "
                "them" + (" at the same time" if some else ""),
                "look for the images of its vehicle wells" if some else "give control wells the role vehicle",
                value=plate,
            )
    return kept, len(empty)


def _report_unmapped(
    unmapped: Mapping[tuple[str, str], Sequence[Plane]], platemap: PlateWells, map_name: str, faults: Faults
) -> None:
    """One fault per plate with the wells that have images and no row."""
    mapped = {plate for plate, _ in platemap}
    for plate in dict.fromkeys(plate for plate, _ in unmapped):
        groups = {well: group for (name, well), group in sorted(unmapped.items()) if name == plate}
        if plate not in mapped:
            message = (
                f"plate {plate} has images of {counted(len(groups), 'well')} but no row in the plate map"
            )
            faults.add("plate_without_rows", map_name, message, "add its wells", value=plate)
            continue
        example = next(iter(groups.values()))[0].path
        faults.add_plane(
            "well_without_row",
            map_name,
            f"{counted(len(groups), 'well')} of plate {plate} with images but without a row (such as "
            f"{example})",
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
            "keep one of the files; if the images differ, give a --file_pattern with a group for what "
            "tells them apart",
            names.image(key),
            [key],
        )
    return list(kept.values())


def check_grid(
    planes: Sequence[Plane],
    acquisitions: Sequence[Acquisition],
    names: Namer,
    faults: Faults,
    needed: Mapping[str, str] | None = None,
) -> dict[str, list[str]]:
    """Report holes of the grid.

    A z is expected in every field of its channel when at least half of those there are have it; one that
    fewer have is itself odd and reported. Channels may have different z. Wells may have different fields: a
    field is a fault where some of its planes are there and others are not.

    A channel that all acquisitions of some times lack was imaged at the other times only (an end-point
    stain): it is said, and what is measured in it is missing at those times. Where some acquisitions of a
    time lack it, or it is `needed` at every time, it is one fault, whatever the number of fields.

    Parameters
    ----------
    planes : sequence of Plane
        All planes.
    acquisitions : sequence of Acquisition
        Rows of the samplesheet.
    names : Namer
        Gives the labels.
    faults : Faults
        Takes what is wrong.
    needed : mapping, optional
        Name of a channel that every time needs → the parameter that asks for it.

    Returns
    -------
    dict
        Name of each channel that was imaged at some times only → acquisitions without it.
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
    lacking = _channels_of_some_times(present, channel_counts, acquisitions, names, faults, needed or {})

    rare = _channels_of_few_fields(present, channel_counts, lacking, names, faults)
    shifted = _shifted_z(present, expected, names, faults)
    missing_wells = _check_wells_over_time(wells, fields, acquisitions, names, faults)
    missing, extra = {}, {}
    for key, here in present.items():
        if key in shifted:
            continue
        wanted = {(c, z) for c, z in expected if key[0] not in lacking.get(c, ()) and c not in rare}
        if absent := wanted - here:
            missing[key] = f"{counted(len(absent), 'plane')} missing: {names.planes(absent)}"
        if unusual := here - expected:
            counts = max(plane_counts[item] for item in unusual)
            extra[key] = f"{names.planes(unusual)}: in {counts} of {len(present)} fields only"
    everything = set(present) | missing_wells
    for label, detail, keys in collapse(missing, everything, names):
        faults.add_plane(
            "missing_planes", names.folder(keys[0]), detail, _ADD.replace("it", "them"), label, keys
        )
    for label, detail, keys in collapse(extra, everything, names):
        fix = "remove these files, or add the others; a name may have been read wrongly (--file_pattern)"
        faults.add_plane("extra_planes", names.folder(keys[0]), detail, fix, label, keys)
    _say_where_fields_differ(present, names, faults)
    return {
        names.channels.get(channel, channel): [acquisitions[index].id for index in sorted(indices)]
        for channel, indices in lacking.items()
    }


def _channels_of_some_times(
    present: Mapping[FieldKey, Collection[tuple[str, int]]],
    channel_counts: Mapping[str, int],
    acquisitions: Sequence[Acquisition],
    names: Namer,
    faults: Faults,
    needed: Mapping[str, str],
) -> dict[str, set[int]]:
    """Channels that whole acquisitions lack: number → indices of these; each is said, or one fault."""
    there: dict[int, set[str]] = defaultdict(set)
    for key, items in present.items():
        there[key[0]] |= {channel for channel, _ in items}
    lacking: dict[str, set[int]] = {}
    for channel in channel_counts:
        without = {index for index, channels in there.items() if channel not in channels}
        if not without:
            continue
        lacking[channel] = without
        without_ids = listing([acquisitions[index].id for index in sorted(without)], 6)
        name = names.channels.get(channel, channel)
        message = (
            f"channel {channel} was imaged in {len(there) - len(without)} of {len(there)} acquisitions; "
            f"without it: {without_ids}"
        )
        gone = {acquisitions[index].timepoint_h for index in without}
        by_time = gone.isdisjoint(acquisitions[index].timepoint_h for index in set(there) - without)
        if by_time and name not in needed:
            faults.warn(
                "channel_at_some_times",
                "--channels",
                f"{message}. It counts as imaged at the other times only (an end-point stain): what is "
                "measured in it, and death states that need it, are missing at "
                f"{listing(f'{hours:g} h' for hours in sorted(gone))}",
                "nothing, if it was imaged so; else copy its images",
                value=f"{channel}:{name}",
            )
            continue
        why = f", but {needed[name]} needs it at every time" if by_time else ", at times when others have it"
        else_ = f"choose another {needed[name]}" if by_time else "leave the channel out"
        fix = f"copy its images; or {else_}; or analyse the acquisitions that have it as a separate screen"
        faults.add_plane(
            "channel_at_some_times",
            "--channels",
            message + why,
            fix,
            f"{channel}:{name}",
            [key for key in present if key[0] in without],
        )
    return lacking


def _channels_of_few_fields(
    present: Mapping[FieldKey, Collection[tuple[str, int]]],
    channel_counts: Mapping[str, int],
    lacking: Mapping[str, Collection[int]],
    names: Namer,
    faults: Faults,
) -> set[str]:
    """Channels that more than half of the fields lack in acquisitions that have them: one fault for each."""
    rare = set()
    for channel, count in channel_counts.items():
        without = lacking.get(channel, ())
        keys = [key for key in present if key[0] not in without]
        if 2 * count >= len(keys):
            continue
        rare.add(channel)
        having = {key for key in keys if any(c == channel for c, _ in present[key])}
        name = names.channels.get(channel, channel)
        wells = dict.fromkeys(names.well(key) for key in sorted(having))
        faults.add_plane(
            "channel_in_few_fields",
            "--channels",
            f"channel {channel} is present in only {count} of {len(keys)} fields ({listing(wells, 4)}): "
            "imaged "
            "in these wells only, or read wrongly from the names (--file_pattern)",
            f"leave it out, with {channel}:- in --channels, or copy its images of the other fields",
            f"{channel}:{name}",
            [key for key in keys if key not in having],
        )
    return rare


def _shifted_z(
    present: Mapping[FieldKey, Collection[tuple[str, int]]],
    expected: Collection[tuple[str, int]],
    names: Namer,
    faults: Faults,
) -> set[FieldKey]:
    """Fields whose z are those of the others but for the number they start from."""
    shifted: dict[FieldKey, str] = {}
    for key, here in present.items():
        wanted = {(c, z) for c, z in expected if any(c == other for other, _ in here)}
        if here == wanted or not wanted:
            continue
        step = min(z for _, z in here) - min(z for _, z in wanted)
        if step and {(c, z + step) for c, z in wanted} == set(here):
            first = min(z for _, z in here)
            shifted[key] = f"z starts at {first} here, and at {first - step} in most fields"
    for label, detail, keys in collapse(shifted, present, names):
        faults.add_plane(
            "z_numbers",
            names.folder(keys[0]),
            detail,
            "number the z of all files alike; if the first planes are really missing, copy them",
            label,
            keys,
        )
    return set(shifted)


def _say_where_fields_differ(present: Iterable[FieldKey], names: Namer, faults: Faults) -> None:
    """A warning where wells have different numbers of fields."""
    fields: dict[tuple[int, str], int] = Counter(key[:2] for key in present)
    counts = Counter(fields.values())
    if len(counts) < 2:
        return
    usual = counts.most_common(1)[0][0]
    odd = [f"{names.well((*well, 0))}: {count}" for well, count in sorted(fields.items()) if count != usual]
    faults.warn(
        "fields_differ",
        "images",
        f"wells have different numbers of fields: {usual} in {counts[usual]} of {len(fields)} "
        f"well-timepoints; other numbers in {listing(odd, 6)}",
        "nothing, if they were imaged so; else copy the others from the instrument",
    )


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
                        "add the row, with '-' for its images if it was deliberately not imaged",
                        f"{plate}, {time:g}, {replicate}",
                    )
