"""Where cells lie and what outline they have: star-shaped cells that press against each other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from morphodose.simulate.biology import EARLY, LATE, NECROTIC, VIABLE
from morphodose.simulate.looks import drawn_out

Floats = npt.NDArray[np.float64]

#: Directions in which an outline is sampled.
ANGLES = 128
_THETA = np.arange(ANGLES) * 2 * np.pi / ANGLES
#: Waves around an outline.
_ORDER = np.arange(2, 7)

#: Diameter of a cell of each state relative to a healthy one: shrinkage, and swelling of necrosis.
STATE_SIZE = np.array([1.0, 0.82, 0.68, 0.88])

#: How far tips may reach, relative to the outline without them, by shape.
HIGHEST = {"spread": 1.9, "spindle": 1.9, "star": 3.5}


@dataclass(frozen=True)
class Cells:
    """Cells of one canvas, one array element a cell.

    Attributes
    ----------
    x, y : (N,) array
        Centre, in pixels of the canvas.
    state : (N,) array of int
        Codes of `morphodose.simulate.biology.STATES`.
    diameter : (N,) array
        Diameter of the free cell, in pixels, after shrinkage.
    angle : (N,) array
        Long axis, in radians.
    outline : (N, ANGLES) array
        Distance from centre to border in each direction, in pixels.
    """

    x: Floats
    y: Floats
    state: npt.NDArray[np.int64]
    diameter: Floats
    angle: Floats
    outline: Floats

    def __len__(self) -> int:
        return len(self.x)


def place_cells(
    rng: np.random.Generator, n: int, size: int, distance: float, clustering: float = 0.6
) -> tuple[Floats, Floats]:
    """Centres of up to `n` cells on a square canvas, no two nearer than `distance`.

    Cells gather where a smooth random field is high, as adherent cells do; `clustering` is the share of
    cells that choose the best of several free places rather than the first. Fewer than `n` come back
    when the canvas is full.
    """
    coarse = rng.standard_normal((12, 12))
    points = np.empty((n, 2))
    count = 0
    tries = 12
    while count < n:
        candidates = rng.random((tries, 2)) * size
        if count:
            gap = candidates[:, None, :] - points[None, :count, :]
            free = (np.einsum("ijk,ijk->ij", gap, gap) >= distance**2).all(axis=1)
            candidates = candidates[free]
        if not len(candidates):
            if tries > 3000:
                break
            tries *= 4
            continue
        pick = 0
        if rng.random() < clustering:
            attraction = ndimage.map_coordinates(
                coarse, (candidates.T[::-1] / size) * 11, order=1, mode="nearest"
            )
            pick = int(attraction[:4].argmax())
        points[count] = candidates[pick]
        count += 1
    return points[:count, 0], points[:count, 1]


def make_cells(
    rng: np.random.Generator,
    x: Floats,
    y: Floats,
    state: npt.NDArray[np.int64],
    diameter: float,
    morphology: float,
    field: tuple[float, float],
    shape: str = "spread",
) -> Cells:
    """Give each cell its outline: spread and angular when healthy, round and blebbing when dying.

    Parameters
    ----------
    rng : numpy.random.Generator
    x, y : (N,) array
        Centres of the healthy cells.
    state : (N,) array of int
    diameter : float
        Mean diameter of healthy cells, in pixels.
    morphology : float
        Change of the viable cells before death, 0 to 1: at 1 they have lost 35 % of their area and
        most of their elongation.
    field : (float, float)
        First and last pixel of the visible field on the canvas. A cell that shrinks is moved so that
        it touches, or does not touch, the border as the healthy cell at its place would. Otherwise dead
        cells, being small, would be rarer at the border, and leaving border cells out would bias every
        death fraction.
    shape : str
        Of the healthy cells, see `morphodose.simulate.looks.SHAPES`.
    """
    n = len(x)
    size = diameter * np.exp(rng.normal(0, 0.11, n))
    long = np.clip(1 + rng.gamma(2.0, 0.34, n), 1, 2.5)
    angle = rng.random(n) * np.pi
    power = rng.uniform(1.15, 2.1, n)
    waves = rng.normal(0, 1, (n, 5)) * (0.075 / np.sqrt(_ORDER - 1))
    phases = rng.random((n, 5)) * 2 * np.pi
    tips = np.stack([_tips(rng) for _ in range(n)]) if n else np.zeros((0, ANGLES))
    if shape != "spread":
        long, tips = drawn_out(rng, shape, long, tips, _THETA)
    healthy = _outlines(size, long, angle, power, waves, phases, tips, HIGHEST[shape])

    change = np.where(state == VIABLE, morphology, 0.0)
    roundness = np.where(state == VIABLE, 0.75 * change, np.array([0.0, 0.8, 0.93, 0.93])[state])
    scale = STATE_SIZE[state] * np.sqrt(1 - 0.35 * change)
    shrunk = size * scale
    outline = _outlines(
        shrunk,
        1.0 + (long - 1.0) * (1.0 - roundness),
        angle,
        power + (2 - power) * roundness,
        waves * (1 - 0.6 * roundness)[:, None],
        phases,
        tips * (1 - roundness)[:, None],
        HIGHEST[shape],
    )
    for cell in np.flatnonzero((state == EARLY) | (state == LATE)):
        outline[cell] *= _blebs(rng, blebs=int(rng.integers(5, 11)), height=rng.uniform(0.12, 0.28))
    outline[state == NECROTIC] *= 1 + rng.normal(0, 0.012, (int((state == NECROTIC).sum()), ANGLES))
    area = 0.5 * (outline**2).sum(axis=1) * (2 * np.pi / ANGLES)
    outline *= (shrunk * np.sqrt(np.pi / 4) / np.sqrt(area))[:, None]

    x, y = x.copy(), y.copy()
    for cell in np.flatnonzero((state != VIABLE) | (change > 0)):
        x[cell] += _same_side(x[cell], healthy[cell] * np.cos(_THETA), outline[cell] * np.cos(_THETA), field)
        y[cell] += _same_side(y[cell], healthy[cell] * np.sin(_THETA), outline[cell] * np.sin(_THETA), field)
    return Cells(x, y, state, shrunk, angle, outline)


def spread_further(cells: Cells, factor: float) -> Cells:
    """The same cells with the healthy ones `factor` times as wide, at their places."""
    factors = np.where(cells.state == VIABLE, factor, 1.0)
    return replace(cells, diameter=cells.diameter * factors, outline=cells.outline * factors[:, None])


def _outlines(
    size: Floats,
    long: Floats,
    angle: Floats,
    power: Floats,
    waves: Floats,
    phases: Floats,
    tips: Floats,
    highest: float,
) -> Floats:
    """Radii of superellipses with waves and tips on them, scaled to the area of a circle of `size`."""
    turned = _THETA[None, :] - angle[:, None]
    root = np.sqrt(long)[:, None]
    p = power[:, None]
    radius = (np.abs(np.cos(turned) / root) ** p + np.abs(np.sin(turned) * root) ** p) ** (-1 / p)
    radius = radius * (
        1
        + (waves[:, :, None] * np.cos(_ORDER[None, :, None] * _THETA + phases[:, :, None])).sum(axis=1)
        + tips
    ).clip(0.55, highest)
    area = 0.5 * (radius**2).sum(axis=1) * (2 * np.pi / ANGLES)
    return radius * (size * np.sqrt(np.pi / 4) / np.sqrt(area))[:, None]


def _tips(rng: np.random.Generator) -> Floats:
    """Relative height of the ruffles and tips of one spread cell around its outline."""
    count = int(rng.integers(2, 6))
    centres = rng.random((count, 1)) * 2 * np.pi
    widths = rng.uniform(0.10, 0.28, (count, 1))
    heights = rng.gamma(2.0, 0.07, (count, 1)).clip(0, 0.42)
    apart = np.angle(np.exp(1j * (_THETA[None, :] - centres)))
    # pointed, not round: retraction fibres and lamella corners
    return (heights * np.exp(-np.abs(apart) / widths)).sum(axis=0)


def _blebs(rng: np.random.Generator, blebs: int, height: float) -> Floats:
    """Factor on an outline: round lobes at random places."""
    centres = rng.random(blebs) * 2 * np.pi
    widths = rng.uniform(0.16, 0.32, blebs)
    apart = np.angle(np.exp(1j * (_THETA[None, :] - centres[:, None])))
    lobes = np.sqrt(np.clip(1 - (apart / (1.6 * widths[:, None])) ** 2, 0, None))
    return 1 + height * (lobes * rng.uniform(0.6, 1.2, (blebs, 1))).max(axis=0)


def _same_side(centre: float, before: Floats, after: Floats, field: tuple[float, float]) -> float:
    """Shift along one axis that gives the extent `after` the relation to the border `before` had."""
    shift = 0.0
    for edge, sign in ((field[0], 1.0), (field[1], -1.0)):
        # distances from the outermost row of pixels, positive towards the inside of the field
        was, now = sign * (centre - edge), sign * (centre + shift - edge)
        was_low, was_high = was + (sign * before).min(), was + (sign * before).max()
        low, high = now + (sign * after).min(), now + (sign * after).max()
        if was_low >= 0:
            move = max(0.0, -low)
        elif was_high <= 0:
            move = min(0.0, -high)
        else:
            move = -0.5 - low if low > -0.5 else max(0.0, 1.5 - high)
        shift += sign * move
    return shift


def rasterise(cells: Cells, size: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Draw the cells on a canvas; where two claim a pixel, the one it lies deeper in has it.

    Returns
    -------
    owner : (size, size) array of int32
        0 background, i + 1 for cell i. Every cell is one connected piece.
    depth : (size, size) array of float32
        Distance from the owner's centre over the distance to its free border: 0 centre, 1 border.
    """
    owner = np.zeros((size, size), np.int32)
    depth = np.ones((size, size), np.float32)
    for i in range(len(cells)):
        window, relative = relative_radius(cells.x[i], cells.y[i], cells.outline[i], size)
        if relative is None:
            continue
        better = relative < depth[window]
        depth[window][better] = relative[better]
        owner[window][better] = i + 1
    _keep_largest_pieces(owner)
    depth[owner == 0] = 1
    return owner, depth


