"""Images in which nothing was recorded, though they are not constant: a lamp or a dye that was not there.

The noise of the digitiser may be in them, or the shape of a flat field that a constant was divided by. Where
a working dye has stained nothing cells still show, by their own light: somewhere by more than one count; or,
where the noise of the camera is more than that, by means of blocks that are not those of noise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Edge (px) of the blocks whose means are compared.
BLOCK = 8
#: Degree of the surface that is not content.
DEGREE = 6
#: Blocks from which on noise is told from cells: through fewer the surface follows cells, too.
LEAST_BLOCKS = 400
#: Blocks that a speck of dust may fill. A dying cell of 20 px fills more.
SPECKS = 4
#: Hot pixels: the share of all pixels up to which they are left out, and how far each stands above its four
#: neighbours (in units of the noise, or counts where that is below one).
HOT_SHARE = 1e-3
HOT = 5.0
#: The fifth greatest distance of a block, in standard deviations of all blocks, over that of the same pixels
#: in random order, and the correlation of neighbouring blocks (in its standard errors, but at least so much:
#: read-out and resampling correlate pixels) that chance gives.
CHANCE_DISTANCE, CHANCE_ERRORS, LEAST_CORRELATION = 1.35, 4.0, 0.05


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
    counts = _whole_blocks(pixels)
    if counts is None:
        return 0.0, float("inf")
    noise = _noise(counts)
    means = _block_means(_without_hot_pixels(counts, noise))
    return noise, _fifth(means - _surface(means))


def structure(pixels: npt.NDArray[np.generic]) -> float:
    """How much more an image holds than noise and a smooth surface; 1 or less: nothing.

    Parameters
    ----------
    pixels : (Y, X) array
        An image.

    Returns
    -------
    float
        The larger of two figures of the means of blocks of 8 px, each over the most that chance gives: the
        fifth greatest distance from the surface, against that of the same pixels in random order; and the
        correlation of neighbouring blocks. Means of whole rows and columns, which a camera may have of its
        own, are left out. Infinity for an image of less than 400 blocks, 0 for a constant one.

    Notes
    -----
    In an image of 1,000 px cells of 25 px that cover a twentieth show if they are a fifth of the noise of a
    pixel brighter or darker than their surroundings.
    """
    counts = _whole_blocks(pixels)
    if counts is None or counts.size < LEAST_BLOCKS * BLOCK**2:
        return float("inf")
    counts = _without_hot_pixels(counts, _noise(counts))
    means = _block_means(counts)
    surface = _surface(means)
    flat = counts - np.repeat(np.repeat(surface, BLOCK, axis=0), BLOCK, axis=1)
    means = _without_lines(means - surface)
    spread = float(means.std())
    if spread < 1e-9 * max(1.0, float(np.abs(counts).max())):
        return 0.0
    chance = np.random.default_rng(0).permutation(flat.ravel()).reshape(flat.shape)
    by_chance = _without_lines(_block_means(chance))
    distance = _fifth(means) / spread / (_fifth(by_chance) / float(by_chance.std()))
    products = np.concatenate([(means[1:] * means[:-1]).ravel(), (means[:, 1:] * means[:, :-1]).ravel()])
    likeness = float(products.mean()) / spread**2
    limit = max(CHANCE_ERRORS / np.sqrt(len(products)), LEAST_CORRELATION)
    return max(distance / CHANCE_DISTANCE, likeness / limit)


def _whole_blocks(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.float64] | None:
    """Counts of the whole blocks of an image; None of an image that is too small."""
    height, width = (BLOCK * (edge // BLOCK) for edge in pixels.shape)
    return None if min(height, width) < 8 * BLOCK else pixels[:height, :width].astype(np.float64)


def _noise(counts: npt.NDArray[np.float64]) -> float:
    """Standard deviation of single pixels, by differences of neighbours, those of hot pixels cut."""
    steps = np.diff(counts, axis=1).ravel()
    low, high = np.percentile(steps, [100 * HOT_SHARE, 100 * (1 - HOT_SHARE)])
    return float(np.clip(steps, low, high).std() / np.sqrt(2))


def _block_means(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    height, width = counts.shape
    return np.asarray(counts.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK).mean(axis=(1, 3)))


def _surface(means: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The surface of degree 6 through the means of blocks."""
    y, x = (np.linspace(-1, 1, edge) for edge in means.shape)
    terms = [np.outer(y**i, x**j).ravel() for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)]
    design = np.stack(terms, axis=1)
    return np.asarray((design @ np.linalg.lstsq(design, means.ravel(), rcond=None)[0]).reshape(means.shape))


def _without_lines(means: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Means of blocks less those of their rows and of their columns."""
    less = means - means.mean(axis=1, keepdims=True)
    return np.asarray(less - less.mean(axis=0, keepdims=True))


def _fifth(away: npt.NDArray[np.float64]) -> float:
    """The greatest distance, the four before it aside."""
    return float(np.partition(np.abs(away).ravel(), -1 - SPECKS)[-1 - SPECKS])


def _without_hot_pixels(counts: npt.NDArray[np.float64], noise: float) -> npt.NDArray[np.float64]:
    """The image with hot pixels at the mean of their neighbours; unchanged where they are too many."""
    around = np.pad(counts, 1, mode="reflect")
    neighbours = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:])
    hot = counts > np.maximum.reduce(neighbours) + HOT * max(noise, 1.0)
    if hot.mean() > HOT_SHARE:
        return counts
    return np.where(hot, sum(neighbours) / len(neighbours), counts)
