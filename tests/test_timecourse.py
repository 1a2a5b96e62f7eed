"""When doses begin to act, and whether shape changes before death."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morphodose.responses.endpoints import choose
from morphodose.responses.gathering import gather
from morphodose.responses.multiple_testing import holm
from morphodose.responses.select import check_wells
from morphodose.responses.timecourse import contrasts, excess, time_courses
from stats_tables import wells_table

TIMES = (4.0, 8.0, 24.0)
SHAPE = "MedianViable_Cells_AreaShape_Area"


def screen(shape_from, death_from, cells=200, replicates=3):
    """Shape falls by 10 SD, and half of the cells die, from the given hours on, at dose 10 and 100 alone."""

    def shape(dose, hours, rng):
        return rng.normal(80 if dose >= 10 and hours >= shape_from else 100, 2)

    def dying(dose, hours, rng):
        return rng.binomial(cells, 0.5 if dose >= 10 and hours >= death_from else 0.03) / cells

    table = wells_table(
        {SHAPE: shape, "Fraction_Dying": dying}, times=TIMES, replicates=replicates, vehicle=2
    )
    table["Fraction_Viable"] = 1 - table["Fraction_Dying"]
    return check_wells(table.assign(Count_Called=cells, Count_Cells=cells), "wells")


def courses(*arguments, **options):
    names = ["Fraction_Dying", SHAPE]
    onsets, orders = time_courses(gather(screen(*arguments, **options), names), names)
    onset = {(row["Metadata_Dose"], row["Endpoint"]): row for row in onsets}
    return onset, {row["Metadata_Dose"]: row for row in orders}


def test_onset_is_the_first_timepoint_that_differs_after_the_last_that_did_not():
    onset, _ = courses(8.0, 24.0)
    row = onset[10.0, "Fraction_Dying"]
    assert (row["State"], row["After_h"], row["Onset_h"], row["Direction"], row["Kind"]) == (
        "changed",
        8.0,
        24.0,
        "up",
        "death",
    )
    shape = onset[10.0, SHAPE]
    assert (shape["After_h"], shape["Onset_h"], shape["Direction"]) == (4.0, 8.0, "down")
    assert onset[0.1, "Fraction_Dying"]["State"] == "not_seen"


def test_shape_before_death_is_said_where_death_is_shown_to_be_small():
    _, order = courses(8.0, 24.0)
    assert order[10.0]["MorphologyFirst"] == "yes"
    assert order[10.0]["Dying_ExcessHigh"] < 0.1
    assert order[0.1]["MorphologyFirst"] == "neither"


def test_shape_before_death_is_left_open_where_few_cells_do_not_exclude_death():
    _, order = courses(8.0, 24.0, cells=12)
    assert order[10.0]["MorphologyFirst"] == "undetermined" and "do not exclude" in order[10.0]["Reason"]


def test_death_before_shape_and_both_at_once():
    assert courses(24.0, 8.0)[1][10.0]["MorphologyFirst"] == "no"
    both = courses(8.0, 8.0)[1][10.0]
    assert both["MorphologyFirst"] == "undetermined" and "both are first seen at 8 h" in both["Reason"]


def test_shape_that_changes_without_death_comes_first_and_death_alone_does_not():
    assert courses(8.0, 99.0)[1][10.0]["MorphologyFirst"] == "yes"
    assert courses(99.0, 8.0)[1][10.0]["MorphologyFirst"] == "no"


def test_a_single_replicate_is_undetermined():
    onset, order = courses(8.0, 24.0, replicates=1)
    assert onset[10.0, "Fraction_Dying"]["State"] == "undetermined"
    assert order[10.0]["MorphologyFirst"] == "undetermined" and "too few wells" in order[10.0]["Reason"]


def test_without_effect_onsets_are_rare():
    rng, seen = np.random.default_rng(0), 0
    for _ in range(40):
        table = screen(99.0, 99.0)
        table[SHAPE] = rng.normal(100, 2, len(table))
        onsets, _ = time_courses(gather(table, [SHAPE]), [SHAPE])
        seen += any(row["State"] == "changed" for row in onsets)
    assert seen <= 6  # 5 % of 40 screens are expected, over all doses and times of each


def test_contrasts_are_students_t_with_pooled_scatter():
    doses = np.repeat([0.0, 1.0, 2.0], 3)
    values = np.array([0, 1, 2, 3, 4, 5, 0, 1, 2], dtype=float)
    one, two = contrasts(4.0, doses, values)
    assert (one.difference, one.freedom, one.error) == (3.0, 6, pytest.approx(np.sqrt(2 / 3)))
    from scipy.stats import t

    assert one.p == pytest.approx(2 * t.sf(3 / np.sqrt(2 / 3), 6)) and two.p == pytest.approx(1.0)


def test_holm_known_values():
    found = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    assert found.tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert len(holm(np.array([]))) == 0
    some = np.random.default_rng(1).beta(0.3, 1, 40)
    from statsmodels.stats.multitest import multipletests

    assert holm(np.append(some, np.nan))[:-1] == pytest.approx(multipletests(some, method="holm")[1])


def test_excess_of_a_fraction_comes_back_from_the_arcsine_scale():
    from morphodose.responses.endpoints import stabilised

    angles = stabilised("Fraction_Dying", np.array([0.1, 0.4]), np.array([1e6, 1e6]))
    contrast = contrasts(4.0, np.repeat([0.0, 1.0], 3), np.repeat(angles, 3) + np.tile([-0.01, 0, 0.01], 2))[
        0
    ]
    middle, low, high = excess(contrast)
    assert middle == pytest.approx(0.3, abs=1e-3) and low < 0.3 < high


def test_case_of_forty_inactive_compounds_none_changes_beyond_the_error_rate(tmp_path):
    case = Path(__file__).resolve().parents[2] / "shared/cases/responses/null_screen_40_inactive.parquet"
    if not case.exists():
        pytest.skip(f"no {case}")
    table = check_wells(pd.read_parquet(case), "wells")
    names = choose(table.columns)[:3]
    onsets, orders = time_courses(gather(table, names), names)
    changed = {row["Metadata_Compound"] for row in onsets if row["State"] == "changed"}
    assert len(changed) <= 2 and not [row for row in orders if row["MorphologyFirst"] == "yes"]
