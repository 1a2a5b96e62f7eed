"""Pixels of one plane, whatever file it lies in."""

from __future__ import annotations

import functools
import os

import numpy as np
import numpy.typing as npt
import tifffile

from morphodose.errors import InputError
from morphodose.reading.contents import KEPT_OPEN, parse_place
from morphodose.reading.vendor import read_vendor
from morphodose.reading.zarrs import read_zarr

#: What scan^R adds to its counts, and what makes signed 16 bits of unsigned ones.
OFFSET = 32768


def read_plane(path: str, place: str, name: str) -> npt.NDArray[np.generic]:
    """Pixels (Y, X) of one plane, as counts: where 0 is white they are inverted.

    Parameters
    ----------
    path : str
        The file, or the folder of an OME-Zarr.
    place : str
        Where in it the plane lies (`morphodose.reading.contents.Part`); empty for its only plane.
    name : str
        What the user calls the file, for messages.

    Raises
    ------
    InputError
        If the plane cannot be read, or a pixel is not finite.
    """
    at = parse_place(place)
    try:
        if "image" in at:
            pixels = read_zarr(path, at)
        elif "series" in at:
            pixels = read_vendor(path, at)
        else:
            pixels = _read_tiff(path, at)
    # the readers and their codecs raise many kinds of error on a damaged file; all of them mean this
    except Exception as fault:
        said = f" ({place})" if place else ""
        raise InputError(f"{name}{said}: not a readable plane ({type(fault).__name__}: {fault})") from fault
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        count = int(np.count_nonzero(~np.isfinite(pixels)))
        raise InputError(
            f"{name}: {count} of {pixels.size} pixels are not finite (NaN or infinite); export the image "
            "again, or leave its field out"
        )
    return pixels


def as_counts(pixels: npt.NDArray[np.generic], offset: float, name: str) -> npt.NDArray[np.generic]:
    """Counts from 0: less an offset of the instrument (what is below it is 0), signed counts as unsigned.

    Parameters
    ----------
    pixels : (…, Y, X) array
        As the file has them.

    Raises
    ------
    InputError
        If a signed pixel is negative after that.
    """
    if offset == 0 and pixels.dtype.kind != "i":
        return pixels
    if pixels.dtype.kind == "f":
        return (np.asarray(pixels, dtype=np.float64) - offset).astype(pixels.dtype)
    shifted = np.asarray(pixels, dtype=np.int64) - round(offset)
    if pixels.dtype.kind == "i" and shifted.min(initial=0) < 0:
        raise InputError(f"{name}: pixels are negative, down to {shifted.min()}; see --intensity_offset")
    kind = np.dtype(f"u{pixels.dtype.itemsize}")
    return np.clip(shifted, 0, np.iinfo(kind).max).astype(kind)


def _read_tiff(path: str, at: dict[str, str]) -> npt.NDArray[np.generic]:
    if not at:
        with tifffile.TiffFile(path) as tiff:
            # a page, not a series: an OME-XML that names sister files must not pull them in
            return _counts(tiff.pages.first.asarray(), tiff.pages.first)
    tiff = _open(os.path.realpath(path))
    if "page" in at:
        return _counts(tiff.pages[int(at["page"])].asarray(), tiff.pages.first)
    # ImageJ: the planes lie one after the other behind the first
    first = tiff.pages.first
    count = first.imagelength * first.imagewidth
    kind = np.dtype(tiff.byteorder + first.dtype.char if first.dtype else "u2")
    tiff.filehandle.seek(first.dataoffsets[0] + int(at["frame"]) * count * kind.itemsize)
    pixels = tiff.filehandle.read_array(kind, count).reshape(first.imagelength, first.imagewidth)
    return _counts(pixels.astype(kind.newbyteorder("=")), first)


@functools.lru_cache(maxsize=KEPT_OPEN)
def _open(path: str) -> tifffile.TiffFile:
    """A file of several planes, kept open for the next of them."""
    return tifffile.TiffFile(path)


def _counts(pixels: npt.NDArray[np.generic], page: tifffile.TiffPage) -> npt.NDArray[np.generic]:
    """Counts that rise with light: where 0 is white (TIFF 6.0, PhotometricInterpretation) it is inverted."""
    if page.photometric != 0 or pixels.dtype.kind != "u":
        return pixels
    bits = page.bitspersample
    # all bits turned: the same as the largest count less each, in the type of the counts
    top = np.asarray(2 ** (bits[0] if isinstance(bits, tuple) else bits) - 1, dtype=pixels.dtype)
    return np.bitwise_xor(pixels, top)
