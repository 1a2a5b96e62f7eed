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
#: Share of the blocks that may hold a hot pixel or a speck.
SPECKS = 1e-3


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
        The largest distance of a block's mean from a surface of degree 6 through all of them, the greatest
        in a thousand aside; infinity for an image of less than eight blocks, which is not judged.
    """
    height, width = (BLOCK * (edge // BLOCK) for edge in pixels.shape)
    if min(height, width) < 8 * BLOCK:
        return 0.0, float("inf")
    counts = pixels[:height, :width].astype(np.float64)
    steps = np.diff(counts, axis=1).ravel()
    low, high = np.percentile(steps, [100 * SPECKS, 100 * (1 - SPECKS)])
    noise = float(np.clip(steps, low, high).std() / np.sqrt(2))
    means = counts.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK).mean(axis=(1, 3))
    y, x = (np.linspace(-1, 1, edge) for edge in means.shape)
    terms = [np.outer(y**i, x**j).ravel() for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)]
    design = np.stack(terms, axis=1)
    surface = design @ np.linalg.lstsq(design, means.ravel(), rcond=None)[0]
    away = np.abs(means.ravel() - surface)
    return noise, float(np.quantile(away, 1 - SPECKS, method="lower"))
