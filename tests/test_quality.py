from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage as ndi
import tifffile

from morphodose.imaging.blank import noise_and_relief, structure
from morphodose.imaging.images import Field
from morphodose.imaging.judgement import QualityThresholds, judge_field
from morphodose.imaging.quality import (
    channel_figures,
    field_figures,
    pixel_noise,
    power_log_log_slope,
    stained,
    without_trend,
)
from morphodose.imaging.saturation import ceiling
from morphodose.simulate.field import CHANNELS, Optics, render_field

DIAMETER = 40.0


def simulated(seed: int, **options: object) -> Field:
    optics = Optics(**options.pop("optics", {}))  # type: ignore[arg-type]
    made = render_field(np.random.default_rng(seed), size=300, optics=optics, **options)  # type: ignore[arg-type]
    return Field(made.planes.max(axis=0), tuple(CHANNELS), None)


def verdict(field: Field, diameter: float = DIAMETER) -> tuple[str, str]:
    found = judge_field(field_figures(field, "Brightfield"), "Hoechst", "CellMask", diameter)
    return found.verdict, found.reason


@pytest.mark.parametrize("seed", range(3))
def test_fields_in_focus_are_kept_whatever_the_density_or_the_death(seed: int) -> None:
    assert verdict(simulated(seed)) == ("keep", "")
    assert verdict(simulated(seed, n_cells=70.0)) == ("keep", "")
    dying = simulated(seed, fractions=[0.1, 0.2, 0.5, 0.2], lost=0.7, morphology=1.0)
    assert verdict(dying) == ("keep", "")


@pytest.mark.parametrize("seed", range(3))
def test_heavy_defocus_is_dropped_with_width_and_threshold(seed: int) -> None:
    judged, reason = verdict(simulated(seed, optics={"defocus": 30.0}))
    assert judged == "drop"
    assert "out of focus: edges in Hoechst are" in reason
    assert "(> 0.18)" in reason


@pytest.mark.parametrize("seed", range(3))
def test_defocus_is_at_most_a_flag_where_the_size_of_cells_is_not_known(seed: int) -> None:
    assert verdict(simulated(seed, optics={"defocus": 30.0}), 0.0)[0] in ("keep", "flag")


def test_a_field_without_cells_is_flagged_as_empty_and_never_dropped() -> None:
    for seed, light in ((0, 0.0), (1, 0.5)):
        judged, reason = verdict(simulated(seed, n_cells=0.0, optics={"illumination": light}))
        assert judged == "flag"
        assert reason.startswith("empty: stain covers 0.00 % in Hoechst, 0.00 % in CellMask")


@pytest.mark.parametrize(
    ("channel", "why"),
    [
        ("CellMask", "though Hoechst shows cells, so that its cells have the shape of their nuclei"),
        ("Hoechst", "though CellMask shows cells, so that it has no nuclei"),
    ],
)
def test_a_stain_that_is_faint_where_the_other_shows_cells_is_flagged(channel: str, why: str) -> None:
    field = simulated(0)
    place = field.channels.index(channel)
    noise = np.random.default_rng(1).normal(400, 60, field.pixels[place].shape)
    counts = field.pixels[place].astype(float)
    faint = 12 * (counts > np.percentile(counts, 80))
    field.pixels[place] = (noise + faint).round().astype(field.pixels.dtype)
    judged, reason = verdict(field)
    assert judged == "flag"
    assert f"stain covers 0.00 % of {channel} (< 0.05 %), {why}" in reason


def test_a_field_with_three_cells_left_is_kept() -> None:
    assert verdict(simulated(1, n_cells=3.0)) == ("keep", "")


