"""The command that scores the network and says what may be claimed."""

from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner

from evaluation_tables import Truth, simulate, write_simulated
from morphodose.tables import read_table, write_table
from score_models import main


@pytest.fixture(scope="module")
def screens(tmp_path_factory):
    """A screen with a true effect, and one where position changes brightness and dose does nothing."""
    folder = tmp_path_factory.mktemp("screens")
    write_simulated(simulate(Truth(effect=5, cells=12)), folder / "effect")
    write_simulated(simulate(Truth(position=2, cells=12)), folder / "none")
    return folder


def score(folder, out, *more: object, **given: object):
    """Run the command in this process."""
    paths = {
        name: folder / place
        for name, place in (
            ("split", "split.parquet"), ("labels", "labels.json"), ("leakage", "leakage.parquet"),
            ("predictions", "predictions"), ("cells", "cells"), ("untrained", "untrained"),
        )
    } | given  # fmt: skip
    arguments = [str(word) for name, path in paths.items() if path for word in (f"--{name}", path)]
    return CliRunner().invoke(main, [*arguments, "--out", str(out), *map(str, more)])


@pytest.fixture(scope="module")
def scored(screens):
    done = score(screens / "effect", screens / "scored")
    assert done.exit_code == 0, done.output
    return screens / "scored"


def test_every_model_has_its_scores_with_intervals(scored):
    scores = read_table(scored / "model_scores.parquet")
    assert set(scores["Model"]) == {
        "network", "network_permuted", "network_random_split", "majority", "position", "intensity",
        "classical_logistic", "classical_boosting", "probe_untrained",
    }  # fmt: skip
    assert ((scores["Low"] <= scores["Value"] + 1e-9) | scores["Metric"].eq("ece")).all()
    assert set(scores.loc[scores["Model"] == "network_random_split", "Split"]) == {"random cells"}
    of = scores.set_index(["Model", "Label", "Metric"])["Value"]
    assert of["network", "Dose", "balanced_accuracy"] > 0.4
    assert of["majority", "Dose", "balanced_accuracy"] == pytest.approx(0.2)
    assert ("network", "Time", "mae_hours") in of.index and ("network", "Dose", "mae_hours") not in of.index
    assert set(scores["N_Wells"]) == {36} and set(scores["N_Cells"]) == {36 * 24}


def test_differences_are_paired_and_named_both_ways(scored):
    rows = read_table(scored / "model_differences.parquet")
    rows = rows[(rows["Label"] == "Dose") & (rows["Metric"] == "balanced_accuracy")].set_index(
        ["Model", "Against"]
    )
    assert rows.loc[("network", "majority"), "Low"] > 0
    assert ("network_random_split", "network") in rows.index and (
        "classical_logistic",
        "majority",
    ) in rows.index
    value = read_table(scored / "model_scores.parquet").set_index(["Model", "Label", "Metric"])["Value"]
    expected = value["network", "Dose", "balanced_accuracy"] - value["intensity", "Dose", "balanced_accuracy"]
    assert rows.loc[("network", "intensity"), "Difference"] == pytest.approx(expected)


def test_confusion_and_calibration_count_the_cells(scored):
    confusion = read_table(scored / "confusion.parquet")
    mine = confusion[(confusion["Model"] == "network") & (confusion["Label"] == "Dose")]
    assert mine["Count"].sum() == 36 * 24 and list(mine["True"].unique()) == ["vehicle", "1", "3", "9", "27"]
    assert mine.groupby("True")["Fraction"].sum().to_numpy() == pytest.approx(1)
    calibration = read_table(scored / "calibration.parquet")
    mine = calibration[(calibration["Model"] == "network") & (calibration["Label"] == "Dose")]
    assert mine["Count"].sum() == 36 * 24 and mine["Bin"].between(0, 9).all()
    assert ((mine["Confidence"] * 10).astype(int) == mine["Bin"]).all()


def test_a_true_effect_is_claimed_and_what_was_left_out_is_said(scored):
    verdict = json.loads((scored / "model_verdict.json").read_text())
    assert verdict["dose"]["claim"], verdict["dose"]["why"]
    assert not verdict["time"]["claim"]
    assert verdict["marked"] == []
    assert any("imagenet" in note for note in verdict["notes"])
    assert any("random split over cells scores" in note for note in verdict["notes"])


