"""What is told of masks: tables of objects, overlays, scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import regionprops

from morphodose.segmentation.objects import moments, object_table, object_units, perimeters
from morphodose.segmentation.overlay import CELL, LEFT_OUT, NUCLEUS, outlines, overlay, stretch, write_png
from morphodose.segmentation.score import Score, iou_matrix, score

KEYS = {"Metadata_ImageID": "Time_4hrs_R1_Well_A01_Field_1", "Metadata_Field": 1}
MASKS = hnp.arrays(np.int32, (9, 11), elements=st.integers(0, 6))


def disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.indices(shape)
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


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
