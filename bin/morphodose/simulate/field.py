"""One field of view with its truth: the unit of the simulated plate, and of training sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from morphodose.simulate.biology import STATES, assign_states
from morphodose.simulate.looks import Look
from morphodose.simulate.optics import CHANNELS, Optics, photograph
from morphodose.simulate.shapes import make_cells, place_cells, rasterise, spread_further
from morphodose.simulate.stains import draw_nuclei, stain

__all__ = ["CHANNELS", "STATES", "Look", "Optics", "SimulatedField", "render_field"]


@dataclass(frozen=True)
class SimulatedField:
    """A rendered field and what is in it.

    Attributes
    ----------
    planes : (Z, C, Y, X) array of uint16
        Camera counts; channels are Brightfield, Hoechst, CellMask, AnnexinV, PI (`CHANNELS`).
    cells : (Y, X) array of int32
        Label of the cell each pixel belongs to, 1 … n; 0 is background. Cells at the border included.
    nuclei : (Y, X) array of int32
        Nuclei with the label of their cell; a broken nucleus has several pieces of one label.
    table : dict of str to (n,) array
        One entry a label, in order (label k is entry k - 1): ``ObjectLabel``, ``State`` (a name of
        `STATES`), ``TouchesBorder``, ``Center_X``, ``Center_Y`` (centroid, px), ``Area``,
        ``NucleusArea`` (px²), ``Touching`` (number of adjacent cells), and the electrons drawn for each
        dye, ``Level_Hoechst`` … ``Level_PI``. ``pandas.DataFrame(field.table)`` makes a frame of it.
    """

    planes: npt.NDArray[np.uint16]
    cells: npt.NDArray[np.int32]
    nuclei: npt.NDArray[np.int32]
    table: dict[str, npt.NDArray[np.generic]]


def render_field(
    rng: np.random.Generator,
    *,
    size: int = 360,
    n_cells: float = 45.0,
    fractions: Sequence[float] | Mapping[str, float] | None = None,
    lost: float = 0.0,
    morphology: float = 0.0,
    cell_diameter: float = 40.0,
    clustering: float = 0.6,
    brightness: float = 1.0,
    optics: Optics | None = None,
    illumination_centres: Mapping[str, tuple[float, float]] | None = None,
    look: Look | None = None,
) -> SimulatedField:
    """Render one field in every channel and plane.

    Parameters
    ----------
    rng : numpy.random.Generator
        All randomness comes from it: the same generator state gives the same pixels.
    size : int
        Edge of the square field, in pixels.
    n_cells : float
        Expected number of cell centres in the field before any is lost; 0 gives an empty field. About
        `size`² / (1.15 `cell_diameter`²) is the most that fit.
    fractions : sequence of 4 floats, or mapping, optional
        Shares of the states among the cells that are left, in the order of `STATES` or by name; default
        all viable.
    lost : float
        Share of cells that have detached and left a gap.
    morphology : float
        Change of the viable cells before death, 0 (spread) to 1 (shrunk and round).
    cell_diameter : float
        Mean diameter of a healthy cell, in pixels; the whole picture scales with it.
    clustering : float
        0 scatters the cells, 1 gathers them in islands.
    brightness : float
        Factor on all dyes.
    optics : Optics, optional
        Planes, blur, defocus, vignetting, noise; see `Optics`.
    illumination_centres : mapping, optional
        Channel → centre of the illumination, so that all fields of an acquisition share one.
    look : Look, optional
        Another stain in the channel ``CellMask``, another shape, uneven brightness, a closed layer, debris.

    Returns
    -------
    SimulatedField
    """
    optics = optics or Optics()
    shares = _shares(fractions)
    margin = int(np.ceil(0.9 * cell_diameter))
    canvas = int(fft.next_fast_len(size + 2 * margin, real=True))
    # whole cells vary from field to field less than a Poisson count, for they keep their distance
    expected = n_cells * (canvas / size) ** 2
    wanted = int(np.floor(max(0.0, rng.normal(expected, 0.35 * np.sqrt(expected))) + rng.random()))
    x, y = place_cells(rng, wanted, canvas, 0.68 * cell_diameter, clustering)
    keep = np.sort(rng.permutation(len(x))[: int(np.floor(len(x) * (1 - lost) + rng.random()))])
    x, y = x[keep], y[keep]
    state = assign_states(rng, len(x), shares)
    shape = "spread" if look is None else look.shape
    cells = make_cells(rng, x, y, state, cell_diameter, morphology, (margin, margin + size - 1), shape)
    if look is not None and look.spreading != 1:
        cells = spread_further(cells, look.spreading)
    owner, depth = rasterise(cells, canvas)
    nuclei = draw_nuclei(rng, cells, owner, cell_diameter, None if look is None else look.binucleate)
    stains = stain(rng, cells, owner, depth, nuclei, cell_diameter, brightness, look)
    shown = slice(margin, margin + size)
    planes = photograph(rng, stains, shown, optics, dict(illumination_centres or {}), cell_diameter / 40)
    return _with_truth(planes, owner[shown, shown], nuclei.owner[shown, shown], state, stains.levels)


def _shares(fractions: Sequence[float] | Mapping[str, float] | None) -> npt.NDArray[np.float64]:
    """Fractions of the four states as an array that sums to 1."""
    if fractions is None:
        return np.array([1.0, 0, 0, 0])
    if isinstance(fractions, Mapping):
        unknown = set(fractions) - set(STATES)
        if unknown:
            raise ValueError(f"{sorted(unknown)} are not states; the states are {', '.join(STATES)}")
        fractions = [fractions.get(name, 0.0) for name in STATES]
    shares = np.asarray(fractions, float)
    if shares.shape != (4,) or (shares < -1e-9).any() or abs(shares.sum() - 1) > 1e-6:
        raise ValueError(f"fractions must be 4 shares that sum to 1, got {list(shares)}")
    return shares.clip(0)


def _with_truth(
    planes: npt.NDArray[np.uint16],
    owner: npt.NDArray[np.int32],
    nuclei: npt.NDArray[np.int32],
    state: npt.NDArray[np.int64],
    levels: Mapping[str, npt.NDArray[np.float64]],
) -> SimulatedField:
    """Number the visible cells 1 … n and tabulate them."""
    visible = np.unique(owner)
    visible = visible[visible > 0]
    renumber = np.zeros(len(state) + 1, np.int32)
    renumber[visible] = np.arange(1, len(visible) + 1)
    cells, inner = renumber[owner], renumber[nuclei]
    index = np.arange(1, len(visible) + 1)
    border = np.zeros(len(visible) + 1, bool)
    for line in (cells[0], cells[-1], cells[:, 0], cells[:, -1]):
        border[line] = True
    centres = np.array(ndimage.center_of_mass(cells > 0, cells, index)).reshape(-1, 2)
    source = visible - 1
    table: dict[str, npt.NDArray[np.generic]] = {
        "ObjectLabel": index.astype(np.int64),
        "State": np.array(STATES, dtype=object)[state[source]],
        "TouchesBorder": border[1:],
        "Center_X": centres[:, 1],
        "Center_Y": centres[:, 0],
        "Area": np.bincount(cells.ravel(), minlength=len(index) + 1)[1:],
        "NucleusArea": np.bincount(inner.ravel(), minlength=len(index) + 1)[1:],
        "Touching": _touching(cells, len(index)),
    }
    for name, values in levels.items():
        table[f"Level_{name}"] = values[source]
    return SimulatedField(planes, cells, inner, table)


def _touching(cells: npt.NDArray[np.int32], n: int) -> npt.NDArray[np.int64]:
    """Number of other cells whose pixels lie next to those of each cell."""
    pairs = np.concatenate(
        [
            np.stack([cells[1:].ravel(), cells[:-1].ravel()]),
            np.stack([cells[:, 1:].ravel(), cells[:, :-1].ravel()]),
        ],
        axis=1,
    )
    pairs = pairs[:, (pairs[0] != pairs[1]) & (pairs > 0).all(axis=0)]
    unique = np.unique(np.sort(pairs, axis=0), axis=1)
    return np.bincount(unique.ravel(), minlength=n + 1)[1:]
