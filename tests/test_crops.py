"""Crops are those of the reference algorithm, pixel by pixel, and say how they lie in their field."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from crops_reference import reference_crop
from morphodose.crops.cut import Cut, bounding_boxes, cut_field
from morphodose.crops.weights import cell_weights
from morphodose.errors import InputError


def dense(cut: Cut, size: int) -> np.ndarray:
    out = np.zeros((len(cut.pixels), size, size), np.uint16)
    _, height, width = cut.pixels.shape
    out[:, cut.top : cut.top + height, cut.left : cut.left + width] = cut.pixels
    return out


def field(shape: tuple[int, int], seed: int = 0, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**16, (channels, *shape)).astype(np.uint16)


def disc(shape: tuple[int, int], center: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.ogrid[: shape[0], : shape[1]]
    return (y - center[0]) ** 2 + (x - center[1]) ** 2 <= radius**2


def assert_as_reference(image: np.ndarray, labels: np.ndarray, size: int = 200) -> list[Cut]:
    pytest.importorskip("cv2")
    cuts = list(cut_field(image, labels, size))
    assert [cut.place.label for cut in cuts] == [label for label in np.unique(labels) if label]
    for cut in cuts:
        found = dense(cut, size)
        assert found.dtype == np.uint16
        for channel, expected in zip(found, image, strict=True):
            np.testing.assert_array_equal(
                channel, reference_crop(expected, labels, cut.place.label, size), f"cell {cut.place.label}"
            )
    return cuts


def test_touching_cells_and_one_pixel_are_cut_as_the_reference_does() -> None:
    labels = np.zeros((420, 440), np.int32)
    labels[disc(labels.shape, (200, 200), 25)] = 3
    labels[disc(labels.shape, (200, 235), 22)] = 7  # touches and takes from it
    labels[150, 160] = 8
    labels[210:212, 300] = 200
    cuts = assert_as_reference(field(labels.shape), labels)
    assert not any(any(cut.place.padding) or cut.place.truncated for cut in cuts)
    assert cuts[2].place.center == (150, 160)
    assert cuts[3].place.center == (211, 300)  # rows 210 and 211: halves go up


@pytest.mark.parametrize(
    "center", [(3, 150), (150, 4), (296, 150), (150, 295), (2, 3), (297, 296), (0, 0), (7, 7)]
)
def test_at_the_border_the_blur_is_mirrored_and_the_crop_padded(center: tuple[int, int]) -> None:
    labels = np.zeros((300, 300), np.int32)
    labels[disc(labels.shape, center, 12)] = 1
    cut = assert_as_reference(field(labels.shape), labels, 64)[0]
    y, x = cut.place.center
    assert cut.place.padding == (max(32 - y, 0), max(y + 32 - 300, 0), max(32 - x, 0), max(x + 32 - 300, 0))
    assert any(cut.place.padding)
    assert not cut.place.truncated


def test_padding_counts_the_rows_and_columns_that_lie_outside() -> None:
    labels = np.zeros((500, 600), np.int32)
    for label, (y, x) in enumerate([(100, 100), (99, 100), (400, 500), (401, 500), (250, 30)], start=1):
        labels[y, x] = label
    found = [cut.place.padding for cut in cut_field(field(labels.shape), labels, 200)]
    # 100 px before the centre and 99 after it are needed
    assert found == [(0, 0, 0, 0), (1, 0, 0, 0), (0, 0, 0, 0), (0, 1, 0, 0), (0, 0, 70, 0)]


def test_a_cell_larger_than_the_crop_is_truncated_and_says_so() -> None:
    labels = np.zeros((500, 500), np.int32)
    labels[disc(labels.shape, (250, 250), 130)] = 1
    labels[20:60, 20:60] = 2
    large, small = assert_as_reference(field(labels.shape), labels)
    assert (large.place.truncated, small.place.truncated) == (True, False)
    assert large.pixels.shape == (1, 200, 200)
    labels[:] = 0
    labels[100:300, 200:250] = 1  # exactly as high as the crop: 100 px on either side of its centre
    cut = assert_as_reference(field(labels.shape), labels)[0]
    assert (cut.place.center, cut.place.truncated) == ((200, 225), False)
    labels[300, 200:250] = 1
    assert next(cut_field(field(labels.shape), labels)).place.truncated


def test_a_ring_whose_centre_is_empty_has_an_empty_crop() -> None:
    labels = np.zeros((300, 300), np.int32)
    labels[disc(labels.shape, (150, 150), 140) & ~disc(labels.shape, (150, 150), 130)] = 1
    cut = assert_as_reference(field(labels.shape), labels, 60)[0]
    assert cut.place.truncated
    assert not dense(cut, 60).any()


def test_an_image_smaller_than_the_crop_is_padded_on_all_sides() -> None:
    labels = np.zeros((30, 41), np.int32)
    labels[10:20, 12:30] = 5
    cut = assert_as_reference(field(labels.shape), labels, 100)[0]
    assert sum(cut.place.padding[:2]) == 70
    assert sum(cut.place.padding[2:]) == 59


def test_every_channel_gets_the_same_weights() -> None:
    labels = np.zeros((120, 120), np.int32)
    labels[disc(labels.shape, (60, 60), 20)] = 1
    image = field(labels.shape, channels=3)
    assert_as_reference(image, labels, 100)
    assert next(cut_field(image, labels, 100)).pixels.shape[0] == 3


def test_counts_are_kept_well_inside_a_cell_and_8_bits_are_widened_not_scaled() -> None:
    labels = np.zeros((100, 100), np.int32)
    labels[disc(labels.shape, (50, 50), 20)] = 1
    image = np.full((1, 100, 100), 200, np.uint8)
    crop = dense(next(cut_field(image, labels, 60)), 60)[0]
    assert crop[30, 30] == 200
    assert (crop[disc((60, 60), (30, 30), 15)] == 200).all()
    assert (crop[~disc((60, 60), (30, 30), 28)] == 0).all()
    assert 0.6 < crop[30, 50] / 200 < 0.8  # on the outline
    image = np.full((1, 100, 100), 65535, np.uint16)
    assert dense(next(cut_field(image, labels, 60)), 60).max() == 65535


@pytest.mark.parametrize("kind", [np.float32, np.uint32, np.int16])
def test_images_that_are_no_counts_of_16_bits_are_refused(kind: type) -> None:
    with pytest.raises(InputError, match=f"the image is {np.dtype(kind)}, but crops hold counts"):
        list(cut_field(np.zeros((1, 9, 9), kind), np.ones((9, 9), np.int32)))


def test_masks_of_another_size_are_refused() -> None:
    with pytest.raises(InputError, match=r"the cell mask is \(8, 9\), the image \(9, 9\)"):
        list(cut_field(np.zeros((1, 9, 9), np.uint16), np.ones((8, 9), np.int32)))


def test_a_field_without_cells_has_no_crops() -> None:
    assert list(cut_field(field((50, 50)), np.zeros((50, 50), np.int32))) == []


def test_labels_with_wide_gaps_are_kept() -> None:
    labels = np.zeros((50, 50), np.int32)
    labels[10:20, 10:20], labels[30:40, 30:41] = 2_000_000_000, 9
    assert bounding_boxes(labels) == [
        (9, (slice(30, 40), slice(30, 41))),
        (2_000_000_000, (slice(10, 20), slice(10, 20))),
    ]
    assert_as_reference(field(labels.shape), labels, 40)


def test_real_nuclei_are_cut_as_the_reference_does(shared_data: Path) -> None:
    names = sorted(path.name for path in (shared_data / "nuclei" / "labels").glob("*.tif"))[:6]
    assert len(names) == 6
    for name in names:
        labels = tifffile.imread(shared_data / "nuclei" / "labels" / name).astype(np.int32)
        assert_as_reference(tifffile.imread(shared_data / "nuclei" / "images" / name)[None], labels)


@pytest.mark.parametrize("shape", [(60, 70), (5, 40), (1, 12), (3, 3)])
def test_weights_are_sums_of_whole_numbers_whichever_the_processor(shape: tuple[int, int]) -> None:
    """OpenCV's fixed point: a Gaussian of 11 pixels in 256ths, exact sums, one rounding."""
    kernel = np.array([2, 7, 17, 31, 45, 52, 45, 31, 17, 7, 2])
    rng = np.random.default_rng(3)
    for share in (0.02, 0.3, 0.9):
        labels = (rng.random(shape) < share).astype(np.int32)
        labels[shape[0] // 2, shape[1] // 2] = 1
        sums = ndi.maximum_filter(labels, 3).astype(np.int64)
        for axis in (0, 1):
            sums = ndi.correlate1d(sums, kernel, axis, mode="mirror")
        found = np.zeros(shape, np.uint8)
        weights, box = cell_weights(labels, 1, ndi.find_objects(labels)[0])
        found[box] = weights
        np.testing.assert_array_equal(found, (sums * 255 + 2**15) >> 16)


def test_weights_fill_their_box() -> None:
    labels = np.zeros((60, 60), np.int32)
    labels[30:35, 20:40] = 4
    weights, (rows, columns) = cell_weights(labels, 4, (slice(30, 35), slice(20, 40)))
    assert weights.shape == (rows.stop - rows.start, columns.stop - columns.start)
    assert all(weights[edge].any() for edge in (0, -1))
    assert all(weights[:, edge].any() for edge in (0, -1))
    assert 24 <= rows.start <= 25
    assert 40 <= rows.stop <= 41


@st.composite
def random_masks(draw: st.DrawFn) -> np.ndarray:
    """Cells of any shape, touching or apart, at the border or not, with gaps between their labels."""
    height, width = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = np.zeros((height, width), np.int32)
    for label in draw(st.lists(st.integers(1, 400), max_size=5, unique=True)):
        kind = draw(st.sampled_from(["pixel", "box", "disc", "noise"]))
        center = rng.integers(0, height), rng.integers(0, width)
        reach = int(rng.integers(1, 40))
        if kind == "pixel":
            labels[center] = label
        elif kind == "box":
            labels[center[0] : center[0] + reach, center[1] : center[1] + int(rng.integers(1, 40))] = label
        else:
            inside = disc(labels.shape, center, reach)
            labels[inside & (rng.random(labels.shape) < (1 if kind == "disc" else 0.3))] = label
    return labels


@settings(deadline=None, max_examples=150)
@given(random_masks(), st.sampled_from([8, 9, 40, 101]), st.sampled_from([np.uint8, np.uint16]))
def test_any_mask_is_cut_as_the_reference_does(labels: np.ndarray, size: int, kind: type) -> None:
    image = field(labels.shape, channels=2)
    image = (image >> (8 if kind == np.uint8 else 0)).astype(kind)
    cuts = assert_as_reference(image, labels, size)
    for cut in cuts:
        y, x = np.nonzero(labels == cut.place.label)
        begin = np.array(cut.place.center) - size // 2
        outside = np.concatenate([np.minimum(begin, 0), np.minimum(np.array(labels.shape) - begin - size, 0)])
        assert cut.place.padding == tuple(-outside[[0, 2, 1, 3]])
        beyond = (y < begin[0]) | (y >= begin[0] + size) | (x < begin[1]) | (x >= begin[1] + size)
        assert cut.place.truncated == beyond.any()
        assert cut.top >= 0
        assert cut.left + cut.pixels.shape[2] <= size
