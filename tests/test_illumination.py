from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage as ndi
import tifffile

from morphodose.imaging.illumination import (
    BLOCKS,
    STAIN_PERCENTILE,
    blocks_of,
    correct,
    estimate,
    fit,
    light_of,
    shading,
    terms,
)
from morphodose.simulate.field import CHANNELS, Optics, render_field
from morphodose.simulate.optics import illumination_field

SHAPE = (360, 432)
OFFSET = 100.0


def lamp(strength: float, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Light of a lamp that stands off the centre, mean 1."""
    y, x = ((2 * np.arange(edge) + 1) / edge - 1 for edge in shape)
    light = 1 - strength * ((y[:, None] - 0.2) ** 2 + (x[None, :] + 0.1) ** 2) / 2
    return light / light.mean()


@cache
def images(count: int, strength: float, shape: tuple[int, int] = SHAPE) -> list[np.ndarray]:
    """Fields with background light and squares for cells anywhere, seen under a lamp."""
    rng = np.random.default_rng(7)
    found = []
    for _ in range(count):
        light = np.full(shape, rng.uniform(200, 300))
        for top, left in rng.integers(-20, shape, (25, 2)):
            light[max(top, 0) : top + 20, max(left, 0) : left + 20] += rng.uniform(200, 2000)
        found.append(rng.poisson(OFFSET + light * lamp(strength, shape)).astype(np.uint16))
    return found


@cache
def reduced(count: int, strength: float) -> list[np.ndarray]:
    return [blocks_of(image, STAIN_PERCENTILE) for image in images(count, strength)]


def test_the_estimate_is_the_lamp_within_two_per_cent_and_is_applied() -> None:
    flat = estimate(reduced(40, 0.4), OFFSET)
    assert flat.applied
    assert flat.shading_after < 0.3 * flat.shading_before
    np.testing.assert_allclose(flat.surface(SHAPE), lamp(0.4), atol=0.03)
    assert (flat.images, flat.held_out) == (40, 20)


def test_corrected_images_have_no_shading_left() -> None:
    flat = estimate(reduced(40, 0.4), OFFSET)
    surface = flat.surface(SHAPE)
    corrected = [correct(image, surface, OFFSET) for image in images(40, 0.4)]
    assert shading([blocks_of(image, STAIN_PERCENTILE) for image in corrected], OFFSET) < 0.01


def test_even_light_is_left_as_it_is() -> None:
    flat = estimate(reduced(40, 0.0), OFFSET)
    assert not flat.applied
    assert "%" in flat.reason
    np.testing.assert_array_equal(flat.surface(SHAPE), 1)


def test_too_few_images_are_left_as_they_are() -> None:
    flat = estimate(reduced(5, 0.4), OFFSET)
    assert not flat.applied
    assert flat.reason == "5 images are too few (< 8)"


def test_shading_that_the_held_out_images_do_not_share_is_not_corrected() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1 : 1 : BLOCKS * 1j, -1 : 1 : BLOCKS * 1j]
    # each image has a slope of its own, and together they have none
    tilted = []
    for angle in rng.permutation(np.arange(12) * np.pi / 6):
        slope = y * np.sin(angle) + x * np.cos(angle)
        tilted.append(OFFSET + 200 * (1 + 0.5 * slope))
    outcomes = [estimate(tilted, OFFSET, seed) for seed in range(8)]
    assert not any(flat.applied for flat in outcomes)


def test_a_seed_gives_the_same_estimate_again() -> None:
    blocks = reduced(20, 0.3)
    np.testing.assert_array_equal(estimate(blocks, OFFSET, 3).weights, estimate(blocks, OFFSET, 3).weights)


@cache
def simulated(size: int, strength: float) -> list[np.ndarray]:
    optics = Optics(illumination=strength, planes=1)
    return [
        render_field(np.random.default_rng(seed), size=size, optics=optics).planes[0] for seed in range(40)
    ]


@pytest.mark.parametrize("channel", ["Hoechst", "AnnexinV", "PI"])
def test_on_simulated_plates_the_correction_is_nearer_to_the_truth(channel: str) -> None:
    size, strength = 240, 0.35
    fields = [planes[list(CHANNELS).index(channel)] for planes in simulated(size, strength)]
    dark = min(float(np.percentile(field, 0.1)) for field in fields)
    flat = estimate([blocks_of(field, STAIN_PERCENTILE) for field in fields], dark)
    truth = illumination_field(size, strength, (0.0, 0.0))
    truth = truth / truth.mean()
    assert flat.applied
    assert np.std(flat.surface((size, size)) / truth) < 0.6 * np.std(1 / truth)


def test_depth_is_kept_and_clipped() -> None:
    flat = np.array([[0.5, 1.0, 2.0]], dtype=np.float32)
    image = np.array([[60000, 300, 50]], dtype=np.uint16)
    corrected = correct(image, flat, OFFSET)
    assert corrected.dtype == np.uint16
    assert corrected.tolist() == [[65535, 300, 75]]


def test_blocks_and_surfaces_keep_their_place_on_images_of_any_shape() -> None:
    y, x = ((2 * np.arange(edge) + 1) / edge - 1 for edge in (101, 157))
    light = np.exp(0.1 * y[:, None] + 0.2 * x[None, :])
    for degree in (2, 3, 4):
        weights = fit(blocks_of(1000 * light, 50), degree)
        np.testing.assert_allclose(light_of(weights, light.shape), light / light.mean(), rtol=0.01)
        assert len(weights) == len(terms(np.zeros(1), np.zeros(1), degree))


def test_a_strong_lamp_of_a_real_plate_is_corrected(shared_data: Path) -> None:
    files = sorted((shared_data.parent / "cases/images/illum_transfluor").glob("*.TIF"))
    assert len(files) == 20
    pixels = [tifffile.imread(file) for file in files]
    blocks = [blocks_of(image, STAIN_PERCENTILE) for image in pixels]
    dark = min(float(np.percentile(image, 0.1)) for image in pixels)
    flat = estimate(blocks, dark, min_images=16)
    assert flat.applied and flat.degree > 2
    assert flat.shading_before > 0.24 and flat.shading_after <= 0.09
    # fitted on ten, the mean image of the other ten
    learned = estimate(blocks[::2], dark).surface(pixels[0].shape)
    means = [
        np.mean([image / image.mean() for image in found], axis=0)
        for found in (pixels[1::2], [correct(image, learned, dark) for image in pixels[1::2]])
    ]
    uneven = [float(ndi.gaussian_filter(mean, 20).std()) for mean in means]
    assert uneven[0] > 0.2 and uneven[1] <= 0.095


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_few_images_are_not_followed(count: int) -> None:
    """Without shading, cells alone vary: held-out images refuse what follows them."""
    rng = np.random.default_rng(5)
    for _ in range(4):
        few = [reduced(40, 0.0)[index] for index in rng.permutation(40)[:count]]
        assert not estimate(few, OFFSET, min_images=2).applied
        assert "too few" in estimate(few, OFFSET).reason
