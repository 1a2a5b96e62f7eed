"""OME metadata of OME-TIFF: which plane lies in which file and page, and the well, field and channel names.

Source: OME data model 2016-06 and earlier ones (names are the same), read without their namespace.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from morphodose.names import row_letters
from morphodose.reading.contents import Part, Series, place_of
from morphodose.reading.xmltext import BadXml, local, parse

#: µm in the units of length that instruments write.
LENGTHS = {"µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6}
#: Hours in the units of time.
_TIMES = {"s": 1 / 3600, "ms": 1 / 3.6e6, "min": 1 / 60, "h": 1.0, "d": 24.0}
_TYPES = {"float": "float32", "double": "float64"}


class BadMetadata(Exception):
    """Why OME metadata cannot be used."""


def children(element: Element, *names: str) -> Iterator[Element]:
    """Elements below `element` by a path of tags."""
    if not names:
        yield element
        return
    for child in element:
        if local(child) == names[0]:
            yield from children(child, *names[1:])


def read_ome(text: str, path: str) -> tuple[Series, ...]:
    """Images of OME metadata that stand in the file `path`.

    Raises
    ------
    BadMetadata
        If the text is not OME-XML, or names planes in files that are not there.
    """
    try:
        root = parse(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
    except BadXml as fault:
        raise BadMetadata(f"has OME metadata whose text {fault}") from fault
    wells = _wells(root)
    return tuple(
        _series(image, wells.get(image.get("ID", ""), (None, None)), path)
        for image in children(root, "Image")
        if any(True for _ in children(image, "Pixels"))
    )


def _wells(root: Element) -> dict[str, tuple[str | None, int | None]]:
    """Image id → its well, and its field counted from 1."""
    found: dict[str, tuple[str | None, int | None]] = {}
    for well in children(root, "Plate", "Well"):
        name = f"{row_letters(int(well.get('Row', 0)) + 1)}{int(well.get('Column', 0)) + 1:02d}"
        for number, sample in enumerate(children(well, "WellSample"), 1):
            for reference in children(sample, "ImageRef"):
                found[reference.get("ID", "")] = (name, number)
    return found


def _series(image: Element, place: tuple[str | None, int | None], path: str) -> Series:
    pixels = next(children(image, "Pixels"))
    sizes = {axis: int(pixels.get(f"Size{axis}", 1)) for axis in "XYZCT"}
    names = tuple(channel.get("Name", "") for channel in children(pixels, "Channel"))
    samples = [int(channel.get("SamplesPerPixel", 1)) for channel in children(pixels, "Channel")]
    if any(sample > 1 for sample in samples):
        raise BadMetadata(f"holds colour images ({max(samples)} samples per pixel)")
    size = pixels.get("PhysicalSizeX")
    unit = LENGTHS.get(pixels.get("PhysicalSizeXUnit", "µm"))
    kind = pixels.get("Type", "uint16")
    return Series(
        sizes["X"],
        sizes["Y"],
        _TYPES.get(kind, kind),
        tuple(_parts(pixels, sizes, path)),
        image.get("Name", ""),
        *place,
        channels=names if all(names) else (),
        pixel_um=float(size) * unit if size and unit else None,
        hours=_hours(pixels, sizes["T"]),
    )


def _hours(pixels: Element, count: int) -> tuple[float, ...]:
    """Hours of each time after the first, from the planes, or from the increment."""
    deltas: dict[int, float] = {}
    for plane in children(pixels, "Plane"):
        delta, scale = plane.get("DeltaT"), _TIMES.get(plane.get("DeltaTUnit", "s"))
        if delta and scale:
            time = int(plane.get("TheT", 0))
            deltas[time] = min(float(delta) * scale, deltas.get(time, float("inf")))
    step, scale = pixels.get("TimeIncrement"), _TIMES.get(pixels.get("TimeIncrementUnit", "s"))
    if len(deltas) == count:
        return tuple(deltas[time] - deltas[0] for time in range(count))
    return tuple(time * float(step) * scale for time in range(count)) if step and scale else ()


def _parts(pixels: Element, sizes: dict[str, int], path: str) -> Iterator[Part]:
    """Planes of an image; without TiffData they follow each other in the file."""
    order = pixels.get("DimensionOrder", "XYCZT")[2:]
    folder = os.path.dirname(path)
    steps = [sizes[axis] for axis in order]
    total = sizes["Z"] * sizes["C"] * sizes["T"]
    blocks = list(children(pixels, "TiffData"))
    done: dict[tuple[int, int, int], tuple[str, int]] = {}
    for position, block in enumerate(blocks):
        first = {axis: int(block.get(f"First{axis}", 0)) for axis in "ZCT"}
        start = block.get("IFD")
        uuid = next(children(block, "UUID"), None)
        name = uuid.get("FileName") if uuid is not None else None
        file = os.path.join(folder, os.path.basename(name.replace("\\", "/"))) if name else path
        whole = start is None and len(blocks) == 1
        count = int(block.get("PlaneCount", total if whole else 1))
        page = int(start) if start is not None else (0 if name or whole else position)
        at = [first[axis] for axis in order]
        start_index = at[0] + steps[0] * (at[1] + steps[1] * at[2])
        for offset in range(min(count, total - start_index)):
            index = start_index + offset
            place = dict(
                zip(
                    order,
                    (index % steps[0], index // steps[0] % steps[1], index // steps[0] // steps[1]),
                    strict=True,
                )
            )
            done[place["C"], place["Z"], place["T"]] = (file, page + offset)
    if not blocks:
        raise BadMetadata("has OME metadata that do not say where the planes are (no TiffData)")
    for (c, z, t), (file, page) in sorted(done.items()):
        if file != path and not os.path.exists(file):
            # a file that was renamed after it was written still says its first name
            if len({other for other, _ in done.values()}) > 1 or not path.lower().endswith((".tif", ".tiff")):
                raise BadMetadata(f"needs {os.path.basename(file)}, which is not beside it")
            file = path
        yield Part(c, z, t, file, place_of(page=page))
