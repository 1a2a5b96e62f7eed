"""A fitted reduction as it is saved: what a new plate needs to get the same coordinates."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from morphodose.errors import InputError
from morphodose.files import replacing
from morphodose.reduction.pca import Components
from morphodose.reduction.schemas import EXPLAINED, LOADINGS, SELECTED
from morphodose.reduction.select import Choice
from morphodose.reduction.variance import is_complete
from morphodose.tables import read_table, write_as

Matrix = npt.NDArray[np.float32]
#: Tables of a saved reduction.
TABLES = ("selected_features", "pca_loadings", "explained_variance")
#: Column of the fill of a group: this and the name of the group.
_FILL_OF = "Fill_"


@dataclass(frozen=True)
class Projection:
    """Features → coordinates.

    Attributes
    ----------
    features : tuple of str
        The P selected features, in the order of the columns.
    fill, mean, scale : (P,) array of float32
        Missing values become `fill`; then ``(value - mean) / scale``.
    components : (K, P) array of float32
        Empty before the PCA is fitted.
    fills : mapping of str to (P,) array of float32
        `fill` of the cells of each group, where groups divided the screen.

    Notes
    -----
    All numbers are float32, as they are saved: a saved projection gives the coordinates of the one that was
    fitted, bit for bit on the same machine.
    """

    features: tuple[str, ...]
    fill: Matrix
    mean: Matrix
    scale: Matrix
    components: Matrix
    fills: Mapping[str, Matrix] = field(default_factory=dict)

    def prepare(self, values: Matrix, group: str = "") -> Matrix:
        """Filled, centred, scaled: (N, P) float32; a group that the fit did not know has the fill of all."""
        fill = self.fills.get(group, self.fill)
        filled = values if is_complete(values) else np.where(np.isfinite(values), values, fill)
        centred = filled - self.mean
        centred /= self.scale
        return centred

    def project(self, values: Matrix, group: str = "") -> Matrix:
        """Coordinates of cells of one group, (N, P) → (N, K) float32."""
        return np.asarray(self.prepare(values, group) @ self.components.T)

    @property
    def names(self) -> list[str]:
        """Names of the coordinates."""
        return component_names(len(self.components))


def component_names(count: int) -> list[str]:
    """``PC_1`` … ``PC_<count>``."""
    return [f"PC_{number}" for number in range(1, count + 1)]


def projection_of(choices: list[Choice], components: npt.NDArray | None = None) -> Projection:
    """Projection onto given components (K, P), or its first half, without any."""
    chosen = [choice for choice in choices if not choice.reason]
    vectors = np.empty((0, len(chosen))) if components is None else components
    fill, mean, scale = (
        np.array([getattr(choice, name) for choice in chosen], dtype=np.float32)
        for name in ("fill", "mean", "scale")
    )
    names = tuple(choice.feature for choice in chosen)
    fills = {
        group: np.array([choice.fills[group] for choice in chosen], dtype=np.float32)
        for group in (chosen[0].fills if chosen else ())
    }
    return Projection(names, fill, mean, scale, vectors.astype(np.float32), fills)


def write_projection(folder: Path, choices: list[Choice], found: Components) -> None:
    """Write ``selected_features``, ``pca_loadings`` and ``explained_variance`` (Parquet) into a folder."""
    table = {
        "Feature": [choice.feature for choice in choices],
        "Set": [choice.origin for choice in choices],
        "Selected": [not choice.reason for choice in choices],
        "Reason": pd.array([choice.reason for choice in choices], dtype="string"),
    }
    for column in ("missing", "variance", "chi2", "fill", "mean", "scale"):
        table[column.capitalize()] = np.array([getattr(choice, column) for choice in choices], dtype=float)
    for group in choices[0].fills if choices else ():
        table[f"{_FILL_OF}{group}"] = np.array([choice.fills[group] for choice in choices], dtype=float)
    write_as(SELECTED, pd.DataFrame(table), folder / "selected_features.parquet")
    features = [choice.feature for choice in choices if not choice.reason]
    count = len(found.vectors)
    loadings = {
        "Feature": np.tile(np.array(features, dtype=object), count),
        "Component": np.repeat(np.arange(1, count + 1), len(features)),
        "Loading": found.vectors.ravel(),
    }
    write_as(LOADINGS, pd.DataFrame(loadings), folder / "pca_loadings.parquet")
    explained = {
        "Component": np.arange(1, count + 1),
        "Variance": found.variance,
        "Ratio": found.ratio,
        "Cumulative": np.cumsum(found.ratio),
    }
    write_as(EXPLAINED, pd.DataFrame(explained), folder / "explained_variance.parquet")


def read_projection(folder: Path) -> Projection:
    """The projection that `write_projection` saved.

    Raises
    ------
    InputError
        If a table is missing, or the two are not of one fit.
    """
    for name in TABLES:
        if not (folder / f"{name}.parquet").exists():
            raise InputError(f"{folder}: no {name}.parquet; reduce_features writes it")
    table = read_table(folder / "selected_features.parquet")
    table = table[table["Selected"]]
    loadings = read_table(folder / "pca_loadings.parquet")
    features = tuple(table["Feature"])
    count = int(loadings["Component"].max()) if len(loadings) else 0
    if len(loadings) != count * len(features) or tuple(loadings["Feature"][: len(features)]) != features:
        raise InputError(f"{folder}: pca_loadings.parquet does not belong to selected_features.parquet")
    fill, mean, scale = (table[name].to_numpy(dtype=np.float32) for name in ("Fill", "Mean", "Scale"))
    vectors = loadings["Loading"].to_numpy(dtype=np.float32).reshape(count, len(features))
    fills = {
        name.removeprefix(_FILL_OF): table[name].to_numpy(dtype=np.float32)
        for name in table
        if name.startswith(_FILL_OF)
    }
    return Projection(features, fill, mean, scale, vectors, fills)


def copy_tables(folder: Path, out: Path) -> None:
    """The tables of a saved reduction in another folder: what the coordinates beside them are made of."""
    for name in TABLES:
        with replacing(out / f"{name}.parquet") as temporary:
            shutil.copyfile(folder / f"{name}.parquet", temporary)
