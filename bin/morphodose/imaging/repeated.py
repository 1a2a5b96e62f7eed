"""Parts of an image that are there twice: rows doubled, lines that repeat, a half or a tile copied again.

Noise makes no two rows of a camera's image alike. Rows and tiles in which most neighbours are equal (a
background that was subtracted, blocks of lossy compression) may be alike by nature and are not judged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Rows or columns that repeat others, at least; fewer, from two on, are told as a few lines: a camera fills
#: dead ones with those beside them.
LEAST_ROWS, FEWEST = 8, 2
#: Edge (px) of the tiles that are compared: that of tiles of TIFF files is a multiple of it.
TILE = 16
#: Tiles, at least, that are those of another place, all at the same distance.
LEAST_TILES = 4
#: Share of neighbours that differ in what is judged: of blocks of 8 px by lossy compression one in 8 does.
LEAST_VARIED = 3 / 16
#: … and their number in a row or column.
LEAST_STEPS = 16
#: Pixels of a row that are compared first.
FEW = 64


@dataclass(frozen=True)
class Repeated:
    """What is there twice: share of the image, what it holds, whether it is a band along one edge."""

    share: float
    what: str
    at_edge: bool
    few_lines: bool = False


def repeated_part(pixels: npt.NDArray[np.generic]) -> Repeated | None:
    """Rows, columns or tiles of a (Y, X) image that are those of another place; None without.

    An image in which rows and columns are doubled alike was enlarged: nothing of it is missing.
    """
    if min(pixels.shape) < 2:
        return None
    rows, columns = _copies(pixels), _copies(pixels.T)
    few: Repeated | None = None
    for copies, others, name in ((rows, columns, "row"), (columns, rows, "column")):
        number = int(np.count_nonzero(copies))
        if number < FEWEST or np.count_nonzero(others) / len(others) > 0.5 * number / len(copies):
            continue
        # with rows of the same distance that were not judged
        distances, numbers = np.unique(copies[copies > 0], return_counts=True)
        far = int(distances[np.argmax(numbers)])
        lines = pixels if name == "row" else pixels.T
        number = max(number, int((lines[far:] == lines[:-far]).all(axis=1).sum()))
        near = far == 1
        what = f"repeats the {name} before" if near else f"holds {name}s of another part again"
        if number < LEAST_ROWS:
            if numbers.max() >= FEWEST and few is None:
                few = Repeated(number / len(copies), f"{what}, in {number} {name}s", False, few_lines=True)
            continue
        there = np.flatnonzero(copies)
        one_run = there[-1] - there[0] + 1 == number
        at_edge = bool(one_run and (there[-1] == len(copies) - 1 or there[0] == 0))
        return Repeated(number / len(copies), what, at_edge)
    return _repeated_tiles(pixels) or few


def _copies(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.intp]:
    """For each row, how far up the nearest row like it is; 0 where there is none, or it is not judged."""
    far = np.zeros(len(pixels), dtype=np.intp)
    # a few of the pixels settle most images
    number = min(pixels.shape[1], FEW)
    some = np.linspace(0, pixels.shape[1] - 1, number).astype(np.intp)
    first, second = _pairs(_marks(pixels[:, some]))
    if len(second) < FEWEST:
        return far
    alike = np.unique(np.concatenate([first, second]))
    kept = pixels[alike]
    steps = np.count_nonzero(kept[:, 1:] != kept[:, :-1], axis=1)
    varied = steps >= max(LEAST_VARIED * (pixels.shape[1] - 1), LEAST_STEPS)
    judged = alike[varied]
    first, second = _pairs(_marks(kept[varied]))
    far[judged[second]] = judged[second] - judged[first]
    return far


def row_marks(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.uint64]:
    """A number for each row of a (Y, X) image, the same for equal rows alone; 0 for rows alike by nature."""
    steps = np.count_nonzero(pixels[:, 1:] != pixels[:, :-1], axis=1)
    varied = steps >= max(LEAST_VARIED * (pixels.shape[1] - 1), LEAST_STEPS)
    return np.where(varied, _marks(pixels), 0).astype(np.uint64)


def _marks(rows: npt.NDArray[np.generic]) -> npt.NDArray[np.uint64]:
    """A number for each row, the same for equal rows, and hardly ever for others."""
    if rows.dtype.kind == "f":
        rows = np.ascontiguousarray(rows).view(f"u{rows.dtype.itemsize}")
    chance = np.random.default_rng(0).integers(0, 2**63, rows.shape[1], dtype=np.uint64)
    return np.asarray(rows.astype(np.uint64) @ (2 * chance + np.uint64(1)))


def _pairs(marks: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Places of equal marks: each with the nearest one before it."""
    order = np.argsort(marks, kind="stable")
    same = np.flatnonzero(marks[order][1:] == marks[order][:-1])
    return order[same], order[same + 1]


def _repeated_tiles(pixels: npt.NDArray[np.generic]) -> Repeated | None:
    """Tiles that are those of another place, most of them at one distance."""
    height, width = (TILE * (edge // TILE) for edge in pixels.shape)
    if not height or not width:
        return None
    cut = pixels[:height, :width].reshape(height // TILE, TILE, width // TILE, TILE)
    # their diagonals settle most images
    diagonal = np.stack([cut[:, i, :, i] for i in range(TILE)], axis=-1).reshape(-1, TILE)
    first, second = _pairs(_marks(diagonal))
    if len(second) < LEAST_TILES:
        return None
    across = width // TILE
    alike = np.unique(np.concatenate([first, second]))
    tiles = cut[alike // across, :, alike % across]
    varied = np.ones(len(alike), dtype=bool)
    for axis in (1, 2):
        steps = np.count_nonzero(np.diff(tiles, axis=axis), axis=(1, 2))
        varied &= steps >= LEAST_VARIED * TILE**2
    judged = alike[varied]
    first, second = _pairs(_marks(tiles[varied].reshape(-1, TILE**2)))
    if len(second) < LEAST_TILES:
        return None
    _, numbers = np.unique(judged[second] - judged[first], return_counts=True)
    most = int(numbers.max())
    if most < LEAST_TILES:
        return None
    return Repeated(most * TILE**2 / pixels.size, "is a copy of another part of it", False)
