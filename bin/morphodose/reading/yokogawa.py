"""What CV7000 and CV8000 write beside their images: ``.mrf`` (detail), ``.mlf`` (images), ``.mes`` (setting).

Source: the files of a CV8000 (schema BTS 1.0) and github.com/fmi-faim/cellvoyager-types.
"""

from __future__ import annotations

import os
import re
from datetime import datetime

from morphodose.reading.said import Channel, Image, Sidecar, number, positive
from morphodose.reading.xmltext import BadXml, attribute, elements, local


def read_yokogawa(path: str) -> Sidecar:
    """Read the detail of a measurement, and the setting and the list of images beside it.

    Raises
    ------
    BadXml
        If one of them is not what its name says.
    """
    channels: dict[str, Channel] = {}
    plate = setting = root = ""
    wells: int | None = None
    for element in elements(path):
        root = tag = local(element)
        if tag == "MeasurementChannel":
            size = positive(attribute(element, "HorizontalPixelDimension"))
            channels[attribute(element, "Ch")] = Channel(pixel_um=size)
        elif tag == "MeasurementSamplePlate":
            plate = attribute(element, "Name")
        elif tag == "MeasurementDetail":
            setting = attribute(element, "MeasurementSettingFileName")
            counts = [number(attribute(element, key)) for key in ("RowCount", "ColumnCount")]
            wells = int((counts[0] or 0) * (counts[1] or 0)) or None
    if root != "MeasurementDetail":
        raise BadXml(f"is not the detail of a measurement (its root is {root})")
    folder = os.path.dirname(path)
    beside = os.path.join(folder, os.path.basename(setting.replace("\\", "/")))
    names = _names(beside) if setting and os.path.isfile(beside) else {}
    channels = {
        key: Channel(names[key].name, channel.pixel_um, names[key].excitation_nm, names[key].emission_nm)
        if key in names
        else channel
        for key, channel in channels.items()
    }
    images = os.path.join(folder, "MeasurementData.mlf")
    return Sidecar(
        "Yokogawa", path, channels, _images(images) if os.path.isfile(images) else {}, wells, plate
    )


def _names(path: str) -> dict[str, Channel]:
    """Number of a channel → its stain, or what it is lit and filtered by."""
    found: dict[str, Channel] = {}
    for element in elements(path):
        if local(element) != "Channel":
            continue
        texts = {
            key: attribute(element, key).strip() for key in ("Fluorophore", "Target", "Acquisition", "Method")
        }
        bright = re.search(r"bright|phase|transmi", texts["Method"], re.IGNORECASE)
        named = texts["Target"] if not re.fullmatch(r"\d*(nm)?", texts["Target"]) else ""
        lit = " ".join(part for part in (texts["Target"], texts["Acquisition"]) if part)
        band = re.match(r"BP\s*(\d{3})", texts["Acquisition"])
        found[attribute(element, "Ch")] = Channel(
            texts["Fluorophore"] or named or (texts["Method"] if bright else "") or lit,
            excitation_nm=positive(texts["Target"].removesuffix("nm")) if not named else None,
            emission_nm=float(band[1]) if band else None,
        )
    return found


def _images(path: str) -> dict[str, Image]:
    """Name of an image → its time after the first, and the place of its field in the well."""
    times: dict[str, datetime] = {}
    places: dict[str, tuple[float | None, float | None]] = {}
    for element in elements(path):
        if local(element) != "MeasurementRecord":
            continue
        name = (element.text or "").strip().replace("\\", "/").rpartition("/")[2]
        if name and attribute(element, "Type") == "IMG":
            times[name] = _time(attribute(element, "Time"))
            places[name] = (number(attribute(element, "X")), number(attribute(element, "Y")))
        element.clear()
    start = min(times.values(), default=None)
    return {
        name: Image((times[name] - start).total_seconds() / 3600 if start else None, *place)
        for name, place in places.items()
    }


def _time(text: str) -> datetime:
    # Python 3.10 takes three or six digits of a second, and the instrument may write seven
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