def test_saturation_is_flagged_then_dropped_and_only_dropped_where_it_matters() -> None:
    field = simulated(0)
    for share, expected in ((0.001, "keep"), (0.02, "flag"), (0.2, "drop")):
        pixels = field.pixels.copy()
        count = int(share * pixels[1].size)
        pixels[1].ravel()[:count] = 65535
        judged, reason = verdict(Field(pixels, field.channels, None))
        assert judged == expected
        assert ("Hoechst: " in reason and "saturated" in reason) == (expected != "keep")
        pixels = field.pixels.copy()
        pixels[4].ravel()[:count] = 65535
        assert verdict(Field(pixels, field.channels, None))[0] != "drop"


def test_a_constant_channel_is_a_fault_where_cells_are_segmented_and_a_flag_elsewhere() -> None:
    field = simulated(0)
    for index, expected in ((1, "drop"), (2, "drop"), (0, "flag"), (3, "flag")):
        pixels = field.pixels.copy()
        pixels[index] = 500
        judged, reason = verdict(Field(pixels, field.channels, None))
        assert judged == expected
        assert f"{field.channels[index]} is constant at 500 counts" in reason


def test_a_bright_clump_is_flagged_as_debris() -> None:
    field = simulated(0)
    pixels = field.pixels.copy()
    # not a constant, which would be saturated
    pixels[1, :150, :150] = np.random.default_rng(0).normal(4000, 60, (150, 150))
    judged, reason = verdict(Field(pixels, field.channels, None))
    assert judged == "flag"
    assert "debris or a clump" in reason


@pytest.mark.parametrize(
    ("level", "ceiling_", "expected"),
    [(12_000, 65535, "keep"), (14_000, 65535, "flag"), (700, 4095, "keep"), (900, 4095, "flag")],
)
def test_a_bright_background_is_flagged_with_its_share(level: int, ceiling_: int, expected: str) -> None:
    # a fifth of 65535 counts is 13,107, of a camera of 12 bits 819
    field = simulated(0)
    pixels = field.pixels.copy()
    stain = (pixels[4] - pixels[4].min()) // 4 if ceiling_ < 65535 else pixels[4] - pixels[4].min()
    pixels[4] = level + stain
    pixels[4, 0, 0] = min(ceiling_, 60_000)
    figures = field_figures(Field(pixels, field.channels, None), "Brightfield")
    assert figures["PI"]["PercentBackground"] == pytest.approx(100 * level / ceiling_, abs=0.5)
    found = judge_field(figures, "Hoechst", "CellMask", DIAMETER)
    assert found.verdict == expected
    assert ("PI: the background takes" in found.reason) == (expected == "flag")
    # how bright a background may be is an option
    assert (
        judge_field(figures, "Hoechst", "CellMask", DIAMETER, QualityThresholds(background_flag=50)).verdict
        == "keep"
    )


def test_the_background_of_brightfield_is_light_and_not_judged() -> None:
    field = simulated(0)
    pixels = field.pixels.copy()
    pixels[0] += 30_000
    assert verdict(Field(pixels, field.channels, None)) == ("keep", "")


@pytest.mark.parametrize("seed", range(2))
def test_without_nuclei_the_focus_of_the_cells_is_judged_and_only_flags(seed: int) -> None:
    sharp, blurred = (
        field_figures(simulated(seed, optics={"defocus": defocus}), "Brightfield") for defocus in (0.0, 30.0)
    )
    for cell in ("CellMask", None):
        assert judge_field(sharp, None, cell, DIAMETER).verdict == "keep"
        found = judge_field(blurred, None, cell, DIAMETER)
        assert found.verdict == "flag"
        assert re.search(r"perhaps out of focus: edges in \w+ are .* of the cell diameter", found.reason)
        # the size of cells is the only measure there is
        assert judge_field(blurred, None, cell, 0.0).verdict == "keep"
    assert "edges in CellMask" in judge_field(blurred, None, "CellMask", DIAMETER).reason


def test_thresholds_are_obeyed() -> None:
    figures = field_figures(simulated(0), "Brightfield")
    strict = QualityThresholds(edge_flag=0.001, edge_drop=0.002)
    assert judge_field(figures, "Hoechst", "CellMask", DIAMETER, strict).verdict == "drop"


