"""What stands beside the network."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation_tables import Truth, simulate, write_simulated
from morphodose.errors import InputError
from morphodose.evaluation.baselines import (
    CLIP,
    Model,
    Scale,
    classical_models,
    logistic,
    tally_majority,
    tally_models,
    tally_position,
    unconverged_notes,
)
from morphodose.evaluation.boosting import BinnedBoosting
from morphodose.evaluation.metrics import balanced_accuracy
from morphodose.evaluation.multinomial import MultinomialRidge
from morphodose.evaluation.sources import (
    classical_source,
    embedding_source,
    gather,
    intensity_columns,
    sample_rows,
)
from morphodose.evaluation.tables import score_rows
from morphodose.tables import read_table, write_table


def balanced(tally) -> float:
    return float(balanced_accuracy(tally.confusion.sum(axis=0).astype(float)))


@pytest.fixture(scope="module")
def effect(tmp_path_factory):
    """A screen whose dose changes the shape, and the folder of its tables."""
    screen = simulate(Truth(effect=6, hours=(24.0,), cells=20))
    folder = tmp_path_factory.mktemp("effect")
    write_simulated(screen, folder)
    return screen, folder


def test_majority_is_right_for_its_class_alone(effect):
    screen, _ = effect
    tally = tally_majority(screen.cells, screen.classes, ["dose"])["majority", "dose"]
    assert balanced(tally) == pytest.approx(1 / 5)
    assert tally.confusion[:, :, 1:].sum() == 0
    assert tally.cells.sum() == screen.cells.usable.sum()


def test_position_knows_a_layout_that_repeats_by_heart():
    screen = simulate(Truth(shuffled=False, hours=(24.0,), cells=5))
    tally = tally_position(screen.cells, screen.classes, ["dose"], 1)["position", "dose"]
    assert balanced(tally) == 1


def test_position_knows_nothing_of_layouts_that_do_not_repeat():
    found = []
    for seed in range(5):
        screen = simulate(Truth(hours=(24.0,), cells=5, seed=seed))
        found.append(balanced(tally_position(screen.cells, screen.classes, ["dose"], 1)["position", "dose"]))
    assert np.mean(found) == pytest.approx(0.2, abs=0.1)


def test_a_baseline_that_does_not_converge_says_so(effect):
    screen, folder = effect
    source = classical_source([folder / "cells"])

    models = [
        Model("intensity", lambda _: MultinomialRidge(max_iter=1)),
        Model("classical_logistic", logistic),
    ]
    tallies = tally_models(models, source, screen.cells, screen.classes, ["dose"], 1000, 1)
    folds = screen.cells.folds
    assert (tallies["intensity", "dose"].unconverged, tallies["classical_logistic", "dose"].unconverged) == (
        folds,
        0,
    )
    (note,) = unconverged_notes(tallies, folds)
    assert note.startswith(
        f"intensity of dose: {folds} of {folds} trainings stopped before they had converged"
    )
    rows = score_rows(tallies, screen.classes, screen.cells, 1)
    assert {row["N_Unconverged"] for row in rows if row["Model"] == "intensity"} == {folds}
    assert {row["N_Unconverged"] for row in rows if row["Model"] == "classical_logistic"} == {0}


def features(cells: int, width: int, seed: int = 0):
    """Correlated features of three classes, of which the last is rare."""
    rng = np.random.default_rng(seed)
    true = rng.choice(3, cells, p=[0.6, 0.35, 0.05])
    common = rng.normal(0, 1, (cells, 3)) + true[:, None]
    matrix = common @ rng.normal(0, 1, (3, width)) + rng.normal(0, 0.5, (cells, width))
    return ((matrix - matrix.mean(axis=0)) / matrix.std(axis=0)).astype(np.float32), true + 4


@pytest.mark.parametrize(("cells", "width"), [(600, 40), (60, 200)])
def test_the_logistic_regression_is_that_of_scikit_learn(cells, width):
    from sklearn.linear_model import LogisticRegression

    matrix, true = features(cells, width)
    theirs = LogisticRegression(C=0.01, class_weight="balanced", tol=1e-8, max_iter=10_000).fit(matrix, true)
    ours = MultinomialRidge(C=0.01, tol=1e-5).fit(matrix, true)
    assert ours.converged_ and ours.n_iter_ < 40
    np.testing.assert_array_equal(ours.classes_, [4, 5, 6])
    np.testing.assert_allclose(ours.predict_proba(matrix), theirs.predict_proba(matrix), atol=1e-3)
    np.testing.assert_allclose(MultinomialRidge().fit(matrix, true).coef_, theirs.coef_.T, atol=2e-3)


def test_a_logistic_regression_of_one_class_or_without_features_knows_shares_alone():
    matrix, true = features(60, 5)
    assert (MultinomialRidge().fit(matrix, np.full(60, 2)).predict_proba(matrix) == 1).all()
    share = MultinomialRidge().fit(np.zeros((60, 5), np.float32), true).predict_proba(matrix)
    np.testing.assert_allclose(share, 1 / 3, atol=1e-3)


def test_boosting_on_quantiles_is_as_good_as_on_values():
    from sklearn.ensemble import HistGradientBoostingClassifier

    matrix, true = features(3000, 20)
    train, test = slice(0, 2000), slice(2000, None)
    theirs = HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=15, min_samples_leaf=20, class_weight="balanced", random_state=0
    ).fit(matrix[train], true[train])
    ours = BinnedBoosting(0).fit(matrix[train], true[train])
    right = [
        np.mean(each.classes_[each.predict_proba(matrix[test]).argmax(axis=1)] == true[test])
        for each in (ours, theirs)
    ]
    assert right[0] == pytest.approx(right[1], abs=0.02)
    again = BinnedBoosting(0).fit(matrix[train], true[train])
    np.testing.assert_array_equal(again.predict_proba(matrix), ours.predict_proba(matrix))


def test_measurements_find_what_is_there_and_intensity_does_not_see_shape(effect):
    screen, folder = effect
    source = classical_source([folder / "cells"])
    assert [model.name for model in classical_models(source)] == [
        "intensity", "classical_logistic", "classical_boosting",
    ]  # fmt: skip
    tallies = tally_models(
        classical_models(source), source, screen.cells, screen.classes, ["dose"], 10_000, 1
    )
    assert balanced(tallies["classical_logistic", "dose"]) > 0.5
    assert balanced(tallies["classical_boosting", "dose"]) > 0.45
    assert balanced(tallies["intensity", "dose"]) < 0.35
    assert {tally.cells.sum() for tally in tallies.values()} == {screen.cells.usable.sum()}


def test_a_probe_reads_embeddings(effect):
    screen, folder = effect
    source = embedding_source(folder / "untrained")
    models = [Model("probe_untrained", logistic)]
    tally = tally_models(models, source, screen.cells, screen.classes, ["dose"], 300, 1)[
        "probe_untrained", "dose"
    ]
    assert balanced(tally) > 0.5
    assert tally.cells.sum() == screen.cells.usable.sum(), "all held-out cells are predicted from a sample"


def test_held_out_cells_do_not_train(effect):
    """Labels of a fold can be anything without a change of what is predicted in it."""
    screen, folder = effect
    source = classical_source([folder / "cells"])
    models = [Model("classical_logistic", logistic)]
    before = tally_models(models, source, screen.cells, screen.classes, ["dose"], 10_000, 1)
    cells = screen.cells
    labels = dict(cells.labels)
    labels["dose"] = np.where(cells.fold == 0, 0, labels["dose"]).astype(np.int32)
    other = type(cells)(**{**vars(cells), "labels": labels})
    after = tally_models(models, source, other, screen.classes, ["dose"], 10_000, 1)
    held_out = np.unique(cells.unit[cells.fold == 0])
    np.testing.assert_array_equal(
        before["classical_logistic", "dose"].confusion[held_out].sum(axis=1),
        after["classical_logistic", "dose"].confusion[held_out].sum(axis=1),
    )


def test_where_a_cell_lies_is_no_measurement(effect):
    _, folder = effect
    source = classical_source([folder / "cells"])
    assert source.columns == (
        "Cells_Intensity_MeanIntensity_V",
        "Cells_AreaShape_Area",
        "Nuclei_AreaShape_Area",
    )
    assert list(intensity_columns(source)) == [0]


def test_a_sample_takes_as_many_of_each_well_as_it_can(effect):
    cells = effect[0].cells
    chosen = sample_rows(cells, 200, 1)
    counts = np.bincount(cells.acquired[chosen])
    assert 180 <= chosen.sum() <= 200 and set(counts) == {200 // len(counts)}
    assert sample_rows(cells, 10**6, 1).sum() == cells.usable.sum()
    np.testing.assert_array_equal(chosen, sample_rows(cells, 200, 1))


def test_scale_is_that_of_vehicle_and_what_is_missing_is_its_mean():
    vehicle = np.array([[1, 5, np.nan], [3, 5, np.nan]], np.float32)
    every = np.array([[1, 5, np.nan], [3, 5, np.nan], [100, 7, np.nan]], np.float32)
    scale = Scale.of(vehicle, every)
    found = scale.apply(np.array([[2, 5, 1], [1000, np.nan, np.inf], [3, 7, np.nan]], np.float32))
    np.testing.assert_allclose(found[:, 0], [0, CLIP, 1])
    np.testing.assert_allclose(found[:, 2], 0)
    assert found[1, 1] == 0 and found[0, 1] < 0 < found[2, 1], "vehicle does not vary: scaled by all"


def test_without_vehicle_the_scale_is_that_of_all():
    every = np.array([[0.0], [2.0]], np.float32)
    np.testing.assert_allclose(Scale.of(every[:0], every).apply(every), [[-1], [1]])


def test_a_table_without_a_feature_of_the_others_is_named(effect, tmp_path):
    screen, folder = effect
    for number, file in enumerate(sorted((folder / "cells").iterdir())[:2]):
        table = read_table(file)
        names = {"Cells_AreaShape_Area": "Cells_AreaShape_Surface"} if number else {}
        write_table(table.rename(columns=names), tmp_path / file.name)
    with pytest.raises(InputError, match="no column Cells_AreaShape_Area, which other tables have"):
        gather(classical_source([tmp_path]), screen.cells, screen.cells.usable)


def test_a_stain_of_some_times_only_is_no_feature(effect, tmp_path):
    _, folder = effect
    for number, file in enumerate(sorted((folder / "cells").iterdir())[:2]):
        table = read_table(file)
        write_table(table.drop(columns="Cells_AreaShape_Area") if number else table, tmp_path / file.name)
    source = classical_source([tmp_path])
    assert "Cells_AreaShape_Area" not in source.columns
    assert "Cells_Intensity_MeanIntensity_V" in source.columns


def test_tables_of_another_screen_are_refused(effect, tmp_path):
    screen, folder = effect
    file = next((folder / "cells").iterdir())
    table = read_table(file)
    table["Metadata_CellID"] = "other_" + table["Metadata_CellID"]
    write_table(table, tmp_path / "a.parquet")
    with pytest.raises(InputError, match="none of the cells of the split"):
        gather(classical_source([tmp_path]), screen.cells, screen.cells.usable)


def test_a_cell_in_two_tables_is_refused(effect, tmp_path):
    screen, folder = effect
    for number, file in enumerate(sorted((folder / "cells").iterdir())[:2]):
        for copy in "ab"[: number + 1]:
            write_table(read_table(file), tmp_path / f"{number}{copy}.parquet")
    for most in (10, len(screen.cells.ids)):
        wanted = sample_rows(screen.cells, most, 1)
        with pytest.raises(InputError, match="in these tables twice"):
            gather(classical_source([tmp_path]), screen.cells, wanted)


def test_embeddings_of_two_widths_are_refused(effect, tmp_path):
    screen, folder = effect
    for number, file in enumerate(sorted((folder / "untrained").iterdir())[:2]):
        table = read_table(file)
        if number:
            table["Embedding"] = [values[:-1] for values in table["Embedding"]]
        write_table(table, tmp_path / file.name)
    with pytest.raises(InputError, match=r"embeddings of \d+ numbers, where those of other tables have"):
        gather(embedding_source(tmp_path), screen.cells, screen.cells.usable)
