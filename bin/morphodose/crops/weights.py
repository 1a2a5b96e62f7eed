"""How much each pixel counts in the crop of a cell: 1 well inside it, 0.8 at its outline, 0 from 7 px on.

The reference does this for each cell on the whole image, with OpenCV on 8-bit images: mask of the cell
(0 or 255), Gaussian 3 × 3, all above 0 to 255, Gaussian 11 × 11, divided by 255. Here the same values come
from the surroundings of the cell alone, by integer arithmetic, so that no step needs OpenCV and no
processor or version of it gives another crop:

- What a 3 × 3 Gaussian leaves above 0 is the mask and its eight neighbours: the least weight, 1/16 of 255,
  rounds to 16.
- OpenCV's Gaussian of 11 pixels (sigma 2, which it derives from the width) is computed in fixed point since
  4.0: weights in 256ths that add up to 256, exact sums, one rounding at the end (``modules/imgproc/src/
  smooth.dispatch.cpp``, ``getGaussianKernelFixedPoint_ED``). `KERNEL` holds these weights.
- Outside the image the image is mirrored about its outermost pixels (``BORDER_REFLECT_101``).

Equal to ``cv2.GaussianBlur`` 5.0 in every pixel on the masks of the tests.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.ndimage as ndi

#: Gaussian of 11 pixels in 256ths.
KERNEL = np.array([2, 7, 17, 31, 45, 52, 45, 31, 17, 7, 2])
#: px around a cell that are looked at. Weights end after 6; one more, so that an edge of the
#: surroundings that is not an edge of the image mirrors only zeros.
MARGIN = 7

#: Rows and columns of a part of an image.
Box = tuple[slice, slice]


def cell_weights(
    labels: npt.NDArray[np.integer], label: int, bounds: Box
) -> tuple[npt.NDArray[np.uint8], Box]:
    """Weights of one cell.

    Parameters
    ----------
    labels : (Y, X) array of int
        Label mask of a field.
    label : int
        The cell.
    bounds : pair of slice
        Its bounding box.

    Returns
    -------
    weights : (h, w) array of uint8
        In 255ths.
    box : pair of slice
        Where in the field they lie: the smallest box that holds all above 0.
    """
    around = tuple(
        slice(max(side.start - MARGIN, 0), min(side.stop + MARGIN, edge))
        for side, edge in zip(bounds, labels.shape, strict=True)
    )
    mask = with_neighbours(labels[around] == label)
    sums = mask.astype(np.int32)
    for axis in (0, 1):
        # mirror: the border of the image where the box ends there, zeros elsewhere
        sums = ndi.correlate1d(sums, KERNEL, axis, mode="mirror")
    weights = ((sums * 255 + 2**15) >> 16).astype(np.uint8)
    rows, columns = (np.flatnonzero(weights.any(axis=axis)) for axis in (1, 0))
    inner = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return weights[inner], moved(inner, (around[0].start, around[1].start))


def moved(box: Box, by: tuple[int, int]) -> Box:
    """A box, `by` rows and columns further down and right."""
    rows, columns = (
        slice(int(side.start) + way, int(side.stop) + way) for side, way in zip(box, by, strict=True)
    )
    return rows, columns


def with_neighbours(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """A mask and the eight neighbours of its pixels."""
    wide = mask.copy()
    wide[1:] |= mask[:-1]
    wide[:-1] |= mask[1:]
    both = wide.copy()
    both[:, 1:] |= wide[:, :-1]
    both[:, :-1] |= wide[:, 1:]
    return both
