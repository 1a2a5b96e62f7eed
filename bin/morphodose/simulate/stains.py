"""What each dye shows in each state: sharp images in photo-electrons, before the microscope's blur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from morphodose.simulate.biology import EARLY, LATE, NECROTIC, VIABLE
from morphodose.simulate.looks import Drawing, Look, body_of, dirt
from morphodose.simulate.shapes import ANGLES, Cells, relative_radius

Image = npt.NDArray[np.float32]

#: Mean electrons of each dye by state (viable, early, late, necrotic), and the spread between cells
#: (standard deviation of the logarithm). Annexin V and PI of the negatives are non-specific stain.
HOECHST = (np.array([900.0, 1500.0, 2100.0, 620.0]), 0.16)
CELLMASK = (np.array([620.0, 560.0, 430.0, 300.0]), 0.34)
ANNEXIN = (np.array([26.0, 620.0, 760.0, 34.0]), 0.34)
PI = (np.array([14.0, 19.0, 620.0, 760.0]), 0.42)

#: Diameter of a nucleus over the diameter of a healthy cell, by state: condensation (pyknosis).
NUCLEUS_SIZE = np.array([0.47, 0.37, 0.34, 0.42])

#: Share of healthy cells with two nuclei, as a few cells of most lines have.
BINUCLEATE = 0.012


@dataclass(frozen=True)
class Nuclei:
    """Nuclei of one canvas.

    Attributes
    ----------
    owner : (Y, X) array of int32
        0 background, i + 1 for the nucleus (or its fragments) of cell i.
    depth : (Y, X) array of float32
        0 in the middle of a nucleus or fragment, 1 on its border and outside.
    """

    owner: npt.NDArray[np.int32]
    depth: Image


@dataclass(frozen=True)
class Stains:
    """Sharp images of one canvas.

    Attributes
    ----------
    dyes : dict of str to (Y, X) array
        Electrons of ``Hoechst``, ``CellMask``, ``AnnexinV``, ``PI``.
    phase, absorption : (Y, X) array
        Phase delay in radians and absorbance of the specimen in brightfield.
    tall : (Y, X) array of float32
        1 where light comes from rounded cells, which lie higher than the spread ones.
    levels : dict of str to (N,) array
        The electrons drawn for each cell and dye: the truth behind the gates.
    """

    dyes: dict[str, Image]
    phase: Image
    absorption: Image
    tall: Image
    levels: dict[str, npt.NDArray[np.float64]]


def smooth_noise(rng: np.random.Generator, size: int, sigmas: tuple[float, ...]) -> list[Image]:
    """Fields of Gaussian noise, mean 0 and deviation 1, each smoothed with one of `sigmas` (pixels)."""
    spectrum = fft.rfft2(rng.standard_normal((size, size), dtype=np.float32))
    fy = fft.fftfreq(size).astype(np.float32)[:, None]
    fx = fft.rfftfreq(size).astype(np.float32)[None, :]
    square = fy * fy + fx * fx
    fields = []
    for sigma in sigmas:
        field = fft.irfft2(spectrum * np.exp(-2 * np.pi**2 * sigma**2 * square), s=(size, size))
        field -= field.mean()
        fields.append((field / max(float(field.std()), 1e-6)).astype(np.float32))
    return fields


def draw_nuclei(
    rng: np.random.Generator,
    cells: Cells,
    cell_owner: npt.NDArray[np.int32],
    diameter: float,
    binucleate: float | None = None,
) -> Nuclei:
    """Draw each cell's nucleus inside the cell; those of late apoptotic cells may be in fragments.

    Parameters
    ----------
    rng : numpy.random.Generator
    cells : Cells
    cell_owner : (Y, X) array of int32
        The cells as `morphodose.simulate.shapes.rasterise` drew them.
    diameter : float
        Mean diameter of healthy cells, in pixels.
    binucleate : float, optional
        Share of healthy cells with two nuclei, apart from each other; without it, `BINUCLEATE` have two
        that touch.
    """
    size = len(cell_owner)
    share, apart = (BINUCLEATE, 0.8) if binucleate is None else (binucleate, 1.05)
    owner = np.zeros_like(cell_owner)
    depth = np.ones(cell_owner.shape, np.float32)
    for i in range(len(cells)):
        state = cells.state[i]
        radius = 0.5 * diameter * NUCLEUS_SIZE[state] * np.exp(rng.normal(0, 0.08))
        radius = min(radius, 0.36 * cells.diameter[i])
        off = rng.normal(0, 0.05 * cells.diameter[i], 2)
        x, y = cells.x[i] + off[0], cells.y[i] + off[1]
        long = 1 + rng.gamma(2, 0.20 if state == VIABLE else 0.05)
        outlines = [(x, y, _ellipse(rng, radius, min(long, 1.9), cells.angle[i]))]
        if state == LATE and rng.random() < 0.6:
            outlines = _fragments(rng, x, y, radius)
        elif state == VIABLE and rng.random() < share:
            axis = apart * radius * np.array([np.cos(cells.angle[i]), np.sin(cells.angle[i])])
            small = _ellipse(rng, 0.82 * radius, 1.1, cells.angle[i])
            outlines = [(x + axis[0], y + axis[1], small), (x - axis[0], y - axis[1], small)]
        for cx, cy, outline in outlines:
            window, relative = relative_radius(cx, cy, outline, size)
            if relative is None:
                continue
            mine = (relative < depth[window]) & (cell_owner[window] == i + 1)
            depth[window][mine] = relative[mine]
            owner[window][mine] = i + 1
    return Nuclei(owner, depth)


def _ellipse(rng: np.random.Generator, radius: float, long: float, angle: float) -> npt.NDArray[np.float64]:
    """Outline of a slightly uneven ellipse of the area of a circle of `radius`."""
    theta = np.arange(ANGLES) * 2 * np.pi / ANGLES
    turned = theta - angle - rng.normal(0, 0.25)
    root = np.sqrt(long)
    ring = radius / np.sqrt((np.cos(turned) / root) ** 2 + (np.sin(turned) * root) ** 2)
    for k in (2, 3):
        ring = ring * (1 + rng.normal(0, 0.035) * np.cos(k * theta + rng.random() * 2 * np.pi))
    return ring


def _fragments(
    rng: np.random.Generator, x: float, y: float, radius: float
) -> list[tuple[float, float, npt.NDArray[np.float64]]]:
    """Two to five round pieces of a broken nucleus (karyorrhexis)."""
    pieces = int(rng.integers(2, 6))
    start = rng.random() * 2 * np.pi
    result = []
    for k in range(pieces):
        turn = start + 2 * np.pi * k / pieces + rng.normal(0, 0.25)
        away = radius * rng.uniform(0.55, 0.95)
        ring = _ellipse(rng, radius * rng.uniform(0.38, 0.62), 1.1, turn)
        result.append((x + away * np.cos(turn), y + away * np.sin(turn), ring))
    return result


def stain(
    rng: np.random.Generator,
    cells: Cells,
    owner: npt.NDArray[np.int32],
    depth: Image,
    nuclei: Nuclei,
    diameter: float,
    brightness: float = 1.0,
    look: Look | None = None,
) -> Stains:
    """Draw every dye and the brightfield specimen.

    Parameters
    ----------
    rng : numpy.random.Generator
    cells : Cells
    owner, depth : (Y, X) arrays
        Cells and their drawing by `morphodose.simulate.shapes.rasterise`.
    nuclei : Nuclei
    diameter : float
        Mean diameter of healthy cells, in pixels: the scale of every texture.
    brightness : float
        Factor on all dyes (staining differs with the place on the plate).
    look : Look, optional
        Another stain than the cytoplasmic one, uneven cells, debris.
    """
    size = len(owner)
    n = len(cells)
    fine, middle, coarse = smooth_noise(rng, size, (0.022 * diameter, 0.05 * diameter, 0.16 * diameter))
    levels = {
        name: brightness * mean[cells.state] * np.exp(rng.normal(0, spread, n) - spread**2 / 2)
        for name, (mean, spread) in {
            "Hoechst": HOECHST,
            "CellMask": CELLMASK,
            "AnnexinV": ANNEXIN,
            "PI": PI,
        }.items()
    }

    if look is not None:
        # evenly on a logarithmic scale: dim cells beside bright ones, dim nuclei beside bright ones
        levels["CellMask"] = levels["CellMask"] * look.dimmed(rng, n) * look.strength
        levels["Hoechst"] = levels["Hoechst"] * 10 ** (-look.nuclear_decades * rng.random(n))

    def spread_out(values: npt.NDArray[np.generic]) -> Image:
        return np.concatenate([[0], np.asarray(values)]).astype(np.float32)[owner]

    inner = (owner > 0) & _same_as_neighbours(owner)
    inside = (owner > 0).astype(np.float32)
    edge = ndimage.distance_transform_edt(np.pad(inner, 1))[1:-1, 1:-1].astype(np.float32) + 0.5
    edge[owner == 0] = 0
    scale = np.float32(diameter / 40)
    round_cell = spread_out(cells.state != VIABLE)
    necrotic = spread_out(cells.state == NECROTIC)

    flat = (0.28 + 0.5 * (1 - np.exp(-edge / (4.0 * scale)))) * (1 + 1.5 * np.exp(-((depth / 0.55) ** 2)))
    dome = 0.35 + 1.15 * np.sqrt(np.clip(1 - depth**2, 0, 1)) * (1 - np.exp(-edge / (1.6 * scale)))
    thickness = np.where(round_cell > 0, dome, flat) * inside
    nucleus = (np.clip((1 - nuclei.depth) * 5, 0, 1) * (nuclei.owner > 0)).astype(np.float32)

    grain = np.clip(1 + 0.07 * middle + 0.08 * fine + 0.06 * coarse, 0.3, None)
    rim = np.exp(-(((edge - 0.8 * scale) / (1.1 * scale)) ** 2)) * inside
    # The cytoplasmic dye is kept out of the nucleus; necrotic cells have leaked most of it.
    body = thickness * grain * (1 - 0.60 * nucleus * (1 - 0.8 * necrotic)) + (0.16 + 0.3 * round_cell) * rim
    if look is not None and look.stain != "cytoplasm":
        noise = (fine, middle, coarse)
        drawing = Drawing(
            owner, depth, edge, thickness, round_cell, nucleus, noise, cells.x, cells.y, cells.angle, diameter
        )
        body = body_of(rng, look.stain, drawing)
    dyes = {"CellMask": spread_out(levels["CellMask"]) * body}

    chromatin = np.clip(1 + (0.14 * middle + 0.06 * fine) * (1 - 0.6 * round_cell), 0.4, None)
    nucleoli = np.clip(1.4 * np.roll(middle, size // 3, axis=1) - 1.6, 0, 1) * (1 - round_cell)
    profile = nucleus * (0.75 + 0.25 * np.sqrt(np.clip(1 - nuclei.depth**2, 0, 1)))
    dyes["Hoechst"] = spread_out(levels["Hoechst"]) * (
        profile * chromatin * (1 - 0.35 * nucleoli) + 0.018 * thickness
    )

    patches = np.clip(1 + 0.85 * np.roll(coarse, size // 2, axis=0) + 0.25 * middle, 0.12, None)
    ring = np.exp(-(((edge - 1.0 * scale) / (1.9 * scale)) ** 2)) * inside
    positive = spread_out((cells.state == EARLY) | (cells.state == LATE))
    dyes["AnnexinV"] = spread_out(levels["AnnexinV"]) * np.where(
        positive > 0, patches * (1.35 * ring + 0.28 * thickness), 0.8 * thickness * grain
    )
    # PI binds RNA too: dead cells show a pale cytoplasm
    permeable = spread_out((cells.state == LATE) | (cells.state == NECROTIC))
    dyes["PI"] = spread_out(levels["PI"]) * np.where(
        permeable > 0, profile * chromatin + 0.06 * thickness, thickness * grain * (1 + 0.5 * nucleus)
    )
    _apoptotic_bodies(rng, cells, levels, dyes, diameter)
    _specks(rng, dyes, diameter)
    if look is not None and look.debris:
        dirt(rng, dyes, look.debris, diameter, brightness * float(CELLMASK[0][VIABLE]))
    phase, absorption = _brightfield(
        inside, round_cell, thickness, depth, edge, nucleus, (fine, middle, coarse), scale
    )
    return Stains(
        {name: image.astype(np.float32) for name, image in dyes.items()},
        phase,
        absorption,
        round_cell,
        levels,
    )


def _same_as_neighbours(owner: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """True where the four neighbours have the same owner."""
    same = np.ones(owner.shape, bool)
    across = owner[1:] == owner[:-1]
    same[1:] &= across
    same[:-1] &= across
    along = owner[:, 1:] == owner[:, :-1]
    same[:, 1:] &= along
    same[:, :-1] &= along
    return same


def _spot(image: Image, x: float, y: float, sigma: float, height: float) -> None:
    """Add a Gaussian spot in place."""
    reach = int(np.ceil(3 * sigma))
    top, left = max(0, int(y) - reach), max(0, int(x) - reach)
    part = image[top : max(0, int(y) + reach + 1), left : max(0, int(x) + reach + 1)]
    dy = (np.arange(top, top + part.shape[0]) - y)[:, None]
    dx = (np.arange(left, left + part.shape[1]) - x)[None, :]
    part += (height * np.exp(-(dx * dx + dy * dy) / (2 * sigma**2))).astype(np.float32)


def _apoptotic_bodies(
    rng: np.random.Generator,
    cells: Cells,
    levels: dict[str, npt.NDArray[np.float64]],
    dyes: dict[str, Image],
    diameter: float,
) -> None:
    """Small membrane bags that late apoptotic cells shed; too small and dim to pass for cells."""
    for i in np.flatnonzero(cells.state == LATE):
        for _ in range(rng.poisson(0.8)):
            turn = rng.random() * 2 * np.pi
            away = cells.diameter[i] * rng.uniform(0.55, 0.75)
            x, y = cells.x[i] + away * np.cos(turn), cells.y[i] + away * np.sin(turn)
            sigma = diameter * rng.uniform(0.02, 0.035)
            _spot(dyes["CellMask"], x, y, sigma, 0.35 * levels["CellMask"][i])
            _spot(dyes["AnnexinV"], x, y, sigma, 0.5 * levels["AnnexinV"][i])


def _specks(rng: np.random.Generator, dyes: dict[str, Image], diameter: float) -> None:
    """A few bright specks of dye, as in every stained well."""
    for name, each in (("AnnexinV", 2.0), ("PI", 1.0), ("CellMask", 1.0)):
        size = len(dyes[name])
        for _ in range(rng.poisson(each * (size / (10 * diameter)) ** 2)):
            x, y = rng.random(2) * size
            _spot(dyes[name], x, y, diameter * rng.uniform(0.014, 0.028), rng.uniform(60, 260))


def _brightfield(
    inside: Image,
    round_cell: Image,
    thickness: Image,
    depth: Image,
    edge: Image,
    nucleus: Image,
    noise: tuple[Image, Image, Image],
    scale: np.float32,
) -> tuple[Image, Image]:
    """Phase (radians) and absorbance of the specimen: flat cells almost invisible, round ones not."""
    fine, middle, coarse = noise
    around_nucleus = np.exp(-(((depth - 0.40) / 0.24) ** 2)) * inside * (1 - nucleus)
    granules = np.clip(fine - 0.95, 0, 2.0)
    # lamellae thin out to nothing, so that much of a flat cell's outline is hardly seen
    tapered = thickness * (1 - np.exp(-edge / (2.6 * scale)))
    # from the smooth depth, not from the pixels of the mask, whose steps would glitter
    ball = np.sqrt(np.clip(1 - depth**2, 0, 1)) * np.clip((1 - depth) * 8, 0, 1) * (1 + 0.10 * middle)
    phase = np.where(round_cell > 0, 1.9 * ball, 0.50 * tapered)
    phase = phase + inside * (0.03 * middle + 0.012 * fine)
    phase = phase + 0.16 * nucleus * (1 + 0.7 * np.clip(middle - 0.8, 0, 2)) * (1 - 0.5 * round_cell)
    phase = phase + granules * (0.26 * around_nucleus + 0.012 * inside)
    uneven = np.clip(0.55 + 0.55 * coarse, 0, 1.6)
    lip = np.exp(-(((edge - 1.0 * scale) / (0.8 * scale)) ** 2)) * inside * uneven
    absorption = 0.11 * granules * around_nucleus + 0.03 * ball * round_cell
    return (phase + 0.13 * lip * (1 - round_cell)).astype(np.float32), absorption.astype(np.float32)
