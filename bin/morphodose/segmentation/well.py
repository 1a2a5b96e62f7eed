"""Segmentation of the fields of one well: cells, nuclei, their matching, the border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError
from morphodose.segmentation.border import border_labels, without_labels
from morphodose.segmentation.common import Kind, Method, Segmenter, Thresholds, pair
from morphodose.segmentation.complete import GROWN, NETWORK, PROPAGATED, SPLIT, Completed, complete_cells
from morphodose.segmentation.from_nuclei import equivalent_diameters, grow_cells
from morphodose.segmentation.match import find_orphans, match_nuclei

Image = npt.NDArray[np.generic]
Mask = npt.NDArray[np.int32]

#: Method → the channels that it needs.
NEEDED: dict[Method, tuple[Literal["cell", "nuclear"], ...]] = {
    "cellpose_completed": ("cell",),
    "cellpose": ("cell",),
    "propagate": ("cell", "nuclear"),
    "from_nuclei": ("nuclear",),
}


@dataclass(frozen=True)
class Settings:
    """How a screen is segmented.

    Attributes
    ----------
    method : str
        ``cellpose_completed``: Cellpose on the cell channel, then cells that hold the nuclei of several are
        split, and each nucleus without a cell gets one grown in the stain; ``cellpose`` alone;
        ``propagate``: all cells grown from nuclei in the stain; ``from_nuclei``: nuclei grown by
        `expand_px`, whatever the stain.
    diameter, nuclei_diameter : float
        In px, one for a plate (`diameter_table`); 0 leaves it to a network that needs none.
    expand_px : float
        Growth of nuclei into cells; 0 takes half of the nuclear diameter.
    cells, nuclei : Thresholds
        What becomes an object.
    """

    method: Method = "cellpose_completed"
    diameter: float = 0.0
    nuclei_diameter: float = 0.0
    expand_px: float = 0.0
    cells: Thresholds = field(default_factory=Thresholds)
    nuclei: Thresholds = field(default_factory=Thresholds)


@dataclass(frozen=True)
class Segmented:
    """One segmented field.

    Attributes
    ----------
    cells, nuclei : (Y, X) array of int32
        Masks without the cells at the border; a nucleus has the label of its cell.
    left_out : (Y, X) array of int32
        The cells at the border.
    nuclei_counts : dict of int to int
        Label of a cell → number of its nuclei.
    orphans : int
        Nuclei that lie in no cell.
    border_nuclei : int
        Nuclei of the cells at the border.
    origins : dict of int to str
        Label of a cell → how it was made, one of `morphodose.segmentation.complete.ORIGINS`.
    orphans_before : int
        Nuclei that lay in no cell before cells were grown for them.
    """

    cells: Mask
    nuclei: Mask
    left_out: Mask
    nuclei_counts: dict[int, int]
    orphans: int
    border_nuclei: int
    origins: dict[int, str]
    orphans_before: int

    def summary(self) -> dict[str, int]:
        """Counts of the field, as columns of its table.

        ``Count_Nuclei`` are those in the kept cells, ``Count_NucleiInBorderCells`` those in the cells at
        the border, ``Count_NucleiWithoutCell`` those in no cell: together all nuclei of the field.
        ``Count_CellsByNetwork``, ``Count_CellsSplit``, ``Count_CellsPropagated`` and ``Count_CellsGrown`` are
        ``Count_Cells`` by origin; ``Count_NucleiWithoutCellBefore`` the nuclei that the network had left
        without a cell.
        """
        made = list(self.origins.values())
        numbers = list(self.nuclei_counts.values())
        return {
            "Count_Cells": len(numbers),
            "Count_BorderCells": int(np.count_nonzero(np.unique(self.left_out))),
            "Count_Nuclei": sum(numbers),
            "Count_NucleiInBorderCells": self.border_nuclei,
            "Count_NucleiWithoutCell": self.orphans,
            "Count_NucleiWithoutCellBefore": self.orphans_before,
            "Count_CellsByNetwork": made.count(NETWORK),
            "Count_CellsSplit": made.count(SPLIT),
            "Count_CellsPropagated": made.count(PROPAGATED),
            "Count_CellsGrown": made.count(GROWN),
            "Count_CellsWithoutNucleus": numbers.count(0),
            "Count_MultinucleateCells": sum(number > 1 for number in numbers),
        }


def segment_well(
    cell_images: Sequence[Image] | None,
    nuclear_images: Sequence[Image] | None,
    engine: Segmenter,
    nuclei_engine: Segmenter,
    settings: Settings,
) -> tuple[list[Segmented], float, float]:
    """Segment all fields of a well.

    Parameters
    ----------
    cell_images, nuclear_images : sequences of (Y, X) arrays
        The two channels, field by field; None where the screen has no such channel.
    engine, nuclei_engine : Segmenter
        For cells and for nuclei; may be the same.
    settings : Settings
        See there.

    Returns
    -------
    list of Segmented, float, float
        The fields; the diameters of cells and of nuclei (0 where none were segmented): what was used, or
        the median of what was found by a network that needs none.

    Raises
    ------
    InputError
        If a channel that the method segments is missing.
    """
    for role, given in (("cell", cell_images), ("nuclear", nuclear_images)):
        if role in NEEDED[settings.method] and given is None:
            raise InputError(f"--cell_method {settings.method} segments the {role} channel; name it")
    fields = cell_images if cell_images is not None else nuclear_images
    assert fields is not None  # each method needs one of the two
    nuclei, nuclei_diameter = _nuclei(nuclear_images, fields, nuclei_engine, settings)
    distance = settings.expand_px or nuclei_diameter / 2
    if settings.method == "from_nuclei":
        grown = [_of_one_origin(grow_cells(mask, distance), GROWN) for mask in nuclei]
        results = [_finish(c, n, 0) for c, n in zip(grown, nuclei, strict=True)]
        return results, 0.0, nuclei_diameter
    if settings.method == "propagate":
        cells, diameter = [np.zeros_like(mask) for mask in nuclei], 0.0
    else:
        pairs = [
            pair(cell, nuclear_images[i] if nuclear_images is not None else None)
            for i, cell in enumerate(fields)
        ]
        cells, diameter = _segment(engine, pairs, settings.diameter, "cells", settings.cells)
    results = []
    for cell, nucleus, stain in zip(cells, nuclei, fields, strict=True):
        left = 0 if settings.method == "propagate" else len(find_orphans(cell, nucleus))
        if settings.method == "cellpose":
            made = _of_one_origin(cell, NETWORK)
        else:
            made = complete_cells(cell, nucleus, stain, nuclei_diameter, distance)
        results.append(_finish(made, nucleus, left))
    return results, diameter, nuclei_diameter


def _nuclei(
    images: Sequence[Image] | None, fields: Sequence[Image], engine: Segmenter, settings: Settings
) -> tuple[list[Mask], float]:
    """Masks of the nuclei, empty where there is no nuclear channel, and the diameter used."""
    if images is None:
        return [np.zeros(image.shape, np.int32) for image in fields], 0.0
    pairs = [pair(image) for image in images]
    return _segment(engine, pairs, settings.nuclei_diameter, "nuclei", settings.nuclei)


def _segment(
    engine: Segmenter,
    pairs: Sequence[npt.NDArray[np.float32]],
    diameter: float,
    kind: Kind,
    thresholds: Thresholds,
) -> tuple[list[Mask], float]:
    """Masks, and the diameter used: given, or, where none is needed, of what was found."""
    if not diameter and not engine.needs_diameter:
        masks = engine.segment(pairs, 0.0, kind, thresholds)
        found = np.concatenate([equivalent_diameters(mask) for mask in masks])
        return masks, float(np.median(found)) if len(found) else engine.diam_mean[kind]
    return engine.segment(pairs, diameter, kind, thresholds), diameter


def _of_one_origin(cells: Mask, origin: str) -> Completed:
    """Cells that were all made in one way."""
    return Completed(cells, {int(label): origin for label in np.unique(cells) if label})


def _finish(made: Completed, nuclei: Mask, orphans_before: int) -> Segmented:
    """Match nuclei to cells, and take the cells at the border out, with their nuclei; labels stay."""
    matched = match_nuclei(made.cells, nuclei)
    at_border = border_labels(matched.cells)
    removed = set(at_border.tolist())
    cells = without_labels(matched.cells, at_border)
    return Segmented(
        cells,
        without_labels(matched.nuclei, at_border),
        np.where(cells == 0, matched.cells, 0).astype(np.int32),
        {label: count for label, count in matched.counts.items() if label not in removed},
        matched.orphans,
        sum(count for label, count in matched.counts.items() if label in removed),
        {label: origin for label, origin in made.origins.items() if label not in removed},
        orphans_before,
    )
