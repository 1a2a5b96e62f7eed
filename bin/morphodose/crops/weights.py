"""How much each pixel counts in the crop of a cell: 1 well inside it, 0.8 at its outline, 0 from 7 px on.

The reference does this for each cell on the whole image, with OpenCV on 8-bit images: mask of the cell
(0 or 255), Gaussian 3 × 3, all above 0 to 255, Gaussian 11 × 11, divided by 255. Here it is done on the
surroundings of the cell alone. OpenCV blurs 8-bit images in fixed point since 4.0 (``modules/imgproc/src/
smooth.dispatch.cpp``), so that every processor gives the same crop. Beyond the image it mirrors the image
about its outermost pixels; where the surroundings end inside the image, what is mirrored is 0.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

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
    mask = (labels[around] == label).astype(np.uint8)
    mask *= 255
    wide = cv2.threshold(cv2.GaussianBlur(mask, (3, 3), 0), 0, 255, cv2.THRESH_BINARY)[1]
    weights = cv2.GaussianBlur(wide, (11, 11), 0).astype(np.uint8, copy=False)
    rows, columns = (np.flatnonzero(weights.any(axis=axis)) for axis in (1, 0))
    inner = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return weights[inner], moved(inner, (around[0].start, around[1].start))


def moved(box: Box, by: tuple[int, int]) -> Box:
    """A box, `by` rows and columns further down and right."""
    rows, columns = (
        slice(int(side.start) + way, int(side.stop) + way) for side, way in zip(box, by, strict=True)
    )
    return rows, columns
