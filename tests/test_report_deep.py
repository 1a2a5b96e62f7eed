"""Sections of the report on the deep half: what they claim, what they do not, and what is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from morphodose.errors import InputError
from morphodose.report import (
    cells,
    claims,
    clouds,
    components,
    crops,
    figure,
    honesty,
    methods,
    profile_scores,
    training,
    verdict,
)
from morphodose.report.deep_inputs import Deep, read_deep, sample
from morphodose.report.deep_words import class_words, feature_words
from morphodose.report.figure import Album, Drawn
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Section
from morphodose.report.tiles import Tiles
from morphodose.tables import write_table
from report_deep_tables import DeepTables
from report_tables import Tables

SCREEN = Tables(doses=(1.0, 10.0), times=(4, 48), replicates=3)


def screen_of(folder: Path, deep: DeepTables | None = None, **options: Any) -> ReportInputs:
    made = deep or DeepTables(SCREEN, cells=3, epochs=3)
    made.write(folder / "results", **options)
    none = pd.DataFrame()
    return ReportInputs(
        made.screen.wells(), *[none] * 11, deep=read_deep(folder / "results"), params={"cell_channel": "x"}
    )  # fmt: skip


def text_of(section: Section | None) -> str:
    assert section is not None
    return " ".join(f"{part.title} {part.html}" for part in section.parts)


def all_sections(screen: ReportInputs, album: Album) -> list[Section | None]:
    return [
        crops.section(screen),
        training.section(screen, album),
        honesty.section(screen, album),
        components.section(screen, album),
        profile_scores.section(screen, album),
    ]


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure, "DPI", 40)


class Blank(Album):
    """An album that keeps the names of its figures and draws none: most tests look at words."""

    def draw(self, name: str, paint: Callable[[], Any]) -> Drawn:
        self.names.append(name)
        return Drawn(name, b"\x89PNG", b"<?xml", 4.0)


@pytest.fixture
def album(tmp_path: Path) -> Album:
    return Blank(tmp_path / "figures")


@pytest.fixture
def drawing(tmp_path: Path) -> Album:
    return Album(tmp_path / "figures")


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
    with pytest.raises(InputError, match=r"lacks Label, Metric, .*; score_models writes them"):
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
    assert "images a second in the median, on Some GPU" in text_of(
        training.section(screen_of(tmp_path), album)
    )


# claims


def test_claim_is_made_only_where_the_verdict_makes_it(tmp_path: Path, album: Album) -> None:
    deep = DeepTables(SCREEN, cells=3, epochs=3, claims={"dose": False, "time": True})
    screen = screen_of(tmp_path, deep)
    dose, time = claims.sentences(screen)
    assert dose == "Network: nothing is claimed about dose: not above the model on position alone."
    assert time.startswith("Network: it tells the time of cells of replicates it has not seen")
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
    assert "adds nothing that is told apart" in claims.added(screen, "dose")
    table.loc[mine, ["Difference", "Low", "High"]] = [-0.05, -0.08, -0.02]
    assert claims.added(screen, "dose") == (
        "gradient boosting on measurements does better without it, by 0.05 (0.02 to 0.08)"
    )


def test_marked_run_is_a_fault_and_says_so_first(tmp_path: Path, album: Album) -> None:
    deep = DeepTables(
        SCREEN, cells=3, epochs=3, claims={"dose": False}, marked=["dose: permuted labels are told"]
    )
    screen = screen_of(tmp_path, deep)
    (check,) = verdict.network_checks(screen)
    assert check.state == "stop" and "permuted labels are told" in check.answer
    assert "Nothing below may be relied on" in text_of(honesty.section(screen, album))


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
    assert "One space for all folds" in text and "agree on 42 % only" in text
    good = replace(screen.deep, alignment=screen.deep.alignment.assign(R2_HeldOut=0.9))
    text = text_of(training.section(replace(screen, deep=good), album))
    assert "One space for all folds" in text and "agree on" not in text


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


# figures and tables


def test_networks_begin_with_claim_scores_curves_confusion_and_cells_and_fold_the_rest(
    tmp_path: Path, album: Album
) -> None:
    screen = screen_of(tmp_path)
    first, *others = [honesty.section(screen, album), crops.section(screen), training.section(screen, album)]
    assert first is not None
    shown = [part.html for part in first.parts if not part.folded]
    assert len(shown) == 2 and "The network tells dose" in shown[0]
    for name in ("Scorecard", "Learning curves of all networks", "Confusion of the network", "Crops by dose"):
        assert f'data-name="{name}' in shown[1]
    assert all(part.folded for section in others if section for part in section.parts)
    # each figure stands once
    names = [name for name in album.names if "_" not in name or name == "learning_curves"]
    assert sorted(set(names)) == sorted(names) and {"scorecard", "confusion", "learning_curves"} <= set(names)
    assert {"lr_range", "learning_rate", "scorecard_dose", "confusion_time"} <= set(album.names)


def test_cells_are_coloured_by_dose_time_replicate_and_state(tmp_path: Path) -> None:
    screen = screen_of(tmp_path)
    cloud = cells.cloud_of(screen)
    assert cloud is not None and len(cloud.cells) == 3 * len(screen.wells)
    assert [name for name, *_ in cloud.maps][:2] == ["UMAP of measurements", "PCA of measurements"]
    assert len(cloud.maps) == 6  # measurements, network, both
    data = cells.cell_data(screen, cloud, Tiles(), ["Staurosporine"])
    assert [by["name"] for by in data["by"]] == ["dose", "time", "replicate", "state"]
    doses = [each["name"] for each in data["by"][0]["classes"]]
    assert doses == ["vehicle", "1 µM", "10 µM"]
    at = [doses[i] for i in data["by"][0]["values"]]
    assert at == ["vehicle" if d == 0 else f"{d:g} µM" for d in cloud.cells["Metadata_Dose"]]
    # an id is made of the field and the label, and is that of the tables
    assert data["ids"] is None and data["sheet"] == ""
    made = [f"{data['images'][i]}_obj{n}" for i, n in zip(data["image"], data["label"], strict=True)]
    assert made == list(cloud.cells["Metadata_CellID"])
    assert sum(data["vehicle"]) == 3 * (screen.wells["Metadata_Role"] == "vehicle").sum()


def test_maps_are_of_what_there_is_and_cells_no_more_than_a_browser_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = screen_of(tmp_path, leave_out=("deep", "joint"))
    (tmp_path / "results" / "classical" / "umap.parquet").unlink()
    screen = replace(screen, deep=read_deep(tmp_path / "results"))
    monkeypatch.setattr(cells, "MOST_POINTS", 20)
    cloud = cells.cloud_of(screen)
    assert cloud is not None and [name for name, *_ in cloud.maps] == ["PCA of measurements"]
    assert len(cloud.cells) == 20
    assert cells.cloud_of(replace(screen, deep=Deep())) is None
    assert "20 cells, a sample" in text_of(cells.section(screen, cloud, Tiles()))


def test_files_of_the_maps_have_a_panel_for_each_colouring(tmp_path: Path) -> None:
    screen = screen_of(tmp_path)
    frame = clouds.dressed(screen, screen.deep.sets["deep"].umap)
    assert list(clouds.colourings(screen, frame)) == ["dose", "time", "replicate", "state"]


def test_cells_on_the_components_of_an_earlier_run_are_said_to_be(tmp_path: Path, album: Album) -> None:
    screen = screen_of(tmp_path)
    assert "earlier run" not in text_of(components.section(screen, album))
    screen.deep.sets["classical"].record["model"] = {"set": "classical", "label": "dose"}
    assert text_of(components.section(screen, album)).count("components of an earlier run") == 1
    text = " ".join(methods.compose(screen).paragraphs)
    assert "components of an earlier run, by its choice of features and its scales (measurements)" in text


def test_dose_of_a_cell_comes_from_the_wells_where_the_cells_lack_it(tmp_path: Path) -> None:
    screen = screen_of(tmp_path)
    cells = screen.deep.sets["deep"].pca
    bare = cells[[c for c in cells if c not in ("Metadata_Dose", "Metadata_Role", "Metadata_Compound")]]
    whole, found = clouds.dressed(screen, cells), clouds.dressed(screen, bare)
    assert found["Dose"].tolist() == whole["Dose"].tolist()
    assert set(found["Dose"]) == {0.0, 1.0, 10.0}


def test_positive_controls_are_in_no_class_of_dose(tmp_path: Path) -> None:
    screen = screen_of(tmp_path)
    cells = screen.deep.sets["deep"].pca.copy()
    cells.loc[cells["Metadata_Dose"] == 10, "Metadata_Role"] = "positive"
    named = [name for name, _, _ in clouds.colourings(screen, clouds.dressed(screen, cells))["dose"]]
    assert named == ["vehicle", "1 µM"]


def test_make_up_of_components_is_in_words_for_measurements(tmp_path: Path, album: Album) -> None:
    text = text_of(components.section(screen_of(tmp_path), album))
    assert "Cell form factor" in text and "network feature 128" in text
    assert "chi-squared not among the highest" in text
    loadings = pd.DataFrame({"Loading": [0.9, -0.3, 0.2, 0.1]})
    assert components.spread_of(loadings) == 1
    assert components.spread_of(pd.DataFrame({"Loading": [0.5, -0.5, 0.5, 0.5]})) == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Embedding_17", "network feature 17"),
        ("Cells_AreaShape_Area", "Cell area"),
        ("Cytoplasm_Texture_Contrast_CellMask_3_00_256", "Cytoplasm texture contrast CellMask, scale 3"),
        ("Cells_RadialDistribution_FracAtD_DNA_2of4", "Cell stain fraction at radius DNA 2of4"),
        ("Nuclei_Correlation_Correlation_DNA_PI", "Nucleus correlation DNA PI"),
    ],
)
def test_feature_is_named_in_words(name: str, words: str) -> None:
    assert feature_words(name) == words


def test_class_is_named_with_its_unit(tmp_path: Path) -> None:
    screen = screen_of(tmp_path)
    named = [class_words(screen, "Dose", n) for n in ("vehicle", "0.3", "Drug 0.3", "none")]
    assert named == ["vehicle", "0.3 µM", "Drug 0.3", "none"]
    assert class_words(screen, "time", "4") == "4 h"


def test_reasons_that_differ_in_a_number_are_one_kind() -> None:
    reasons = ["chi-squared rank 501 of 600, beyond 500", "chi-squared rank 502 of 600, beyond 500", "", None]
    counts = components.kinds_of(pd.Series(reasons)).to_dict()
    assert counts == {"chi-squared rank … of 600, beyond 500": 2, "no reason recorded": 2}


def test_profiles_are_side_by_side_with_what_is_significant_counted(tmp_path: Path, album: Album) -> None:
    screen = screen_of(tmp_path)
    section = profile_scores.section(screen, album)
    text = text_of(section)
    assert "Cells_Zernike" not in text and "Cell zernike 4 2" in text  # the dropped feature, in words
    assert "0.08 (0.02 to 0.13)" in text and "network features against measurements" in text
    sure = profile_scores._significant(screen.deep.profile_scores)
    assert 0 < sure.sum() < len(sure)


def test_wells_without_a_profile_are_counted_by_reason_and_listed(tmp_path: Path, album: Album) -> None:
    screen = screen_of(tmp_path)
    found = profile_scores.section(screen, album)
    assert found is not None
    part = next(part for part in found.parts if part.title == "Wells without a profile")
    assert part.html.count("… cells, fewer than 5") == 3, "one row per set: numbers that differ are one kind"
    first = screen.deep.left_out.iloc[0]
    assert f">{first['Acquisition']}<" in part.html and ">3 cells, fewer than 5<" in part.html
    none = replace(screen, deep=replace(screen.deep, left_out=screen.deep.left_out.head(0)))
    assert "None: each well has a profile" in text_of(profile_scores.section(none, album))
    gone = replace(screen, deep=replace(screen.deep, left_out=pd.DataFrame()))
    assert "the table of profile_features was not given" in text_of(profile_scores.section(gone, album))
    unscored = replace(screen, deep=replace(screen.deep, profile_scores=pd.DataFrame()))
    assert ">3 cells, fewer than 5<" in text_of(profile_scores.section(unscored, album))


@pytest.mark.slow
@pytest.mark.parametrize(
    "screen",
    [
        Tables(doses=(5.0,), times=(24,), replicates=1, unit=""),
        Tables(compounds=("A", "B"), doses=(1.0, 10.0), times=(4, 24), replicates=1),
    ],
    ids=["one dose, one time, one replicate", "two compounds"],
)
def test_every_deep_section_stands_whatever_the_design(
    screen: Tables, tmp_path: Path, drawing: Album
) -> None:
    made = all_sections(screen_of(tmp_path, DeepTables(screen, cells=2, folds=2, epochs=1)), drawing)
    for section in made:
        assert section is not None and section.parts
        assert all(part.html for part in section.parts), section.anchor


def test_empty_tables_draw_nothing_and_break_nothing(tmp_path: Path, album: Album) -> None:
    screen = screen_of(tmp_path)
    names = ("scores", "differences", "confusion", "calibration", "profile_scores", "dropped", "gallery")
    bare: dict[str, Any] = {name: getattr(screen.deep, name).head(0) for name in names}
    for section in all_sections(replace(screen, deep=replace(screen.deep, **bare)), album):
        assert section is not None and section.parts
    assert all(all_sections(replace(screen, deep=Deep(given=True)), album))


@pytest.mark.slow
def test_figures_are_drawn_as_png_and_svg(tmp_path: Path, drawing: Album) -> None:
    all_sections(screen_of(tmp_path), drawing)
    files = {path.name for path in drawing.folder.iterdir()}
    for name in ("scorecard_dose", "confusion_time", "reliability", "pca_classical", "umap_deep", "pca_classical_by_dose",
                 "pca_deep_by_time"):  # fmt: skip
        assert {f"{name}.png", f"{name}.svg"} <= files
    for name in ("explained_variance", "loadings_joint", "profiles_activity", "learning_curves"):
        assert {f"{name}.png", f"{name}.svg"} <= files


# the methods text


def test_methods_name_only_what_ran(tmp_path: Path) -> None:
    writer = methods.compose(screen_of(tmp_path))
    text = " ".join(writer.paragraphs)
    for words in ("ResNet50", "one-cycle", "Grad-CAM", "pycytominer", "copairs", "UMAP", "resampling wells"):
        assert words in text, words
    assert "[]" not in text and set(writer.cited) <= set(methods.REFERENCES)
    everything = ("gallery", "trained", "permuted", "random", "model_", "classical", "deep", "joint")
    bare = methods.compose(screen_of(tmp_path / "bare", leave_out=(*everything, "profile", "labels")))
    assert not {"resnet", "umap", "copairs", "gradcam", "sklearn"} & set(bare.cited)
