"""A dose that makes the segmentation fail, from the pixels to the words of the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from morphodose.imaging.images import Field, write_field
from morphodose.report import verdict
from morphodose.report.checks import Check
from morphodose.report.inputs import ReportInputs, read_images, read_wells
from morphodose.report.segmented import AGREE, FOUND, MOVED, segmentation_checks
from morphodose.segmentation.common import SHIPPED
from morphodose.segmentation.weights import REGISTRY, SHIPPED_FOLDER
from morphodose.simulate.field import render_field
from report_screen import screen_of
from report_tables import Tables
from stats_tables import plate_map

pytest.importorskip("torch")

WEIGHTS = SHIPPED_FOLDER / REGISTRY[SHIPPED].file
CHANNELS = ("Hoechst", "CellMask")
#: Four wells each: all ways to exchange them are 70.
WELLS = {f"A{i:02d}": ("DMSO", 0, "vehicle") if i <= 4 else ("Drug", 10, "treated") for i in range(1, 9)}
ACQUISITION = "Time_4hrs_R1"


def needles(stain: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The cell stain of a well in which it fell out as a mat of needles, and no longer shows a cell."""
    dark = np.percentile(stain, 5)
    x = np.arange(stain.shape[1])
    return np.asarray(dark + 2000.0 * ((x // 6) % 2) + rng.normal(0, 10, stain.shape)).astype(np.uint16)


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As many cells in every well; at 10 µM the cell stain fails, the nuclear one does not."""
    folder = tmp_path_factory.mktemp("plate")
    entries = []
    for number, (well, (_, dose, _role)) in enumerate(WELLS.items()):
        rng = np.random.default_rng([7, number])
        made = render_field(rng, size=170, n_cells=30, cell_diameter=26)
        nuclei, stain = made.planes.max(axis=0)[[1, 2]]
        planes = np.stack([nuclei, needles(stain, rng) if dose else stain])
        name = f"{ACQUISITION}_Well_{well}"
        write_field(folder / "projected" / name / f"{name}_Field_1.ome.tiff", Field(planes, CHANNELS, None))
        keys = {"plate": "P", "timepoint_h": 4, "replicate": "1", "acquisition": ACQUISITION, "well": well}
        entries.append({"id": name, **keys})
    (folder / "keys.json").write_text(json.dumps(entries), encoding="utf-8")
    plate_map(folder / "map.csv", WELLS)
    return folder


def page_of(plate: Path, out: Path, method: str) -> ReportInputs:
    """Segment, measure, annotate and profile the plate in this process: what the report reads."""

    def do(command: str, *arguments: object) -> None:
        main = pytest.importorskip(command).main
        done = CliRunner().invoke(main, [str(each) for each in arguments], catch_exceptions=False)
        assert done.exit_code == 0, done.output

    folders = sorted((plate / "projected").iterdir())
    do("segment_cells", *folders, "--keys", plate / "keys.json", "--weights", WEIGHTS, "--cell_channel",
       "CellMask", "--nuclear_channel", "Hoechst", "--cell_method", method, "--diameter", 26,
       "--nuclear_diameter", 12, "--threads", 1, "--out", out / "masks")  # fmt: skip
    for entry in json.loads((plate / "keys.json").read_text()):
        do("measure_cells", "--images", plate / "projected", "--masks",
           out / "masks", "--keys", json.dumps(entry), "--features", "intensity",
           "--out", out / "measured")  # fmt: skip
    do("annotate_cells", "--measurements", out / "measured", "--plate_map", plate / "map.csv", "--masks",
       out / "masks", "--cells_out", out / "cells", "--images_out", out / "images" / "a.parquet")  # fmt: skip
    do("profile_wells", "--cells", out / "cells", "--images", out / "images", "--out", out / "wells.parquet")
    changes: dict[str, Any] = {
        "wells": read_wells(out / "wells.parquet"),
        "images": read_images([out / "images"]),
        "params": {"cell_method": method},
    }
    return screen_of(Tables(death=False, shapes=()), **changes)


def said(screen: ReportInputs) -> dict[str, Check]:
    return {check.question: check for check in segmentation_checks(screen)}


def test_cells_that_the_network_loses_with_the_dose_are_a_fault_with_its_fix(
    plate: Path, tmp_path: Path
) -> None:
    screen = page_of(plate, tmp_path, "cellpose")
    treated = screen.wells[screen.wells["Metadata_Role"] == "treated"]
    assert treated["Relative_CellCount"].mean() < 0.5
    assert treated["Relative_NucleiCount"].mean() == pytest.approx(1, abs=0.15)
    checks = said(screen)
    assert {checks[question].state for question in (FOUND, MOVED, AGREE)} == {"stop"}
    assert "Yes. Nuclei in no cell: " in checks[MOVED].answer
    assert "at 10 µM Drug, 4 h (" in checks[MOVED].answer
    assert "These cells are not gone" in checks[AGREE].answer
    fixes = " ".join(check.fix for check in checks.values())
    assert "--cell_method cellpose_completed" in fixes and "look at the overlays of Time_4hrs" in fixes
    assert verdict.headline(list(checks.values()))[0] == "Read with care"


def test_by_default_they_are_completed_and_the_page_says_how_many_and_that_the_dose_moves_it(
    plate: Path, tmp_path: Path
) -> None:
    screen = page_of(plate, tmp_path, "cellpose_completed")
    treated = screen.wells[screen.wells["Metadata_Role"] == "treated"]
    assert treated["Count_NucleiWithoutCell"].sum() <= 2  # crumbs seed no cell
    # grown cells are smaller than those that the network finds: fewer of them touch the border
    assert 0.9 < treated["Relative_CellCount"].mean() < 1.35
    checks = said(screen)
    assert re.match(r"Nuclei in no cell (0|<1|1) %; nuclei whose", checks[FOUND].answer)
    assert "nuclei whose cell was grown, since the network missed it" in checks[FOUND].answer
    assert checks[MOVED].state == "warn"
    assert "Nuclei whose cell was grown, since the network missed it: 0 % in vehicle" in checks[MOVED].answer
    assert checks[AGREE].state in ("ok", "none")  # of so few cells counts may be apart by chance
