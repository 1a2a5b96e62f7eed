"""Endpoints: which well values are fitted, what they stand for, and how they scatter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError
from morphodose.responses.variance_models import BINOMIAL, MEAN, VarianceModel

#: Endpoints of death, of the number of cells, and of shape, fitted where the wells have them.
DEATH = ("Fraction_Dying", "Fraction_Dead")
COUNT = ("Relative_CellCount", "Fraction_Lost", "Relative_ViableCount", "Relative_NucleiCount")

#: Figures of shape whose medians are fitted, over all cells and over viable cells alone.
SHAPE_FEATURES = (
    "Cells_AreaShape_Area",
    "Cells_AreaShape_FormFactor",
    "Cells_AreaShape_Eccentricity",
    "Nuclei_AreaShape_Area",
    "Nuclei_AreaShape_FormFactor",
)

#: A median over fewer cells than this says little of a well and is left out.
LEAST_CELLS = 5


def choose(columns: Iterable[str], wanted: Sequence[str] = ()) -> list[str]:
    """Endpoints to fit: those `wanted`, or all that the wells have.

    Raises
    ------
    InputError
        If a wanted one is not a column of the wells; ``Median_`` and ``Endpoint_`` may be left out.
    """
    have = list(columns)
    if not wanted:
        shape = [f"{kind}_{name}" for name in SHAPE_FEATURES for kind in ("MedianViable", "Median")]
        own = [name for name in have if name.startswith("Endpoint_")]
        return [name for name in (*DEATH, *COUNT, *own, *shape) if name in have]
    chosen = []
    for name in wanted:
        found = next((each for each in (name, f"Endpoint_{name}", f"Median_{name}") if each in have), None)
        if found is None:
            raise InputError(
                f"--endpoints: {name!r} is not a column of the wells; give a feature or an endpoint"
            )
        chosen.append(found)
    return list(dict.fromkeys(chosen))


def kind_of(endpoint: str) -> str:
    """``death``, ``count`` or ``shape``: which question an endpoint answers."""
    if endpoint in COUNT or endpoint.startswith(("Relative_", "Count_")):
        return "count"
    return "death" if endpoint.startswith("Fraction_") else "shape"


def is_death(endpoint: str) -> bool:
    """Whether an endpoint is a share of dying or dead cells: its EC50 is a median lethal dose (LC50)."""
    return endpoint in DEATH


def variance_model_of(endpoint: str) -> VarianceModel | None:
    """How the values of an endpoint scatter around their curve; None where the wells must tell."""
    if endpoint == "Fraction_Lost" or endpoint.startswith(("Relative_", "Count_")):
        return MEAN
    return BINOMIAL if endpoint.startswith("Fraction_") else None


def is_mirrored(endpoint: str) -> bool:
    """Whether 1 - value is fitted: lost cells are 1 - remaining cells, whose scatter is that of a count."""
    return endpoint == "Fraction_Lost"


def stabilised(
    endpoint: str, values: npt.NDArray[np.float64], cells: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Values on a scale where wells scatter alike, for tests between groups of wells.

    Fractions: Freeman & Tukey's double arcsine (1950). Numbers of cells: square root. Else as they are.

    Parameters
    ----------
    values, cells : (W,) array
        Value and number of cells of each well.
    """
    variance_model = variance_model_of(endpoint)
    if variance_model is BINOMIAL:
        n = np.maximum(cells, 1)
        count = values * n
        return 0.5 * (np.arcsin(np.sqrt(count / (n + 1))) + np.arcsin(np.sqrt((count + 1) / (n + 1))))
    if variance_model is MEAN:
        # more lost cells are a higher value, on this scale too
        return (
            -np.sqrt(np.maximum(1 - values, 0)) if is_mirrored(endpoint) else np.sqrt(np.maximum(values, 0))
        )
    return values
