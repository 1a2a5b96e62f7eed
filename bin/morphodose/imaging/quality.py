"""Figures of image quality: focus, saturation, background, what stands out from it.

Figures are absolute, since one well-timepoint cannot be compared with the rest of the plate while it is
being processed. `morphodose.imaging.judgement` makes a verdict of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from morphodose.imaging.blank import noise_and_relief, structure
from morphodose.imaging.focus import focus_figure
from morphodose.imaging.images import Field
from morphodose.imaging.saturation import ceiling, piled_up

#: Below this contrast (in units of the pixel noise) nothing stands out from the background.
MIN_CONTRAST = 3.0
#: Gaussian (px) before edges are looked for, and the width (px) that it alone gives to a sharp edge.
EDGE_SCALE = 1.0
EDGE_FLOOR = EDGE_SCALE * math.sqrt(2 * math.pi)


def power_log_log_slope(pixels: npt.NDArray[np.generic]) -> float:
    """Slope of the power spectrum on log-log axes; more negative is more blurred.

    ``PowerLogLogSlope`` of CellProfiler's MeasureImageQuality (Bray et al., J. Biomol. Screen. 17 (2012)
    266): total power in rings of one cycle per field, up to an eighth of the shorter edge. 0 for a
    constant image. It depends on magnification and content, so it is reported and not judged.

    Parameters
    ----------
    pixels : (Y, X) array
        Counts.
    """
    image = np.asarray(pixels, dtype=np.float64)
    height, width = image.shape
    rings = np.arange(2, math.floor(min(height, width) / 8))
    if np.ptp(image) == 0 or len(rings) < 2:
        return 0.0
    y, x = np.arange(height), np.arange(width)
    radius2 = np.minimum(y, height - 1 - y)[:, None] ** 2 + np.minimum(x, width - 1 - x)[None, :] ** 2
    ring = np.floor(np.sqrt(radius2)).astype(np.intp) + 1
    power = np.abs(np.fft.fft2(image - image.mean())) ** 2
    sums = np.bincount(ring.ravel(), power.ravel())[rings]
    there = sums > 0
    if there.sum() < 2:
        return 0.0
    return float(np.polyfit(np.log(rings[there]), np.log(sums[there]), 1)[0])


def pixel_noise(pixels: npt.NDArray[np.float32]) -> float:
    """Noise of single pixels (counts), from differences of neighbours, which structures hardly enter.

    The median absolute difference of horizontal neighbours, scaled to a standard deviation; at least half
    a count, the rounding of the digitiser.

    Parameters
    ----------
    pixels : (Y, X) array
        Counts.
    """
    steps = np.abs(np.diff(pixels, axis=1))
    return max(float(np.median(steps)) / 0.6745 / math.sqrt(2), 0.5)


def without_trend(pixels: npt.NDArray[np.float32], blocks: int = 8) -> npt.NDArray[np.float32]:
    """The image less a quadratic surface through its block medians: vignetting is not an object.

    Parameters
    ----------
    pixels : (Y, X) array
        Counts.
    """
    height, width = pixels.shape
    if min(height, width) < 2 * blocks:
        return pixels - np.float32(np.median(pixels))
    rows, columns = (
        np.linspace(0, height, blocks + 1, dtype=int),
        np.linspace(0, width, blocks + 1, dtype=int),
    )
    medians = [
        np.median(pixels[rows[i] : rows[i + 1], columns[j] : columns[j + 1]])
        for i in range(blocks)
        for j in range(blocks)
    ]
    centre_y = np.repeat((rows[1:] + rows[:-1]) / height - 1, blocks)
    centre_x = np.tile((columns[1:] + columns[:-1]) / width - 1, blocks)
    weights, *_ = np.linalg.lstsq(
        np.stack(_quadratic(centre_y, centre_x), axis=1), np.array(medians), rcond=None
    )
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    surface = sum(weight * term for weight, term in zip(weights, _quadratic(y, x), strict=True))
    return (pixels - np.asarray(surface)).astype(np.float32)


def _quadratic(y: npt.NDArray[np.float64], x: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], ...]:
    """Terms of a quadratic surface."""
    return (np.ones_like(y), y, x, y * x, y**2, x**2)


def stained(pixels: npt.NDArray[np.generic]) -> dict[str, float]:
    """What stands out from the background of a stained channel, and how sharp its edges are.

    Parameters
    ----------
    pixels : (Y, X) array
        Counts.

    Returns
    -------
    dict
        ``ForegroundCoverage`` (% of the field above Otsu's threshold, 0 where nothing stands out),
        ``SignalToNoise`` (contrast of foreground and background over the pixel noise), ``EdgeWidth`` (px:
        contrast over the gradient on the sharper quarter of the outlines, less what smoothing adds),
        ``ObjectRadius`` (px: median of the radii of the largest discs within the objects), and
        ``LargestObject`` (% of the field). NaN where there is no object to measure.
    """
    import scipy.ndimage as ndi
    from skimage.filters import threshold_otsu

    nothing = {
        "ForegroundCoverage": 0.0,
        "SignalToNoise": 0.0,
        "EdgeWidth": math.nan,
        "ObjectRadius": math.nan,
        "LargestObject": 0.0,
    }
    raw = np.asarray(pixels, dtype=np.float32)
    smooth = ndi.gaussian_filter(without_trend(raw), EDGE_SCALE)
    if np.ptp(smooth) == 0:
        return nothing
    # specks of a few pixels are noise or hot pixels
    mask = ndi.binary_opening(smooth > threshold_otsu(smooth), iterations=2)
    if not mask.any() or mask.all():
        return nothing
    contrast = float(np.median(smooth[mask]) - np.median(smooth[~mask]))
    noise = pixel_noise(raw)
    if contrast < MIN_CONTRAST * noise:
        return nothing | {"SignalToNoise": contrast / noise}
    objects, count = ndi.label(mask)
    sizes = np.bincount(objects.ravel())[1:]
    radii = np.zeros(count + 1)
    np.maximum.at(radii, objects[mask], ndi.distance_transform_edt(mask)[mask])
    gradient = np.hypot(ndi.sobel(smooth, 0), ndi.sobel(smooth, 1)) / 8
    outline = mask & ~ndi.binary_erosion(mask, border_value=1)
    edge = math.nan
    if outline.any():
        width = contrast / max(float(np.percentile(gradient[outline], 75)), 1e-6)
        edge = math.sqrt(max(width**2 - EDGE_FLOOR**2, 0))
    return {
        "ForegroundCoverage": 100 * float(mask.mean()),
        "SignalToNoise": contrast / noise,
        "EdgeWidth": edge,
        "ObjectRadius": float(np.median(radii[1:])),
        "LargestObject": 100 * float(sizes.max()) / mask.size,
    }


def channel_figures(pixels: npt.NDArray[np.generic], is_stain: bool) -> dict[str, float]:
    """Figures of one channel of one field.

    ``PowerLogLogSlope``, ``Focus`` (`imaging.focus.focus_figure`), ``PercentSaturated``, ``Background``
    (5th percentile, counts), ``PercentBackground`` (of `ceiling`), ``DynamicRange`` (99.9th less 5th
    percentile, counts), ``Mean`` and ``Spread`` (standard deviation, counts), ``PixelNoise`` and ``Relief``
    (counts) and, of stains of which little stands out, ``Structure`` (all of `morphodose.imaging.blank`); for
    stains also those of `stained`, NaN for brightfield.
    """
    low, high = (float(each) for each in np.percentile(np.asarray(pixels, dtype=np.float32), [5, 99.9]))
    noise, relief = noise_and_relief(pixels)
    figures = {
        "PowerLogLogSlope": power_log_log_slope(pixels),
        "Focus": focus_figure(pixels),
        "PercentSaturated": 100 * piled_up(pixels) / pixels.size,
        "Background": low,
        "PercentBackground": 100 * low / ceiling(pixels),
        "DynamicRange": high - low,
        "Mean": float(pixels.mean(dtype=np.float64)),
        "Spread": float(pixels.std(dtype=np.float64)),
        "PixelNoise": noise,
        "Relief": relief,
    }
    found = stained(pixels) if is_stain else dict.fromkeys(STAINED, math.nan)
    # where objects stand out, that they do is no question
    asked = is_stain and found["ForegroundCoverage"] < LITTLE_STAIN
    return figures | found | {"Structure": structure(pixels) if asked else math.nan}


#: Coverage (%) below which a stain is asked whether it holds anything but noise.
LITTLE_STAIN = 1.0
#: Figures of stained channels alone.
STAINED = ("ForegroundCoverage", "SignalToNoise", "EdgeWidth", "ObjectRadius", "LargestObject")


def field_figures(field: Field, brightfield: str | None = None) -> dict[str, dict[str, float]]:
    """Figures of all channels of a field, by channel."""
    return {name: channel_figures(field.channel(name), name != brightfield) for name in field.channels}


def is_stain(figures: Mapping[str, float]) -> bool:
    """Whether figures are those of a stain; brightfield has none of `STAINED`."""
    return not math.isnan(figures["ForegroundCoverage"])
