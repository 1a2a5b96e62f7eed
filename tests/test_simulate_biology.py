"""The curves behind the simulated plate: what the truth file says is what a fit finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from morphodose.errors import InputError
from morphodose.simulate.biology import STATES, Compound, Curve, assign_states, truth_of

EC50 = {24.0: 2.4, 48.0: 1.0}
DOSES = np.geomspace(0.01, 300, 25)


def fit(values: np.ndarray) -> tuple[float, float]:
    """EC50 and slope of a four-parameter logistic."""

    def curve(log_dose, bottom, top, log_ec50, hill):
        return bottom + (top - bottom) / (1 + np.exp(-hill * (log_dose - log_ec50)))

    start = (values[0], values[-1], 0.0, 1.0)
    found, _ = curve_fit(curve, np.log(DOSES), values, p0=start, maxfev=20000)
    return float(np.exp(found[2])), float(found[3])


@pytest.mark.filterwarnings("ignore:Covariance")  # the fit is exact
@pytest.mark.parametrize("hours", [4.0, 24.0, 48.0, 72.0])
def test_the_ec50_of_each_endpoint_in_the_truth_is_what_a_fit_to_its_expected_values_returns(hours):
    compound = Compound(ec50=EC50)
    curves = compound.at(hours)
    fractions = np.array([curves.fractions(dose) for dose in DOSES])
    measured = {
        "Fraction_Viable": fractions[:, 0],
        "Fraction_Dying": 1 - fractions[:, 0],
        "Fraction_Dead": fractions[:, 2:].sum(axis=1),
        "Fraction_LateApoptotic": fractions[:, 2],
        "Fraction_Necrotic": fractions[:, 3],
        "Relative_CellCount": np.array([1 - curves.lost.value(dose) for dose in DOSES]),
    }
    truth = {row["endpoint"]: row for row in truth_of(compound, [hours])}
    for endpoint, values in measured.items():
        ec50, hill = fit(values)
        assert ec50 == pytest.approx(truth[endpoint]["ec50"], rel=1e-3), endpoint
        assert hill == pytest.approx(truth[endpoint]["hill"], rel=1e-3), endpoint


def test_half_of_the_effect_is_at_the_ec50():
    curve = Curve(0.1, 0.9, 2.0, 1.7)
    assert curve.value(2.0) == pytest.approx(0.5)
    assert curve.value(0) == 0.1
    assert curve.value(np.inf) == pytest.approx(0.9)


@settings(deadline=None, max_examples=60)
@given(
    hours=st.floats(1, 96),
    dose=st.floats(0, 1e4),
    emax=st.floats(0.05, 1),
    hill=st.floats(0.5, 4),
    ratio=st.floats(1, 5),
)
def test_fractions_are_shares_that_sum_to_one_whatever_the_options(hours, dose, emax, hill, ratio):
    compound = Compound(ec50=EC50, emax=emax, hill=hill, dead_ratio=ratio)
    fractions = compound.at(hours).fractions(dose)
    assert fractions.sum() == pytest.approx(1)
    assert (fractions >= -1e-12).all()


def test_the_ec50_falls_with_time_and_passes_through_the_given_points():
    compound = Compound(ec50=EC50)
    assert compound.ec50_at(24) == pytest.approx(2.4)
    assert compound.ec50_at(48) == pytest.approx(1.0)
    values = [compound.ec50_at(hours) for hours in (4, 8, 16, 24, 36, 48, 72)]
    assert values == sorted(values, reverse=True)


def test_without_effect_every_dose_is_as_the_vehicle_and_no_ec50_is_stated():
    compound = Compound(ec50=EC50, no_effect=True)
    curves = compound.at(48)
    np.testing.assert_allclose(curves.fractions(1e6), curves.fractions(0))
    assert curves.lost.value(1e6) == curves.morphology.value(1e6) == 0
    assert all(row["ec50"] is None for row in truth_of(compound, [48]))


def test_shape_changes_before_death_and_death_before_loss():
    curves = Compound(ec50=EC50).at(48)
    assert curves.morphology.ec50 < curves.dying.ec50 < curves.dead.ec50 < curves.lost.ec50


def test_assigned_states_are_within_one_cell_of_expectation_and_unbiased():
    rng = np.random.default_rng(0)
    fractions = np.array([0.55, 0.2, 0.17, 0.08])
    counts = np.array([np.bincount(assign_states(rng, 37, fractions), minlength=4) for _ in range(3000)])
    assert (np.abs(counts - 37 * fractions) <= 1).all()
    np.testing.assert_allclose(counts.mean(axis=0), 37 * fractions, atol=0.04)
    assert len(assign_states(rng, 0, fractions)) == 0
    assert len(STATES) == 4


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"emax": 1.2}, "--emax"),
        ({"baseline": -0.1}, "--baseline"),
        ({"hill": 0}, "--hill"),
        ({"dead_ratio": 0.5}, "--dead_ratio"),
        ({"ec50": {24.0: -1.0}}, "--ec50"),
    ],
)
def test_an_impossible_compound_is_refused_by_the_name_of_its_option(options, named):
    with pytest.raises(InputError, match=named):
        Compound(**{"ec50": EC50, **options})
