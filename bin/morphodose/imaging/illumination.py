"""Flat fields: estimated on images of an acquisition, judged on held-out ones, applied only where they help.

The illumination of a microscope changes smoothly over the field and multiplies the light, not the camera's
offset: ``counts = dark + flat * light``. As in CellProfiler's CorrectIlluminationCalculate ("background",
all images, polynomial fit), the flat field is fitted to the average over many fields of the light between
the cells: cells themselves lie too unevenly (on 16 to 100 simulated fields their mean, the "regular" method,
was off by 3 to 20 %, the background by 1 to 4 %).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Blocks along each edge that an image is reduced to before anything is fitted.
BLOCKS = 24
#: Degrees of the surface that are tried: vignetting, a shifted lamp, a lamp that leaves the corners dark.
#: Held-out images choose. (BaSiCPy 2.0 cannot be used: it needs older releases of NumPy and SciPy.)
DEGREES = (2, 3, 4)
#: A higher degree must leave this share less of the variation of held-out images: with few images it follows
#: the cells.
BETTER = 0.03
#: Darker blocks than this share of the mean light are taken to be as dark: their logarithm is noise.
DARKEST = 0.02
#: Standard deviation (blocks) of the Gaussian over an average image whose variation is measured.
SMOOTHING_BLOCKS = 1.5
#: What of a block tells the illumination: in a stain the light between the cells, in brightfield the middle.
STAIN_PERCENTILE = 10.0
BRIGHTFIELD_PERCENTILE = 50.0
#: Standard deviation (px) of the Gaussian that averages noise before percentiles are taken.
SMOOTHING_PX = 2.0
#: Random halvings of the images that an estimate is judged by, each in both directions.
SPLITS = 5
#: No lamp leaves less than this share of the mean light in a corner.
MIN_LIGHT = 0.1

Blocks = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FlatField:
    """The illumination of one channel of one acquisition.

    Attributes
    ----------
    weights : (T,) array
        Polynomial of the logarithm of the illumination over the square from -1 to 1 (`terms`).
    dark : float
        Camera offset, counts.
    applied : bool
        Whether it is to be used.
    reason : str
        Why, or why not.
    shading_before, shading_after : float
        Shading of held-out images without and with correction (`shading`), mean over the splits. NaN where it
        could not be judged.
    images, held_out : int
        Images that the surface is fitted to, and how many of them each split held out.
    degree : int
        Of the polynomial; 0 for none.
    """

    weights: npt.NDArray[np.float64]
    dark: float
    applied: bool
    reason: str
    shading_before: float
    shading_after: float
    images: int
    held_out: int
    degree: int = 0

    def surface(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """The (Y, X) flat field, mean 1; 1 everywhere where it is not applied."""
        if not self.applied:
            return np.ones(shape, dtype=np.float32)
        return light_of(self.weights, shape).astype(np.float32)


def blocks_of(pixels: npt.NDArray[np.generic], percentile: float) -> Blocks:
    """A percentile of the counts in each of ``BLOCKS * BLOCKS`` parts of an image (Y, X).

    Pixels are averaged over their neighbours first: low percentiles of noisy pixels are too low, by
    more counts where there is more light, which would look like shading.
    """
    import scipy.ndimage as ndi

    counts = ndi.gaussian_filter(np.asarray(pixels, dtype=np.float32), SMOOTHING_PX)
    rows, columns = (np.linspace(0, edge, BLOCKS + 1, dtype=int) for edge in counts.shape)
    found = [
        np.percentile(counts[top:bottom, left:right], percentile)
        for top, bottom in zip(rows, rows[1:], strict=False)
        for left, right in zip(columns, columns[1:], strict=False)
    ]
    return np.array(found, dtype=np.float64).reshape(BLOCKS, BLOCKS)


def terms(
    y: npt.NDArray[np.float64], x: npt.NDArray[np.float64], degree: int
) -> list[npt.NDArray[np.float64]]:
    """Products of Legendre polynomials up to `degree` together.

    Parameters
    ----------
    y, x : (Y, 1), (1, X) arrays
        Places from -1 to 1, or any that broadcast.
    """
    legendre = np.polynomial.legendre.legval
    along = [(legendre(y, row), legendre(x, row)) for row in np.eye(degree + 1)]
    return [
        along[i][0] * along[j][1] for i in range(degree + 1) for j in range(degree + 1) if i + j <= degree
    ]


def light_of(weights: npt.NDArray[np.float64], shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Illumination at the pixel centres of an image of this shape: positive, mean 1.

    Parameters
    ----------
    weights : (T,) array
        Weights of the terms.
    """
    degree = math.isqrt(8 * len(weights) + 1) // 2 - 1  # (d + 1) (d + 2) / 2 terms
    y, x = ((2 * np.arange(edge) + 1) / edge - 1 for edge in shape)
    exponent = np.zeros(shape)
    for weight, term in zip(weights, terms(y[:, None], x[None, :], degree), strict=True):
        exponent += weight * term
    light = np.exp(exponent)
    return np.asarray(light / light.mean(), dtype=np.float64)


