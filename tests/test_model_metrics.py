"""Scores from counts equal those of scikit-learn from predictions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from morphodose.evaluation.labels import Classes
from morphodose.evaluation.metrics import BINS, Tally, scores

DOSES = Classes(("vehicle", "1", "10"), (0.0, 1.0, 10.0), True, "uM")
HOURS = Classes(("4", "8", "24"), (4.0, 8.0, 24.0), True, "h")


def predicted(n: int = 500, seed: int = 0, none: float = 0.0):
    """Unit, true, predicted and confidence of `n` cells in 5 wells."""
    rng = np.random.default_rng(seed)
    unit, true = rng.integers(0, 5, n), rng.choice(3, n, p=[0.6, 0.3, 0.1])
    found = np.where(rng.random(n) < 0.5, true, rng.integers(0, 3, n))
    return unit, true, np.where(rng.random(n) < none, -1, found), rng.uniform(0, 1, n)


def scored(unit, true, found, sure, classes=DOSES) -> dict[str, float]:
    tally = Tally.empty(5, 3)
    tally.add(unit, true, found, sure)
    return {name: float(v[0]) for name, v in scores(*tally.weighed(np.ones((1, 5))), classes).items()}


def test_scores_from_counts_are_those_of_scikit_learn():
    unit, true, found, sure = predicted()
    mine = scored(unit, true, found, sure)
    assert mine["accuracy"] == pytest.approx(sk.accuracy_score(true, found))
    assert mine["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(true, found))
    assert mine["macro_f1"] == pytest.approx(sk.f1_score(true, found, average="macro"))
    assert mine["mae_steps"] == pytest.approx(sk.mean_absolute_error(true, found))


def test_hours_are_counted_for_times_and_steps_for_ordered_classes_only():
    unit, true, found, sure = predicted()
    hours = np.array(HOURS.values)
    mine = scored(unit, true, found, sure, HOURS)
    assert mine["mae_hours"] == pytest.approx(np.abs(hours[true] - hours[found]).mean())
    assert "mae_hours" not in scored(unit, true, found, sure)
    unordered = Classes(DOSES.names, DOSES.values, False, "uM")
    assert "mae_steps" not in scored(unit, true, found, sure, unordered)


def test_a_class_that_does_not_occur_is_left_out_of_the_mean():
    unit, true, found, sure = predicted()
    true = np.minimum(true, 1)
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        expected = sk.balanced_accuracy_score(true, found)
    assert scored(unit, true, found, sure)["balanced_accuracy"] == pytest.approx(expected)


def test_a_cell_without_prediction_is_wrong_and_as_far_off_as_can_be():
    unit, true = np.zeros(3, int), np.array([0, 1, 2])
    mine = scored(unit, true, np.array([0, -1, 2]), np.full(3, np.nan), HOURS)
    assert mine["accuracy"] == pytest.approx(2 / 3)
    assert mine["macro_f1"] == pytest.approx((1 + 0 + 1) / 3)
    assert mine["mae_hours"] == pytest.approx(16 / 3)
    assert "ece" not in mine


def test_the_calibration_error_is_that_of_its_definition():
    unit, true, found, sure = predicted()
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = [
        abs((found == true)[bins == b].mean() - sure[bins == b].mean()) * (bins == b).mean()
        for b in range(BINS)
    ]
    assert scored(unit, true, found, sure)["ece"] == pytest.approx(sum(gaps))


def test_a_sure_and_right_model_is_calibrated():
    true = np.arange(3)
    assert scored(np.zeros(3, int), true, true, np.ones(3))["ece"] == 0
    assert scored(np.zeros(3, int), true, (true + 1) % 3, np.ones(3))["ece"] == 1


def test_weights_of_rows_count_as_that_many_cells():
    unit, true, found, sure = predicted(40)
    weight = np.random.default_rng(1).integers(1, 5, 40)
    once, each = Tally.empty(5, 3), Tally.empty(5, 3)
    once.add(unit, true, found, sure, weight)
    each.add(*(np.repeat(values, weight) for values in (unit, true, found, sure)))
    np.testing.assert_array_equal(once.confusion, each.confusion)
    np.testing.assert_allclose(once.bins, each.bins)


def test_batches_add_up():
    cells = predicted(100, none=0.2)
    whole, parts = Tally.empty(5, 3), Tally.empty(5, 3)
    whole.add(*cells)
    for part in range(0, 100, 30):
        parts.add(*(values[part : part + 30] for values in cells))
    np.testing.assert_array_equal(whole.confusion, parts.confusion)
    assert whole.cells.sum() == 100


def test_nothing_scored_is_no_number():
    found = scores(*Tally.empty(2, 3).weighed(np.ones((1, 2))), DOSES)
    assert all(np.isnan(values).all() for values in found.values())
