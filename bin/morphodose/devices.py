"""The device that a network runs on."""

from __future__ import annotations

import re

import torch

from morphodose.errors import InputError


def choose_device(use_gpu: bool) -> torch.device:
    """The first CUDA GPU where one was asked for, else the CPU; never the CPU instead of the GPU.

    Raises
    ------
    InputError
        If no GPU is there, or it is older than the installed PyTorch.
    """
    if not use_gpu:
        return torch.device("cpu")
    build = f"PyTorch {torch.__version__}, built for CUDA {torch.version.cuda},"
    if not torch.cuda.is_available():
        raise InputError(
            f"a GPU was asked for (--use_gpu) and none is there: {build} sees no CUDA device. Give the task "
            "a GPU, on a node whose driver is new enough for that CUDA, or leave --use_gpu out"
        )
    major, minor = torch.cuda.get_device_capability()
    known = [int(digits) for name in torch.cuda.get_arch_list() for digits in re.findall(r"^sm_(\d+)", name)]
    if known and 10 * major + minor < min(known):
        raise InputError(
            f"the GPU, {torch.cuda.get_device_name()}, has compute capability {major}.{minor}; {build} has "
            f"no code for less than {min(known) / 10}. Give the task a newer GPU, or leave --use_gpu out"
        )
    return torch.device("cuda")
