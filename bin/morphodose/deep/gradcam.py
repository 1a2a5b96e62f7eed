"""Grad-CAM: which part of a crop speaks for a class.

Source: Selvaraju et al. 2017, ICCV, arXiv:1610.02391: the maps of a stage of the network are added up, each
weighted by the gradient of the score of the class with respect to it, and what is below 0 is cut off. The
gradient is taken pixel by pixel and not as its mean over the map (HiResCAM, Draelos, Carin 2020,
arXiv:2011.08891). For the last stage, which is averaged over its pixels, the two are the same; for an earlier
one only this says where the score was raised.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from morphodose.deep.heads import output_slices, probabilities
from morphodose.deep.network import Network, prepare
from morphodose.deep.recipe import Recipe

#: Stages of a ResNet, the last first.
STAGES = ("layer4", "layer3", "layer2", "layer1")
#: Edge of the last map at 224 px; of a smaller input an earlier stage is taken, whose map is as fine.
LEAST_EDGE = 7


def choose_stage(recipe: Recipe) -> str:
    """The last stage whose map is 7 × 7 or more: ``layer4`` of an input of 224 px."""
    edge = recipe.input_size
    sizes = {}
    for reduction, stage in ((4, "layer1"), (8, "layer2"), (16, "layer3"), (32, "layer4")):
        sizes[stage] = -(-edge // reduction)
    return next((stage for stage in STAGES if sizes[stage] >= LEAST_EDGE), "layer1")


def class_score(logits: Tensor, recipe: Recipe, label: str, number: int) -> Tensor:
    """(N,) score of a class: its logit, or, of the ordinal head, which has none, its log probability."""
    if recipe.head == "ordinal":
        return probabilities(logits, recipe)[label][:, number].clamp(min=1e-12).log()
    where = output_slices(recipe)[label]
    return logits[:, where.start + number]


def grad_cam(
    network: Network, recipe: Recipe, crops: Tensor, label: str, number: int, device: torch.device
) -> npt.NDArray[np.float32]:
    """Saliency of some crops for one class.

    Parameters
    ----------
    network, recipe
        In evaluation mode.
    crops : (N, C, S, S) tensor of uint16
        Raw crops.
    label, number : str, int
        ``dose`` or ``time``, and which of its classes.
    device : torch.device
        Where the network runs.

    Returns
    -------
    (N, S, S) array of float32
        From 0 to 1, each scaled to its own maximum; all 0 where nothing speaks for the class.
    """
    maps: list[Tensor] = []

    def keep(_module: torch.nn.Module, _inputs: object, output: Tensor) -> Tensor:
        # a leaf: the weights of the network need no gradients
        maps.append(output.detach().requires_grad_())
        return maps[0]

    stage = getattr(network.trunk, choose_stage(recipe))
    handle = stage.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            _, logits = network(prepare(crops, recipe, device))
            score = class_score(logits.float(), recipe, label, number).sum()
            (gradient,) = torch.autograd.grad(score, maps[0])
    finally:
        handle.remove()
    found = F.relu((gradient * maps[0].detach()).sum(dim=1, keepdim=True))
    size = crops.shape[-2:]
    found = F.relu(F.interpolate(found, size=size, mode="bicubic", align_corners=False))[:, 0]
    top = found.amax(dim=(1, 2), keepdim=True)
    return (found / top.clamp(min=1e-20)).cpu().numpy().astype(np.float32)
