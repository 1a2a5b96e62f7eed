"""Gates and death states."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morphodose.death.compensation import compensate, spillover
from morphodose.death.gates import far_objects, fit_gate, moved_fractions, unstained
from morphodose.death.options import manual_gates, quantities, spillovers
from morphodose.death.stains import call_stain, find_stain
from morphodose.death.states import above, call_states
from morphodose.errors import InputError

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
from gates_truth import MOST_ERROR, SITUATIONS, judge


def negatives(rng, n):
    """Unstained cells: background, and non-specific stain in proportion to the cell."""
    return 150 + 37 * np.exp(rng.normal(0, 0.34, n)) + rng.normal(0, 3, n)


def positives(rng, n):
    return 150 + 900 * np.exp(rng.normal(0, 0.4, n))


@pytest.mark.parametrize("dying", [0.0, 0.04, 0.10])
@pytest.mark.parametrize("cells", [40, 400])
def test_gate_parts_stained_from_unstained_whatever_the_share_of_dying_vehicle_cells(dying, cells):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        few = round(dying * cells)
        gate = fit_gate(np.concatenate([negatives(rng, cells - few), positives(rng, few)]))
        judged_negative, judged_positive = negatives(rng, 2000), positives(rng, 2000)
        assert np.mean(judged_negative > gate.threshold) < 0.03
        assert np.mean(judged_positive > gate.threshold) > 0.97


def test_positive_controls_move_the_gate_into_the_valley():
    rng = np.random.default_rng(0)
    vehicle, control = negatives(rng, 200), positives(rng, 100)
    alone, both = fit_gate(vehicle), fit_gate(vehicle, control)
    assert (alone.method, both.method) == ("spread", "valley")
    assert vehicle.max() < both.threshold
    assert np.mean(control > both.threshold) >= 0.98
    assert both.positive_cells == 100 and both.vehicle_cells == 200


def test_a_long_tail_of_unstained_cells_is_no_second_population():
    rng = np.random.default_rng(1)
    values = np.concatenate([negatives(rng, 500), 150 + rng.uniform(100, 140, 12)])
    gate = fit_gate(values)
    assert gate.threshold < 420


@settings(max_examples=25, deadline=None)
@given(scale=st.floats(0.01, 100), offset=st.floats(-100, 1000))
def test_gate_moves_with_the_camera(scale, offset):
    rng = np.random.default_rng(2)
    vehicle, control = negatives(rng, 100), positives(rng, 50)
    expected = fit_gate(vehicle, control).threshold * scale + offset
    assert fit_gate(vehicle * scale + offset, control * scale + offset).threshold == pytest.approx(expected)


def test_dead_cells_do_not_move_the_centre():
    rng = np.random.default_rng(3)
    clean = unstained(negatives(rng, 1000))
    mixed = unstained(np.concatenate([negatives(rng, 900), positives(rng, 100)]))
    assert mixed[0] == pytest.approx(clean[0], rel=0.02)
    assert mixed[1] == pytest.approx(clean[1], rel=0.25)


def test_too_few_vehicle_cells_give_no_gate_and_say_so():
    gate = fit_gate(np.arange(7.0), np.arange(500.0))
    assert np.isnan(gate.threshold) and gate.method is None
    assert gate.reason == "7 vehicle cells; a gate needs 20"


def test_equal_intensities_give_no_gate_and_say_so():
    gate = fit_gate(np.full(50, 200.0))
    assert np.isnan(gate.threshold) and "same intensity, 200 counts" in gate.reason


def test_dying_vehicle_wells_are_warned_of():
    rng = np.random.default_rng(4)
    gate = fit_gate(np.concatenate([negatives(rng, 70), positives(rng, 30)]))
    assert "vehicle cells are above the gate" in gate.reason
    assert gate.vehicle_stained == pytest.approx(0.3, abs=0.02)


def test_states_are_the_quadrants():
    early, late = np.array([0.0, 1, 1, 0]), np.array([0.0, 0, 1, 1])
    assert list(call_states(early, late)) == ["viable", "early_apoptotic", "late_apoptotic", "necrotic"]


def test_a_cell_without_one_of_the_dyes_has_no_state():
    assert list(call_states(np.array([np.nan, 1.0]), np.array([1.0, np.nan]))) == [None, None]


def test_one_dye_tells_only_part_of_the_story():
    sign = np.array([0.0, 1.0, np.nan])
    assert list(call_states(None, sign)) == ["viable", "dead", None]
    assert list(call_states(sign, None)) == ["viable", "dying", None]


def test_above_is_unknown_without_a_gate_or_a_value():
    assert above(np.array([1.0, 3.0]), 2.0).tolist() == [0.0, 1.0]
    assert np.isnan(above(np.array([1.0, np.nan]), np.nan)).all()


def test_pi_is_read_from_the_nucleus_and_by_a_gate_of_its_own_where_there_is_none():
    rng = np.random.default_rng(5)
    nuclei = np.concatenate([rng.normal(200, 20, 50), [1000.0, np.nan, np.nan]])
    cells = np.concatenate([rng.normal(170, 10, 50), [400.0, 400.0, 172.0]])
    roles = np.array(["vehicle"] * 50 + ["treated"] * 3, dtype=object)
    names = ["Nuclei_Intensity_MeanIntensity_PI", "Cells_Intensity_MeanIntensity_PI"]
    stain = find_stain("late", "PI", names)
    called = call_stain(stain, dict(zip(names, (nuclei, cells), strict=True)), roles)
    assert called.signs[-3:].tolist() == [1.0, 1.0, 0.0]
    assert called.intensity[-3:].tolist() == [1000.0, 400.0, 172.0]
    assert called.gates[names[0]].threshold > called.gates[names[1]].threshold


def test_treated_wells_never_set_a_gate():
    rng = np.random.default_rng(6)
    column = "Cells_Intensity_MeanIntensity_AnnexinV"
    stain = find_stain("early", "AnnexinV", [column])
    roles = np.array(["vehicle"] * 100 + ["treated"] * 100, dtype=object)
    vehicle = negatives(rng, 100)
    gates = [
        call_stain(stain, {column: np.concatenate([vehicle, treated])}, roles).gates[column]
        for treated in (negatives(rng, 100), 50 * positives(rng, 100))
    ]
    assert gates[0] == gates[1]


def test_a_channel_that_was_not_measured_is_an_error_that_names_those_that_were():
    with pytest.raises(InputError, match="'P1'.*the measured channels are GFP, PI"):
        find_stain("late", "P1", ["Cells_Intensity_MeanIntensity_PI", "Cells_Intensity_MeanIntensity_GFP"])
    assert find_stain("late", None, []) is None


@pytest.mark.parametrize("debris", [3, 12, 40])
def test_a_few_bright_aggregates_do_not_move_the_gate(debris):
    rng = np.random.default_rng(7)
    vehicle = negatives(rng, 3000)
    clean = fit_gate(vehicle)
    found = fit_gate(np.concatenate([vehicle, np.full(debris, 30_000.0)]))
    assert found.threshold == pytest.approx(clean.threshold, rel=0.05)
    assert found.method == "spread"


def test_a_population_that_is_debris_moves_the_gate_a_bounded_way_and_is_warned_of():
    rng = np.random.default_rng(8)
    gate = fit_gate(np.concatenate([negatives(rng, 2850), rng.normal(30_000, 3000, 150)]))
    assert gate.threshold < 150 + 37 + 13 * 20
    assert "are they debris?" in gate.reason


def test_objects_far_above_everything_are_no_cells_and_stained_cells_are():
    rng = np.random.default_rng(9)
    stained = positives(rng, 300)
    values = np.concatenate([negatives(rng, 700), stained, [60_000.0] * 4])
    gate = fit_gate(values)
    assert far_objects(values, gate).tolist() == [False] * 1000 + [True] * 4
    # a tenth of all are no debris
    assert not far_objects(np.concatenate([negatives(rng, 900), np.full(100, 60_000.0)]), gate).any()


@pytest.mark.parametrize("name", SITUATIONS)
def test_states_are_right_or_warned_of_whatever_the_stain(name):
    found = [judge(SITUATIONS[name], seed) for seed in (100, 101)]
    assert np.mean([error for error, _ in found]) <= MOST_ERROR or all(words for _, words in found)
    if SITUATIONS[name].sound or name == "bleed-through 20 %, compensated":
        assert max(error for error, _ in found) <= MOST_ERROR and not any(words for _, words in found)


def test_the_words_name_what_failed():
    assert "positive controls do not rise" in judge(SITUATIONS["PI at 2 %"], 1)[1]
    without = judge(SITUATIONS["Annexin V at 2 %, no positive controls"], 1)[1]
    assert "hardly a cell is stained" in without and "no positive control shows" in without
    assert "is it dying?" in judge(SITUATIONS["dead vehicle, no positive controls"], 1)[1]
    assert "about 20% of the light" in judge(SITUATIONS["bleed-through 20 %"], 1)[1]
    assert "hardly apart" in judge(SITUATIONS["dyes at a third, wide unstained cells"], 1)[1]
    assert "vehicle in W" in judge(SITUATIONS["background differs between wells"], 1)[1]


def test_compensation_gives_back_what_leaked_and_estimates_how_much():
    rng = np.random.default_rng(10)
    source = np.concatenate([negatives(rng, 600), positives(rng, 400)])
    other = negatives(rng, 1000)
    leaked = other + 0.2 * (source - 187)
    found = spillover(source, leaked)
    assert found == pytest.approx(0.2, abs=0.02)
    assert spillover(source, other) == 0
    base = (unstained(source)[0], unstained(leaked)[0])
    back, taken = compensate(source, leaked, base, found, 0.0)
    np.testing.assert_allclose(back, source)
    assert np.abs(taken - other).max() < 60
    # nearly all cells that have the one stain have the other: no leak
    both = np.where(source > 500, positives(rng, 1000), other)
    assert spillover(source, both) == 0


def test_weak_stains_that_most_dying_cells_share_are_no_spillover():
    # a false alarm in a quarter of such acquisitions while the envelope was a quantile of doubly stained cells
    third = SITUATIONS["dyes at a third"]
    assert not any(judge(third, seed)[1] for seed in range(100, 112))
    leaking = SITUATIONS["bleed-through 5 %, dyes at a third"]
    assert all("leaks into the other" in judge(leaking, seed)[1] for seed in (100, 101))


def test_what_the_user_says_of_gates_is_read_and_faults_are_named():
    channels = ["AnnexinV", "PI"]
    text = "AnnexinV=750, A:PI=500, PI=400"
    assert manual_gates(text, channels, "A") == {"AnnexinV": 750.0, "PI": 500.0}
    assert manual_gates(text, channels, "B")["PI"] == 400.0
    assert quantities("PI=Nuclei:UpperQuartileIntensity", channels) == {
        "PI": ("Nuclei", "UpperQuartileIntensity")
    }
    assert spillovers("AnnexinV>PI=0.2", channels) == {("AnnexinV", "PI"): 0.2}
    assert spillovers("estimate", channels) is None
    for read, wrong in (
        (manual_gates, "DAPI=3"), (manual_gates, "PI=much"), (manual_gates, "PI"),
    ):  # fmt: skip
        with pytest.raises(InputError, match="--gates"):
            read(wrong, channels, "A")
    with pytest.raises(InputError, match="UpperQuartileIntensity"):
        quantities("PI=Nuclei:Brightness", channels)
    with pytest.raises(InputError, match="out of range"):
        spillovers("AnnexinV>PI=20", channels)


def test_fractions_at_moved_gates():
    assert moved_fractions(np.array([50.0, 90, 110, 300, np.nan]), 100.0) == (0.5, 0.75, 0.25)
