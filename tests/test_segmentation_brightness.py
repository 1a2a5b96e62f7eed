"""What the network sees: brightness, whatever offset, gain, shading and density an image has."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from morphodose.segmentation.normalise import normalise
from morphodose.segmentation.percentiles import percentile_filter


def disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.indices(shape)
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


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


@pytest.mark.parametrize(
    ("shape", "edge"), [((30, 40), 17), ((3, 5), 17), ((1, 1), 3), ((2, 30), 9), ((60, 3), 5)]
)
def test_percentiles_of_neighbourhoods_are_those_of_scipy(shape: tuple[int, int], edge: int) -> None:
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32).round(1)
    expected = ndimage.percentile_filter(image, 10.0, size=edge, mode="reflect")
    assert np.array_equal(percentile_filter(image, 10.0, edge), expected)
