"""ResNet with an embedding and logits; its input from raw crops; its weights as safetensors.

Residual networks are torchvision's (He et al. 2016, arXiv:1512.03385; ResNet v1.5), initialised from scratch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torchvision.models.resnet import resnet18, resnet50

from morphodose.deep.heads import build_head, constant
from morphodose.deep.recipe import Recipe, read_recipe, write_recipe
from morphodose.errors import InputError
from morphodose.files import replacing

__all__ = ["Network", "Recipe", "build_network", "load_network", "prepare", "save_network"]

_BUILDERS = {"resnet50": resnet50, "resnet18": resnet18}


class Network(nn.Module):
    """A ResNet without its classifier (`trunk`) and a head for the labels of a recipe."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.trunk = _BUILDERS[recipe.network](weights=None)
        self.trunk.fc = nn.Identity()
        if recipe.input_channels != 3:
            self.trunk.conv1 = nn.Conv2d(recipe.input_channels, 64, 7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(self.trunk.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.head = build_head(recipe)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings (N, D) and logits (N, K) of inputs (N, C, Y, X) that `prepare` made."""
        embedding = self.trunk(x)
        return embedding, self.head(embedding)


def build_network(recipe: Recipe, weights: Mapping[str, Tensor] | None = None) -> Network:
    """A network for a recipe.

    Parameters
    ----------
    recipe : Recipe
        Network, channels and classes.
    weights : mapping, optional
        Parameters by name, all of them; or those of a plain torchvision ResNet (ImageNet weights), which
        fill the trunk and leave the head as it starts. None starts from scratch, with the recipe's seed,
        whatever the state of the global random numbers, which is left as it was.

    Raises
    ------
    InputError
        If the weights are those of another network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = Network(recipe)
    if weights is not None:
        own = network.state_dict()
        if weights and not any(name.startswith("trunk.") for name in weights):
            trunk = {f"trunk.{name}": value for name, value in weights.items() if not name.startswith("fc.")}
            weights = trunk | {name: value for name, value in own.items() if name.startswith("head.")}
        wrong = [
            name
            for name in {**own, **weights}
            if name not in own or name not in weights or own[name].shape != weights[name].shape
        ]
        if wrong:
            raise InputError(
                f"the weights are not those of a {recipe.network} with {recipe.input_channels} channels "
                f"and a {recipe.head} head: {len(wrong)} of {len(own)} parameters differ, first {wrong[0]}"
            )
        network.load_state_dict(dict(weights))
    return network


def prepare(batch: Tensor, recipe: Recipe, device: torch.device | str) -> Tensor:
    """The network's input from raw crops, computed on the device.

    Parameters
    ----------
    batch : (N, C, S, S) tensor of uint16
        Raw crops.
    recipe : Recipe
        Input size and, of each channel, the mean and standard deviation of the screen; never a crop's own.
    device : torch.device
        Where the input is wanted.

    Returns
    -------
    (N, 3 or C, input, input) tensor of float32
        Resized (bilinear, antialiased), normalised; one channel is repeated to pseudo-RGB.

    Raises
    ------
    InputError
        If the crops do not have the channels that the network reads.
    """
    if batch.ndim != 4 or batch.shape[1] != len(recipe.channels):
        raise InputError(
            f"crops of shape {tuple(batch.shape)}, but the network reads {len(recipe.channels)} channels: "
            f"{', '.join(recipe.channels)}"
        )
    # through int16 and int32: PyTorch has few kernels for uint16
    counts = batch.view(torch.int16).to(device, non_blocking=True).to(torch.int32).bitwise_and_(0xFFFF)
    pixels = counts.to(torch.float32)
    if pixels.shape[-2:] != (recipe.input_size, recipe.input_size):
        size = (recipe.input_size, recipe.input_size)
        pixels = nn.functional.interpolate(
            pixels, size=size, mode="bilinear", align_corners=False, antialias=True
        )
    shape = (1, -1, 1, 1)
    mean, std = (constant(values, pixels.device).view(shape) for values in (recipe.mean, recipe.std))
    pixels = (pixels - mean) / std
    return pixels.expand(-1, 3, -1, -1) if len(recipe.channels) == 1 else pixels


def save_network(stem: str | Path, network: Network, recipe: Recipe) -> tuple[Path, Path]:
    """Write ``<stem>.safetensors`` and ``<stem>.json``; both are needed to use the network."""
    weights, json_file = Path(f"{stem}.safetensors"), Path(f"{stem}.json")
    state = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    with replacing(weights) as temporary:
        save_file(state, temporary, metadata={"format": "pt"})
    write_recipe(json_file, recipe)
    return weights, json_file


def load_network(
    weights: str | Path, json: str | Path, device: torch.device | str = "cpu"
) -> tuple[Network, Recipe]:
    """The network of two files that `save_network` wrote, in evaluation mode, and its recipe.

    Raises
    ------
    InputError
        If the weights cannot be read, or are not those of the recipe.
    """
    recipe = read_recipe(json)
    try:
        state = load_file(weights)
    except (OSError, SafetensorError) as fault:
        raise InputError(f"{weights}: not readable as safetensors ({fault}); train the fold again") from fault
    try:
        network = build_network(recipe, state)
    except InputError as fault:
        raise InputError(f"{weights} and {json} do not belong together: {fault}") from fault
    return network.eval().to(device), recipe
