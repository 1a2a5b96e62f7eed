"""Batch normalisation over the images of all processes.

The batch size is that of all devices together, so each sees a part: with the statistics of its own part a
network would come out different with each number of GPUs, and worse with a few images a GPU (Goyal et al.
2017, arXiv:1706.02677, keep 32). With those of the whole batch, data-parallel training is the training of
one device, but for the rounding of sums.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from morphodose.deep.processes import summed


def share_statistics(network: nn.Module, device: torch.device) -> None:
    """Let the layers of batch normalisation of a network take their statistics from all processes, in place.

    Names and values of its parameters and buffers stay.
    """
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return
    # torch's own is for GPUs alone
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm2d):
                shared = SharedBatchNorm(child.num_features, child.eps, child.momentum)
                shared.load_state_dict(child.state_dict())
                setattr(parent, name, shared.to(device, child.weight.dtype))


class SharedBatchNorm(nn.BatchNorm2d):
    """`torch.nn.SyncBatchNorm` for CPUs, for processes that have as many images each."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def forward(self, x: Tensor) -> Tensor:
        """Normalised (N, C, Y, X)."""
        if not self.training:
            return super().forward(x)
        world, axes, shape = torch.distributed.get_world_size(), (0, 2, 3), (1, -1, 1, 1)
        mean = _Sum.apply(x.mean(axes)) / world
        centred = x - mean.view(shape)
        variance = _Sum.apply(centred.square().mean(axes)) / world
        self._keep(mean.detach(), variance.detach(), world * x.numel() // self.num_features)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return centred * scale.view(shape) + self.bias.view(shape)

    @torch.no_grad()
    def _keep(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Running statistics, of the unbiased variance as in torch."""
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)


class _Sum(torch.autograd.Function):
    """Sum over all processes; so is its gradient."""

    @staticmethod
    def forward(_context: Any, x: Tensor) -> Tensor:
        return summed(x)

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        return summed(gradient)
