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
        If no GPU is there, or it is older or newer than those the installed PyTorch has code for.
    """
    if not use_gpu:
        return torch.device("cpu")
    build = f"PyTorch {torch.__version__}, built for CUDA {torch.version.cuda},"
    if not torch.cuda.is_available():
        raise InputError(
            f"a GPU was asked for (--use_gpu) and none is there: {build} sees no CUDA device. Give the task "
            "a GPU, on a node whose driver is new enough for that CUDA, or leave --use_gpu out"
        )
    found = torch.cuda.get_device_capability()
    known = torch.cuda.get_arch_list()
    if known and not runs_on(found, known):
        version = ".".join(map(str, found))
        codes = [code for _, code, _ in parsed(known)]
        older = found < min(codes)
        fix = (
            "Give the task a newer GPU, use images for older ones (docs/cluster.md)"
            if older
            else "Give the task an older GPU, use a newer PyTorch"
        )
        kinds = ", ".join(f"{major}.{minor}" for major, minor in sorted(set(codes)))
        raise InputError(
            f"the GPU, {torch.cuda.get_device_name()}, has compute capability {version}; {build} has code "
            f"for {kinds}, and none that runs on it. {fix}, or leave --use_gpu out"
        )
    return torch.device("cuda")


def parsed(architectures: list[str]) -> list[tuple[str, tuple[int, int], str]]:
    """(``sm`` or ``compute``, capability, suffix) of PyTorch's ``sm_90a``, ``compute_120`` and the like."""
    found = [re.fullmatch(r"(sm|compute)_(\d+)(\d)(\w?)", name) for name in architectures]
    return [(match[1], (int(match[2]), int(match[3])), match[4]) for match in found if match]


def runs_on(capability: tuple[int, int], architectures: list[str]) -> bool:
    """Whether a GPU of a compute capability runs code that was compiled for some of these.

    Machine code (``sm``) runs on GPUs of the same major version that are not older, with the suffix ``a`` on
    that very one alone; what is compiled on the GPU itself (``compute``, PTX) runs on all later ones. See the
    CUDA C++ Programming Guide on compute capability and application compatibility.
    """
    for kind, code, suffix in parsed(architectures):
        if suffix == "a":
            fits = kind == "sm" and code == capability
        elif kind == "sm" or suffix:
            fits = code[0] == capability[0] and code <= capability
        else:
            fits = code <= capability
        if fits:
            return True
    return False
