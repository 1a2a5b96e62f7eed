"""Cells, nuclei and cytoplasm of one field, each numbered 1..N with a way back to the mask's labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError


@dataclass(frozen=True)
class Compartment:
    """One compartment of the cells of a field.

    Attributes
    ----------
    name : str
        ``Cells``, ``Nuclei`` or ``Cytoplasm``.
    labels : (Y, X) array of int32
        0 background, objects 1..N without gaps, as cp_measure wants them.
    rows : (N,) array of int
        For each object, the row of its cell in the field's table.
    """

    name: str
    labels: npt.NDArray[np.int32]
    rows: npt.NDArray[np.intp]

    @property
    def count(self) -> int:
        """How many objects the compartment has."""
        return len(self.rows)


def labels_of(mask: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """The labels of a mask, ascending, without background; gaps are usual (border cells are taken out).

    Parameters
    ----------
    mask : (Y, X) array of int
        Label mask.
    """
    if mask.size and mask.min() >= 0 and mask.max() < 4 * mask.size:  # counting is quicker than sorting
        found = np.flatnonzero(np.bincount(mask.ravel()))
    else:
        found = np.unique(mask)
    return found[found != 0].astype(np.int64)


def compartment(name: str, mask: npt.NDArray[np.integer], cells: npt.NDArray[np.int64]) -> Compartment:
    """Number the objects of a mask 1..N.

    Parameters
    ----------
    name : str
        Name of the compartment.
    mask : (Y, X) array of int
        Objects carry the label of their cell.
    cells : (C,) array of int
        Labels of the cells, ascending: the rows of the table.
    """
    present = labels_of(mask)
    rows = np.searchsorted(cells, present)
    # one lookup table instead of a comparison per object
    table = np.zeros(int(present[-1]) + 1 if len(present) else 1, dtype=np.int32)
    table[present] = np.arange(1, len(present) + 1)
    return Compartment(name, table[mask], rows)


def compartments_of(
    cells: npt.NDArray[np.integer], nuclei: npt.NDArray[np.integer] | None
) -> tuple[npt.NDArray[np.int64], list[Compartment]]:
    """Labels of the cells, and their compartments.

    Parameters
    ----------
    cells, nuclei : (Y, X) array of int
        Label masks; a nucleus carries the label of its cell. Without nuclei, Cells is all there is.

    Returns
    -------
    labels : (C,) array of int
        Labels of the cells, ascending.
    compartments : list of Compartment
        Cells, Nuclei, and Cytoplasm: the cell without whatever is nucleus (CellProfiler's
        IdentifyTertiaryObjects). A cell without nucleus is cytoplasm altogether.

    Raises
    ------
    InputError
        If the masks differ in shape, a label is below 0, or a nucleus has a label that no cell has.
    """
    labels = labels_of(cells)
    if len(labels) and labels[0] < 0:
        raise InputError(f"the cell mask has the label {labels[0]}; labels are 1 to {2**31 - 1}")
    whole = compartment("Cells", cells, labels)
    if nuclei is None:
        return labels, [whole]
    if nuclei.shape != cells.shape:
        raise InputError(f"the nuclear mask is {nuclei.shape}, the cell mask {cells.shape}")
    strangers = np.setdiff1d(labels_of(nuclei), labels)
    if len(strangers):
        raise InputError(
            f"nucleus {strangers[0]} belongs to no cell ({len(strangers)} such nuclei); "
            "a nucleus must carry the label of its cell"
        )
    rest = np.where(nuclei == 0, cells, 0)
    return labels, [whole, compartment("Nuclei", nuclei, labels), compartment("Cytoplasm", rest, labels)]
