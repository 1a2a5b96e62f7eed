"""Do wells of a condition find each other: mean average precision with copairs, and its interval by wells."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from copairs.compute import get_null_dists
from copairs.map import average_precision
from scipy.stats import false_discovery_control

from morphodose.cells.fields import VEHICLE
from morphodose.profiles.normalise import kinds_of
from morphodose.responses.groups import name_groups

SCORES = ("activity", "reproducibility")
#: Fewer wells to be told apart from make any order likely.
LEAST_NEGATIVES = 3
_TIME, _ACQUISITION = "Metadata_Timepoint", "Metadata_Acquisition"
_CONDITION, _REFERENCE, _KIND = "Metadata_Condition", "Metadata_Reference", "Metadata_Kind"

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """One question: which wells count as alike, and which as different.

    Attributes
    ----------
    alike, different : (N, N) array of bool
        Row: the well that asks. `alike` holds within a condition and time.
    by : dict
        The same for copairs: columns that define the pairs.
    """

    alike: Bools
    different: Bools
    by: dict[str, list[str]]


def with_conditions(table: pd.DataFrame) -> pd.DataFrame:
    """Treated and vehicle wells, a name for their condition, a number that tells vehicle wells apart.

    Wells of different groups are different conditions, and are compared with wells of their own kind
    (``Metadata_Kind``) alone.
    """
    table = table[table["Metadata_Role"].isin(["treated", VEHICLE])].reset_index(drop=True)
    kind = np.zeros(len(table), dtype=np.int64)
    for number, each in enumerate(kinds_of(table)):
        kind[each.wells] = number
    table = name_groups(table)
    vehicle = (table["Metadata_Role"] == VEHICLE).to_numpy()
    names = [f"{c} {d!r}" for c, d in zip(table["Metadata_Compound"], table["Metadata_Dose"], strict=True)]
    added = {
        _CONDITION: np.where(vehicle, VEHICLE, names),
        _REFERENCE: np.where(vehicle, np.arange(len(table)), -1),
        _KIND: kind,
    }
    return pd.concat([table, pd.DataFrame(added, index=table.index)], axis=1)


def task(wells: pd.DataFrame, score: str) -> Task:
    """Pairs of a score.

    ``activity``: wells of the same compound, dose and time are alike; vehicle wells of the same plate, time
    and group are different. ``reproducibility``: wells of the same compound, dose and time in another
    acquisition are alike; wells of other doses, vehicle among them, of the same plate, time and group are
    different.
    """

    def same(name: str) -> Bools:
        codes = pd.factorize(wells[name])[0]
        return np.asarray(codes[:, None] == codes[None, :])

    # kinds are numbered plate by plate and time by time
    condition, time, kind = same(_CONDITION), same(_TIME), same(_KIND)
    treated = (wells["Metadata_Role"] != VEHICLE).to_numpy()
    alike = condition & time & treated[:, None] & ~np.eye(len(wells), dtype=bool)
    if score == "activity":
        by = {"pos_sameby": [_CONDITION, _TIME, _REFERENCE], "pos_diffby": [],
              "neg_sameby": [_KIND], "neg_diffby": [_CONDITION, _REFERENCE]}  # fmt: skip
        return Task(alike, kind & treated[:, None] & ~treated[None, :], by)
    by = {"pos_sameby": [_CONDITION, _TIME], "pos_diffby": [_ACQUISITION],
          "neg_sameby": [_KIND], "neg_diffby": [_CONDITION]}  # fmt: skip
    return Task(alike & ~same(_ACQUISITION), kind & ~condition & treated[:, None], by)


def why_not(group: npt.NDArray[np.intp], given: Task, score: str) -> str:
    """Why a condition cannot be scored; '' if it can.

    Parameters
    ----------
    group : (w,) array of int
        Rows of the wells of the condition.
    """
    if len(group) < 2:
        return "a single well; two are needed"
    if not given.alike[group].any(axis=1).all():
        return "all wells are of one acquisition; another replicate is needed"
    negatives = int(given.different[group].sum(axis=1).min())
    if negatives < LEAST_NEGATIVES:
        what = "vehicle wells" if score == "activity" else "wells of other doses"
        return f"{negatives} {what} at the same plate and time; {LEAST_NEGATIVES} are needed"
    return ""


def score_conditions(
    wells: pd.DataFrame, values: Floats, score: str, draws: npt.NDArray[np.int64], null_size: int, seed: int
) -> tuple[pd.DataFrame, Floats]:
    """Mean average precision of every treated condition and time.

    Parameters
    ----------
    wells : pandas.DataFrame
        N rows of `with_conditions`.
    values : (N, P) array
        Profiles; compared by the cosine, which sees the direction of an effect and not its size: doses that
        do the same to a different degree are not told apart.
    score : {'activity', 'reproducibility'}
    draws : (B, N) array of int
        Of `resample`: how often each well is in each resample.
    null_size, seed : int
        Of copairs' null distribution: random orders of as many wells. The wells of a condition share one
        order, since they are each other's neighbours: this is on the safe side.

    Returns
    -------
    table : pandas.DataFrame
        Compound, Dose, DoseUnit, Timepoint, Score, mAP, Low, High, mAP_Normalised, P, Q, N_Wells,
        N_Negatives, Reason. No number where there is a reason.
    resampled : (C, B) array
        mAP of each row in each resample.
    """
    given = task(wells, score)
    treated = wells[wells["Metadata_Role"] != VEHICLE]
    groups = treated.groupby(["Metadata_Compound", "Metadata_Dose", _TIME], sort=True).indices
    places = {key: treated.index.to_numpy()[rows] for key, rows in groups.items()}
    reasons = {key: why_not(rows, given, score) for key, rows in places.items()}
    asking = np.concatenate([rows for key, rows in places.items() if not reasons[key]] or [np.zeros(0, int)])
    found = _with_copairs(wells, values, given, asking.astype(np.intp), null_size, seed)
    similar = _cosine(values)
    table, resampled = [], []
    for key, rows in places.items():
        compound, dose, time = key
        row = {
            "Compound": compound, "Dose": float(dose), "DoseUnit": wells.loc[rows[0], "Metadata_DoseUnit"],
            "Timepoint": float(time), "Score": score, "N_Wells": len(rows),
            "N_Negatives": int(given.different[rows].any(axis=0).sum()), "Reason": reasons[key],
        }  # fmt: skip
        again = np.full(len(draws), np.nan)
        if not reasons[key]:
            again = resampled_map(similar, rows, given, draws)
            row |= found[wells.loc[rows[0], _CONDITION], float(time)] | interval(again)
            row["Low"], row["High"] = min(row["Low"], row["mAP"]), max(row["High"], row["mAP"])
        table.append(row)
        resampled.append(again)
    return pd.DataFrame(table), np.array(resampled).reshape(len(table), len(draws))


def _with_copairs(
    wells: pd.DataFrame, values: Floats, given: Task, asking: npt.NDArray[np.intp], null_size: int, seed: int
) -> dict[tuple[str, float], dict[str, float]]:
    """mAP, and its P and Q, by condition and time."""
    if not len(asking):
        return {}
    meta = wells[[_CONDITION, _REFERENCE, _TIME, _KIND, _ACQUISITION]]
    table = average_precision(meta, values, **given.by, progress_bar=False).iloc[np.sort(asking)]
    sizes = table[["n_pos_pairs", "n_total_pairs"]].to_numpy(dtype=np.int64)
    kinds, kind = np.unique(sizes, axis=0, return_inverse=True)
    # copairs keeps null distributions in the home folder, with seeds that depend on what was there first
    with tempfile.TemporaryDirectory() as cache:
        null = get_null_dists(kinds, null_size, seed, cache_dir=cache, progress_bar=False)
    found = {}
    for (condition, time), rows in table.groupby([_CONDITION, _TIME], sort=True).indices.items():
        score = float(table["average_precision"].iloc[rows].mean())
        found[condition, float(time)] = {
            "mAP": score,
            "mAP_Normalised": float(table["normalized_average_precision"].iloc[rows].mean()),
            "P": p_value(score, null[kind.reshape(-1)[rows]].mean(axis=0)),
        }
    adjusted = false_discovery_control([row["P"] for row in found.values()], method="bh")
    for row, q in zip(found.values(), adjusted, strict=True):
        row["Q"] = float(q)
    return found


def p_value(score: float, null: npt.NDArray[np.floating]) -> float:
    """How often a random order scores as high.

    copairs' own counts random orders that score higher, and never those that score the same: two wells that
    find each other among four others would have P = 0.0001, though one order in five does so.

    Parameters
    ----------
    null : (R,) array
        Scores of random orders.
    """
    return float((np.sum(null >= score - 1e-6) + 1) / (len(null) + 1))


def _cosine(values: Floats) -> Floats:
    """Cosine of each pair of rows, (N, N)."""
    length = np.linalg.norm(values, axis=1, keepdims=True)
    unit = values / np.where(length > 0, length, 1)
    return np.asarray(unit @ unit.T)


def resample(wells: pd.DataFrame, count: int, seed: int) -> npt.NDArray[np.int64]:
    """How often each well is drawn in each of `count` resamples, (B, N).

    Wells are drawn with replacement among those of the same condition and time; vehicle wells among those of
    the same kind, plate and time. All sets of features are scored with the same draws, so that their
    differences have intervals too.
    """
    rng = np.random.default_rng(seed)
    vehicle = (wells["Metadata_Role"] == VEHICLE).to_numpy()
    kind = np.where(vehicle, wells[_KIND], -1)
    keys = list(zip(wells[_CONDITION], wells[_TIME], kind, strict=True))
    draws = np.zeros((count, len(wells)), dtype=np.int64)
    for key in sorted(set(keys), key=str):
        members = np.array([place for place, each in enumerate(keys) if each == key])
        draws[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=count)
    return draws


def resampled_map(
    similar: Floats, group: npt.NDArray[np.intp], given: Task, draws: npt.NDArray[np.int64]
) -> Floats:
    """Mean average precision of one condition in each resample, (B,).

    A well is never asked about itself, though it be drawn twice. NaN where a resample holds a single well of
    the condition, so that nothing can be found.
    """
    total, weight = np.zeros(len(draws)), np.zeros(len(draws))
    for query in group:
        candidates = np.flatnonzero(given.alike[query] | given.different[query])
        order = candidates[np.argsort(-similar[query, candidates], kind="stable")]
        precision = weighted_precision(draws[:, order], given.alike[query, order])
        times = np.where(np.isfinite(precision), draws[:, query], 0)
        total += times * np.where(times > 0, precision, 0)
        weight += times
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(weight > 0, total / weight, np.nan))


def weighted_precision(times: npt.NDArray[np.int64], relevant: Bools) -> Floats:
    """Average precision of lists in which entries are repeated.

    Parameters
    ----------
    times : (B, M) array of int
        How often each entry is in each list; entries ordered, the most similar first.
    relevant : (M,) array of bool

    Returns
    -------
    (B,) array
        NaN where a list has no relevant entry, or no other.
    """
    hits = times * relevant
    before_hits = np.cumsum(hits, axis=1) - hits
    before = np.cumsum(times, axis=1) - times
    total = np.zeros(times.shape)
    for copy in range(1, int(hits.max(initial=0)) + 1):
        total += np.where(hits >= copy, (before_hits + copy) / (before + copy), 0)
    found = hits.sum(axis=1)
    usable = (found > 0) & (times.sum(axis=1) > found)
    return np.asarray(np.where(usable, total.sum(axis=1) / np.maximum(found, 1), np.nan))


def interval(resampled: Floats) -> dict[str, float]:
    """95 % percentile interval.

    Parameters
    ----------
    resampled : (R,) array
        Scores of the resamples.
    """
    there = resampled[np.isfinite(resampled)]
    if not len(there):
        return {"Low": np.nan, "High": np.nan}
    low, high = np.percentile(there, [2.5, 97.5])
    return {"Low": float(low), "High": float(high)}
