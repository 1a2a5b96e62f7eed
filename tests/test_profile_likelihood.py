"""Fits and intervals of the logistic curve, by known answers and by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from morphodose.responses.logistic import logistic
from morphodose.responses.profile_likelihood import fit_curve, profile_interval, steep
from morphodose.responses.region import band, region
from morphodose.responses.variance_models import BINOMIAL, CONSTANT, MEAN, MEAN2, choose_variance_model

DOSES = np.array([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0])
WELLS = np.concatenate([np.zeros(3), np.repeat(DOSES, 3)])
ONES = np.ones(len(WELLS))


def noisy(seed=0, sd=0.03, curve=(0.1, 0.9, np.log(0.5), 1.6)):
    return logistic(WELLS, *curve) + np.random.default_rng(seed).normal(0, sd, len(WELLS))


@pytest.mark.parametrize("family", [CONSTANT, BINOMIAL, MEAN, MEAN2])
def test_values_on_a_curve_give_back_its_parameters(family):
    fit = fit_curve(WELLS, logistic(WELLS, 0.05, 0.9, np.log(0.5), 1.6), 100 * ONES, family)
    assert [fit.at_zero, fit.at_infinity, np.exp(fit.log_ec50), fit.hill] == pytest.approx(
        [0.05, 0.9, 0.5, 1.6], rel=2e-3
    )


def test_least_squares_agree_with_scipy():
    values = noisy()
    fit = fit_curve(WELLS, values, ONES, CONSTANT)
    best, covariance = curve_fit(lambda d, *p: logistic(d, *p), WELLS, values, [0.1, 0.9, -0.5, 1.5])
    assert [fit.at_zero, fit.at_infinity, fit.log_ec50, fit.hill] == pytest.approx(list(best), rel=5e-3)
    assert fit.phi == pytest.approx(np.sum((values - logistic(WELLS, *best)) ** 2) / 20, rel=1e-3)
    low, high = profile_interval(fit, "ec50")
    # near a precise estimate the profile interval is Wald's, t(20) = 2.086
    assert (high - low) / 2 == pytest.approx(2.086 * np.sqrt(covariance[2, 2]), rel=0.05)


def test_the_interval_ends_where_the_deviance_has_risen_by_the_threshold():
    fit = fit_curve(WELLS, noisy(sd=0.08), ONES, CONSTANT)
    for end in profile_interval(fit, "ec50"):
        from scipy.optimize import least_squares

        def residuals(p, end=end):
            return fit.values - logistic(WELLS, p[0], p[1], end, np.exp(p[2]))

        held = least_squares(residuals, [fit.at_zero, fit.at_infinity, np.log(fit.hill)])
        assert 2 * held.cost - fit.deviance == pytest.approx(fit.threshold(), rel=0.03)


def test_a_curve_that_does_not_reach_its_plateau_has_an_open_upper_end():
    fit = fit_curve(WELLS, noisy(curve=(0.1, 0.9, np.log(40.0), 1.6)), ONES, CONSTANT)
    low, high = profile_interval(fit, "ec50")
    assert np.isfinite(low) and low < np.log(40.0)
    assert high == np.inf


def test_an_effect_full_at_the_lowest_dose_has_an_open_lower_end():
    fit = fit_curve(WELLS, noisy(curve=(0.1, 0.9, np.log(1e-4), 1.6)), ONES, CONSTANT)
    low, high = profile_interval(fit, "ec50")
    assert low == -np.inf
    assert high < np.log(0.02)


@settings(max_examples=10, deadline=None)
@given(
    factor=st.floats(1e-3, 1e3), stretch=st.floats(0.01, 100), shift=st.floats(-5, 5), seed=st.integers(0, 50)
)
def test_ec50_follows_the_unit_of_dose_and_ignores_the_unit_of_the_values(factor, stretch, shift, seed):
    values = noisy(seed)
    one = fit_curve(WELLS, values, ONES, CONSTANT)
    other = fit_curve(WELLS * factor, shift + stretch * values, ONES, CONSTANT)
    assert other.log_ec50 - np.log(factor) == pytest.approx(one.log_ec50, abs=5e-3)
    ends = np.array(profile_interval(other, "ec50")) - np.log(factor)
    assert ends == pytest.approx(np.array(profile_interval(one, "ec50")), abs=0.02)


def test_asymptotes_of_fractions_stay_between_zero_and_one():
    values = np.where(WELLS >= 0.3, 1.0, 0.0)
    fit = fit_curve(WELLS, values, 40 * ONES, BINOMIAL)
    assert 0 <= fit.at_zero < 0.01 and 0.99 < fit.at_infinity <= 1
    assert 0.1 < np.exp(fit.log_ec50) < 0.3
    low, high = np.exp(profile_interval(fit, "ec50"))
    # a step says no more than between which doses it lies
    assert 0.08 < low < 0.2 and 0.16 < high < 0.4


def test_agreement_of_wells_beyond_that_of_coins_does_not_shrink_the_interval():
    values = logistic(WELLS, 0.05, 0.9, np.log(0.5), 1.6)
    fit = fit_curve(WELLS, values, 40 * ONES, BINOMIAL)
    assert fit.phi == 1.0
    low, high = profile_interval(fit, "ec50")
    assert high - low > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("well_sd", [0.0, 0.3])
def test_the_interval_of_the_ec50_of_death_covers_the_truth(well_sd):
    rng = np.random.default_rng(11)
    truth, hits, runs = np.log(0.5), 0, 80
    for _ in range(runs):
        cells = np.maximum(rng.poisson(38, len(WELLS)), 5)
        mean = logistic(WELLS, 0.03, 0.9, truth, 1.6)
        odds = np.log(mean / (1 - mean)) + rng.normal(0, well_sd, len(WELLS))
        values = rng.binomial(cells, 1 / (1 + np.exp(-odds))) / cells
        low, high = profile_interval(fit_curve(WELLS, values, cells.astype(float), BINOMIAL), "ec50")
        hits += low <= truth <= high
    # 95 % less three standard errors of 80 runs; 200 runs gave 0.935 to 0.98 over six designs
    assert hits >= 0.88 * runs


def test_scatter_in_proportion_to_the_mean_is_seen_and_weighted():
    rng = np.random.default_rng(3)
    mean = logistic(WELLS, 1.0, 7.0, 0.0, 2.5)
    chosen = [
        choose_variance_model(WELLS, mean * np.exp(rng.normal(0, 0.1, len(WELLS)))).name for _ in range(30)
    ]
    assert chosen.count("mean2") >= 20 and "constant" not in chosen
    steady = [choose_variance_model(WELLS, mean + rng.normal(0, 0.2, len(WELLS))).name for _ in range(30)]
    assert steady.count("constant") >= 20
    assert choose_variance_model(WELLS, mean - 3).name == "constant"


def test_the_band_holds_the_curve_and_covers_the_truth_at_a_dose():
    grid = np.concatenate([[0.0], np.geomspace(0.01, 10, 9)])
    truth = logistic(grid, 0.1, 0.9, np.log(0.5), 1.6)
    inside = np.zeros(len(grid))
    for seed in range(40):
        fit = fit_curve(WELLS, noisy(seed, 0.05), ONES, CONSTANT)
        low, high = band(region(fit), grid)
        assert np.all(low <= fit.at(grid) + 1e-9) and np.all(fit.at(grid) <= high + 1e-9)
        inside += (low <= truth) & (truth <= high)
    assert inside.mean() / 40 == pytest.approx(0.95, abs=0.05)


@pytest.mark.parametrize("spacing", [3.0, 10.0])
@pytest.mark.parametrize("family", [CONSTANT, BINOMIAL])
def test_a_jump_between_two_doses_leaves_the_ec50_open_between_them(spacing, family):
    doses = np.concatenate([np.zeros(3), np.repeat(spacing ** np.arange(-3.0, 4.0), 3)])
    values = np.clip(np.where(doses >= 1, 0.9, 0.1) + 0.02 * np.tile([-1.0, 0.0, 1.0], len(doses) // 3), 0, 1)
    fit = fit_curve(doses, values, np.full(len(doses), 300.0), family)
    low, high = np.exp(profile_interval(fit, "ec50"))
    assert steep(fit).steps == ((pytest.approx(1 / spacing), 1.0),)
    assert low <= 1.001 / spacing and high >= 0.999
    inside = np.geomspace(1.05 / spacing, 0.95, 5)
    below, above = band(region(fit), inside)
    assert np.all(below < 0.15) and np.all(above > 0.85)


def test_bounds_of_an_ec50_hold_for_jumps_too():
    """Only the highest dose acts, or every dose does: the EC50 may lie right beside a dose."""
    last = fit_curve(WELLS, noisy(curve=(0.1, 2.0, np.log(9.0), 40.0)), ONES, CONSTANT)
    assert np.exp(profile_interval(last, "ec50")[0]) <= 3.001
    first = fit_curve(WELLS, noisy(curve=(0.1, 0.9, np.log(0.009), 40.0)), ONES, CONSTANT)
    low, high = profile_interval(first, "ec50")
    assert low == -np.inf and np.exp(high) >= 0.00999


def test_one_dose_alone_on_the_slope_is_in_the_interval_of_the_ec50():
    values = np.where(WELLS > 0.3, 0.9, 0.1) + np.where(WELLS == 0.3, 0.6, 0.0)
    values += np.random.default_rng(2).normal(0, 0.02, len(values))
    fit = fit_curve(WELLS, values, ONES, CONSTANT)
    low, high = np.exp(profile_interval(fit, "ec50"))
    assert steep(fit).alone == (0.3,) and not steep(fit).steps
    assert 0.1 < low < 0.3 <= high < 1.0


def test_a_slope_that_doses_lie_on_is_no_jump():
    found = steep(fit_curve(WELLS, noisy(), ONES, CONSTANT))
    assert not found.steps and not found.alone
