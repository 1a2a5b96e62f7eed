"""Brightness of a field as the network expects it: light of the objects alone, whatever the lamp did."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from morphodose.segmentation.percentiles import percentile_filter

Pixels = npt.NDArray[np.float32]

#: The background is this percentile of the neighbourhood.
BACKGROUND = 10.0
#: Edge of that neighbourhood in diameters, and at least in px. Wide, since the diameter may be a first
#: guess: a cell as large as its neighbourhood would be taken for background and lose its inside.
NEIGHBOURHOOD, SMALLEST_NEIGHBOURHOOD = 6.0, 150.0
#: The background is estimated on a grid of this many points to the neighbourhood's edge.
GRID = 16
#: How often the slope of the background is taken out: each time leaves about a third of it.
SURFACES = 3

#: Light above the background by this many standard deviations of the noise belongs to objects …
BRIGHTER = 8.0
#: … if it is also this part of what the brightest tenth has: haze around them is less.
HAZE = 0.05
#: Percentile of the light of objects that becomes 1. Near the middle: a few bright cells do not move it.
#: (At 50 cells of a confluent field merged, at 75 and above dim ones were lost.)
MIDDLE = 60.0
#: The middle is at least this many standard deviations of the noise, or an empty field becomes a storm.
LEAST_RANGE = 15.0
#: Objects of a smaller part than this of one object's area are specks.
SPECK = 0.05


def noise(channel: Pixels) -> float:
    """Standard deviation of the noise; 0 for a constant image.

    The median difference of neighbours in a row, on which cells and shading hardly count (0.954: that
    median for normal noise of standard deviation 1); at least that of rounding to whole grey levels
    (0.29 of a level), which is all that a dark 8-bit image may show.

    Parameters
    ----------
    channel : (Y, X) array
        Counts.
    """
    steps = np.abs(np.diff(channel.ravel()))
    positive = steps[steps > 0]
    if not positive.size:
        return 0.0
    return max(float(np.median(steps)) / 0.954, 0.29 * float(positive.min()))


def background(channel: Pixels, neighbourhood: float) -> Pixels:
    """Local background of a (Y, X) channel: a low percentile of each pixel's neighbourhood, smoothed.

    Parameters
    ----------
    channel : (Y, X) array of float32
        Raw intensities.
    neighbourhood : float
        Its edge in px.

    Notes
    -----
    A percentile, not a mean: a mean is drawn up by cells, and leaves dark rings around the bright ones.
    A surface of degree 2 is taken out first, since on a slope a low percentile lies below the middle.
    """
    height, width = channel.shape
    step = max(1, int(neighbourhood / GRID))
    small = (max(1, round(width / step)), max(1, round(height / step)))
    coarse = cv2.resize(channel, small, interpolation=cv2.INTER_AREA)
    edge = max(3, round(neighbourhood / step)) | 1
    surface = low = np.zeros_like(coarse)
    for _ in range(SURFACES + 1):
        surface = surface + _surface(low)
        low = percentile_filter(coarse - surface, BACKGROUND, edge)
    smooth = surface + ndimage.gaussian_filter(low, edge / 3, mode="reflect")
    return np.asarray(cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _surface(low: npt.NDArray[np.generic]) -> Pixels:
    """Least-squares surface of degree 2 through a (Y, X) array."""
    y, x = (np.linspace(-1, 1, n) for n in low.shape)
    terms = [np.outer(y**i, x**j).ravel() for i in range(3) for j in range(3 - i)]
    design = np.stack(terms, axis=1)
    fitted = design @ np.linalg.lstsq(design, low.ravel().astype(float), rcond=None)[0]
    return fitted.reshape(low.shape).astype(np.float32)


def brightness(light: Pixels, sigma: float, diameter: float) -> float:
    """What the light of objects amounts to: the middle of all that is theirs.

    Parameters
    ----------
    light : (Y, X) array of float32
        Intensities above the background.
    sigma : float
        Standard deviation of the noise.
    diameter : float
        Of an object, in px.
    """
    least = LEAST_RANGE * sigma
    bright = light[light > BRIGHTER * sigma]
    if len(bright) < SPECK * np.pi / 4 * diameter**2:
        return least
    objects = bright[bright > HAZE * np.percentile(bright, 90)]
    return max(float(np.percentile(objects, MIDDLE)), least)


@dataclass(frozen=True)
class Light:
    """Light of the objects of a channel.

    Attributes
    ----------
    above : (Y, X) array of float32
        Intensities above the local background, in counts; all 0 for a constant channel.
    noise : float
        Standard deviation of the noise, in counts; 0 for a constant channel.
    middle : float
        What the light of objects amounts to (`brightness`), in counts.
    """

    above: Pixels
    noise: float
    middle: float

    def compressed(self) -> Pixels:
        """Light in units of the middle, x above 1 as 1 + ln(x); see `normalise`."""
        if self.noise == 0:
            return self.above
        light = self.above / self.middle
        return np.where(light > 1, 1 + np.log(np.maximum(light, 1)), light).astype(np.float32)


def light_of(channel: Pixels, diameter: float) -> Light:
    """Light of the objects of a (Y, X) channel, whose diameter in px is roughly known."""
    sigma = noise(channel)
    if sigma == 0:
        return Light(np.zeros_like(channel), 0.0, 1.0)
    above = channel - background(channel, max(NEIGHBOURHOOD * diameter, SMALLEST_NEIGHBOURHOOD))
    return Light(above, sigma, brightness(above, sigma, diameter))


def normalise(image: npt.NDArray[np.generic], diameter: float) -> npt.NDArray[np.float32]:
    """Scale each channel of an image: local background 0, the middle of its objects 1, more is compressed.

    Parameters
    ----------
    image : (Y, X, C) array
        Raw intensities.
    diameter : float
        Diameter of the objects in px, above 0; a rough one will do.

    Returns
    -------
    (Y, X, C) array of float32
        Above 1, brightness x becomes 1 + ln(x): cells ten times as bright as most are 3.3, and do not
        push the others into the dark. A constant channel becomes 0.

    Raises
    ------
    ValueError
        If `diameter` is not above 0.

    Notes
    -----
    Cellpose scales between the 1st and the 99th percentile of a field. On real screens a few bright
    cells set the 99th, and a lamp that is weaker at the corners sets the 1st: four in five actin-stained
    colon cells were lost by it.
    """
    if not diameter > 0:
        raise ValueError(f"a diameter is above 0 px, got {diameter}")
    result = np.array(image, dtype=np.float32)
    for c in range(result.shape[-1]):
        light = light_of(np.ascontiguousarray(result[..., c]), diameter)
        result[..., c] = light.compressed()
    return result
