"""Masks after the network: matching, border, growth, tables, overlay, score, diameter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import regionprops

from morphodose.segmentation.border import border_labels, without_labels
from morphodose.segmentation.diameter import estimate_diameter
from morphodose.segmentation.from_nuclei import equivalent_diameters, grow_cells
from morphodose.segmentation.match import match_nuclei
from morphodose.segmentation.normalise import coverage, high_percentile, normalise
from morphodose.segmentation.objects import moments, object_table, object_units, perimeters
from morphodose.segmentation.overlay import CELL, LEFT_OUT, NUCLEUS, outlines, overlay, stretch, write_png
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
    found = _finish(match_nuclei(cells, nuclei)).summary()
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


# --- diameter


def test_diameter_settles_on_the_median_of_the_masks() -> None:
    asked = []

    def segment(diameter: float) -> list[np.ndarray]:
        asked.append(diameter)
        return [disc((80, 80), (40, 40), 20).astype(int)]

    assert estimate_diameter(segment, 30.0) == pytest.approx(40, abs=0.5)
    assert asked == [30.0, pytest.approx(40, abs=0.5)]


def test_diameter_of_an_empty_well_is_that_of_the_network() -> None:
    assert estimate_diameter(lambda _: [np.zeros((5, 5), int)], 17.0) == 17.0


def test_diameter_does_not_run_away() -> None:
    assert estimate_diameter(lambda _: [np.ones((999, 999), int)], 30.0) == 150.0


# --- brightness


def covered(share: float, size: int = 200) -> np.ndarray:
    """A noisy field with bright stripes on a share of its rows."""
    image = np.random.default_rng(0).normal(150, 5, (size, size))
    image[: round(share * size)] += 2000
    return image


def test_brightness_of_an_ordinary_field_is_that_of_cellpose() -> None:
    transforms = pytest.importorskip("cellpose.transforms")
    image = covered(0.3).astype(np.float32)
    assert high_percentile(image) == 99
    assert normalise(image[..., None])[..., 0] == pytest.approx(transforms.normalize99(image), abs=1e-5)


@pytest.mark.parametrize("share", [0.005, 0.02])
def test_cells_of_a_sparse_field_are_as_bright_as_those_of_a_full_one(share: float) -> None:
    image = covered(share)
    assert coverage(image) == pytest.approx(share)
    result = normalise(image[..., None])[..., 0]
    cells = result[: round(share * 200)]
    assert np.median(cells) == pytest.approx(1, abs=0.05)
    assert np.median(result) == pytest.approx(0, abs=0.05)


def test_confluent_empty_and_constant_fields_are_not_taken_for_sparse_ones() -> None:
    assert high_percentile(covered(0.95)) == 99
    assert high_percentile(covered(0)) == 99
    assert high_percentile(np.full((20, 20), 7)) == 99
    assert normalise(np.full((20, 20, 2), 137, np.uint16)).max() == 0
    assert normalise(np.array([[[5], [9]]], np.uint8)).shape == (1, 2, 1)


# --- tables


def test_object_table_of_a_disc_a_square_and_a_pixel() -> None:
    mask = np.zeros((120, 120), int)
    mask[disc(mask.shape, (40, 40), 20)] = 3
    mask[80:100, 80:110] = 9
    mask[110, 5] = 12
    table = object_table(mask, KEYS, {3: 1, 9: 2, 12: 0}).set_index("Metadata_ObjectLabel")
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
    pixels = object_table(mask, KEYS, {1: 1})
    micrometres = object_table(mask, KEYS, {1: 1}, pixel_size_um=0.5)
    assert micrometres["AreaShape_Area"][0] == pixels["AreaShape_Area"][0] / 4 == 25
    assert micrometres["AreaShape_Perimeter"][0] == pixels["AreaShape_Perimeter"][0] / 2
    assert micrometres["AreaShape_FormFactor"][0] == pixels["AreaShape_FormFactor"][0]
    assert object_units(0.5)["AreaShape_Area"] == "um2"
    assert object_units(None)["AreaShape_Area"] == "px2"


def test_object_table_of_an_empty_field_has_the_columns_and_types_of_a_full_one() -> None:
    full = object_table(np.pad(np.ones((3, 3), int), 1), KEYS, {1: 0})
    empty = object_table(np.zeros((5, 5), int), KEYS, {})
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
