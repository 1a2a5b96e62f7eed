"""Weight files: reading without pickle, staging, SHA-256."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from morphodose.errors import InputError
from morphodose.segmentation import weights
from morphodose.segmentation.common import SHIPPED
from morphodose.segmentation.weights import REGISTRY, SHIPPED_FOLDER, locate, sha256_of, stage

torch = pytest.importorskip("torch")
network = pytest.importorskip("morphodose.segmentation.network")


def small_network() -> object:
    torch.manual_seed(0)
    return network.build_network((4, 8, 8, 16), 30.0).eval()


@pytest.fixture(scope="module")
def tiny() -> object:
    return small_network()


def stage_command(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "bin" / "stage_weights.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment(root))


def environment(root: Path) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(root / "bin"), "OMP_NUM_THREADS": "1"}


# --- files


def test_compact_file_gives_the_network_back_to_half_precision(tiny: object, tmp_path: Path) -> None:
    network.write_compact(tmp_path / "m.npz", tiny.state_dict(), {"nuclei_diam_mean": 17.0})
    loaded, meta = network.load_network(tmp_path / "m.npz")
    assert meta == {"nuclei_diam_mean": 17.0}
    assert network.read_state(tmp_path / "m.npz")[0].keys() == tiny.state_dict().keys()
    for name, value in tiny.state_dict().items():
        got = loaded.state_dict()[name]
        assert got.dtype == value.dtype
        assert torch.allclose(got, value, rtol=1e-3, atol=1e-6)
    image = torch.randn(1, 2, 64, 64)
    with torch.no_grad():
        assert torch.allclose(loaded(image)[0], tiny(image)[0], atol=0.02)


def test_compact_file_of_the_same_weights_has_the_same_bytes(tiny: object, tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        network.write_compact(tmp_path / name, tiny.state_dict(), {"seed": 1})
    assert sha256_of(tmp_path / "a.npz") == sha256_of(tmp_path / "b.npz")


def test_file_that_cellpose_wrote_is_read_and_its_size_recognised(tiny: object, tmp_path: Path) -> None:
    tiny.save_model(tmp_path / "cellpose_model")
    loaded, meta = network.load_network(tmp_path / "cellpose_model", diam_mean=17.0)
    assert meta == {}
    assert network.widths_of(loaded.state_dict()) == (4, 8, 8, 16)
    assert float(loaded.diam_mean) == 17.0


def test_style_is_as_long_as_cellpose_expects(tiny: object) -> None:
    with torch.no_grad():
        output, style, _ = tiny(torch.randn(2, 2, 32, 32))
    assert output.shape == (2, 3, 32, 32)
    assert style.shape == (2, 256)


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Sets the threads of PyTorch for a test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("shape", [(1, 2, 224, 224), (3, 2, 48, 80), (1, 2, 16, 16)])
def test_inference_gives_what_cellposes_own_forward_gives(
    threads: Callable[[int], None], shape: tuple[int, ...]
) -> None:
    shipped, _ = network.load_network(SHIPPED_FOLDER / REGISTRY[SHIPPED].file)
    shipped = shipped.to(memory_format=torch.channels_last)
    tiles = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    given = tiles.clone()
    for number in (1, 2):  # on one thread steps are taken together
        threads(number)
        with torch.inference_mode():
            flows, style, levels = shipped.infer(tiles)
            expected = super(network.Network, shipped).forward(tiles)
            assert torch.equal(shipped(tiles)[0], flows)
        assert torch.equal(tiles, given)
        # less than anything that moves a pixel; here the bits are equal
        torch.testing.assert_close(flows, expected[0], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(style, expected[1], rtol=1e-5, atol=1e-5)
        for level, wanted in zip(levels, expected[2], strict=True):
            torch.testing.assert_close(level, wanted, rtol=1e-5, atol=1e-5)


def test_steps_taken_together_give_the_same_bits(threads: Callable[[int], None]) -> None:
    tiny = small_network().to(memory_format=torch.channels_last)
    if not torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        pytest.skip("PyTorch multiplies and adds in two steps here")
    threads(1)
    generator = torch.Generator().manual_seed(2)
    for norm in (layer for layer in tiny.modules() if isinstance(layer, torch.nn.BatchNorm2d)):
        for values, low in ((norm.running_mean, -1), (norm.running_var, 0.1), (norm.weight.data, -1)):
            values.uniform_(low, 2, generator=generator)
    tiles = torch.rand((2, 2, 64, 48), generator=generator)
    with torch.inference_mode():
        together = tiny.infer(tiles)[0]
        tiny._fused_steps = network._Steps()
        assert torch.equal(together, tiny.infer(tiles)[0])
        tiny.eval()
        assert torch.equal(together, tiny.infer(tiles)[0])


def test_weights_that_change_change_the_output(threads: Callable[[int], None]) -> None:
    threads(1)
    tiny = small_network()
    tiles = torch.rand(1, 2, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        before = tiny(tiles)[0]
    state = {
        name: value + 0.5 if "running_mean" in name else value for name, value in tiny.state_dict().items()
    }
    tiny.load_state_dict(state)
    with torch.inference_mode():
        loaded = tiny(tiles)[0]
        assert not torch.equal(before, loaded)
        torch.testing.assert_close(
            loaded, super(network.Network, tiny).forward(tiles)[0], rtol=1e-4, atol=1e-4
        )
    tiny.train()
    with torch.no_grad():
        next(tiny.downsample.down[0].proj.parameters()).mul_(2)
    tiny.eval()
    with torch.inference_mode():
        assert not torch.equal(loaded, tiny(tiles)[0])


def test_pickled_code_in_a_weights_file_is_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (marker,))

    torch.save({"output.2.weight": Evil()}, tmp_path / "evil")
    with pytest.raises(InputError, match="evil: not .* Cellpose weights"):
        network.load_network(tmp_path / "evil")
    with (tmp_path / "plain.pkl").open("wb") as handle:
        pickle.dump(Evil(), handle)
    with pytest.raises(InputError, match="Cellpose weights"):
        network.load_network(tmp_path / "plain.pkl")
    np.savez(tmp_path / "object.npz", a=np.array([Evil()], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="Cellpose weights"):
        network.load_network(tmp_path / "object.npz")
    assert not marker.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"W2": torch.zeros(1)}, "Cellpose 4"),
        ({"something": torch.zeros(1)}, "its layers are missing"),
        ([torch.zeros(1)], "dictionary of tensors"),
    ],
)
def test_other_networks_are_told_apart(content: object, message: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "model")
    with pytest.raises(InputError, match=message):
        network.load_network(tmp_path / "model")


def test_truncated_file_and_missing_parameters_are_clear_errors(tiny: object, tmp_path: Path) -> None:
    network.write_compact(tmp_path / "m.npz", tiny.state_dict(), {})
    whole = (tmp_path / "m.npz").read_bytes()
    (tmp_path / "torn.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="torn.npz: not"):
        network.load_network(tmp_path / "torn.npz")
    state = {name: value for name, value in tiny.state_dict().items() if "upsample" not in name}
    network.write_compact(tmp_path / "part.npz", state, {})
    with pytest.raises(InputError, match="parameters are missing"):
        network.load_network(tmp_path / "part.npz")


# --- staging


def test_shipped_model_has_the_hash_of_the_registry_and_its_card() -> None:
    entry = REGISTRY[SHIPPED]
    assert sha256_of(SHIPPED_FOLDER / entry.file) == entry.sha256
    assert entry.sha256 in (SHIPPED_FOLDER / "morphodose.md").read_text(encoding="utf-8")
    loaded, _ = network.load_network(SHIPPED_FOLDER / entry.file)
    assert sum(value.numel() for value in loaded.parameters()) == entry.parameters
    assert (SHIPPED_FOLDER / entry.file).stat().st_size < 8_000_000


def test_staging_copies_checks_and_tells(tmp_path: Path) -> None:
    about = stage(SHIPPED, tmp_path / "weights")
    assert about["checked"] is True
    assert sha256_of(tmp_path / "weights" / str(about["file"])) == about["sha256"]


def test_damaged_weights_are_an_error_and_nothing_is_staged(tmp_path: Path) -> None:
    folder = tmp_path / "shipped"
    folder.mkdir()
    damaged = bytearray((SHIPPED_FOLDER / REGISTRY[SHIPPED].file).read_bytes())
    damaged[1000] ^= 1
    (folder / REGISTRY[SHIPPED].file).write_bytes(damaged)
    with pytest.raises(InputError, match="SHA-256 is .* expected"):
        stage(SHIPPED, tmp_path / "weights", shipped_folder=folder)
    assert list((tmp_path / "weights").iterdir()) == []


def test_users_file_is_checked_against_the_hash_the_user_states(tmp_path: Path) -> None:
    mine = tmp_path / "my model's file"
    mine.write_bytes(b"weights")
    right = sha256_of(mine)
    assert stage(str(mine), tmp_path / "out")["checked"] is False
    assert stage(str(mine), tmp_path / "out", right.upper())["checked"] is True
    with pytest.raises(InputError) as fault:
        stage(str(mine), tmp_path / "out", "0" * 64)
    assert str(fault.value).startswith(f"{mine}: SHA-256 is {right}, expected {'0' * 64}: another file")


def test_cellposes_model_by_name_is_checked_against_the_hash_the_user_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(tmp_path))
    (tmp_path / "cyto3").write_bytes(b"weights")
    right = sha256_of(tmp_path / "cyto3")
    assert stage("cyto3", tmp_path / "out", right)["checked"] is True
    with pytest.raises(InputError, match=f"cyto3: SHA-256 is {right}, expected {'f' * 64}"):
        stage("cyto3", tmp_path / "out", "f" * 64)


def test_cellpose_model_is_taken_from_the_local_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(tmp_path))
    assert locate("cyto2") is None
    (tmp_path / "cyto2torch_0").write_bytes(b"weights")
    assert stage("cyto2", tmp_path / "out")["file"] == "cyto2torch_0"


def test_file_under_the_name_of_a_model_is_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cyto3").write_bytes(b"weights")
    about = stage("cyto3", tmp_path / "out")
    assert (about["file"], about["origin"], about["bytes"]) == ("cyto3", "a file of the user", 7)


@pytest.mark.parametrize("name", ["cyto", "cyto2", "cyto3", "nuclei"])
def test_registry_has_cellposes_own_file_names(name: str) -> None:
    # the names that cellpose.models.model_path makes, asked without its download
    from cellpose import models

    asked: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "cache_model_path", lambda file: asked.append(file) or file)
        assert models.model_path(name) == REGISTRY[name].file


def test_unreachable_hub_is_told_with_the_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise urllib.error.URLError("no route")

    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(tmp_path / "none"))
    monkeypatch.setattr(weights.urllib.request, "urlopen", refuse)
    with pytest.raises(InputError, match=r"cyto3: cannot be downloaded .*no route.* give its path") as fault:
        stage("cyto3", tmp_path / "out")
    assert SHIPPED in str(fault.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_unknown_model_is_an_error_that_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'cyto9' is neither a file nor one of morphodose, cyto"):
        stage("cyto9", tmp_path)


def test_stage_weights_command_writes_file_and_json(root: Path, tmp_path: Path) -> None:
    shipped = tmp_path / "models"
    shutil.copytree(SHIPPED_FOLDER, shipped, ignore=shutil.ignore_patterns("__pycache__"))
    done = stage_command(root, "--shipped_dir", str(shipped), "--out", str(tmp_path / "weights"))
    assert done.returncode == 0, done.stderr
    about = json.loads((tmp_path / "weights.json").read_text(encoding="utf-8"))
    assert [path.name for path in (tmp_path / "weights").iterdir()] == [about["file"]]
    assert about["sha256"] in done.stdout


def test_stage_weights_command_prints_a_plain_error(root: Path, tmp_path: Path) -> None:
    done = stage_command(root, "--model", "cyto9", "--out", str(tmp_path / "weights"))
    assert done.returncode == 1
    assert done.stderr.startswith("Error: --model 'cyto9'")
    assert "Traceback" not in done.stderr


def test_the_threads_of_a_task_are_those_of_all_its_libraries() -> None:
    import cv2

    from morphodose.segmentation.load import limit_threads

    before = torch.get_num_threads(), cv2.getNumThreads()
    try:
        limit_threads(1)
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
        limit_threads(0)
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
