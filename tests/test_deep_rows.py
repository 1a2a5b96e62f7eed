"""Which cells train, which are held out, and how labels are shuffled for the null model."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from deep_screen import write_screen
from morphodose.deep.presets import class_weights
from morphodose.deep.rows import COLUMNS, WELL, choose_rows, shuffle_labels, thin
from morphodose.errors import InputError
from morphodose.evaluation.split_files import read_labels_json, split_rows


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    _, split, _ = write_screen(tmp_path_factory.mktemp("screen"), cells=4, size=16, per_dose=3)
    return split_rows(split, COLUMNS)


def test_a_fold_holds_out_its_cells_and_unusable_ones_are_on_neither_side(frame: pd.DataFrame) -> None:
    given = frame.assign(Usable=frame["Crop_Row"] != 3)
    train, held_out = choose_rows(given, 1, "trained")
    assert set(train["Fold"]) == {0} and set(held_out["Fold"]) == {1}
    assert len(train) + len(held_out) == len(frame) * 3 / 4
    train, held_out = choose_rows(frame, 1, "random_split")
    assert set(held_out["RandomFold"]) == {1} and set(held_out["Fold"]) == {0, 1}


def test_a_field_on_both_sides_is_refused(frame: pd.DataFrame) -> None:
    # the later timepoint of the held-out fields trains: the same field over time
    leaky = frame.assign(Fold=frame["Fold"].where(frame["Metadata_Timepoint"] == 4, 0))
    with pytest.raises(InputError, match="well fields are in training and held out"):
        choose_rows(leaky, 1, "trained")
    with pytest.raises(InputError, match=r"--fold 2 is not a Fold of the split table: \[0, 1\]"):
        choose_rows(frame, 2, "trained")
    with pytest.raises(InputError, match="it needs some of both"):
        choose_rows(frame.assign(Usable=frame["Fold"] == 0), 0, "trained")


def test_labels_are_shuffled_between_wells_and_never_between_cells(frame: pd.DataFrame) -> None:
    train, _ = choose_rows(frame, 0, "permuted")
    found = shuffle_labels(train, seed=1)
    assert found["Metadata_CellID"].equals(train["Metadata_CellID"])
    assert (found.groupby(WELL)["Label_Dose"].nunique() == 1).all(), "a well has one dose at all times"
    assert (found.groupby([*WELL, "Metadata_Timepoint"])["Label_Time"].nunique() == 1).all()
    for label in ("Label_Dose", "Label_Time"):
        assert sorted(found[label]) == sorted(train[label])
        assert not found[label].equals(train[label])
    assert (found["Label_Dose"] == train["Label_Dose"]).mean() == pytest.approx(1 / 3)
    assert shuffle_labels(train, seed=1).equals(found)


def test_fewer_cells_are_the_same_share_of_every_well(frame: pd.DataFrame) -> None:
    found = thin(frame, len(frame) // 2, seed=0)
    assert (found.groupby([*WELL, "Metadata_Timepoint"]).size() == 2).all()
    assert thin(frame, 0, 0) is frame and len(thin(frame, 7, 0)) == 7
    assert thin(frame, 7, 0).equals(thin(frame, 7, 0))


def test_rare_classes_weigh_more_and_cells_one_on_average() -> None:
    train = pd.DataFrame({"Label_Dose": ["a"] * 30 + ["b"] * 10})
    weights = class_weights(train, {"dose": ("a", "b", "c")})["dose"]
    assert weights == pytest.approx((40 / 60, 2.0, 1.0))
    assert (30 * weights[0] + 10 * weights[1]) / 40 == pytest.approx(1)


def test_a_label_of_one_class_is_not_learnt_and_two_such_are_nothing_to_learn(tmp_path: Path) -> None:
    dose = {"classes": ["vehicle", "1"], "values": [0, 1], "ordinal": True}
    time = {"classes": ["4"], "values": [4], "ordinal": True}
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"dose": dose, "time": time, "split": "wells"}))
    assert {label: one.names for label, one in read_labels_json(path).to_learn().items()} == {
        "dose": ("vehicle", "1")
    }
    path.write_text(json.dumps({"dose": time, "time": time, "split": "wells"}))
    with pytest.raises(InputError, match="nothing to learn"):
        read_labels_json(path).to_learn()
    path.write_text(json.dumps({"dose": {"classes": ["a", "b"]}}))
    with pytest.raises(InputError, match=r"labels\.json: not the labels.json of split_cells"):
        read_labels_json(path)
