"""What a field looks like beyond the plate of the demo: other stains, other shapes, harder light.

A network that has seen only evenly stained, spread cells loses the others. `Look` turns each of these
on; without one, a field is rendered as it always was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

Image = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

#: What the cell channel shows: all of the cytoplasm, stress fibres and cortex, a network around the
#: nucleus, the outline only, vesicles in a pale cytoplasm, grains with dark between them, a filled cell
#: with thin brighter seams between neighbours, or a protein that fades out towards the border and is
#: kept out of the nucleus or gathers there.
STAINS = ("cytoplasm", "actin", "tubulin", "membrane", "speckled", "grains", "seams", "soluble")
#: Healthy cells: spread, long and pointed at both ends, or with several long processes.
SHAPES = ("spread", "spindle", "star")

#: Directions of the fibres of one canvas.
_DIRECTIONS = 8


@dataclass(frozen=True)
class Look:
    """How the cells of a field look.

    Attributes
    ----------
    stain : str
        One of `STAINS`: what the channel ``CellMask`` shows.
    shape : str
        One of `SHAPES`: the healthy cells.
    decades, nuclear_decades : float
        Range of brightness from cell to cell within the field, in orders of magnitude, of the cell stain
        and of the nuclei; drawn evenly on a logarithmic scale, down from the full brightness.
    few_bright : float
        1: as many bright cells as dim ones; above, fewer are bright (0.5 to the power of `few_bright` is
        the share of cells in the upper half of `decades`).
    strength : float
        Factor on the cell stain alone: below about 0.05 it is near the noise.
    spreading : float
        Factor on the size of healthy cells at their places; above 1 they press against each other, and
        dense ones close up to a layer.
    binucleate : float, optional
        Share of healthy cells with two nuclei, which then lie apart. Without it a few have two that touch.
    debris : float
        Pieces of stained dirt on an area of ten by ten cell diameters: flecks, fibres, and large ones out
        of focus.
    """

    stain: str = "cytoplasm"
    shape: str = "spread"
    decades: float = 0.0
    nuclear_decades: float = 0.0
    debris: float = 0.0
    few_bright: float = 1.0
    strength: float = 1.0
    spreading: float = 1.0
    binucleate: float | None = None

    def __post_init__(self) -> None:
        """Refuse names that are not known, and ranges below 0."""
        if self.stain not in STAINS:
            raise ValueError(f"stain {self.stain!r} is not one of {', '.join(STAINS)}")
        if self.shape not in SHAPES:
            raise ValueError(f"shape {self.shape!r} is not one of {', '.join(SHAPES)}")
        if min(self.decades, self.nuclear_decades, self.debris) < 0:
            raise ValueError(f"decades and debris are 0 or more, got {self}")
        if min(self.few_bright, self.strength, self.spreading) <= 0:
            raise ValueError(f"few_bright, strength and spreading are above 0, got {self}")
        if self.binucleate is not None and not 0 <= self.binucleate <= 1:
            raise ValueError(f"binucleate is a share, 0 to 1, got {self.binucleate}")

    def dimmed(self, rng: np.random.Generator, n: int) -> Floats:
        """Factor (N,) on the stain of each cell, by `decades` and `few_bright`."""
        return 10 ** (-self.decades * rng.random(n) ** (1 / self.few_bright))


def drawn_out(
    rng: np.random.Generator, shape: str, long: Floats, tips: Floats, theta: Floats
) -> tuple[Floats, Floats]:
    """Elongation (N,) and tips (N, angles) of cells of another shape than spread."""
    n = len(long)
    if shape == "spindle":
        return long * rng.uniform(1.8, 3.2, n), 0.4 * tips
    if shape == "star":
        tips = tips.copy()
        for cell in range(n):
            count = int(rng.integers(3, 7))
            centres = rng.random((count, 1)) * 2 * np.pi
            heights = rng.uniform(0.5, 2.2, (count, 1))
            apart = np.abs(np.angle(np.exp(1j * (theta[None, :] - centres))))
            tips[cell] += (heights * np.exp(-apart / rng.uniform(0.07, 0.16, (count, 1)))).sum(axis=0)
        return np.minimum(long, 1.5), tips
    return long, tips


@dataclass(frozen=True)
class Drawing:
    """The cells of a canvas as `morphodose.simulate.stains.stain` has them, all (Y, X).

    `owner` is 0 or the cell's number, `depth` 0 in the middle and 1 at the border, `edge` the distance to
    the border in px, `round_cell` 1 in rounded cells, `noise` fine, middle and coarse smooth noise.
    """

    owner: npt.NDArray[np.int32]
    depth: Image
    edge: Image
    thickness: Image
    round_cell: Image
    nucleus: Image
    noise: tuple[Image, Image, Image]
    x: Floats
    y: Floats
    angle: Floats
    diameter: float


def body_of(rng: np.random.Generator, stain: str, cells: Drawing) -> Image:
    """Relative brightness (Y, X) of a stain other than the cytoplasmic one, 0 outside of cells.

    Raises
    ------
    ValueError
        If the stain has no drawing.
    """
    fine, middle, coarse = cells.noise
    inside = (cells.owner > 0).astype(np.float32)
    scale = np.float32(cells.diameter / 40)
    rim = np.exp(-(((cells.edge - 1.0 * scale) / (1.1 * scale)) ** 2)) * inside
    patchy = np.clip(1 + 0.5 * coarse, 0.15, None)
    if stain == "actin":
        fibres = np.clip(_fibres(rng, cells), 0, None) * (1 - 0.8 * cells.round_cell)
        body = cells.thickness * (0.35 + 0.06 * middle) + 0.55 * fibres * (
            1 - np.exp(-cells.edge / (2 * scale))
        )
        body = body + (0.5 + 0.7 * cells.round_cell) * rim * patchy
    elif stain == "tubulin":
        around = np.exp(-((cells.depth / 0.5) ** 2))
        rays = np.clip(1 + 0.5 * _rays(rng, cells) + 0.25 * fine, 0.1, None)
        body = (0.14 + 1.3 * around) * rays * (
            1 - 0.55 * cells.nucleus
        ) + 0.4 * cells.round_cell * cells.thickness
    elif stain == "membrane":
        inner = rng.uniform(0.05, 0.3)
        golgi = np.clip(np.roll(coarse, len(coarse) // 2, axis=1) - 1, 0, None) * np.exp(
            -((cells.depth / 0.6) ** 2)
        )
        body = 1.2 * rim * patchy + np.float32(inner) * (1 + 0.15 * middle) + 0.5 * golgi
    elif stain == "speckled":
        near = np.exp(-((cells.depth / rng.uniform(0.5, 0.9)) ** 2))
        spots = np.clip(np.roll(middle, len(middle) // 3, axis=0) - 0.9, 0, None)
        body = np.float32(rng.uniform(0.08, 0.3)) * cells.thickness + 1.6 * spots * near * (
            1 - 0.8 * cells.nucleus
        )
    elif stain == "grains":
        pale = (
            np.float32(np.exp(rng.uniform(np.log(0.01), np.log(0.15))))
            * cells.thickness
            * (1 - 0.5 * cells.nucleus)
        )
        body = pale + grains(rng, cells) * (1 - 0.85 * cells.nucleus)
    elif stain == "seams":
        seam = np.exp(-(((cells.edge - 0.7 * scale) / (0.8 * scale)) ** 2))
        filled = 1 + 0.12 * coarse + 0.06 * fine
        body = np.float32(rng.uniform(0.35, 0.8)) * filled + np.float32(rng.uniform(0.3, 1.0)) * seam * patchy
        body = body * (1 - np.float32(rng.uniform(-0.2, 0.4)) * cells.nucleus)
    elif stain == "soluble":
        fading = np.exp(-((cells.depth / rng.uniform(0.45, 0.8)) ** 2)) * (
            1 - np.exp(-cells.edge / (3 * scale))
        )
        body = (np.float32(rng.uniform(0.08, 0.5)) * (0.4 + cells.thickness) + 1.2 * fading) * (
            1 + 0.12 * middle + 0.15 * coarse
        )
        # the protein leaves the nucleus or gathers there, by a factor from a quarter to four
        body = body * (1 + (np.float32(np.exp(rng.uniform(-1.4, 1.4))) - 1) * cells.nucleus)
    else:
        raise ValueError(f"stain {stain!r} has no drawing of its own")
    return (np.clip(body, 0, None) * inside).astype(np.float32)


def grains(rng: np.random.Generator, cells: Drawing) -> Image:
    """Grains (Y, X) of a peak of about 1, of one size a field: all over each cell, or gathered in it.

    Number, size and place are drawn for the field, the number also for each cell. Where they gather is
    around the nucleus or on one side of it, as receptors that are taken up do.
    """
    n, scale = len(cells.x), cells.diameter / 40
    owner = cells.owner

    def spread_out(values: npt.NDArray[np.generic]) -> Image:
        return np.concatenate([[0], values]).astype(np.float32)[owner]

    number = np.exp(rng.uniform(np.log(15), np.log(200))) * np.exp(rng.normal(0, 0.5, n))
    weight = (owner > 0).astype(np.float32)
    if rng.random() < 0.45:
        away, turn = cells.diameter * rng.uniform(0, 0.22), rng.random(n) * 2 * np.pi
        width = cells.diameter * rng.uniform(0.14, 0.3)
        yy, xx = np.indices(owner.shape, dtype=np.float32)
        dy = yy - spread_out(cells.y + away * np.sin(turn))
        dx = xx - spread_out(cells.x + away * np.cos(turn))
        weight = weight * (np.exp(-(dx * dx + dy * dy) / (2 * width**2)) + np.float32(0.05))
    whole = np.bincount(owner.ravel(), weight.ravel(), minlength=n + 1)[1:]
    chance = weight * spread_out(number / np.maximum(whole, 1e-6))
    height = np.exp(rng.normal(-0.3, 0.6, owner.shape)).astype(np.float32)
    points = np.where(rng.random(owner.shape, dtype=np.float32) < chance, height, np.float32(0))
    sigma = max(0.5, rng.uniform(0.4, 1.3) * scale)
    spots = ndimage.gaussian_filter(points, sigma) * np.float32(2 * np.pi * sigma**2)
    return np.asarray(spots * (owner > 0), np.float32)


def _fibres(rng: np.random.Generator, cells: Drawing) -> Image:
    """Noise drawn out along the long axis of each cell: stress fibres."""
    size = len(cells.owner)
    spectrum = fft.rfft2(rng.standard_normal((size, size), dtype=np.float32))
    fy = fft.fftfreq(size).astype(np.float32)[:, None]
    fx = fft.rfftfreq(size).astype(np.float32)[None, :]
    along, across = 0.25 * cells.diameter, max(0.7, 0.018 * cells.diameter)
    turn = np.mod(cells.angle + rng.normal(0, 0.15, len(cells.angle)), np.pi) / np.pi * _DIRECTIONS
    index = np.concatenate([[0], np.rint(turn) % _DIRECTIONS]).astype(int)[cells.owner]
    result = np.zeros((size, size), np.float32)
    for k in range(_DIRECTIONS):
        here = (index == k) & (cells.owner > 0)
        if not here.any():
            continue
        c, s = np.float32(np.cos(k * np.pi / _DIRECTIONS)), np.float32(np.sin(k * np.pi / _DIRECTIONS))
        square = (along * (c * fx + s * fy)) ** 2 + (across * (c * fy - s * fx)) ** 2
        layer = fft.irfft2(spectrum * np.exp(-2 * np.pi**2 * square), s=(size, size))
        result[here] = (layer / max(float(layer.std()), 1e-6))[here]
    return result


def _rays(rng: np.random.Generator, cells: Drawing) -> Image:
    """Noise that runs out from the middle of each cell: microtubules."""
    n, angles = len(cells.x), 96
    table = rng.standard_normal((n + 1, angles)).astype(np.float32)
    yy, xx = np.indices(cells.owner.shape, dtype=np.float32)
    x = np.concatenate([[0], cells.x]).astype(np.float32)[cells.owner]
    y = np.concatenate([[0], cells.y]).astype(np.float32)[cells.owner]
    place = (np.arctan2(yy - y, xx - x) / (2 * np.pi) * angles).astype(int) % angles
    return table[cells.owner, place]


def dirt(
    rng: np.random.Generator, dyes: dict[str, Image], amount: float, diameter: float, bright: float
) -> None:
    """Add debris to the cell and nuclear stain in place: flecks, fibres, and large soft pieces.

    Their light, in electrons, is up to about that of a cell of `bright` electrons and `diameter` px.
    """
    size = len(dyes["CellMask"])
    y, x = np.ogrid[:size, :size]
    for _ in range(rng.poisson(amount * (size / (10 * diameter)) ** 2)):
        at_x, at_y = rng.random(2) * size
        kind = rng.random()
        turn = rng.random() * np.pi
        if kind < 0.6:
            long, wide = diameter * rng.uniform(0.03, 0.12, 2)
            height = rng.uniform(0.3, 2.5)
        elif kind < 0.8:
            long, wide = diameter * rng.uniform(0.4, 1.2), diameter * 0.02
            height = rng.uniform(0.2, 1.0)
        else:
            long, wide = diameter * rng.uniform(0.25, 0.6, 2)
            height = rng.uniform(0.05, 0.3)
        reach = int(3 * max(long, wide)) + 1
        window = (
            slice(max(0, int(at_y) - reach), max(0, int(at_y) + reach)),
            slice(max(0, int(at_x) - reach), max(0, int(at_x) + reach)),
        )
        dy, dx = y[window[0]] - at_y, x[:, window[1]] - at_x
        u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        spot = np.exp(-((u / long) ** 2 + (v / wide) ** 2) / 2)
        dyes["CellMask"][window] += (height * bright * spot).astype(np.float32)
        if rng.random() < 0.3:
            dyes["Hoechst"][window] += (rng.uniform(0.1, 1) * height * bright * spot).astype(np.float32)
