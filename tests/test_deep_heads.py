"""Losses and probabilities of the three heads."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from morphodose.deep.heads import (
    MISSING,
    build_head,
    called,
    loss,
    output_slices,
    predicted_classes,
    probabilities,
)
from morphodose.deep.recipe import Recipe

RECIPE = Recipe(
    network="resnet18",
    classes={"time": ("4", "8", "24"), "dose": ("vehicle", "1")},
    ordered={"time": True, "dose": True},
)
LOGITS = torch.tensor([[2.0, -1.0, 0.5, 1.0, -3.0], [-1.0, 0.0, 3.0, -0.5, 0.5]])
TARGETS = torch.tensor([[0, 1], [2, 0]])


def test_multilabel_is_binary_cross_entropy_over_times_and_doses() -> None:
    truth = torch.tensor([[1.0, 0, 0, 0, 1], [0, 0, 1, 1, 0]])
    assert torch.isclose(loss(LOGITS, TARGETS, RECIPE), F.binary_cross_entropy_with_logits(LOGITS, truth))


def test_softmax_is_one_cross_entropy_a_label() -> None:
    recipe = replace(RECIPE, head="softmax")
    expected = F.cross_entropy(LOGITS[:, :3], TARGETS[:, 0]) + F.cross_entropy(LOGITS[:, 3:], TARGETS[:, 1])
    assert torch.isclose(loss(LOGITS, TARGETS, recipe), expected)
    weighted = replace(recipe, class_weights={"time": (3.0, 1.0, 1.0), "dose": (1.0, 1.0)})
    each = F.cross_entropy(LOGITS[:, :3], TARGETS[:, 0], reduction="none")
    dose = F.cross_entropy(LOGITS[:, 3:], TARGETS[:, 1])
    assert torch.isclose(loss(LOGITS, TARGETS, weighted), (3 * each[0] + each[1]) / 4 + dose)


def test_ordinal_probabilities_are_a_distribution_whatever_the_parameters() -> None:
    recipe = replace(RECIPE, head="ordinal")
    torch.manual_seed(0)
    head = build_head(recipe)
    for parameter in head.parameters():
        parameter.data.normal_(0, 5)
    found = probabilities(head(torch.randn(50, 512)), recipe)
    for label, width in (("time", 3), ("dose", 2)):
        assert found[label].shape == (50, width)
        assert (found[label] >= 0).all()
        assert torch.allclose(found[label].sum(1), torch.ones(50), atol=1e-6)


def test_ordinal_loss_grows_with_the_distance() -> None:
    recipe = replace(RECIPE, head="ordinal")
    logits = torch.tensor([[-4.0, -8.0, 0.0]])  # surely the first time
    found = [float(loss(logits, torch.tensor([[time, 0]]), recipe)) for time in range(3)]
    assert found[0] < found[1] < found[2]


@pytest.mark.parametrize("head", ["multilabel", "softmax", "ordinal"])
def test_a_missing_label_adds_nothing(head: str) -> None:
    recipe = replace(RECIPE, head=head)
    logits = (
        LOGITS[:, : sum(s.stop - s.start for s in output_slices(recipe).values())].clone().requires_grad_()
    )
    loss(logits, torch.tensor([[0, MISSING], [MISSING, MISSING]]), recipe).backward()
    assert logits.grad is not None
    assert (logits.grad[0, output_slices(recipe)["dose"]] == 0).all() and (logits.grad[1] == 0).all()
    assert (logits.grad[0, output_slices(recipe)["time"]] != 0).all()


def test_the_multilabel_rule_calls_none_or_several_and_the_prediction_is_one() -> None:
    found = probabilities(LOGITS, RECIPE)
    assert called(found)["time"].tolist() == [[True, False, True], [False, True, True]]
    assert predicted_classes(found)["time"].tolist() == [0, 2]
