"""What the pixels mean, judged on a few planes of each channel: counts, an offset, or fractions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from morphodose.design.faults import Faults, listing
from morphodose.design.namer import Namer
from morphodose.design.planes import Plane
from morphodose.errors import InputError
from morphodose.imaging.byte_order import is_swapped
from morphodose.reading.pixels import OFFSET, read_plane
from morphodose.reading.tiff_check import check_tiff

#: Planes of each channel that are read.
_SAMPLE = 3
_CROPPED = ("uint8", "uint16", "int16")
#: Fractions may be a little beyond 1, and a little below 0, as after a correction; counts of a camera reach
#: further.
_LEAST_FRACTION, _FRACTION = -0.2, 2.0
#: Percentile of the pixels that an offset lies below: a dead pixel is darker than any offset.
_DARK = 2


class _Seen(NamedTuple):
    """Lowest and highest pixel of some planes, `_DARK` percentile and median of the darkest, and their type.

    `swapped` counts the planes whose bytes are in the wrong order.
    """

    low: float
    high: float
    dark: float
    middle: float
    dtype: str
    swapped: int


def check_counts(planes: Sequence[Plane], names: Namer, offset: float, deep: bool, faults: Faults) -> None:
    """Read a few planes of each channel, and report values that are not counts from 0.

    Parameters
    ----------
    planes : sequence of Plane
        All planes; those with a fault are left out.
    names : Namer
        Names of the channels.
    offset : float
        ``--intensity_offset``, which is subtracted, counts.
    deep : bool
        Crops are cut, which hold counts of 8 or 16 bits.
    faults : Faults
        Takes what is wrong.
    """
    of_channel = _by_channel(planes)
    fractions, negative, wrapped, swapped = [], [], [], []
    uncut, blank, white, lossy = [], [], [], []
    looked_at = {}
    for channel, found in of_channel.items():
        name = names.channels.get(channel, channel)
        if deep and found[0].dtype not in _CROPPED:
            uncut.append(f"{name} {found[0].dtype}")
        if all(plane.white for plane in found):
            white.append(name)
        if any(check_tiff(found[at].path).lossy for at in _sampled(found)):
            lossy.append(name)
        seen = _range(found, offset, names, faults)
        if seen is None:
            continue
        looked_at[name] = seen
        if seen.swapped:
            swapped.append(name)
        if seen.low == seen.high:
            blank.append(f"{name} {seen.low:g}")
        elif found[0].dtype.startswith("float") and seen.low >= _LEAST_FRACTION and seen.high <= _FRACTION:
            fractions.append(name)
        elif _is_wrapped(seen):
            wrapped.append(name)
        elif seen.low < 0:
            negative.append((seen.low, name))
    shifted = _shifted(looked_at)
    if fractions:
        faults.add(
            "fractions",
            "images",
            f"channels hold fractions from 0 to 1 instead of counts: {listing(fractions)}",
            "export the counts of the camera in 16 bits (in Fiji: multiply by 65535, then Type > 16-bit)",
        )
    inverted = [name for name in shifted if name in white]
    if inverted:
        faults.add(
            "white_is_zero",
            "images",
            f"few pixels of {listing(inverted)} are below {OFFSET} once inverted, as the tag asks",
            "the tag is probably wrong: export the images with black as 0 (PhotometricInterpretation 1)",
        )
    elif shifted:
        faults.add(
            "intensity_offset",
            "--intensity_offset",
            f"hardly any pixel of {listing(shifted)} is below {OFFSET}: an offset of the instrument (scan^R)",
            f"subtract it: --intensity_offset {OFFSET}",
            value=f"{offset:g}",
        )
    if negative:
        lowest = min(negative)[0]
        fix = (
            f"subtract it: --intensity_offset -{OFFSET}"
            if _is_signed(min(looked_at.values()))
            else "export the counts of the camera, neither scaled nor with a background subtracted"
        )
        faults.add(
            "negative_counts",
            "--intensity_offset",
            f"pixels of {listing(name for _, name in negative)} are negative, down to {lowest:g}: "
            "signed counts with an offset, or counts that were scaled or had a background subtracted",
            fix,
            value=f"{offset:g}",
        )
    if wrapped:
        faults.add(
            "wrapped_counts",
            "images",
            f"the bright pixels of {listing(wrapped)} are negative: unsigned counts above 32767 were written "
            "as signed ones",
            "export the images as unsigned 16 bits",
        )
    if swapped:
        faults.add(
            "byte_order",
            "images",
            f"images of {listing(swapped)} have the two bytes of each count in the wrong order",
            "export them again; what wrote them names the wrong byte order at the head of the file",
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
            f"the images that were looked at hold a single value: {listing(blank)}",
            "look at them; export them again if they should show cells",
        )
    if lossy:
        faults.warn(
            "lossy_compression",
            "images",
            f"images of {listing(lossy)} were compressed as JPEG, which changes their pixels: textures and "
            "faint stains are those of the compression",
            "export them without compression, or compressed by LZW or ZIP, from the instrument's files",
        )


def _by_channel(planes: Sequence[Plane]) -> dict[str, list[Plane]]:
    """Number of a channel → its planes without a fault."""
    found: dict[str, list[Plane]] = defaultdict(list)
    for plane in planes:
        if not plane.fault:
            found[plane.channel].append(plane)
    return found


def _sampled(planes: Sequence[Plane]) -> list[int]:
    """Places of the planes that are read."""
    return sorted({round(at) for at in np.linspace(0, len(planes) - 1, _SAMPLE)})


def _range(planes: Sequence[Plane], offset: float, names: Namer, faults: Faults) -> _Seen | None:
    """Pixels of a few planes, less the offset; None where none can be read."""
    seen: list[_Seen] = []
    for at in _sampled(planes):
        plane = planes[at]
        try:
            pixels = read_plane(plane.path, plane.place, plane.path)
        except InputError as fault:
            why = str(fault).removeprefix(f"{plane.path}: ")
            image = names.image(plane.key)
            faults.add_plane("unreadable_image", plane.path, *_said(why), image, [plane.key])
            continue
        dark, middle = np.percentile(np.asarray(pixels, dtype=np.float64), (_DARK, 50)) - offset
        low, high = float(pixels.min()) - offset, float(pixels.max()) - offset
        seen.append(_Seen(low, high, float(dark), float(middle), planes[0].dtype, int(is_swapped(pixels))))
    if not seen:
        return None
    return _Seen(
        min(one.low for one in seen),
        max(one.high for one in seen),
        min(one.dark for one in seen),
        min(one.middle for one in seen),
        planes[0].dtype,
        sum(one.swapped for one in seen),
    )


def _shifted(seen: Mapping[str, _Seen]) -> list[str]:
    """Channels whose counts are above the offset; none where another is not.

    An instrument adds its offset to every channel: where one lies below it, the others are bright.
    """
    counts = {name: one for name, one in seen.items() if one.dtype == "uint16" and one.low < one.high}
    shifted = [name for name, one in counts.items() if one.dark >= OFFSET]
    return shifted if len(shifted) == len(counts) else []


def _is_signed(seen: _Seen) -> bool:
    """Whether negative counts are unsigned ones of 16 bits from which half their range was taken."""
    return seen.low < 0.8 * -OFFSET and seen.middle < 0


def _is_wrapped(seen: _Seen) -> bool:
    """Whether negative counts are unsigned ones above half the range of 16 bits, in a type that ends there.

    Most pixels are dark, and those are right.
    """
    return seen.low < 0.25 * -OFFSET and seen.middle >= 0 and seen.dtype == "int16"


def offset_of(planes: Sequence[Plane], names: Namer) -> float:
    """The ``--intensity_offset`` that a few planes of each channel ask for; 0 where none does."""
    looked_at = {
        channel: seen
        for channel, found in _by_channel(planes).items()
        if (seen := _range(found, 0.0, names, Faults())) is not None
    }
    if any(_is_signed(seen) for seen in looked_at.values()):
        return -float(OFFSET)
    inverted = any(plane.white for plane in planes)
    return float(OFFSET) if _shifted(looked_at) and not inverted else 0.0


def _said(why: str) -> tuple[str, str]:
    """Message and fix of a plane that cannot be used."""
    if "not finite" in why:
        what, _, fix = why.partition("; ")
        return f"in the file, {what}", fix
    if "COMPRESSION" in why:
        return f"the file is {why}", "export it without compression, or compressed by LZW, ZIP or JPEG 2000"
    return (
        f"the file is {why}",
        "copy it from the instrument again; if it is damaged there too, leave its field out (--on_fault "
        "tolerant)",
    )
