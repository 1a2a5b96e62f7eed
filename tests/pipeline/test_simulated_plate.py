"""The demo plate; a second one, and the first with networks, in `make test-plates`: what is found against what was put in."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

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
from pipeline.tables import assert_anndata, assert_found, assert_held_out, assert_nothing_claimed

pytestmark = pytest.mark.pipeline


class Demo(NamedTuple):
    """A run of the demo profile on a demo plate, the truth of that plate, and whether networks were trained."""

    run: Run
    truth: Path
    deep: bool


#: Seed, and whether networks are trained: their steps run in test_every_step.py, and here in `make test-plates`.
DEMOS = [
    pytest.param((1, False), id="seed 1"),
    pytest.param((2, False), id="seed 2", marks=pytest.mark.plates),
    pytest.param((1, True), id="seed 1 with networks", marks=pytest.mark.plates),
]
with_networks = pytest.mark.parametrize("demo", DEMOS[2:], indirect=True)


@pytest.fixture(scope="module", params=DEMOS)
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    seed, deep = request.param
    folder = tmp_path_factory.mktemp("demo")
    plate = simulate(folder / "demo" / "plate", "--preset", "demo", "--seed", str(seed)).parent
    finished = run(folder, "-profile", "demo", *([] if deep else ["--deep", "false"]))
    assert finished.status == 0, finished.output
    return Demo(finished, plate / "truth", deep)


def test_what_is_found_is_what_was_put_in(demo: Demo) -> None:
    finished, truth, _ = demo
    found = compare(finished.outdir, truth)
    print(found.text())
    assert_found(found)


def test_a_cell_id_leads_from_a_row_to_its_pixels(demo: Demo) -> None:
    finished = demo.run
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


def test_tables_and_report_see_the_masks_and_focus_curves(demo: Demo) -> None:
    finished = demo.run
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


def test_projected_fields_open_with_their_channel_names(demo: Demo) -> None:
    import ome_types

    finished = demo.run
    path = next((finished.outdir / "projected").rglob("*.ome.tiff"))
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_ome
        assert tiff.series[0].axes == "CYX"
    channels = ome_types.from_tiff(path).images[0].pixels.channels
    assert [channel.name for channel in channels] == ["Brightfield", "Hoechst", "CellMask", "AnnexinV", "PI"]


@with_networks
def test_networks_hold_each_replicate_out_and_claim_nothing(demo: Demo) -> None:
    assert_held_out(demo.run.outdir, replicates=3, length=2048)
    # the demo has one layout on all its replicates: a place tells the dose
    assert_nothing_claimed(demo.run.outdir)


def test_the_report_with_the_cost_of_its_run_opens_in_a_browser_without_a_fault(
    demo: Demo,
) -> None:
    page = demo.run.outdir / "report" / "report.html"
    assert "Core-hours" in page.read_text()  # which lib/cost.nf writes into the page after the run
    assert report_problems(page) == []


def test_cells_and_wells_open_as_anndata(demo: Demo) -> None:
    import anndata

    wells = anndata.read_h5ad(demo.run.outdir / "anndata" / "wells.h5ad")
    assert wells.n_obs == 48
    assert_anndata(demo.run.outdir, ("classical", "deep", "joint") if demo.deep else ("classical",))
