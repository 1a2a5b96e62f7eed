"""Tests of "no effect" and of lack of fit."""

import numpy as np
import pytest

from morphodose.responses.dose_effect import arrangements, effect_p, lack_of_fit
from morphodose.responses.logistic import logistic
from morphodose.responses.multiple_testing import benjamini_hochberg

DOSES = np.concatenate([np.zeros(3), np.repeat([0.1, 1.0, 10.0, 100.0], 3)])


def test_a_clear_effect_has_a_p_value_far_below_that_of_the_draws_and_the_same_one_each_time():
    values = logistic(DOSES, 0, 1, 0.0, 2) + np.random.default_rng(0).normal(0, 0.05, len(DOSES))
    p = effect_p(DOSES, values, draws=999)
    assert 1 / arrangements(DOSES, np.zeros(15)) <= p < 1e-5 and p == effect_p(DOSES, values, draws=999)


def test_without_an_effect_five_per_cent_are_below_five_per_cent():
    rng = np.random.default_rng(1)
    p = np.array([effect_p(DOSES, rng.normal(size=len(DOSES)), draws=499, seed=s) for s in range(300)])
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(p < 0.5) == pytest.approx(0.5, abs=0.09)


def test_differences_between_blocks_are_no_effect_and_do_not_hide_one():
    rng = np.random.default_rng(2)
    blocks = np.tile([0, 1, 2], 5)
    values = logistic(DOSES, 0, 1, 0.0, 2) + 5.0 * blocks + rng.normal(0, 0.1, len(DOSES))
    assert effect_p(DOSES, values, draws=999) > 0.05
    assert effect_p(DOSES, values, blocks, draws=999) < 0.001


def test_equal_values_have_no_effect():
    assert effect_p(DOSES, np.ones(len(DOSES))) == 1.0


def test_lack_of_fit_is_the_f_test_against_pure_error():
    doses = np.repeat([0.0, 1, 2, 3, 4], 2)
    means = np.array([0.0, 2.0, 0.0, 2.0, 0.0])
    values = np.repeat(means, 2) + np.tile([-0.1, 0.1], 5)
    p, r2 = lack_of_fit(doses, values, np.full(10, 0.8), np.ones(10), parameters=1)
    # lack: 2 * 4.8 over 4 df; pure error: 0.1 over 5 df; F = 2.4 / 0.02 = 120
    from scipy.stats import f

    assert p == pytest.approx(f.sf(120, 4, 5))
    assert r2 == pytest.approx(0.0)
    assert np.isnan(lack_of_fit(doses[::2], values[::2], np.zeros(5), np.ones(5))[0])


def test_benjamini_hochberg_known_values():
    q = benjamini_hochberg(np.array([0.01, 0.04, np.nan, 0.03, 0.5]))
    assert q[[0, 1, 3, 4]] == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert np.isnan(q[2])
