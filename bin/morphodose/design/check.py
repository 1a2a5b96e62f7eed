"""The whole check of a design, from the parameters to a judged `Design`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from morphodose.design.channels import check_crop_channels, check_roles, parse_channels
from morphodose.design.faults import Faults, counted, numbered
from morphodose.design.filenames import name_pattern
from morphodose.design.grid import (
    Namer,
    check_acquisitions,
    check_duplicates,
    check_files,
    check_grid,
    check_wells,
)
from morphodose.design.output import Design
from morphodose.design.planes import Plane, collect_planes
from morphodose.design.platemap import read_platemap
from morphodose.design.samplesheet import read_samplesheet
from morphodose.errors import InputError


def judge(
    samplesheet: str | Path,
    plate_map: str | Path,
    *,
    file_pattern: str,
    channels: str,
    roles: Mapping[str, str | None],
    crop_channels: str = "",
    base_dir: str | Path | None = None,
    plate_format: int = 96,
    tolerant: bool = False,
    show: int = 10,
    faults: Faults | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Design:
    """Read and check everything; all faults are collected before any is raised.

    Parameters
    ----------
    samplesheet, plate_map : path
        The two tables.
    file_pattern : str
        A preset of `morphodose.design.filenames`, or a regular expression.
    channels : str
        ``1:Brightfield,2:Hoechst,…``.
    roles : mapping
        Role (`morphodose.design.channels.ROLE_OPTIONS`) → channel name, or None.
    crop_channels : str
        Channels of the crops, ``A,B``; empty where none are cut, or by role.
    base_dir : path, optional
        Where relative image folders start; the samplesheet's folder by default.
    plate_format : int
        Wells on a plate.
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
    pattern = name_pattern(file_pattern, faults)
    named = parse_channels(channels, faults)
    given = check_roles(roles, named, faults)
    cropped = check_crop_channels(crop_channels, named, faults)
    before = len(faults.errors)
    acquisitions = read_samplesheet(samplesheet, base_dir, faults)
    sheet_is_whole = len(faults.errors) == before
    plates = list(dict.fromkeys(acquisition.plate for acquisition in acquisitions))
    # a broken row may have been the only one of its plate: only a whole sheet knows all plates
    platemap = read_platemap(plate_map, plates, plate_format, faults, closed=sheet_is_whole)
    names = Namer(acquisitions, named.names)
    planes: list[Plane] = []
    ignored: Counter[str] = Counter()
    empty = 0
    if pattern is not None:
        say(f"reading the names of the images of {len(acquisitions)} acquisitions")
        planes, ignored = collect_planes(acquisitions, pattern, named, plate_format, faults)
        if platemap:
            planes, empty = check_wells(planes, acquisitions, platemap, Path(plate_map).name, faults)
        planes = check_duplicates(planes, names, faults)
        say(f"reading the tags of {len(planes)} images")
        check_files(planes, names, faults)
        check_grid(planes, acquisitions, names, faults)
    if sheet_is_whole:
        check_acquisitions(acquisitions, faults)
    _stop_on_errors(faults, tolerant, show)
    excluded = dict(faults.excluded)
    kept = [plane for plane in planes if plane.key not in excluded]
    if not kept:
        what = f"all {len(excluded)} fields have faults" if excluded else "no image is left to analyse"
        raise InputError(f"the design has no image: {what}\n{numbered(faults.found, show)}")
    settings = {
        "plate_format": plate_format,
        "file_pattern": file_pattern,
        "crop_channels": cropped,
        "empty_well_timepoints": empty,
        "ignored_files": dict(ignored),
    }
    return Design(acquisitions, platemap, named, given, kept, excluded, faults.found, settings)


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
