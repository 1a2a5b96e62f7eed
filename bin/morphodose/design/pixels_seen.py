"""The pixels of a folder at a first look: an offset, and what the check of the run will say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from morphodose.design.counts import check_counts, offset_of
from morphodose.design.expand import Found
from morphodose.design.faults import Fault, Faults
from morphodose.design.fields import number_fields
from morphodose.design.folders import FoundFolder
from morphodose.design.kinds import check_files
from morphodose.design.namer import Namer
from morphodose.design.planes import plane_of
from morphodose.design.samplesheet import Acquisition


def judge_pixels(
    folders: Sequence[FoundFolder],
    channels: Mapping[str, str],
    has_brightfield: bool,
    found: Sequence[tuple[int, Found]],
) -> tuple[float, list[Fault]]:
    """The offset of the counts, and the faults of sizes, depths and values.

    Parameters
    ----------
    folders : sequence of FoundFolder
        One for each acquisition.
    channels : mapping
        Number of a channel → its name.
    has_brightfield : bool
        Whether a channel has this role, so that crops may be cut.
    found : sequence of (int, Found)
        Number of the folder, and a plane in it.

    Returns
    -------
    offset : float
        Counts that `intensity_offset` would subtract; 0 where there is none.
    faults : list of Fault
        What concerns single images or channels is a warning, since it may be left out.
    """
    numbers = number_fields(one.name.field for _, one in found)
    planes = [
        plane_of(index, one, one.name.well, numbers[str(one.name.field)])
        for index, one in found
        if one.series
    ]
    acquisitions = [
        Acquisition(0, p.plate, p.timepoint_h, p.replicate, p.path, p.relative, id=p.relative or p.plate)
        for p in folders
    ]
    names = Namer(acquisitions, channels)
    offset = offset_of(planes, names)
    seen = Faults()
    check_files(planes, names, seen)
    check_counts(planes, names, offset, has_brightfield, seen)
    return offset, [
        replace(fault, severity="warning")
        if fault.scope == "plane" or fault.kind in ("crop_depth", "channel_size")
        else fault
        for fault in seen.found
    ]
