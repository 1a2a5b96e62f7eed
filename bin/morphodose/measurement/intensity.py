"""Intensity and texture of one channel in one compartment, by cp_measure's numba kernels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from morphodose.measurement import compiled  # noqa: F401  (decides where kernels are kept)
from morphodose.measurement.compartments import Compartment
from morphodose.measurement.shape import Features

GREY_LEVELS = 256


def intensity(part: Compartment, pixels: npt.NDArray[np.float64], channel: str) -> Features:
    """``Intensity_<Name>_<Channel>`` in counts and ``Location_<Name>_<X|Y>_<Channel>`` in px.

    Quartiles are those of `numpy.percentile`. z positions, which a plane has not, are left out.
    """
    from cp_measure.core.numba.measureobjectintensity import get_intensity

    found = get_intensity(part.labels, pixels)
    return {f"{name}_{channel}": values for name, values in found.items() if not name.endswith("_Z")}


def grey_levels(pixels: npt.NDArray[np.generic], scaling: str = "log") -> npt.NDArray[np.uint8]:
    """Counts → 1..255, by a rule that depends on the depth of the image alone.

    Parameters
    ----------
    pixels : (Y, X) array of uint8, uint16 or float
        Counts; floats are taken as 16-bit counts.
    scaling : {"log", "linear"}
        ``linear`` is CellProfiler's (full scale of the depth → 255). 16-bit microscopes rarely fill their
        depth: a stain of 200 to 1,500 counts has then 5 grey levels and no texture. ``log`` keeps relative
        differences, 23 levels a doubling in 16 bits, at any brightness.

    Notes
    -----
    One rule for all images of a screen: stretching each image or cell to its own range would make the same
    texture differ between doses. Level 0 is left out, since the kernel takes it for background.
    """
    if scaling not in ("log", "linear"):
        raise ValueError(f"texture scaling {scaling!r} is neither log nor linear")
    top = 255.0 if pixels.dtype == np.uint8 else 65535.0
    counts = np.clip(np.asarray(pixels, dtype=np.float32), 0, top)
    share = np.log1p(counts) / np.log1p(top) if scaling == "log" else counts / top
    levels: npt.NDArray[np.uint8] = (1 + np.rint(share * (GREY_LEVELS - 2))).astype(np.uint8)
    return levels


def texture(
    part: Compartment, levels: npt.NDArray[np.uint8], channel: str, scales: tuple[int, ...] = (3,)
) -> Features:
    """``Texture_<Name>_<Channel>_<scale>_<direction>_256``: Haralick features of the grey levels.

    NaN for objects smaller than the scale in one of the four directions.
    """
    from cp_measure.core.numba.measuretexture import get_texture

    features: Features = {}
    for scale in scales:
        for name, values in get_texture(part.labels, levels, scale, GREY_LEVELS).items():
            feature, rest = name.split("_", 1)
            features[f"Texture_{feature}_{channel}_{rest}"] = values
    return features
