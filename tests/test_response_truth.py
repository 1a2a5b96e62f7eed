"""A small part of benchmarks/response_truth.py: simulated wells of known truth."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from response_truth import judge


@pytest.mark.parametrize("situation", ["fractions", "plates at other levels"])
def test_the_intervals_cover_the_truth(situation):
    found = judge(situation, 10, seed=5)
    assert found["fitted"] >= 8 and found["coverage, fitted"] >= 0.8 and found["median error (log10)"] <= 0.1


def test_fitted_curves_cover_the_truth_where_replicates_differ():
    found = judge("EC50s of replicates differ (SD 0.3)", 20, seed=5)
    assert found["fitted"] >= 10 and found["coverage, fitted"] >= 0.8


def test_inactive_compounds_are_not_believed():
    assert judge("inactive, 8 to 13 cells at two doses", 10, seed=5)["believed"] <= 0.1
