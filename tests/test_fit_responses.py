"""States of EC50s, and the command that fits them."""

import json

import numpy as np
import pandas as pd
import pytest

from morphodose.errors import InputError
from morphodose.responses.endpoints import choose, family_of, stabilised
from morphodose.responses.fit import gather, respond
from morphodose.responses.logistic import logistic, predict
from morphodose.responses.select import check_wells, series
from stats_tables import run, succeed, wells_table


def dying(ec50=1.0, top=0.95, hill=1.6, cells=40):
    """Binomial fractions along a curve."""
    return lambda dose, hours, rng: rng.binomial(cells, logistic(dose, 0.03, top, np.log(ec50), hill)) / cells


def fit(wells, *endpoints):
    rows, curves = respond(gather(check_wells(wells, "wells"), list(endpoints)))
    return {row["Endpoint"]: row for row in rows}, curves


def test_a_full_curve_is_fitted_with_the_true_ec50_inside_its_interval():
    rows, curves = fit(wells_table({"Fraction_Dying": dying()}), "Fraction_Dying")
    row = rows["Fraction_Dying"]
    assert row["State"] == "fitted" and row["Reason"] is None
    assert row["EC50_Low"] < 1.0 < row["EC50_High"] and row["EC50"] == pytest.approx(1.0, rel=0.5)
    assert (row["N_Wells"], row["N_Doses"], row["Dose_Min"], row["Dose_Max"]) == (18, 6, 0.01, 100.0)
    assert row["AtZeroDose"] == pytest.approx(0.03, abs=0.04)
    assert row["AtInfiniteDose"] == pytest.approx(0.95, abs=0.06)
    assert row["Model"] == "4PL, variance binomial" and row["LackOfFit_P"] > 0.01
    grid = [curve["Dose"] for curve in curves]
    assert [curve["Fit"] for curve in curves] == pytest.approx(list(predict(row, grid)))
    assert all(curve["Low"] <= curve["Fit"] <= curve["High"] for curve in curves)


def test_a_curve_without_plateau_is_unbounded_with_a_lower_bound_and_no_ec50():
    row = fit(wells_table({"Fraction_Dying": dying(ec50=150.0)}), "Fraction_Dying")[0]["Fraction_Dying"]
    assert row["State"] == "unbounded" and "plateau is not reached at the highest dose 100" in row["Reason"]
    assert np.isnan(row["EC50"]) and np.isnan(row["EC50_High"]) and 3 < row["EC50_Low"] < 150
    assert row["Curve_EC50"] > row["EC50_Low"]


def test_an_effect_full_at_the_lowest_dose_is_unbounded_with_an_upper_bound():
    row = fit(wells_table({"Fraction_Dying": dying(ec50=1e-4)}), "Fraction_Dying")[0]["Fraction_Dying"]
    assert row["State"] == "unbounded" and "full at the lowest dose 0.01" in row["Reason"]
    assert np.isnan(row["EC50"]) and np.isnan(row["EC50_Low"]) and 1e-4 < row["EC50_High"] < 0.02


def test_no_effect_is_refused_without_any_number():
    rows, curves = fit(wells_table({"Fraction_Dying": dying(top=0.03)}), "Fraction_Dying")
    row = rows["Fraction_Dying"]
    assert row["State"] == "refused" and "no effect" in row["Reason"] and not curves
    assert all(np.isnan(row[name]) for name in ("EC50", "EC50_Low", "EC50_High", "Hill", "Curve_EC50"))


def test_without_any_effect_hardly_a_curve_is_fitted():
    table = wells_table({f"Endpoint_{i}": lambda dose, hours, rng: rng.normal(5, 1) for i in range(40)})
    rows, _ = fit(table, *[f"Endpoint_{i}" for i in range(40)])
    assert sum(row["State"] != "refused" for row in rows.values()) <= 1


def test_a_curve_that_rises_and_falls_is_refused():
    bell = {
        "Endpoint_X": lambda dose, hours, rng: (
            (5.0 if 0.05 < dose < 2 else 1.0) + rng.normal(0, 0.05) + 0.3 * (dose > 2)
        )
    }
    row = fit(wells_table(bell), "Endpoint_X")[0]["Endpoint_X"]
    assert row["State"] == "refused"


@pytest.mark.parametrize(
    ("doses", "replicates", "reason"),
    [((1.0, 10.0), 3, "3 different doses"), ((1.0, 3.0, 10.0, 30.0), 1, "5 wells; 6 are needed")],
)
def test_too_little_is_refused_with_the_reason(doses, replicates, reason):
    table = wells_table({"Fraction_Dying": dying()}, doses, replicates)
    row = fit(table, "Fraction_Dying")[0]["Fraction_Dying"]
    assert row["State"] == "refused" and reason in row["Reason"]


def test_equal_values_are_refused():
    row = fit(wells_table({"Fraction_Dead": lambda *_: 0.0}), "Fraction_Dead")[0]["Fraction_Dead"]
    assert row["State"] == "refused" and row["Reason"] == "all wells have the same value"


