"""Figures, maps, tables and methods text of the deep half of the report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from morphodose.report import (
    cells,
    clouds,
    components,
    crops,
    figure,
    honesty,
    methods,
    profile_scores,
    training,
)
from morphodose.report.deep_inputs import Deep, read_deep
from morphodose.report.deep_words import class_words, feature_words
from morphodose.report.figure import Album
from morphodose.report.tiles import Tiles
from report_deep_screen import Blank, all_sections, screen_of, text_of
from report_deep_tables import DeepTables
from report_tables import Tables


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure, "DPI", 40)


@pytest.fixture
def album(tmp_path: Path) -> Album:
    return Blank(tmp_path / "figures")


@pytest.fixture
def drawing(tmp_path: Path) -> Album:
    return Album(tmp_path / "figures")


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
    table = screen.deep.sets["deep"].pca.copy()
    table.loc[table["Metadata_Dose"] == 10, "Metadata_Role"] = "positive"
    dressed = clouds.dressed(screen, table)
    named = [name for name, _, _ in clouds.colourings(screen, dressed)["dose"]]
    assert named == ["vehicle", "1 µM"]
    # but they are on the map of the page, below the others
    data = cells.cell_data(
        screen, cells.Cloud(dressed, (("PCA", "PC_1", "PC_2"),)), Tiles(), ["Staurosporine"]
    )
    (dose,) = [by for by in data["by"] if by["name"] == "dose"]
    assert [each["name"] for each in dose["classes"]] == [*named, "positive control"]
    assert (
        dose["classes"][2]["below"]
        and dose["values"].count(2) == (dressed["Metadata_Role"] == "positive").sum()
    )
    assert all(len(by["classes"]) > max(by["values"]) for by in data["by"])


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
    assert counts == {"chi-squared rank … of 600, beyond 500": 2, "no reason is recorded": 2}


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
    pictures, drawings = ({path.stem for path in drawing.folder.glob(f"*.{kind}")} for kind in ("png", "svg"))
    assert pictures == drawings
    assert {"reliability", "explained_variance", "loadings_joint", "learning_curves"} <= pictures
    assert any(name.startswith("profiles_activity") for name in pictures)
    if len(screen.times) > 1:
        assert {"scorecard_dose", "confusion_time", "pca_classical", "umap_deep"} <= pictures
        assert {"pca_classical_by_dose", "pca_deep_by_time"} <= pictures


def test_empty_tables_draw_nothing_and_break_nothing(tmp_path: Path, album: Album) -> None:
    screen = screen_of(tmp_path)
    names = ("scores", "differences", "confusion", "calibration", "profile_scores", "dropped", "gallery")
    bare: dict[str, Any] = {name: getattr(screen.deep, name).head(0) for name in names}
    for section in all_sections(replace(screen, deep=replace(screen.deep, **bare)), album):
        assert section is not None and section.parts
    assert all(all_sections(replace(screen, deep=Deep(given=True)), album))


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
