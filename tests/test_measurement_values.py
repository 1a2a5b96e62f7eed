"""Every family against cp_measure's default backend, which has CellProfiler's values, object by object.

Exceptions, each with its reason in the test: the orientation of what is symmetric, the phase of a moment next
to 0, the second information measure where it is the root of a rounding, and the numbers of the closest cells.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import scipy.ndimage as ndi

from masked_cells import CHANNELS, disc, masks, pixels
from morphodose.imaging.images import Field
from morphodose.measurement import granularity
from morphodose.measurement.compartments import compartments_of, labels_of
from morphodose.measurement.costes import full_scale
from morphodose.measurement.families import FAMILIES
from morphodose.measurement.field import MeasurementSettings, measure_field
from morphodose.measurement.granularity import Spectrum
from morphodose.measurement.texture import grey_levels

#: float32 is what the table keeps.
CLOSE = {"rtol": 1e-6, "atol": 1e-7}


def odd_masks() -> tuple[np.ndarray, np.ndarray]:
    """Objects of one pixel, lines, a ring, an L, pieces, at the border of the image, and touching ones."""
    cells = np.zeros((120, 90), np.int32)
    cells[3, 3] = 1
    cells[3, 10:25] = 2
    cells[8:30, 2] = 3
    np.fill_diagonal(cells[32:44, 2:14], 4)
    cells[disc(cells.shape, 25, 40, 14) & ~disc(cells.shape, 25, 42, 5)] = 5
    cells[50:80, 5:11] = cells[74:80, 11:30] = 6
    cells[50:56, 40:46] = cells[60:72, 40:50] = 7
    cells[0:12, 70:90] = 8
    cells[100:120, 0:40] = 9
    cells[100:120, 40:60] = 10
    cells[60:90, 60:85] = 12
    cells[65:75, 60:62] = cells[75:77, 70:72] = 0
    cells[40:42, 70:72] = 14
    nuclei = np.where(ndi.binary_erosion(cells > 0), cells, 0)
    return cells, nuclei


GIVEN = {
    "cells": (*masks(), pixels()),
    "odd": (*odd_masks(), pixels(1)[:, :120, :90]),
    # counts that fill the range, and tie
    "wide": (*masks(1), pixels(2) * np.uint16(5)),
    "few levels": (*masks(2), pixels(3) // 400),
    # whole rings without light
    "dark": (*masks(3), np.where(np.arange(pixels().shape[2]) % 40 < 20, pixels(3), 0).astype(np.uint16)),
}


def found(which: str, family: str, **settings: object) -> tuple[list, dict[str, np.ndarray], np.ndarray]:
    """Compartments, our features, and the channels as CellProfiler has them, from 0 to 1."""
    cells, nuclei, image = GIVEN[which]
    measured = measure_field(
        Field(image, CHANNELS, None), cells, nuclei, MeasurementSettings((family,), **settings)
    )
    return compartments_of(cells, nuclei)[1], measured.features, image / 65535.0


def same(part: object, features: dict[str, np.ndarray], name: str, expected: object, **close: float) -> None:
    """Whether a feature is the expected one; what is infinite is missing."""
    values = np.asarray(expected, dtype=float)
    values = np.where(np.isfinite(values), values, np.nan)
    mine = features[f"{part.name}_{name}"][part.rows]
    np.testing.assert_allclose(mine, values, **{**CLOSE, **close}, err_msg=f"{part.name}_{name}")


@pytest.fixture(scope="module")
def core() -> dict:
    from cp_measure.bulk import get_core_measurements

    return get_core_measurements()


@pytest.mark.parametrize("which", ["cells", "odd"])
@pytest.mark.filterwarnings("ignore")
def test_shapes_and_moments(core: dict, which: str) -> None:
    parts, features, _ = found(which, "sizeshape")
    features = features | found(which, "moments")[1]
    for part in parts:
        expected = {**core["sizeshape"](part.labels, None), **core["feret"](part.labels, None)}
        assert {f"{part.name}_AreaShape_{name}" for name in expected} == {
            name for name in features if name.startswith(f"{part.name}_")
        }
        for name, values in expected.items():
            if name == "Orientation":  # upright is upright; what is as wide as high has none
                apart = features[f"{part.name}_AreaShape_{name}"][part.rows] - values
                round_ = expected["Eccentricity"] < 1e-6
                np.testing.assert_allclose(np.where(round_, 0, (apart + 90) % 180 - 90), 0, atol=1e-4)
            else:
                same(part, features, f"AreaShape_{name}", values)


@pytest.mark.parametrize("which", ["cells", "odd"])
@pytest.mark.filterwarnings("ignore")
def test_zernike_moments_of_outlines_and_stains(core: dict, which: str) -> None:
    parts, features, image = found(which, "zernike")
    features = features | found(which, "radial_zernike")[1]
    for part in parts:
        for name, values in core["zernike"](part.labels, None).items():
            same(part, features, f"AreaShape_{name}", values)
        for channel, scaled in zip(CHANNELS, image, strict=True):
            expected = core["radial_zernikes"](part.labels, scaled * 65535)
            for name, values in expected.items():
                group, kind, moment = name.split("_", 2)
                # a moment of 0 has no angle
                clear = expected[name.replace("Phase", "Magnitude")] > 1e-6
                mine = features[f"{part.name}_{group}_{kind}_{channel}_{moment}"][part.rows]
                apart = mine - values
                if kind == "ZernikePhase":  # half a turn to the right is half a turn to the left
                    apart = np.remainder(apart + np.pi, 2 * np.pi) - np.pi
                apart = apart[clear] / np.maximum(np.abs(values[clear]), 1)
                np.testing.assert_allclose(apart, 0, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("which", list(GIVEN))
def test_intensities(core: dict, which: str) -> None:
    parts, features, image = found(which, "intensity")
    for part in parts:
        for channel, scaled in zip(CHANNELS, image, strict=True):
            for name, values in core["intensity"](part.labels, scaled * 65535).items():
                if not name.endswith("_Z"):
                    same(part, features, f"{name}_{channel}", values)


@pytest.mark.parametrize("which", ["cells", "odd"])
@pytest.mark.parametrize("scaling", ["log", "linear"])
@pytest.mark.filterwarnings("ignore")
def test_textures(core: dict, which: str, scaling: str) -> None:
    parts, features, image = found(which, "texture", texture_scaling=scaling)
    for part in parts:
        for channel, scaled, counts in zip(CHANNELS, image, GIVEN[which][2], strict=True):
            given = scaled if scaling == "linear" else grey_levels(counts)
            for name, values in core["texture"](part.labels, given).items():
                feature, rest = name.split("_", 1)
                # the square root of a difference that rounds to 0
                close = {"atol": 2e-7} if feature == "InfoMeas2" else {}
                same(part, features, f"Texture_{feature}_{channel}_{rest}", values, **close)


@pytest.mark.parametrize("which", ["cells", "odd"])
@pytest.mark.parametrize(
    "spectrum", [Spectrum(), Spectrum(subsample=0.5, background=0.3, radius=5, length=6)]
)
def test_granularity(core: dict, which: str, spectrum: Spectrum) -> None:
    parts, features, image = found(which, "granularity", spectrum=spectrum)
    given = (spectrum.subsample, spectrum.background, spectrum.radius, spectrum.length)
    for part in parts:
        for channel, scaled in zip(CHANNELS, image, strict=True):
            for name, values in core["granularity"](part.labels, scaled * 65535, *given).items():
                same(part, features, f"{name}_{channel}", values, atol=1e-6)


@pytest.mark.parametrize("which", ["cells", "odd", "dark"])
@pytest.mark.filterwarnings("ignore")
def test_radial_distributions(core: dict, which: str) -> None:
    parts, features, image = found(which, "radial")
    for part in parts:
        for channel, scaled in zip(CHANNELS, image, strict=True):
            for name, values in core["radial_distribution"](part.labels, scaled * 65535).items():
                kind, feature, ring = name.split("_")
                same(part, features, f"{kind}_{feature}_{channel}_{ring}", values)


@pytest.mark.parametrize("which", list(GIVEN))
@pytest.mark.filterwarnings("ignore")
def test_correlations(which: str) -> None:
    from cp_measure.bulk import get_correlation_measurements
    from cp_measure.core.measurecolocalization import get_correlation_overlap

    theirs = get_correlation_measurements()
    parts, features, image = found(which, "correlation")
    features = features | found(which, "costes")[1]
    one = {"Pearson": "Correlation", "Slope": "Slope", "Overlap": "Overlap"}
    for part in parts:
        for (a, first), (b, second) in combinations(zip(CHANNELS, image, strict=True), 2):
            expected = get_correlation_overlap(first, second, part.labels)
            for name in ("pearson", "manders_fold", "rwc"):
                expected |= theirs[name](first, second, part.labels)
            expected |= theirs["costes"](first, second, part.labels, scale_max=65535)
            for name, values in expected.items():
                _, kind, *way = name.split("_")
                pair = (b, a) if way == ["2"] else (a, b)
                same(part, features, f"Correlation_{one.get(kind, kind)}_{'_'.join(pair)}", values)


@pytest.mark.parametrize("which", ["cells", "odd"])
def test_neighbours(which: str) -> None:
    from cp_measure.multimask.measureobjectneighbors import measureobjectneighbors

    parts, features, _ = found(which, "neighbors", neighbor_distance=5)
    part = parts[0]
    for method, scale in (("Adjacent", "Adjacent"), ("Within a specified distance", "5")):
        expected = measureobjectneighbors(part.labels, part.labels, method, 5)
        for feature in ("NumberOfNeighbors", "PercentTouching"):
            same(part, features, f"Neighbors_{feature}_{scale}", expected[f"Neighbors_{feature}_{scale}"])
        if scale == "Adjacent":
            for feature in ("FirstClosestDistance", "SecondClosestDistance", "AngleBetweenNeighbors"):
                same(part, features, f"Neighbors_{feature}_{scale}", expected[f"Neighbors_{feature}_{scale}"])
    assert features["Cells_Neighbors_NumberOfNeighbors_Adjacent"].max() > 0
    # cp_measure 0.3.0 names the object itself as its closest
    own, labels = features["Cells_Neighbors_FirstClosestObjectNumber_Adjacent"], labels_of(GIVEN[which][0])
    assert not (own == labels).any()
    assert set(own) <= set(labels)


def test_reconstruction_equals_skimage_exactly() -> None:
    from skimage.morphology import disk, erosion, reconstruction

    rng = np.random.default_rng(0)
    for size in (1, 2, 7, 60):
        mask = np.round(ndi.gaussian_filter(rng.normal(size=(size, size + 3)), 1) * 20)
        marker = mask.copy()
        for _ in range(3):
            marker = erosion(marker, disk(1))
            expected = reconstruction(marker, mask, footprint=disk(1))
            found = marker.copy()
            granularity._reconstruct(
                found, mask, np.empty(mask.size, np.int64), np.zeros(mask.shape, np.bool_)
            )
            np.testing.assert_array_equal(found, expected)


# --- known answers, and other types of images ---


def test_a_channel_correlates_with_itself_and_against_its_inverse() -> None:
    image = pixels()[0].astype(float)
    field = Field(np.stack([image, 2 * image + 100, 60000 - image]), ("A", "B", "C"), None)
    features = measure_field(field, masks()[0], None, MeasurementSettings(("correlation",))).features
    np.testing.assert_allclose(features["Cells_Correlation_Correlation_A_B"], 1)
    np.testing.assert_allclose(features["Cells_Correlation_Slope_A_B"], 2)
    np.testing.assert_allclose(features["Cells_Correlation_Correlation_A_C"], -1)


@pytest.mark.parametrize("kind", [np.int32, np.uint32, np.float32, np.float64, ">u2"])
def test_the_type_of_the_image_changes_no_value(kind: str) -> None:
    cells, nuclei, image = GIVEN["cells"]
    families = tuple(name for name in FAMILIES if name != "costes" or full_scale(np.dtype(kind)) == 65535)
    expected = measure_field(
        Field(image, CHANNELS, None), cells, nuclei, MeasurementSettings(families)
    ).features
    given = Field(image.astype(kind), CHANNELS, None)
    for name, values in measure_field(given, cells, nuclei, MeasurementSettings(families)).features.items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_fractions_and_wide_ranges_are_sorted_as_counts_are() -> None:
    cells, nuclei, image = GIVEN["cells"]
    settings = MeasurementSettings(("intensity", "correlation"))
    counts = measure_field(Field(image, CHANNELS, None), cells, nuclei, settings).features
    for factor in (1 / 3, 1e6):
        given = Field(image * factor, CHANNELS, None)
        for name, values in measure_field(given, cells, nuclei, settings).features.items():
            counted = "_Intensity_" in name and "MassDisplacement" not in name
            expected = counts[name] * (factor if counted else 1)
            np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6, err_msg=name)


def test_a_pixel_that_is_not_a_number_stays_in_its_object() -> None:
    cells, nuclei, image = GIVEN["cells"]
    spoiled = image.astype(np.float64)
    label = labels_of(cells)[0]
    y, x = np.argwhere(cells == label)[7]
    spoiled[0, y, x] = np.nan
    settings = MeasurementSettings(("intensity", "correlation", "costes", "radial", "radial_zernike"))
    measured = measure_field(Field(spoiled, CHANNELS, None), cells, nuclei, settings).features
    whole = measure_field(Field(image, CHANNELS, None), cells, nuclei, settings).features
    for name, values in measured.items():
        np.testing.assert_array_equal(values[1:], whole[name][1:], err_msg=name)
        if name.startswith("Cells_") and CHANNELS[0] not in name.split("_"):
            np.testing.assert_array_equal(values[0], whole[name][0], err_msg=name)
        elif name.startswith(("Cells_Intensity", "Cells_Location", "Cells_Correlation")):
            assert np.isnan(values[0]), name


@pytest.mark.parametrize("shape", [(40, 1), (1, 40), (1, 1), (5, 3)])
def test_images_too_small_to_be_sampled_have_no_granularity(shape: tuple[int, int]) -> None:
    image = np.arange(1, 1 + np.prod(shape), dtype=np.uint16).reshape(1, *shape)
    measured = measure_field(
        Field(image, ("A",), None),
        np.ones(shape, np.int32),
        np.ones(shape, np.int32),
        MeasurementSettings(FAMILIES),
    )
    assert np.isnan(measured.features["Cells_Granularity_1_A"]).all()
    assert measured.features["Cells_Intensity_IntegratedIntensity_A"][0] == image.sum()


def test_costes_finds_the_threshold_of_two_stains_that_share_their_bright_spots() -> None:
    rng = np.random.default_rng(0)
    cells = disc((80, 80), 40, 40, 30).astype(np.int32)
    spots = disc((80, 80), 30, 40, 8)
    first = rng.integers(900, 1100, (80, 80)) + 5000 * spots
    second = rng.integers(900, 1100, (80, 80)) + 3000 * spots
    field = Field(np.stack([first, second]).astype(np.uint16), ("A", "B"), None)
    features = measure_field(field, cells, None, MeasurementSettings(("costes",))).features
    assert features["Cells_Correlation_Costes_A_B"][0] > 0.95
    apart = Field(np.stack([first, second[::-1]]).astype(np.uint16), ("A", "B"), None)
    assert (
        not measure_field(apart, cells, None, MeasurementSettings(("costes",))).features[
            "Cells_Correlation_Costes_A_B"
        ][0]
        > 0.5
    )
