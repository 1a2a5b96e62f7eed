"""No nucleus without its cell: cells grown from the nuclei that a network has left without one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from centrosome.propagate import propagate
from scipy import ndimage
from skimage.segmentation import watershed

from morphodose.segmentation.from_nuclei import grow_cells
from morphodose.segmentation.match import find_orphans, owners
from morphodose.segmentation.normalise import Light, light_of

Mask = npt.NDArray[np.int32]

#: How a cell was made: found by the network, split from one that held several, grown in the stain, grown by a
#: distance where no stain is.
NETWORK, SPLIT, PROPAGATED, GROWN = "cellpose", "split", "propagated", "grown"

_CROSS = ndimage.generate_binary_structure(2, 1)

#: A nucleus of less than this part of the area of an ordinary one is debris or a crumb: it seeds no cell.
SMALLEST_SEED = 0.25
#: Nuclei of this part of the area of an ordinary one count when a cell is split: those of a dying cell that
#: fall apart are smaller.
SMALLEST_OF_SEVERAL = 0.5
#: Two nuclei further apart than this, in nuclear diameters, are those of two cells, not of a binucleate one.
APART = 0.5
#: Side by side or not, nuclei are those of several cells where a ridge of stain runs between them: this many
#: times as bright as what is beside it, and nowhere on three quarters of its length darker than that.
RIDGE, RIDGE_WHOLE = 1.2, 1.0
#: Each then has this part of an equal share of the cell, or more: a ring around one nucleus is not a border.
SMALLEST_PART = 0.5
#: Weight of the distance against differences of brightness: CellProfiler's default.
REGULARISATION = 0.05
#: Part of the light around a nucleus that its cell has everywhere.
CONTRAST = 0.4
#: Stain is brighter than noise by this many of its standard deviations (before it is smoothed) …
BRIGHTER = 3.0
#: … and than haze, which is less than this part of the light of ordinary cells.
HAZE = 0.02
#: A cell that has grown by less than this part of its nucleus has no stain to grow in.
LEAST_GROWTH = 0.15


@dataclass(frozen=True)
class Completed:
    """Cells of one field, and how each was made.

    Attributes
    ----------
    cells : (Y, X) array of int32
        Label mask.
    origins : dict of int to str
        Label → `NETWORK`, `SPLIT`, `PROPAGATED` or `GROWN`.
    """

    cells: Mask
    origins: dict[int, str]


def complete_cells(
    cells: Mask, nuclei: Mask, stain: npt.NDArray[np.generic], nuclei_diameter: float, distance: float
) -> Completed:
    """Split cells that hold the nuclei of several, and add a cell for each nucleus that lies in none.

    Parameters
    ----------
    cells, nuclei : (Y, X) array of int32
        Label masks, numbered independently; `cells` may be empty: then all cells are grown.
    stain : (Y, X) array
        Raw intensities of the cell channel.
    nuclei_diameter : float
        Diameter of an ordinary nucleus, in px.
    distance : float
        Growth in px of a nucleus with no stain around it.

    Returns
    -------
    Completed
        The given cells keep their labels and, but for those split, their pixels; new labels follow the
        largest. A new cell covers its nucleus, as far as that lies in no other cell.
    """
    origins = dict.fromkeys((int(label) for label in np.unique(cells) if label), NETWORK)
    cells, parts = split_cells(cells, nuclei, stain, nuclei_diameter)
    origins |= dict.fromkeys(parts, SPLIT)
    seeds = _seeds(cells, nuclei, nuclei_diameter)
    new = np.unique(seeds[seeds > 0])
    if not len(new):
        return Completed(cells.astype(np.int32), origins)
    free = (cells == 0) & ((nuclei == 0) | (seeds > 0))
    grown = propagate_cells(seeds, stain, free, nuclei_diameter)
    size = int(new[-1]) + 1
    before, after = (np.bincount(mask.ravel(), minlength=size) for mask in (seeds, grown))
    bare = new[after[new] < (1 + LEAST_GROWTH) * before[new]]
    if len(bare):
        wide = grow_cells(np.where(grown > 0, grown, seeds), distance)
        grown = np.where(np.isin(wide, bare) & (grown == 0) & free, wide, grown)
    origins |= {int(label): GROWN if label in bare else PROPAGATED for label in new}
    return Completed(np.where(cells > 0, cells, grown).astype(np.int32), origins)


def split_cells(
    cells: Mask, nuclei: Mask, stain: npt.NDArray[np.generic], nuclei_diameter: float
) -> tuple[Mask, list[int]]:
    """Split cells that hold several nuclei: more than two, or two far apart or with stain between.

    Parameters
    ----------
    cells, nuclei, stain, nuclei_diameter
        As for `complete_cells`; the diameter in px.

    Returns
    -------
    cells : (Y, X) array of int32
        The part with the largest nucleus keeps the label, the others have labels above the largest.
    parts : list of int
        Labels of all parts.

    Notes
    -----
    Networks merge neighbours in confluent layers and clumps. Cells with two nuclei are common and stay
    whole: their nuclei lie side by side, with no membrane between them. Where stain shows a border it
    becomes that of the parts (`ridged_parts`); else they are propagated over the stain.
    """
    owner = owners(cells, nuclei)
    areas = np.bincount(nuclei.ravel(), minlength=len(owner))
    owner[areas < SMALLEST_OF_SEVERAL * np.pi / 4 * nuclei_diameter**2] = 0
    several = np.flatnonzero(np.bincount(owner)[1:] > 1) + 1
    if not len(several):
        return cells.astype(np.int32), []
    light, relief = _light(stain, nuclei_diameter)
    fine = ndimage.gaussian_filter(light.above, max(0.7, nuclei_diameter / 25))
    boxes = ndimage.find_objects(cells)
    result, parts, largest = cells.astype(np.int32), [], int(cells.max())
    for cell in several:
        box = boxes[cell - 1]
        inside = cells[box] == cell
        held = np.flatnonzero(owner == cell)
        held = held[np.argsort(-areas[held], kind="stable")]
        seeds = np.zeros(inside.shape, np.int32)
        for number, nucleus in enumerate(held, start=1):
            seeds[(nuclei[box] == nucleus) & inside] = number
        grown = ridged_parts(fine[box], seeds, inside, nuclei_diameter)
        if grown is None:
            if len(held) == 2 and _gap(nuclei, held, box, nuclei_diameter) <= APART * nuclei_diameter:
                continue
            grown, _ = propagate(relief[box], seeds, inside, REGULARISATION)
        numbers = np.array([cell, cell, *range(largest + 1, largest + len(held))])
        largest += len(held) - 1
        result[box][inside] = numbers[grown[inside]]
        parts += numbers[1:].tolist()
    return result, parts


def ridged_parts(
    light: npt.NDArray[np.floating], seeds: Mask, cell: npt.NDArray[np.bool_], nuclei_diameter: float
) -> Mask | None:
    """Parts of what seems one cell where ridges of stain, as membranes of neighbours are, run between nuclei.

    Parameters
    ----------
    light : (Y, X) array of float
        Stain above the background, smoothed by less than a membrane is wide.
    seeds : (Y, X) array of int32
        The nuclei, inside of the cell, numbered from 1.
    cell : (Y, X) array of bool
        The cell.
    nuclei_diameter : float
        Diameter of an ordinary nucleus, in px.

    Returns
    -------
    (Y, X) array of int32, or None
        Parts with the numbers of their nuclei, which meet on the ridges; None where there are none.

    Notes
    -----
    A watershed of the brightness, flooded from the nuclei, meets on a ridge if there is one, wherever it
    runs. In a binucleate cell it meets somewhere in the cytoplasm, no brighter there than beside it.
    """
    parts = np.asarray(watershed(light, seeds, mask=cell), np.int32)
    numbers = range(1, int(seeds.max()) + 1)
    if np.bincount(parts.ravel())[1:].min() < SMALLEST_PART * np.count_nonzero(cell) / len(numbers):
        return None
    # where a pixel and one beside it are in different parts
    highest = ndimage.maximum_filter(parts, footprint=_CROSS)
    lowest = ndimage.minimum_filter(np.where(parts > 0, parts, len(numbers) + 1), footprint=_CROSS)
    meeting = cell & (highest != lowest)
    # light falls off towards the outline, in the ridge and beside it
    core = ndimage.distance_transform_edt(np.pad(cell, 1))[1:-1, 1:-1] > 0.1 * nuclei_diameter
    bare = core & (ndimage.distance_transform_edt(seeds == 0) > 0.05 * nuclei_diameter)
    far = ndimage.distance_transform_edt(~meeting)
    beside = core & (seeds == 0) & (far > 0.15 * nuclei_diameter) & (far < 0.45 * nuclei_diameter)
    ridge, flanks = light[meeting & bare], [light[beside & (parts == number)] for number in numbers]
    if min(ridge.size, *(flank.size for flank in flanks)) < nuclei_diameter:
        return None
    levels = [float(np.median(flank)) for flank in flanks]
    level = max(levels) if len(levels) == 2 else float(np.median(levels))
    low, middle = np.percentile(ridge, (25, 50))
    return parts if level > 0 and middle > RIDGE * level and low > RIDGE_WHOLE * level else None


def _gap(nuclei: Mask, pair: npt.NDArray[np.integer], box: tuple[slice, ...], reach: float) -> float:
    """Distance in px between two nuclei; a cell's box may cut them, so that it is widened."""
    margin = int(reach) + 1
    wide = tuple(slice(max(0, side.start - margin), side.stop + margin) for side in box)
    first, second = (nuclei[wide] == label for label in pair)
    return float(ndimage.distance_transform_edt(~first)[second].min())


