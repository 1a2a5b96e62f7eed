"""The networks that embed cells: one for each fold, or one for all where none was trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from morphodose.deep.network import Network, build_network, load_network
from morphodose.deep.recipe import Recipe, read_recipe
from morphodose.errors import InputError

KINDS = ("trained", "untrained", "imagenet")
#: Entries of a recipe that all folds must have in common.
COMMON = ("network", "channels", "crop_size", "input_size", "head", "classes")


@dataclass(frozen=True)
class NetworkSet:
    """Networks and their recipes.

    Attributes
    ----------
    by_fold : mapping of int to (Network, Recipe)
        The network of each fold, in evaluation mode; empty where one embeds all cells.
    single : (Network, Recipe) or None
        The one for all.
    """

    by_fold: Mapping[int, tuple[Network, Recipe]]
    single: tuple[Network, Recipe] | None = None

    @property
    def recipe(self) -> Recipe:
        """Recipe of the lowest fold, or of the one for all; of `COMMON` entries it is that of all."""
        return self.single[1] if self.single else self.by_fold[min(self.by_fold)][1]

    def of(self, fold: int) -> tuple[Network, Recipe]:
        """Network and recipe for the cells that a fold holds out.

        Raises
        ------
        InputError
            If there is no network that was not trained on the cells of the fold.
        """
        if self.single:
            return self.single
        if fold not in self.by_fold:
            known = ", ".join(map(str, sorted(self.by_fold)))
            raise InputError(
                f"cells of fold {fold} have no network that was not trained on them: those given are of "
                f"folds {known}. Give the files of all folds"
            )
        return self.by_fold[fold]


def read_networks(
    kind: str, folder: str | Path, device: torch.device, imagenet: str | Path | None = None
) -> NetworkSet:
    """The networks of a kind, on a device.

    Parameters
    ----------
    kind : str
        ``trained``: of every fold. ``untrained``: started from the seed of the lowest fold, never trained.
        ``imagenet``: with weights of a file. The two get channels, input size and normalisation of the lowest
        fold, and no head.
    folder : path
        With ``trained_fold<k>.json`` and, for ``trained``, ``trained_fold<k>.safetensors``.
    device : torch.device
        Where they run.
    imagenet : path, optional
        For ``imagenet``: torchvision's state dict, ``.pth`` or ``.safetensors``. Nothing is downloaded.

    Raises
    ------
    InputError
        If ImageNet weights are wanted and no file of them is given.
    """
    if kind == "trained":
        return NetworkSet(read_folds(folder, device))
    recipe = replace(read_recipe(recipe_files(folder)[0]), classes={}, head="multilabel", notes=())
    network = build_network(recipe)
    if kind == "imagenet":
        if imagenet is None:
            raise InputError("ImageNet weights are a file of your own (--imagenet_weights); none was given")
        load_imagenet(network, imagenet, recipe)
    return NetworkSet({}, (on_device(network, device), recipe))


def recipe_files(folder: str | Path) -> list[Path]:
    """``trained_fold<k>.json`` of a folder, by fold.

    Raises
    ------
    InputError
        If the folder has no trained network.
    """
    found = [path for path in Path(folder).glob("trained_fold*.json") if _number(path).isdigit()]
    if not found:
        raise InputError(f"{folder}: no trained_fold<k>.json of a trained network in this folder")
    return sorted(found, key=lambda path: int(_number(path)))


def _number(path: Path) -> str:
    return path.stem.removeprefix("trained_fold")


def read_folds(folder: str | Path, device: torch.device) -> dict[int, tuple[Network, Recipe]]:
    """The trained networks of a folder by the fold that each was not trained on.

    Raises
    ------
    InputError
        If there is none, weights are missing, or two of them do not read or tell the same.
    """
    found: dict[int, tuple[Network, Recipe]] = {}
    first: tuple[Path, Recipe] | None = None
    for path in recipe_files(folder):
        network, recipe = load_network(path.with_suffix(".safetensors"), path)
        if str(recipe.fold) != _number(path):
            raise InputError(f"{path}: it says that it is of fold {recipe.fold}")
        first = first or (path, recipe)
        for name in COMMON:
            here, there = getattr(recipe, name), getattr(first[1], name)
            if here != there:
                raise InputError(
                    f"{path}: {name} is {here!r}, but {there!r} in {first[0].name}; they are of two trainings"
                )
        found[recipe.fold] = (on_device(network, device), recipe)
    return found


def on_device(network: Network, device: torch.device) -> Network:
    """The network ready to be used; channels last, in which oneDNN and cuDNN convolve faster."""
    ready = network.eval().requires_grad_(False).to(device)
    # PyTorch's type hints leave this argument out
    return ready.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def load_imagenet(network: Network, path: str | Path, recipe: Recipe) -> None:
    """Put torchvision's ImageNet weights into the trunk; its classifier is left out.

    The first layer is made for red, green and blue. Another number of channels than 1 (repeated) or 3 gets
    its mean over the three for each channel, scaled to the same sum (as `in_chans` of timm does; Wightman
    2019, github.com/huggingface/pytorch-image-models).

    Raises
    ------
    InputError
        If the file does not hold torchvision's weights of this network.
    """
    state = {name: value for name, value in _state_dict(Path(path)).items() if not name.startswith("fc.")}
    first = state.get("conv1.weight")
    if first is not None and first.ndim == 4 and first.shape[1] != recipe.input_channels:
        mean = first.float().mean(dim=1, keepdim=True) * first.shape[1] / recipe.input_channels
        state["conv1.weight"] = mean.repeat(1, recipe.input_channels, 1, 1)
    try:
        network.trunk.load_state_dict(state)
    except RuntimeError as fault:
        raise InputError(
            f"{path}: not torchvision's weights of a {recipe.network}: {str(fault).splitlines()[-1].strip()}"
        ) from fault


def _state_dict(path: Path) -> dict[str, Tensor]:
    """Parameters by name, of a safetensors file or of a ``.pth`` that holds tensors alone."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        given = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, RuntimeError, ValueError, EOFError, LookupError) as fault:
        raise InputError(f"{path}: not readable as weights ({type(fault).__name__})") from fault
    # what torch refuses to unpickle: code, or objects of other classes
    except Exception as fault:
        raise InputError(
            f"{path}: it holds more than tensors, and is not opened ({type(fault).__name__}); save the state "
            "dict alone, or as safetensors"
        ) from fault
    if not isinstance(given, dict) or not all(isinstance(value, Tensor) for value in given.values()):
        raise InputError(f"{path}: not a state dict, parameters by name")
    return dict(given)
