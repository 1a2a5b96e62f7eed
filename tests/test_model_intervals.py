"""Intervals over wells, and tests against exchanged labels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from morphodose.evaluation.intervals import difference_of, interval_of, well_weights
from morphodose.evaluation.labels import Classes
from morphodose.evaluation.metrics import Tally
from morphodose.evaluation.permutation import Groups, chance, chance_of_names

DOSES = Classes(("vehicle", "1"), (0.0, 1.0), True, "uM")


def tally_of(rates: np.ndarray, cells: int = 100, true: np.ndarray | None = None) -> Tally:
    """Wells with this share of right predictions; every second holds a dose."""
    true = np.arange(len(rates)) % 2 if true is None else true
    tally = Tally.empty(len(rates), 2)
    right = np.round(rates * cells).astype(int)
    tally.confusion[np.arange(len(rates)), true, true] = right
    tally.confusion[np.arange(len(rates)), true, 1 - true] = cells - right
    return tally


def test_a_resample_keeps_the_wells_of_each_content():
    strata = np.array([0, 0, 0, 1, 1, 2, 3])
    weights = well_weights(strata, 500, np.random.default_rng(0))
    for members in ([0, 1, 2], [3, 4], [5, 6]):
        np.testing.assert_allclose(weights[:, members].sum(axis=1), len(members))
    assert set(np.unique(weights[:, 3])) == {0, 2}


def test_a_lonely_well_joins_the_smallest_other_content():
    weights = well_weights(np.array([0, 0, 0, 1, 1, 2]), 200, np.random.default_rng(0))
    np.testing.assert_allclose(weights[:, 3:].sum(axis=1), 3)
    np.testing.assert_array_equal(well_weights(np.array([7]), 5, np.random.default_rng(0)), np.ones((5, 1)))


def test_three_wells_scatter_as_their_standard_error_says():
    values = np.array([0.2, 0.5, 0.9])
    weights = well_weights(np.zeros(3, int), 40_000, np.random.default_rng(0))
    means = weights @ values / 3
    assert means.std() == pytest.approx(values.std(ddof=1) / math.sqrt(3), rel=0.02)


def test_a_million_cells_in_four_wells_are_four_observations():
    rates, strata = np.array([0.3, 0.4, 0.6, 0.7]), np.zeros(4, int)
    few = interval_of(tally_of(rates, 10), DOSES, strata, 1)["accuracy"]
    many = interval_of(tally_of(rates, 250_000), DOSES, strata, 1)["accuracy"]
    assert (few.low, few.high) == pytest.approx((many.low, many.high))
    assert few.value == 0.5 and few.low < 0.4 < 0.6 < few.high


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng, hits, runs = np.random.default_rng(0), 0, 300
    strata = np.repeat(np.arange(4), 6)
    for seed in range(runs):
        rates = np.clip(rng.normal(0.5, 0.15, 24), 0, 1)
        found = interval_of(tally_of(rates, 1000), DOSES, strata, seed, 300)["accuracy"]
        hits += found.low <= 0.5 <= found.high
    assert 0.90 <= hits / runs <= 0.98


def test_a_paired_difference_is_narrower_than_what_the_wells_scatter():
    rng = np.random.default_rng(0)
    rates, strata = rng.uniform(0.2, 0.7, 20), np.arange(20) % 2
    first, second = tally_of(rates + 0.1), tally_of(rates)
    less = difference_of(first, second, DOSES, strata, 1)["accuracy"]
    assert less.value == pytest.approx(0.1, abs=0.01)
    assert 0.08 < less.low < less.high < 0.12
    alone = interval_of(first, DOSES, strata, 1)["accuracy"]
    assert alone.high - alone.low > 0.1


def test_a_difference_uses_only_wells_that_both_scored():
    first, second = tally_of(np.full(8, 0.9)), tally_of(np.full(8, 0.5))
    second.confusion[4:] = 0
    first.confusion[4:, 0, 0] = 0
    less = difference_of(first, second, DOSES, np.arange(8) % 2, 1)["accuracy"]
    assert less.value == pytest.approx(0.4)


def test_no_well_has_no_interval():
    assert interval_of(Tally.empty(3, 2), DOSES, np.zeros(3, int), 1) == {}


def groups(predicted, label, fold, block=None) -> Groups:
    fold = np.array(fold)
    return Groups(
        np.array(predicted, float), np.array(label), fold if block is None else np.array(block), fold
    )


def test_a_perfect_network_has_the_least_p_of_the_design():
    label = np.tile(np.arange(4), 2)
    predicted = np.zeros((8, 5))
    predicted[np.arange(8), label] = 50
    found = chance(groups(predicted, label, [0] * 4 + [1] * 4), 1)
    assert found.least == pytest.approx(math.e / 24)
    assert found.p == pytest.approx(found.least, rel=0.2)


def test_too_few_wells_cannot_have_a_small_p():
    found = chance(groups([[9, 0, 0], [0, 9, 0]], [0, 1], [0, 0]), 1)
    assert found.least == pytest.approx(0.5) and found.p == pytest.approx(0.5, abs=0.03)


def test_p_of_one_fold_is_even_where_nothing_is_to_be_found():
    rng = np.random.default_rng(0)
    found = [
        chance(
            groups(rng.multinomial(40, rng.dirichlet([0.3] * 4), 12), np.arange(12) % 3, [0] * 12), seed, 199
        ).p
        for seed in range(200)
    ]
    assert np.mean(np.array(found) <= 0.05) <= 0.09
    assert 0.4 < np.mean(found) < 0.6


def test_folds_that_repeat_each_other_count_once():
    rng, low = np.random.default_rng(0), 0
    for seed in range(100):
        predicted, label = rng.multinomial(40, [0.25] * 4, 9), rng.permutation(np.arange(9) % 3)
        twice = groups(np.tile(predicted, (2, 1)), np.tile(label, 2), [0] * 9 + [1] * 9)
        low += chance(twice, seed, 199).p <= 0.05
    assert low <= 9


def test_labels_are_exchanged_within_their_plate_only():
    # the label is the plate's: nothing can be exchanged
    predicted, label = [[9, 0, 0]] * 3 + [[0, 9, 0]] * 3, [0] * 3 + [1] * 3
    assert chance(groups(predicted, label, [0] * 6, [0] * 3 + [1] * 3), 1).p == 1
    assert chance(groups(predicted, label, [0] * 6, [0] * 6), 1).p < 0.1


def test_a_control_that_names_classes_by_luck_is_no_leak():
    wrong = np.eye(5)[[1, 2, 3, 0]] * 100
    assert chance_of_names(wrong.astype(int), 1) == 1
    lucky = np.eye(5)[[0, 2, 1, 3]] * 100
    assert chance_of_names(lucky.astype(int), 1) > 0.2
    leaking = np.eye(6)[:5] * 100
    assert chance_of_names(leaking.astype(int), 1) < 0.02
