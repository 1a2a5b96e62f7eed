"""Granularity: how much of a stain is lost when structures of growing size are removed.

MeasureGranularity of CellProfiler as in cp_measure 0.3.0 (`get_granularity`), with the same values
(tested), arranged so that the spectrum of an image is computed once for all compartments, the weights
of a mask once for all channels, and the reconstruction by a queue (Vincent, IEEE Trans. Image Process. 2
(1993) 176, the hybrid algorithm) instead of by sorting all pixels at each step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)
from morphodose.measurement.objects import Objects

Image = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spectrum:
    """Settings of MeasureGranularity, with CellProfiler's defaults.

    Attributes
    ----------
    subsample : float
        The image is sampled at this share of its size.
    background : float
        The background is estimated at this share of the sampled size.
    radius : int
        Radius of the opening that is the background, in background pixels.
    length : int
        Steps of the spectrum. Step k removes structures of radius k at the sampled size, here 4 k px.
    """

    subsample: float = 0.25
    background: float = 0.25
    radius: int = 10
    length: int = 16


@dataclass(frozen=True)
class Patches:
    """Means over the objects of a mask, taken from an image of the sampled size.

    Attributes
    ----------
    box : (N, 4) array of int64
        First row and column, height and width of each object's patch of the sampled image.
    starts : (N + 1,) array of int64
        Object i has the weights ``starts[i]`` to ``starts[i + 1]``, row by row.
    weights : (W,) array
        Bilinear weights of the sampled pixels.
    """

    box: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]


def granularity_names(channels: tuple[str, ...], spectrum: Spectrum) -> list[str]:
    """``Granularity_<step>_<Channel>``, channel by channel: per cent of the stain lost at the step."""
    return [f"Granularity_{step}_{channel}" for channel in channels for step in range(1, spectrum.length + 1)]


def granularity(
    parts: Sequence[Objects],
    totals: Sequence[npt.NDArray[np.float64]],
    pixels: npt.NDArray[np.generic],
    spectrum: Spectrum,
) -> list[npt.NDArray[np.float64]]:
    """Granularity of each compartment: (C * length, N), in the order of `granularity_names`.

    The first step also loses the background, as in CellProfiler. NaN for images that are too small to be
    sampled.

    Parameters
    ----------
    parts : sequence of Objects
        The compartments.
    totals : sequence of (C, N) array
        Sum of the values of each object, of each compartment.
    pixels : (C, Y, X) array
        Channels.
    spectrum : Spectrum
        Settings.
    """
    shape = (pixels.shape[1], pixels.shape[2])
    size = (len(pixels), spectrum.length)
    found = [np.full((*size, part.count), np.nan) for part in parts]
    if min(sampled_shape(shape, spectrum)) >= 2:
        patches = [patches_of(part, spectrum) for part in parts]
        counts = [np.diff(part.starts) for part in parts]
        for channel, image in enumerate(pixels):
            last = [total[channel] / count for total, count in zip(totals, counts, strict=True)]
            whole = [np.maximum(mean, np.finfo(float).eps) for mean in last]
            for step, left in enumerate(opened(np.asarray(image, dtype=np.float64), spectrum)):
                for index, patch in enumerate(patches):
                    sums = np.empty(parts[index].count)
                    _weighted_sums(left, patch.box, patch.starts, patch.weights, sums)
                    mean = sums / counts[index]
                    found[index][channel, step] = (last[index] - mean) * 100 / whole[index]
                    last[index] = mean
    return [values.reshape(size[0] * size[1], values.shape[-1]) for values in found]


def sampled_shape(shape: tuple[int, int], spectrum: Spectrum) -> tuple[int, int]:
    """Shape of the image after sampling."""
    height, width = (int(edge * spectrum.subsample) for edge in shape)
    return height, width


def patches_of(objects: Objects, spectrum: Spectrum) -> Patches:
    """The weights that lead from the sampled image back to the objects of a mask."""
    shape = (objects.labels.shape[0], objects.labels.shape[1])
    sampled = sampled_shape(shape, spectrum)
    # rounding can push the last row or column out of the image, where bilinear sampling finds 0
    y, x = (
        np.arange(edge) * (float(new - 1) / float(edge - 1)) for edge, new in zip(shape, sampled, strict=True)
    )
    box, starts = _patch_boxes(objects.box, y, x, *sampled)
    weights = np.zeros(starts[-1])
    _weigh(objects.starts, objects.y, objects.x, y, x, *sampled, box, starts, weights)
    return Patches(box, starts, weights)


def opened(pixels: Image, spectrum: Spectrum) -> Iterator[Image]:
    """The sampled image without background, after removal of structures of radius 1, then 2, and so on.

    The same array each time, to be read before the next step.
    """
    image = _without_background(pixels, spectrum)
    eroded, other, rebuilt = image.copy(), np.empty_like(image), np.empty_like(image)
    queue, queued = np.empty(image.size, np.int64), np.zeros(image.shape, np.bool_)
    for _ in range(spectrum.length):
        _cross_minimum(eroded, other)
        eroded, other = other, eroded
        rebuilt[:] = eroded
        _reconstruct(rebuilt, image, queue, queued)
        yield rebuilt


def _without_background(pixels: Image, spectrum: Spectrum) -> Image:
    """The image at the sampled size, less its background (a coarse opening); never below 0."""
    shape = sampled_shape((pixels.shape[0], pixels.shape[1]), spectrum)
    image = sampled_at(pixels, *(np.arange(edge) / spectrum.subsample for edge in shape))
    coarse_shape = [edge * spectrum.background for edge in shape]
    coarse = sampled_at(image, *(np.arange(np.ceil(edge)) / spectrum.background for edge in coarse_shape))
    background = -_disk_minimum(-_disk_minimum(coarse, spectrum.radius), spectrum.radius)
    back = (np.arange(edge) * ((few - 1) / (edge - 1)) for edge, few in zip(shape, coarse_shape, strict=True))
    return np.maximum(image - sampled_at(background, *back), 0)


def sampled_at(image: Image, y: npt.NDArray[np.float64], x: npt.NDArray[np.float64]) -> Image:
    """Bilinear samples of an image at rows `y` and columns `x`; 0 outside of it.

    As `scipy.ndimage.map_coordinates` of order 1 has them.

    Parameters
    ----------
    y, x : (h,), (w,) arrays
        Rows and columns, px.
    """
    found = np.zeros((len(y), len(x)))
    _bilinear(np.ascontiguousarray(image), y.astype(np.float64), x.astype(np.float64), found)
    return found


def _disk_minimum(image: Image, radius: int) -> Image:
    """Erosion by a disk; what lies beyond the image does not count."""
    found = np.empty_like(image)
    _minimum(image, radius, found)
    return found


@njit(cache=True, nogil=True)
def _bilinear(image, y, x, found):  # type: ignore[no-untyped-def]
    """Samples at each row and column within the image."""
    height, width = image.shape
    for row in range(len(y)):
        if not 0 <= y[row] <= height - 1:
            continue
        top = int(y[row])
        bottom = min(top + 1, height - 1)
        down = y[row] - top
        for column in range(len(x)):
            if not 0 <= x[column] <= width - 1:
                continue
            left = int(x[column])
            beside = min(left + 1, width - 1)
            right = x[column] - left
            above = image[top, left] * (1 - right) + image[top, beside] * right
            below = image[bottom, left] * (1 - right) + image[bottom, beside] * right
            found[row, column] = above * (1 - down) + below * down


@njit(cache=True, nogil=True)
def _minimum(image, radius, found):  # type: ignore[no-untyped-def]
    """Minimum over a disk: for each of its rows that over a piece of a line, which grows by its ends."""
    height, width = image.shape
    line = image.copy()
    other = np.empty_like(image)
    found[:] = image
    reach = 0
    for half in range(radius + 1):
        if half:
            for y in range(height):
                for x in range(width):
                    value = line[y, x]
                    if x > 0:
                        value = min(value, line[y, x - 1])
                    if x < width - 1:
                        value = min(value, line[y, x + 1])
                    other[y, x] = value
            line, other = other, line
        # rows of the disk of which this is half the width
        for down in range(radius + 1):
            reach = 0
            while (reach + 1) * (reach + 1) + down * down <= radius * radius:
                reach += 1
            if reach != half:
                continue
            for y in range(height):
                for x in range(width):
                    value = found[y, x]
                    if y >= down:
                        value = min(value, line[y - down, x])
                    if y + down < height:
                        value = min(value, line[y + down, x])
                    found[y, x] = value


@njit(cache=True, nogil=True)
def _cross_minimum(image, found):  # type: ignore[no-untyped-def]
    """Minimum of each pixel and its four neighbours."""
    height, width = image.shape
    for y in range(height):
        above, below = image[max(y - 1, 0)], image[min(y + 1, height - 1)]
        for x in range(width):
            value = min(image[y, x], min(above[x], below[x]))
            value = min(value, min(image[y, max(x - 1, 0)], image[y, min(x + 1, width - 1)]))
            found[y, x] = value


@njit(cache=True, nogil=True)
def _patch_boxes(box, y, x, height, width):  # type: ignore[no-untyped-def]
    """First row and column, height and width of the sampled pixels around each object."""
    found = np.empty_like(box)
    starts = np.zeros(len(box) + 1, np.int64)
    for index in range(len(box)):
        top, left = int(y[box[index, 0]]), int(x[box[index, 1]])
        bottom = min(int(y[box[index, 2] - 1]) + 1, height - 1)
        right = min(int(x[box[index, 3] - 1]) + 1, width - 1)
        found[index, 0] = top
        found[index, 1] = left
        found[index, 2] = bottom - top + 1
        found[index, 3] = right - left + 1
        starts[index + 1] = starts[index] + found[index, 2] * found[index, 3]
    return found, starts


@njit(cache=True, nogil=True)
def _weigh(starts, rows, columns, y, x, height, width, box, patch_starts, weights):  # type: ignore[no-untyped-def]
    """Add the four weights of each pixel of each object to its patch."""
    for index in range(len(starts) - 1):
        wide = box[index, 3]
        begin = patch_starts[index]
        for p in range(starts[index], starts[index + 1]):
            row, column = y[rows[p]], x[columns[p]]
            if row > height - 1 or column > width - 1:
                continue
            top, left = int(row), int(column)
            down, right = row - top, column - left
            bottom, beside = min(top + 1, height - 1), min(left + 1, width - 1)
            above = begin + (top - box[index, 0]) * wide - box[index, 1]
            below = begin + (bottom - box[index, 0]) * wide - box[index, 1]
            weights[above + left] += (1 - down) * (1 - right)
            weights[above + beside] += (1 - down) * right
            weights[below + left] += down * (1 - right)
            weights[below + beside] += down * right


@njit(cache=True, nogil=True)
def _weighted_sums(image, box, starts, weights, sums):  # type: ignore[no-untyped-def]
    """Weighted sum of the image over each patch."""
    for index in range(len(sums)):
        total = 0.0
        place = starts[index]
        for row in range(box[index, 0], box[index, 0] + box[index, 2]):
            for column in range(box[index, 1], box[index, 1] + box[index, 3]):
                total += weights[place] * image[row, column]
                place += 1
        sums[index] = total


@njit(cache=True, nogil=True)
def _reconstruct(image, mask, queue, queued):  # type: ignore[no-untyped-def]
    """Raster scan, anti-raster scan, then a queue of the pixels that still have to spread; in place.

    `queued` is all False before and after.
    """
    height, width = image.shape
    for y in range(height):
        for x in range(width):
            value = image[y, x]
            if y > 0:
                value = max(value, image[y - 1, x])
            if x > 0:
                value = max(value, image[y, x - 1])
            image[y, x] = min(value, mask[y, x])
    head = 0
    waiting = 0
    for y in range(height - 1, -1, -1):
        for x in range(width - 1, -1, -1):
            value = image[y, x]
            if y < height - 1:
                value = max(value, image[y + 1, x])
            if x < width - 1:
                value = max(value, image[y, x + 1])
            value = min(value, mask[y, x])
            image[y, x] = value
            spreads = False
            if y < height - 1 and image[y + 1, x] < value and image[y + 1, x] < mask[y + 1, x]:
                spreads = True
            if x < width - 1 and image[y, x + 1] < value and image[y, x + 1] < mask[y, x + 1]:
                spreads = True
            if spreads:
                queue[(head + waiting) % queue.size] = y * width + x
                queued[y, x] = True
                waiting += 1
    while waiting > 0:
        y, x = divmod(queue[head], width)
        head = (head + 1) % queue.size
        waiting -= 1
        queued[y, x] = False
        value = image[y, x]
        for step in range(4):
            ny = y + (step == 0) - (step == 1)
            nx = x + (step == 2) - (step == 3)
            if ny < 0 or nx < 0 or ny >= height or nx >= width:
                continue
            if image[ny, nx] < value and image[ny, nx] != mask[ny, nx]:
                image[ny, nx] = min(value, mask[ny, nx])
                if not queued[ny, nx]:
                    queue[(head + waiting) % queue.size] = ny * width + nx
                    queued[ny, nx] = True
                    waiting += 1
