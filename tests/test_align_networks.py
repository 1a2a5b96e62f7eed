"""Axes of the folds: a rotation between them is found again, and the anchors are spread over the screen."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from scipy.linalg import orthogonal_procrustes

import align_networks
from embedding_tree import arguments, make_screen, run
from morphodose.deep.anchors import STRATA, equal_shares, stratified
from morphodose.deep.rotation import (
    Alignment,
    Rotation,
    align,
    explained,
    explained_held_out,
    fit_rotation,
    read_alignment,
    write_alignment,
)
from morphodose.errors import InputError
from morphodose.tables import read_table

PARTS = ("crops", "split", "networks")


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(2, 24), spread=st.floats(0.1, 50))
def test_a_known_rotation_is_found_again(seed: int, size: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    reference = rng.normal(scale=spread, size=(4 * size, size)) + rng.normal(size=size)
    matrix = np.linalg.qr(rng.normal(size=(size, size)))[0]
    moved = reference @ matrix.T + rng.normal(scale=10, size=size)
    found = align({0: reference, 3: moved})
    assert np.allclose(found.rotations[3].matrix, matrix, atol=1e-4)
    assert np.allclose(found.apply(3, moved), reference, atol=1e-3 * spread + 1e-4)
    assert np.allclose(found.apply(0, reference), reference)
    assert explained(found.rotations[3], moved, reference, reference.mean(axis=0)) == pytest.approx(
        1, abs=1e-6
    )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_few_anchors_are_turned_as_well_as_the_whole_svd_turns_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    own, other = rng.normal(size=(2, 12, 40)) + rng.normal(size=(2, 1, 40))
    found = fit_rotation(own, other)
    assert np.allclose(found.matrix @ found.matrix.T, np.eye(40), atol=1e-5)
    centred, target = own - own.mean(axis=0), other - other.mean(axis=0)
    best, _ = orthogonal_procrustes(centred, target)
    misfits = [((centred @ matrix - target) ** 2).sum() for matrix in (found.matrix, best)]
    assert misfits[0] == pytest.approx(misfits[1], rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_distances_within_a_fold_stay_and_the_matrix_is_orthogonal(seed: int) -> None:
    rng = np.random.default_rng(seed)
    own, other = rng.normal(size=(2, 20, 8))
    found = fit_rotation(own, other)
    assert np.allclose(found.matrix @ found.matrix.T, np.eye(8), atol=1e-5)
    turned = (own - found.mean) @ found.matrix
    assert np.allclose(
        np.linalg.norm(turned[0] - turned[1:], axis=1), np.linalg.norm(own[0] - own[1:], axis=1), atol=1e-4
    )


def test_noise_is_explained_by_a_rotation_only_on_the_anchors_it_was_fitted_to() -> None:
    own, other = np.random.default_rng(0).normal(size=(2, 30, 100))
    mean = other.mean(axis=0)
    assert explained(fit_rotation(own, other), own, other, mean) > 0.5
    assert explained_held_out(own, other, 0) < 0


def test_the_file_of_an_alignment_gives_it_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    given = align({2: rng.normal(size=(9, 5)), 4: rng.normal(size=(9, 5))})
    write_alignment(tmp_path / "a.safetensors", given)
    found = read_alignment(tmp_path / "a.safetensors")
    assert found.reference == given.reference == 2 and sorted(found.rotations) == [2, 4]
    vectors = rng.normal(size=(3, 5))
    assert np.array_equal(found.apply(4, vectors), given.apply(4, vectors))


def test_a_file_that_is_no_alignment_and_another_training_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"torn")
    with pytest.raises(InputError, match="a.safetensors"):
        read_alignment(path)
    save_file({"weight": np.zeros(3, np.float32)}, path)
    with pytest.raises(InputError, match="a file of align_networks is expected"):
        read_alignment(path)
    one = Alignment({0: Rotation.identity(np.zeros(4, np.float32))}, 0)
    with pytest.raises(InputError, match="no fold 1, only 0"):
        one.apply(1, np.zeros((2, 4)))
    with pytest.raises(InputError, match="embeddings of 4 numbers, not 5"):
        one.apply(0, np.zeros((2, 5)))


@given(counts=st.lists(st.integers(0, 50), min_size=1, max_size=12), limit=st.integers(0, 200))
def test_shares_are_equal_where_there_is_enough(counts: list[int], limit: int) -> None:
    found = equal_shares(np.array(counts), limit)
    assert found.sum() == min(limit, sum(counts))
    assert (found <= counts).all() and (found >= 0).all()
    short = found < counts
    if short.any():
        assert found.max() <= found[short].min() + 1


def split_of(cells: int) -> pd.DataFrame:
    rows = [
        {
            "Label_Dose": dose, "Label_Time": time, "Metadata_Plate": "P", "Metadata_Replicate": replicate, "Usable": cell % 5 > 0,
            "Metadata_CellID": f"{dose}{time}{replicate}_{cell}", "Crop_Shard": f"{dose}{time}{replicate}.arrow", "Crop_Row": cell,
        }
        for dose in ("vehicle", "1") for time in ("4", "8") for replicate in ("1", "2") for cell in range(cells)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_anchors_are_spread_over_dose_time_and_replicate_and_do_not_depend_on_the_order_of_rows() -> None:
    split = split_of(20)
    found = stratified(split, 40, seed=3)
    assert (found.groupby(list(STRATA)).size() == 5).all() and found["Usable"].all()
    shuffled = stratified(split.sample(frac=1, random_state=0), 40, seed=3)
    assert found["Metadata_CellID"].tolist() == shuffled["Metadata_CellID"].tolist()
    assert found["Metadata_CellID"].tolist() != stratified(split, 40, seed=4)["Metadata_CellID"].tolist()
    with pytest.raises(InputError, match="no usable cell"):
        stratified(split.assign(Usable=False), 40, seed=3)


@pytest.mark.parametrize("folds", [1, 3])
def test_align_networks_writes_rotations_of_all_folds_and_its_anchors(tmp_path: Path, folds: int) -> None:
    screen = make_screen(tmp_path, cells=4, folds=folds)
    out = {
        "out": tmp_path / "a.safetensors",
        "table_out": tmp_path / "a.parquet",
        "anchors_out": tmp_path / "b.parquet",
    }
    printed = run(
        align_networks.main,
        *arguments(screen, *PARTS),
        *arguments(out, *out),
        "--anchors",
        18,
        "--batch_size",
        5,
    )
    assert f"fold {folds} of {folds}: {min(18, folds * 18)} anchors" in printed
    alignment, table, anchors = (
        read_alignment(out["out"]),
        read_table(out["table_out"]),
        read_table(out["anchors_out"]),
    )
    assert sorted(alignment.rotations) == list(range(folds)) and alignment.dimensions == 512
    assert np.array_equal(alignment.rotations[0].matrix, np.eye(512))
    assert table["Fold"].tolist() == list(range(folds)) and (table["N_Anchors"] == 18).all()
    assert table["R2"].iloc[0] == table["R2_HeldOut"].iloc[0] == 1
    assert (table["R2"] <= 1 + 1e-6).all()
    assert (
        len(anchors) == 18
        and anchors["Label_Dose"].nunique() == 3
        and anchors["Metadata_Replicate"].nunique() == folds
    )


def test_the_same_network_in_two_folds_needs_no_rotation(tmp_path: Path) -> None:
    screen = make_screen(tmp_path, cells=4)
    for suffix in (".safetensors",):
        shutil.copy(
            screen["networks"] / f"trained_fold0{suffix}", screen["networks"] / f"trained_fold1{suffix}"
        )
    out = {
        "out": tmp_path / "a.safetensors",
        "table_out": tmp_path / "a.parquet",
        "anchors_out": tmp_path / "b.parquet",
    }
    run(align_networks.main, *arguments(screen, *PARTS), *arguments(out, *out))
    table = read_table(out["table_out"])
    assert table["R2"].to_numpy() == pytest.approx(1, abs=1e-4)
    assert table["R2_HeldOut"].to_numpy() == pytest.approx(1, abs=0.05)
