"""A small part of benchmarks/response_truth.py: simulated wells of known truth."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from response_truth import judge


@pytest.mark.parametrize("situation", ["fractions", "plates at other levels"])
def test_the_intervals_cover_the_truth(situation):
    found = judge(situation, 10, seed=5)
    assert found["With EC50"] >= 8 and found["Coverage"] >= 0.8 and found["Median error (log10)"] <= 0.1


def test_inactive_compounds_are_not_believed():
    assert judge("inactive, 8 to 13 cells at two doses", 10, seed=5)["Believed"] <= 0.1
    assert judge("inactive, vehicle in one outer column", 10, seed=5)["Believed"] == 0
