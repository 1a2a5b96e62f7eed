"""The share of saturated pixels, whatever the camera's greatest count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from morphodose.imaging.quality import channel_figures
from morphodose.imaging.saturation import ceiling, piled_up
from morphodose.simulate.field import CHANNELS, render_field


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    made = render_field(np.random.default_rng(1), size=200, n_cells=36.0)
    return np.asarray(made.planes[0][list(CHANNELS).index("CellMask")], dtype=np.float64)


@pytest.mark.parametrize(
    ("top", "dtype"),
    [
        *((top, "uint16") for top in (1023, 2047, 4095, 8191, 16383, 32767, 65435, 65520, 65535)),
        (32767, "int16"), (65535, "uint32"), (120, "uint8"), (255, "uint8"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("share", [43.0, 12.0, 1.0])
def test_saturation_is_the_share_at_the_greatest_count_of_the_channel(image, top, dtype, share) -> None:
    level = np.percentile(image, 100 - share)
    pixels = np.minimum(np.rint(image / level * top), top)
    if top == 65520:  # 12 bits shifted up
        pixels = np.minimum(np.rint(pixels / 16) * 16, top)
    pixels = pixels.astype(dtype)
    assert channel_figures(pixels, True)["PercentSaturated"] == pytest.approx(share, abs=0.6)
    assert ceiling(pixels) == top


@pytest.mark.parametrize("hot", [2048, 4095, 60_000])
def test_a_hot_pixel_above_does_not_hide_that_the_others_are_cut_off(image, hot) -> None:
    pixels = np.minimum(np.rint(image / np.percentile(image, 88) * 2047), 2047).astype(np.uint16)
    pixels[3, 3] = pixels[150, 7] = hot
    assert channel_figures(pixels, True)["PercentSaturated"] == pytest.approx(12, abs=0.6)
    assert ceiling(pixels) == 2047


@pytest.mark.parametrize("share", [30.0, 10.0, 2.0])
@pytest.mark.parametrize("kind", ["three counts", "noise", "noise, offset", "scaled to floats"])
def test_a_ceiling_that_is_spread_over_a_few_counts_is_seen(image, share, kind) -> None:
    rng = np.random.default_rng(0)
    counts = np.minimum(np.rint(image / np.percentile(image, 100 - share) * 4095), 4095)
    if kind == "three counts":
        counts += rng.integers(-1, 2, counts.shape)
    elif kind == "noise":
        counts += rng.normal(0, 1.5, counts.shape)
    else:
        counts += 200 + rng.normal(0, 3, counts.shape)
    pixels = (counts / 4.095).astype(np.float32) if "floats" in kind else np.rint(counts).astype(np.uint16)
    assert channel_figures(pixels, True)["PercentSaturated"] == pytest.approx(share, abs=0.1 * share)


@pytest.mark.parametrize("share", [30.0, 10.0, 3.0])
def test_a_ceiling_behind_a_flat_field_is_seen(share) -> None:
    made = render_field(np.random.default_rng(1), size=600, n_cells=324.0)
    image = np.asarray(made.planes[0][list(CHANNELS).index("CellMask")], dtype=np.float64)
    y, x = np.mgrid[-1:1:600j, -1:1:600j]
    flat = 1 - 0.4 * (y**2 + x**2) / 2 - 0.1 * x
    stained = image * flat
    counts = np.minimum(np.rint(stained / np.percentile(stained, 100 - share) * 4095), 4095)
    pixels = np.rint(counts / flat).astype(np.uint16)
    assert piled_up(np.rint(stained / flat).astype(np.uint16)) == 0
    assert channel_figures(pixels, True)["PercentSaturated"] == pytest.approx(share, abs=0.15 * share)


def test_a_natural_maximum_is_not_saturated(image) -> None:
    rng = np.random.default_rng(0)
    for pixels in (
        image.astype(np.uint16),
        (image // 40).astype(np.uint8),
        (image // 400).astype(np.uint8),  # a dozen counts
        np.rint(image / 16).astype(np.uint16) * 16,
        rng.poisson(2.0, (200, 200)).astype(np.uint16),
        rng.normal(1000, 5, (200, 200)).astype(np.int32),
    ):
        assert piled_up(pixels) == 0


def test_real_images_are_saturated_at_the_end_of_their_range_alone(shared_data: Path) -> None:
    for file in sorted((shared_data / "bbbc013").glob("*.tif"))[:12]:
        pixels = tifffile.imread(file)
        assert piled_up(pixels) == 0 or pixels.max() == 255
    real = tifffile.imread(shared_data / "brightfield/r03c03f03p01-ch5sk1fk1fl1.tiff")
    assert piled_up(real) == 0
