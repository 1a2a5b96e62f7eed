"""From embeddings to classes: logits, losses, probabilities and predictions of the three heads.

``multilabel`` (the reference's): one logit a class over times and doses, binary cross entropy; a class is
*called* where its probability is 0.5 or more (`called`), so a cell may have none or several. Scores need one
class a label: the most probable one (`predicted_classes`).
``softmax``: one softmax and one cross entropy a label.
``ordinal``: cumulative logits, log odds of "beyond class k" = score - threshold_k, one score a label and
thresholds in order (McCullagh 1980; loss as in CORAL, Cao et al. 2020, arXiv:1901.07884).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from morphodose.deep.recipe import Recipe

#: From this probability on a class of the multilabel head is called.
THRESHOLD = 0.5

#: Target of a cell that has no such label; it adds nothing to the loss.
MISSING = -1


class OrdinalHead(nn.Module):
    """Cumulative logits of each label: (N, D) → (N, sum of K - 1), falling within a label."""

    def __init__(self, size: int, counts: list[int]) -> None:
        super().__init__()
        self.score = nn.Linear(size, len(counts))
        starts = [torch.cat([torch.tensor([-(k - 2) / 2]), torch.full((k - 2,), 0.5413)]) for k in counts]
        # the first threshold, then steps whose softplus (1 at the start) is added
        self.steps = nn.ParameterList([nn.Parameter(start) for start in starts])

    def forward(self, embedding: Tensor) -> Tensor:
        """Log odds of being beyond each class but the last."""
        scores = self.score(embedding)
        thresholds = [torch.cat([s[:1], s[:1] + F.softplus(s[1:]).cumsum(0)]) for s in self.steps]
        return torch.cat([scores[:, i : i + 1] - each for i, each in enumerate(thresholds)], dim=1)


def build_head(recipe: Recipe) -> nn.Module:
    """The last layer for a recipe; without classes (an untrained network to embed with) it gives (N, 0)."""
    counts = [len(names) for names in recipe.classes.values()]
    if recipe.head == "ordinal" and counts:
        return OrdinalHead(recipe.embedding_size, counts)
    if not counts:
        return _NoHead()
    return nn.Linear(recipe.embedding_size, sum(counts))


class _NoHead(nn.Module):
    """No logits."""

    def forward(self, embedding: Tensor) -> Tensor:
        """(N, 0)."""
        return embedding[:, :0]


def output_slices(recipe: Recipe) -> dict[str, slice]:
    """Which columns of the logits belong to which label."""
    slices: dict[str, slice] = {}
    start = 0
    for label, names in recipe.classes.items():
        width = len(names) - (recipe.head == "ordinal")
        slices[label] = slice(start, start + width)
        start += width
    return slices


def count_outputs(recipe: Recipe) -> int:
    """How many logits there are."""
    return max((where.stop for where in output_slices(recipe).values()), default=0)


@lru_cache(maxsize=64)
def constant(values: tuple[float, ...], device: torch.device) -> Tensor:
    """Numbers on a device, sent there once: sending them each step would make the GPU wait."""
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=torch.float32, device=device)


def loss(
    logits: Tensor,
    targets: Tensor,
    recipe: Recipe,
    average: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Mean loss of a batch.

    Parameters
    ----------
    logits : (N, K) tensor
        Of the network.
    targets : (N, L) tensor of int64
        Class of each label, in the order of ``recipe.classes``; `MISSING` where a cell has none.
    recipe : Recipe
        Head, classes and, where they are unequal, weights of the classes.
    average : callable, optional
        Mean over processes that have a part of the batch each. Then the mean of what they return is the loss
        of the whole batch, though the weights of its parts are unequal.

    Returns
    -------
    scalar tensor
        Mean over outputs (multilabel), sum over labels (softmax), mean over thresholds summed over labels
        (ordinal); weighted by class where the recipe has weights.
    """
    sums, weights, outputs = [], [], 0
    for column, (label, where) in enumerate(output_slices(recipe).items()):
        target = targets[:, column]
        found = logits[:, where].float()
        weight = (target != MISSING).to(found.dtype)
        safe = target.clamp(min=0)
        if label in recipe.class_weights:
            weight = weight * constant(recipe.class_weights[label], found.device)[safe]
        if recipe.head == "multilabel":
            number = torch.arange(found.shape[1], device=found.device)
            truth = (safe[:, None] == number[None]).to(found.dtype)
            each = F.binary_cross_entropy_with_logits(found, truth, reduction="none").sum(1)
            outputs += found.shape[1]
        elif recipe.head == "softmax":
            each = F.cross_entropy(found, safe, reduction="none")
        else:
            beyond = torch.arange(found.shape[1], device=found.device)
            truth = (safe[:, None] > beyond[None]).to(found.dtype)
            each = F.binary_cross_entropy_with_logits(found, truth, reduction="none").mean(1)
        sums.append((each * weight).sum())
        weights.append(weight.sum())
    whole = torch.stack(weights)
    total = (torch.stack(sums) / (average(whole) if average else whole).clamp(min=1e-6)).sum()
    return total / outputs if recipe.head == "multilabel" else total


def probabilities(logits: Tensor, recipe: Recipe) -> dict[str, Tensor]:
    """Probability of each class of each label, (N, K).

    Those of the multilabel head are independent of one another and need not add up to 1.
    """
    found = {}
    for label, where in output_slices(recipe).items():
        part = logits[:, where].float()
        if recipe.head == "multilabel":
            found[label] = torch.sigmoid(part)
        elif recipe.head == "softmax":
            found[label] = torch.softmax(part, dim=1)
        else:
            beyond = torch.sigmoid(part)
            edge = torch.ones_like(beyond[:, :1])
            found[label] = torch.cat([edge, beyond], 1) - torch.cat([beyond, edge * 0], 1)
    return found


def predicted_classes(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """The most probable class of each label, (N,) int64, from `probabilities`."""
    return {label: each.argmax(1) for label, each in found.items()}


def called(found: dict[str, Tensor], threshold: float = THRESHOLD) -> dict[str, Tensor]:
    """The reference's rule for its multilabel head: (N, K) bool, every class at or above the threshold."""
    return {label: each >= threshold for label, each in found.items()}
