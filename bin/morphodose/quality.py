"""Is a field technically sound: focus, saturation, background, empty, debris; the verdict and its reason.

Figures are absolute, since one well-timepoint cannot be compared with the rest of the plate while it is
being processed. ``drop`` is for clear faults of the instrument alone: a field that is empty because a
compound has killed its cells is a result, and is only flagged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from morphodose.focus import OUT_OF_FOCUS, focus_figure
from morphodose.images import Field

#: Full scales of cameras whose counts are stored in more bits than they have: 10, 12 and 14 bits.
CAMERA_CEILINGS = (1023, 4095, 16383)
#: Below this contrast (in units of the pixel noise) nothing stands out from the background.
MIN_CONTRAST = 3.0
#: Gaussian (px) before edges are looked for, and the width (px) that it alone gives to a sharp edge.
EDGE_SCALE = 1.0
EDGE_FLOOR = EDGE_SCALE * math.sqrt(2 * math.pi)


@dataclass(frozen=True)
class Thresholds:
    """Where a figure becomes a flag, and where a fault.

    Attributes
    ----------
    edge_flag, edge_drop : float
        Width of nuclear edges, as a share of the cell diameter.
    edge_relative_flag : float
        The same as a share of the nuclear radius, where the cell diameter is not known (a flag only:
        blur enlarges the radius, too).
    edge_cell_flag : float
        Width of the edges of another stain as a share of the cell diameter, where no channel is nuclear (a
        flag only: a cell thins out towards its edge, and how far is its own).
    saturated_flag, saturated_drop : float
        Per cent of pixels at the ceiling.
    coverage_flag : float
        Per cent of the field; with less nuclear or cell stain it counts as empty.
    debris_flag : float
        Per cent of the field that one object of the nuclear stain may cover.
    background_flag : float
        Per cent of the camera's range that the background of a stain may take.
    """

    edge_flag: float = 0.13
    edge_drop: float = 0.18
    edge_relative_flag: float = 0.75
    edge_cell_flag: float = 0.18
    saturated_flag: float = 0.5
    saturated_drop: float = 10.0
    coverage_flag: float = 0.05
    debris_flag: float = 10.0
    background_flag: float = 20.0


@dataclass(frozen=True)
class Verdict:
    """``keep``, ``flag`` or ``drop``, and why in plain words (empty for ``keep``)."""

    verdict: str
    reason: str


def power_log_log_slope(pixels: npt.NDArray[np.generic]) -> float:
    """Slope of the power spectrum on log-log axes; more negative is more blurred.

    ``PowerLogLogSlope`` of CellProfiler's MeasureImageQuality (Bray et al., J. Biomol. Screen. 17 (2012)
    266): total power in rings of one cycle per field, up to an eighth of the shorter edge. 0 for a
    constant image. It depends on magnification and content, so it is reported and not judged.
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


def ceiling(pixels: npt.NDArray[np.generic]) -> float:
    """The count at which the camera saturates: that of the depth, or of a camera of fewer bits.

    An image of 16-bit depth whose maximum is exactly 1023, 4095 or 16383 comes from a camera of 10, 12 or
    14 bits.
    """
    if pixels.dtype.kind not in "ui":
        return math.inf
    top = int(np.asarray(pixels, dtype=np.int64).max(initial=0))
    return float(top if top in CAMERA_CEILINGS else 2 ** (8 * pixels.dtype.itemsize) - 1)


def pixel_noise(pixels: npt.NDArray[np.float32]) -> float:
    """Noise of single pixels (counts), from differences of neighbours, which structures hardly enter.

    The median absolute difference of horizontal neighbours, scaled to a standard deviation; at least half
    a count, the rounding of the digitiser.
    """
    steps = np.abs(np.diff(pixels, axis=1))
    return max(float(np.median(steps)) / 0.6745 / math.sqrt(2), 0.5)


