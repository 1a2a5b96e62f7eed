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
from morphodose.evaluation.metrics import balanced_accuracy
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

    def hasty(seed):
        estimator = logistic(seed)
        return estimator.set_params(max_iter=1)

    models = [
        Model("intensity", hasty),
        Model("classical_logistic", lambda seed: logistic(seed).set_params(max_iter=5000)),
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
