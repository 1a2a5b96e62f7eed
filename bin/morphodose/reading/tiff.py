"""Planes of multi-page TIFF, ImageJ hyperstacks and OME-TIFF."""

from __future__ import annotations

import itertools
import os
from math import prod

import tifffile

from morphodose.reading.contents import Contents, Part, Series, place_of
from morphodose.reading.ome import BadMetadata, read_ome
from morphodose.reading.tiff_check import COPY, EXPORT, TiffInfo


def describe_stack(path: str, info: TiffInfo) -> Contents:
    """Planes of a TIFF that holds several, by its OME, ImageJ or other metadata.

    Parameters
    ----------
    path : str
        The file.
    info : TiffInfo
        What its tags say (`morphodose.reading.tiff_check.check_tiff`).
    """
    try:
        with tifffile.TiffFile(path) as tiff:
            if info.ome and tiff.ome_metadata:
                return _of_ome(tiff.ome_metadata, path)
            return Contents((_of_axes(tiff, path, info),), white=info.white)
    except BadMetadata as fault:
        return Contents(fault=str(fault), fix=EXPORT)
    # tifffile raises many kinds of error on a damaged file; all of them mean this
    except Exception as fault:
        return Contents(fault=f"is damaged ({type(fault).__name__}: {fault})", fix=COPY)


def describe_companion(path: str) -> Contents:
    """Planes of the TIFF files that a companion file (``*.companion.ome``) describes."""
    try:
        with open(path, encoding="utf-8") as handle:
            return _of_ome(handle.read(), path)
    except BadMetadata as fault:
        return Contents(fault=str(fault), fix="copy the whole folder from the instrument again")
    except (OSError, UnicodeDecodeError) as fault:
        return Contents(fault=f"cannot be read ({fault})", fix=COPY)


def _of_ome(text: str, path: str) -> Contents:
    series = read_ome(text, path)
    if not series:
        raise BadMetadata("has OME metadata without an image")
    files = {part.path for one in series for part in one.parts}
    return Contents(series, claimed=frozenset(os.path.normpath(file) for file in files))


def _of_axes(tiff: tifffile.TiffFile, path: str, info: TiffInfo) -> Series:
    """Axes as tifffile understands them from ImageJ's, its own or another description."""
    series = tiff.series[0]
    axes = series.axes.removesuffix("YX")
    shape = series.shape[: len(axes)]
    known = set(axes) <= set("CZT") and bool(axes) and prod(shape) == info.planes
    if not known:
        axes, shape = "Z", (info.planes,)
    parts = []
    for number, index in enumerate(itertools.product(*map(range, shape))):
        at = dict(zip(axes, index, strict=True))
        place = place_of(frame=number) if info.frames > 1 else place_of(page=info.pages[number])
        parts.append(Part(at.get("C", 0), at.get("Z", 0), at.get("T", 0), path, place))
    return Series(
        info.width,
        info.height,
        info.dtype,
        tuple(parts),
        channels=_labels(tiff, at_most=dict(zip(axes, shape, strict=True)).get("C", 1)),
        pixel_um=pixel_um(tiff),
        loose=not known,
    )


def _labels(tiff: tifffile.TiffFile, at_most: int) -> tuple[str, ...]:
    """Names of the channels that ImageJ's slice labels give."""
    labels = (tiff.imagej_metadata or {}).get("Labels") or []
    names = tuple(str(label) for label in labels[:at_most])
    return names if len(names) == at_most and len(set(names)) == at_most and at_most > 1 else ()


def pixel_um(tiff: tifffile.TiffFile) -> float | None:
    """Edge of a pixel in µm by ImageJ's unit and the resolution tag, or None."""
    unit = str((tiff.imagej_metadata or {}).get("unit", "")).replace("\\u00B5", "µ")
    scale = {"micron": 1.0, "um": 1.0, "µm": 1.0, "μm": 1.0, "nm": 1e-3, "mm": 1e3}.get(unit)
    tag = tiff.pages.first.tags.get("XResolution")
    if scale is None or tag is None or not tag.value[0]:
        return None
    return float(tag.value[1] / tag.value[0] * scale)
