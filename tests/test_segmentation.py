"""Masks after the network: matching, border, growth, tables, overlay, score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.measure import regionprops

from morphodose.segmentation.border import border_labels, without_labels
from morphodose.segmentation.complete import Completed, complete_cells
from morphodose.segmentation.from_nuclei import equivalent_diameters, grow_cells
from morphodose.segmentation.match import match_nuclei
from morphodose.segmentation.normalise import normalise
from morphodose.segmentation.objects import moments, object_table, object_units, perimeters
from morphodose.segmentation.overlay import CELL, LEFT_OUT, NUCLEUS, outlines, overlay, stretch, write_png
from morphodose.segmentation.percentiles import percentile_filter
from morphodose.segmentation.score import Score, iou_matrix, score
from morphodose.segmentation.well import _finish

KEYS = {"Metadata_ImageID": "Time_4hrs_R1_Well_A01_Field_1", "Metadata_Field": 1}
MASKS = hnp.arrays(np.int32, (9, 11), elements=st.integers(0, 6))


def disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.indices(shape)
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


# --- matching


def test_nucleus_takes_the_label_of_the_cell_it_overlaps_most() -> None:
    cells = np.array([[3, 3, 3, 9, 9, 9]])
    nuclei = np.array([[0, 5, 5, 5, 0, 0]])
    found = match_nuclei(cells, nuclei)
    assert found.nuclei.tolist() == [[0, 3, 3, 0, 0, 0]]  # cut where it reaches into cell 9
    assert found.cells.tolist() == cells.tolist()
    assert found.counts == {3: 1, 9: 0}
    assert found.orphans == 0


def test_every_nucleus_of_a_field_is_counted_once_wherever_it_lies() -> None:
    cells, nuclei = np.zeros((20, 30), np.int32), np.zeros((20, 30), np.int32)
    cells[0:8, 0:8], nuclei[2:5, 2:5] = 1, 1  # at the border
    cells[10:18, 4:14], nuclei[12:15, 6:8], nuclei[12:15, 10:12] = 2, 2, 3  # with two nuclei
    nuclei[5:9, 20:24] = 4  # in no cell
    found = _finish(Completed(cells, {1: "cellpose", 2: "cellpose"}), nuclei, 1).summary()
    names = ("Count_Nuclei", "Count_NucleiInBorderCells", "Count_NucleiWithoutCell")
    assert [found[name] for name in names] == [2, 1, 1]
    assert (found["Count_Cells"], found["Count_BorderCells"], found["Count_MultinucleateCells"]) == (1, 1, 1)


def test_nucleus_over_the_edge_of_its_cell_extends_it() -> None:
    found = match_nuclei(np.array([[4, 4, 0, 0]]), np.array([[0, 1, 1, 0]]))
    assert found.cells.tolist() == [[4, 4, 4, 0]]
    assert found.nuclei.tolist() == [[0, 4, 4, 0]]


def test_nucleus_that_only_touches_a_cell_is_an_orphan() -> None:
    found = match_nuclei(np.array([[1, 0, 0, 0, 0]]), np.array([[2, 2, 2, 2, 2]]))
    assert found.orphans == 1
    assert found.nuclei.max() == 0
    assert found.cells.tolist() == [[1, 0, 0, 0, 0]]
    assert found.counts == {1: 0}


def test_multinucleate_cell_keeps_all_nuclei_under_its_label() -> None:
    cells = np.full((5, 9), 2)
    nuclei = np.zeros((5, 9), int)
    nuclei[1:3, 1:3], nuclei[1:3, 6:8] = 7, 3
    found = match_nuclei(cells, nuclei)
    assert found.counts == {2: 2}
    assert np.array_equal(found.nuclei > 0, nuclei > 0)
    assert set(np.unique(found.nuclei)) == {0, 2}


def test_equal_overlap_goes_to_the_smaller_label() -> None:
    found = match_nuclei(np.array([[8, 8, 5, 5]]), np.array([[0, 1, 1, 0]]))
    assert found.counts == {5: 1, 8: 0}


@pytest.mark.parametrize("empty", ["cells", "nuclei", "both"])
def test_matching_of_empty_masks(empty: str) -> None:
    full, none = np.array([[0, 3, 3]]), np.zeros((1, 3), int)
    cells = none if empty in ("cells", "both") else full
    nuclei = none if empty in ("nuclei", "both") else full
    found = match_nuclei(cells, nuclei)
    assert found.nuclei.max() == 0
    assert found.orphans == (1 if empty == "cells" else 0)
    assert found.counts == ({3: 0} if empty == "nuclei" else {})


def test_one_pixel_nucleus_in_one_pixel_cell() -> None:
    mask = np.zeros((3, 3), int)
    mask[2, 2] = 70000
    found = match_nuclei(mask, (mask > 0).astype(int))
    assert found.nuclei[2, 2] == 70000
    assert found.counts == {70000: 1}


@given(cells=MASKS, nuclei=MASKS)
@settings(max_examples=60, deadline=None)
def test_nuclei_lie_in_their_cells_and_each_is_counted_once(cells: np.ndarray, nuclei: np.ndarray) -> None:
    found = match_nuclei(cells, nuclei)
    inside = found.nuclei > 0
    assert np.array_equal(found.cells[inside], found.nuclei[inside])
    assert np.array_equal(found.cells[cells > 0], cells[cells > 0])  # cells only grow over background
    assert sum(found.counts.values()) + found.orphans == len(np.unique(nuclei[nuclei > 0]))
    assert set(found.counts) == set(np.unique(cells[cells > 0]).tolist())


# --- border


def test_border_cells_are_those_on_the_outermost_rows_and_columns() -> None:
    mask = np.zeros((6, 6), int)
    mask[0, 2], mask[5, 0], mask[3, 5], mask[2:4, 2:4], mask[1, 1] = 4, 11, 2, 6, 9
    assert border_labels(mask).tolist() == [2, 4, 11]
    kept = without_labels(mask, border_labels(mask))
    assert sorted(np.unique(kept).tolist()) == [0, 6, 9]
    assert np.array_equal(kept == 6, mask == 6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2), (5, 4)])
def test_border_of_small_and_empty_masks(shape: tuple[int, int]) -> None:
    assert border_labels(np.zeros(shape, int)).size == 0
    full = np.ones(shape, int)
    assert border_labels(full).tolist() == [1]
    assert without_labels(full, np.array([1])).max() == 0


def test_taking_out_a_label_that_is_not_there_changes_nothing() -> None:
    mask = np.array([[0, 2], [2, 0]])
    assert np.array_equal(without_labels(mask, np.array([1, 99])), mask)


# --- growth from nuclei


def test_a_grown_nucleus_has_the_radius_of_nucleus_plus_distance() -> None:
    nuclei = disc((61, 61), (30, 30), 8).astype(int) * 5
    cells = grow_cells(nuclei, 7)
    assert set(np.unique(cells)) == {0, 5}
    assert equivalent_diameters(cells)[0] == pytest.approx(30, abs=1)


def test_growing_nuclei_meet_and_do_not_overlap() -> None:
    nuclei = np.zeros((9, 20), int)
    nuclei[4, 5], nuclei[4, 12] = 2, 7
    cells = grow_cells(nuclei, 50)
    assert (cells > 0).all()
    assert (cells[:, :8] == 2).all()
    assert (cells[:, 10:] == 7).all()


def test_growth_of_nothing_is_nothing() -> None:
    assert grow_cells(np.zeros((4, 5), int), 3).max() == 0
    assert equivalent_diameters(np.zeros((4, 5), int)).size == 0


def test_growth_by_zero_is_the_nucleus_and_less_is_an_error() -> None:
    nuclei = np.array([[0, 3, 0]])
    assert np.array_equal(grow_cells(nuclei, 0), nuclei)
    with pytest.raises(ValueError, match="got -1"):
        grow_cells(nuclei, -1)


# --- cells grown for nuclei that have none


def stained(
    cells: list[tuple[tuple[int, int], float, float]], size: int = 200
) -> tuple[np.ndarray, np.ndarray]:
    """A cell stain and nuclei of 6 px radius in the middle of cells of given centre, radius and light."""
    stain = np.random.default_rng(0).normal(300, 5, (size, size))
    nuclei = np.zeros((size, size), np.int32)
    for number, (centre, radius, light) in enumerate(cells, start=1):
        stain += light * disc((size, size), centre, radius)
        nuclei[disc((size, size), centre, 6)] = number
    return stain, nuclei


def completed(stain: np.ndarray, nuclei: np.ndarray, cells: np.ndarray | None = None) -> Completed:
    given = np.zeros_like(nuclei) if cells is None else cells.astype(np.int32)
    return complete_cells(given, nuclei, stain, nuclei_diameter=12, distance=6)


def test_dim_cell_beside_bright_ones_is_grown_to_its_own_size() -> None:
    truth = [((50, 50), 14, 20_000), ((50, 100), 14, 600), ((140, 60), 14, 1000), ((140, 140), 14, 1000)]
    found = completed(*stained(truth))
    assert found.origins == {label: "propagated" for label in (1, 2, 3, 4)}
    assert np.bincount(found.cells.ravel())[1:] == pytest.approx(np.pi * 14**2, rel=0.25)


def test_touching_cells_meet_between_their_nuclei() -> None:
    found = completed(*stained([((100, 80), 14, 1000), ((100, 106), 14, 1000)]))
    assert (found.cells[100, 85:91] == 1).all()
    assert (found.cells[100, 96:101] == 2).all()


def test_only_nuclei_in_no_cell_are_completed_and_given_cells_stay() -> None:
    stain, nuclei = stained([((50, 50), 14, 1000), ((50, 120), 14, 1000), ((140, 100), 14, 1000)])
    given = 7 * disc((200, 200), (50, 50), 13).astype(int)
    found = completed(stain, nuclei, given)
    assert found.origins == {7: "cellpose", 8: "propagated", 9: "propagated"}
    assert np.array_equal(found.cells[given > 0], given[given > 0])
    assert match_nuclei(found.cells, nuclei).orphans == 0


def held(*centres: tuple[int, int]) -> Completed:
    """A given cell 7 of 40 × 100 px with nuclei of 12 px diameter at some places."""
    stain, nuclei = stained([(centre, 12, 1000) for centre in centres])
    cells = np.zeros((200, 200), np.int32)
    cells[80:120, 50:150] = 7
    return completed(stain, nuclei, cells)


def test_a_cell_with_the_nuclei_of_two_is_split_between_them() -> None:
    found = held((100, 75), (100, 125))
    assert found.origins == {7: "split", 8: "split"}
    assert (found.cells[80:120, 50:90] == 7).all()
    assert (found.cells[80:120, 110:150] == 8).all()
    assert (found.cells > 0).sum() == 40 * 100


def test_a_binucleate_cell_is_not_split_and_one_with_three_nuclei_is() -> None:
    assert held((100, 93), (100, 107)).origins == {7: "cellpose"}
    assert held((100, 86), (100, 100), (100, 114)).origins == {7: "split", 8: "split", 9: "split"}


def side_by_side(where: str) -> Completed:
    """Two nuclei 16 px apart in one given cell, bright in some place: a membrane, or around the nuclei."""
    stain, nuclei = stained([((100, 92), 1, 0), ((100, 108), 1, 0)])
    y, x = np.mgrid[:200, :200]
    cell = disc((200, 200), (100, 100), 26)
    near = np.exp(-(np.hypot(y - 100, x - 100) ** 2) / (2 * 12**2))
    light = {
        "nowhere": 0 * near,
        "around the nuclei": 2 * near,
        "membrane": 1.0 * (np.abs(x - 100 - 0.15 * (y - 100)) < 2) * np.ones_like(near),
        "ring around one": 1.0 * (np.abs(np.hypot(y - 100, x - 108) - 7.5) < 1),
        "one half": 1.0 * (x > 100),
    }[where]
    return completed(stain + 1000 * cell * (1 + light), nuclei, 7 * cell.astype(np.int32))


@pytest.mark.parametrize("where", ["nowhere", "around the nuclei", "ring around one", "one half"])
def test_nuclei_side_by_side_without_a_membrane_between_them_have_one_cell(where: str) -> None:
    assert side_by_side(where).origins == {7: "cellpose"}


def test_a_membrane_between_nuclei_side_by_side_is_the_border_of_their_cells() -> None:
    found = side_by_side("membrane")
    assert found.origins == {7: "split", 8: "split"}
    for row in (80, 100, 120):
        border = int(np.flatnonzero(np.diff((found.cells[row] == found.cells[row, 90]).astype(int)) == -1)[0])
        assert border == pytest.approx(100 + 0.15 * (row - 100), abs=2.5)


def test_crumbs_of_a_dying_nucleus_do_not_split_its_cell() -> None:
    stain, nuclei = stained([((100, 100), 14, 1000)])
    for number, x in enumerate((80, 90, 110, 120), start=2):
        nuclei[disc((200, 200), (100, x), 3)] = number
    cells = 5 * disc((200, 200), (100, 100), 30).astype(np.int32)
    assert completed(stain, nuclei, cells).origins == {5: "cellpose"}


def test_nucleus_without_stain_is_grown_by_the_distance() -> None:
    stain, nuclei = stained([((50, 50), 14, 1000), ((140, 140), 14, 0)])
    found = completed(stain, nuclei)
    assert found.origins == {1: "propagated", 2: "grown"}
    assert (found.cells == 2).sum() == pytest.approx(np.pi * 12**2, rel=0.1)


def test_crumbs_and_debris_seed_no_cell_and_stay_counted() -> None:
    stain, nuclei = stained([((50, 50), 14, 1000)])
    nuclei[disc((200, 200), (140, 140), 2)] = 2  # alone: a ninth of a nucleus
    nuclei[disc((200, 200), (59, 50), 2)] = 3  # a crumb in the first cell
    found = completed(stain, nuclei)
    assert set(found.origins) == {1}
    matched = match_nuclei(found.cells, nuclei)
    assert (matched.orphans, matched.counts) == (1, {1: 2})


def test_nothing_to_complete_is_nothing_done() -> None:
    empty = np.zeros((40, 50), np.int32)
    assert completed(np.full((40, 50), 9.0), empty).origins == {}
    cells = np.pad(np.full((20, 20), 3, np.int32), 10)
    found = completed(np.full((40, 40), 9.0), np.where(cells, 1, 0).astype(np.int32), cells)
    assert np.array_equal(found.cells, cells)


def test_a_constant_stain_still_gives_each_nucleus_a_cell() -> None:
    nuclei = stained([((50, 50), 1, 0), ((60, 120), 1, 0)])[1]
    assert completed(np.full((200, 200), 7), nuclei).origins == {1: "grown", 2: "grown"}


@given(cells=MASKS, nuclei=MASKS)
@settings(max_examples=40, deadline=None)
def test_completed_cells_keep_the_given_ones_and_hold_every_ordinary_nucleus(
    cells: np.ndarray, nuclei: np.ndarray
) -> None:
    found = complete_cells(cells, nuclei, np.random.default_rng(0).random((9, 11)), 1.0, 1.0)
    whole = np.isin(cells, [label for label, origin in found.origins.items() if origin == "cellpose"])
    assert np.array_equal(found.cells[whole], cells[whole])
    assert (found.cells[cells > 0] > 0).all()
    assert set(found.origins) == set(np.unique(found.cells[found.cells > 0]).tolist())
    before, after = (match_nuclei(mask, nuclei).orphans for mask in (cells, found.cells))
    assert after <= before
    if not cells.any():
        assert after == 0


# --- brightness


def field_of_discs(light: np.ndarray, radius: float = 12, size: int = 400, seed: int = 0) -> np.ndarray:
    """64 discs on a grid of 50 px, the light of each given, on a background of 150 with noise of 5."""
    image = np.random.default_rng(seed).normal(150, 5, (size, size))
    for i, value in enumerate(light):
        image += value * disc((size, size), centre_of(i), radius)
    return image


def centre_of(i: int) -> tuple[int, int]:
    return 25 + 50 * (i // 8), 25 + 50 * (i % 8)


def levels(image: np.ndarray, diameter: float = 24) -> np.ndarray:
    """Normalised light in the middle of each disc."""
    result = normalise(image[..., None], diameter)[..., 0]
    return np.array([result[disc(result.shape, centre_of(i), 6)].mean() for i in range(64)])


def test_objects_are_1_and_background_0_whatever_offset_and_gain_the_camera_has() -> None:
    image = field_of_discs(np.full(64, 1000.0))
    result = normalise(image[..., None], 24)
    assert levels(image) == pytest.approx(1, abs=0.05)
    assert np.median(result) == pytest.approx(0, abs=0.05)
    for other in (image + 32768, 0.1 * image, 12 * image):
        assert normalise(other[..., None], 24) == pytest.approx(result, abs=0.01)


def test_a_few_bright_cells_do_not_darken_the_others() -> None:
    light = np.full(64, 500.0)
    light[::16] = 20_000
    found = levels(field_of_discs(light))
    assert found[light == 500] == pytest.approx(1, abs=0.1)
    assert (found[light > 500] < 5).all()


def test_cells_of_a_fifth_of_the_light_are_seen_beside_the_others() -> None:
    light = np.where(np.arange(64) % 2, 1000.0, 200.0)
    found = levels(field_of_discs(light))
    assert found[1::2].mean() > 1
    assert (found[::2] > 0.15).all()


def test_shading_of_background_and_haze_are_not_taken_for_cells() -> None:
    light = np.full(64, 500.0)
    image = field_of_discs(light)
    y, x = np.indices(image.shape)
    far = np.hypot(y - 200, x - 200) / 283
    uneven = image + 1500 * (1 - 0.6 * far**2) + 3 * x
    found = levels(uneven)
    assert found == pytest.approx(1, abs=0.25)
    between = [normalise(uneven[..., None], 24)[50 * i, 50 * i, 0] for i in range(1, 8)]
    assert np.abs(between).max() < 0.25


def test_vignetted_cells_keep_a_light_of_their_own() -> None:
    centres = np.array([centre_of(i) for i in range(64)])
    lamp = 1 - 0.6 * (np.hypot(*(centres - 200).T) / 283) ** 2
    found = levels(field_of_discs(1000 * lamp))
    assert found.min() > 0.45
    assert found.max() < 1.6


@pytest.mark.parametrize("number", [1, 3, 64])
def test_cells_of_a_sparse_field_are_as_bright_as_those_of_a_full_one(number: int) -> None:
    light = np.zeros(64)
    light[:number] = 2000
    assert levels(field_of_discs(light))[:number] == pytest.approx(1, abs=0.05)


def test_a_cell_four_times_as_large_as_assumed_keeps_its_inside() -> None:
    image = np.random.default_rng(1).normal(150, 5, (500, 500)) + 1000 * disc((500, 500), (250, 250), 60)
    result = normalise(image[..., None], 30)[..., 0]
    assert result[disc(result.shape, (250, 250), 50)].min() > 0.8


def test_an_empty_field_stays_dark_and_a_constant_one_is_0() -> None:
    empty = np.random.default_rng(2).normal(150, 5, (300, 300))
    assert np.abs(normalise(empty[..., None], 30)).max() < 0.5
    grey = np.random.default_rng(2).poisson(0.05, (300, 300)).astype(np.uint8)  # an 8-bit camera in the dark
    assert normalise(grey[..., None], 30).std() < 0.2
    assert normalise(np.full((20, 20, 2), 137, np.uint16), 30).max() == 0


@pytest.mark.parametrize("shape", [(1, 1, 2), (1, 2, 1), (2, 1, 1), (3, 400, 1)])
def test_brightness_of_tiny_images(shape: tuple[int, int, int]) -> None:
    image = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
    result = normalise(image, 17)
    assert result.shape == shape
    assert np.isfinite(result).all()


def test_a_diameter_of_0_is_an_error() -> None:
    with pytest.raises(ValueError, match="above 0 px, got 0"):
        normalise(np.zeros((4, 4, 1)), 0)


# --- tables


def test_object_table_of_a_disc_a_square_and_a_pixel() -> None:
    mask = np.zeros((120, 120), int)
    mask[disc(mask.shape, (40, 40), 20)] = 3
    mask[80:100, 80:110] = 9
    mask[110, 5] = 12
    table = object_table(
        mask, KEYS, {3: 1, 9: 2, 12: 0}, {3: "cellpose", 9: "grown", 12: "cellpose"}
    ).set_index("Metadata_ObjectLabel")
    assert table.index.tolist() == [3, 9, 12]
    assert table["AreaShape_Area"].tolist() == [(mask == 3).sum(), 600, 1]
    assert table.loc[3, "AreaShape_FormFactor"] == pytest.approx(1, abs=0.1)
    assert table.loc[9, "AreaShape_FormFactor"] < 0.9
    assert np.isnan(table.loc[12, "AreaShape_FormFactor"])
    assert table.loc[3, "AreaShape_Eccentricity"] == pytest.approx(0, abs=0.05)
    assert table.loc[9, "AreaShape_Eccentricity"] == pytest.approx(np.sqrt(1 - (2 / 3) ** 2), abs=0.01)
    assert table.loc[9, ["Location_Center_X", "Location_Center_Y"]].tolist() == [94.5, 89.5]
    assert table["NucleusCount"].tolist() == [1, 2, 0]
    assert table.loc[9, "Metadata_CellID"] == "Time_4hrs_R1_Well_A01_Field_1_obj9"


def test_object_table_is_in_um_where_the_pixel_size_is_known() -> None:
    mask = np.pad(np.full((10, 10), 1), 2)
    pixels = object_table(mask, KEYS, {1: 1}, {1: "cellpose"})
    micrometres = object_table(mask, KEYS, {1: 1}, {1: "cellpose"}, pixel_size_um=0.5)
    assert micrometres["AreaShape_Area"][0] == pixels["AreaShape_Area"][0] / 4 == 25
    assert micrometres["AreaShape_Perimeter"][0] == pixels["AreaShape_Perimeter"][0] / 2
    assert micrometres["AreaShape_FormFactor"][0] == pixels["AreaShape_FormFactor"][0]
    assert object_units(0.5)["AreaShape_Area"] == "um2"
    assert object_units(None)["AreaShape_Area"] == "px2"


def test_object_table_of_an_empty_field_has_the_columns_and_types_of_a_full_one() -> None:
    full = object_table(np.pad(np.ones((3, 3), int), 1), KEYS, {1: 0}, {1: "cellpose"})
    empty = object_table(np.zeros((5, 5), int), KEYS, {}, {})
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()


# --- overlay


def test_outlines_lie_inside_and_part_touching_objects() -> None:
    mask = np.zeros((6, 8), int)
    mask[1:5, 1:4], mask[1:5, 4:7] = 1, 2
    edge = outlines(mask)
    assert not edge[mask == 0].any()
    assert edge[1:5, 3].all()
    assert edge[1:5, 4].all()
    assert not edge[2:4, 2].any()


def test_overlay_draws_the_three_kinds_of_outline() -> None:
    cells, nuclei, border = (np.zeros((40, 50), int) for _ in range(3))
    cells[10:30, 10:30], nuclei[15:20, 15:20], border[0:8, 0:8] = 1, 1, 2
    picture = overlay(np.full((40, 50), 7), None, cells, nuclei, border)
    assert picture.dtype == np.uint8
    assert tuple(picture[10, 10]) == CELL
    assert tuple(picture[15, 15]) == NUCLEUS
    assert tuple(picture[7, 3]) == LEFT_OUT


def test_overlay_of_a_large_field_is_thinned_to_a_thousand_pixels() -> None:
    image = np.zeros((1500, 2100), np.uint16)
    empty = np.zeros(image.shape, np.int32)
    assert overlay(image, image, empty, empty, empty).shape == (500, 700, 3)


def test_stretch_does_not_blow_up_the_noise_of_an_empty_field() -> None:
    rng = np.random.default_rng(0)
    empty = stretch(rng.normal(150, 5, (64, 64)))
    assert np.median(empty) < 0.25
    assert stretch(np.full((4, 4), 9)).max() == 0
    cells = rng.normal(150, 5, (64, 64)) + 2000 * disc((64, 64), (32, 32), 15)
    assert np.median(stretch(cells)[disc((64, 64), (32, 32), 14)]) > 0.9


def test_overlay_is_written_as_png(tmp_path: Path) -> None:
    from PIL import Image

    picture = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    write_png(tmp_path / "a b" / "it's.png", picture)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a b" / "it's.png")), picture)


# --- score


def test_score_counts_found_missed_and_invented_objects() -> None:
    truth, predicted = np.zeros((20, 40), int), np.zeros((20, 40), int)
    truth[2:12, 2:12], truth[2:12, 20:30] = 4, 9
    predicted[2:12, 3:12], predicted[14:18, 30:36] = 1, 2  # IoU 0.9, and one that is not there
    found = score(truth, predicted, (0.5, 0.85, 0.95))
    assert [(s.true_positives, s.false_positives, s.false_negatives) for s in found] == [
        (1, 1, 1),
        (1, 1, 1),
        (0, 2, 2),
    ]
    assert found[0].f1 == 0.5
    assert found[0].average_precision == pytest.approx(1 / 3)
    assert iou_matrix(truth, predicted).tolist() == [[0.9, 0], [0, 0]]


def test_score_of_two_empty_masks_is_one_and_sums_add_up() -> None:
    empty = np.zeros((4, 4), int)
    nothing = score(empty, empty)[0]
    assert nothing.f1 == nothing.average_precision == 1
    assert (nothing + Score(0.5, 3, 1, 0)).f1 == Score(0.5, 3, 1, 0).f1
    assert score(empty, np.eye(4, dtype=int))[0].f1 == 0
    with pytest.raises(ValueError, match=r"\[0.5, 1\), got 0.3"):
        score(empty, empty, (0.3,))


@given(mask=MASKS)
@settings(max_examples=30, deadline=None)
def test_a_mask_agrees_with_itself_under_any_numbering(mask: np.ndarray) -> None:
    renumbered = np.where(mask > 0, 100 - mask, 0)
    assert score(mask, renumbered, (0.5, 0.9))[1].f1 == 1


@given(mask=MASKS)
@settings(max_examples=60, deadline=None)
def test_sizes_and_shapes_of_all_objects_at_once_are_those_of_scikit_image(mask: np.ndarray) -> None:
    labels, area, centre, eccentricity = moments(mask)
    perimeter = perimeters(mask)
    assert labels.tolist() == np.unique(mask[mask > 0]).tolist()
    for i, label in enumerate(labels):
        (expected,) = regionprops((mask == label).astype(int))
        assert area[i] == expected.area
        assert centre[i] == pytest.approx(expected.centroid)
        assert perimeter[label] == pytest.approx(expected.perimeter)
        # next to a straight line the square root magnifies the rounding of the sums
        assert eccentricity[i] == pytest.approx(expected.eccentricity, abs=1e-6)


@pytest.mark.parametrize(
    ("shape", "edge"), [((30, 40), 17), ((3, 5), 17), ((1, 1), 3), ((2, 30), 9), ((60, 3), 5)]
)
def test_percentiles_of_neighbourhoods_are_those_of_scipy(shape: tuple[int, int], edge: int) -> None:
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32).round(1)
    expected = ndimage.percentile_filter(image, 10.0, size=edge, mode="reflect")
    assert np.array_equal(percentile_filter(image, 10.0, edge), expected)