def test_real_plate_and_real_field_are_kept(shared_data: Path) -> None:
    for well in ("01-A-01", "12-A-12", "49-E-01", "96-H-12"):
        both = [tifffile.imread(shared_data / f"bbbc013/Channel{c}-{well}.tif") for c in (1, 2)]
        figures = field_figures(Field(np.stack(both), ("GFP", "DNA"), None))
        for diameter in (0.0, 30.0):
            for nuclear, cell in (("DNA", None), ("DNA", "GFP"), (None, "GFP"), (None, None)):
                assert judge_field(figures, nuclear, cell, diameter).verdict == "keep"
    names = ("Brightfield", "ER", "AGP", "Mito", "DNA", "RNA")
    real = [
        tifffile.imread(shared_data / f"brightfield/r03c03f03p01-ch{c}sk1fk1fl1.tiff") for c in range(1, 7)
    ]
    figures = field_figures(Field(np.stack(real), names, None), "Brightfield")
    for diameter in (0.0, 110.0):
        for nuclear, cell in (("DNA", "ER"), (None, "ER"), (None, "AGP"), (None, None)):
            assert judge_field(figures, nuclear, cell, diameter).verdict == "keep"


def test_blurring_a_real_field_raises_the_edge_width_and_lowers_the_slope(shared_data: Path) -> None:
    image = tifffile.imread(shared_data / "brightfield/r03c03f03p01-ch5sk1fk1fl1.tiff").astype(float)
    blurred = [ndi.gaussian_filter(image, sigma) for sigma in (0, 3, 6, 12)]
    widths = [stained(each)["EdgeWidth"] for each in blurred]
    assert widths == sorted(widths)
    slopes = [power_log_log_slope(each) for each in blurred[:3]]
    assert slopes == sorted(slopes, reverse=True)


def test_the_slope_is_that_of_a_known_spectrum() -> None:
    # amplitudes of 1/f in two dimensions: ring sums of power fall with f**-2 * f = f**-1
    rng = np.random.default_rng(0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(512), np.fft.fftfreq(512)))
    frequency[0, 0] = 1
    image = np.fft.ifft2(np.fft.fft2(rng.normal(size=(512, 512))) / frequency).real
    assert power_log_log_slope(image) == pytest.approx(-1, abs=0.1)
    assert power_log_log_slope(rng.normal(size=(512, 512))) == pytest.approx(1, abs=0.1)
    assert power_log_log_slope(np.full((64, 64), 7)) == 0


def test_the_ceiling_is_that_of_the_depth_or_of_the_camera() -> None:
    assert ceiling(np.array([[255]], np.uint8)) == 255
    assert ceiling(np.array([[4095]], np.uint16)) == 4095
    assert ceiling(np.array([[4094]], np.uint16)) == 65535
    assert ceiling(np.array([[1.0]], np.float32)) == math.inf
    half = np.full((10, 10), 300, np.uint16)
    half[:5] = 4095
    assert channel_figures(half, False)["PercentSaturated"] == 50


def test_noise_is_measured_beside_structures() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:200, :200]
    image = 1000 + 200 * np.sin(x / 30) + rng.normal(0, 20, (200, 200))
    assert pixel_noise(image.astype(np.float32)) == pytest.approx(20, rel=0.1)


