"""What stands beside the network: majority, position, intensity, classical measurements, linear probes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from morphodose.evaluation.boosting import BinnedBoosting
from morphodose.evaluation.cells import SplitCells
from morphodose.evaluation.labels import Classes
from morphodose.evaluation.metrics import Tally
from morphodose.evaluation.multinomial import MultinomialRidge
from morphodose.evaluation.sources import Matrix, Source, gather, intensity_columns, sample_rows

Rows = npt.NDArray[np.int64]
Tallies = dict[tuple[str, str], Tally]
#: Features of gradient boosting: the best by analysis of variance among the training cells.
BOOSTED_FEATURES = 200
#: Standard deviations beyond which a standardised feature is cut.
CLIP = 10.0
#: Columns that are worked on at a time.
COLUMNS = 128
#: Most plates that position may name.
PLATES = 200


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of the features, of the vehicle cells that train.

    Attributes
    ----------
    mean, spread : (D,) array
        A feature that is constant has spread infinity: it becomes 0.
    """

    mean: Matrix
    spread: Matrix

    @classmethod
    def of(cls, vehicle: Matrix, every: Matrix) -> Scale:
        """Scale of vehicle cells; features that they do not vary in, or all cells without vehicle, of all.

        Parameters
        ----------
        vehicle, every : (n, D), (N, D) arrays
            Features of the vehicle cells and of all cells.
        """
        means, spreads = _moments(every)
        if len(vehicle) > 1:
            of_vehicle = _moments(vehicle)
            varies = _varies(*of_vehicle)
            means, spreads = np.where(varies, of_vehicle[0], means), np.where(varies, of_vehicle[1], spreads)
        known = _varies(means, spreads)
        return cls(
            np.where(known, means, 0).astype(np.float32), np.where(known, spreads, np.inf).astype(np.float32)
        )

    def apply(self, matrix: Matrix) -> Matrix:
        """Standardised features; what is missing becomes 0, the mean of vehicle.

        Parameters
        ----------
        matrix : (N, D) array
            Features.
        """
        found = matrix - self.mean
        with np.errstate(invalid="ignore"):  # infinite values of a constant feature
            found /= self.spread
        np.nan_to_num(found, copy=False, nan=0.0, posinf=CLIP, neginf=-CLIP)
        return np.clip(found, -CLIP, CLIP, out=found)


def _moments(matrix: Matrix) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and standard deviation of each column, NaN left out."""
    found = np.empty((2, matrix.shape[1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column that is NaN throughout
        for start in range(0, matrix.shape[1], COLUMNS):  # copies in double precision, of a few at a time
            part = slice(start, start + COLUMNS)
            np.nanmean(matrix[:, part], axis=0, dtype=np.float64, out=found[0, part])
            np.nanstd(matrix[:, part], axis=0, dtype=np.float64, out=found[1, part])
    return found[0], found[1]


def _varies(means: npt.NDArray[np.float64], spreads: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Columns that vary by more than the rounding of 32-bit floats."""
    return np.isfinite(means) & (spreads > 1e-6 * np.abs(means)) & (spreads > 1e-30)


class Estimator(Protocol):
    """What is fitted to standardised cells and their classes.

    Attributes
    ----------
    classes_ : (K,) array of int
    converged_ : bool
        Whether the fit ended by itself.
    """

    classes_: Rows
    converged_: bool

    def fit(self, matrix: Matrix, true: npt.NDArray[np.int32]) -> Estimator:
        """Fit to features (N, D) and classes (N,)."""

    def predict_proba(self, matrix: Matrix) -> npt.NDArray[np.floating]:
        """Probability of each class, (N, K)."""


def logistic(_seed: int) -> Estimator:
    """Multinomial logistic regression with a ridge penalty, classes of equal weight."""
    return MultinomialRidge(C=0.01)


@dataclass(frozen=True)
class Model:
    """A baseline on features.

    Attributes
    ----------
    name : str
    make : callable
        Seed → an estimator.
    columns : array of int, optional
        Indices of its features; None: all.
    best : int
        As many of them, by analysis of variance; 0: all.
    """

    name: str
    make: Callable[[int], Estimator]
    columns: Rows | None = None
    best: int = 0


@dataclass(frozen=True)
class _Fitted:
    """A model that one fold trained for one label."""

    estimator: Estimator
    columns: Rows

    def predict(self, matrix: Matrix) -> tuple[Rows, npt.NDArray[np.float64]]:
        """Class and its probability.

        Parameters
        ----------
        matrix : (N, D) array
            Standardised features.
        """
        share = self.estimator.predict_proba(_columns(matrix, self.columns))
        best = share.argmax(axis=1)
        return self.estimator.classes_[best], share[np.arange(len(best)), best].astype(np.float64)


def classical_models(source: Source) -> list[Model]:
    """Baselines on the cells' measurements."""
    models = [
        Model("classical_logistic", logistic),
        Model("classical_boosting", BinnedBoosting, None, BOOSTED_FEATURES),
    ]
    stains = intensity_columns(source)
    return [Model("intensity", logistic, stains), *models] if len(stains) else models