def _light(stain: npt.NDArray[np.generic], nuclei_diameter: float) -> tuple[Light, npt.NDArray[np.floating]]:
    """Light of a stain, and, smoothed and compressed, the relief that cells are propagated over."""
    light = light_of(np.asarray(stain, np.float32), 2 * nuclei_diameter)
    return light, ndimage.gaussian_filter(light.compressed(), _smoothing(nuclei_diameter))


def _smoothing(nuclei_diameter: float) -> float:
    return max(1.0, nuclei_diameter / 15)


def _seeds(cells: Mask, nuclei: Mask, nuclei_diameter: float) -> Mask:
    """Nuclei that lie in no cell, without crumbs, what of them is free, with labels above those of cells."""
    areas = np.bincount(nuclei.ravel())
    free = np.bincount(nuclei[cells == 0], minlength=len(areas))
    # what lies mostly in several cells at once is not a separate cell
    whole = (areas >= SMALLEST_SEED * np.pi / 4 * nuclei_diameter**2) & (2 * free > areas)
    orphans = [label for label in find_orphans(cells, nuclei) if whole[label]]
    number = np.zeros(len(areas), np.int32)
    number[orphans] = int(cells.max(initial=0)) + 1 + np.arange(len(orphans))
    return np.where(cells == 0, number[nuclei], 0).astype(np.int32)


