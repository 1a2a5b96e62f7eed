"""Everything that is needed to use a network's weights again, as one JSON object beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from morphodose.errors import InputError, ParameterError
from morphodose.files import replacing

#: Networks by name, with the length of their embedding.
NETWORKS = {"resnet50": 2048, "resnet18": 512}
HEADS = ("multilabel", "softmax", "ordinal")
KINDS = ("trained", "permuted", "random_split")


def head_faults(head: str, ordered: Mapping[str, bool]) -> list[ParameterError]:
    """Why a head cannot learn these labels: label → whether its classes are in an order."""
    message = "label {!r} has no order (several compounds or groups?), which the ordinal head needs"
    wrong = [label for label, has_order in ordered.items() if head == "ordinal" and not has_order]
    fix = "use --head softmax or multilabel"
    return [ParameterError("--head", head, message.format(label), fix) for label in wrong]


@dataclass(frozen=True)
class Recipe:
    """How a network was built and trained.

    Attributes
    ----------
    network : str
        ``resnet50`` or ``resnet18``.
    channels : tuple of str
        Channels of the crops, in their order. One is repeated to pseudo-RGB.
    crop_size, input_size : int
        Edge of a crop on disk and of the network's input, px.
    head : str
        ``multilabel``, ``softmax`` or ``ordinal``; see `morphodose.deep.heads`.
    classes : dict
        Label (``time``, ``dose``) → names of its classes, in the order of the network's outputs.
    values : dict
        Label → number behind each class (hours, doses), where there is one.
    ordered : dict
        Label → whether its classes are in an order.
    mean, std : tuple of float
        Of each channel, over the screen's vehicle training crops, in counts.
    class_weights : dict
        Label → weight of each class in the loss; empty where all weigh the same.
    fold : int
        The fold that was held out.
    kind : str
        ``trained``, ``permuted`` (labels shuffled between wells) or ``random_split`` (folds over cells).
    seed, epochs, batch_size, n_train, n_held_out : int
        As trained; numbers of cells.
    preset, optimizer, precision, code : str
        Name of the preset, of the optimiser, number format on the device, digest of the code.
    device : str
        What it was trained on: the name of the GPU, or ``CPU``.
    learning_rate, weight_decay : float
        At the head; the stem learns at a tenth of it.
    clip : float
        Greatest norm of the gradients; 0: they are not clipped.
    trial : bool
        Whether there were too few cells or steps for more than a trial of the machinery.
    notes : tuple of str
        What a reader must know.
    """

    network: str = "resnet50"
    channels: tuple[str, ...] = ("Brightfield",)
    crop_size: int = 200
    input_size: int = 224
    head: str = "multilabel"
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    values: dict[str, tuple[float, ...]] = field(default_factory=dict)
    ordered: dict[str, bool] = field(default_factory=dict)
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    class_weights: dict[str, tuple[float, ...]] = field(default_factory=dict)
    fold: int = 0
    kind: str = "trained"
    seed: int = 0
    preset: str = "reference"
    epochs: int = 0
    batch_size: int = 0
    learning_rate: float = 0.0
    weight_decay: float = 0.0
    optimizer: str = ""
    clip: float = 1.0
    precision: str = "32-true"
    n_train: int = 0
    n_held_out: int = 0
    code: str = ""
    device: str = ""
    trial: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise InputError(f"network {self.network!r} is not one of {', '.join(NETWORKS)}")
        if self.head not in HEADS:
            raise InputError(f"head {self.head!r} is not one of {', '.join(HEADS)}")
        if not self.channels or not len(self.mean) == len(self.std) == len(self.channels):
            raise InputError(
                f"channels {self.channels} need a mean and a standard deviation each, "
                f"got {self.mean} and {self.std}"
            )
        if not all(value > 0 for value in self.std):
            raise InputError(f"the standard deviation of a channel is not above 0: {self.std}")
        for label, names in self.classes.items():
            if len(names) < 2:
                raise InputError(f"label {label!r} has {len(names)} class: nothing to tell apart")
            for fault in head_faults(self.head, {label: self.ordered.get(label, False)}):
                raise fault

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the network's outputs."""
        return tuple(self.classes)

    @property
    def embedding_size(self) -> int:
        """Length of an embedding."""
        return NETWORKS[self.network]

    @property
    def input_channels(self) -> int:
        """Channels of the network's input: 3 where one is repeated."""
        return 3 if len(self.channels) == 1 else len(self.channels)

    def to_json(self) -> str:
        """The recipe as a JSON object."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Recipe:
        """A recipe from a JSON object; entries it does not know are left out."""
        names = {each.name for each in fields(cls)}
        return cls(**{name: _frozen(value) for name, value in given.items() if name in names})


def _frozen(value: Any) -> Any:
    """Lists of JSON as tuples, in dicts too."""
    if isinstance(value, list):
        return tuple(_frozen(each) for each in value)
    return {name: _frozen(each) for name, each in value.items()} if isinstance(value, dict) else value


def write_recipe(path: str | Path, recipe: Recipe) -> None:
    """Write a recipe as JSON."""
    with replacing(path) as temporary:
        temporary.write_text(recipe.to_json() + "\n", encoding="utf-8")


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe that `write_recipe` wrote.

    Raises
    ------
    InputError
        If the file is not the recipe of a trained network.
    """
    try:
        given = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise InputError(f"{path}: not the JSON of a trained network ({fault})") from fault
    if not isinstance(given, dict) or not {"network", "channels", "classes", "head"} <= set(given):
        raise InputError(f"{path}: not the JSON of a trained network: no network, channels, classes and head")
    try:
        return Recipe.from_dict(given)
    except (TypeError, InputError) as fault:
        raise InputError(f"{path}: {fault}") from fault