def relative_radius(
    x: float, y: float, outline: Floats, size: int
) -> tuple[tuple[slice, slice], npt.NDArray[np.float32] | None]:
    """Radius over outline on the bounding box of one star shape: the box, and (h, w) values."""
    reach = float(outline.max()) + 1
    top, bottom = max(0, int(y - reach)), min(size, int(y + reach) + 2)
    left, right = max(0, int(x - reach)), min(size, int(x + reach) + 2)
    window = (slice(top, bottom), slice(left, right))
    if top >= bottom or left >= right:
        return window, None
    dy = (np.arange(top, bottom, dtype=np.float32) - np.float32(y))[:, None]
    dx = (np.arange(left, right, dtype=np.float32) - np.float32(x))[None, :]
    place = np.arctan2(dy, dx) * np.float32(ANGLES / (2 * np.pi))
    base = np.floor(place)
    part = place - base
    index = base.astype(np.int64) % ANGLES
    ring = outline.astype(np.float32)
    radius = ring[index] * (1 - part) + ring[(index + 1) % ANGLES] * part
    return window, np.sqrt(dx * dx + dy * dy) / radius


def _keep_largest_pieces(owner: npt.NDArray[np.int32]) -> None:
    """Clear, in place, the splinters that a neighbour has cut off a cell."""
    for i, window in enumerate(ndimage.find_objects(owner)):
        if window is None:
            continue
        mine = owner[window] == i + 1
        pieces, count = ndimage.label(mine)
        if count > 1:
            areas = np.bincount(pieces.ravel())
            areas[0] = 0
            owner[window][mine & (pieces != areas.argmax())] = 0
