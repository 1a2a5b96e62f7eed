"""Stained area that lies in no cell: what tells of missed cells where no nuclei are there to count."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from morphodose.segmentation.normalise import light_of

#: Light above the background by this many standard deviations of the noise of single pixels, once smoothed
#: over a twentieth of a diameter, is stain: a faint cell is below its noise pixel by pixel, not as a whole.
BRIGHTER = 4.0
#: Stain as bright as this part of what the objects amount to is that of a cell: haze is less.
OF_MIDDLE = 0.35
#: Around a found cell, in diameters: stain so near is its rim, which the outline may leave out.
RIM = 0.15
#: The smallest patch that may be a cell, as a part of the area of an ordinary one.
SMALLEST = 0.25


def stained_area(
    stain: npt.NDArray[np.generic], cells: npt.NDArray[np.integer], diameter: float
) -> tuple[int, int]:
    """Stained area of a field, and that of patches as large as cells that lie in no cell.

    Parameters
    ----------
    stain : (Y, X) array
        Raw intensities of the cell channel.
    cells : (Y, X) array of int
        All cells that were found, those at the border included.
    diameter : float
        Diameter of a cell, px, above 0.

    Returns
    -------
    stained, outside : int
        In areas of an ordinary cell, rounded: of the size of a count. Stain is light above the local
        background that the noise does not explain and that is not haze.

    Raises
    ------
    ValueError
        If `diameter` is not above 0.
    """
    if not diameter > 0:
        raise ValueError(f"a diameter is above 0 px, got {diameter}")
    light = light_of(np.asarray(stain, dtype=np.float32), diameter)
    if light.noise == 0:
        return 0, 0
    smooth = ndimage.gaussian_filter(light.above, max(1.0, diameter / 20))
    bright = smooth > max(BRIGHTER * light.noise, OF_MIDDLE * light.middle)
    near = ndimage.distance_transform_edt(cells == 0) <= RIM * diameter if cells.any() else cells > 0
    patches, number = ndimage.label(ndimage.binary_opening(bright & ~near, iterations=2))
    areas = np.bincount(patches.ravel(), minlength=number + 1)
    areas[0] = 0
    cell = np.pi / 4 * diameter**2
    outside = float(areas[areas >= SMALLEST * cell].sum())
    inside = float(np.count_nonzero(bright & (cells > 0)))
    return round((inside + outside) / cell), round(outside / cell)
