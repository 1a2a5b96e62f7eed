from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage as ndi

from morphodose.imaging.focus import focus_figure, peak_at_edge, sharpest


def fluorescent_series(rng: np.random.Generator, depths: np.ndarray) -> list[np.ndarray]:
    """Discs blurred in proportion to their distance from focus, with shot noise and an offset."""
    y, x = np.mgrid[:160, :160]
    sharp = np.zeros((160, 160))
    for cy, cx in rng.uniform(15, 145, (14, 2)):
        sharp[(y - cy) ** 2 + (x - cx) ** 2 < 81] = 800
    sharp *= 1 + 0.3 * ndi.gaussian_filter(rng.normal(size=sharp.shape), 2) * 5
    return [100 + rng.poisson(ndi.gaussian_filter(np.maximum(sharp, 0) + 60, 1 + abs(z))) for z in depths]


def brightfield_series(rng: np.random.Generator, depths_um: np.ndarray) -> list[np.ndarray]:
    """Weak phase and absorbing cells under partially coherent light (Abbe's sum over the condenser).

    0.5 um pixels, 0.55 um light, condenser aperture 0.2, objective 0.45: each direction of illumination
    images the object coherently after propagation over the defocus; the images add up.
    """
    size, pixel, wave, condenser, objective = 160, 0.5, 0.55, 0.2, 0.45
    y, x = np.mgrid[:size, :size]
    phase, absorption = np.zeros((size, size)), np.zeros((size, size))
    for cy, cx in rng.uniform(20, 140, (12, 2)):
        radius = np.hypot(y - cy, x - cx)
        phase += 0.8 * np.clip(1 - (radius / 14) ** 2, 0, None)
        phase += 0.3 * (radius < 5)
        for dy, dx in rng.normal(0, 5, (12, 2)):
            absorption += 0.08 * (np.hypot(y - cy - dy, x - cx - dx) < 1.5)
    sample = np.exp(1j * phase - absorption)
    fy = np.fft.fftfreq(size, pixel)[:, None]
    fx = np.fft.fftfreq(size, pixel)[None, :]
    series = []
    for depth in depths_um:
        image = np.zeros((size, size))
        for angle in np.arange(6) * np.pi / 3:
            for aperture in (0.0, condenser / 2, condenser):
                sy, sx = aperture / wave * np.sin(angle), aperture / wave * np.cos(angle)
                squared = ((fy + sy) ** 2 + (fx + sx) ** 2) * wave**2
                pupil = squared < objective**2
                travel = 2 * np.pi / wave * depth * np.sqrt(np.maximum(1 - squared, 0))
                wavefront = np.fft.ifft2(np.fft.fft2(sample) * pupil * np.exp(1j * travel))
                image += np.abs(wavefront) ** 2
        series.append(rng.poisson(9000 * image / image.mean()))
    return series


@pytest.mark.parametrize("true", [1, 3, 4])
def test_the_sharpest_fluorescent_plane_is_that_in_focus(true: int) -> None:
    depths = np.arange(6) - true
    for seed in range(3):
        series = fluorescent_series(np.random.default_rng(seed), depths * 1.5)
        assert sharpest([focus_figure(plane) for plane in series]) == true


@pytest.mark.parametrize("true", [1, 2, 4])
def test_the_sharpest_brightfield_plane_is_within_one_plane_of_focus(true: int) -> None:
    depths = (np.arange(6) - true) * 6.0
    for seed in range(3):
        series = brightfield_series(np.random.default_rng(seed), depths)
        assert abs(sharpest([focus_figure(plane) for plane in series]) - true) <= 1


def test_plain_variance_would_take_a_defocused_brightfield_plane() -> None:
    # the reason for a figure of fine detail: phase objects gain coarse contrast out of focus
    depths = np.array([0.0, 12.0, 24.0, 36.0])
    series = brightfield_series(np.random.default_rng(0), depths)
    assert int(np.argmax([plane.var() / plane.mean() ** 2 for plane in series])) != 0
    assert sharpest([focus_figure(plane) for plane in series]) == 0


def test_a_brighter_lamp_does_not_change_the_figure() -> None:
    plane = np.random.default_rng(0).normal(1000, 50, (64, 64))
    assert focus_figure(3 * plane) == pytest.approx(focus_figure(plane), rel=1e-4)


def test_planes_without_signal_or_contrast_have_no_focus() -> None:
    assert focus_figure(np.zeros((20, 20), np.uint16)) == 0
    assert focus_figure(np.full((20, 20), 900, np.uint16)) == pytest.approx(0, abs=1e-9)


def test_the_edge_of_a_stack_warns_only_where_the_curve_says_something() -> None:
    assert peak_at_edge([5.0, 2.0, 1.0, 1.0])
    assert peak_at_edge([1.0, 1.0, 2.0, 5.0])
    assert not peak_at_edge([1.0, 5.0, 1.0])
    assert not peak_at_edge([1.02, 1.0, 1.01])
    assert not peak_at_edge([5.0, 1.0])
