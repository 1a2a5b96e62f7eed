"""What the description in a TIFF of one plane says of its channel: MetaXpress, Gen5, OME and ImageJ."""

from __future__ import annotations

import re

import tifffile

from morphodose.reading.ome import LENGTHS, children
from morphodose.reading.said import Channel, number, positive
from morphodose.reading.tiff import pixel_um
from morphodose.reading.xmltext import BadXml, parse


def channel_of_tiff(path: str) -> Channel | None:
    """Name and pixel size that a TIFF gives its channel, or None.

    Resolution tags alone say nothing: most writers fill them with the dots of a printer.
    """
    try:
        with tifffile.TiffFile(path) as tiff:
            text = tiff.pages.first.description
            # MetaXpress keeps a copy of its text, in which lines may be joined
            if "<MetaData>" in text:
                return _of_metaseries(text)
            if "<BTIImageMetaData" in text and "<OME" not in text:
                return _of_gen5(text)
            if "<OME" in text:
                return _of_ome(text)
            size = pixel_um(tiff)
            return Channel(pixel_um=size) if size else None
    # tifffile raises many kinds of error on a damaged file, which the check of tags has found already
    except (tifffile.TiffFileError, BadXml, OSError, ValueError, KeyError, IndexError):
        return None


def _of_metaseries(text: str) -> Channel:
    """MetaMorph and MetaXpress: a list of properties."""
    given = dict(re.findall(r'<prop id="([^"]*)" type="[^"]*" value="([^"]*)"', text))
    size = None
    if given.get("spatial-calibration-state", "on") == "on":
        size = positive(
            given.get("spatial-calibration-x"), LENGTHS.get(given.get("spatial-calibration-units", "um"), 0.0)
        )
    name = given.get("_IllumSetting_") or given.get("image-name", "").removeprefix("Copy of ")
    return Channel(name, size, emission_nm=positive(given.get("wavelength")))


def _of_gen5(text: str) -> Channel | None:
    """Cytation and Lionheart: the stain with its wavelengths, and the width of an image."""
    start = text.index("<BTIImageMetaData")
    acquired = next(children(parse(text[start:].split("\0")[0].strip()), "ImageAcquisition"), None)
    if acquired is None:
        return None
    texts = {child.tag: child.text for child in acquired}
    width, pixels = number(texts.get("ImageWidthMicrons")), number(texts.get("PixelWidth"))
    name = next((channel.get("Color", "") for channel in children(acquired, "Channel")), "")
    waves = re.search(r"(\d{3}),\s*(\d{3})", name)
    return Channel(
        name,
        width / pixels if width and pixels and width > 0 and pixels > 0 else None,
        float(waves[1]) if waves else None,
        float(waves[2]) if waves else None,
    )


def _of_ome(text: str) -> Channel | None:
    """OME metadata of a single plane: those of its first channel."""
    pixels = next(children(parse(re.sub(r"^\s*<\?xml[^>]*\?>", "", text)), "Image", "Pixels"), None)
    if pixels is None:
        return None
    size = positive(pixels.get("PhysicalSizeX"), LENGTHS.get(pixels.get("PhysicalSizeXUnit", "µm"), 0.0))
    channels = list(children(pixels, "Channel"))
    # of several, nothing says which of them this plane is
    name = channels[0].get("Name", "") if len(channels) == 1 else ""
    return Channel(name, size)
