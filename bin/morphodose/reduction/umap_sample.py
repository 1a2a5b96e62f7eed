"""A stratified sample of cells, and its map in two dimensions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)

Indices = npt.NDArray[np.int64]
#: A map of fewer cells shows nothing.
LEAST = 30
#: Rows from which on UMAP by itself would search for neighbours approximately.
APPROXIMATE = 4096


def allocate(counts: Indices, size: int) -> Indices:
    """How many to draw from each stratum: as equal as their sizes allow.

    Parameters
    ----------
    counts : (S,) array of int
        Rows of each stratum.
    size : int
        Rows wanted in all.

    Returns
    -------
    (S,) array of int
        No more than there are. What the small strata cannot give is drawn from the larger ones.

    Examples
    --------
    >>> allocate(np.array([2, 100, 100]), 62)
    array([ 2, 30, 30])
    """
    drawn = np.zeros(len(counts), dtype=np.int64)
    for place, stratum in enumerate(np.argsort(counts, kind="stable")):
        share = (size - drawn.sum()) // (len(counts) - place)
        drawn[stratum] = min(int(counts[stratum]), int(share))
    return drawn


class Sampler:
    """Takes the rows of a stratified sample out of a stream of blocks.

    Which rows of each stratum are taken is drawn beforehand from their number, so that the memory is that of
    the sample.
    """

    def __init__(self, counts: Indices, size: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        drawn = allocate(counts, size)
        self._wanted = [
            np.sort(rng.choice(int(count), int(share), replace=False))
            for count, share in zip(counts, drawn, strict=True)
        ]
        self._seen = np.zeros(len(counts), dtype=np.int64)

    def take(self, strata: Indices) -> npt.NDArray[np.bool_]:
        """Which rows of the next block belong to the sample.

        Parameters
        ----------
        strata : (N,) array of int
            Stratum of each row; rows below 0 are not drawn.
        """
        chosen = np.zeros(len(strata), dtype=bool)
        for stratum in np.unique(strata[strata >= 0]):
            rows = np.flatnonzero(strata == stratum)
            first, wanted = self._seen[stratum], self._wanted[stratum]
            inside = wanted[np.searchsorted(wanted, first) : np.searchsorted(wanted, first + len(rows))]
            chosen[rows[inside - first]] = True
            self._seen[stratum] += len(rows)
        return chosen


def parameters(rows: int, components: int, seed: int) -> dict[str, Any]:
    """Settings of UMAP for a sample; saved beside the map."""
    return {
        "n_neighbors": min(15, rows - 1),
        "min_dist": 0.1,
        "metric": "euclidean",
        "n_components": 2,
        "random_state": seed,
        "input_components": components,
    }


def umap(coordinates: npt.NDArray[np.float32], settings: dict[str, Any]) -> npt.NDArray[np.float32]:
    """Map of a sample (McInnes, Healy, Melville 2018, arXiv:1802.03426).

    Parameters
    ----------
    coordinates : (N, K) array
        Of the PCA; the first ``input_components`` are used.
    settings : dict
        Of `parameters`.

    Returns
    -------
    (N, 2) array of float32
        The same in each run on one machine: with a fixed seed UMAP works in one thread.
    """
    from umap import UMAP

    _keep_compiled()
    own = {name: value for name, value in settings.items() if name != "input_components"}
    rows = np.ascontiguousarray(coordinates[:, : settings["input_components"]])
    if len(rows) >= APPROXIMATE:
        own["precomputed_knn"] = (*_neighbors(rows, settings["n_neighbors"]), None)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not an NNDescent object")  # which only new cells need
        return np.asarray(UMAP(**own, n_jobs=1).fit_transform(rows), dtype=np.float32)


def _neighbors(
    rows: npt.NDArray[np.float32], count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """The closest rows of each row, itself among them, and their distances: exact.

    From `APPROXIMATE` rows on UMAP would look for them by a descent whose kernels take 30 s to compile in
    every process; all distances of 10,000 rows take 3 s.
    """
    from sklearn.neighbors import NearestNeighbors

    distances, places = NearestNeighbors(n_neighbors=count).fit(rows).kneighbors(rows)
    return places.astype(np.int64), distances.astype(np.float32)


def _keep_compiled() -> None:
    """Let numba keep the kernels of UMAP, which else are compiled in every process: 12 s of a task."""
    from numba.core.dispatcher import Dispatcher
    from umap import layouts, umap_, utils

    for module in (umap_, layouts, utils):
        for kernel in vars(module).values():
            if isinstance(kernel, Dispatcher):
                kernel.enable_caching()
