"""Diameters of cells and nuclei: the scale found, one value per plate, the command, what is said on failure."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from morphodose.imaging.images import Field, write_field
from morphodose.segmentation.common import SHIPPED
from morphodose.segmentation.diameter import LEAST_COVERED, MOST_ENLARGED, estimate_diameter, scales
from morphodose.segmentation.diameter_table import (
    complaints,
    diameters_of,
    estimate_plates,
    known_diameters,
    shared,
)
from morphodose.segmentation.from_nuclei import equivalent_diameters
from morphodose.segmentation.weights import REGISTRY, SHIPPED_FOLDER
from morphodose.simulate.field import render_field
from morphodose.tables import read_table

torch = pytest.importorskip("torch")
engine_module = pytest.importorskip("morphodose.segmentation.engine")
pair = engine_module.pair

WEIGHTS = SHIPPED_FOLDER / REGISTRY[SHIPPED].file


@pytest.fixture(scope="module")
def engine() -> object:
    torch.set_num_threads(1)
    return engine_module.Engine(WEIGHTS, torch.device("cpu"))


def simulated(diameter: float, size: int, seed: int = 1):
    """Images of cells and of nuclei, and the median diameters that are true."""
    full = size**2 / (1.15 * diameter**2)
    field = render_field(np.random.default_rng(seed), size=size, n_cells=0.6 * full, cell_diameter=diameter)
    planes = field.planes.max(axis=0)
    truth = [float(np.median(equivalent_diameters(labels))) for labels in (field.cells, field.nuclei)]
    return pair(planes[2], planes[1]), pair(planes[1]), *truth


@pytest.mark.parametrize(("diameter", "size"), [(15, 150), (30, 240), (60, 420), (120, 640), (200, 900)])
def test_cells_and_nuclei_of_any_size_are_found_at_theirs(engine: object, diameter: int, size: int) -> None:
    cells, nuclei, of_cells, of_nuclei = simulated(diameter, size)
    found = estimate_diameter(engine, [cells], "cells")
    assert found.diameter == pytest.approx(of_cells, rel=0.15)
    assert found.low < found.diameter < found.high
    assert found.coverage > 0.9
    if diameter in (15, 120):  # of 7 and 56 px
        assert estimate_diameter(engine, [nuclei], "nuclei").diameter == pytest.approx(of_nuclei, rel=0.15)


def test_no_diameter_of_an_empty_field_or_of_noise(engine: object) -> None:
    dark = pair(np.full((90, 80), 137, np.uint16))
    noise = pair(np.random.default_rng(0).normal(200, 10, (200, 200)))
    for field in (dark, noise):
        found = estimate_diameter(engine, [field], "cells")
        assert (found.diameter, found.state) == (0.0, "failed")
        assert found.reason


class Squares:
    """Segments what it is shown into squares of the edge that `edge_of` says, and notes what it was shown."""

    needs_diameter = True
    diam_mean = {"cells": 30.0, "nuclei": 17.0}

    def __init__(self, edge: float, share: float = 1.0) -> None:
        self.edge, self.share, self.shown = edge, share, []

    def segment(self, images, diameter, kind="cells", thresholds=None):
        self.shown.append(images[0].shape)
        height, width = images[0].shape[:2]
        at = [np.arange(length) // max(1, round(self.edge)) for length in (height, width)]
        mask = at[0][:, None] * (at[1].max() + 1) + at[1] + 1
        mask[round(self.share * height) :] = 0
        return [mask.astype(np.int32)]


def test_objects_that_leave_most_of_the_stain_uncovered_are_no_estimate() -> None:
    bright = np.zeros((400, 400))
    bright[:, ::2] = 100.0
    share = LEAST_COVERED / 2
    found = estimate_diameter(Squares(26, share), [pair(bright)])
    assert found.state == "failed"
    assert found.reason == f"the objects found cover {found.coverage:.0%} of the stain, 40% are needed"
    assert estimate_diameter(Squares(26), [pair(bright)]).diameter > 0


def test_cells_are_looked_for_at_one_to_six_diameters_of_their_nuclei() -> None:
    field = pair(np.random.default_rng(0).random((180, 180)))
    tried = {}
    for nucleus in (0.0, 10.0):
        network = Squares(27)  # of an area like that of a disc of 30 px: no scale is better than another
        estimate_diameter(network, [field], "cells", nucleus)
        tried[nucleus] = sorted(30 * 180 / max(shape) for shape in network.shown if max(shape) < 200)
    assert max(tried[0.0]) > 80
    assert min(tried[10.0]) >= 11
    assert max(tried[10.0]) <= 60


def test_objects_of_another_size_than_their_scale_are_looked_at_once_more_at_theirs() -> None:
    network = Squares(20)  # 22.6 px for the 30 that are expected, at every scale
    found = estimate_diameter(network, [pair(np.random.default_rng(0).random((180, 180)))])
    *_, last = network.shown
    coarsest = max(scales(30.0, 180))
    of_squares = 20 * np.sqrt(4 / np.pi) / 30
    assert found.diameter == pytest.approx(coarsest * of_squares**2, rel=0.1)
    assert max(last) == pytest.approx(180 * 30 / (coarsest * of_squares), rel=0.05)


def test_an_image_is_never_enlarged_beyond_the_cap_and_never_shown_whole_where_it_is_large() -> None:
    assert min(scales(30.0, 5000)) == 30 / MOST_ENLARGED
    assert max(scales(30.0, 600)) <= 400
    network = Squares(26)
    estimate_diameter(network, [pair(np.random.default_rng(0).random((900, 700)))])
    assert max(max(shape) for shape in network.shown) <= 210


def test_plates_that_agree_share_a_diameter_and_others_keep_theirs() -> None:
    assert shared({"P1": 40.0, "P2": 44.0, "P3": 85.0}) == {"P1": 42.0, "P2": 42.0, "P3": 85.0}
    assert shared({"P1": 40.04, "P2": 0.0}) == {"P1": 40.0, "P2": 40.0}
    assert shared({"P1": 0.0}) == {"P1": 0.0}


def written(folder: Path, plate: str, well: str, planes: np.ndarray) -> tuple[Path, dict[str, object]]:
    name = f"Time_4hrs_{plate}_Well_{well}"
    write_field(folder / name / f"{name}_Field_1.ome.tiff", Field(planes, ("Hoechst", "CellMask"), 0.5))
    keys = {"id": name, "plate": plate, "timepoint_h": 4, "replicate": "1", "acquisition": "a", "well": well}
    return folder / name, keys


@pytest.mark.slow
def test_the_command_states_a_diameter_a_plate_and_says_loudly_what_failed(tmp_path: Path) -> None:
    command = pytest.importorskip("estimate_diameters")
    fields = {
        # a plate of twice the magnification, and one whose wells are empty
        "P1": render_field(np.random.default_rng(2), size=240, n_cells=30, cell_diameter=30),
        "P2": render_field(np.random.default_rng(3), size=400, n_cells=25, cell_diameter=60),
        "P3": render_field(np.random.default_rng(4), size=200, n_cells=0),
    }
    made = [written(tmp_path, plate, "A01", f.planes.max(axis=0)[[1, 2]]) for plate, f in fields.items()]
    common = [*(str(folder) for folder, _ in made), "--keys", json.dumps([keys for _, keys in made])]
    common += ["--weights", str(WEIGHTS), "--nuclear_channel", "Hoechst", "--cell_channel", "CellMask"]
    common += ["--nuclear_diameter", "14", "--threads", "1", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(command.main, common, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    table = read_table(tmp_path / "out" / "diameters.parquet").set_index(["Metadata_Plate", "Object"])
    for plate in ("P1", "P2"):
        true = float(np.median(equivalent_diameters(fields[plate].cells)))
        assert table.loc[(plate, "cells"), "Diameter"] == pytest.approx(true, rel=0.15)
        assert table.loc[(plate, "cells"), "State"] == "estimated"
    assert table.loc[("P3", "cells"), "State"] == "other plates"
    assert set(table.xs("nuclei", level=1)["State"]) == {"given"}
    assert "THE DIAMETER OF CELLS ON PLATE P3 COULD NOT BE ESTIMATED" in done.output
    assert "give --diameter in px" in done.output
    used = json.loads((tmp_path / "out" / "diameters.json").read_text())
    sizes = {"cells": pytest.approx(table.loc[("P2", "cells"), "Diameter"]), "nuclei": 14.0}
    assert used["P2"] == {**sizes, "known": sizes}


def test_where_no_plate_can_be_told_nuclei_or_the_network_say_it(tmp_path: Path) -> None:
    dark = np.full((2, 80, 80), 100, np.uint16)
    folder, _ = written(tmp_path, "P1", "A01", dark)
    files = {"P1": list(folder.iterdir())}

    class Blind(Squares):
        def segment(self, images, diameter, kind="cells", thresholds=None):
            return [np.zeros(images[0].shape[:2], np.int32)]

    network = Blind(1)
    both = {"cells": network, "nuclei": network}
    table = estimate_plates(files, both, ("CellMask", "Hoechst"), {}).set_index("Object")
    assert table["Diameter"].to_dict() == {"cells": 30.0, "nuclei": 17.0}
    assert set(table["State"]) == {"failed"}
    guessed = table.reset_index()
    assert diameters_of(guessed) == {"P1": {"cells": 30.0, "nuclei": 17.0}}
    assert known_diameters(guessed) == {"P1": {"cells": 0.0, "nuclei": 0.0}}
    given = estimate_plates(files, both, ("CellMask", "Hoechst"), {"nuclei": 12.0})
    row = given.set_index("Object").loc["cells"]
    assert (row["Diameter"], row["State"]) == (24.0, "failed")
    assert "twice the diameter of the nuclei" in complaints(given)[0]
