"""The passes over the cells: moments and chi-squared, covariance, coordinates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from morphodose.cells.cellset import Block, CellSet
from morphodose.cells.fields import VEHICLE, Fields
from morphodose.errors import InputError
from morphodose.reduction.chi2 import ClassSums
from morphodose.reduction.pca import Components, Covariance, principal_components
from morphodose.reduction.projection import Projection, projection_of
from morphodose.reduction.select import Choice, GroupFills, choose
from morphodose.reduction.variance import Floats, Moments

Progress = Callable[[str], None]
NO_CELL = (
    "no cell was found in the whole screen. Look at the overlays among the segmented images, then at the "
    "diameters and models given"
)


@dataclass(frozen=True)
class ReductionSettings:
    """How features are selected and reduced.

    Attributes
    ----------
    label : {'dose', 'time'}
        What chi-squared is computed against; the other where this one has a single class.
    top : int
        Features to keep of each set; 0: all.
    max_missing : float
        Largest fraction of cells without a value.
    components : int
        Principal components to keep.
    """

    label: str = "dose"
    top: int = 500
    max_missing: float = 0.2
    components: int = 50


@dataclass(frozen=True)
class Fitted:
    """A reduction, and what was found on the way.

    Attributes
    ----------
    choices : list of Choice
    components : Components
    projection : Projection
    label : str
        That the features were selected by; '' where there was none.
    cells : int
        Cells it was fitted on.
    """

    choices: list[Choice]
    components: Components
    projection: Projection
    label: str
    cells: int


class NothingToReduce(InputError):
    """Why a screen has no components: it has too few cells, or nothing that differs."""


def fit(cells: CellSet, settings: ReductionSettings, progress: Progress = lambda _text: None) -> Fitted:
    """Select features and find their principal components; two passes over the cells.

    Missing values are replaced by the mean of the vehicle cells that have one (of all cells, where there is
    no vehicle): a cell about which nothing is known is taken to look untreated. Where groups divide the
    screen, features are ranked within each of them, and the vehicle cells are those of its own vehicle.

    Raises
    ------
    NothingToReduce
        If there are fewer than two cells, or no feature is left.
    """
    label = cells.of_fields.label(settings.label)
    divided, count = cells.of_fields.divided, len(cells.features)
    moments = Moments(count)
    vehicle = [Moments(count) for _ in divided.names]
    gone = np.zeros((len(divided.names), count))
    units = cells.of_fields.units(label) if label else np.zeros(0, dtype=np.int64)
    # of the groups and classes that occur: of most pairs there is no cell
    present, places = np.unique(units[units >= 0], return_inverse=True)
    compact = np.full(len(units), -1, dtype=np.int64)
    compact[units >= 0] = places
    sums = ClassSums(len(present), len(cells.features))
    is_vehicle = vehicle_fields(cells.of_fields)
    for well in cells.wells:
        for block in cells.blocks(well):
            if not len(block.values):
                continue
            group, known = group_of(block, cells.of_fields), moments.count
            moments.add(block.values)
            gone[group] += len(block.values) - (moments.count - known)
            vehicle[group].add(block.values[is_vehicle[block.fields]])
            if label:
                sums.add(block.values, compact[block.fields])
        progress(f"selecting features: {well}, {moments.rows} cells so far")
    if not cells.wells:
        raise NothingToReduce(NO_CELL)
    if moments.rows < 2:
        raise NothingToReduce(
            f"{['no cell', 'a single cell'][moments.rows]} in fields that QC kept; at least two are needed"
        )
    fill = _mean_of(vehicle, moments.mean)
    fills = np.array(
        [
            _mean_of([vehicle[source] for source in of], fill) if name else fill  # '': wells of no group
            for name, of in zip(divided.names, divided.vehicle, strict=True)
        ]
    )
    scores = np.full(len(cells.features), np.nan)
    if label:
        strata = [of[:, present] for of in cells.of_fields.strata(label)]
        of_class = fills[present // len(cells.of_fields.classes[label])]
        scores = sums.scores(moments.low, moments.high, of_class, strata)
    choices = choose(
        cells.features, cells.origin, moments, fill, scores, settings.top, settings.max_missing,
        GroupFills(divided.names, fills, gone) if len(divided.names) > 1 else None,
    )  # fmt: skip
    before = projection_of(choices)
    if not before.features:
        raise NothingToReduce(f"none of {len(choices)} features is left: constant, missing or not morphology")
    chosen = cells.only(before.features)
    covariance = Covariance(len(before.features))
    for well in chosen.wells:
        for block in chosen.blocks(well):
            covariance.add(before.prepare(block.values, group_name(block, cells.of_fields)))
        progress(f"covariance: {well}")
    count = min(settings.components, moments.rows - 1)
    found = principal_components(covariance.matrix(), count)
    return Fitted(choices, found, projection_of(choices, found.vectors), label, moments.rows)


def _mean_of(groups: Sequence[Moments], otherwise: Floats) -> Floats:
    """Mean of each feature over all rows of some moments that have a value; `otherwise` where none has."""
    count = np.sum([each.count for each in groups], axis=0)
    total = np.sum([each.count * each.mean for each in groups], axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), otherwise)


def group_of(block: Block, fields: Fields) -> int:
    """Group of a block; it is of one well, and all of a well is in one group."""
    return int(fields.divided.codes[block.fields[0]]) if len(block.fields) else 0


def group_name(block: Block, fields: Fields) -> str:
    """Name of the group of a block."""
    return fields.divided.names[group_of(block, fields)]


def vehicle_fields(fields: Fields) -> npt.NDArray[np.bool_]:
    """Fields of vehicle wells."""
    return np.array([role == VEHICLE for role in fields.table["Metadata_Role"].to_pylist()], dtype=bool)


def strata(fields: Fields) -> npt.NDArray[np.int64]:
    """Stratum of each field: role, dose, time, replicate and group; -1 where QC dropped it."""
    names = (
        "Metadata_Compound",
        "Metadata_Dose",
        "Metadata_Role",
        "Metadata_Timepoint",
        "Metadata_Replicate",
    )
    columns = [list(map(str, fields.table[name].to_pylist())) for name in names]
    keys = list(zip(*columns, map(str, fields.divided.codes), strict=True))
    codes = {key: code for code, key in enumerate(sorted(set(keys)))}
    found = np.array([codes[key] for key in keys], dtype=np.int64)
    return np.where(fields.kept, found, -1)
