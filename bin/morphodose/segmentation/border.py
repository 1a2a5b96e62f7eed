"""Cells that touch the image border: left out, and counted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def border_labels(labels: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Labels with a pixel on the outermost rows or columns of an (Y, X) mask, sorted, without 0."""
    edges = np.concatenate(
        [labels[:1].ravel(), labels[-1:].ravel(), labels[:, :1].ravel(), labels[:, -1:].ravel()]
    )
    found = np.unique(edges).astype(np.int64)
    return found[found != 0]


def without_labels(
    labels: npt.NDArray[np.integer], unwanted: npt.NDArray[np.integer]
) -> npt.NDArray[np.int32]:
    """A mask without some labels; the others keep their number.

    Examples
    --------
    >>> without_labels(np.array([[1, 1, 0], [0, 2, 5]]), np.array([2]))
    array([[1, 1, 0],
           [0, 0, 5]], dtype=int32)

    Parameters
    ----------
    labels : (Y, X) array of int
        Label mask.
    unwanted : (n,) array of int
        Labels to remove.
    """
    keep = np.arange(int(labels.max(initial=0)) + 1, dtype=np.int32)
    keep[unwanted[unwanted < len(keep)]] = 0
    return keep[labels]
