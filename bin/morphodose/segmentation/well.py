"""Segmentation of the fields of one well: cells, nuclei, their matching, the border."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError
from morphodose.segmentation.border import border_labels, without_labels
from morphodose.segmentation.common import Kind, MaskThresholds, Method, Segmenter, pair
from morphodose.segmentation.complete import GROWN, NETWORK, PROPAGATED, SPLIT, Completed, complete_cells
from morphodose.segmentation.from_nuclei import equivalent_diameters, grow_cells
from morphodose.segmentation.match import find_orphans, match_nuclei
from morphodose.segmentation.stained import stained_area

Image = npt.NDArray[np.generic]
Mask = npt.NDArray[np.int32]

#: Fields of a well are segmented together up to this many pixels: small ones share the batches of a network,
#: and memory stays bounded.
PIXELS_AT_ONCE = 4_000_000

#: Columns of the stained area and of what of it lies in no cell.
STAINED = ("Count_StainedAreas", "Count_StainedAreasInNoCell")

#: Method → the channels that it needs.
NEEDED: dict[Method, tuple[Literal["cell", "nuclear"], ...]] = {
    "cellpose_completed": ("cell",),
    "cellpose": ("cell",),
    "propagate": ("cell", "nuclear"),
    "from_nuclei": ("nuclear",),
}


@dataclass(frozen=True)
class SegmentationSettings:
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
    cells, nuclei : MaskThresholds
        What becomes an object.
    """

    method: Method = "cellpose_completed"
    diameter: float = 0.0
    nuclei_diameter: float = 0.0
    expand_px: float = 0.0
    cells: MaskThresholds = field(default_factory=MaskThresholds)
    nuclei: MaskThresholds = field(default_factory=MaskThresholds)


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
        Label of a cell → how it was made, see `morphodose.segmentation.complete.NETWORK`.
    orphans_before : int
        Nuclei that lay in no cell before cells were grown for them.
    stained : (int, int) or None
        Where there are no nuclei to count: stained area, and what of it lies in no cell
        (`morphodose.segmentation.stained.stained_area`).
    """

    cells: Mask
    nuclei: Mask
    left_out: Mask
    nuclei_counts: dict[int, int]
    orphans: int
    border_nuclei: int
    origins: dict[int, str]
    orphans_before: int
    stained: tuple[int, int] | None = None

    def summary(self) -> dict[str, int]:
        """Counts of the field, as columns of its table.

        ``Count_Nuclei`` are those in the kept cells, ``Count_NucleiInBorderCells`` those in the cells at
        the border, ``Count_NucleiWithoutCell`` those in no cell: together all nuclei of the field.
        ``Count_CellsByNetwork``, ``Count_CellsSplit``, ``Count_CellsPropagated`` and ``Count_CellsGrown`` are
        ``Count_Cells`` by origin; ``Count_NucleiWithoutCellBefore`` the nuclei that the network had left
        without a cell. Without a nuclear channel, ``Count_StainedAreas`` and
        ``Count_StainedAreasInNoCell`` are the stained area, in areas of a cell.
        """
        areas = {} if self.stained is None else dict(zip(STAINED, self.stained, strict=True))
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
            **areas,
        }


class Images(NamedTuple):
    """The (Y, X) images of one field, None where the screen has no such channel; the edge of a pixel, µm."""

    cell: Image | None
    nuclear: Image | None
    pixel_size_um: float | None = None


class WellSegmentation:
    """The fields of a well, segmented a few at a time.

    Parameters
    ----------
    fields : sequence of callables
        Each reads the `Images` of one field. It is called once, or twice (see the notes).
    engine, nuclei_engine : Segmenter
        For cells and for nuclei; may be the same.
    settings : SegmentationSettings
        See there.

    Raises
    ------
    InputError
        If a channel that the method segments is missing.

    Notes
    -----
    Memory holds `PIXELS_AT_ONCE` or one field, however many a well has. Where a network finds nuclei without
    a diameter, those of all fields are segmented first, since their median decides how far cells grow; their
    masks are kept compressed until then.
    """

    def __init__(
        self,
        fields: Sequence[Callable[[], Images]],
        engine: Segmenter,
        nuclei_engine: Segmenter,
        settings: SegmentationSettings,
    ) -> None:
        self._fields = fields
        self._engine = engine
        self._nuclei_engine = nuclei_engine
        self._settings = settings
        self._nuclei: list[_Packed] = []
        self._found: dict[Kind, list[npt.NDArray[np.float64]]] = {"cells": [], "nuclei": []}

    def __iter__(self) -> Iterator[tuple[Images, Segmented]]:
        """Each field and what was found in it; `diameter` and `nuclei_diameter` are known after the last."""
        self._found = {"cells": [], "nuclei": []}
        self._nuclei = []
        if not self._settings.nuclei_diameter and not self._nuclei_engine.needs_diameter:
            for _, images in self._chunks():
                if images[0].nuclear is None:
                    break
                self._nuclei += [_Packed(mask) for mask in self._segment_nuclei(images)]
        for begin, images in self._chunks():
            kept = self._nuclei[begin : begin + len(images)]
            nuclei = [mask.unpacked() for mask in kept] if kept else self._segment_nuclei(images)
            yield from zip(images, self._completed(images, nuclei), strict=True)

    @property
    def diameter(self) -> float:
        """Diameter of the cells, px: what was used, or the median of what was found; 0 if there is none."""
        return self._diameter("cells", self._engine, self._settings.diameter)

    @property
    def nuclei_diameter(self) -> float:
        """Diameter of the nuclei, as `diameter`."""
        return self._diameter("nuclei", self._nuclei_engine, self._settings.nuclei_diameter)

    def _diameter(self, kind: Kind, engine: Segmenter, given: float) -> float:
        """What was used for a kind of object, or the median of what was found, 0 if nothing was segmented."""
        if not self._found[kind]:
            return 0.0
        if given or engine.needs_diameter:
            return given
        found = np.concatenate(self._found[kind])
        return float(np.median(found)) if len(found) else engine.diam_mean[kind]

    def _chunks(self) -> Iterator[tuple[int, list[Images]]]:
        """Neighbouring fields of `PIXELS_AT_ONCE` at most, or one, and the number of the first."""
        held: list[Images] = []
        pixels = 0
        for number, read in enumerate(self._fields):
            images = self._needed(read())
            size = max(image.size for image in (images.cell, images.nuclear) if image is not None)
            if held and pixels + size > PIXELS_AT_ONCE:
                yield number - len(held), held
                held, pixels = [], 0
            held.append(images)
            pixels += size
        if held:
            yield len(self._fields) - len(held), held

    def _needed(self, images: Images) -> Images:
        """The images of a field, if none is missing that the method segments."""
        method = self._settings.method
        for role, given in (("cell", images.cell), ("nuclear", images.nuclear)):
            if role in NEEDED[method] and given is None:
                raise InputError(f"--cell_method {method} segments the {role} channel; name it")
        return images

    def _segment_nuclei(self, fields: Sequence[Images]) -> list[Mask]:
        """Masks of the nuclei, empty where there is no nuclear channel."""
        images = [images.nuclear for images in fields if images.nuclear is not None]
        if not images:
            return [np.zeros(images.cell.shape, np.int32) for images in fields if images.cell is not None]
        return self._segment([pair(image) for image in images], "nuclei")

    def _segment(self, pairs: Sequence[npt.NDArray[np.float32]], kind: Kind) -> list[Mask]:
        """Masks by the network of a kind of object."""
        cells = kind == "cells"
        engine = self._engine if cells else self._nuclei_engine
        diameter = self._settings.diameter if cells else self._settings.nuclei_diameter
        masks = engine.segment(
            pairs, diameter, kind, self._settings.cells if cells else self._settings.nuclei
        )
        self._found[kind] += [equivalent_diameters(mask) for mask in masks]
        return masks

    def _completed(self, fields: Sequence[Images], nuclei: Sequence[Mask]) -> Iterator[Segmented]:
        """Cells of some fields, matched with their nuclei."""
        method, diameter = self._settings.method, self.nuclei_diameter
        distance = self._settings.expand_px or diameter / 2
        stains = [images.cell for images in fields if images.cell is not None]
        if method.startswith("cellpose"):
            pairs = [pair(stain, images.nuclear) for stain, images in zip(stains, fields, strict=True)]
            cells = self._segment(pairs, "cells")
        else:
            cells = [np.zeros_like(mask) for mask in nuclei]
        for number, (cell, nucleus) in enumerate(zip(cells, nuclei, strict=True)):
            if method == "from_nuclei":
                made = _of_one_origin(grow_cells(nucleus, distance), GROWN)
            elif method == "cellpose":
                made = _of_one_origin(cell, NETWORK)
            else:
                made = complete_cells(cell, nucleus, stains[number], diameter, distance)
            by_network = method.startswith("cellpose")
            found = _finish(made, nucleus, len(find_orphans(cell, nucleus)) if by_network else 0)
            if fields[number].nuclear is None:
                area = stained_area(stains[number], found.cells + found.left_out, self.diameter)
                found = replace(found, stained=area)
            yield found


def segment_well(
    cell_images: Sequence[Image] | None,
    nuclear_images: Sequence[Image] | None,
    engine: Segmenter,
    nuclei_engine: Segmenter,
    settings: SegmentationSettings,
) -> tuple[list[Segmented], float, float]:
    """Segment all fields of a well whose images are in memory.

    Parameters
    ----------
    cell_images, nuclear_images : sequences of (Y, X) arrays
        The two channels, field by field; None where the screen has no such channel.
    engine, nuclei_engine, settings
        As for `WellSegmentation`.

    Returns
    -------
    list of Segmented, float, float
        The fields; the diameters of cells and of nuclei (0 where none were segmented): what was used, or
        the median of what was found by a network that needs none.
    """
    none: list[Image | None] = [None] * len(cell_images if cell_images is not None else nuclear_images or ())
    cells, nuclei = (none if images is None else images for images in (cell_images, nuclear_images))
    fields = [partial(Images, cell, nuclear) for cell, nuclear in zip(cells, nuclei, strict=True)]
    well = WellSegmentation(fields, engine, nuclei_engine, settings)
    return [found for _, found in well], well.diameter, well.nuclei_diameter


class _Packed:
    """A mask, compressed: most of its pixels are like their neighbours."""

    def __init__(self, mask: Mask) -> None:
        self._shape = mask.shape
        self._data = zlib.compress(mask.tobytes(), 1)

    def unpacked(self) -> Mask:
        """The mask."""
        return np.frombuffer(zlib.decompress(self._data), np.int32).reshape(self._shape).copy()


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
