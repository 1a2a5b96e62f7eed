"""Masks of cells and nuclei, and images of three stains."""

from __future__ import annotations

import numpy as np
import scipy.ndimage as ndi

CHANNELS = ("CellMask", "Hoechst", "PI")


def disc(shape: tuple[int, int], y: float, x: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def masks(seed: int = 0, size: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """Touching cells with nuclei, labels with gaps, one cell without nucleus, one nucleus in two pieces."""
    rng = np.random.default_rng(seed)
    cells, nuclei = np.zeros((size, size), np.int32), np.zeros((size, size), np.int32)
    labels = rng.permutation(np.arange(1, 60))[:12]
    for place, label in enumerate(labels):
        y, x = 20 + 36 * (place // 4) + rng.uniform(-5, 5), 20 + 36 * (place % 4) + rng.uniform(-5, 5)
        cell = disc(cells.shape, y, x, rng.uniform(12, 19)) & (cells == 0)
        cells[cell] = label
        if place == 3:
            continue
        nuclei[cell & disc(cells.shape, y, x, 6)] = label
        if place == 5:
            nuclei[:, round(x)] = np.where(nuclei[:, round(x)] == label, 0, nuclei[:, round(x)])
    return cells, nuclei


def pixels(seed: int = 0, size: int = 160) -> np.ndarray:
    rng = np.random.default_rng(seed)
    smooth = ndi.gaussian_filter(rng.normal(size=(len(CHANNELS), size, size)), (0, 3, 3))
    return rng.poisson(np.clip(1500 + 9000 * smooth, 100, None)).astype(np.uint16)
