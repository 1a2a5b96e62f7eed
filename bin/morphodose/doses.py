"""Which doses of a series are one, written a rounding apart."""

from __future__ import annotations

from collections.abc import Iterable

#: Doses of a compound that differ by less, relative to the lower, are one dose; the second with a warning.
SAME_DOSE, NEAR_DOSE = 1e-6, 0.01


def dose_runs(doses: list[float]) -> Iterable[list[float]]:
    """Sorted doses in groups of one dose each.

    Doses a rounding apart stand alone: in a series as dense as 100, 101, 102 … they are what was given.
    """
    for near in _chained(doses, NEAR_DOSE):
        if near[-1] <= near[0] * (1 + NEAR_DOSE):
            yield near
        else:
            yield from _chained(near, SAME_DOSE)


def _chained(doses: list[float], most: float) -> list[list[float]]:
    """Sorted doses in groups in which each exceeds the one before by the share `most` or less."""
    groups: list[list[float]] = []
    for dose in doses:
        if groups and dose <= groups[-1][-1] * (1 + most):
            groups[-1].append(dose)
        else:
            groups.append([dose])
    return groups
