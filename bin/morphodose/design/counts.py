"""What the pixels mean, judged on a few planes of each channel: counts, an offset, or fractions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from morphodose.design.faults import Faults, listing
from morphodose.design.namer import Namer
from morphodose.design.planes import Plane
from morphodose.errors import InputError
from morphodose.reading.pixels import OFFSET, read_plane

#: Planes of each channel that are read.
_SAMPLE = 3
_CROPPED = ("uint8", "uint16", "int16")


def check_counts(planes: Sequence[Plane], names: Namer, offset: float, deep: bool, faults: Faults) -> None:
    """Read a few planes of each channel, and report what is no count from 0.

    Parameters
    ----------
    planes : sequence of Plane
        All planes; those with a fault are left out.
    names : Namer
        Names of the channels.
    offset : float
        ``--intensity_offset``, which is subtracted.
    deep : bool
        Crops are cut, which hold counts of 8 or 16 bits.
    faults : Faults
        Takes what is wrong.
    """
    of_channel: dict[str, list[Plane]] = defaultdict(list)
    for plane in planes:
        if not plane.fault:
            of_channel[plane.channel].append(plane)
    fractions, shifted, negative, uncut, blank = [], [], [], [], []
    for channel, found in of_channel.items():
        name = names.channels.get(channel, channel)
        if deep and found[0].dtype not in _CROPPED:
            uncut.append(f"{name} {found[0].dtype}")
        low, high = _range(found, offset, names, faults)
        if low is None or high is None:
            continue
        if found[0].dtype.startswith("float") and high <= 1 and high > low:
            fractions.append(name)
        elif found[0].dtype == "uint16" and low >= OFFSET:
            shifted.append(name)
        elif low < 0:
            negative.append((low, name))
        elif low == high:
            blank.append(f"{name} {low:g}")
    if fractions:
        faults.add(
            "fractions",
            "images",
            f"channels hold fractions from 0 to 1 instead of counts: {listing(fractions)}",
            "export the counts of the camera in 16 bits (in Fiji: multiply by 65535, then Type > 16-bit)",
        )
    if shifted:
        faults.add(
            "intensity_offset",
            "--intensity_offset",
            f"no pixel of {listing(shifted)} is below {OFFSET}: an offset of the instrument (scan^R)",
            f"subtract it: --intensity_offset {OFFSET}",
            value=f"{offset:g}",
        )
    if negative:
        lowest = min(negative)[0]
        fix = (
            f"subtract it: --intensity_offset -{OFFSET}"
            if lowest < 0.8 * -OFFSET
            else "export unsigned counts"
        )
        faults.add(
            "negative_counts",
            "--intensity_offset",
            f"pixels of {listing(name for _, name in negative)} are negative, down to {lowest:g}: "
            "signed counts with an offset",
            fix,
            value=f"{offset:g}",
        )
    if uncut:
        faults.add(
            "crop_depth",
            "images",
            f"crops for networks hold counts of 8 or 16 bits, not {listing(uncut)}",
            "export 16 bits, or run without networks: --deep false",
        )
    if blank:
        faults.warn(
            "blank_channel",
            "images",
            f"{_SAMPLE} images of each channel were looked at, and hold one value alone: {listing(blank)}",
            "look at them; export them again if they should show cells",
        )


def _range(
    planes: Sequence[Plane], offset: float, names: Namer, faults: Faults
) -> tuple[float | None, float | None]:
    """Lowest and highest pixel of a few planes, less the offset."""
    chosen = sorted({round(at) for at in np.linspace(0, len(planes) - 1, _SAMPLE)})
    low, high = None, None
    for at in chosen:
        plane = planes[at]
        try:
            pixels = read_plane(plane.path, plane.place, plane.path)
        except InputError as fault:
            why = str(fault).removeprefix(f"{plane.path}: ")
            fix = "copy it from the instrument again; if that is damaged, too, leave its field out"
            image = names.image(plane.key)
            faults.add_plane("unreadable_image", plane.path, f"the file is {why}", fix, image, [plane.key])
            continue
        least, most = float(pixels.min()) - offset, float(pixels.max()) - offset
        low = least if low is None else min(low, least)
        high = most if high is None else max(high, most)
    return low, high
