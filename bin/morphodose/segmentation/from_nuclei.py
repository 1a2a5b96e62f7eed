"""Cells grown from nuclei, for screens without a stain that fills the cell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def equivalent_diameters(labels: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Diameters, in px, of the circles that have the area of each object, in order of the label.

    Parameters
    ----------
    labels : (Y, X) array of int
        Label mask.
    """
    areas = np.bincount(labels.ravel())[1:]
    return np.asarray(2 * np.sqrt(areas[areas > 0] / np.pi))


def grow_cells(nuclei: npt.NDArray[np.integer], distance: float) -> npt.NDArray[np.int32]:
    """Cells as nuclei grown by a distance, each stopping where it meets another.

    Parameters
    ----------
    nuclei : (Y, X) array of int
        Label mask.
    distance : float
        Growth in px; the nuclear radius is a fair guess of the cytoplasm of a spread cell.

    Returns
    -------
    (Y, X) array of int32
        Cells with the labels of their nuclei.

    Raises
    ------
    ValueError
        If `distance` is below 0.

    Notes
    -----
    `skimage.segmentation.expand_labels`; the same as CellProfiler's IdentifySecondaryObjects with
    "Distance - N".
    """
    from skimage.segmentation import expand_labels

    if not distance >= 0:
        raise ValueError(f"cells grow by a distance of 0 px or more, got {distance}")
    return np.asarray(expand_labels(nuclei.astype(np.int32), distance), dtype=np.int32)
