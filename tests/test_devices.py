"""The GPU that was asked for is used, or it is an error that says why not."""

from __future__ import annotations

import pytest
import torch

from morphodose.devices import choose_device
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


def test_a_gpu_that_is_older_than_pytorch_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpu(monkeypatch, (7, 0))
    with pytest.raises(InputError, match=r"Some GPU, has compute capability 7\.0; PyTorch .* less than 7\.5"):
        choose_device(True)
