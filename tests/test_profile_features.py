"""Profiles of wells, and how well replicates find each other."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycytominer import feature_select

from morphodose.cells.cellset import open_cells
from morphodose.cells.fields import read_fields
from morphodose.profiles.aggregate import well_medians
from morphodose.profiles.normalise import Profiles, join, normalise, redundant
from morphodose.profiles.retrieval import (
    p_value,
    resample,
    score_conditions,
    weighted_precision,
    with_conditions,
)
from morphodose.profiles.schemas import LEFT_OUT
from morphodose.profiles.scorecard import differences, scorecard
from reduction_tables import screen
from stats_tables import run, succeed

PLATE = {
    **{f"A{n:02d}": ("DMSO", 0.0, "vehicle") for n in range(1, 5)},
    **{f"B{n:02d}": ("Drug", dose, "treated") for n, dose in ((1, 1.0), (2, 10.0), (3, 100.0))},
}


def wells(
    vehicle=4, doses=(1.0, 10.0), replicates=("1", "2", "3"), effect=5.0, features=4, seed=0, times=(4.0,)
):
    """Medians of wells; each dose raises a feature of its own, since a cosine sees directions, not sizes."""
    rng, rows = np.random.default_rng(seed), []
    for time in times:
        for replicate in replicates:
            contents = [("DMSO", 0.0, "vehicle")] * vehicle + [("Drug", dose, "treated") for dose in doses]
            for place, (compound, dose, role) in enumerate(contents, start=1):
                values = rng.normal(100, 1, features)
                if dose:
                    values[doses.index(dose)] += effect
                rows.append(
                    {
                        "Metadata_Plate": "P", "Metadata_Timepoint": time, "Metadata_Replicate": replicate,
                        "Metadata_Acquisition": f"Time_{time:g}hrs_R{replicate}", "Metadata_Well": f"A{place:02d}",
                        "Metadata_Compound": compound, "Metadata_Dose": dose, "Metadata_DoseUnit": "uM",
                        "Metadata_Role": role, "Metadata_CellCount": 40,
                    }
                    | {f"f{number}": value for number, value in enumerate(values)}
                )  # fmt: skip
    return pd.DataFrame(rows)


FEATURES = ["f0", "f1", "f2", "f3"]


def test_a_profile_is_the_median_over_the_cells_of_kept_fields(tmp_path):
    folder = screen(tmp_path, times=(4.0,), replicates=("1",))
    cells = open_cells("classical", folder / "cells", None, read_fields(folder / "images"))
    table = well_medians(cells).set_index("Metadata_Well")
    frame = pd.read_parquet(folder / "cells" / "Time_4hrs_R1_Well_A03.parquet")
    assert table.loc["A03", "Metadata_CellCount"] == 30 and table.loc["A03", "Metadata_Dose"] == 1.0
    for name in ("Cells_AreaShape_Area", "Nuclei_Intensity_Gap_V"):
        assert table.loc["A03", name] == pytest.approx(frame[name].median(), rel=1e-6)


def test_vehicle_has_median_0_and_deviation_1_less_the_floor():
    found = normalise(wells(vehicle=30, replicates=("1",), effect=0), FEATURES, 1e-9, 0.9)
    vehicle = found.table[found.table["Metadata_Role"] == "vehicle"][FEATURES]
    assert vehicle.median().to_numpy() == pytest.approx(np.zeros(4), abs=1e-6)
    assert (1.4826 * (vehicle - vehicle.median()).abs().median()).to_numpy() == pytest.approx(
        np.ones(4), abs=1e-6
    )


def test_a_feature_in_which_vehicle_wells_agree_is_not_blown_up():
    table = wells()
    vehicle = table["Metadata_Role"] == "vehicle"
    table.loc[vehicle, "f1"] = 7.0
    found = normalise(table, FEATURES, 0.25, 0.99)
    values = found.table["f1"].abs()
    assert 0 < values.max() <= np.sqrt(len(table)) / 0.25 * 2
    assert found.table.loc[found.table["Metadata_Role"] == "vehicle", "f1"].abs().max() == 0


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 50), st.floats(1e-6, 1e6), st.floats(-1e6, 1e6))
def test_the_unit_of_a_feature_does_not_matter(seed, scale, shift):
    table = wells(seed=seed)
    other = table.assign(f1=table["f1"] * scale + shift)
    first, second = (normalise(each, ["f0", "f1"], 0.25, 1.0) for each in (table, other))
    if abs(shift) > 1e4 * scale:
        return  # rounding of the sum, or nothing left of the feature
    assert second.table["f1"].to_numpy() == pytest.approx(first.table["f1"].to_numpy(), abs=1e-3)


def test_each_feature_that_is_dropped_has_a_reason():
    table = wells().assign(Cells_AreaShape_Center_X=1.0, same=3.0, gone=np.nan)
    table["twin"] = table["f0"] * 2 + 1
    names = [*FEATURES, "Cells_AreaShape_Center_X", "same", "gone", "twin"]
    found = normalise(table, names, 0.25, 0.9)
    assert found.dropped["Cells_AreaShape_Center_X"].startswith("position")
    assert found.dropped["same"] == "the same in all wells"
    assert found.dropped["gone"].startswith("missing")
    assert len({"f0", "twin"} & set(found.features)) == 1
    assert set(found.features) | set(found.dropped) == set(names)


def test_redundant_features_are_those_of_pycytominer():
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, (40, 3)) @ np.abs(rng.normal(0, 1, (3, 30))) + rng.normal(0, 0.5, (40, 30))
    frame = pd.DataFrame(values, columns=[f"f{n}" for n in range(30)])
    kept = feature_select(frame, features=list(frame), operation="correlation_threshold", corr_threshold=0.8)
    assert 0 < len(kept.columns) < 30
    assert list(frame.columns[~redundant(values, 0.8)]) == list(kept.columns)
    assert redundant(np.column_stack([values[:, 0], -values[:, 0]]), 0.8).sum() == 1


def test_an_acquisition_with_vehicle_wells_enough_is_centred_on_its_own():
    table = wells(effect=0)
    table.loc[table["Metadata_Replicate"] == "2", FEATURES] += 50
    found = normalise(table, FEATURES, 0.25, 0.99).table
    medians = found[found["Metadata_Role"] == "vehicle"].groupby("Metadata_Replicate")[FEATURES].median()
    assert medians.abs().to_numpy().max() < 1e-6


def test_wells_without_vehicle_or_with_few_cells_have_no_profile_and_a_reason():
    table = pd.concat([wells(replicates=("1",)), wells(vehicle=1, replicates=("1",), times=(8.0,))])
    table = table.reset_index(drop=True)
    table.loc[0, "Metadata_CellCount"] = 4
    found = normalise(table, FEATURES, 0.25, 0.9)
    assert set(found.table["Metadata_Timepoint"]) == {4.0}
    assert found.left_out["Time_4hrs_R1", "A01"] == "4 cells, fewer than 5"
    assert found.left_out["Time_8hrs_R1", "A02"].startswith("1 vehicle wells")


def two_lines(apart=40.0, **options):
    """Two cell lines on one plate, which differ in all features; drugs do the same to both."""
    tables = []
    for number, line in enumerate(("A549", "HeLa")):
        table = wells(seed=number, **options)
        table[FEATURES] += number * apart
        table["Metadata_Well"] = table["Metadata_Well"].str.replace("A", "AB"[number])
        tables.append(table.assign(Metadata_Group=f"CellLine={line}"))
    return pd.concat(tables, ignore_index=True)


def test_wells_are_compared_with_the_vehicle_of_their_own_group():
    found = normalise(two_lines(), FEATURES, 0.25, 0.999).table
    vehicle = found[found["Metadata_Role"] == "vehicle"].groupby("Metadata_Group")[FEATURES].median()
    assert vehicle.abs().to_numpy().max() < 1
    # pooled, the lines lie 40 apart, and an effect of 5 is small beside that
    effect = found[found["Metadata_Dose"] == 1.0].groupby("Metadata_Group")["f0"].median()
    assert effect.min() > 2


def test_a_group_without_vehicle_has_no_profile_and_the_reason_names_it():
    table = two_lines(replicates=("1",))
    hela = table["Metadata_Group"] == "CellLine=HeLa"
    table = table[~hela | (table["Metadata_Role"] != "vehicle")].reset_index(drop=True)
    found = normalise(table, FEATURES, 0.25, 0.999)
    assert set(found.table["Metadata_Group"]) == {"CellLine=A549"}
    reason = "0 vehicle wells of CellLine=HeLa at this plate and time, fewer than 2"
    assert found.left_out["Time_4hrs_R1", "B05"] == reason


def test_conditions_of_groups_are_scored_apart():
    rows, _ = scored(two_lines(), "activity")
    assert sorted(set(rows["Compound"])) == ["Drug, CellLine=A549", "Drug, CellLine=HeLa"]
    assert (rows["N_Wells"] == 3).all() and (rows["N_Negatives"] == 12).all()


def test_joined_sets_have_the_same_weight_whatever_their_number_of_features():
    classical = normalise(wells(), FEATURES, 0.25, 1.0)
    keys = [name for name in classical.table if name.startswith("Metadata_")]
    ones = pd.DataFrame(1.0, index=classical.table.index, columns=[f"d{n}" for n in range(100)])
    deep_table = pd.concat([classical.table[keys], ones], axis=1)
    joined = join(classical, Profiles(deep_table, [f"d{n}" for n in range(100)], {}, {}))
    assert joined.table[[f"d{n}" for n in range(100)]].pow(2).sum(axis=1).to_numpy() == pytest.approx(1)
    assert len(joined.features) == 104


def scored(table, score, seed=0, features=FEATURES):
    found = with_conditions(normalise(table, features, 0.25, 1.0).table)
    values = found[features].to_numpy(dtype=float)
    return score_conditions(found, values, score, resample(found, 200, seed), 1000, seed)


@pytest.mark.parametrize("score", ["activity", "reproducibility"])
def test_a_strong_effect_is_found_and_has_an_interval(score):
    table, again = scored(wells(effect=30), score)
    high = table.set_index("Dose").loc[10.0]
    assert high["mAP"] == pytest.approx(1) and high["P"] < 0.05 and high["N_Wells"] == 3
    assert (table["Low"] <= table["mAP"]).all() and (table["mAP"] <= table["High"]).all()
    assert again.shape == (2, 200) and list(table["Reason"]) == ["", ""]


def test_without_an_effect_few_conditions_are_found():
    doses = tuple(float(dose) for dose in range(1, 9))
    found = pd.concat(
        [
            scored(
                wells(effect=0, doses=doses, features=8, seed=seed),
                "activity",
                features=[f"f{n}" for n in range(8)],
            )[0]
            for seed in range(5)
        ]
    )
    assert (found["P"] < 0.05).mean() < 0.15 and (found["Q"] < 0.05).sum() == 0


def test_too_few_wells_have_a_reason_and_no_number():
    single, _ = scored(wells(replicates=("1",)), "activity")
    assert set(single["Reason"]) == {"a single well; two are needed"} and "mAP" not in single
    few, _ = scored(wells(vehicle=1, replicates=("1", "2")), "activity")
    assert set(few["Reason"]) == {"2 vehicle wells at the same plate and time; 3 are needed"}
    table = wells(doses=(1.0, 1.0), replicates=("1",))
    together, _ = scored(table, "reproducibility")
    assert together["Reason"].iloc[0] == "all wells are of one acquisition; another replicate is needed"


def test_the_score_does_not_depend_on_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    first, _ = scored(wells(effect=1), "activity")
    again, _ = scored(wells(effect=1), "activity")
    pd.testing.assert_frame_equal(first, again)
    assert not list(tmp_path.iterdir())


def test_an_order_that_one_in_five_reaches_has_p_0_2():
    null = np.array([1.0, 0.5, 0.33, 0.25, 0.2] * 200)
    assert p_value(1.0, null) == pytest.approx(0.2, abs=0.01)
    assert p_value(1.1, null) == pytest.approx(1 / 1001)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=8))
def test_average_precision_of_repeated_entries_is_that_of_the_written_out_list(entries):
    times = np.array([[count for count, _ in entries]])
    relevant = np.array([is_hit for _, is_hit in entries])
    written = np.repeat(relevant, times[0])
    expected = np.nan
    if written.any() and not written.all():
        hits = np.cumsum(written)
        expected = float(np.mean((hits / np.arange(1, len(written) + 1))[written]))
    assert weighted_precision(times, relevant)[0] == pytest.approx(expected, nan_ok=True)


def test_resamples_keep_the_number_of_wells_of_each_condition():
    table = with_conditions(wells())
    draws = resample(table, 50, 1)
    for condition in table["Metadata_Condition"].unique():
        inside = (table["Metadata_Condition"] == condition).to_numpy()
        assert (draws[:, inside].sum(axis=1) == inside.sum()).all()


def test_a_set_without_a_well_has_a_reason_and_no_difference():
    empty = pd.DataFrame({"Set": [], "Score": [], "Reason": []})
    card = scorecard(empty, {("deep", "activity"): np.zeros((0, 5))}, {"deep": 0}, 0)
    assert card["Reason"].tolist() == ["no treated well has a profile"]
    assert differences(empty, {("deep", "activity"): np.zeros((0, 5))}).empty


def test_the_command_scores_the_three_sets_on_the_same_wells(tmp_path):
    folder = screen(tmp_path, PLATE, times=(24.0,), cells=20)
    succeed(
        "profile_features", "--cells", folder / "cells", "--embeddings", folder / "embeddings",
        "--images", folder / "images", "--out", tmp_path / "out", "--null_size", 1000, "--resamples", 200,
    )  # fmt: skip
    scores = pd.read_parquet(tmp_path / "out" / "profile_scores.parquet")
    assert scores.groupby(["Set", "Score"]).size().to_dict() == {
        (kind, score): 3
        for kind in ("classical", "deep", "joint")
        for score in ("activity", "reproducibility")
    }
    assert scores["Dose"].dtype == float and set(scores["Dose"]) == {1.0, 10.0, 100.0}
    best = scores[(scores["Dose"] == 100) & (scores["Score"] == "activity")]
    assert (best["mAP"] > 0.9).all() and (best["N_Negatives"] == 8).all()
    card = pd.read_parquet(tmp_path / "out" / "profile_scorecard.parquet").set_index(["Set", "Score"])
    assert card.loc[("joint", "activity"), "N_Features"] == (
        card.loc[("classical", "activity"), "N_Features"] + card.loc[("deep", "activity"), "N_Features"]
    )
    assert len(pd.read_parquet(tmp_path / "out" / "profile_differences.parquet")) == 6
    profiles = pd.read_parquet(tmp_path / "out" / "profiles" / "joint.parquet")
    assert len(profiles) == 14 and profiles.notna().all(axis=None)
    dropped = pd.read_parquet(tmp_path / "out" / "dropped_features.parquet")
    assert "Cells_Texture_Same_V" in set(dropped["Feature"])


def test_each_well_without_a_profile_is_in_a_table_with_its_reason(tmp_path):
    folder = screen(tmp_path, PLATE, times=(4.0,), replicates=("1",), cells=8)
    name = "Time_4hrs_R1_Well_{}"
    few = folder / "cells" / f"{name.format('A01')}.parquet"
    pd.read_parquet(few).head(4).to_parquet(few)
    (folder / "embeddings" / f"{name.format('B01')}_embeddings.parquet").unlink()
    (folder / "cells" / f"{name.format('B02')}.parquet").unlink()
    images = folder / "images" / "Time_4hrs_R1.parquet"
    frame = pd.read_parquet(images)
    frame.loc[frame["Metadata_Well"] == "B03", "Metadata_QCVerdict"] = "drop"
    frame.to_parquet(images)
    succeed(
        "profile_features", "--cells", folder / "cells", "--embeddings", folder / "embeddings",
        "--images", folder / "images", "--out", tmp_path / "out", "--null_size", 100, "--resamples", 100,
    )  # fmt: skip
    found = pd.read_parquet(tmp_path / "out" / "wells_left_out.parquet")
    assert list(found.columns) == LEFT_OUT.needed
    none, dropped = "no cells in the fields that were kept", "QC dropped all its fields"
    assert found.set_index(["Set", "Metadata_Well"])["Reason"].to_dict() == {
        ("classical", "A01"): "4 cells, fewer than 5",
        ("classical", "B02"): none,
        ("classical", "B03"): dropped,
        ("deep", "B01"): none,
        ("deep", "B03"): dropped,
        ("joint", "A01"): "no classical profile: 4 cells, fewer than 5",
        ("joint", "B01"): f"no deep profile: {none}",
        ("joint", "B02"): f"no classical profile: {none}",
        ("joint", "B03"): f"no classical profile: {dropped}; no deep profile: {dropped}",
    }
    assert set(found["Metadata_Timepoint"]) == {4.0} and set(found["Metadata_Compound"]) == {"DMSO", "Drug"}
    wells_of = {kind: set(found.loc[found["Set"] == kind, "Metadata_Well"]) for kind in ("deep", "joint")}
    for kind, missing in wells_of.items():
        there = set(pd.read_parquet(tmp_path / "out" / "profiles" / f"{kind}.parquet")["Metadata_Well"])
        assert there | missing == set(PLATE) and not there & missing


def test_nothing_to_profile_is_refused(tmp_path):
    folder = screen(tmp_path, times=(4.0,), replicates=("1",), cells=5)
    done = run("profile_features", "--images", folder / "images", "--out", tmp_path / "x")
    assert done.returncode == 1 and "give --cells, --embeddings, or both" in done.stderr


def test_a_screen_without_a_cell_has_empty_profiles_and_a_reason_for_each_well(tmp_path):
    folder = screen(tmp_path, times=(4.0,), replicates=("1",))
    for file in (folder / "cells").glob("*.parquet"):
        pq.write_table(pq.read_table(file).slice(0, 0), file)
    succeed(
        "profile_features",
        "--cells",
        folder / "cells",
        "--images",
        folder / "images",
        "--out",
        tmp_path / "out",
    )
    assert not len(pd.read_parquet(tmp_path / "out" / "profiles" / "classical.parquet"))
    reasons = pd.read_parquet(tmp_path / "out" / "wells_left_out.parquet")["Reason"]
    assert len(reasons) == len(pd.read_parquet(folder / "images").drop_duplicates(["Metadata_Well"]))
    assert (reasons == "no cells in the fields that were kept").all()
