"""Harmony's index of a measurement (Opera Phenix, Operetta): ``Index.xml``, ``Index.idx.xml``.

Source: the files of Harmony 4 to 5 (schemas HarmonyV5 to V7). In V5 each image repeats what holds for its
channel; later ones say it once, in a map by the channel's number.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from morphodose.reading.said import Channel, Image, Sidecar, number, positive
from morphodose.reading.xmltext import BadXml, elements, local

#: µm in the units that Harmony gives lengths; it writes metres, and says so.
_LENGTHS = {"m": 1e6, "mm": 1e3, "um": 1.0, "µm": 1.0, "nm": 1e-3}


def read_harmony(path: str) -> Sidecar:
    """Read an index of Harmony.

    Raises
    ------
    BadXml
        If it is not one.
    """
    channels: dict[str, Channel] = {}
    images: dict[str, Image] = {}
    offsets: dict[str, float] = {}
    plate: dict[str, str] = {}
    root = ""
    for element in elements(path):
        root = tag = local(element)
        if tag == "Entry" and element.get("ChannelID"):
            texts = _texts(element)
            if "ChannelName" in texts or "ImageResolutionX" in texts:
                channels.setdefault(element.get("ChannelID", ""), _channel(element, texts))
        elif tag == "Image" and len(element):
            texts = _texts(element)
            name = texts.get("URL", "").replace("\\", "/").rpartition("/")[2]
            if name:
                images[name] = Image(None, _length(element, "PositionX"), _length(element, "PositionY"))
                after = number(texts.get("MeasurementTimeOffset"))
                if after is not None:
                    offsets[name] = after
            if "ChannelName" in texts:
                channels.setdefault(texts.get("ChannelID", ""), _channel(element, texts))
            element.clear()
        elif tag == "Plate":
            plate = _texts(element)
    if root != "EvaluationInputData":
        raise BadXml(f"is not an index of Harmony (its root is {root})")
    start = min(offsets.values(), default=0.0)
    images = {
        name: Image((offsets[name] - start) / 3600 if name in offsets else None, image.x_um, image.y_um)
        for name, image in images.items()
    }
    wells = int(plate.get("PlateRows") or 0) * int(plate.get("PlateColumns") or 0)
    return Sidecar(
        "Harmony", path, channels, images, wells or None, plate.get("Name") or plate.get("PlateID") or ""
    )


def _texts(element: Element) -> dict[str, str]:
    return {local(child): (child.text or "").strip() for child in element}


def _channel(element: Element, texts: dict[str, str]) -> Channel:
    size = _length(element, "ImageResolutionX")
    return Channel(
        texts.get("ChannelName", ""),
        size if size and size > 0 else None,
        positive(texts.get("MainExcitationWavelength")),
        positive(texts.get("MainEmissionWavelength")),
    )


def _length(element: Element, tag: str) -> float | None:
    """A length in µm."""
    child = next((child for child in element if local(child) == tag), None)
    if child is None:
        return None
    found, scale = number(child.text), _LENGTHS.get(child.get("Unit", "m"))
    return found * scale if found is not None and scale else None
