"""A network run over images tile by tile, with Cellpose's tiles, weights and sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from morphodose.segmentation import flow_kernels as kernels

Pixels = npt.NDArray[np.float32]
#: (n, C, y, x) tiles → the network's output (n, y, x, K).
Forward = Callable[[Pixels], Pixels]

#: Edge of a tile in px, the part of it that tiles overlap by, and how their rims fade (Cellpose's values).
EDGE, OVERLAP, RIM, SOFTNESS = 224, 0.1, 20, 7.5
#: Sides of what the network sees are multiples of this; so much is added around an image in all.
MULTIPLE = 16


def run_tiles(forward: Forward, images: Sequence[Pixels], scale: float, batch_size: int) -> list[Pixels]:
    """Output of a network for some images, at their size.

    Parameters
    ----------
    forward : callable
        The network: (n, C, y, x) → (n, y, x, K).
    images : sequence of (Y, X, C) arrays of float32
        They may differ in shape.
    scale : float
        By which images are enlarged for the network.
    batch_size : int
        Tiles that go through the network together.

    Returns
    -------
    list of (Y, X, K) arrays of float32
        Weighted means where tiles overlap.

    Notes
    -----
    `cellpose.core.run_net`, with the tiles of a batch in memory instead of those of all images. A batch holds
    tiles of several images where these are small and of one shape.
    """
    outputs: list[Pixels] = []
    waiting: list[Pixels] = []
    for number, image in enumerate(images):
        waiting.append(image)
        following = images[number + 1].shape if number + 1 < len(images) else None
        together = max(1, batch_size // len(places(scaled_shape(image, scale))))
        if len(waiting) == together or following != image.shape:
            outputs += _run_alike(forward, waiting, scale, batch_size)
            waiting = []
    return outputs


def scaled_shape(image: Pixels, scale: float) -> tuple[int, int]:
    """Height and width of an image at the scale of the network, px.

    Parameters
    ----------
    image : (Y, X, C) array
        An image.
    """
    height, width = image.shape[:2]
    return max(1, int(height * scale)), max(1, int(width * scale))


def padding(length: int) -> tuple[int, int]:
    """Pixels added before and after a side of `length` px."""
    missing = -length % MULTIPLE
    return MULTIPLE // 2 + missing // 2, MULTIPLE // 2 + missing - missing // 2


def places(shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Upper left corners (n, 2) of the tiles of an image of a shape, once padded, in raster order."""
    starts = []
    for length in shape:
        padded = length + sum(padding(length))
        number = 1 if padded <= EDGE else int(np.ceil((1 + 2 * OVERLAP) * padded / EDGE))
        starts.append(np.linspace(0, padded - min(EDGE, padded), number).astype(int))
    return np.stack(np.meshgrid(*starts, indexing="ij"), axis=-1).reshape(-1, 2)


def taper(height: int, width: int) -> npt.NDArray[np.float64]:
    """Weights (height, width) of the pixels of a tile of at most 224 px; a full one fades at its rim."""
    away = np.abs(np.arange(EDGE) - (EDGE - 1) / 2)
    side = 1 / (1 + np.exp((away - (EDGE / 2 - RIM)) / SOFTNESS))
    rows, columns = (slice(EDGE // 2 - n // 2, EDGE // 2 + n // 2 + n % 2) for n in (height, width))
    return np.ascontiguousarray((side * side[:, np.newaxis])[rows, columns])


def _run_alike(forward: Forward, images: Sequence[Pixels], scale: float, batch_size: int) -> list[Pixels]:
    """`run_tiles` for images of one shape whose tiles share batches."""
    shape = scaled_shape(images[0], scale)
    height, width = images[0].shape[:2]
    pads = [padding(side) for side in shape]
    shown = [
        np.pad(_resized(image, shape).transpose(2, 0, 1), [(0, 0), *pads], mode="constant")
        for image in images
    ]
    corners = places(shape)
    sides = [min(EDGE, side) for side in shown[0].shape[1:]]
    weight = taper(*sides)
    totals: list[Pixels] = []
    tiles = [(image, *corner) for image in range(len(images)) for corner in corners.tolist()]
    for begin in range(0, len(tiles), batch_size):
        batch = tiles[begin : begin + batch_size]
        given = np.stack([shown[i][:, y : y + sides[0], x : x + sides[1]] for i, y, x in batch])
        for (i, y, x), tile in zip(batch, forward(given), strict=True):
            if len(totals) == i:
                totals.append(np.zeros((*shown[i].shape[1:], tile.shape[-1]), np.float32))
            kernels.add_tile(totals[i], tile, weight, y, x)
    (top, bottom), (left, right) = pads
    outputs = []
    for total in totals:
        kernels.divide_by_weights(total, weight, corners)
        inner = total[top : total.shape[0] - bottom, left : total.shape[1] - right]
        outputs.append(_resized(inner, (height, width)))
    return outputs


def _resized(image: Pixels, shape: tuple[int, int]) -> Pixels:
    """An (Y, X, C) image at another size, by bilinear interpolation."""
    if image.shape[:2] == shape:
        return image
    return np.asarray(cv2.resize(image, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
