"""Whether a screen has what the learning of dose and time needs."""

from __future__ import annotations

from morphodose.design.learnable import why_not_learnable


def wells(
    *conditions: tuple[str, float], replicates: str = "1", times: tuple[float, ...] = (24.0,), each: int = 1
) -> list[tuple[str, str, float, str, str, str, float]]:
    """Wells of these (role, dose), a row each, in every replicate and timepoint."""
    return [
        ("P1", replicate, time, f"A{1 + index * each + copy:02d}", role, "Drug", dose)
        for replicate in replicates
        for time in times
        for index, (role, dose) in enumerate(conditions)
        for copy in range(each)
    ]


VEHICLE, LOW, POSITIVE = ("vehicle", 0.0), ("treated", 1.0), ("positive", 1.0)


def test_two_doses_in_two_replicates_can_be_learned() -> None:
    assert why_not_learnable(wells(VEHICLE, LOW, replicates="12")) == ""


def test_two_wells_of_each_dose_can_be_learned_without_replicates() -> None:
    assert why_not_learnable(wells(VEHICLE, LOW, each=2)) == ""


def test_timepoints_alone_can_be_learned() -> None:
    assert why_not_learnable(wells(VEHICLE, replicates="12", times=(4.0, 8.0))) == ""


def test_one_dose_at_one_time_has_nothing_to_learn() -> None:
    assert "nothing to learn" in why_not_learnable(wells(VEHICLE, replicates="12", each=3))


def test_positive_controls_are_no_dose() -> None:
    assert "nothing to learn" in why_not_learnable(wells(VEHICLE, POSITIVE, replicates="12"))


def test_single_wells_without_replicates_cannot_be_held_out() -> None:
    assert "held out" in why_not_learnable(wells(VEHICLE, LOW, ("treated", 3.0)))
