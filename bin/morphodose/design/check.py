"""The whole check of a design, from the parameters to a `CheckedDesign`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from morphodose.design.channels import (
    ROLE_OPTIONS,
    check_case,
    check_crop_channels,
    check_roles,
    parse_channels,
)
from morphodose.design.counts import check_counts
from morphodose.design.faults import Faults, counted, numbered
from morphodose.design.filenames import AUTO, name_pattern
from morphodose.design.grid import check_acquisitions, check_duplicates, check_grid, check_wells
from morphodose.design.groups import check_groups, groups_of
from morphodose.design.instrument import check_said
from morphodose.design.kinds import check_files
from morphodose.design.learnable import LabelledWell
from morphodose.design.namer import Namer
from morphodose.design.output import CheckedDesign
from morphodose.design.parameters import Analysis, check_analysis, check_learning
from morphodose.design.planes import Collected, Plane, collect_planes
from morphodose.design.platemap import PlateWells, read_platemap
from morphodose.design.samplesheet import Acquisition, read_samplesheet
from morphodose.errors import InputError


def check_screen(
    samplesheet: str | Path,
    plate_map: str | Path,
    *,
    file_pattern: str = AUTO,
    stack_axis: str = "",
    intensity_offset: float = 0.0,
    channels: str,
    roles: Mapping[str, str | None],
    crop_channels: str = "",
    analysis: Analysis | None = None,
    base_dir: str | Path | None = None,
    plate_format: int = 96,
    pixel_size_um: float | None = None,
    plate_map_sheet: str = "",
    tolerant: bool = False,
    show: int = 10,
    faults: Faults | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> CheckedDesign:
    """Read and check everything; all faults are collected before any is raised.

    Parameters
    ----------
    samplesheet, plate_map : path
        The two tables.
    file_pattern : str
        A preset of `morphodose.design.presets`, a regular expression, or ``auto``.
    stack_axis : str
        What planes in a row are where nothing says it (`morphodose.design.expand.STACK_AXES`).
    intensity_offset : float
        Subtracted from every pixel.
    channels : str
        ``1:Brightfield,2:Hoechst,…``.
    roles : mapping
        Role (`morphodose.design.channels.ROLE_OPTIONS`) → channel name, or None.
    crop_channels : str
        Channels of the crops, ``A,B``; empty where none are cut, or by role.
    analysis : Analysis, optional
        Parameters of later steps, to be judged with the rest.
    base_dir : path, optional
        Where relative image folders start; the samplesheet's folder by default.
    plate_format : int
        Wells on a plate.
    pixel_size_um : float, optional
        Edge of a pixel that is given; compared with the metadata.
    plate_map_sheet : str
        Sheet of a plate map that is a workbook; empty for the one that holds a plate map.
    tolerant : bool
        Leave fields with faulty images out instead of stopping.
    show : int
        How many faults of a kind the message shows.
    faults : Faults, optional
        Collects what is wrong, for a caller that wants more of it than the message.
    say : callable
        Takes lines of progress.

    Raises
    ------
    InputError
        With all faults, numbered.
    """
    faults = Faults() if faults is None else faults
    automatic = file_pattern == AUTO
    pattern = None if automatic else name_pattern(file_pattern, faults)
    named = parse_channels(channels, faults)
    given = check_roles(roles, named, faults)
    cropped = check_crop_channels(crop_channels, named, faults)
    before = len(faults.errors)
    acquisitions = read_samplesheet(samplesheet, base_dir, faults)
    sheet_is_whole = len(faults.errors) == before
    plates = list(dict.fromkeys(acquisition.plate for acquisition in acquisitions))
    # a broken row may have been the only one of its plate: only a whole sheet knows all plates
    platemap = read_platemap(
        plate_map, plates, plate_format, faults, closed=sheet_is_whole, sheet=plate_map_sheet
    )
    names = Namer(acquisitions, named.names)
    planes: list[Plane] = []
    collected = Collected()
    empty = 0
    partly: dict[str, list[str]] = {}
    if pattern is not None or automatic:
        say(f"reading the names and tags of the images of {counted(len(acquisitions), 'acquisition')}")
        collected = collect_planes(acquisitions, pattern, named, plate_format, faults, stack_axis)
        planes = collected.planes
        if automatic:
            say(f"file names: understood as {collected.pattern}")
        if platemap:
            planes, empty = check_wells(planes, acquisitions, platemap, Path(plate_map).name, faults)
        planes = check_duplicates(planes, names, faults)
        check_case({plane.channel for plane in planes}, faults)
        check_files(planes, names, faults)
        check_said(collected.said, named.names, plate_format, pixel_size_um, faults)
        check_counts(planes, names, intensity_offset, analysis is not None and analysis.deep, faults)
        needed = _needed(given, cropped, analysis)
        partly = check_grid(planes, acquisitions, names, faults, needed)
    if sheet_is_whole:
        check_acquisitions(acquisitions, faults)
    excluded = dict(faults.excluded)
    kept = [plane for plane in planes if plane.key not in excluded]
    chosen = analysis or Analysis()
    usable = kept if tolerant else planes
    check_analysis(chosen, named, roles, usable, faults)
    if platemap:
        check_groups(chosen.group_by, platemap, Path(plate_map).name, faults)
    not_learnable = ""
    # a row or plate map that is broken would make other replicates and compounds of it
    if sheet_is_whole and platemap:
        groups = groups_of(chosen.group_by, platemap) if chosen.deep else {}
        not_learnable = check_learning(chosen, _labelled(usable, acquisitions, platemap), faults, groups)
    _stop_on_errors(faults, tolerant, show)
    if not kept:
        what = f"all {len(excluded)} fields have faults" if excluded else "no image is left to analyse"
        raise InputError(f"the design has no image: {what}\n{numbered(faults.found, show)}")
    settings = {
        "plate_format": plate_format,
        "file_pattern": collected.pattern if automatic else file_pattern,
        "field_names": {str(number): text for number, text in collected.fields.items()},
        "crop_channels": cropped,
        "channels_at_some_times": partly,  # channel → acquisitions that were imaged without it
        "pixel_size_um": collected.said.pixel_um,  # by the metadata of the images
        "metadata": [sidecar.path for sidecar in collected.said.sidecars],
        "empty_well_timepoints": empty,
        "ignored_files": {reason: count for reason, count in collected.ignored.items() if count},
        "not_learnable": not_learnable,  # empty where a network can be trained and judged
    }
    return CheckedDesign(acquisitions, platemap, named, given, kept, excluded, faults.found, settings)


def _needed(roles: Mapping[str, str], cropped: Sequence[str], analysis: Analysis | None) -> dict[str, str]:
    """Channels that every time needs: cells and nuclei are found in them, or networks read them."""
    needed: dict[str, str] = {}
    if analysis is not None and analysis.deep:
        crops = list(cropped) or [roles[role] for role in ("brightfield",) if role in roles]
        needed = dict.fromkeys(crops, "--crop_channels" if cropped else ROLE_OPTIONS["brightfield"])
    return needed | {roles[role]: ROLE_OPTIONS[role] for role in ("nuclear", "cell") if role in roles}


def _labelled(
    planes: Sequence[Plane], acquisitions: Sequence[Acquisition], platemap: PlateWells
) -> set[LabelledWell]:
    """Well-timepoints with their labels; of an acquisition none of whose images is known, all on the map.

    Where file names cannot be read, faults of the parameters are told all the same, and none is made up.
    """
    wells = {(plane.acquisition, plane.well) for plane in planes}
    seen = {index for index, _ in wells}
    for index, acquisition in enumerate(acquisitions):
        if index not in seen and acquisition.folder is not None:
            wells |= {(index, well) for plate, well in platemap if plate == acquisition.plate}
    found: set[LabelledWell] = set()
    for index, well in wells:
        acquisition = acquisitions[index]
        mapped = platemap.get((acquisition.plate, well))
        if mapped is not None and mapped.role != "empty" and not mapped.broken:
            place = (acquisition.plate, acquisition.replicate, acquisition.timepoint_h, well)
            found.add((*place, mapped.role, mapped.compound, mapped.dose or 0.0))
    return found


def _stop_on_errors(faults: Faults, tolerant: bool, show: int) -> None:
    errors = faults.sheet_errors if tolerant else faults.errors
    if not errors:
        return
    counts = Counter(fault.kind.replace("_", " ") for fault in faults.errors)
    lines = [
        f"the input has {counted(len(faults.errors), 'fault')}"
        + (f" and {counted(len(faults.warnings), 'warning')}" if faults.warnings else ""),
        numbered([*faults.errors, *faults.warnings], show),
        f"in all: {', '.join(f'{count} x {kind}' for kind, count in counts.items())}",
    ]
    if not faults.sheet_errors:
        fields = counted(len(faults.excluded), "field")
        lines.append(f"--on_fault tolerant goes on without the {fields} that this concerns")
    raise InputError("\n".join(lines))
