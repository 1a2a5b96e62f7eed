"""Moments, chi-squared, PCA, selection and sampling, beside NumPy and scikit-learn."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.feature_selection import chi2 as sklearn_chi2
from sklearn.preprocessing import minmax_scale

from morphodose.cells.excluded import excluded
from morphodose.cells.fields import fields_of
from morphodose.reduction.chi2 import ClassSums
from morphodose.reduction.pca import Covariance, principal_components
from morphodose.reduction.select import choose
from morphodose.reduction.umap_sample import APPROXIMATE, Sampler, allocate, parameters
from morphodose.reduction.umap_sample import umap as umap_of
from morphodose.reduction.variance import Moments


def table(rows=200, features=7, offset=0.0, seed=0):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(0, 1, (features, features))
    return (rng.normal(0, 1, (rows, features)) @ mixing + offset).astype(np.float32)


def blocks(values, sizes=(1, 64, 0, 50)):
    start = 0
    for size in (*sizes, len(values)):
        yield slice(start, start + size)
        start += size


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_moments_of_blocks_are_those_of_the_whole(offset):
    values = table(offset=offset)
    moments = Moments(7)
    for rows in blocks(values):
        moments.add(values[rows])
    mean, variance = moments.filled(np.zeros(7))
    exact = values.astype(np.float64)
    assert moments.rows == 200
    assert mean == pytest.approx(exact.mean(axis=0), rel=1e-6, abs=1e-6)
    assert variance == pytest.approx(exact.var(axis=0, ddof=1), rel=1e-5)
    assert (moments.low == values.min(axis=0)).all() and (moments.high == values.max(axis=0)).all()


def test_missing_values_are_left_out_of_moments_and_filled_afterwards():
    values = table()
    values[3:60, 2] = np.nan
    moments = Moments(7)
    for rows in blocks(values):
        moments.add(values[rows])
    fill = np.full(7, 4.0)
    filled = np.where(np.isfinite(values), values, 4.0).astype(np.float64)
    mean, variance = moments.filled(fill)
    assert moments.missing[2] == pytest.approx(57 / 200)
    assert mean == pytest.approx(filled.mean(axis=0), abs=1e-6)
    assert variance == pytest.approx(filled.var(axis=0, ddof=1), rel=1e-5)


def test_missing_values_of_two_groups_are_filled_with_the_value_of_each():
    values = table()
    values[3:60, 2] = values[100:110, 2] = np.nan
    moments, first = Moments(7), np.arange(200) < 80
    moments.add(values)
    fill = np.array([np.full(7, 4.0), np.full(7, -20.0)])
    gone = np.array([np.isnan(values[first]).sum(axis=0), np.isnan(values[~first]).sum(axis=0)], float)
    filled = np.where(np.isfinite(values), values, np.where(first, 4.0, -20.0)[:, None]).astype(np.float64)
    mean, variance = moments.filled(fill, gone)
    assert mean == pytest.approx(filled.mean(axis=0), abs=1e-6)
    assert variance == pytest.approx(filled.var(axis=0, ddof=1), rel=1e-5)


def test_a_constant_feature_has_no_variance_though_its_mean_be_large():
    values = np.column_stack([np.full(50, 60000.1), np.linspace(0, 1, 50), np.full(50, np.nan)])
    moments = Moments(3)
    moments.add(values.astype(np.float32))
    assert list(moments.constant()) == [True, False, True]


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_chi2_is_that_of_scikit_learn_on_features_scaled_to_0_1(offset):
    values = table(offset=offset)
    codes = np.arange(200) % 3
    values[codes == 2, 0] += 2
    sums, moments = ClassSums(3, 7), Moments(7)
    for rows in blocks(values):
        sums.add(values[rows], codes[rows])
        moments.add(values[rows])
    expected, _ = sklearn_chi2(minmax_scale(values.astype(np.float64)), codes)
    found = sums.scores(moments.low, moments.high, np.zeros(7))
    assert found == pytest.approx(expected, rel=2e-3 if offset else 1e-4, abs=1e-5)


def test_chi2_counts_missing_values_at_their_fill_and_leaves_unlabelled_rows_out():
    values, codes = table(), np.arange(200) % 2
    values[::9, 1] = np.nan
    fill = np.full(7, 0.5)
    filled = np.where(np.isfinite(values), values, 0.5)
    expected, _ = sklearn_chi2(minmax_scale(filled.astype(np.float64)), codes)
    sums = ClassSums(2, 7)
    sums.add(values, codes)
    sums.add(np.full((10, 7), 99, np.float32), np.full(10, -1))
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    found = sums.scores(low.astype(float), high.astype(float), fill)
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert sums.mean(1)[1] == pytest.approx(np.nanmean(values[codes == 1, 1]), abs=1e-5)


def test_chi2_of_a_constant_feature_is_0():
    sums = ClassSums(2, 1)
    sums.add(np.full((4, 1), 3, np.float32), np.array([0, 1, 0, 1]))
    assert list(sums.scores(np.array([3.0]), np.array([3.0]), np.zeros(1))) == [0.0]


def reduced(values, count, mean=None):
    covariance = Covariance(values.shape[1])
    centred = (values - (values.mean(axis=0) if mean is None else mean)).astype(np.float32)
    for rows in blocks(values):
        covariance.add(centred[rows])
    return principal_components(covariance.matrix(), count)


def test_components_are_those_of_scikit_learn_with_the_same_signs():
    values = table(500, 20)
    found = reduced(values, 20)
    exact = PCA(svd_solver="full").fit(values.astype(np.float64))
    assert found.ratio == pytest.approx(exact.explained_variance_ratio_, abs=1e-6)
    assert found.variance == pytest.approx(exact.explained_variance_, rel=1e-5, abs=1e-5)
    assert found.vectors[:15] == pytest.approx(exact.components_[:15], abs=1e-3)


def test_a_centre_that_is_a_little_off_changes_no_component():
    values = table(500, 20)
    near, exact = reduced(values, 5, values.mean(axis=0) + 0.1), reduced(values, 5)
    assert near.variance == pytest.approx(exact.variance, rel=1e-5)


def test_more_components_than_features_are_not_given():
    assert reduced(table(), 50).vectors.shape == (7, 7)


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(0, 120), st.integers(0, 5))
def test_a_sample_takes_from_each_stratum_what_was_allocated(counts, size, seed):
    counts = np.array(counts)
    drawn = allocate(counts, size)
    assert drawn.sum() == min(size, counts.sum()) and (drawn <= counts).all()
    rng = np.random.default_rng(seed)
    strata = rng.permutation(np.concatenate([np.repeat(np.arange(len(counts)), counts), np.full(5, -1)]))
    sampler = Sampler(counts, size, seed)
    taken = np.concatenate([sampler.take(part) for part in np.array_split(strata, 3)])
    again = Sampler(counts, size, seed).take(strata)
    assert (taken == again).all()
    assert [int((strata[taken] == stratum).sum()) for stratum in range(len(counts))] == list(drawn)


def selection(top=2, origin=("classical",) * 5):
    values = table(100, 5)
    values[:, 1] = 7
    values[:50, 2] = np.nan
    moments = Moments(5)
    moments.add(values)
    names = ("Cells_A", "Cells_B", "Cells_C", "Cells_Location_Center_X", "Cells_E")
    return choose(names, origin, moments, np.zeros(5), np.array([1.0, 0, 2, 9, 3]), top, 0.2)


def test_each_feature_that_is_left_out_has_a_reason():
    reasons = {choice.feature: choice.reason for choice in selection(top=1)}
    assert reasons["Cells_E"] == ""
    assert reasons["Cells_A"] == "chi-squared rank 2 of 2, beyond 1"
    assert reasons["Cells_B"] == "no variance"
    assert reasons["Cells_C"].startswith("missing in 50.0% of the cells")
    assert reasons["Cells_Location_Center_X"].startswith("position")


def test_joined_sets_have_the_same_variance_in_all():
    origin = ("classical", "classical", "deep", "deep", "deep")
    moments = Moments(5)
    values = table(100, 5) * np.array([1, 1000, 0.1, 0.2, 0.3], np.float32)
    moments.add(values)
    names = ("Cells_A", "Cells_B", "Embedding_0", "Embedding_1", "Embedding_2")
    choices = choose(names, origin, moments, np.zeros(5), np.full(5, np.nan), 0, 0.2)
    share = {kind: sum(c.variance / c.scale**2 for c in choices if c.origin == kind) for kind in origin}
    assert share == pytest.approx({"classical": 1, "deep": 1})
    deep = {choice.scale for choice in choices if choice.origin == "deep"}
    assert len(deep) == 1, "embeddings keep their own proportions"


def test_position_and_labels_are_no_morphology():
    names = [
        "Cells_AreaShape_Area",
        "Cells_AreaShape_Center_X",
        "Cells_AreaShape_BoundingBoxMaximum_Y",
        "Nuclei_AreaShape_Orientation",
        "Cells_RadialDistribution_ZernikePhase_PI_1_1",
        "Cells_Location_MaxIntensity_X_PI",
        "Cells_Neighbors_FirstClosestObjectNumber_10",
        "Cells_Neighbors_NumberOfNeighbors_10",
    ]
    assert set(names) - set(excluded(names)) == {names[0], names[-1]}


def fields(rows):
    names = ["Metadata_ImageID", "Metadata_Compound", "Metadata_Dose", "Metadata_Role", "Metadata_Timepoint"]
    columns = list(zip(*rows, strict=True))
    found = dict(zip(names, columns, strict=True)) | {
        "Metadata_QCVerdict": ["keep"] * (len(rows) - 1) + ["drop"]
    }
    return fields_of(pa.table({name: list(values) for name, values in found.items()}))


def test_vehicle_of_any_name_is_one_class_and_positive_controls_have_none():
    found = fields(
        [
            ("a", "DMSO", 0.0, "vehicle", 4.0),
            ("b", "Water", 0.0, "vehicle", 24.0),
            ("c", "Drug", 10.0, "treated", 4.0),
            ("d", "Drug", 0.1, "treated", 4.0),
            ("e", "Kill", 5.0, "positive", 4.0),
        ]
    )
    assert found.classes == {"dose": ["vehicle", "0.1", "10"], "time": ["4", "24"]}
    assert list(found.codes["dose"]) == [0, 0, 2, 1, -1]
    assert list(found.kept) == [True, True, True, True, False]
    assert found.label("dose") == "dose"


def test_with_several_compounds_a_class_names_its_compound_and_one_dose_gives_way_to_time():
    several = fields([("a", "X", 1.0, "treated", 4.0), ("b", "Y", 1.0, "treated", 4.0)])
    assert several.classes["dose"] == ["X 1", "Y 1"]
    single = fields([("a", "X", 1.0, "treated", 4.0), ("b", "X", 1.0, "treated", 8.0)])
    assert single.label("dose") == "time"
    assert fields([("a", "X", 1.0, "treated", 4.0)]).label("dose") == ""


def test_a_map_of_many_cells_has_exact_neighbours_and_compiles_no_search(monkeypatch):
    import umap.umap_

    class Search:
        def __init__(self, *_, **__):
            raise AssertionError("an approximate search, whose kernels are compiled in every process")

    monkeypatch.setattr(umap.umap_, "NNDescent", Search)
    rng = np.random.default_rng(0)
    of = np.arange(APPROXIMATE + 4) % 2
    rows = (rng.normal(0, 1, (len(of), 5)) + 20 * of[:, None]).astype(np.float32)
    found = umap_of(rows, parameters(len(rows), 5, 1) | {"n_epochs": 20})
    assert found.shape == (len(of), 2) and np.isfinite(found).all()
    centres = [found[of == kind].mean(axis=0) for kind in (0, 1)]
    nearer = np.argmin([((found - centre) ** 2).sum(axis=1) for centre in centres], axis=0)
    assert (nearer == of).all()
