"""The deep half of the report: what is read, left out and claimed, and how little was trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from morphodose.errors import InputError
from morphodose.report import (
    claims,
    crops,
    honesty,
    training,
    verdict,
)
from morphodose.report.deep_inputs import read_deep, sample
from morphodose.report.figure import Album
from morphodose.report.inputs import ReportInputs
from morphodose.report.tiles import Tiles
from morphodose.tables import write_table
from report_deep_screen import SCREEN, Blank, all_sections, screen_of, text_of
from report_deep_tables import DeepTables


@pytest.fixture
def album(tmp_path: Path) -> Album:
    return Blank(tmp_path / "figures")


# reading


def test_everything_is_found_by_name_wherever_it_lies(tmp_path: Path) -> None:
    deep = screen_of(tmp_path).deep
    assert list(deep.sets) == ["classical", "deep", "joint"]
    assert [(r["kind"], r["fold"]) for r in deep.networks][:3] == [("trained", n) for n in range(3)]
    assert set(deep.logs["Kind"]) == {"trained", "permuted", "random_split"}
    assert len(deep.logs) == 9 * 3, "the CSV and the Parquet of a log are one log"
    assert isinstance(deep.scores["Value"].iloc[0], float)
    assert {"examples.png", "dose_0.png"} <= set(deep.pictures)


def test_table_without_a_column_and_torn_document_are_errors_in_plain_words(tmp_path: Path) -> None:
    write_table(pd.DataFrame({"Model": ["network"]}), tmp_path / "model_scores.parquet")
    with pytest.raises(
        InputError, match=r"no column Label, Split, Metric, .*; the table model_scores of score_models"
    ):
        read_deep(tmp_path)
    (tmp_path / "model_scores.parquet").unlink()
    (tmp_path / "labels.json").write_text('{"dose": ')
    with pytest.raises(InputError, match=r"labels\.json: not JSON"):
        read_deep(tmp_path)


def test_sample_takes_the_same_share_of_each_file_and_the_same_cells_again(tmp_path: Path) -> None:
    for name, count in (("a", 300), ("b", 100)):
        frame = pd.DataFrame({"Metadata_Well": name, "PC_1": np.arange(count), "PC_2": 0.0, "PC_3": 0.0})
        write_table(frame, tmp_path / f"{name}.parquet")
    files = sorted(tmp_path.iterdir())
    found = sample(files, most=40)
    assert found["Metadata_Well"].value_counts().to_dict() == {"a": 30, "b": 10}
    assert found.equals(sample(files, most=40))
    assert "PC_3" not in found
    assert len(sample(files, most=10_000)) == 400


# what is left out


def test_without_the_deep_half_one_section_says_why(album: Album) -> None:
    screen = ReportInputs(SCREEN.wells(), *[pd.DataFrame()] * 11)
    made = all_sections(screen, album)
    assert made[1:] == [None] * 4
    assert "Left out: it was not run" in text_of(made[0])
    screen = replace(screen, run={"left_out": [{"step": "crop_cells", "reason": "no brightfield"}]})
    assert "Left out: no brightfield" in text_of(crops.section(screen))
    assert claims.sentences(screen) == []


@pytest.mark.parametrize(
    ("missing", "place", "words"),
    [
        (("gallery",), 0, "the table of explain_crops"),
        (("trained", "permuted", "random"), 1, "the table of train_resnet"),
        (("model_",), 2, "nothing is claimed: the table of score_models"),
        (("leakage",), 2, "the table of split_cells"),
        (("classical", "deep", "joint"), 3, "the table of reduce_features"),
        (("profile_scores",), 4, "the table of profile_features"),
    ],
)
def test_missing_piece_is_said_and_breaks_nothing(
    missing: tuple[str, ...], place: int, words: str, tmp_path: Path, album: Album
) -> None:
    made = all_sections(screen_of(tmp_path, leave_out=missing), album)
    assert words in text_of(made[place])
    for section in made:
        assert section is not None
        assert all(part.html for part in section.parts), section.anchor


def test_recorded_reason_is_preferred(tmp_path: Path, album: Album) -> None:
    screen = screen_of(tmp_path, leave_out=("trained", "permuted", "random"))
    screen = replace(screen, run={"left_out": [{"step": "train_resnet", "reason": "one timepoint"}]})
    assert "Left out: one timepoint" in text_of(training.section(screen, album))


def test_the_device_is_named_beside_the_speed(tmp_path: Path, album: Album) -> None:
    assert "images per second (median), on Some GPU" in text_of(training.section(screen_of(tmp_path), album))


# claims


def test_claim_is_made_only_where_the_verdict_makes_it(tmp_path: Path, album: Album) -> None:
    deep = DeepTables(SCREEN, cells=3, epochs=3, claims={"dose": False, "time": True})
    screen = screen_of(tmp_path, deep)
    dose, time = claims.sentences(screen)
    assert dose == "Network: nothing is claimed about dose: not above the model on position alone."
    assert time.startswith("Network: it tells the time of cells from replicates that it has not seen")
    text = text_of(honesty.section(screen, album))
    assert "Nothing is claimed about dose" in text and "The network tells time" in text
    assert "The network tells dose" not in text
    assert dose.split(": ", 1)[1].split(":")[0] in text_of(verdict.section(screen, [], Tiles()))


def test_what_the_network_adds_is_measured_against_the_better_of_the_others(tmp_path: Path) -> None:
    screen = screen_of(tmp_path)
    # skills 0.42 against 0.34 of boosting, of three classes
    assert claims.added(screen, "dose") == (
        "beside gradient boosting on measurements it adds 0.05 (0.02 to 0.08)"
    )
    table = screen.deep.differences
    mine = (table["Against"] == "classical_boosting") & (table["Metric"] == "balanced_accuracy")
    table.loc[mine, ["Difference", "Low", "High"]] = [0.01, -0.02, 0.04]
    assert "is not told apart" in claims.added(screen, "dose")
    table.loc[mine, ["Difference", "Low", "High"]] = [-0.05, -0.08, -0.02]
    assert claims.added(screen, "dose") == (
        "gradient boosting on measurements does better without it, by 0.05 (0.02 to 0.08)"
    )
    screen.deep.scores.loc[screen.deep.scores["Model"] == "classical_boosting", "N_Unconverged"] = 1
    assert claims.added(screen, "dose").startswith(
        "gradient boosting on measurements (whose training stopped before it had converged) does better"
    )


def test_marked_run_is_a_fault_and_says_so_first(tmp_path: Path, album: Album) -> None:
    deep = DeepTables(
        SCREEN, cells=3, epochs=3, claims={"dose": False}, marked=["dose: permuted labels are told"]
    )
    screen = screen_of(tmp_path, deep)
    (check,) = verdict.network_checks(screen)
    assert check.state == "stop" and "permuted labels are told" in check.answer
    assert "Do not rely on anything below" in text_of(honesty.section(screen, album))


def test_random_split_is_a_contrast_with_its_overstatement(tmp_path: Path, album: Album) -> None:
    screen = screen_of(tmp_path)
    # 1/3 + 2/3 × 0.66 = 0.77 against 1/3 + 2/3 × 0.42 = 0.61
    assert claims.overstated(screen, "Dose") == (
        "Dose: with a random split over cells the balanced accuracy is 0.77, on held-out replicates 0.61: it "
        "overstates by 0.16 (95 % interval 0.13 to 0.19)."
    )
    table = screen.deep.differences
    table.loc[table["Model"] == "network_random_split", ["Difference", "Low"]] = [0.02, -0.01]
    assert "which shows no overstatement" in claims.overstated(screen, "Dose")
    assert "would have claimed" in text_of(honesty.section(screen, album))


def test_leak_is_shown_by_fold_with_its_verdict(tmp_path: Path, album: Album) -> None:
    text = text_of(honesty.section(screen_of(tmp_path), album))
    assert text.count(">no leak<") == 3 and text.count(">contrast only<") == 3
    assert "40,000 / 20,000" in text and "48 / 24" in text


def test_difference_is_better_worse_or_not_told_apart(tmp_path: Path, album: Album) -> None:
    screen = screen_of(tmp_path)
    table = screen.deep.differences
    steps = (table["Metric"] == "mae_steps") & (table["Against"] == "position")
    table.loc[steps, ["Difference", "Low", "High"]] = [0.5, 0.3, 0.7]  # more steps of error are worse
    text = text_of(honesty.section(screen, album))
    assert '+0.50 (0.30 to 0.70) <span class="md-state md-stop">worse' in text
    assert ">better<" in text


# how little was trained


@pytest.mark.parametrize(
    ("record", "small"),
    [
        ({"trial": True, "n_train": 90_000, "epochs": 10, "input_size": 224}, True),
        ({"trial": False, "n_train": 2000, "epochs": 10, "input_size": 64}, False),
        ({"n_train": 200, "epochs": 10, "input_size": 224}, True),
        ({"n_train": 90_000, "epochs": 2, "input_size": 224}, True),
        ({"n_train": 90_000, "epochs": 10, "input_size": 64}, True),
        ({"n_train": 90_000, "epochs": 10, "input_size": 224}, False),
        ({}, False),
    ],
)
def test_training_is_called_a_trial_by_its_word_or_its_size(record: dict[str, Any], small: bool) -> None:
    assert training.is_small(record) is small


def test_folds_that_disagree_are_named(tmp_path: Path, album: Album) -> None:
    screen = screen_of(tmp_path)
    text = text_of(training.section(screen, album))
    assert "One space for all folds" in text and "agree on only 42 %" in text
    good = replace(screen.deep, alignment=screen.deep.alignment.assign(R2_HeldOut=0.9))
    text = text_of(training.section(replace(screen, deep=good), album))
    assert "One space for all folds" in text and "agree on only" not in text


def test_trial_is_said_in_training_in_the_verdict_and_at_the_head(tmp_path: Path, album: Album) -> None:
    screen = screen_of(tmp_path, DeepTables(SCREEN, cells=3, epochs=2, n_train=240, input_size=64))
    said = "240 cells per fold, 2 epochs at 64 × 64 px"
    for section in (training.section(screen, album), honesty.section(screen, album)):
        assert said in text_of(section)
    (check,) = verdict.network_checks(screen)
    assert check.state == "warn" and "a trial of the pipeline" in check.answer
    large = screen_of(tmp_path / "large", DeepTables(SCREEN, cells=3))
    assert training.small_notice(large) == ""
    assert [check.state for check in verdict.network_checks(large)] == ["ok"]
