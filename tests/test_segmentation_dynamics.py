"""From the network's output to masks: known answers, and Cellpose's own functions as the peer, bit by bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import tifffile

from morphodose.segmentation.common import SHIPPED, MaskThresholds, pair
from morphodose.segmentation.weights import REGISTRY, SHIPPED_FOLDER
from morphodose.simulate.field import render_field

torch = pytest.importorskip("torch")
pytest.importorskip("cellpose")
dynamics = pytest.importorskip("morphodose.segmentation.dynamics")
tiles = pytest.importorskip("morphodose.segmentation.tiles")
engine_module = pytest.importorskip("morphodose.segmentation.engine")
network = pytest.importorskip("morphodose.segmentation.network")

CPU = torch.device("cpu")


def towards(labels: np.ndarray) -> np.ndarray:
    """A network's perfect output for a mask: flows to the middle of each object, and its inside."""
    output = np.zeros((*labels.shape, 3), np.float32)
    output[..., 2] = np.where(labels, 5, -5)
    for label in range(1, labels.max() + 1):
        ys, xs = np.nonzero(labels == label)
        away = np.stack([ys.mean() - ys, xs.mean() - xs], axis=-1)
        output[ys, xs, :2] = 5 * away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 0.5)
    return output


def discs(shape: tuple[int, int], *places: tuple[float, float, float]) -> np.ndarray:
    y, x = np.indices(shape)
    labels = np.zeros(shape, np.int32)
    for number, (v, u, radius) in enumerate(places, start=1):
        labels[(y - v) ** 2 + (x - u) ** 2 <= radius**2] = number
    return labels


def noisy(seed: int, shape: tuple[int, int] = (70, 90)) -> np.ndarray:
    """Output of a bad network: flows that swirl and cross, ragged objects."""
    rng = np.random.default_rng(seed)
    from scipy.ndimage import gaussian_filter

    waves = [gaussian_filter(rng.normal(size=shape), sigma) for sigma in (4, 4, 5)]
    return np.stack(
        [5 * waves[0] / waves[0].std(), 5 * waves[1] / waves[1].std(), 9 * waves[2] + 0.2], -1
    ).astype(np.float32)


# --- known answers


def test_pixels_that_flow_to_the_middle_are_the_objects_they_came_from() -> None:
    truth = discs((60, 80), (20, 20, 12), (35, 55, 15))
    assert np.array_equal(dynamics.masks_of(towards(truth), 1.0, MaskThresholds()), truth)


def test_labels_follow_their_first_pixel_and_small_objects_are_left_out() -> None:
    truth = discs((60, 80), (45, 12, 9), (20, 40, 9), (45, 70, 3))
    found = dynamics.masks_of(towards(truth), 1.0, MaskThresholds(min_size=40))
    assert np.array_equal(found, np.array([0, 2, 1, 0])[truth])


def test_an_object_whose_flows_turn_round_its_middle_is_taken_out() -> None:
    truth = discs((60, 80), (20, 20, 12), (35, 55, 15))
    output = towards(truth)
    labels = truth.copy()
    second = truth == 2
    output[second, :2] = output[second, 1::-1] * [
        1,
        -1,
    ]  # a quarter turn: errors of a unit vector squared, twice
    errors = dynamics.flow_errors(labels, output[..., :2])
    assert errors[0] < 0.1
    assert errors[1] == pytest.approx(2, abs=0.1)
    kept = dynamics.without_bad_flows(labels, output[..., :2], 0.4)
    assert np.array_equal(kept, np.where(second, 0, truth))


def test_small_objects_behind_a_gap_are_those_that_cellpose_takes() -> None:
    from cellpose import utils

    labels = discs((60, 80), (20, 20, 9), (20, 50, 9), (45, 20, 9), (45, 50, 1), (45, 70, 8))
    assert dynamics.filled(labels, 15).max() == 4
    labels[labels == 1] = 0
    found = dynamics.filled(labels, 15)
    assert np.array_equal(found, utils.fill_holes_and_remove_small_masks(labels.astype(np.uint16), 15))
    # the third of the labels is the small one, and label 3 goes with it
    assert np.array_equal(found, np.array([0, 0, 1, 0, 0, 2])[labels])


def test_holes_are_filled_and_what_they_enclose_belongs_to_the_object() -> None:
    ring = discs((40, 40), (20, 20, 15), (20, 20, 10))
    hole = np.where(ring == 2, 0, ring)
    assert np.array_equal(dynamics.filled(hole, 15), (ring > 0).astype(int))
    assert np.array_equal(dynamics.filled(ring, 15), (ring > 0).astype(int))
    cut = hole.copy()
    cut[:20, 20] = 0  # no hole any more
    assert np.array_equal(dynamics.filled(cut, 15), cut)


