"""Flat fields and dark images that the user brings: found by channel, and checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile

from morphodose.errors import InputError
from morphodose.imaging.illumination import MIN_LIGHT

ENDINGS = (".tif", ".tiff", ".TIF", ".TIFF")


def given_file(folder: Path | None, acquisition: str, channel: str) -> Path | None:
    """``<acquisition>_<channel>.tif``, else ``<channel>.tif``, in a folder; None where there is neither."""
    if folder is None:
        return None
    places = [folder / f"{name}{end}" for name in (f"{acquisition}_{channel}", channel) for end in ENDINGS]
    return next((place for place in places if place.exists()), None)


def check_names(folder: Path, option: str, channels: list[str]) -> None:
    """At least one file must be for a channel of the images: a wrong name would leave all as it is.

    Raises
    ------
    InputError
        If no file is.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in ENDINGS)
    if not any(path.stem == name or path.stem.endswith(f"_{name}") for path in files for name in channels):
        found = ", ".join(path.name for path in files) or "no TIFF"
        raise InputError(
            f"{option} {folder}: {found}, but the channels are {', '.join(channels)}; call the files "
            "<channel>.tif or <acquisition>_<channel>.tif"
        )


def read_dark_image(path: Path, shape: tuple[int, int], brightest: float) -> npt.NDArray[np.float32]:
    """An image without light, counts.

    Parameters
    ----------
    path : Path
    shape : (Y, X)
        Of the images.
    brightest : float
        Median of the images, counts: a dark image is darker.

    Raises
    ------
    InputError
        If it is not such an image.
    """
    pixels = _plane(path, "dark image", shape)
    if pixels.min() < 0 or float(pixels.mean()) > brightest:
        raise InputError(
            f"{path}: a dark image of {pixels.mean():.1f} counts in the mean, but the images have "
            f"{brightest:.1f} in the median; give the image that the camera takes without light"
        )
    return pixels


def read_flat_field(
    path: Path, shape: tuple[int, int], dark_image: npt.NDArray[np.float32] | None = None
) -> npt.NDArray[np.float32]:
    """A flat field, mean 1: an image of even light in counts, or its shape.

    Parameters
    ----------
    path : Path
    shape : (Y, X)
        Of the images.
    dark_image : (Y, X) array, optional
        Taken off first where the flat field is in counts, brighter than it everywhere.

    Raises
    ------
    InputError
        If it is not a flat field: another shape, not finite, or dark somewhere.
    """
    flat = _plane(path, "flat field", shape)
    if dark_image is not None and (flat > dark_image).all():
        flat = flat - dark_image
    mean = float(flat.mean())
    lowest = float(flat.min()) / mean if mean > 0 else -1.0
    if lowest < MIN_LIGHT:
        at = np.unravel_index(int(flat.argmin()), flat.shape)
        raise InputError(
            f"{path}: the flat field is {flat.min():g} at row {at[0]}, column {at[1]}, {lowest:.2f} of "
            f"its mean of {mean:g}; every pixel must have {MIN_LIGHT} of the mean or more: give a smooth "
            "image of even light"
        )
    return np.asarray(flat / mean, dtype=np.float32)


def _plane(path: Path, what: str, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """One finite plane of the shape of the images."""
    try:
        pixels = np.asarray(tifffile.imread(path))
    # tifffile and its codecs raise many kinds of error on a damaged file; all of them mean this
    except Exception as fault:
        raise InputError(f"{path}: not a readable TIFF ({type(fault).__name__}: {fault})") from fault
    if pixels.shape != shape:
        raise InputError(f"{path}: this {what} is {pixels.shape} px, the images are {shape}")
    if pixels.dtype.kind not in "uif" or not np.isfinite(pixels).all():
        raise InputError(f"{path}: this {what} holds values that are not finite ({pixels.dtype})")
    return pixels.astype(np.float32)