def test_lost_cells_are_the_mirror_of_remaining_cells():
    table = wells_table(
        {"Relative_CellCount": lambda d, h, rng: rng.poisson(40 * logistic(d, 1, 0.3, 0, 2)) / 40}
    )
    table["Fraction_Lost"] = 1 - table["Relative_CellCount"]
    rows, curves = fit(table, "Relative_CellCount", "Fraction_Lost")
    one, other = rows["Relative_CellCount"], rows["Fraction_Lost"]
    assert one["State"] == other["State"] == "fitted"
    for name in ("EC50", "EC50_Low", "EC50_High", "Hill"):
        assert one[name] == pytest.approx(other[name], rel=1e-3)
    assert other["AtInfiniteDose"] == pytest.approx(1 - one["AtInfiniteDose"], abs=1e-3)
    assert all(curve["Low"] <= curve["Fit"] <= curve["High"] for curve in curves)


def test_wells_with_hardly_a_viable_cell_have_no_say_in_the_shape_of_viable_cells():
    table = wells_table(
        {
            "Fraction_Viable": lambda d, h, rng: 0.05 if d > 5 else 1.0,
            "MedianViable_X": lambda d, h, rng: 1e6 if d > 5 else rng.normal(1, 0.1),
        }
    )
    ((one,),) = [gather(check_wells(table, "wells"), ["MedianViable_X"])]
    assert one.doses.max() == 1.0 and one.values.max() < 2


def test_vehicle_of_the_compound_is_preferred_to_that_of_the_plate_and_positives_stay_outside():
    table = wells_table({"Fraction_Dying": dying()}, vehicle=2)
    table.loc[table["Metadata_Well"] == "A02", "Metadata_Compound"] = "Drug"
    table.loc[table["Metadata_Dose"] == 100.0, "Metadata_Role"] = "positive"
    rows = series(table, "Drug")
    assert set(rows.loc[rows["Metadata_Role"] == "vehicle", "Metadata_Well"]) == {"A02"}
    assert rows["Metadata_Dose"].max() == 10.0


def test_default_endpoints_are_those_the_wells_have():
    names = [
        "Fraction_Dying",
        "Fraction_Dying_Low",
        "Endpoint_X",
        "Median_Cells_AreaShape_Area",
        "Median_Other",
    ]
    assert choose(names) == ["Fraction_Dying", "Endpoint_X", "Median_Cells_AreaShape_Area"]
    assert choose(names, ["X", "Other"]) == ["Endpoint_X", "Median_Other"]
    with pytest.raises(InputError, match="'Nothing' is not a column"):
        choose(names, ["Nothing"])


def test_variance_models_and_scales_of_the_endpoints():
    assert family_of("Fraction_Dying").name == "binomial"
    assert family_of("Fraction_Lost").name == family_of("Relative_CellCount").name == "mean"
    assert family_of("Median_X") is None
    lost = stabilised("Fraction_Lost", np.array([0.0, 0.75]), np.array([40.0, 40.0]))
    assert lost == pytest.approx([-1.0, -0.5])


def test_the_command_writes_its_five_tables_and_states_sum_up(tmp_path):
    table = wells_table(
        {"Fraction_Dying": dying(), "Endpoint_X": lambda d, h, rng: d**0.5 + rng.normal(0, 0.1)},
        times=(24.0, 48.0),
    )
    table.to_parquet(tmp_path / "wells.parquet")
    done = succeed("fit_responses", "--wells", tmp_path / "wells.parquet", "--out", tmp_path / "out")
    responses = pd.read_parquet(tmp_path / "out" / "responses.parquet")
    assert len(responses) == 4 and "EC50s: " in done.stdout
    assert responses.loc[responses["Endpoint"] == "Fraction_Dying", "State"].tolist() == ["fitted"] * 2
    assert {p.stem for p in (tmp_path / "out").iterdir()} == {
        "responses",
        "curves",
        "onsets",
        "orders",
        "zprime",
    }
    assert responses["ZPrime"].isna().all() and responses["EC50"].dtype == "float64"
    again = succeed("fit_responses", "--wells", tmp_path / "wells.parquet", "--out", tmp_path / "two")
    assert again.stdout == done.stdout
    pd.testing.assert_frame_equal(responses, pd.read_parquet(tmp_path / "two" / "responses.parquet"))
    json.dumps(responses.to_dict("records"))


def test_wells_without_a_treated_compound_give_empty_tables_and_a_wrong_table_is_named(tmp_path):
    table = wells_table({"Fraction_Dying": dying()})
    table[table["Metadata_Role"] == "vehicle"].to_parquet(tmp_path / "wells.parquet")
    succeed("fit_responses", "--wells", tmp_path / "wells.parquet", "--out", tmp_path)
    assert len(pd.read_parquet(tmp_path / "responses.parquet")) == 0
    table.drop(columns="Metadata_Dose").to_parquet(tmp_path / "wells.parquet")
    done = run("fit_responses", "--wells", tmp_path / "wells.parquet", "--out", tmp_path)
    assert done.returncode == 1 and "no column Metadata_Dose" in done.stderr