def without_trend(pixels: npt.NDArray[np.float32], blocks: int = 8) -> npt.NDArray[np.float32]:
    """The image less a quadratic surface through its block medians: vignetting is no object."""
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

    ``PowerLogLogSlope``, ``Focus`` (`morphodose.focus.focus_figure`), ``PercentSaturated``, ``Background``
    (5th percentile, counts), ``PercentBackground`` (of `ceiling`), ``DynamicRange`` (99.9th less 5th
    percentile, counts), ``Mean`` and ``Spread`` (standard deviation, counts); for stains also those of
    `stained`, NaN for brightfield.
    """
    low, high = (float(each) for each in np.percentile(np.asarray(pixels, dtype=np.float32), [5, 99.9]))
    top = ceiling(pixels)
    figures = {
        "PowerLogLogSlope": power_log_log_slope(pixels),
        "Focus": focus_figure(pixels),
        "PercentSaturated": 100 * float(np.mean(np.asarray(pixels, dtype=np.float64) >= top)),
        "Background": low,
        "PercentBackground": 100 * low / top,
        "DynamicRange": high - low,
        "Mean": float(pixels.mean(dtype=np.float64)),
        "Spread": float(pixels.std(dtype=np.float64)),
    }
    found = stained(pixels) if is_stain else dict.fromkeys(STAINED, math.nan)
    return figures | found


#: Figures of stained channels alone.
STAINED = ("ForegroundCoverage", "SignalToNoise", "EdgeWidth", "ObjectRadius", "LargestObject")
#: Units of the figures; the others have none.
UNITS = {
    "PercentSaturated": "%",
    "Background": "counts",
    "PercentBackground": "%",
    "DynamicRange": "counts",
    "Mean": "counts",
    "Spread": "counts",
    "ForegroundCoverage": "%",
    "EdgeWidth": "px",
    "ObjectRadius": "px",
    "LargestObject": "%",
}


def field_figures(field: Field, brightfield: str | None = None) -> dict[str, dict[str, float]]:
    """Figures of all channels of a field, by channel."""
    return {name: channel_figures(field.channel(name), name != brightfield) for name in field.channels}


def is_stain(figures: Mapping[str, float]) -> bool:
    """Whether figures are those of a stain; brightfield has none of `STAINED`."""
    return not math.isnan(figures["ForegroundCoverage"])


def judge(
    figures: Mapping[str, Mapping[str, float]],
    nuclear: str | None = None,
    cell: str | None = None,
    diameter: float = 0.0,
    thresholds: Thresholds | None = None,
) -> Verdict:
    """Verdict on one field.

    Parameters
    ----------
    figures : mapping
        Channel → its figures (`field_figures`).
    nuclear, cell : str, optional
        The channels that are segmented; faults of other channels are flags at most.
    diameter : float
        Diameter of a cell in px, 0 where it is not known; defocus is a fault only where it is.
    thresholds : Thresholds, optional
        Where a figure becomes a flag or a fault.

    Returns
    -------
    Verdict
        The worst of all findings, and all reasons of flags and faults with value and threshold.
    """
    limits = thresholds or Thresholds()
    needed = [name for name in (nuclear, cell) if name is not None and name in figures]
    drops: list[str] = []
    flags: list[str] = []
    for name, found in figures.items():
        into = drops if name in needed else flags
        if found["Spread"] == 0:
            into.append(f"{name} is constant at {found['Mean']:g} counts")
        saturated = found["PercentSaturated"]
        if saturated > limits.saturated_drop:
            into.append(
                f"{name}: {saturated:.1f} % of the pixels are saturated (> {limits.saturated_drop:g} %)"
            )
        elif saturated > limits.saturated_flag:
            flags.append(
                f"{name}: {saturated:.1f} % of the pixels are saturated (> {limits.saturated_flag:g} %)"
            )
        # a light field is meant to be bright
        background = found["PercentBackground"]
        if is_stain(found) and found["Spread"] > 0 and background > limits.background_flag:
            flags.append(
                f"{name}: the background takes {background:.0f} % of the camera's range "
                f"(> {limits.background_flag:g} %)"
            )
    if nuclear is None or nuclear not in figures:
        _judge_other_focus(figures, cell, diameter, limits, flags)
    else:
        nuclei = figures[nuclear]
        _judge_focus(nuclear, nuclei, diameter, limits, drops, flags)
        largest = nuclei["LargestObject"]
        if largest > limits.debris_flag:
            flags.append(
                f"one object covers {largest:.0f} % of the field in {nuclear} (> {limits.debris_flag:g} %): "
                "debris or a clump"
            )
    bare = [
        name
        for name in needed
        if figures[name]["Spread"] > 0 and figures[name]["ForegroundCoverage"] < limits.coverage_flag
    ]
    if needed and bare == needed:
        covered = ", ".join(f"{figures[name]['ForegroundCoverage']:.2f} % in {name}" for name in bare)
        flags.append(f"empty: stain covers {covered} (< {limits.coverage_flag:g} %)")
    verdict = "drop" if drops else "flag" if flags else "keep"
    return Verdict(verdict, "; ".join(drops + flags))


def _judge_focus(
    name: str,
    found: Mapping[str, float],
    diameter: float,
    limits: Thresholds,
    drops: list[str],
    flags: list[str],
) -> None:
    """Defocus, by the width of nuclear edges against the size of a cell."""
    width = found["EdgeWidth"]
    if not math.isfinite(width):
        return
    if diameter > 0:
        share = width / diameter
        for limit, into in ((limits.edge_drop, drops), (limits.edge_flag, flags)):
            if share > limit:
                into.append(
                    f"{OUT_OF_FOCUS}: edges in {name} are {width:.1f} px wide, "
                    f"{share:.2f} of the cell diameter (> {limit:g})"
                )
                return
    elif width / found["ObjectRadius"] > limits.edge_relative_flag:
        flags.append(
            f"perhaps {OUT_OF_FOCUS}: edges in {name} are {width:.1f} px wide, "
            f"{width / found['ObjectRadius']:.2f} of the radius (> {limits.edge_relative_flag:g})"
        )


def _judge_other_focus(
    figures: Mapping[str, Mapping[str, float]],
    cell: str | None,
    diameter: float,
    limits: Thresholds,
    flags: list[str],
) -> None:
    """Defocus where no channel is nuclear: by the edges of the cell stain, else of the sharpest stain."""
    widths = {name: found["EdgeWidth"] for name, found in figures.items() if is_stain(found)}
    if cell is not None and cell in widths:
        widths = {cell: widths[cell]}
    widths = {name: width for name, width in widths.items() if math.isfinite(width)}
    if not widths or diameter <= 0:
        return
    name = min(widths, key=lambda each: widths[each])
    share = widths[name] / diameter
    if share > limits.edge_cell_flag:
        flags.append(
            f"perhaps {OUT_OF_FOCUS}: edges in {name} are {widths[name]:.1f} px wide, "
            f"{share:.2f} of the cell diameter (> {limits.edge_cell_flag:g})"
        )
