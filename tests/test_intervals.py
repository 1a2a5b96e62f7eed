"""Intervals of fractions within a well, and of means over wells."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morphodose.profiles.intervals import fraction_interval, mean_interval, wilson


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    # Newcombe 1998, Stat. Med. 17:857, table I, method 3 (score)
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_has_the_published_values(k, n, low, high):
    assert wilson(k, n) == pytest.approx((low, high), abs=5e-5)


@given(n=st.integers(1, 5000), share=st.floats(0, 1))
def test_wilson_holds_the_fraction_and_mirrors(n, share):
    k = round(share * n)
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    assert wilson(n - k, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_no_cells_have_no_interval():
    assert all(math.isnan(value) for value in (*wilson(0, 0), *fraction_interval([], [])))


def test_one_field_is_plain_wilson_and_fields_that_agree_are_too():
    assert fraction_interval([15], [148])[1:] == wilson(15, 148)
    assert fraction_interval([5, 5, 5], [50, 50, 50])[1:] == pytest.approx(wilson(15, 150))


def test_fields_that_differ_widen_the_interval():
    _, low, high = fraction_interval([0, 30, 0, 30], [50, 50, 50, 50])
    plain = wilson(60, 200)
    assert low < plain[0] - 0.1 and high > plain[1] + 0.1


def test_fields_without_cells_do_not_count():
    assert fraction_interval([3, 0], [30, 0]) == fraction_interval([3], [30])


def test_clustered_interval_covers_when_fields_differ():
    rng, hits = np.random.default_rng(0), 0
    for _ in range(400):
        shares = rng.beta(0.2 * 15, 0.8 * 15, 9)
        _, low, high = fraction_interval(rng.binomial(40, shares), np.full(9, 40))
        hits += low <= 0.2 <= high
    assert hits / 400 > 0.88  # 9 fields tell their scatter only roughly


def test_mean_interval_is_students():
    mean, sd, low, high, wells = mean_interval([1.0, 2.0, 3.0, np.nan])
    assert (mean, sd, wells) == (2.0, 1.0, 3)
    assert high - mean == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6) == mean - low


def test_one_well_has_a_mean_and_no_interval():
    mean, *rest, wells = mean_interval([4.0])
    assert (mean, wells) == (4.0, 1) and all(math.isnan(value) for value in rest)


@pytest.mark.parametrize("value", [0.0, 0.1, 12.0])
def test_equal_wells_have_no_interval_of_width_zero(value):
    mean, sd, low, high, wells = mean_interval([value, value, value])
    assert (mean, sd, wells) == (value, 0.0, 3) and math.isnan(low) and math.isnan(high)
