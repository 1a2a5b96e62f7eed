"""The picture in which a person sees whether the masks are right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from morphodose.files import replacing

#: Outlines: kept cells, nuclei, cells left out at the border.
CELL, NUCLEUS, LEFT_OUT = (255, 221, 51), (255, 102, 255), (150, 150, 150)


#: Brightness range of the picture, at least, in standard deviations of the pixel noise: else an empty
#: field would be shown as a storm.
LEAST_RANGE = 15.0


def stretch(
    channel: npt.NDArray[np.generic], low: float = 1.0, high: float = 99.7
) -> npt.NDArray[np.float32]:
    """A channel scaled to 0 … 1 between two percentiles, over `LEAST_RANGE` times its noise or more.

    All 0 where it is constant.

    Parameters
    ----------
    channel : (Y, X) array
        Counts.
    """
    pixels = channel.astype(np.float32)
    bottom, top = np.percentile(pixels, (low, high))
    noise = pixel_noise(pixels)
    top = max(top, bottom + LEAST_RANGE * noise)
    if not top > bottom:
        return np.zeros(channel.shape, np.float32)
    return np.clip((pixels - bottom) / (top - bottom), 0, 1)


def pixel_noise(pixels: npt.NDArray[np.float32]) -> float:
    """Standard deviation of the noise of an image (Y, X), in grey levels.

    From the median difference of neighbours in a row, by which edges hardly count (0.954: that median for
    normal noise of standard deviation 1).
    """
    return float(np.median(np.abs(np.diff(pixels, axis=1)))) / 0.954 if pixels.shape[1] > 1 else 0.0


def outlines(labels: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """Pixels of objects that have another label below or to the right, or above or to the left.

    Touching objects keep a line of their own each; the outline lies inside the object.

    Parameters
    ----------
    labels : (Y, X) array of int
        Label mask.
    """
    edge = np.zeros(labels.shape, bool)
    rows, columns = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    edge[1:] |= rows
    edge[:-1] |= rows
    edge[:, 1:] |= columns
    edge[:, :-1] |= columns
    return edge & (labels > 0)


def overlay(
    cell: npt.NDArray[np.generic] | None,
    nucleus: npt.NDArray[np.generic] | None,
    cells: npt.NDArray[np.integer],
    nuclei: npt.NDArray[np.integer],
    left_out: npt.NDArray[np.integer],
    largest: int = 1000,
) -> npt.NDArray[np.uint8]:
    """RGB picture of a field with the outlines of its cells and nuclei.

    Parameters
    ----------
    cell, nucleus : (Y, X) array, optional
        Stains, drawn in green and blue, each stretched between its 1st and 99.7th percentile.
    cells, nuclei, left_out : (Y, X) array of int
        Masks outlined in yellow, magenta and grey; `left_out` are the cells at the border.
    largest : int
        Longest edge of the picture in px; larger fields are thinned to every 2nd, 3rd, … pixel.

    Returns
    -------
    (y, x, 3) array of uint8
    """
    step = max(1, -(-max(cells.shape) // largest))
    thin = (slice(None, None, step), slice(None, None, step))
    height, width = cells[thin].shape
    picture = np.zeros((height, width, 3), np.float32)
    if cell is not None:
        picture[..., 1] = 200 * stretch(cell[thin])
    if nucleus is not None:
        light = stretch(nucleus[thin])
        picture[..., 2] = 255 * light
        picture[..., 0] += 60 * light  # a pure blue is hard to see
        picture[..., 1] = np.minimum(picture[..., 1] + 60 * light, 255)
    result = picture.astype(np.uint8)
    for mask, colour in ((left_out, LEFT_OUT), (cells, CELL), (nuclei, NUCLEUS)):
        result[outlines(mask[thin])] = colour
    return result


def write_png(path: str | Path, picture: npt.NDArray[np.uint8]) -> None:
    """Write an RGB picture as PNG, whole or not at all.

    Parameters
    ----------
    picture : (Y, X, 3) array of uint8
        The picture.
    """
    from PIL import Image

    with replacing(path) as temporary:
        # level 3 is half the time of the default for a few percent of size
        Image.fromarray(picture).save(temporary, format="PNG", compress_level=3)