def test_a_quadratic_trend_is_taken_out_and_objects_are_left() -> None:
    y, x = np.mgrid[-1:1:200j, -1:1:200j]
    trend = 500 - 120 * (x - 0.2) ** 2 - 90 * y**2
    spots = 300.0 * (((np.arange(200) // 8) % 4 == 0)[:, None] & ((np.arange(200) // 8) % 4 == 0)[None, :])
    flat = without_trend((trend + spots).astype(np.float32))
    assert np.abs(flat[spots == 0]).max() < 12
    assert np.median(flat[spots > 0]) == pytest.approx(300, abs=12)


def test_brightfield_has_no_stain_to_measure() -> None:
    figures = field_figures(simulated(0), "Brightfield")
    assert math.isnan(figures["Brightfield"]["ForegroundCoverage"])
    assert figures["Hoechst"]["ForegroundCoverage"] > 1


def _blank(rng: np.random.Generator, kind: str, shape: tuple[int, int]) -> np.ndarray:
    """A channel in which nothing was recorded."""
    y, x = (np.linspace(-1, 1, edge) for edge in shape)
    vignette = 1 - 0.4 * (y[:, None] ** 2 + x[None, :] ** 2) / 2
    return {
        "constant": np.full(shape, 110.0),
        "noise of one count": 110 + rng.integers(-1, 2, shape),
        "normal noise": 110 + rng.normal(0, 1, shape),
        "zero and one": rng.integers(0, 2, shape).astype(float),
        "behind a flat field": 300 / vignette,
        "noise behind a flat field": (200 + rng.integers(-1, 2, shape)) / vignette,
        "hot pixels": np.where(rng.random(shape) < 5e-4, 60_000.0, 110.0),
        "hot pixels in noise": np.where(rng.random(shape) < 5e-4, 3_000.0, 110 + rng.integers(-1, 2, shape)),
        "a speck": np.where((np.abs(y)[:, None] < 0.007) & (np.abs(x)[None, :] < 0.007), 900.0, 110.0),
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "constant",
        "noise of one count",
        "normal noise",
        "zero and one",
        "behind a flat field",
        "noise behind a flat field",
        "hot pixels",
        "hot pixels in noise",
        "a speck",
    ],
)
def test_a_channel_in_which_nothing_was_recorded_is_named(kind: str) -> None:
    field = simulated(1)
    pixels = field.pixels.copy()
    dead = field.channels.index("PI")
    pixels[dead] = np.rint(_blank(np.random.default_rng(0), kind, pixels.shape[1:]))
    figures = field_figures(Field(pixels, field.channels, None), "Brightfield")
    found = judge_field(figures, "Hoechst", "CellMask", DIAMETER)
    assert (found.verdict, found.unusable) == ("flag", ("PI",))
    assert "PI is constant at" in found.reason or "PI holds nothing but noise of" in found.reason


def noise(rng: np.random.Generator, kind: str, shape: tuple[int, int]) -> np.ndarray:
    """A channel of which the camera recorded nothing but its noise, of more than a count."""
    if kind == "projected":
        return rng.normal(110, 6, (6, *shape)).max(axis=0)
    if kind == "rows and columns of their own":
        return rng.normal(110, 6, shape) + rng.normal(0, 2, (shape[0], 1)) + rng.normal(0, 2, shape[1])
    if kind == "behind a lens":
        y, x = (np.linspace(-1, 1, edge) for edge in shape)
        return rng.normal(0, 6, shape) + 400 - 40 * (y[:, None] ** 2 + x[None, :] ** 2)
    if kind == "resampled":
        return ndi.shift(rng.normal(110, 12, shape), 0.5, order=1, mode="nearest")
    return rng.normal(110, float(kind), shape)


@pytest.mark.parametrize("size", [180, 400])
@pytest.mark.parametrize(
    "kind", ["3", "10", "40", "projected", "rows and columns of their own", "behind a lens", "resampled"]
)
def test_a_channel_of_noise_without_a_trace_of_the_cells_is_named(kind: str, size: int) -> None:
    made = render_field(np.random.default_rng(1), size=size, n_cells=size**2 / 2000)
    pixels = made.planes.max(axis=0)
    for name, expected in (("PI", "flag"), ("CellMask", "drop")):
        broken = pixels.copy()
        dead = list(CHANNELS).index(name)
        broken[dead] = np.rint(noise(np.random.default_rng(0), kind, pixels.shape[1:])).clip(0)
        figures = field_figures(Field(broken, tuple(CHANNELS), None), "Brightfield")
        found = judge_field(figures, "Hoechst", "CellMask", DIAMETER)
        assert (found.verdict, found.unusable) == (expected, (name,))
        assert f"{name} holds nothing but noise of" in found.reason


@pytest.mark.parametrize("noise_counts", [1.0, 5.0])
def test_a_field_without_a_cell_is_empty_and_its_noise_no_fault(noise_counts: float) -> None:
    """A compound that kills and detaches all cells leaves such fields."""
    pixels = np.random.default_rng(0).normal(110, noise_counts, (3, 200, 200)).round().astype(np.uint16)
    pixels += np.array([0, 500, 0], np.uint16)[:, None, None]
    figures = field_figures(Field(pixels, ("DNA", "Cell", "PI"), None))
    found = judge_field(figures, "DNA", "Cell", DIAMETER)
    assert found.verdict == "flag" and "empty: stain covers 0.00 % in DNA" in found.reason


def test_dim_cells_in_noise_are_a_trace() -> None:
    """A quarter of the noise of a pixel is enough; the mean of a cell of 400 px is known to a twentieth."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:400, :400]
    cells = (y % 50 - 25) ** 2 + ((x + y // 50 * 17) % 50 - 25) ** 2 < 12**2
    stain = rng.normal(200, 8, (400, 400))
    assert structure(np.rint(stain)) < 1 < structure(np.rint(stain + 2 * cells)) < 8


def test_noise_that_is_cut_off_or_too_fine_for_its_counts_is_doubtful() -> None:
    field = simulated(1)
    dead = field.channels.index("PI")
    rng = np.random.default_rng(0)
    shape = field.pixels.shape[1:]
    for hidden in (rng.normal(-6, 4, shape).clip(0), 3.0 + (rng.random(shape) < 0.01)):
        pixels = (field.pixels / 300).clip(0, 255).astype(np.uint8)
        pixels[dead] = np.rint(hidden)
        figures = field_figures(Field(pixels, field.channels, None), "Brightfield")
        found = judge_field(figures, "Hoechst", "CellMask", DIAMETER)
        assert (found.verdict, found.unusable) == ("flag", ())
        assert "PI shows no trace of the cells (" in found.reason


@pytest.mark.parametrize("seed", range(3))
def test_a_death_stain_that_stained_no_cell_is_no_blank_channel(seed: int) -> None:
    field = simulated(seed, fractions=[1.0, 0.0, 0.0, 0.0])
    dim = field.pixels.copy()
    for name in ("PI", "AnnexinV"):
        # a camera that counts coarsely: a tenth of the noise, and of the cells' own light
        dim[field.channels.index(name)] //= 10
    for pixels in (field.pixels, dim):
        figures = field_figures(Field(pixels, field.channels, None), "Brightfield")
        assert judge_field(figures, "Hoechst", "CellMask", DIAMETER).unusable == ()


def test_a_few_dead_cells_on_a_subtracted_background_are_a_signal() -> None:
    y, x = np.mgrid[:1080, :1080]
    dead = np.zeros((1080, 1080))
    for at in (200, 700):
        dead += 800 * (np.hypot(y - at, x - at) < 10)
    noise, relief = noise_and_relief(dead.astype(np.uint16))
    assert noise == pytest.approx(0.0, abs=1.0)
    assert relief > 100


def test_eight_bits_hide_too_much_for_a_channel_to_be_called_blank() -> None:
    rng = np.random.default_rng(0)
    stain = rng.normal(60, 20, (96, 96)).clip(0, 255)
    pixels = np.stack([stain, rng.integers(0, 2, (96, 96))]).astype(np.uint8)
    assert judge_field(field_figures(Field(pixels, ("Cell", "PI"), None))).unusable == ()
