"""Random small fields, beside cp_measure and exact arithmetic: every family, types of images, odd objects.

What may differ from cp_measure, and why, is told in benchmarks/RESULTS.md.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage as ndi

import cp_measured
from exact_costes import exact_costes
from morphodose.imaging.images import Field
from morphodose.measurement.compartments import Compartment, compartments_of
from morphodose.measurement.costes import full_scale
from morphodose.measurement.families import FAMILIES
from morphodose.measurement.field import MeasurementSettings, measure_field
from morphodose.measurement.granularity import _disk_minimum
from morphodose.measurement.texture import grey_levels

CHANNELS = ("A", "B")


def pixels(kind: str, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Two channels of noise of a kind."""
    full = (2, *shape)
    if kind == "constant":
        image = rng.integers(0, 5000, full).astype(np.uint16)
        image[0] = 700
        image[1, :, : shape[1] // 2] = 0
        return image
    if kind == "fractions":
        return rng.random(full) * 3000
    low, high, dtype = {
        "uint8": (0, 256, np.uint8),
        "int16": (0, 2**15, np.int16),
        "uint16": (0, 2**16, np.uint16),
        "float32": (0, 5000, np.float32),
        "float64": (0, 5000, np.float64),
        "negative": (-300, 3000, np.int16),
        "few levels": (0, 4, np.uint16),
    }[kind]
    return rng.integers(low, high, full).astype(dtype)


def masks(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Up to six cells: single pixels, lines, boxes, clouds in pieces; at the border, with gaps in the labels."""
    height, width = shape
    cells = np.zeros(shape, np.int32)
    label = 0
    for _ in range(int(rng.integers(0, 7))):
        label += int(rng.integers(1, 4))
        y, x = int(rng.integers(0, height)), int(rng.integers(0, width))
        tall, wide = int(rng.integers(1, height + 1)), int(rng.integers(1, width + 1))
        form = rng.integers(0, 5)
        if form == 4:
            cloud = ndi.gaussian_filter(rng.normal(size=shape), 2)
            cells[cloud > np.quantile(cloud, rng.uniform(0.3, 0.97))] = label
        else:
            cells[y : y + (tall if form & 1 else 1), x : x + (wide if form & 2 else 1)] = label
    inner = ndi.binary_erosion(cells > 0) if rng.random() < 0.5 else rng.random(shape) < 0.3
    return cells, np.where(inner, cells, 0)


def expected_of(part: Compartment, image: np.ndarray) -> dict[str, np.ndarray]:
    """Features of one compartment by cp_measure."""
    channels = dict(zip(CHANNELS, image.astype(float), strict=True))
    found = cp_measured.of_masks("sizeshape", part.labels) | cp_measured.of_masks("zernike", part.labels)
    for channel, levels in zip(CHANNELS, grey_levels(image), strict=True):
        found |= cp_measured.of_channel("texture", part.labels, levels, channel)
        for family in ("intensity", "granularity", "radial", "radial_zernike"):
            found |= cp_measured.of_channel(family, part.labels, channels[channel], channel)
    if all(channel[part.labels == label].any() for channel in image for label in range(1, part.count + 1)):
        found |= cp_measured.of_pairs(part.labels, channels)  # which fails on objects that are 0 throughout
    if part.name == "Cells" and part.count > 1:  # cp_measure fails on one object
        found |= cp_measured.of_neighbours(part.labels, 10)
    return found


def compare(part: Compartment, features: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    """Fail if a feature is not the expected one."""
    for name, values in expected.items():
        mine = features[f"{part.name}_{name}"][part.rows].astype(float)
        values = np.where(np.isfinite(values), values, np.nan)
        close = {"rtol": 2e-6, "atol": 2e-6 if "InfoMeas2" in name or "Zernike" in name else 2e-7}
        if "Granularity" in name:
            close = {"rtol": 1e-5, "atol": 2e-5}  # per cent
        if name.endswith("_Orientation"):  # what is as wide as high has none; half a turn changes nothing
            round_ = expected["AreaShape_Eccentricity"] < 1e-6
            mine, values = np.where(round_, 0, (mine - values + 90) % 180 - 90), np.zeros(part.count)
            close["atol"] = 1e-4
        if "ZernikePhase" in name:  # a moment of 0 has no angle
            clear = expected[name.replace("Phase", "Magnitude")] > 1e-6
            turn = np.remainder(mine - values + np.pi, 2 * np.pi) - np.pi
            mine, values, close["atol"] = np.where(clear, turn, 0), np.zeros(part.count), 1e-5
        np.testing.assert_allclose(mine, values, **close, err_msg=f"{part.name}_{name}")


@pytest.mark.parametrize(
    "kind",
    ["uint8", "int16", "uint16", "float32", "float64", "negative", "few levels", "constant", "fractions"],
)
@pytest.mark.filterwarnings("ignore")
def test_every_family_of_odd_objects_in_fields_of_1_to_33_px(kind: str) -> None:
    families = tuple(name for name in FAMILIES if name != "costes")
    objects = 0
    for seed in range(4):
        rng = np.random.default_rng([seed, len(kind)])
        shape = [(32, 31), (1, 29), (17, 20), (int(rng.integers(1, 34)), int(rng.integers(1, 34)))][seed]
        image, (cells, nuclei) = pixels(kind, rng, shape), masks(rng, shape)
        features = measure_field(
            Field(image, CHANNELS, None), cells, nuclei, MeasurementSettings(families)
        ).features
        with cp_measured.eroding_within_the_image():
            for part in compartments_of(cells, nuclei)[1]:
                if part.count:
                    compare(part, features, expected_of(part, image))
                    objects += part.count
    assert objects > 5


@pytest.mark.parametrize("kind", ["few levels", "uint8", "uint16", "float64"])
def test_costes_is_what_exact_arithmetic_gives(kind: str) -> None:
    """A correlation of 0, and a pixel on the line itself, are not moved to one side by rounding."""
    rng = np.random.default_rng(8)
    shape = (6, 60)
    cells = np.zeros(shape, np.int32)
    for label in range(1, 21):
        cells[: int(rng.integers(1, 7)), 3 * label - 3 : 3 * label - int(rng.integers(0, 3))] = label
    given = 0
    for image in [pixels(kind, rng, shape) for _ in range(5)]:
        found = measure_field(Field(image, CHANNELS, None), cells, None, MeasurementSettings(("costes",)))
        top = int(full_scale(image.dtype))
        for label in range(1, 21):
            one, two = (channel[cells == label].astype(int).tolist() for channel in image)
            mine = [found.features[f"Cells_Correlation_Costes_{way}"][label - 1] for way in ("A_B", "B_A")]
            np.testing.assert_allclose(mine, exact_costes(one, two, top), rtol=1e-6, err_msg=f"{one} {two}")
            given += bool(np.isfinite(mine[0]))
    assert given > 10


def test_costes_of_three_objects_of_few_pixels() -> None:
    """Worked out by hand: a correlation of exactly 0 below the threshold; a line through (n, n)."""
    objects = [
        ([1, 1, 0, 0, 1, 0], [0, 1, 0, 1, 0, 0], 0.0, 0.0),
        ([0, 1, 0, 2, 0, 1, 2, 2, 0, 1, 0, 1, 2, 2, 0], [0, 1, 1, 2, 0, 2, 2, 1, 0, 2, 0, 0, 0, 2, 1], 3 / 7, 3 / 7),
    ]  # fmt: skip
    for one, two, first, second in objects:
        image = np.array([[one], [two]], np.uint16)
        cells = np.ones((1, len(one)), np.int32)
        found = measure_field(Field(image, CHANNELS, None), cells, None, MeasurementSettings(("costes",)))
        assert found.features["Cells_Correlation_Costes_A_B"][0] == pytest.approx(first)
        assert found.features["Cells_Correlation_Costes_B_A"][0] == pytest.approx(second)


@pytest.mark.parametrize("radius", [1, 3, 10])
def test_background_is_eroded_within_the_image_however_small_it_is(radius: int) -> None:
    from skimage.morphology import disk, erosion

    rng = np.random.default_rng(0)
    for shape in [(1, 1), (1, 2), (2, 1), (2, 2), (2, 13), (13, 2), (3, 25), (25, 24)]:
        image = rng.random(shape)
        expected = erosion(image, disk(radius), mode="ignore")
        np.testing.assert_array_equal(_disk_minimum(image, radius), expected)


@pytest.mark.filterwarnings("ignore")
def test_more_objects_than_16_bits_can_number() -> None:
    side = 260  # 67,600 cells of two pixels, whose nuclei are the upper one
    cells = np.zeros((2 * side, 2 * side), np.int32)
    cells[::2, ::2] = cells[1::2, ::2] = np.arange(1, side**2 + 1).reshape(side, side) * 3
    nuclei = np.zeros_like(cells)
    nuclei[::2, ::2] = cells[::2, ::2]
    image = np.random.default_rng(0).integers(1, 2**16, (2, *cells.shape)).astype(np.uint16)
    upper, lower = (image[0, row::2, ::2].ravel().astype(float) for row in (0, 1))
    families = ("sizeshape", "intensity", "granularity")
    measured = measure_field(Field(image, CHANNELS, None), cells, nuclei, MeasurementSettings(families))
    assert measured.labels.tolist() == list(range(3, 3 * side**2 + 1, 3))
    for name, expected in (
        ("Cells_AreaShape_Area", np.full(side**2, 2)),
        ("Nuclei_Intensity_MaxIntensity_A", upper),
        ("Cytoplasm_Intensity_MedianIntensity_A", lower),
        ("Cells_Intensity_IntegratedIntensity_A", upper + lower),
        ("Cells_AreaShape_Center_X", np.tile(np.arange(0, 2 * side, 2), side)),
    ):
        np.testing.assert_array_equal(measured.features[name], expected, err_msg=name)
