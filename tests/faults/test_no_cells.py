"""Screens without cells, or with cells in vehicle wells alone, go from pixels to the page, which says so."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from faults.tasks import PLATE, in_process, make_results, tasks_on, write_plane_sheets
from morphodose.tables import read_table

pytestmark = pytest.mark.slow

STEPS = ("project_z A01", "project_z A02", "qc_images A01", "qc_images A02", "stage_weights", "segment_cells", "measure_cells A01",
         "measure_cells A02", "crop_cells A01", "crop_cells A02", "call_death", "annotate_cells", "profile_wells", "fit_responses",
         "reduce_features", "profile_features", "export_anndata", "report")  # fmt: skip


def screen_without_cells(folder: Path, wells: str) -> Path:
    """The results of all steps on a plate of two wells, of which some have the noise of a camera alone."""
    in_process("simulate_plate", "--out", folder / "plate", *PLATE.split())
    rng = np.random.default_rng(1)
    for path in sorted((folder / "plate" / "images").glob(f"*/W000{wells}*.tif")):
        plane = tifffile.imread(path)
        dark = np.percentile(plane, 1)
        noise = rng.normal(dark, max(2.0, dark**0.5 / 2), plane.shape)
        tifffile.imwrite(path, noise.round().clip(0).astype(plane.dtype), compression="zlib")
    tasks = tasks_on(folder)
    make_results(folder, {"check_design": tasks["check_design"]})
    write_plane_sheets(folder)
    make_results(folder, {name: tasks[name] for name in STEPS})
    return folder / "made"


@pytest.mark.parametrize(
    ("wells", "with_cells", "words"),
    [
        ("?", [], ("Were cells found?", "no cell was found in any well", "Cells lost: not known")),
        ("2", ["A01"], ("100 % of the cells are lost against vehicle", "no EC50, refused")),
    ],
)
def test_wells_without_cells_reach_the_page(
    wells: str, with_cells: list[str], words: tuple[str, ...], tmp_path: Path
) -> None:
    made = screen_without_cells(tmp_path, wells)
    found = read_table(made / "profile_wells" / "wells.parquet").set_index("Metadata_Well")["Count_Cells"]
    assert list(found.index[found > 0]) == with_cells and len(found) == 2
    page = html.unescape((made / "report" / "report.html").read_text(encoding="utf-8"))
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert all(each in said for each in words), [each for each in words if each not in said]
