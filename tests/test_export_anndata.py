"""Cells and wells as AnnData, opened with anndata."""

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest

from morphodose.export import h5ad
from morphodose.tables import write_table
from reduction_tables import screen
from stats_tables import run, succeed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A screen, its reductions and profiles; well A02 has no embeddings, and one state is missing."""
    tmp = screen(tmp_path_factory.mktemp("export"), cells=12)
    (tmp / "embeddings" / "Time_4hrs_R1_Well_A02_embeddings.parquet").unlink()
    path = tmp / "cells" / "Time_4hrs_R1_Well_A01.parquet"
    frame = pd.read_parquet(path)
    frame["Metadata_DeathState"] = ["necrotic", None, *["viable"] * 10]
    write_table(frame, path, {"Cells_AreaShape_Area": "um2", "Metadata_Timepoint": "h"})
    places = ["--cells", tmp / "cells", "--embeddings", tmp / "embeddings", "--images", tmp / "images"]
    for kind in ("classical", "deep"):
        succeed("reduce_features", "--set", kind, *places, "--umap_cells", 0, "--out", tmp / "reduced" / kind)
    sample = pd.read_parquet(tmp / "reduced" / "deep" / "pca" / "Time_4hrs_R1_Well_A03.parquet")
    keys = [name for name in sample if name.startswith("Metadata_")]
    flat = sample[keys].assign(UMAP_1=np.arange(12.0), UMAP_2=-np.arange(12.0))[::2]
    write_table(flat, tmp / "reduced" / "deep" / "umap.parquet")
    succeed("profile_features", *places, "--null_size", 100, "--resamples", 100, "--out", tmp / "out")
    succeed(
        "export_anndata", "--cells", tmp / "cells", "--wells", tmp / "wells.parquet",
        "--reduced", tmp / "reduced", "--profiles", tmp / "out" / "profiles", "--out", tmp / "h5ad",
    )  # fmt: skip
    return tmp


@pytest.fixture(scope="module")
def cells(folder):
    return anndata.read_h5ad(folder / "h5ad" / "cells.h5ad")


@pytest.fixture(scope="module")
def wells(folder):
    return anndata.read_h5ad(folder / "h5ad" / "wells.h5ad")


def table(folder):
    files = sorted((folder / "cells").glob("*.parquet"))
    return pd.concat([pd.read_parquet(file) for file in files]).set_index("Metadata_CellID")


@pytest.mark.slow
def test_every_cell_is_there_with_its_features_as_measured(folder, cells):
    expected = table(folder)
    assert list(cells.obs_names) == list(expected.index)
    assert cells.X.dtype == np.float32
    assert "Cells_AreaShape_Area" in cells.var_names and "Cells_AreaShape_Center_X" not in cells.var_names
    np.testing.assert_array_equal(cells.X, expected[list(cells.var_names)].to_numpy(np.float32))
    assert cells.var.loc["Cells_AreaShape_Area", "unit"] == "um2"
    assert pd.isna(cells.var.loc["Cells_Texture_Noise_V", "unit"])


def test_doses_and_times_are_numbers_and_categories_are_those_in_use(folder, cells):
    expected = table(folder)
    obs = cells.obs
    assert obs["Metadata_Dose"].dtype == float and obs["Metadata_Timepoint"].dtype == float
    assert list(obs["Metadata_Dose"]) == list(expected["Metadata_Dose"])
    assert obs["Metadata_Field"].dtype == np.int64
    assert list(obs["Metadata_Replicate"].cat.categories) == ["1", "2"]
    states = obs["Metadata_DeathState"]
    assert list(states.cat.categories) == ["necrotic", "viable"]
    assert states.isna().sum() == 1
    assert pd.isna(states["Time_4hrs_R1_Well_A01_Field_1_obj2"])


def test_coordinates_belong_to_their_cells_and_are_nan_elsewhere(folder, cells):
    deep = pd.DataFrame(cells.obsm["X_pca_deep"], index=cells.obs_names)
    missing = deep.index[deep.isna().all(axis=1)]
    assert len(missing) == 12 and all("Time_4hrs_R1_Well_A02" in name for name in missing)
    saved = pd.read_parquet(folder / "reduced" / "deep" / "pca" / "Time_24hrs_R2_Well_A04.parquet")
    found = deep.loc[saved["Metadata_CellID"]].to_numpy()
    np.testing.assert_array_equal(found, saved[[f"PC_{n}" for n in range(1, 7)]].to_numpy(np.float32))
    umap = pd.DataFrame(cells.obsm["X_umap_deep"], index=cells.obs_names).dropna()
    assert list(umap[0]) == [0, 2, 4, 6, 8, 10] and list(umap[1]) == [0, -2, -4, -6, -8, -10]
    assert "X_umap_classical" not in cells.obsm and cells.obsm["X_pca_classical"].shape == (192, 4)


def test_wells_have_profiles_counts_and_the_set_of_each_feature(folder, wells):
    expected = pd.read_parquet(folder / "out" / "profiles" / "joint.parquet")
    assert wells.n_obs == 16 and set(wells.var["set"]) == {"classical", "deep"}
    assert wells.obs["Count_Cells"].dtype == np.int64 and (wells.obs["Count_Cells"] == 12).all()
    assert np.isnan(wells["Time_4hrs_R1_Well_A02"].X).all()
    row = expected[
        (expected["Metadata_Acquisition"] == "Time_24hrs_R1") & (expected["Metadata_Well"] == "A04")
    ]
    values = row[list(wells.var_names)].to_numpy(np.float32)
    np.testing.assert_array_equal(wells["Time_24hrs_R1_Well_A04"].X, values)
    assert wells.var.loc["Cells_AreaShape_Area", "unit"] == "um2"
    assert wells.uns["X"].startswith("profiles of the set joint")


def test_the_files_are_read_backed_and_written_again_by_anndata(folder, tmp_path):
    backed = anndata.read_h5ad(folder / "h5ad" / "cells.h5ad", backed="r")
    assert backed[:3].X[:].shape == (3, 4)
    backed.file.close()
    anndata.read_h5ad(folder / "h5ad" / "wells.h5ad").write_h5ad(tmp_path / "again.h5ad")
    assert anndata.read_h5ad(tmp_path / "again.h5ad").n_obs == 16


def test_without_reductions_and_profiles_the_metadata_are_there(folder, tmp_path):
    succeed(
        "export_anndata", "--cells", folder / "cells", "--wells", folder / "wells.parquet", "--out", tmp_path
    )
    assert anndata.read_h5ad(tmp_path / "cells.h5ad").shape == (192, 0)
    assert anndata.read_h5ad(tmp_path / "wells.h5ad").shape == (16, 0)


def test_a_reduction_without_coordinates_is_refused(folder, tmp_path):
    (tmp_path / "deep").mkdir()
    done = run(
        "export_anndata", "--cells", folder / "cells", "--wells", folder / "wells.parquet",
        "--reduced", tmp_path, "--out", tmp_path / "x",
    )  # fmt: skip
    assert done.returncode == 1 and "no pca/*.parquet" in done.stderr
    assert not list((tmp_path / "x").glob("*")) if (tmp_path / "x").exists() else True


def test_a_column_with_a_slash_does_not_become_a_folder(tmp_path):
    with h5py.File(tmp_path / "a.h5ad", "w") as file:
        h5ad.start(file, pd.DataFrame(index=pd.Index([], dtype=object)), {})
        obs = pd.DataFrame({h5ad.key("Metadata_ug/ml"): ["x", None]}, ["a", "b"], dtype=object)
        h5ad.write_frame(file, "obs", obs)
        h5ad.matrix(file, "X", 2, 0)
    found = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert list(found.obs.columns) == ["Metadata_ug_ml"] and found.obs["Metadata_ug_ml"].isna().sum() == 1
