"""The command that reduces features, on a small screen."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.preprocessing import MinMaxScaler

from morphodose.cells.cellset import open_cells
from morphodose.cells.fields import read_fields
from morphodose.errors import InputError
from morphodose.reduction.fit import ReductionSettings, fit
from morphodose.reduction.projection import read_projection
from morphodose.tables import write_table
from reduction_tables import keys, screen, write_embeddings
from stats_tables import run, succeed


def reduce(folder, out, *options, kind="classical"):
    return succeed(
        "reduce_features", "--set", kind, "--cells", folder / "cells", "--embeddings", folder / "embeddings",
        "--images", folder / "images", "--out", out, "--umap_cells", 0, *options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return screen(tmp_path_factory.mktemp("screen"))


@pytest.fixture(scope="module")
def reduced(folder):
    for kind in ("classical", "deep", "joint"):
        reduce(folder, folder / "reduced" / kind, kind=kind)
    return folder / "reduced"


def coordinates(folder):
    files = sorted(folder.glob("*.parquet"))
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def test_coordinates_are_those_of_scikit_learn_on_the_standardised_features(folder, reduced):
    cells = coordinates(folder / "cells")
    names = [
        "Cells_AreaShape_Area",
        "Cells_Intensity_Mean_V",
        "Cells_Texture_Noise_V",
        "Nuclei_Intensity_Gap_V",
    ]
    values = cells[names].astype(float)
    values = values.fillna(values[cells["Metadata_Role"] == "vehicle"].mean())
    values = (values - values.mean()) / values.std()
    exact = PCA(svd_solver="full").fit(values.to_numpy())
    found = coordinates(reduced / "classical" / "pca")
    assert list(found["Metadata_CellID"]) == list(cells["Metadata_CellID"])
    points = found[[f"PC_{n}" for n in range(1, 5)]].to_numpy()
    assert points == pytest.approx(exact.transform(values.to_numpy()), abs=1e-4)
    explained = pd.read_parquet(reduced / "classical" / "explained_variance.parquet")
    assert explained["Ratio"].to_numpy() == pytest.approx(exact.explained_variance_ratio_, abs=1e-6)
    assert explained["Cumulative"].iloc[-1] == pytest.approx(1, abs=1e-6)
    loadings = pd.read_parquet(reduced / "classical" / "pca_loadings.parquet")
    wide = loadings.pivot(index="Component", columns="Feature", values="Loading")[names].to_numpy()
    assert wide == pytest.approx(exact.components_, abs=1e-4)


@pytest.mark.parametrize("kind", ["classical", "deep"])
def test_selection_and_components_are_those_of_scikit_learn(folder, kind):
    """SelectKBest(chi2) on features scaled to 0 … 1, then PCA: as the reference workflow has it."""
    given = open_cells(kind, folder / "cells", folder / "embeddings", read_fields(folder / "images"))
    fitted = fit(given, ReductionSettings(top=3, components=2))
    blocks = [block for well in given.wells for block in given.blocks(well)]
    values = np.concatenate([block.values for block in blocks]).astype(float)
    classes = np.concatenate([given.of_fields.codes["dose"][block.fields] for block in blocks])
    values = np.where(np.isnan(values), [choice.fill for choice in fitted.choices], values)
    ranked = [n for n, choice in enumerate(fitted.choices) if not choice.reason or "rank" in choice.reason]
    assert len(ranked) > 3
    scaled, labelled = MinMaxScaler().fit_transform(values[:, ranked]), classes >= 0
    best = SelectKBest(chi2, k=3).fit(scaled[labelled], classes[labelled])
    chosen = np.array(ranked)[best.get_support()]
    assert list(fitted.projection.features) == [given.features[n] for n in chosen]
    # measurements have units of their own; embeddings share theirs
    deviations = values[:, chosen].std(axis=0, ddof=1)
    scale = deviations if kind == "classical" else np.sqrt((deviations**2).mean())
    exact = PCA(2, svd_solver="full").fit(values[:, chosen] / scale)
    found = np.concatenate([fitted.projection.project(block.values[:, chosen]) for block in blocks])
    assert found == pytest.approx(exact.transform(values[:, chosen] / scale), abs=2e-3)
    assert fitted.components.ratio == pytest.approx(exact.explained_variance_ratio_, abs=1e-5)


def test_the_reference_keeps_800_features_and_20_components_unless_told_otherwise():
    from reduce_features import sizes

    assert sizes(None, None, "reference") == (800, 20)
    assert sizes(None, None, "modern") == (500, 50)
    assert sizes(300, None, "reference") == (300, 20) and sizes(None, 5, "reference") == (800, 5)


def test_features_that_follow_the_dose_rank_first_and_the_rest_have_reasons(folder, tmp_path):
    reduce(folder, tmp_path, "--select_features", 2)
    table = pd.read_parquet(tmp_path / "selected_features.parquet").set_index("Feature")
    assert set(table.index[table["Selected"]]) == {"Cells_AreaShape_Area", "Cells_Intensity_Mean_V"}
    assert table.loc["Cells_Texture_Same_V", "Reason"] == "no variance"
    assert table.loc["Cells_Texture_Noise_V", "Reason"].startswith("chi-squared rank")
    assert table.loc["Nuclei_Intensity_Gap_V", "Missing"] == pytest.approx(0.1, abs=1e-6)


def two_cell_lines(folder):
    """Line X and Y with features that rise in X and fall in Y, that only tell the lines apart, and noise.

    Line X has few cells at the low dose and Y few at the high one, so that what tells the lines apart follows
    the dose where they are pooled. DMSO of line X says so; the other vehicle well serves line Y.
    """
    rng = np.random.default_rng(3)
    images = []
    for well, line, role, dose, cells in (
        ("A01", "X", "vehicle", 0.0, 30), ("A02", None, "vehicle", 0.0, 30),
        ("B01", "X", "treated", 1.0, 5), ("B02", "X", "treated", 10.0, 60),
        ("B03", "Y", "treated", 1.0, 60), ("B04", "Y", "treated", 10.0, 5),
    ):  # fmt: skip
        of = keys("T", 24.0, "1", well, cells)
        step, other = np.log10(1 + dose), line != "X"
        numbers = {
            "Cells_Line": rng.normal(10 if other else 0, 1, cells),
            "Cells_Texture_Noise_V": rng.normal(0, 1, cells),
            "Cells_Opposite": rng.normal(-step if other else step, 0.3, cells),
            "Cells_Texture_Same_V": rng.normal(step, 0.3, cells),
        }
        write_table(pd.DataFrame(of | numbers), folder / "cells" / f"T_Well_{well}.parquet")
        first = {k: v[0] for k, v in of.items() if k not in ("Metadata_ObjectLabel", "Metadata_CellID")}
        labels = {"Metadata_Compound": "DMSO" if role == "vehicle" else "Drug", "Metadata_Dose": dose,
                  "Metadata_DoseUnit": "uM", "Metadata_Role": role, "Metadata_CellLine": line}  # fmt: skip
        images.append(first | labels)
    write_table(pd.DataFrame(images), folder / "images" / "T.parquet")
    return folder


def test_features_are_ranked_within_each_cell_line_with_its_own_vehicle(tmp_path):
    folder = two_cell_lines(tmp_path)
    succeed(
        "reduce_features", "--set", "classical", "--cells", folder / "cells", "--images", folder / "images",
        "--out", tmp_path / "auto", "--umap_cells", 0, "--select_features", 2, "--pca_components", 2,
    )  # fmt: skip
    table = pd.read_parquet(tmp_path / "auto" / "selected_features.parquet").set_index("Feature")
    assert set(table.index[table["Selected"]]) == {"Cells_Opposite", "Cells_Texture_Same_V"}
    cells = coordinates(folder / "cells")
    wells = cells["Metadata_Well"]
    names = ["Cells_Line", "Cells_Texture_Noise_V", "Cells_Opposite", "Cells_Texture_Same_V"]
    scaled = MinMaxScaler().fit_transform(cells[names])
    lines = [wells.isin(["A01", "B01", "B02"]), wells.isin(["A02", "B03", "B04"])]
    expected = sum(chi2(scaled[line], wells[line])[0] for line in lines)
    assert table.loc[names, "Chi2"].to_numpy() == pytest.approx(expected, rel=1e-4)
    record = json.loads((tmp_path / "auto" / "reduction.json").read_text())
    assert record["ranked_within"] == ["CellLine=X", "CellLine=Y"]
    # pooled, what tells the lines apart comes first
    pooled = fit(
        open_cells("classical", folder / "cells", None, read_fields(folder / "images", "none")),
        ReductionSettings(top=1),
    )
    assert pooled.projection.features == ("Cells_Line",)
    with pytest.raises(InputError, match="'Serum' is not a column of the plate map"):
        read_fields(folder / "images", "Serum")


def test_a_missing_value_looks_like_the_vehicle_of_its_own_cell_line(tmp_path):
    """The more of the drug, the fewer cells have it: filled with vehicle of both lines it would follow dose."""
    folder = two_cell_lines(tmp_path)
    shares = {"A01": 0, "A02": 0, "B01": 0.05, "B02": 0.3, "B03": 0.05, "B04": 0.3}
    for file in sorted((folder / "cells").glob("*.parquet")):
        cells = pd.read_parquet(file)
        lost = np.arange(len(cells)) < round(shares[cells["Metadata_Well"][0]] * len(cells))
        cells.loc[lost, "Cells_Line"] = np.nan
        write_table(cells, file)
    given = ["--set", "classical", "--cells", folder / "cells", "--images", folder / "images"]
    more = ["--umap_cells", 0, "--select_features", 0, "--pca_components", 3]
    succeed("reduce_features", *given, "--out", tmp_path / "auto", *more)
    table = pd.read_parquet(tmp_path / "auto" / "selected_features.parquet").set_index("Feature")
    cells = coordinates(folder / "cells")
    own = {
        line: cells.loc[cells["Metadata_Well"] == vehicle, "Cells_Line"].mean()
        for line, vehicle in (("X", "A01"), ("Y", "A02"))
    }
    assert own["Y"] - own["X"] == pytest.approx(10, abs=1)
    for line, mean in own.items():
        assert table.loc["Cells_Line", f"Fill_CellLine={line}"] == pytest.approx(mean, rel=1e-5)
    assert table.loc["Cells_Line", "Fill"] == pytest.approx(np.mean([*own.values()]), rel=1e-5)
    of_y = cells["Metadata_Well"].isin(["A02", "B03", "B04"])
    filled = cells["Cells_Line"].fillna(of_y.map({True: own["Y"], False: own["X"]}))
    assert table.loc["Cells_Line", "Mean"] == pytest.approx(filled.mean(), rel=1e-5)
    assert table.loc["Cells_Line", "Scale"] == pytest.approx(filled.std(), rel=1e-4)
    # nothing of it follows the dose: least of all features by far
    assert table.loc["Cells_Line", "Chi2"] < 0.05 * table.loc["Cells_Texture_Same_V", "Chi2"]
    names = list(table.index[table["Selected"]])
    standard = (cells.assign(Cells_Line=filled)[names] - table.loc[names, "Mean"]) / table.loc[names, "Scale"]
    found = coordinates(tmp_path / "auto" / "pca")[["PC_1", "PC_2", "PC_3"]]
    expected = PCA(3, svd_solver="full").fit(standard).transform(standard)
    assert np.abs(found.to_numpy()) == pytest.approx(np.abs(expected), abs=2e-3)
    # a model gives the same coordinates again; groups that it does not know have the fill of all
    succeed("reduce_features", *given, "--out", tmp_path / "again", *more, "--model", tmp_path / "auto")
    assert coordinates(tmp_path / "again" / "pca").equals(coordinates(tmp_path / "auto" / "pca"))
    projection = read_projection(tmp_path / "auto")
    nothing = np.full((1, len(names)), np.nan, np.float32)
    assert (projection.prepare(nothing, "CellLine=Z") == projection.prepare(nothing)).all()
    assert (projection.prepare(nothing, "CellLine=Y") != projection.prepare(nothing)).any()


def test_the_first_component_of_each_set_follows_the_dose(reduced):
    for kind in ("classical", "deep", "joint"):
        found = coordinates(reduced / kind / "pca")
        r = np.corrcoef(np.log1p(found["Metadata_Dose"]), found["PC_1"])[0, 1]
        assert abs(r) > 0.8, kind
        assert {"Metadata_Compound", "Metadata_Role"} <= set(found.columns)


@pytest.mark.parametrize("kind", ["classical", "deep", "joint"])
def test_the_same_plate_projected_has_the_same_coordinates(folder, reduced, tmp_path, kind):
    reduce(folder, tmp_path, "--model", reduced / kind, kind=kind)
    first, again = coordinates(reduced / kind / "pca"), coordinates(tmp_path / "pca")
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    # what the coordinates are made of lies beside them, and can be projected on again
    for name in ("pca_loadings", "selected_features", "explained_variance"):
        copied = tmp_path / f"{name}.parquet"
        assert copied.read_bytes() == (reduced / kind / copied.name).read_bytes()
    own, of_model = (
        json.loads((place / "reduction.json").read_text()) for place in (tmp_path, reduced / kind)
    )
    assert own["model"] == of_model and own["label"] == of_model["label"] == "dose"


def test_a_plate_without_a_feature_of_the_model_is_refused_by_its_name(folder, reduced, tmp_path):
    other = screen(tmp_path, times=(4.0,), replicates=("1",), cells=5)
    for file in (other / "cells").glob("*"):
        pd.read_parquet(file).drop(columns="Cells_Texture_Noise_V").to_parquet(file)
    done = run(
        "reduce_features", "--set", "classical", "--cells", other / "cells", "--images", other / "images",
        "--model", reduced / "classical", "--out", tmp_path / "x",
    )  # fmt: skip
    assert done.returncode == 1 and "'Cells_Texture_Noise_V'" in done.stderr


def test_a_model_of_another_set_or_without_its_tables_is_refused(folder, reduced, tmp_path):
    given = [
        "--cells",
        folder / "cells",
        "--embeddings",
        folder / "embeddings",
        "--images",
        folder / "images",
    ]
    # its features are all there, but not its scales
    done = run(
        "reduce_features", "--set", "joint", *given, "--model", reduced / "classical", "--out", tmp_path / "x"
    )
    assert done.returncode == 1 and "a model of the set 'classical'; --set joint needs its own" in done.stderr
    (tmp_path / "empty").mkdir()
    done = run(
        "reduce_features", "--set", "deep", *given, "--model", tmp_path / "empty", "--out", tmp_path / "x"
    )
    assert done.returncode == 1 and "no selected_features.parquet" in done.stderr


def test_cells_of_dropped_fields_and_cells_without_a_partner_take_no_part(tmp_path):
    folder = screen(tmp_path, times=(4.0,), replicates=("1",), cells=20)
    images = folder / "images" / "Time_4hrs_R1.parquet"
    frame = pd.read_parquet(images)
    frame.loc[frame["Metadata_Well"] == "A02", "Metadata_QCVerdict"] = "drop"
    frame.to_parquet(images)
    lone = keys("Time_4hrs_R1", 4.0, "1", "A03", 7)
    vectors = np.random.default_rng(1).normal(1, 0.1, (7, 6))
    write_embeddings(folder / "embeddings" / "Time_4hrs_R1_Well_A03_embeddings.parquet", lone, vectors)
    reduce(folder, tmp_path / "joint", kind="joint")
    found = coordinates(tmp_path / "joint" / "pca").groupby("Metadata_Well").size()
    assert dict(found) == {"A01": 20, "A03": 7, "A04": 20}
    assert json.loads((tmp_path / "joint" / "reduction.json").read_text())["cells"] == 47


@pytest.mark.slow
def test_the_map_shows_as_many_cells_of_each_condition_and_is_the_same_again(folder, tmp_path):
    for run_number in (1, 2):
        reduce(folder, tmp_path / str(run_number), "--umap_cells", 64, "--seed", 3, kind="deep")
    first, again = (pd.read_parquet(tmp_path / name / "umap.parquet") for name in ("1", "2"))
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert len(first) == 64 and np.isfinite(first[["UMAP_1", "UMAP_2"]]).all(axis=None)
    counts = first.groupby(["Metadata_Dose", "Metadata_Timepoint", "Metadata_Replicate"]).size()
    assert counts.max() - counts.min() <= 1 and len(counts) == 12
    record = json.loads((tmp_path / "1" / "reduction.json").read_text())
    assert record["umap"]["random_state"] == 3 and record["umap"]["cells"] == 64


def test_too_few_cells_for_a_map_leave_a_reason(tmp_path):
    folder = screen(tmp_path, times=(4.0,), replicates=("1",), cells=4)
    reduce(folder, tmp_path / "x", "--umap_cells", 100)
    record = json.loads((tmp_path / "x" / "reduction.json").read_text())
    assert record["umap_reason"] == "16 cells, fewer than 30"
    assert not (tmp_path / "x" / "umap.parquet").exists()


def test_a_field_that_no_table_of_images_knows_is_named(folder, tmp_path):
    frame = pd.read_parquet(folder / "images" / "Time_4hrs_R1.parquet")
    frame.to_parquet(tmp_path / "one.parquet")
    done = run(
        "reduce_features", "--set", "deep", "--embeddings", folder / "embeddings", "--images", tmp_path,
        "--out", tmp_path / "x",
    )  # fmt: skip
    assert done.returncode == 1 and "Time_24hrs_R1_Well_A01_Field_1' has no row" in done.stderr


def test_embeddings_of_another_width_are_refused(tmp_path):
    folder = screen(tmp_path, times=(4.0,), replicates=("1",), cells=5)
    of = keys("Time_4hrs_R1", 4.0, "1", "A04", 5)
    write_embeddings(folder / "embeddings" / "Time_4hrs_R1_Well_A04_embeddings.parquet", of, np.ones((5, 3)))
    done = run(
        "reduce_features", "--set", "deep", "--embeddings", folder / "embeddings", "--images", folder / "images",
        "--out", tmp_path / "x",
    )  # fmt: skip
    assert done.returncode == 1 and "embeddings of 3 numbers" in done.stderr


def test_a_set_without_its_folder_is_refused(folder, tmp_path):
    done = run(
        "reduce_features", "--set", "joint", "--cells", folder / "cells", "--images", folder / "images",
        "--out", tmp_path / "x",
    )  # fmt: skip
    assert done.returncode == 1 and "--set joint needs --embeddings" in done.stderr


def without_most_cells(folder, tmp_path, left):
    """The cells of a screen of which so many are left, in its first well."""
    (tmp_path / "cells").mkdir()
    for number, file in enumerate(sorted((folder / "cells").glob("*.parquet"))):
        pq.write_table(pq.read_table(file).slice(0, 0 if number else left), tmp_path / "cells" / file.name)
    return tmp_path / "cells"


@pytest.mark.parametrize("projected", [False, True])
def test_a_screen_without_a_cell_has_a_record_that_says_so_and_where_to_look(
    folder, reduced, tmp_path, projected
):
    done = run(
        "reduce_features", "--set", "classical", "--cells", without_most_cells(folder, tmp_path, 0),
        "--images", folder / "images", "--out", tmp_path / "x",
        *(["--model", reduced / "classical"] if projected else []),
    )  # fmt: skip
    assert done.returncode == 0 and "no cell was found in the whole screen" in done.stderr
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["reduction.json"]
    reason = json.loads((tmp_path / "x" / "reduction.json").read_text())["reason"]
    assert "overlays" in reason and "diameters" in reason


def test_a_single_cell_has_no_components_and_says_so_and_two_have_one(folder, tmp_path):
    for left in (1, 2):
        place = tmp_path / str(left)
        place.mkdir()
        done = run(
            "reduce_features", "--set", "classical", "--cells", without_most_cells(folder, place, left),
            "--images", folder / "images", "--out", place / "x",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        if left == 1:
            reason = json.loads((place / "x" / "reduction.json").read_text())["reason"]
            assert reason == "a single cell in fields that QC kept; at least two are needed"
        else:
            found = pd.concat(map(pd.read_parquet, (place / "x" / "pca").iterdir()))
            assert [name for name in found if name.startswith("PC")] == ["PC_1"] and len(found) == 2


def test_a_table_that_is_no_embedding_is_refused(folder, tmp_path):
    pq.write_table(pa.table({"Metadata_CellID": ["a"]}), tmp_path / "a_embeddings.parquet")
    done = run(
        "reduce_features", "--set", "deep", "--embeddings", tmp_path, "--images", folder / "images",
        "--out", tmp_path / "x",
    )  # fmt: skip
    assert done.returncode == 1 and "no column 'Embedding'" in done.stderr
