"""Reading and writing of projected fields (OME-TIFF, C × Y × X) and label masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from morphodose.errors import InputError
from morphodose.files import replacing

_UNREADABLE = "unreadable: "


@dataclass(frozen=True)
class Field:
    """One projected field.

    Attributes
    ----------
    pixels : (C, Y, X) array
        Raw intensities, in the depth of the instrument.
    channels : tuple of str
        Channel names, in the order of the first axis.
    pixel_size_um : float or None
        Edge of a pixel in µm; None where it is not known.
    projection : tuple of str
        How each channel was projected: ``max``, ``mean``, ``middle``, ``plane:3``, ``best_focus:4``.
    fault : str
        Why the field could not be read; its pixels are 0 then, and it is to be dropped. Empty for all others.
    """

    pixels: npt.NDArray[np.generic]
    channels: tuple[str, ...]
    pixel_size_um: float | None
    projection: tuple[str, ...] = ()
    fault: str = ""

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or len(self.pixels) != len(self.channels):
            raise ValueError(
                f"a field is (C, Y, X) with a name for each channel, got shape {self.pixels.shape} "
                f"and channels {self.channels}"
            )

    def channel(self, name: str) -> npt.NDArray[np.generic]:
        """The (Y, X) image of one channel.

        Raises
        ------
        InputError
            If the image does not have it.
        """
        if name not in self.channels:
            raise InputError(f"channel {name!r} is not in the image; it has {', '.join(self.channels)}")
        return self.pixels[self.channels.index(name)]


def write_field(path: str | Path, field: Field) -> None:
    """Write a compressed OME-TIFF that any OME reader opens with the channel names.

    Source: OME-TIFF specification, OME data model 2016-06; tiles are deflate with a horizontal predictor.
    """
    channel: dict[str, object] = {"Name": list(field.channels)}
    metadata: dict[str, object] = {"axes": "CYX", "Channel": channel}
    if field.pixel_size_um is not None:
        for axis in "XY":
            metadata[f"PhysicalSize{axis}"] = field.pixel_size_um
            metadata[f"PhysicalSize{axis}Unit"] = "µm"
    if field.fault:
        metadata["Description"] = f"{_UNREADABLE}{field.fault}"
    elif field.projection:
        pairs = zip(field.channels, field.projection, strict=True)
        metadata["Description"] = "projection: " + "; ".join(f"{name}={how}" for name, how in pairs)
    with replacing(path) as temporary, tifffile.TiffWriter(temporary, ome=True) as writer:
        writer.write(
            field.pixels,
            metadata=metadata,
            photometric="minisblack",
            compression="zlib",
            compressionargs={"level": 3},
            predictor=field.pixels.dtype.kind in "ui",
        )


def read_field(path: str | Path, channels: Sequence[str] | None = None, middle: int | None = None) -> Field:
    """Read a field that `write_field` wrote, with its channel names and pixel size.

    Parameters
    ----------
    path : path
        An OME-TIFF.
    channels : sequence of str, optional
        Names of the channels to read, in this order; by default all of the file.
    middle : int, optional
        Read only so many rows, those in the middle of the image: of a large field the strips of the others
        are not unpacked. All rows of one that has no more.

    Raises
    ------
    InputError
        If the file is not such a field, or lacks one of the channels.
    """
    try:
        with tifffile.TiffFile(path) as tiff:
            image = tifffile.xml2dict(tiff.ome_metadata)["OME"]["Image"] if tiff.ome_metadata else None
            names = _channel_names(image) if image else ()
            # a channel is a page; where a name is not there `Field.channel` says so, with those that are
            some = channels is not None and len(tiff.pages) == len(names) and set(channels) <= set(names)
            kept = [names.index(name) for name in channels or ()] if some else list(range(len(names)))
            whole = middle is None or len(tiff.pages) != len(names) or tiff.pages[0].shape[0] <= middle
            if whole or middle is None:
                pixels = tiff.asarray(key=kept) if some else tiff.asarray()
            else:
                pixels = np.stack([_middle_rows(tiff, page, middle) for page in kept])
    # tifffile and its codecs raise many kinds of error on a damaged file; all of them mean this
    except Exception as fault:
        raise InputError(f"{path}: not a readable OME-TIFF ({type(fault).__name__}: {fault})") from fault
    if image is None:
        raise InputError(f"{path}: no OME metadata; a projected field of project_z is expected")
    size = image["Pixels"].get("PhysicalSizeX")
    text = str(image.get("Description", ""))
    projection: tuple[str, ...] = ()
    unreadable = text.removeprefix(_UNREADABLE) if text.startswith(_UNREADABLE) else ""
    if text.startswith("projection: "):
        every = [part.rpartition("=")[2] for part in text.removeprefix("projection: ").split("; ")]
        projection = tuple(every[i] for i in kept)
    return Field(
        pixels.reshape((len(kept), *pixels.shape[-2:])),
        tuple(names[i] for i in kept),
        float(size) if size is not None else None,
        projection,
        unreadable,
    )


def _middle_rows(tiff: tifffile.TiffFile, number: int, rows: int) -> npt.NDArray[np.generic]:
    """The (rows, X) middle of a page, from the strips that hold it."""
    page, key = tiff.pages[number], tiff.pages[number].keyframe
    if key is None:
        raise ValueError(f"page {number} does not say how it is packed")
    height, width = key.shape
    first = (height - rows) // 2
    step = key.rowsperstrip
    found = []
    for strip in range(first // step, (first + rows - 1) // step + 1):
        tiff.filehandle.seek(page.dataoffsets[strip])
        unpacked = key.decode(tiff.filehandle.read(page.databytecounts[strip]), strip)[0]
        if unpacked is None:
            raise ValueError(f"strip {strip} of page {number} is empty")
        found.append(unpacked.reshape(-1, width))
    above = first - first // step * step
    return np.concatenate(found)[above : above + rows]


def _channel_names(image: dict[str, Any]) -> tuple[str, ...]:
    """Names of the channels in the OME metadata of an image."""
    entries = image["Pixels"]["Channel"]
    return tuple(str(entry["Name"]) for entry in (entries if isinstance(entries, list) else [entries]))


def read_channels(path: str | Path) -> tuple[str, ...]:
    """Channel names of a field that `write_field` wrote, in the order of its pages; no pixel is read.

    Raises
    ------
    InputError
        If the file has no OME metadata.
    """
    with tifffile.TiffFile(path) as tiff:
        description = tiff.ome_metadata
    if description is None:
        raise InputError(f"{path}: no OME metadata; a projected field of project_z is expected")
    entries = tifffile.xml2dict(description)["OME"]["Image"]["Pixels"]["Channel"]
    return tuple(str(entry["Name"]) for entry in (entries if isinstance(entries, list) else [entries]))


def write_labels(path: str | Path, labels: npt.NDArray[np.integer]) -> None:
    """Write an (Y, X) label mask as a compressed TIFF, uint16 where the labels fit, else uint32.

    Raises
    ------
    ValueError
        If `labels` is not an (Y, X) array of integers.
    """
    if labels.ndim != 2 or labels.dtype.kind not in "ui":
        raise ValueError(f"labels must be an (Y, X) integer array, got {labels.dtype} {labels.shape}")
    kind = np.uint16 if labels.max(initial=0) < 2**16 else np.uint32
    with replacing(path) as temporary:
        tifffile.imwrite(temporary, labels.astype(kind), compression="zlib", photometric="minisblack")


def read_labels(path: str | Path) -> npt.NDArray[np.int32]:
    """Read an (Y, X) label mask; 0 is background, other values are object labels.

    Raises
    ------
    InputError
        If the file does not hold an (Y, X) array of integers.
    """
    labels = np.asarray(tifffile.imread(path))
    if labels.ndim != 2 or labels.dtype.kind not in "ui":
        raise InputError(f"{path}: not a label mask: {labels.dtype} {labels.shape}")
    return labels.astype(np.int32)
