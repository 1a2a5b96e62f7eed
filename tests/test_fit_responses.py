"""States of EC50s, and the command that fits them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morphodose.errors import InputError
from morphodose.responses.endpoints import choose, stabilised, variance_model_of
from morphodose.responses.fit import respond
from morphodose.responses.gathering import gather, scaled
from morphodose.responses.logistic import logistic, predict
from morphodose.responses.replicates import Prior, Spread, apart, prior_of
from morphodose.responses.select import check_wells, series
from morphodose.responses.wells_file import read_wells
from stats_tables import run, succeed, wells_table


def dying(ec50=1.0, top=0.95, hill=1.6, cells=40):
    """Binomial fractions along a curve."""
    return lambda dose, hours, rng: rng.binomial(cells, logistic(dose, 0.03, top, np.log(ec50), hill)) / cells


def fit(wells, *endpoints):
    rows, curves, _ = respond(gather(check_wells(wells, "wells"), list(endpoints)))
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
    [
        ((1.0, 10.0), 3, "2 doses and vehicle with values; 3 doses and vehicle are needed"),
        ((1.0, 3.0, 10.0, 30.0), 1, "5 wells; 6 are needed"),
    ],
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
    assert one["State"] == other["State"] in ("fitted", "imprecise")
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
    assert variance_model_of("Fraction_Dying").name == "binomial"
    assert variance_model_of("Fraction_Lost").name == variance_model_of("Relative_CellCount").name == "mean"
    assert variance_model_of("Median_X") is None
    lost = stabilised("Fraction_Lost", np.array([0.0, 0.75]), np.array([40.0, 40.0]))
    assert lost == pytest.approx([-1.0, -0.5])


def test_the_command_writes_its_tables_and_states_sum_up(tmp_path):
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
        "points",
        "hits",
        "positions",
        "onsets",
        "orders",
        "zprime",
        "growth",
        "comparisons",
        "departures",
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


CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "responses"


def case(name, tmp_path):
    """Rows of `responses` of one of the cases, by compound and endpoint."""
    if not (CASES / name).exists():
        pytest.skip(f"no {CASES / name}")
    succeed("fit_responses", "--wells", CASES / name, "--out", tmp_path)
    return pd.read_parquet(tmp_path / "responses.parquet").set_index(["Metadata_Compound", "Endpoint"])


@pytest.mark.slow
def test_case_a_perfect_curve_among_251_inactive_ones_is_fitted(tmp_path):
    row = case("fdr_1active_251inactive.csv", tmp_path).loc[("active", "Endpoint_X")]
    assert row["State"] == "fitted" and row["EC50_Low"] < 1.0 < row["EC50_High"]
    assert row["Effect_P"] < 3e-6


def test_case_a_top_dose_that_falls_back_is_said_and_the_rising_limb_fitted(tmp_path):
    row = case("hook.csv", tmp_path).loc[("hook", "Endpoint_X")]
    assert row["EC50_Low"] < 1.0 < row["EC50_High"] and row["EC50"] == pytest.approx(1.0, rel=0.3)
    assert "falls back above 3.33" in row["Notes"]
    points = pd.read_parquet(tmp_path / "points.parquet")
    assert points.loc[~points["Used"], "Metadata_Dose"].unique().tolist() == [10.0, 30.0]


def test_case_plates_at_different_levels_share_one_curve(tmp_path):
    row = case("replicate_plates_offset.parquet", tmp_path).loc[("drug", "Endpoint_X")]
    assert row["State"] == "fitted" and row["EC50"] == pytest.approx(2.0, rel=0.2)


@pytest.mark.parametrize(
    ("plates", "note"),
    [
        (["P"] * 6, "replicates as they were: fewer than 2 vehicle wells in each"),
        (["P", "P", "Q", "Q", "S", "S"], "not relative to the plate: fewer than 2 vehicle wells on P, Q, S"),
    ],
)
def test_replicates_with_one_vehicle_well_each_stay_as_they_were_and_it_is_said(plates, note):
    values = np.array([1.0, 0.5, 1.2, 0.6, 0.8, 0.4])
    blocks = np.array(["P R1", "P R1", "P R2", "P R2", "P R3", "P R3"], dtype=object)
    doses = np.array([0.0, 1.0] * 3)
    same, notes = scaled("Endpoint_X", doses, values, blocks, np.array(plates, dtype=object))
    assert notes == [note] and (same == values).all()


def test_case_medians_of_few_cells_do_not_make_a_curve(tmp_path):
    rows = case("few_viable.parquet", tmp_path).xs("drug").drop("Fraction_Dying")
    assert set(rows["State"]) == {"refused"}


def test_an_interval_over_more_than_tenfold_is_imprecise():
    noisy = {"Endpoint_X": lambda d, h, rng: logistic(d, 1, 2, 0.0, 1.0) + rng.normal(0, 0.14)}
    row = fit(wells_table(noisy, vehicle=2), "Endpoint_X")[0]["Endpoint_X"]
    assert row["EC50_High"] > 10 * row["EC50_Low"] and row["State"] == "imprecise"
    assert "spans a factor of" in row["Reason"]


def test_replicates_that_differ_widen_the_interval():
    shift = {"1": 0.4, "2": 1.0, "3": 2.5}
    table = wells_table({"Endpoint_X": lambda d, h, rng: rng.normal(0, 0.02)}, vehicle=3)
    curve = [
        logistic(d, 1, 2, np.log(shift[r]), 1.5)
        for d, r in zip(table["Metadata_Dose"], table["Metadata_Replicate"], strict=True)
    ]
    table["Endpoint_X"] += curve
    row = fit(table, "Endpoint_X")[0]["Endpoint_X"]
    assert row["EC50_ReplicateSD"] == pytest.approx(np.std(np.log10([0.4, 1, 2.5]), ddof=1), abs=0.08)
    assert row["EC50_High"] / row["EC50_Low"] > 8
    same = table.assign(Metadata_Replicate="1")
    assert "one replicate" in fit(same, "Endpoint_X")[0]["Endpoint_X"]["Notes"]


def test_the_prior_of_replicates_comes_back_from_many_curves_and_few_have_that_of_one():
    rng = np.random.default_rng(0)
    sds = np.sqrt(0.3**2 * 6 / rng.chisquare(6, 4000) * rng.chisquare(2, 4000) / 2)
    prior = prior_of([Spread(float(sd), 3) for sd in sds])
    assert prior.sd == pytest.approx(0.3, rel=0.03) and prior.freedom == pytest.approx(6, rel=0.2)
    # replicates of all compounds differ alike: as good as known
    alike = prior_of([Spread(float(sd), 3) for sd in 0.3 * np.sqrt(rng.chisquare(2, 4000) / 2)])
    assert alike.sd == pytest.approx(0.3, rel=0.03) and alike.freedom > 100
    assert prior_of([Spread(0.1, 3)] * 7) == Prior() and Spread(0.0, 1).half(Prior()) == 0
    # t with 2 + 2 degrees of freedom, worked by hand
    assert Spread(0.2, 3).half(Prior(0.4, 2)) == pytest.approx(2.7764 * np.sqrt(0.1 / 3), rel=1e-4)


def test_measures_beside_the_ec50_are_those_of_the_curve():
    table = wells_table({"Endpoint_X": lambda d, h, rng: rng.normal(0, 0.01)}, vehicle=4)
    table["Endpoint_X"] += logistic(table["Metadata_Dose"], 1.0, 0.2, 0.0, 1.5)
    table["Relative_CellCount"] = table["Endpoint_X"]
    rows, _ = fit(table, "Endpoint_X", "Relative_CellCount")
    row = rows["Relative_CellCount"]
    assert row["EC10"] == pytest.approx(9 ** (-1 / 1.5), rel=0.1)
    assert row["EC90"] == pytest.approx(9 ** (1 / 1.5), rel=0.2)
    # 1 - 0.8 s = 0.5: s = 0.625
    assert row["AbsoluteIC50"] == pytest.approx((0.625 / 0.375) ** (1 / 1.5), rel=0.1)
    assert row["AbsoluteIC50_Low"] < row["AbsoluteIC50"] < row["AbsoluteIC50_High"]
    assert row["Effect_Highest"] == pytest.approx(-0.8, abs=0.03)
    assert row["Vehicle_Mean"] == pytest.approx(1, abs=0.01) and row["N_Vehicle"] == 12
    assert row["AUC_Low"] < 0.6 < row["AUC_High"] and row["AUC"] == pytest.approx(0.6, abs=0.02)
    shape = rows["Endpoint_X"]
    assert shape["AtInfiniteDose_Low"] < 0.2 < shape["AtInfiniteDose_High"] and np.isnan(
        shape["AbsoluteIC50"]
    )
    assert 0 < shape["PointOfDeparture_Low"] < shape["PointOfDeparture"] < shape["EC50"]


@pytest.mark.parametrize(("place", "more"), [(-1, 20.0), (2, 3.0)])
def test_a_well_far_from_its_replicates_is_left_out_and_named(place, more):
    doses = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
    table = wells_table(
        {"Endpoint_X": lambda d, h, rng: logistic(d, 1, 2, 0.0, 1.5) + rng.normal(0, 0.02)}, doses, vehicle=3
    )
    clean = fit(table, "Endpoint_X")[0]["Endpoint_X"]
    assert "left out" not in (clean["Notes"] or "")
    place %= len(table)
    table.loc[place, "Endpoint_X"] += more
    row = fit(table, "Endpoint_X")[0]["Endpoint_X"]
    named = f"{table.loc[place, 'Metadata_Well']} at {table.loc[place, 'Metadata_Dose']:g}"
    assert f"left out, far from its replicates: well {named}" in row["Notes"]
    assert row["State"] == "fitted" and row["EC50"] == pytest.approx(clean["EC50"], rel=0.1)
    assert row["N_Wells"] == clean["N_Wells"] - 1


def test_replicates_at_other_ec50s_and_few_wells_are_no_outliers():
    doses = np.repeat([0.0, 0.1, 0.3, 1.0, 3.0, 10.0], 3)
    shift = np.tile([1.0, 1.0, 4.0], 6)
    values = logistic(doses * shift, 1, 2, 0.0, 2.0) + np.random.default_rng(0).normal(0, 0.01, 18)
    assert not apart(doses, values, np.ones(18)).any()
    values[-1] += 3
    assert np.flatnonzero(apart(doses, values, np.ones(18))).tolist() == [17]
    assert not apart(doses[-6:], values[-6:], np.ones(6)).any()


def test_doses_that_differ_by_rounding_are_one_dose():
    table = wells_table({"Endpoint_X": lambda d, h, rng: logistic(d, 1, 2, 0.0, 1.5) + rng.normal(0, 0.02)})
    plain = fit(table, "Endpoint_X")[0]["Endpoint_X"]
    table["Metadata_Dose"] *= 1 + np.random.default_rng(1).normal(0, 1e-6, len(table))
    row = fit(table, "Endpoint_X")[0]["Endpoint_X"]
    assert row["N_Doses"] == plain["N_Doses"] == 6
    assert row["State"] == plain["State"] and row["EC50"] == pytest.approx(plain["EC50"], rel=1e-4)


def test_a_plate_without_vehicle_is_brought_to_the_level_of_the_others():
    table = wells_table(
        {"Endpoint_X": lambda d, h, rng: logistic(d, 1, 2, 0.7, 1.5) + rng.normal(0, 0.02)},
        (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
        vehicle=3,
    )
    table["Metadata_Plate"] = "P" + table["Metadata_Replicate"]
    third = table["Metadata_Plate"] == "P3"
    table.loc[third, "Endpoint_X"] *= 2
    table = table[~(third & (table["Metadata_Role"] == "vehicle"))]
    row = fit(table, "Endpoint_X")[0]["Endpoint_X"]
    assert row["State"] == "fitted" and row["EC50"] == pytest.approx(np.exp(0.7), rel=0.1)
    assert "level of the plate by its treated wells: fewer than 2 vehicle wells on P3" in row["Notes"]


def test_two_steps_are_fitted_as_one_with_a_word():
    doses = tuple(np.geomspace(0.01, 100, 9))
    table = wells_table(
        {"Endpoint_X": lambda d, h, rng: 1 + logistic(d, 0, 0.5, -2.5, 4) + logistic(d, 0, 0.5, 2, 4)
         + rng.normal(0, 0.01)}, doses, vehicle=3,
    )  # fmt: skip
    assert "the doses' means leave the curve" in fit(table, "Endpoint_X")[0]["Endpoint_X"]["Notes"]


def test_tables_with_hardly_a_column_are_fitted(tmp_path):
    table = wells_table({"Endpoint_X": lambda d, h, rng: logistic(d, 1, 2, 0.0, 1.5) + rng.normal(0, 0.02)})
    kept = ["Metadata_Well", "Metadata_Compound", "Metadata_Dose", "Metadata_Role", "Endpoint_X"]
    table[kept].to_csv(tmp_path / "wells.csv", index=False)
    succeed("fit_responses", "--wells", tmp_path / "wells.csv", "--out", tmp_path)
    (row,) = pd.read_parquet(tmp_path / "responses.parquet").to_dict("records")
    assert row["State"] == "fitted" and row["EC50"] == pytest.approx(1, rel=0.1)


def rising():
    return wells_table({"Endpoint_X": lambda d, h, rng: logistic(d, 1, 2, 0.0, 1.5) + rng.normal(0, 0.02)})


def test_a_well_with_an_infinite_value_is_left_out_and_named():
    table = rising()
    table.loc[table.index[[0, 4]], "Endpoint_X"] = [np.inf, np.nan]
    (row,) = fit(table, "Endpoint_X")[0].values()
    assert row["State"] == "fitted" and row["EC50"] == pytest.approx(1, rel=0.1)
    assert f"left out, infinite: well {table['Metadata_Well'].iloc[0]}" in row["Notes"]


def test_doses_at_which_no_cell_is_left_are_named() -> None:
    table = rising()
    table.loc[table["Metadata_Dose"] >= 10, "Endpoint_X"] = np.nan
    (row,) = fit(table, "Endpoint_X")[0].values()
    assert "no well has a value at dose 10, 100" in row["Notes"] and row["Dose_Max"] == 1
    assert "no well has a value" not in (fit(rising(), "Endpoint_X")[0]["Endpoint_X"]["Notes"] or "")


def test_doses_of_a_compound_in_two_units_are_refused():
    table = rising()
    table.loc[table["Metadata_Dose"] == 1, "Metadata_DoseUnit"] = "nM"
    with pytest.raises(InputError, match="doses of 'Drug' in nM and uM"):
        check_wells(table, "wells")
    # vehicle has no dose: its unit is nobody's concern
    table = rising()
    table.loc[table["Metadata_Role"] == "vehicle", "Metadata_DoseUnit"] = "%"
    table.loc[table["Metadata_Dose"] == 1, "Metadata_DoseUnit"] = "\u00b5M"
    assert len(check_wells(table, "wells")) == len(table)


def test_counts_of_cells_alone_are_an_endpoint_and_no_endpoint_is_an_error(tmp_path):
    table = wells_table({"Count_CellsPerField": lambda d, h, rng: 100 * (1 - logistic(d, 0, 0.9, 0.0, 1.5))})
    table.to_csv(tmp_path / "counts.csv", index=False)
    read, chosen = read_wells(tmp_path / "counts.csv", [])
    assert chosen == ["Relative_CellCount", "Fraction_Lost"] and "Count_CellsPerField" in read
    table.drop(columns="Count_CellsPerField").to_csv(tmp_path / "none.csv", index=False)
    with pytest.raises(InputError, match="no endpoint among its columns; name some with --endpoints"):
        read_wells(tmp_path / "none.csv", [])


@pytest.mark.parametrize("name", ["Fraction_Dying", "Endpoint_X"])
def test_an_effect_that_jumps_between_two_doses_has_no_slope_and_an_interval_between_them(name):
    table = wells_table(
        {name: lambda d, h, rng: np.clip((0.9 if d > 0.5 else 0.1) + rng.normal(0, 0.02), 0, 1)},
        (0.01, 0.1, 1.0, 10.0, 100.0),
        vehicle=3,
    )
    row = fit(table, name)[0][name]
    assert row["State"] == "imprecise" and "anywhere between 0.1 and 1 " in row["Reason"]
    assert row["EC50_Low"] <= 0.1001 and row["EC50_High"] >= 0.9999 and np.isnan(row["Hill_High"])


def test_a_single_dose_on_the_slope_leaves_the_ec50_known_and_the_slope_open():
    shares = {0.1: 0.0, 0.3: 0.0, 1.0: 0.5, 3.0: 1.0, 10.0: 1.0, 0.0: 0.0}
    table = wells_table(
        {"Endpoint_X": lambda d, h, rng: 1 + shares[d] + rng.normal(0, 0.02)}, tuple(shares)[:5], vehicle=3
    )
    row = fit(table, "Endpoint_X")[0]["Endpoint_X"]
    assert row["State"] == "fitted" and row["EC50"] == pytest.approx(1, rel=0.1)
    assert "only the dose 1 may lie on the slope" in row["Notes"] and np.isnan(row["Hill_High"])


def test_low_doses_that_act_the_other_way_are_told():
    means = {0.0: 1.0, 0.03: 1.0, 0.1: 1.2, 0.3: 1.5, 1.0: 1.5, 3.0: 1.0, 10.0: 0.5, 30.0: 0.3}
    table = wells_table(
        {"Endpoint_X": lambda d, h, rng: means[d] + rng.normal(0, 0.03)}, tuple(means)[1:], vehicle=3
    )
    row = fit(table, "Endpoint_X")[0]["Endpoint_X"]
    assert (
        row["Turn"].startswith("low doses act the other way (mean 1.5 at dose ")
        and row["Turn"] in row["Notes"]
    )
    assert fit(rising(), "Endpoint_X")[0]["Endpoint_X"]["Turn"] is None


@pytest.mark.parametrize("effect", [0.0, 0.8])
def test_hardly_a_curve_is_said_to_turn_by_chance(effect):
    def value(dose, hours, rng):
        return 1 - effect * dose / (dose + 1) + rng.normal(0, 0.1)

    names = [f"Endpoint_{n}" for n in range(40)]
    rows = fit(wells_table(dict.fromkeys(names, value), vehicle=3), *names)[0].values()
    assert sum(row["Turn"] is not None for row in rows) <= 1


def test_replicates_that_differ_are_the_reason_beside_a_bound():
    tables = []
    for number, ec50 in enumerate((0.3, 2.0, 12.0), start=1):
        made = wells_table(
            {"Endpoint_X": lambda d, h, rng, e=ec50: logistic(d, 1, 3, np.log(e), 1.5) + rng.normal(0, 0.03)},
            tuple(0.1 * 3.0**n for n in range(7)), replicates=1, vehicle=4,
        )  # fmt: skip
        tables.append(made.assign(Metadata_Plate=f"P{number}", Metadata_Replicate=str(number)))
    row = fit(pd.concat(tables), "Endpoint_X")[0]["Endpoint_X"]
    assert row["State"] == "unbounded" and "the EC50s of the replicates differ" in row["Reason"]
