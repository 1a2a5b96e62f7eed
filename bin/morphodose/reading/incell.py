"""IN Cell Analyzer: the ``.xdce`` beside the images of a plate.

Source: the files of IN Cell 2000 to 6000, as Bio-Formats' InCellReader describes them.
"""

from __future__ import annotations

from morphodose.reading.said import Channel, Image, Sidecar, number, positive
from morphodose.reading.xmltext import BadXml, elements, local


def read_xdce(path: str) -> Sidecar:
    """Read an ``.xdce``: size of a pixel and of the plate, time and place of each image.

    The names of its images say their channels themselves, by the text after ``wv`` or a number.

    Raises
    ------
    BadXml
        If it is not one.
    """
    size: float | None = None
    wells: int | None = None
    plate = root = ""
    waves: list[tuple[float | None, float | None, str]] = []
    excitation: tuple[float | None, str] = (None, "")
    emission: tuple[float | None, str] = (None, "")
    told: dict[str, tuple[float | None, float | None, float | None, int]] = {}
    for element in elements(path):
        root = tag = local(element)
        if tag == "ObjectiveCalibration":
            size = positive(element.get("pixel_width"))
        elif tag == "Plate":
            counts = [number(element.get(key)) or 0 for key in ("rows", "columns")]
            wells, plate = int(counts[0] * counts[1]) or None, element.get("name", "")
        elif tag in ("ExcitationFilter", "EmissionFilter"):
            filtered = (positive(element.get("wavelength")), element.get("name", ""))
            excitation, emission = (filtered, emission) if tag.startswith("Ex") else (excitation, filtered)
        elif tag == "Wavelength":
            waves.append((excitation[0], emission[0], " - ".join(filter(None, (excitation[1], emission[1])))))
        elif tag == "Image" and element.get("filename"):
            parts = {local(child): child for child in element}
            place, index = parts.get("OffsetFromWellCenter"), parts.get("Identifier")
            told[element.get("filename", "").replace("\\", "/").rpartition("/")[2]] = (
                number(element.get("acquisition_time_ms")),
                number(place.get("x")) if place is not None else None,
                number(place.get("y")) if place is not None else None,
                int(number(index.get("wave_index")) or 0) if index is not None else 0,
            )
            element.clear()
    if root != "ImageStack":
        raise BadXml(f"is not the description of an IN Cell (its root is {root})")
    channels = [Channel(name, size, exciting, emitted) for exciting, emitted, name in waves]
    start = min((after for after, *_ in told.values() if after is not None), default=0.0)
    images = {
        name: Image(
            (after - start) / 3.6e6 if after is not None else None,
            x,
            y,
            channels[wave] if wave < len(channels) else Channel(pixel_um=size),
        )
        for name, (after, x, y, wave) in told.items()
    }
    return Sidecar("IN Cell", path, images=images, plate_format=wells, plate=plate)
