"""What the run may claim: nothing where dose does nothing, the effect where there is one."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from evaluation_tables import Truth, simulate, stand_in
from morphodose.evaluation.baselines import tally_majority, tally_position
from morphodose.evaluation.intervals import Interval
from morphodose.evaluation.permutation import Chance
from morphodose.evaluation.verdict import Evidence, ModelVerdict, gather_evidence, judge_model, same_layout

#: Cells are few and times one, for speed: wells are what counts.
QUICK = Truth(hours=(24.0,), cells=15)


def verdict(truth: Truth, label: str = "dose", split: str = "replicate") -> ModelVerdict:
    """Simulate, train the stand-in, and judge."""
    screen = simulate(truth)
    tallies = {}
    for kind in ("trained", "permuted"):
        tallies |= stand_in(screen, kind, (label,), truth.seed)
    tallies |= tally_majority(screen.cells, screen.classes, [label])
    tallies |= tally_position(screen.cells, screen.classes, [label], 1)
    models = {model: tally for (model, _), tally in tallies.items()}
    evidence = gather_evidence(label, models, screen.classes[label], screen.cells, split, 1)
    assert evidence is not None
    return judge_model(evidence)


@pytest.mark.slow
def test_no_effect_is_claimed_where_position_changes_brightness_and_dose_nothing():
    """Of 40 screens with layouts of their own at most 1 in 20 is claimed."""
    found = [verdict(replace(QUICK, position=2.0, seed=seed)) for seed in range(40)]
    assert sum(each.claim for each in found) <= 2, [each.why for each in found if each.claim]


def test_a_true_effect_is_found():
    found = [verdict(replace(QUICK, effect=4.0, seed=seed)) for seed in range(6)]
    assert sum(each.claim for each in found) >= 5, [each.why for each in found if not each.claim]


def test_a_true_effect_is_found_beside_an_effect_of_position():
    found = [verdict(replace(QUICK, effect=4.0, position=2.0, seed=seed)) for seed in range(3)]
    assert sum(each.claim for each in found) >= 2, [each.why for each in found if not each.claim]


@pytest.mark.parametrize("effect", [0.0, 4.0])
def test_with_one_layout_for_all_replicates_nothing_is_claimed_and_the_reason_is_the_layout(effect):
    found = verdict(replace(QUICK, effect=effect, position=3.0, shuffled=False))
    assert not found.claim and found.confounded
    assert "position predicts dose as well" in found.why
    assert "the layout is the same on all replicates" in found.why and "randomised" in found.why


def test_time_needs_more_acquisitions_than_two_times():
    two = verdict(Truth(growth=3.0, cells=10), "time")
    assert not two.claim and "too few acquisitions" in two.why
    six = verdict(Truth(growth=1.0, cells=10, hours=(4.0, 8.0, 16.0, 24.0, 48.0, 72.0)), "time")
    assert six.claim


def test_staining_of_the_day_is_not_taken_for_time():
    hours = (4.0, 8.0, 16.0, 24.0, 48.0, 72.0)
    found = [verdict(Truth(batch=1.0, cells=5, hours=hours, seed=seed), "time") for seed in range(5)]
    assert not any(each.claim for each in found), [each.why for each in found if each.claim]


GOOD = Interval(0.3, 0.2, 0.4)
SURE = Evidence(
    "dose", "replicate", Interval(0.5, 0.4, 0.6),
    {"majority": GOOD, "position": GOOD, "network_permuted": GOOD, "intensity": GOOD},
    Interval(0.0, -0.1, 0.1), 0.5, Interval(0.0, -0.1, 0.1), 0.5, Chance(0.001, 0.0001), 0.0,
)  # fmt: skip
BAD = Interval(0.05, -0.02, 0.1)


def test_all_in_favour_is_a_claim():
    found = judge_model(SURE)
    assert found.claim and found.marked == ""
    assert found.why.startswith("balanced accuracy 0.500 (0.400 to 0.600) on held-out replicates")
    assert found.as_dict()["beyond_intensity"] is True and found.as_dict()["beyond_classical"] is None


def test_an_effect_that_brightness_shows_as_well_is_an_effect_all_the_same():
    found = judge_model(replace(SURE, against={**SURE.against, "intensity": BAD}))
    assert found.claim and "not better than stain intensity alone" in found.why
    assert found.as_dict()["beyond_intensity"] is False


def test_a_comparison_with_what_had_not_converged_says_so():
    early = "stain intensity alone (whose training stopped before it had converged)"
    assert early in judge_model(replace(SURE, unconverged=("intensity",))).why
    assert "converged" not in judge_model(replace(SURE, unconverged=("probe_trained",))).why


@pytest.mark.parametrize(
    ("change", "why", "confounded"),
    [
        ({"permuted": None}, "was not trained", False),
        ({"against": {**SURE.against, "majority": BAD}}, "not better than chance", False),
        ({"against": {**SURE.against, "network_permuted": BAD}}, "not better than on permuted labels", False),
        ({"same_layout": 1.0}, "the layout is the same on all replicates", True),
        ({"chance": Chance(0.2, 0.001)}, r"is as high too often \(P = 0.2\)", False),
        (
            {"chance": Chance(0.3, 0.3)},
            "too few wells to tell: even a perfect network would have P = 0.3",
            False,
        ),
        ({"chance": None}, "a split over wells", True),
        (
            {"against": {**SURE.against, "position": BAD}, "position_p": 0.01, "same_layout": 0.4},
            "40% of the wells",
            True,
        ),
    ],
)
def test_every_doubt_speaks_against_the_claim(change, why, confounded):
    found = judge_model(replace(SURE, **change))
    assert not found.claim and found.confounded == confounded
    assert re.search(why, found.why), found.why


def test_position_that_tells_nothing_is_no_objection_though_its_interval_is_wide():
    found = judge_model(replace(SURE, against={**SURE.against, "position": BAD}))
    assert found.claim and "position does not tell the dose (P = 0.5)" in found.why


def test_a_control_above_chance_marks_the_run():
    found = judge_model(replace(SURE, permuted=GOOD, permuted_p=0.005))
    assert not found.claim and found.marked.startswith(
        "dose: the network on permuted labels is better than chance"
    )
    assert judge_model(replace(SURE, permuted=GOOD, permuted_p=0.4)).marked == ""


def test_a_control_seldom_marks_a_screen_that_is_in_order():
    found = [verdict(replace(QUICK, effect=4.0, seed=seed)) for seed in range(10, 16)]
    assert not any(each.marked for each in found)


def test_the_layout_is_compared_with_the_other_replicates():
    assert same_layout(simulate(replace(QUICK, shuffled=False, cells=2)).cells) == 1
    assert same_layout(simulate(replace(QUICK, cells=2)).cells) < 0.6


def test_a_place_that_few_replicates_share_does_not_make_the_layouts_the_same():
    cells = simulate(replace(QUICK, shuffled=False, cells=2)).cells
    apart = [unit._replace(well=f"{unit.well}{unit.replicate}") for unit in cells.units]
    first = cells.units[0].well
    kept = [unit if unit.well == first else other for unit, other in zip(cells.units, apart, strict=True)]
    assert 0 < same_layout(replace(cells, units=tuple(kept))) < 0.5


def test_without_a_network_there_is_no_evidence():
    screen = simulate(replace(QUICK, cells=2))
    models = {"majority": tally_majority(screen.cells, screen.classes, ["dose"])["majority", "dose"]}
    assert gather_evidence("dose", models, screen.classes["dose"], screen.cells, "replicate", 1) is None
    assert np.isfinite(screen.features).all()