def test_a_pixel_that_goes_to_and_fro_ends_where_the_number_of_steps_says() -> None:
    flows = np.zeros((1, 6, 2), np.float32)
    flows[0, 1, 1], flows[0, 4, 1] = 15, -15  # three pixels there, three back
    inside = np.array([[False, True, False, False, True, False]])
    for steps, ends in ((0, [1, 4]), (1, [4, 1]), (400, [1, 4]), (401, [4, 1])):
        assert dynamics.follow_flows(flows, inside, steps)[:, 1].tolist() == ends


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (7, 5)])
def test_images_of_a_pixel_a_row_and_nothing(shape: tuple[int, int]) -> None:
    for probability in (-1, 1):
        output = np.zeros((*shape, 3), np.float32)
        output[..., 2] = probability
        assert dynamics.masks_of(output, 1.0, MaskThresholds()).max(initial=0) == 0


def test_threads_share_the_work_and_change_nothing() -> None:
    output = noisy(3)
    alone = dynamics.masks_of(output, 0.7, MaskThresholds(flow_threshold=3.0))
    assert alone.max() > 5
    for threads in (2, 7):
        assert np.array_equal(
            dynamics.masks_of(output, 0.7, MaskThresholds(flow_threshold=3.0), threads), alone
        )


# --- the peer


@pytest.mark.parametrize("seed", range(6))
def test_each_step_gives_what_cellpose_gives(seed: int) -> None:
    from cellpose import dynamics as peer
    from cellpose import metrics, utils

    output = noisy(seed)
    flows, probability = output[..., :2], output[..., 2]
    inside = probability > 0
    there = np.nonzero(inside)
    steps = 150 + 77 * seed
    theirs = peer.follow_flows(flows.transpose(2, 0, 1) * inside / 5.0, inds=there, niter=steps)
    ends = dynamics.follow_flows(flows, inside, steps)
    assert np.array_equal(ends.T, theirs.astype(np.int32))

    labels = dynamics.gather(ends, inside)
    expected = peer.get_masks_torch(torch.from_numpy(theirs).int(), there, inside.shape)
    assert labels.max() > 3
    assert np.array_equal(labels, expected)

    errors = dynamics.flow_errors(labels, flows)
    assert np.array_equal(errors, metrics.flow_error(expected, flows.transpose(2, 0, 1), CPU)[0])
    assert np.array_equal(dynamics.filled(labels, 15), utils.fill_holes_and_remove_small_masks(expected, 15))


def test_no_object_covers_most_of_the_image() -> None:
    from cellpose import dynamics as peer

    for radius, some in ((17, False), (13, True)):  # 0.57 and 0.33 of the image
        output = towards(discs((40, 40), (20, 20, radius)))
        theirs = peer.resize_and_compute_masks(output[..., :2].transpose(2, 0, 1), output[..., 2])
        assert np.array_equal(dynamics.masks_of(output, 1.0, MaskThresholds()), theirs)
        assert theirs.any() == some


# --- tiles


def test_tiles_and_weights_are_those_of_cellpose() -> None:
    from cellpose import transforms

    for height, width in ((100, 90), (208, 208), (224, 230), (540, 300)):
        pads = transforms.get_pad_yx(height, width)
        assert (*tiles.padding(height), *tiles.padding(width)) == pads
        padded = np.zeros((1, height + sum(pads[:2]), width + sum(pads[2:])), np.float32)
        theirs, rows, columns, _, _ = transforms.make_tiles(padded)
        corners = tiles.places((height, width))
        assert corners.tolist() == [[y[0], x[0]] for y, x in zip(rows, columns, strict=True)]
        sides = theirs.shape[-2:]
        assert np.array_equal(tiles.taper(*sides), transforms._taper_mask(*sides))


def test_an_image_comes_back_from_its_tiles() -> None:
    image = np.random.default_rng(0).normal(size=(300, 250, 2)).astype(np.float32)
    seen = []

    def network(given: np.ndarray) -> np.ndarray:
        seen.append(len(given))
        return given.transpose(0, 2, 3, 1)

    same, small = tiles.run_tiles(network, [image, image[:50]], 1.0, 4)
    assert same == pytest.approx(image, abs=1e-6)
    assert small == pytest.approx(image[:50], abs=1e-6)
    assert seen == [4, 2]


def test_small_images_share_a_batch_and_keep_their_order() -> None:
    images = [np.full((20 + 10 * (i == 3), 30, 2), i, np.float32) for i in range(5)]
    seen = []

    def network(given: np.ndarray) -> np.ndarray:
        seen.append(given[:, 0, 20, 20].tolist())
        return given.transpose(0, 2, 3, 1)

    found = tiles.run_tiles(network, images, 1.0, 2)
    assert seen == [[0, 1], [2], [3], [4]]
    assert [out[5, 5, 0] for out in found] == pytest.approx([0, 1, 2, 3, 4])


