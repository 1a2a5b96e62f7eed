"""The cells nearest the centre of their class, found in two passes over the embeddings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from morphodose.deep.embedding_table import read_embeddings


@dataclass(frozen=True)
class Near:
    """A cell near the centre of its class; `distance` is Euclidean, in the axes of the reference fold."""

    cell_id: str
    fold: int
    place: str
    distance: float


def class_centres(
    paths: Iterable[Path], label: str, classes: Sequence[str]
) -> dict[str, npt.NDArray[np.float64]]:
    """Mean embedding of the usable cells of each class that has any.

    Parameters
    ----------
    paths : iterable of path
        Tables of aligned embeddings, each cell by the network that was not trained on it.
    label : str
        ``Dose`` or ``Time``.
    classes : sequence of str
        Names of the classes.
    """
    sums: dict[str, npt.NDArray[np.float64]] = {}
    counts: dict[str, int] = {}
    for path in paths:
        for rows, vectors in read_embeddings(path, [f"True_{label}", "Usable"]):
            for name in classes:
                own = ((rows[f"True_{label}"] == name) & rows["Usable"]).to_numpy()
                if own.any():
                    sums[name] = sums.get(name, 0.0) + vectors[own].sum(axis=0, dtype=np.float64)
                    counts[name] = counts.get(name, 0) + int(own.sum())
    return {name: sums[name] / counts[name] for name in classes if name in sums}


def nearest_cells(
    paths: Iterable[Path], label: str, centres: Mapping[str, npt.NDArray[np.float64]], count: int
) -> dict[str, list[Near]]:
    """For each class the `count` cells nearest its centre, from as many well-timepoints as there are.

    Of each well-timepoint the nearest cell is taken first, then the second nearest, and so on: a class shall
    not be shown by one well.
    """
    kept: dict[str, list[Near]] = {name: [] for name in centres}
    columns = [f"True_{label}", "Usable", "Fold", "Metadata_CellID", "Metadata_Acquisition", "Metadata_Well"]
    for path in paths:
        for rows, vectors in read_embeddings(path, columns):
            for name, centre in centres.items():
                own = np.flatnonzero(((rows[f"True_{label}"] == name) & rows["Usable"]).to_numpy())
                if len(own):
                    distances = np.linalg.norm(vectors[own].astype(np.float64) - centre, axis=1)
                    kept[name] = _spread(kept[name] + _best(rows.iloc[own], distances, count), count)
    return kept


def _best(rows: pd.DataFrame, distances: npt.NDArray[np.float64], count: int) -> list[Near]:
    """The `count` nearest of each well-timepoint among some rows."""
    frame = rows.assign(Distance=distances).sort_values(["Distance", "Metadata_CellID"])
    best = frame.groupby(["Metadata_Acquisition", "Metadata_Well"], sort=False).head(count)
    return [
        Near(
            row.Metadata_CellID,
            int(row.Fold),
            f"{row.Metadata_Acquisition} {row.Metadata_Well}",
            row.Distance,
        )
        for row in best.itertuples()
    ]


def _spread(cells: list[Near], count: int) -> list[Near]:
    """The `count` first, the nearest of every place before the second nearest of any."""
    ranks: dict[str, int] = {}
    ranked = []
    for cell in sorted(cells, key=lambda cell: (cell.distance, cell.cell_id)):
        ranks[cell.place] = ranks.get(cell.place, 0) + 1
        ranked.append((ranks[cell.place], cell.distance, cell.cell_id, cell))
    return [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:3])[:count]]
