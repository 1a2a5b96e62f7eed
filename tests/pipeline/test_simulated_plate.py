"""The demo plate, and a second one (`make test-plates`): what is found against what was put in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from browser import report_problems
from morphodose.imaging.images import read_field, read_labels
from morphodose.names import cell_id
from morphodose.simulate.compare import compare
from morphodose.tables import read_table
from pipeline.conftest import simulate
from pipeline.nextflow_runs import Run, run
from pipeline.tables import assert_found

pytestmark = pytest.mark.pipeline

with_networks = pytest.mark.parametrize("demo", [1], indirect=True, ids=["seed 1"])


@pytest.fixture(
    scope="module", params=[1, pytest.param(2, marks=pytest.mark.plates)], ids=["seed 1", "seed 2"]
)
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A run of the demo profile on a demo plate, and the truth of that plate; only the first has networks."""
    folder = tmp_path_factory.mktemp("demo")
    plate = simulate(folder / "demo" / "plate", "--preset", "demo", "--seed", str(request.param)).parent
    finished = run(folder, "-profile", "demo", *([] if request.param == 1 else ["--deep", "false"]))
    assert finished.status == 0, finished.output
    return finished, plate / "truth"


def test_what_is_found_is_what_was_put_in(demo: tuple[Run, Path]) -> None:
    finished, truth = demo
    found = compare(finished.outdir, truth)
    print(found.text())
    assert_found(found)


def test_a_cell_id_leads_from_a_row_to_its_pixels(demo: tuple[Run, Path]) -> None:
    finished, _ = demo
    tables = sorted((finished.outdir / "tables" / "cells").rglob("*.parquet"))
    for table in tables[::9]:
        cells = read_table(table)
        assert cells["Metadata_CellID"].is_unique
        for image, rows in cells.groupby("Metadata_ImageID"):
            mask = read_labels(next((finished.outdir / "segmented").rglob(f"{image}_cells.tif")))
            nuclei = read_labels(next((finished.outdir / "segmented").rglob(f"{image}_nuclei.tif")))
            field = read_field(next((finished.outdir / "projected").rglob(f"{image}.ome.tiff")))
            assert set(np.unique(mask)) - {0} == set(rows["Metadata_ObjectLabel"])
            for name, label in zip(rows["Metadata_CellID"], rows["Metadata_ObjectLabel"], strict=True):
                assert name == cell_id(str(image), label)
            labels = rows["Metadata_ObjectLabel"].to_numpy()
            area = ndimage.sum_labels(np.ones_like(mask), mask, labels) * field.pixel_size_um**2
            np.testing.assert_allclose(rows["Cells_AreaShape_Area"], area, rtol=1e-5)
            for compartment, regions in (("Cells", mask), ("Nuclei", nuclei)):
                for channel in field.channels:
                    mean = ndimage.mean(field.channel(channel).astype(float), regions, labels)
                    there = np.isin(labels, regions)
                    np.testing.assert_allclose(
                        rows[f"{compartment}_Intensity_MeanIntensity_{channel}"].to_numpy()[there],
                        np.asarray(mean)[there], rtol=1e-5,
                    )  # fmt: skip


def test_tables_and_report_see_the_masks_and_focus_curves(demo: tuple[Run, Path]) -> None:
    finished, _ = demo
    images = read_table(finished.outdir / "tables" / "images")
    assert (
        images["Count_Cells"].sum()
        == read_table(finished.outdir / "tables" / "wells.parquet")["Count_Cells"].sum()
    )
    assert images["Count_BorderCells"].sum() > 0
    page = (finished.outdir / "report" / "report.html").read_text()
    for words in (
        "no overlay of segment_cells was given",
        "of project_z was not given",
        "Not known in this copy",
    ):
        assert words not in page


def test_projected_fields_open_with_their_channel_names(demo: tuple[Run, Path]) -> None:
    import ome_types

    finished, _ = demo
    path = next((finished.outdir / "projected").rglob("*.ome.tiff"))
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_ome
        assert tiff.series[0].axes == "CYX"
    channels = ome_types.from_tiff(path).images[0].pixels.channels
    assert [channel.name for channel in channels] == ["Brightfield", "Hoechst", "CellMask", "AnnexinV", "PI"]


@with_networks
def test_every_cell_is_embedded_once_by_a_network_that_was_not_trained_on_it(demo: tuple[Run, Path]) -> None:
    finished, _ = demo
    tables = finished.outdir / "tables"
    keys = ["Metadata_CellID", "Metadata_Replicate", "Fold"]
    embedded = read_table(tables / "embeddings" / "trained", [*keys, "Embedding", "Predicted_Dose"])
    cells = read_table(tables / "cells", ["Metadata_CellID"])
    assert sorted(embedded["Metadata_CellID"]) == sorted(cells["Metadata_CellID"])
    assert set(embedded["Embedding"].map(len)) == {2048}
    # a fold holds one replicate out
    assert embedded.groupby("Fold")["Metadata_Replicate"].nunique().tolist() == [1, 1, 1]
    assert embedded["Predicted_Dose"].notna().all()
    leakage = read_table(finished.outdir / "networks" / "leakage.parquet")
    held_out = leakage[leakage["Verdict"] == "ok"]
    assert len(held_out) == 3
    assert (held_out[["Shared_Fields", "Shared_Wells", "Shared_Replicates"]] == 0).all(axis=None)


@with_networks
def test_what_a_network_may_claim_is_in_the_report(demo: tuple[Run, Path]) -> None:
    finished, _ = demo
    verdict = json.loads((finished.outdir / "tables" / "scores" / "model_verdict.json").read_text())
    # the demo has one layout on all its replicates: a place tells the dose
    assert verdict["dose"]["claim"] is False
    page = (finished.outdir / "report" / "report.html").read_text()
    for words in ("nothing is claimed", "Leakage check", "What was trained"):
        assert words in page


@with_networks
def test_the_report_with_the_cost_of_its_run_opens_in_a_browser_without_a_fault(
    demo: tuple[Run, Path],
) -> None:
    finished, _ = demo
    page = finished.outdir / "report" / "report.html"
    assert "Core-hours" in page.read_text()  # which lib/cost.nf writes into the page after the run
    assert report_problems(page) == []


@with_networks
def test_cells_and_wells_open_as_anndata(demo: tuple[Run, Path]) -> None:
    import anndata

    finished, _ = demo
    cells = anndata.read_h5ad(finished.outdir / "anndata" / "cells.h5ad")
    wells = anndata.read_h5ad(finished.outdir / "anndata" / "wells.h5ad")
    assert cells.n_obs == len(read_table(finished.outdir / "tables" / "cells", ["Metadata_CellID"]))
    assert wells.n_obs == 48
    assert {"X_pca_classical", "X_pca_deep", "X_pca_joint"} <= set(cells.obsm)
