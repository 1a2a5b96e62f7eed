"""Which nucleus belongs to which cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.integer]

#: Part of a nucleus that must lie in the cell it is given to. A nucleus whose own cell was missed would
#: otherwise be given to a neighbour that it only touches.
SMALLEST_SHARE = 0.25


@dataclass(frozen=True)
class Matched:
    """Cells with their nuclei.

    Attributes
    ----------
    cells : (Y, X) array of int32
        The cells; pixels of a nucleus that lay on background now belong to its cell.
    nuclei : (Y, X) array of int32
        The nuclei, each pixel with the label of its cell, all inside that cell.
    counts : dict of int to int
        Nuclei of each cell, 0 included.
    orphans : int
        Nuclei without a cell; they are not in `nuclei`.
    """

    cells: npt.NDArray[np.int32]
    nuclei: npt.NDArray[np.int32]
    counts: dict[int, int]
    orphans: int


def match_nuclei(cells: Labels, nuclei: Labels, smallest_share: float = SMALLEST_SHARE) -> Matched:
    """Give each nucleus the label of the cell that it overlaps most.

    Parameters
    ----------
    cells, nuclei : (Y, X) array of int
        Label masks, numbered independently; labels may have gaps.
    smallest_share : float
        Part of the nucleus, 0 to 1, that must lie in that cell, else it is an orphan.

    Returns
    -------
    Matched
        A cell with several nuclei keeps them all (they share its label). Where a nucleus reaches over
        the edge of its cell onto background, the cell is extended; where it reaches into another cell,
        the nucleus is cut. So every nucleus lies in its cell, and cytoplasm = cell - nucleus.

    Raises
    ------
    ValueError
        If the two masks differ in shape.

    Notes
    -----
    The rule of largest overlap is that of CellProfiler's RelateObjects.

    Examples
    --------
    >>> found = match_nuclei(np.array([[4, 4, 0, 7]]), np.array([[0, 1, 1, 0]]))
    >>> found.nuclei, found.cells, found.counts
    (array([[0, 4, 4, 0]], dtype=int32), array([[4, 4, 4, 7]], dtype=int32), {4: 1, 7: 0})
    """
    if cells.shape != nuclei.shape:
        raise ValueError(f"cells and nuclei differ in shape: {cells.shape} and {nuclei.shape}")
    owner = owners(cells, nuclei, smallest_share)
    given = owner[nuclei]
    extended = np.where((cells == 0) & (given > 0), given, cells).astype(np.int32)
    inside = np.where(extended == given, given, 0).astype(np.int32)
    labels = np.unique(cells)
    counts = dict.fromkeys((int(label) for label in labels if label), 0)
    present = np.unique(nuclei)
    for label in owner[present[present > 0]]:
        if label:
            counts[int(label)] += 1
    orphans = int((owner[present[present > 0]] == 0).sum())
    return Matched(extended, inside, counts, orphans)


def find_orphans(
    cells: Labels, nuclei: Labels, smallest_share: float = SMALLEST_SHARE
) -> npt.NDArray[np.int64]:
    """Labels of the nuclei that lie in no cell, by the rule of `match_nuclei`, sorted."""
    present = np.unique(nuclei[nuclei > 0]).astype(np.int64)
    return present[owners(cells, nuclei, smallest_share)[present] == 0]


def owners(cells: Labels, nuclei: Labels, smallest_share: float = SMALLEST_SHARE) -> npt.NDArray[np.int64]:
    """Cell label by nucleus label; 0 for orphans (and at index 0)."""
    size = int(nuclei.max(initial=0)) + 1
    owner = np.zeros(size, np.int64)
    within = nuclei > 0
    areas = np.bincount(nuclei[within].astype(np.int64), minlength=size)
    both = within & (cells > 0)
    width = int(cells.max(initial=0)) + 1
    pairs, overlap = np.unique(nuclei[both].astype(np.int64) * width + cells[both], return_counts=True)
    nucleus, cell = pairs // width, pairs % width
    # smallest overlap first, and of equal ones the larger label, so that the last assignment is the best
    for i in np.lexsort((-cell, overlap)):
        owner[nucleus[i]] = cell[i] if overlap[i] >= smallest_share * areas[nucleus[i]] else 0
    return owner
