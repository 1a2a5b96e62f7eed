"""The second engine, Cellpose-SAM: which weights choose it, and what it is given. Cellpose 4 itself runs where
MORPHODOSE_CELLPOSE4 names the Python of its environment (containers/requirements/cellpose4.lock), and in its image
with `make test-hpc`."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellpose4_run import segment_with_random_weights
from morphodose.errors import InputError
from morphodose.segmentation import weights
from morphodose.segmentation.common import SHIPPED
from morphodose.segmentation.weights import REGISTRY, SAM, SHIPPED_FOLDER, stage
from morphodose.simulate.field import render_field

torch = pytest.importorskip("torch")
load = pytest.importorskip("morphodose.segmentation.load")
sam = pytest.importorskip("morphodose.segmentation.sam")
well = pytest.importorskip("morphodose.segmentation.well")

CPU = torch.device("cpu")
SHIPPED_FILE = SHIPPED_FOLDER / REGISTRY[SHIPPED].file


@pytest.fixture
def sam_file(tmp_path: Path) -> Path:
    """A file that looks like weights of Cellpose 4, without a network in it."""
    torch.save({"W2": torch.zeros(2), "out.bias": torch.zeros(2)}, tmp_path / "cpsam")
    return tmp_path / "cpsam"


class Recorder:
    """Stands in for cellpose.models.CellposeModel: keeps what it is told, finds the bright pixels."""

    made: list[dict[str, Any]] = []
    asked: list[dict[str, Any]] = []

    def __init__(self, **options: Any) -> None:
        Recorder.made.append(options)

    def eval(self, image: np.ndarray, **options: Any) -> tuple[np.ndarray]:
        Recorder.asked.append({"shape": image.shape, "high": float(image.max()), **options})
        labels = np.zeros(image.shape[:2], np.uint16)
        labels[4:14, 4:14], labels[20:30, 20:34] = 1, 2
        return (labels,)


@pytest.fixture
def cellpose_4(monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    Recorder.made, Recorder.asked = [], []
    monkeypatch.setattr("cellpose.models.CellposeModel", Recorder)
    monkeypatch.setattr(load, "version", lambda _: "4.2.1")
    return Recorder


def test_weights_choose_the_engine(sam_file: Path, tmp_path: Path) -> None:
    assert sam.holds_sam(sam_file)
    torch.save({"module.W2": torch.zeros(1)}, tmp_path / "parallel")
    assert sam.holds_sam(tmp_path / "parallel")
    assert not sam.holds_sam(SHIPPED_FILE)
    (tmp_path / "torn").write_bytes(sam_file.read_bytes()[:100])
    assert not sam.holds_sam(tmp_path / "torn")
    assert load.load_engine(SHIPPED_FILE, CPU).needs_diameter


def test_sam_weights_in_the_environment_of_cellpose_3_tell_the_way_out(sam_file: Path) -> None:
    with pytest.raises(
        InputError, match=r"cpsam: weights of Cellpose-SAM .* has Cellpose 3.*image cellpose4"
    ):
        load.load_engine(sam_file, CPU)


def test_other_weights_in_the_environment_of_cellpose_4_tell_the_way_out(cellpose_4: type[Recorder]) -> None:
    with pytest.raises(InputError, match=r"loads no other. Name both models cpsam .*, or neither"):
        load.load_engine(SHIPPED_FILE, CPU)


def test_the_file_is_loaded_and_nothing_is_downloaded(cellpose_4: type[Recorder], sam_file: Path) -> None:
    load.load_engine(sam_file, CPU)
    assert cellpose_4.made == [{"pretrained_model": str(sam_file), "device": CPU, "use_bfloat16": False}]
    # Cellpose downloads its default model where the path does not exist
    with pytest.raises(InputError, match="there is no such file"):
        sam.SamEngine(sam_file.with_name("cpsam_v2"), CPU)


@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_only_where_the_gpu_has_it(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    asked = []
    monkeypatch.setattr(torch.cuda, "device", lambda device: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **given: asked.append(given) or native)
    assert sam.has_bfloat16(torch.device("cuda", 0)) == native
    # PyTorch counts GPUs that only emulate it, many times slower, unless told otherwise
    assert asked == [{"including_emulation": False}]
    assert not sam.has_bfloat16(CPU)


def test_a_size_is_given_only_where_the_user_states_one(cellpose_4: type[Recorder], sam_file: Path) -> None:
    engine = load.load_engine(sam_file, CPU)
    image = render_field(np.random.default_rng(3), size=60, n_cells=3).planes.max(axis=0)
    found, diameter, nuclei_diameter = well.segment_well(
        [image[2]], [image[1]], engine, engine, well.SegmentationSettings()
    )
    assert [call["diameter"] for call in cellpose_4.asked] == [None, None]
    assert all(call["shape"] == (60, 60, 2) and not call["normalize"] for call in cellpose_4.asked)
    assert len(found) == 1
    # what it found: squares of 100 and 140 px2
    assert diameter == nuclei_diameter == pytest.approx(np.mean([2 * np.sqrt(a / np.pi) for a in (100, 140)]))

    well.segment_well([image[2]], None, engine, engine, well.SegmentationSettings(diameter=40))
    assert cellpose_4.asked[-1]["diameter"] == 40


def test_cells_grown_from_nuclei_grow_by_half_the_diameter_found(
    cellpose_4: type[Recorder], sam_file: Path
) -> None:
    engine = load.load_engine(sam_file, CPU)
    image = np.zeros((60, 60), np.uint16)
    found, _, _ = well.segment_well(None, [image], engine, engine, well.SegmentationSettings("from_nuclei"))
    assert (found[0].cells > 0).sum() > 1.5 * (found[0].nuclei > 0).sum()


# --- staging


def test_cpsam_is_never_downloaded_by_a_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(tmp_path / "none"))
    monkeypatch.setattr(weights, "_download", lambda *_: pytest.fail("a download was tried"))
    with pytest.raises(InputError, match=r"no task downloads them: .*non-commercial use"):
        stage(SAM, tmp_path / "out")
    with pytest.raises(InputError, match=r"weights of cpsam_v2 are not .*non-commercial use"):
        stage("cpsam_v2", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_cpsam_is_found_in_the_local_cache_or_as_a_file_and_its_terms_are_recorded(
    sam_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(sam_file.parent))
    for number, model in enumerate((SAM, str(sam_file))):
        about = stage(model, tmp_path / f"out{number}")
        assert about["file"] == "cpsam"
        assert "non-commercial" in str(about["licence"])


# --- Cellpose 4 itself


@pytest.fixture(scope="module")
def python_4() -> str:
    found = os.environ.get("MORPHODOSE_CELLPOSE4", "")
    if not found:
        pytest.skip("MORPHODOSE_CELLPOSE4 names no Python with Cellpose 4")
    return found


def test_cellpose_4_segments_by_the_same_command(python_4: str, tmp_path: Path) -> None:
    segment_with_random_weights([python_4], tmp_path)