def tally_models(
    models: Sequence[Model],
    source: Source,
    cells: SplitCells,
    classes: Mapping[str, Classes],
    labels: Sequence[str],
    most: int,
    seed: int,
) -> Tallies:
    """Train baselines on the training wells of each fold, and count their predictions of the held-out ones.

    Parameters
    ----------
    models : sequence of Model
    source : Source
        Their features.
    cells : SplitCells
    classes, labels
        As `labels.json` says.
    most : int
        Training cells, drawn evenly from the well-timepoints; all usable held-out cells are predicted.
    seed : int

    Returns
    -------
    dict
        (model, label) → counts.
    """
    sampled = sample_rows(cells, most, seed)
    rows, matrix = gather(source, cells, sampled)
    scales: dict[int, Scale] = {}
    fitted: dict[tuple[str, str, int], _Fitted] = {}
    for fold in range(cells.folds):
        train = cells.fold[rows] != fold
        if not train.any():
            continue
        scales[fold] = Scale.of(matrix[train & cells.vehicle[rows]], matrix[train])
        scaled = scales[fold].apply(matrix[train])
        for label in labels:
            true = cells.labels[label][rows[train]]
            for model in models:
                fitted[model.name, label, fold] = _fit(model, scaled, true, seed)
    tallies = {(m.name, label): _empty(cells, classes[label]) for m in models for label in labels}
    for (name, label, _), one in fitted.items():
        tallies[name, label].unconverged += not one.estimator.converged_
    # a small screen is in memory already; of a large one that was only a sample
    whole = bool(sampled[cells.usable].all())
    batches = iter([(rows, matrix)]) if whole else source.batches(cells)
    del matrix
    for found, batch in batches:
        for fold in np.unique(cells.fold[found]):
            mine = (cells.fold[found] == fold) & cells.usable[found]
            if not mine.any() or fold not in scales:
                continue
            scaled, here = scales[fold].apply(batch[mine]), found[mine]
            for (name, label), tally in tallies.items():
                predicted, sure = fitted[name, label, fold].predict(scaled)
                tally.add(cells.unit[here], cells.labels[label][here], predicted, sure)
    return tallies


def _empty(cells: SplitCells, classes: Classes) -> Tally:
    return Tally.empty(len(cells.units), len(classes.names))


def _fit(model: Model, scaled: Matrix, true: npt.NDArray[np.int32], seed: int) -> _Fitted:
    """Fit a model on standardised cells."""
    columns = np.arange(scaled.shape[1]) if model.columns is None else model.columns
    if model.best and len(columns) > model.best:
        columns = columns[_best(scaled[:, columns], true, model.best)]
    return _Fitted(model.make(seed).fit(_columns(scaled, columns), true), columns)


def _columns(matrix: Matrix, columns: Rows) -> Matrix:
    """Some columns; no copy where it is all of them."""
    return matrix if len(columns) == matrix.shape[1] else matrix[:, columns]


def _best(scaled: Matrix, true: npt.NDArray[np.int32], most: int) -> Rows:
    """Indices of the features with the greatest F of a one-way analysis of variance."""
    from sklearn.feature_selection import f_classif

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant features have no F
        score = np.asarray(f_classif(scaled, true)[0], dtype=np.float64)
    score[np.isnan(score)] = -1.0
    return np.sort(np.argsort(-score, kind="stable")[:most])


def unconverged_notes(tallies: Tallies, folds: int) -> list[str]:
    """What is said of baselines whose training stopped before it had converged."""
    return [
        f"{model} of {label}: {tally.unconverged} of {folds} trainings stopped before they had converged; "
        "its score may be too low, and what is compared with it looks better than it is"
        for (model, label), tally in tallies.items()
        if tally.unconverged
    ]


def tally_majority(cells: SplitCells, classes: Mapping[str, Classes], labels: Sequence[str]) -> Tallies:
    """The most frequent class of the training cells, for every held-out cell."""
    found: Tallies = {}
    for label in labels:
        tally = found["majority", label] = _empty(cells, classes[label])
        true = cells.labels[label]
        for fold in range(cells.folds):
            counts = np.bincount(
                true[cells.usable & (cells.fold != fold)], minlength=len(classes[label].names)
            )
            mine = np.flatnonzero(cells.usable & (cells.fold == fold))
            if not counts.any() or not len(mine):
                continue
            best, share = int(counts.argmax()), counts.max() / counts.sum()
            tally.add(cells.unit[mine], true[mine], np.full(len(mine), best), np.full(len(mine), share))
    return found


def tally_position(
    cells: SplitCells, classes: Mapping[str, Classes], labels: Sequence[str], seed: int
) -> Tallies:
    """Gradient boosting on plate, row, column and field: what a network could know by where a cell lies.

    Trees may cut the plate down to one field of one well, so that a layout that repeats is learned by heart.
    All cells of a field are one row with their number as its weight.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    positions = cells.positions()
    several = 1 < len(np.unique(positions[:, 0])) <= PLATES
    found: Tallies = {}
    for label in labels:
        tally = found["position", label] = _empty(cells, classes[label])
        table, counts = _fields(cells, label)
        unit, field, fold, true = table.T
        known = np.column_stack([positions[unit], field])[:, 0 if several else 1 :]
        for each in np.unique(fold):
            train, test = fold != each, fold == each
            if len(np.unique(true[train])) < 2:
                continue
            model = HistGradientBoostingClassifier(
                max_iter=20, learning_rate=0.3, max_leaf_nodes=None, min_samples_leaf=1, random_state=seed,
                class_weight="balanced", early_stopping=False, categorical_features=[0] if several else None,
            )  # fmt: skip
            model.fit(known[train], true[train], counts[train] / counts[train].mean())
            share = model.predict_proba(known[test])
            best = model.classes_[share.argmax(axis=1)]
            tally.add(unit[test], true[test], best, share.max(axis=1), counts[test])
    return found


def _fields(cells: SplitCells, label: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Unit, field, fold and class of usable cells, each once, and the number of cells of each."""
    use = cells.usable
    columns = (cells.unit, cells.field, cells.fold, cells.labels[label])
    table = np.column_stack([column[use] for column in columns]).astype(np.int64)
    return np.unique(table, axis=0, return_counts=True)
