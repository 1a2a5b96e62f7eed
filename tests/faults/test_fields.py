"""Fields without a cell, with one, and with five thousand: what follows the network, and the measurement."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from faults.tasks import in_process
from morphodose.imaging.images import Field, read_labels, write_field, write_labels
from morphodose.keys import parse_keys
from morphodose.segmentation.border import border_labels, without_labels
from morphodose.segmentation.from_nuclei import grow_cells
from morphodose.segmentation.match import match_nuclei
from morphodose.segmentation.objects import object_table
from morphodose.segmentation.overlay import overlay, write_png
from morphodose.tables import read_table
from one_well import KEYS, WELL

EDGE, PITCH, RADIUS = 1460, 20, 8
Masks = tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]


def discs(count: int, edge: int = EDGE) -> Masks:
    """Masks of `count` cells on a grid, and of a nucleus in each; the labels have gaps."""
    cells, nuclei = np.zeros((edge, edge), np.int32), np.zeros((edge, edge), np.int32)
    y, x = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    disc, inner = x**2 + y**2 <= RADIUS**2, x**2 + y**2 <= (RADIUS // 2) ** 2
    places = [
        (cy, cx) for cy in range(PITCH, edge - PITCH, PITCH) for cx in range(PITCH, edge - PITCH, PITCH)
    ]
    for number, (cy, cx) in enumerate(places[:count], 1):
        window = np.s_[cy - RADIUS : cy + RADIUS + 1, cx - RADIUS : cx + RADIUS + 1]
        cells[window][disc] = 2 * number
        nuclei[window][inner] = 3 * number
    assert len(np.unique(cells)) == count + 1
    return cells, nuclei


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_what_follows_the_network_holds_for_any_number_of_cells(count: int, tmp_path: Path) -> None:
    cells, nuclei = discs(count)
    cells[0, :3] = cells.max() + 1  # and one at the border, which is left out
    matched = match_nuclei(cells, nuclei)
    border = border_labels(matched.cells)
    assert len(border) == 1
    inner, inner_nuclei = (without_labels(mask, border) for mask in (matched.cells, matched.nuclei))
    labels = [int(label) for label in np.unique(inner) if label]
    assert len(labels) == count
    assert set(np.unique(inner_nuclei)) <= {0, *labels}
    keys = parse_keys(KEYS).columns(f"{WELL}_Field_1")
    table = object_table(inner, keys, dict.fromkeys(labels, 1), dict.fromkeys(labels, "cellpose"), 0.65)
    assert list(table["Metadata_ObjectLabel"]) == labels
    grown = grow_cells(inner_nuclei, 4)
    assert len(np.unique(grown)) == count + 1
    image = np.where(inner > 0, 900, 100).astype(np.uint16)
    write_png(tmp_path / "overlay.png", overlay(image, image, inner, inner_nuclei, np.zeros_like(inner)))
    write_labels(tmp_path / "cells.tif", inner)
    assert np.array_equal(read_labels(tmp_path / "cells.tif"), inner)


@pytest.mark.parametrize("count", [0, 1, pytest.param(5000, marks=pytest.mark.slow)])
def test_any_number_of_cells_is_measured_a_row_a_cell(count: int, tmp_path: Path) -> None:
    cells, nuclei = discs(count)
    nuclei = np.where(nuclei > 0, cells, 0)
    random = np.random.default_rng(1)
    image = (random.normal(100, 5, cells.shape) + 300 * (cells > 0) + 300 * (nuclei > 0)).astype(np.uint16)
    name = f"{WELL}_Field_1"
    write_field(tmp_path / WELL / f"{name}.ome.tiff", Field(image[None], ("Hoechst",), 0.65))
    write_labels(tmp_path / WELL / f"{name}_cells.tif", cells)
    write_labels(tmp_path / WELL / f"{name}_nuclei.tif", nuclei)
    families = "sizeshape,intensity,neighbors"
    in_process("measure_cells", "--keys", json.dumps(KEYS), "--images", tmp_path, "--masks", tmp_path,
               "--features", families, "--out", tmp_path)  # fmt: skip
    table = read_table(tmp_path / f"{WELL}.parquet")
    assert list(table["Metadata_ObjectLabel"]) == [2 * number for number in range(1, count + 1)]
    if not count:
        return
    areas = table["Cells_AreaShape_Area"] / 0.65**2
    assert np.allclose(areas, np.count_nonzero(cells == 2))
    brightness = np.bincount(cells.ravel(), image.ravel())[2::2] / np.bincount(cells.ravel())[2::2]
    assert np.allclose(table["Cells_Intensity_MeanIntensity_Hoechst"], brightness, rtol=1e-5)