def fit(average: Blocks, degree: int) -> npt.NDArray[np.float64]:
    """Weights of the surface through the logarithm of the blocks of an average image.

    Light multiplies, so that its logarithm is smooth where it falls towards a corner, and no surface through
    it gives less than no light.
    """
    centres = (2 * np.arange(len(average)) + 1) / len(average) - 1
    y, x = np.meshgrid(centres, centres, indexing="ij")
    columns = np.stack([term.ravel() for term in terms(y, x, degree)], axis=1)
    logarithm = np.log(np.maximum(average / average.mean(), DARKEST)).ravel()
    return np.asarray(np.linalg.lstsq(columns, logarithm, rcond=None)[0], dtype=np.float64)


def average_of(images: Sequence[Blocks], dark: float) -> Blocks:
    """Average of several images, each less `dark` counts and scaled to the same mean light.

    Bright debris is cut: each block at three times its median over the images.
    """
    light = np.stack([np.maximum(image - dark, 0) for image in images])
    mean = light.mean(axis=(1, 2), keepdims=True)
    light = np.divide(light, mean, out=np.ones_like(light), where=mean > 0)
    return np.asarray(np.minimum(light, 3 * np.median(light, axis=0)).mean(axis=0), dtype=np.float64)


def shading(images: Sequence[Blocks], dark: float) -> float:
    """Coefficient of variation of the smoothed average of images less `dark` counts; no surface is fitted."""
    import scipy.ndimage as ndi

    average = ndi.gaussian_filter(average_of(images, dark), SMOOTHING_BLOCKS)
    return float(average.std() / average.mean())


def estimate(
    images: Sequence[Blocks],
    dark: float,
    seed: int = 0,
    min_images: int = 8,
    margin: float = 0.2,
    floor: float = 0.02,
) -> FlatField:
    """Fit the flat field to all images, if an estimate from half of them helps the other half.

    Parameters
    ----------
    images : sequence of (BLOCKS, BLOCKS) array
        Blocks of each image (`blocks_of`), in counts.
    dark : float
        Camera offset, counts.
    seed : int
        Which images are held out.
    min_images : int
        With fewer images, cells decide and not the lamp: identity.
    margin : float
        The shading of held-out images must fall by at least this share, on average over the splits.
    floor : float
        Less shading than this is left as it is.

    Returns
    -------
    FlatField
        With ``applied`` false, and the reason, where it does not help.
    """
    count, half = len(images), len(images) // 2
    if count < min_images:
        reason = f"{count} images are too few (< {min_images})"
        return FlatField(np.zeros(1), dark, False, reason, math.nan, math.nan, count, 0)
    before, after = _held_out(images, dark, seed)
    was = float(np.mean(before))
    degree = DEGREES[0]
    for higher in DEGREES[1:]:
        if np.mean(after[higher]) < (1 - BETTER) * np.mean(after[degree]):
            degree = higher
    is_now = float(np.mean(after[degree]))
    weights = fit(average_of(images, dark), degree)
    lowest = float(light_of(weights, (BLOCKS, BLOCKS)).min())
    said = f"shading of held-out images {100 * was:.1f} % before, {100 * is_now:.1f} % after, degree {degree}"
    applied = False
    if was < floor:
        said += ": little to correct"
    elif is_now > (1 - margin) * was:
        said += ": it does not help enough"
    elif lowest < MIN_LIGHT:
        said = f"the estimate falls to {lowest:.2f} of the mean: no illumination"
    else:
        applied = True
    return FlatField(weights, dark, applied, said, was, is_now, count, half, degree)


def _held_out(images: Sequence[Blocks], dark: float, seed: int) -> tuple[list[float], dict[int, list[float]]]:
    """Shading of the halves that a surface was not fitted to, without it and with it, by degree."""
    rng = np.random.default_rng(seed)
    half = len(images) // 2
    before: list[float] = []
    after: dict[int, list[float]] = {degree: [] for degree in DEGREES}
    for _ in range(SPLITS):
        order = [images[index] for index in rng.permutation(len(images))]
        for learned, held_out in ((order[:half], order[half:]), (order[half:], order[:half])):
            before.append(shading(held_out, dark))
            average = average_of(learned, dark)
            for degree in DEGREES:
                flat = np.maximum(light_of(fit(average, degree), (BLOCKS, BLOCKS)), MIN_LIGHT)
                after[degree].append(shading([dark + (image - dark) / flat for image in held_out], dark))
    return before, after


def correct(
    pixels: npt.NDArray[np.generic],
    flat: npt.NDArray[np.float32],
    dark: float,
    dark_image: npt.NDArray[np.float32] | None = None,
) -> npt.NDArray[np.generic]:
    """Divide the light of an image by its flat field; depth kept, rounded and clipped to it.

    Parameters
    ----------
    pixels, flat : (Y, X) array
    dark : float
        Offset of the camera, counts, which the image keeps.
    dark_image : (Y, X) array, optional
        The image without light, counts, that is taken off instead; its mean is `dark`.

    Raises
    ------
    ValueError
        If image and flat field differ in shape.
    """
    if pixels.shape != flat.shape:
        raise ValueError(f"image {pixels.shape} and flat field {flat.shape} differ in shape")
    without_light = dark if dark_image is None else np.asarray(dark_image, dtype=np.float64)
    corrected = dark + (np.asarray(pixels, dtype=np.float64) - without_light) / flat
    if pixels.dtype.kind in "ui":
        limits = np.iinfo(pixels.dtype)  # type: ignore[type-var]
        corrected = np.clip(np.rint(corrected), limits.min, limits.max)
    return corrected.astype(pixels.dtype)
