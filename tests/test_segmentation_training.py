"""Training of a Cellpose network: what it is shown, and that it goes on after an interruption."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from morphodose.errors import InputError
from morphodose.segmentation.common import pair
from morphodose.segmentation.network import build_network
from morphodose.segmentation.training import (
    TILE,
    Sample,
    Schedule,
    faint_light,
    grains_of_light,
    make_sample,
    median_diameter,
    tile_of,
    train_network,
    uneven_light,
)


def discs(size: int = 300, radius: int = 15, step: int = 60) -> np.ndarray:
    """Label mask of discs on a grid."""
    y, x = np.mgrid[:size, :size]
    near_y, near_x = (y // step) * step + step // 2, (x // step) * step + step // 2
    number = (y // step) * (size // step) + x // step + 1
    return np.where((y - near_y) ** 2 + (x - near_x) ** 2 <= radius**2, number, 0)


def lit(labels: np.ndarray, noise: float = 0.0) -> np.ndarray:
    """The discs at 1000 counts on a background of 100."""
    image = 100 + 900.0 * (labels > 0) + np.random.default_rng(0).normal(0, noise, labels.shape)
    return pair(image)


def test_the_diameter_of_a_mask_is_that_of_its_discs() -> None:
    assert median_diameter(discs()) == pytest.approx(30, rel=0.03)
    with pytest.raises(InputError, match="no object"):
        median_diameter(np.zeros((5, 5), int))


def test_a_sample_of_large_objects_is_reduced_and_keeps_them() -> None:
    labels = discs(600, 60, 150)
    sample = make_sample(lit(labels), labels, rescale=4.0)
    assert sample.rescale == pytest.approx(1.2)
    assert median_diameter(sample.labels) == pytest.approx(36, rel=0.05)
    assert set(np.unique(sample.labels)) == set(np.unique(labels))


@pytest.mark.parametrize(
    ("rescale", "shape", "what"), [(0.0, (300, 300), "above 0"), (1.0, (300, 299), "differ in size")]
)
def test_a_sample_that_cannot_be_is_refused(rescale: float, shape: tuple[int, int], what: str) -> None:
    with pytest.raises(InputError, match=what):
        make_sample(np.ones((*shape, 2)), discs(), rescale)


def test_a_tile_shows_objects_at_the_networks_size_with_flows_to_their_middle() -> None:
    labels = discs()
    sample = make_sample(lit(labels), labels, rescale=0.5)
    rng = np.random.default_rng(0)
    for _ in range(5):
        image, target = tile_of(sample, rng)
        assert image.shape == (2, TILE, TILE)
        assert set(np.unique(target[0])) <= {0.0, 1.0}
        # flows are unit vectors inside, and none outside
        length = np.hypot(target[1], target[2])
        assert np.median(length[target[0] > 0]) > 0.6
        assert length[target[0] == 0].mean() < 0.05


def test_flows_point_to_the_middle() -> None:
    labels = discs(61, 15, 61)
    flows = make_sample(lit(labels), labels, 1.0).flows
    assert flows[0, 18, 30] > 0.9  # above the middle: down
    assert flows[0, 42, 30] < -0.9
    assert flows[1, 30, 18] > 0.9  # left of it: right
    assert flows[1, 30, 42] < -0.9


def test_light_varies_from_object_to_object_and_not_in_the_background() -> None:
    labels = discs()
    factor = uneven_light(labels, np.random.default_rng(1))
    centres = factor[30::60, 30::60]
    assert centres.min() < 0.5
    assert centres.max() == pytest.approx(1, abs=0.02)
    assert factor[0, 0] == pytest.approx(1)


def test_faint_light_is_dim_noisy_and_keeps_a_few_objects() -> None:
    labels = discs(600)
    channel = np.where(labels > 0, np.float32(2), np.float32(0))  # e times the middle
    share_kept = []
    for seed in range(12):
        shown = faint_light(channel, labels, np.random.default_rng(seed))
        centres = shown[30::60, 30::60].ravel()
        # the middle of what most have left: 0.08 to 0.5 of e, spread and noise aside
        assert 0.1 < np.median(centres) < 1.4
        assert 0.004 < shown[labels == 0].std() < 0.08
        share_kept.append((centres > 1.8).mean())
    assert 0 < np.mean(share_kept) < 0.25


def test_grains_of_light_are_dark_between_and_add_none_outside() -> None:
    labels = discs()
    channel = (labels > 0).astype(np.float32)
    for seed in range(6):
        shown = grains_of_light(channel, np.random.default_rng(seed))
        inside = shown[labels > 0]
        assert np.percentile(inside, 99) > 0.6
        assert np.median(inside) < 0.6 * np.percentile(inside, 99)
        assert not shown[labels == 0].any()


def test_transmitted_light_is_not_relit() -> None:
    labels = discs()
    bright = make_sample(lit(labels, 10.0), labels, 1.0, relight=False)
    levels = []
    for seed in range(8):
        image, target = tile_of(bright, np.random.default_rng(seed))
        levels.append(np.median(image[0][target[0] > 0]))
    assert min(levels) > 0.5


@pytest.mark.slow
class TestTraining:
    """A tiny network on discs."""

    samples = [make_sample(lit(discs(), 30.0), discs(), 1.0)]

    def draw(self, rng: np.random.Generator) -> list[Sample]:
        return [self.samples[rng.integers(len(self.samples))] for _ in range(2)]

    def network(self) -> torch.nn.Module:
        torch.manual_seed(0)
        return build_network((4, 8), 30.0)

    def test_an_interrupted_run_ends_where_an_unbroken_one_does(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("morphodose.segmentation.training.CHECKPOINT_EVERY", 3)
        schedule = Schedule(steps=6, rate=0.01, seed=5, warm_up=2)
        steps: list[int] = []
        whole = train_network(self.network(), self.draw, schedule, interim=lambda _, n: steps.append(n))
        assert steps == [3, 6]

        def stop(_: object, done: int) -> None:
            if done == 3:
                raise KeyboardInterrupt

        checkpoint = tmp_path / "checkpoint.pt"
        with pytest.raises(KeyboardInterrupt):
            train_network(self.network(), self.draw, schedule, checkpoint, interim=stop)
        resumed = train_network(self.network(), self.draw, schedule, checkpoint)
        assert all(torch.allclose(resumed[name], value) for name, value in whole.items())
        with pytest.raises(InputError, match="another run"):
            train_network(self.network(), self.draw, Schedule(7, 0.01, 5), checkpoint)

    def test_the_loss_falls(self) -> None:
        lines: list[str] = []
        train_network(self.network(), self.draw, Schedule(60, 0.02, 1, warm_up=5), report=lines.append)
        losses = [float(line.split("loss ")[1].split(",")[0]) for line in lines]
        assert losses[-1] < 0.7 * losses[0]


def test_the_rate_rises_then_falls() -> None:
    schedule = Schedule(steps=1000, rate=0.01, seed=0)
    assert schedule.learning_rate(0) == pytest.approx(0.0002, rel=0.01)
    assert schedule.learning_rate(50) == pytest.approx(0.01, rel=0.02)
    assert schedule.learning_rate(1000) == pytest.approx(0.0002, rel=0.01)