# --- all of it


@pytest.fixture(scope="module")
def engine() -> object:
    torch.set_num_threads(1)
    return engine_module.Engine(SHIPPED_FOLDER / REGISTRY[SHIPPED].file, CPU)


def by_cellpose(engine: object, image: np.ndarray, diameter: float, kind: str) -> np.ndarray:
    """What `CellposeModel.eval` makes of an image with the weights of an engine, in layers of its own."""
    from cellpose.models import CellposeModel
    from cellpose.resnet_torch import CPnet

    own = engine.diam_mean["cells"]
    model = CellposeModel(pretrained_model=False, device=CPU, diam_mean=own)
    model.net = engine.network
    shown = engine_module.normalise(image, diameter)
    given = diameter * own / engine.diam_mean[kind]
    with mock.patch.object(network.Network, "infer", CPnet.forward):
        return model.eval(shown, channel_axis=-1, normalize=False, diameter=given, batch_size=1)[0]


@pytest.mark.parametrize(("diameter", "kind"), [(40.0, "cells"), (18.0, "nuclei"), (30.0, "cells")])
def test_masks_are_those_of_cellpose(engine: object, diameter: float, kind: str) -> None:
    planes = render_field(np.random.default_rng(4), size=260, n_cells=25).planes.max(axis=0)
    image = pair(planes[2], planes[1]) if kind == "cells" else pair(planes[1])
    mask = engine.segment([image], diameter, kind)[0]
    assert mask.max() > 10
    assert mask.dtype == np.int32
    assert np.array_equal(mask, by_cellpose(engine, image, diameter, kind))


@pytest.mark.parametrize(
    ("file", "diameter", "kind"),
    [
        ("cases/images/human_actin/AS_09125_050116030001_D03f00d2.tif", 22.0, "cells"),
        ("data/bbbc013/Channel2-06-A-06.tif", 17.0, "nuclei"),
        ("data/cells/hela_rnai_ht01_silver/HT01_M9_tile0_cell.tif", 47.0, "cells"),
        ("data/cells/phase_t98g_hand/train_set10_cell.tif", 40.0, "cells"),
        ("data/cells/wga_scportrait_silver/well02_t1_cell.tif", 60.0, "cells"),
        ("data/cells/membrane_zebrafish_silver/example_cells_1_cell.tif", 40.0, "cells"),
        ("data/cells/mef_phalloidin/lmnako_xy001_cell.tif", 80.0, "cells"),
        (
            "data/nuclei/images/003cee89357d9fe13516167fd67b609a164651b21934585648c740d2c3d86dc1.tif",
            20.0,
            "nuclei",
        ),
    ],
)
def test_masks_of_real_cells_are_those_of_cellpose(
    engine: object, shared_data: Path, file: str, diameter: float, kind: str
) -> None:
    path = shared_data.parent / file
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    size = int(10 * diameter)
    image = pair(tifffile.imread(path)[:size, :size])
    mask = engine.segment([image], diameter, kind)[0]
    assert mask.max() >= 2
    assert np.array_equal(mask, by_cellpose(engine, image, diameter, kind))


@pytest.mark.skipif(not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="no huge pages here")
def test_the_memory_of_a_layer_may_lie_in_huge_pages(root: Path) -> None:
    code = (
        "import torch\n"
        "from pathlib import Path\n"
        "from morphodose.segmentation import engine\n"
        "engine._keep_freed_memory()\n"
        "for _ in range(2):\n"
        "    layer = torch.empty(32 * 224 * 224)\n"
        "    at, inside = layer.data_ptr() + layer.nbytes // 2, False\n"
        "    for line in Path('/proc/self/smaps').read_text().splitlines():\n"
        "        first, _, rest = line.partition(' ')\n"
        "        if '-' in first:\n"
        "            begin, end = (int(edge, 16) for edge in first.split('-'))\n"
        "            inside = begin <= at < end\n"
        "        elif inside and first == 'VmFlags:':\n"
        "            print('hg' in rest.split())\n"
        "    del layer\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root / "bin")},
        check=True,
    )
    assert done.stdout.split() == ["True", "True"]


def test_a_task_imports_no_part_of_cellpose_that_is_compiled_at_each_start(root: Path) -> None:
    code = (
        "import sys, torch, segment_cells\n"
        "from morphodose.segmentation.load import load_engine\n"
        f"load_engine({str(SHIPPED_FOLDER / REGISTRY[SHIPPED].file)!r}, torch.device('cpu'))\n"
        "print(*sorted(name for name in sys.modules if name.startswith('cellpose.')))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(root / "bin")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == ["cellpose.resnet_torch", "cellpose.version"]