def propagate_cells(
    seeds: Mask, stain: npt.NDArray[np.generic], free: npt.NDArray[np.bool_], nuclei_diameter: float
) -> Mask:
    """Grow seeds over a stain, as CellProfiler's IdentifySecondaryObjects does by propagation.

    Parameters
    ----------
    seeds : (Y, X) array of int32
        Label mask of the nuclei.
    stain : (Y, X) array
        Raw intensities of the cell channel.
    free : (Y, X) array of bool
        Where cells may grow.
    nuclei_diameter : float
        Diameter of an ordinary nucleus, in px; a cell reaches no further beyond its nucleus.

    Returns
    -------
    (Y, X) array of int32
        Cells with the labels of their seeds, each in one piece without holes.

    Notes
    -----
    Propagation of Jones, Carpenter & Golland (Computer Vision for Biomedical Image Applications, 2005).
    Two thresholds bound it: the stain must stand out of the local background, and a cell ends where its
    light falls below a part of what surrounds its nucleus, so that a dim cell beside a bright one has a
    threshold of its own. The nucleus itself does not set it: a stain may be there, or may not.
    """
    found, relief = _light(stain, nuclei_diameter)
    light = ndimage.gaussian_filter(found.above, _smoothing(nuclei_diameter))
    stained = light > max(BRIGHTER * found.noise, HAZE * found.middle)
    near = ndimage.distance_transform_edt(seeds == 0) <= nuclei_diameter
    labels, _ = propagate(relief, seeds, free & near & stained, REGULARISATION)
    ring = np.where((seeds == 0) & free, grow_cells(seeds, max(2.0, nuclei_diameter / 4)), 0)
    index = np.arange(int(seeds.max()) + 1)
    # where there is no room for a ring nothing can grow, and any level will do
    level = np.nan_to_num(ndimage.median(light, ring, index)) if ring.any() else np.zeros(len(index))
    kept = np.where((light > CONTRAST * level[labels]) | (seeds > 0), labels, 0)
    return _whole(kept.astype(np.int32), seeds)


def _whole(labels: Mask, seeds: Mask) -> Mask:
    """Each label without pieces away from its seed, and with its holes filled."""
    result = np.zeros_like(labels)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        pieces, _ = ndimage.label(labels[box] == label)
        own = np.unique(pieces[(seeds[box] == label) & (pieces > 0)])
        filled = ndimage.binary_fill_holes(np.isin(pieces, own[own > 0]))
        result[box][filled & ((labels[box] == label) | (labels[box] == 0))] = label
    return result
