"""The network: its input, its weights on disk, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from morphodose.deep.network import build_network, load_network, prepare, save_network
from morphodose.deep.recipe import NETWORKS, Recipe, read_recipe, write_recipe
from morphodose.errors import InputError

RECIPE = Recipe(
    network="resnet18",
    input_size=32,
    head="softmax",
    classes={"time": ("4", "24"), "dose": ("vehicle", "1", "10")},
    ordered={"time": True, "dose": False},
    values={"time": (4.0, 24.0)},
    mean=(100.0,),
    std=(50.0,),
)


def test_a_crop_becomes_pseudo_rgb_by_the_numbers_of_the_screen_and_not_its_own() -> None:
    crops = torch.from_numpy(np.stack([np.full((1, 200, 200), v, np.uint16) for v in (100, 150, 65535)]))
    found = prepare(crops, RECIPE, "cpu")
    assert found.shape == (3, 3, 32, 32)
    assert torch.allclose(found[:, 0, 5, 5], torch.tensor([0.0, 1.0, (65535 - 100) / 50]))
    assert torch.equal(found[:, 0], found[:, 2])


def test_several_channels_are_the_input_as_they_are() -> None:
    recipe = replace(RECIPE, channels=("A", "B"), mean=(0.0, 0.0), std=(1.0, 2.0))
    embedding, logits = build_network(recipe)(
        prepare(torch.ones(2, 2, 40, 40, dtype=torch.uint16), recipe, "cpu")
    )
    assert embedding.shape == (2, 512) and logits.shape == (2, 5)
    with pytest.raises(InputError, match="reads 2 channels"):
        prepare(torch.ones(2, 1, 40, 40, dtype=torch.uint16), recipe, "cpu")


def test_the_seed_of_the_recipe_makes_the_network_and_leaves_the_global_one_alone() -> None:
    torch.manual_seed(5)
    first = build_network(RECIPE).head.weight
    after = torch.rand(1)
    torch.manual_seed(6)
    assert torch.equal(first, build_network(RECIPE).head.weight)
    assert not torch.equal(first, build_network(replace(RECIPE, seed=1)).head.weight)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1))


@pytest.mark.parametrize(("name", "length"), NETWORKS.items())
def test_a_network_learns_and_its_saved_weights_give_the_same_embeddings_and_logits(
    tmp_path: Path, name: str, length: int
) -> None:
    given = replace(RECIPE, network=name)
    network = build_network(given)
    x, right = (
        torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1)),
        torch.tensor([2, 3, 4, 2]),
    )
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
    losses = []
    for _ in range(3):
        loss = torch.nn.functional.cross_entropy(network(x)[1], right)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    weights, json = save_network(tmp_path / "trained_fold0", network.eval(), given)
    again, recipe = load_network(weights, json)
    assert recipe == given and not again.training
    assert again(x)[0].shape == (4, length)
    assert all(torch.equal(mine, other) for mine, other in zip(network(x), again(x), strict=True))


def test_plain_torchvision_weights_fill_the_trunk() -> None:
    source = build_network(replace(RECIPE, seed=9)).trunk.state_dict()
    given = {**source, "fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    found = build_network(RECIPE, given)
    assert torch.equal(found.trunk.conv1.weight, source["conv1.weight"])
    assert torch.equal(found.head.weight, build_network(RECIPE).head.weight)


def test_faults_name_the_file_and_the_fix(tmp_path: Path) -> None:
    weights, json = save_network(tmp_path / "a", build_network(RECIPE), RECIPE)
    write_recipe(tmp_path / "b.json", replace(RECIPE, classes={"time": ("4", "8", "24")}))
    with pytest.raises(InputError, match=r"a\.safetensors and .*b\.json do not belong together.*head"):
        load_network(weights, tmp_path / "b.json")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"a\.safetensors: not readable as safetensors"):
        load_network(weights, json)
    json.write_text("{}")
    with pytest.raises(InputError, match=r"a\.json: not the JSON of a trained network"):
        read_recipe(json)
    with pytest.raises(InputError, match="label 'dose' has no order"):
        replace(RECIPE, head="ordinal")
    with pytest.raises(InputError, match="not above 0"):
        replace(RECIPE, std=(0.0,))
