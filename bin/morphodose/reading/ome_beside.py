"""OME-XML beside TIFF files of one plane each, as scan^R, CQ1 and Matrix Screener write it."""

from __future__ import annotations

import os

from morphodose.reading.ome import LENGTHS, children
from morphodose.reading.said import Channel, Image, Sidecar, number, positive
from morphodose.reading.xmltext import BadXml, local, parse


def read_ome_beside(path: str) -> Sidecar:
    """Channel, pixel size and wavelengths of each file that OME metadata name.

    Raises
    ------
    BadXml
        If it is not OME-XML.
    """
    with open(path, "rb") as stream:
        root = parse(stream.read())
    if local(root) != "OME":
        raise BadXml(f"is not OME-XML (its root is {local(root)})")
    found: dict[str, Image] = {}
    for pixels in children(root, "Image", "Pixels"):
        size = positive(pixels.get("PhysicalSizeX"), LENGTHS.get(pixels.get("PhysicalSizeXUnit", "µm"), 0.0))
        channels = [
            Channel(
                one.get("Name", ""),
                size,
                positive(one.get("ExcitationWavelength")),
                positive(one.get("EmissionWavelength")),
            )
            for one in children(pixels, "Channel")
        ]
        for block in children(pixels, "TiffData"):
            at = int(number(block.get("FirstC")) or 0)
            for uuid in children(block, "UUID"):
                name = os.path.basename(uuid.get("FileName", "").replace("\\", "/"))
                found[name] = Image(channel=channels[at] if at < len(channels) else Channel(pixel_um=size))
    plate = next(children(root, "Plate"), None)
    counts = (
        [int(number(plate.get(key)) or 0) for key in ("Rows", "Columns")] if plate is not None else [0, 0]
    )
    return Sidecar("OME-XML", path, images=found, plate_format=counts[0] * counts[1] or None)
