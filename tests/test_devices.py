"""The GPU that was asked for is used, or it is an error that says why not."""

from __future__ import annotations

import pytest
import torch

from morphodose.devices import choose_device, runs_on
from morphodose.errors import InputError


def with_gpu(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int] | None) -> None:
    """PyTorch as on a machine with a GPU of a compute capability, or without one."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: capability is not None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_90a", "sm_100", "compute_120"])


def test_a_gpu_is_never_replaced_by_the_cpu_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpu(monkeypatch, None)
    assert choose_device(False).type == "cpu"
    with pytest.raises(InputError, match="a GPU was asked for .* none is there: PyTorch .* CUDA"):
        choose_device(True)


@pytest.mark.parametrize("capability", [(7, 5), (9, 0), (12, 1)])
def test_a_gpu_is_used(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int]) -> None:
    with_gpu(monkeypatch, capability)
    assert choose_device(True).type == "cuda"
    assert choose_device(False).type == "cpu"


@pytest.mark.parametrize(
    ("capability", "words"),
    [
        ((7, 0), "use images for older ones"),
        ((11, 0), "use a newer PyTorch"),
        ((9, 1), "use a newer PyTorch"),
    ],
)
def test_a_gpu_that_pytorch_has_no_code_for_is_named(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], words: str
) -> None:
    with_gpu(monkeypatch, capability)
    said = rf"Some GPU, has compute capability {capability[0]}\.{capability[1]}; PyTorch .* has code for 7\.5, 9\.0"
    with pytest.raises(InputError, match=f"{said}.*{words}"):
        choose_device(True)


#: What the wheels of PyTorch 2.10 for CUDA 12.8 and of 2.7.1 for CUDA 12.6 say of themselves.
CUDA_12_8 = ["sm_70", "sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]
CUDA_12_6 = ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"]


@pytest.mark.parametrize(
    ("gpu", "capability", "newer", "older"),
    [
        ("P100", (6, 0), False, True),
        ("V100", (7, 0), True, True),
        ("A100", (8, 0), True, True),
        ("L40", (8, 9), True, True),
        ("H200", (9, 0), True, True),
        ("B200", (10, 0), True, False),
        ("RTX PRO 6000", (12, 0), True, False),
        ("a later one", (13, 0), False, False),
    ],
)
def test_code_runs_on_its_own_generation_alone(
    gpu: str, capability: tuple[int, int], newer: bool, older: bool
) -> None:
    assert (runs_on(capability, CUDA_12_8), runs_on(capability, CUDA_12_6)) == (newer, older), gpu
    # what is compiled on the GPU runs on later ones, too
    assert runs_on((13, 0), [*CUDA_12_8, "compute_120"]) and not runs_on((6, 0), [*CUDA_12_8, "compute_120"])
