"""The four-parameter logistic curve."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morphodose.responses.logistic import logistic, predict, shape


def test_shape_is_zero_at_dose_zero_half_at_the_ec50_and_one_at_infinity():
    assert shape([0.0, 3.0, np.inf], np.log(3.0), 1.7) == pytest.approx([0.0, 0.5, 1.0])


def test_logistic_has_the_value_of_the_formula():
    # 0.1 + 0.8 * 10**2 / (5**2 + 10**2)
    assert logistic(10.0, 0.1, 0.9, np.log(5.0), 2.0) == pytest.approx(0.1 + 0.8 * 100 / 125)


@given(
    ec50=st.floats(1e-3, 1e3),
    hill=st.floats(0.25, 10),
    factor=st.floats(1e-3, 1e3),
    dose=st.floats(1e-4, 1e4),
)
def test_a_change_of_the_dose_unit_changes_doses_and_ec50_alike(ec50, hill, factor, dose):
    assert shape(dose * factor, np.log(ec50 * factor), hill) == pytest.approx(
        shape(dose, np.log(ec50), hill), abs=1e-9
    )


def test_predict_draws_the_row_of_the_table_and_nothing_where_it_was_refused():
    row = {"AtZeroDose": 0.0, "AtInfiniteDose": 1.0, "Curve_EC50": 2.0, "Hill": 1.0}
    assert predict(row, [0.0, 2.0]) == pytest.approx([0.0, 0.5])
    assert np.isnan(predict({**row, "Curve_EC50": None}, [0.0, 2.0])).all()
