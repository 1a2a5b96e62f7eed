"""Intervals of scores, and of their differences, by resampling wells: cells of a well are not replicates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from morphodose.evaluation.labels import Classes
from morphodose.evaluation.metrics import Tally, scores

#: Resamples of an interval.
RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


def well_weights(
    strata: npt.NDArray[np.integer], resamples: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Weights of the wells in each resample.

    Wells are drawn within what they hold, so that no resample loses a dose. Of n wells n − 1 are drawn with
    replacement and weighed by n / (n − 1): drawing n of a few wells gives intervals that are too narrow, by a
    quarter with three. Wells that are alone in what they hold are drawn together.

    Source: Rao, Wu 1988, J. Am. Stat. Assoc. 83:231 (rescaled bootstrap).

    Parameters
    ----------
    strata : (U,) array of int
        What each well holds.
    resamples : int
    rng : Generator

    Returns
    -------
    (resamples, U) array
        Each row has the sum U.
    """
    weights = np.ones((resamples, len(strata)))
    for members in _groups(np.asarray(strata)):
        n = len(members)
        if n > 1:
            drawn = rng.multinomial(n - 1, np.full(n, 1 / n), size=resamples)
            weights[:, members] = drawn * (n / (n - 1))
    return weights


def _groups(strata: npt.NDArray[np.integer]) -> list[npt.NDArray[np.int64]]:
    """Members of each stratum; single ones put together, with the smallest other where there is only one."""
    groups = [np.flatnonzero(strata == each) for each in np.unique(strata)]
    single = [group for group in groups if len(group) == 1]
    others = sorted((group for group in groups if len(group) > 1), key=len)
    if len(single) == 1 and others:
        single.append(others.pop(0))
    return others + ([np.concatenate(single)] if single else [])


def interval_of(
    tally: Tally, classes: Classes, strata: npt.NDArray[np.integer], seed: int, resamples: int = RESAMPLES
) -> dict[str, Interval]:
    """Every metric of a model with its interval over the wells that it scored.

    Parameters
    ----------
    strata : (U,) array of int
        What each well holds.
    """
    kept = np.flatnonzero(tally.cells)
    return _intervals([_part(tally, kept)], classes, strata[kept], seed, resamples)


def difference_of(
    first: Tally,
    second: Tally,
    classes: Classes,
    strata: npt.NDArray[np.integer],
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, Interval]:
    """`first` less `second`, paired: both on the same resamples of the wells that both scored.

    Parameters
    ----------
    strata : (U,) array of int
        What each well holds.
    """
    kept = np.flatnonzero((first.cells > 0) & (second.cells > 0))
    parts = [_part(first, kept), _part(second, kept)]
    return _intervals(parts, classes, strata[kept], seed, resamples)


def _part(tally: Tally, kept: npt.NDArray[np.int64]) -> Tally:
    return Tally(tally.confusion[kept], tally.bins[kept])


def _intervals(
    parts: list[Tally], classes: Classes, strata: npt.NDArray[np.integer], seed: int, resamples: int
) -> dict[str, Interval]:
    """Metrics of one tally, or differences of two; percentiles of the resamples."""
    if not len(strata):
        return {}
    weights = well_weights(strata, resamples, np.random.default_rng(seed))
    weights = np.concatenate([np.ones((1, len(strata))), weights])  # the first row is the estimate
    tables = [scores(*part.weighed(weights), classes) for part in parts]
    found = {}
    for metric in tables[0]:
        if all(metric in table for table in tables):
            values = tables[0][metric] - tables[1][metric] if len(tables) > 1 else tables[0][metric]
            low, high = np.nanpercentile(values[1:], [2.5, 97.5])
            # of two or three wells the percentiles can leave the estimate out; an interval never does
            low, high = min(low, values[0]), max(high, values[0])
            found[metric] = Interval(float(values[0]), float(low), float(high))
    return found