def test_no_effect_is_not_claimed(screens, tmp_path):
    done = score(screens / "none", tmp_path, cells=None, untrained=None)
    assert done.exit_code == 0, done.output
    verdict = json.loads((tmp_path / "model_verdict.json").read_text())
    assert not verdict["dose"]["claim"] and verdict["dose"]["beyond_intensity"] is None
    assert set(read_table(tmp_path / "model_scores.parquet")["Model"]) == {
        "network", "network_permuted", "network_random_split", "majority", "position",
    }  # fmt: skip


def test_the_same_seed_gives_the_same_tables(scored, screens, tmp_path):
    assert score(screens / "effect", tmp_path).exit_code == 0
    for name in (
        "model_scores.parquet",
        "model_differences.parquet",
        "confusion.parquet",
        "model_verdict.json",
    ):
        assert (tmp_path / name).read_bytes() == (scored / name).read_bytes(), name


def changed(screens, tmp_path, change):
    """The predictions of the effect screen with one table changed."""
    shutil.copytree(screens / "effect" / "predictions", tmp_path / "p")
    path = tmp_path / "p" / "trained_fold0_predictions.parquet"
    write_table(change(read_table(path)), path)
    return score(screens / "effect", tmp_path / "out", cells=None, untrained=None, predictions=tmp_path / "p")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.assign(Fold=1),
            "is held out in fold 0, but the network of fold 1, which was trained on it",
        ),
        (lambda t: t.assign(Kind="odd"), "Kind 'odd' is not one of trained, permuted, random_split"),
        (lambda t: t.assign(Predicted_Dose="5"), "'5' is not a class of dose"),
        (
            lambda t: t.drop(columns="Predicted_Time"),
            "no column Predicted_Time, but labels.json says time is learned",
        ),
        (lambda t: t.assign(Metadata_CellID="x" + t["Metadata_CellID"]), "is not in the split table"),
        (lambda t: t.iloc[[0, 0]], "a cell is there twice"),
    ],
)
def test_predictions_that_cannot_be_trusted_are_refused(screens, tmp_path, change, message):
    done = changed(screens, tmp_path, change)
    assert done.exit_code == 1 and message in done.output, done.output


def test_a_cell_that_got_no_class_is_counted_as_wrong(screens, tmp_path):
    done = changed(
        screens, tmp_path, lambda t: t.assign(Predicted_Dose=t["Predicted_Dose"].where(t.index > 9))
    )
    assert done.exit_code == 0, done.output
    confusion = read_table(tmp_path / "out" / "confusion.parquet")
    none = confusion[(confusion["Predicted"] == "none")]
    assert none["Count"].sum() == 10 and set(none["Model"]) == {"network"}


def test_a_leak_in_the_split_forbids_every_claim(screens, tmp_path):
    leakage = read_table(screens / "effect" / "leakage.parquet")
    leakage.loc[0, "Verdict"] = "refused"
    write_table(leakage, tmp_path / "leakage.parquet")
    done = score(
        screens / "effect", tmp_path / "out", cells=None, untrained=None, leakage=tmp_path / "leakage.parquet"
    )
    assert done.exit_code == 0, done.output
    verdict = json.loads((tmp_path / "out" / "model_verdict.json").read_text())
    assert not verdict["dose"]["claim"] and "fold 0 shares wells" in verdict["marked"][0]


def test_without_predictions_the_baselines_are_scored_and_nothing_is_claimed(screens, tmp_path):
    done = score(screens / "effect", tmp_path, cells=None, untrained=None, predictions=None)
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "model_verdict.json").read_text())["dose"]["why"] == "no network was scored"


def test_a_file_that_is_no_split_is_named(screens, tmp_path):
    done = score(screens / "effect", tmp_path, split=screens / "effect" / "leakage.parquet")
    assert (
        done.exit_code == 1 and "no column" in done.output and "the table split of split_cells" in done.output
    )
