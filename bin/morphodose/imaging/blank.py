"""Images in which nothing was recorded, though they are not constant: a lamp or a dye that was not there.

The noise of the digitiser may be in them, or the shape of a flat field that a constant was divided by. Where
a working dye has stained nothing cells still show, by their own light: somewhere by more than one count.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Edge (px) of the blocks whose means are compared.
BLOCK = 8
#: Degree of the surface that is not content.
DEGREE = 6
#: Blocks that a speck of dust may fill. A dying cell of 20 px fills more.
SPECKS = 4
#: Hot pixels: the share of all pixels up to which they are left out, and how far each stands above its four
#: neighbours (in units of the noise, or counts where that is below one).
HOT_SHARE = 1e-3
HOT = 5.0


def noise_and_relief(pixels: npt.NDArray[np.generic]) -> tuple[float, float]:
    """Noise of single pixels, and what stands out of a smooth surface; both in counts.

    Parameters
    ----------
    pixels : (Y, X) array
        An image.

    Returns
    -------
    noise : float
        Standard deviation, from differences of neighbours in a row.
    relief : float
        The largest distance of a block's mean from a surface of degree 6 through all of them, hot pixels and
        the four greatest aside; infinity for an image of less than eight blocks, which is not judged.
    """
    height, width = (BLOCK * (edge // BLOCK) for edge in pixels.shape)
    if min(height, width) < 8 * BLOCK:
        return 0.0, float("inf")
    counts = pixels[:height, :width].astype(np.float64)
    steps = np.diff(counts, axis=1).ravel()
    low, high = np.percentile(steps, [100 * HOT_SHARE, 100 * (1 - HOT_SHARE)])
    noise = float(np.clip(steps, low, high).std() / np.sqrt(2))
    means = (
        _without_hot_pixels(counts, noise)
        .reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
        .mean(axis=(1, 3))
    )
    y, x = (np.linspace(-1, 1, edge) for edge in means.shape)
    terms = [np.outer(y**i, x**j).ravel() for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)]
    design = np.stack(terms, axis=1)
    surface = design @ np.linalg.lstsq(design, means.ravel(), rcond=None)[0]
    away = np.abs(means.ravel() - surface)
    return noise, float(np.partition(away, -1 - SPECKS)[-1 - SPECKS])


def _without_hot_pixels(counts: npt.NDArray[np.float64], noise: float) -> npt.NDArray[np.float64]:
    """The image with hot pixels at the mean of their neighbours; unchanged where they are too many."""
    around = np.pad(counts, 1, mode="reflect")
    neighbours = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:])
    hot = counts > np.maximum.reduce(neighbours) + HOT * max(noise, 1.0)
    if hot.mean() > HOT_SHARE:
        return counts
    return np.where(hot, sum(neighbours) / len(neighbours), counts)
