"""One process of two that have a part of a batch each, in float64: part_of_batch.py RANK FILE.

The first compares loss, gradients and running statistics with those of the whole batch, and prints the largest
relative difference of each.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bin"))

import torch
from torch.nn.parallel import DistributedDataParallel

from morphodose.deep.batchnorm import share_statistics
from morphodose.deep.heads import loss
from morphodose.deep.network import Network, build_network
from morphodose.deep.processes import summed
from morphodose.deep.recipe import Recipe

#: Weights of classes, and cells without a label, are unequal in the parts.
RECIPE = Recipe(
    network="resnet18",
    classes={"time": ("4", "24"), "dose": ("a", "b", "c")},
    class_weights={"dose": (0.5, 1.0, 4.0)},
)


def learnt(network: Network, model: torch.nn.Module, rank: int, world: int) -> list[torch.Tensor]:
    """Loss, gradients and running statistics after a pass over every `world`-th image."""
    random = torch.Generator().manual_seed(1)
    images = torch.randn(12, 3, 32, 32, generator=random, dtype=torch.float64)
    time, dose = (torch.randint(low, 3 + low, (12,), generator=random) for low in (-1, 0))
    targets = torch.stack([time, dose], 1)[rank::world]
    _, logits = model(images[rank::world])
    value = loss(logits, targets, RECIPE, lambda weights: summed(weights) / world)
    value.backward()
    running = [buffer.flatten() for name, buffer in network.named_buffers() if "running" in name]
    gradients = [value.grad.flatten() for value in network.parameters() if value.grad is not None]
    return [summed(value.detach()) / world, torch.cat(gradients), torch.cat(running)]


def main(rank: int, file: str) -> None:
    torch.set_num_threads(1)
    whole, shared = build_network(RECIPE).double(), build_network(RECIPE).double()
    expected = learnt(whole, whole, 0, 1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
    share_statistics(shared, torch.device("cpu"))
    found = learnt(shared, DistributedDataParallel(shared), rank, 2)
    if rank == 0:
        print(*(float((a - b).norm() / a.norm()) for a, b in zip(expected, found, strict=True)))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
