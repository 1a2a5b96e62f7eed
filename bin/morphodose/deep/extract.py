"""From crops to embeddings: batches are read ahead, and some are computed while one is written."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Sampler

from morphodose.deep.data import CropBatch, Wanted
from morphodose.deep.heads import called, predicted_classes, probabilities
from morphodose.deep.network import Network, prepare
from morphodose.deep.network_set import NetworkSet
from morphodose.deep.recipe import Recipe
from morphodose.deep.rotation import Alignment

#: Batches the device has been given beyond the one that is fetched: it has something to do while a table is
#: closed and the next begun.
QUEUED = 4


class RunBatches(Sampler):
    """Batches of neighbouring rows that are of one group.

    Parameters
    ----------
    groups : (N,) array of int
        Group of each row, such as shard and fold; rows of a group lie together.
    batch_size : int
        Greatest number of rows of a batch.
    """

    def __init__(self, groups: npt.NDArray[np.integer], batch_size: int) -> None:
        edges = [0, *(np.flatnonzero(np.diff(groups)) + 1), len(groups)]
        self.ranges = [
            (begin, min(begin + batch_size, end))
            for start, end in zip(edges, edges[1:], strict=False)
            for begin in range(start, end, batch_size)
        ]

    def __len__(self) -> int:
        return len(self.ranges)

    def __iter__(self) -> Iterator[Wanted]:
        for begin, end in self.ranges:
            yield 0, np.arange(begin, end)


@dataclass(frozen=True)
class Extracted:
    """What the network says of a batch.

    Attributes
    ----------
    rows : (N,) array of int
        Rows of the data.
    embeddings : (N, D) array
        In the axes of the reference fold, where an alignment was given.
    probabilities : dict of (N, K) arrays
        Of each class, by label; empty for a network without head.
    predicted, called : dict of (N,) and (N, K) arrays
        Most probable class, and (multilabel head) the classes at or above the threshold.
    """

    rows: npt.NDArray[np.int64]
    embeddings: npt.NDArray[np.float32]
    probabilities: dict[str, npt.NDArray[np.float32]]
    predicted: dict[str, npt.NDArray[np.int64]]
    called: dict[str, npt.NDArray[np.bool_]]


def forward(
    network: Network, crops: Tensor, recipe: Recipe, device: torch.device, exact: bool = False
) -> tuple[Tensor, Tensor]:
    """Embeddings and logits of raw crops; see `bare_forward`."""
    inputs = prepare(crops, recipe, device).contiguous(memory_format=torch.channels_last)
    return bare_forward(network, inputs, device, exact)


def bare_forward(
    network: Network, inputs: Tensor, device: torch.device, exact: bool = False
) -> tuple[Tensor, Tensor]:
    """Embeddings and logits of inputs on the device; the network alone.

    On a GPU it computes in float16, in which embeddings are kept, unless it is to be `exact`.
    """
    with torch.autocast(device.type, torch.float16, enabled=device.type == "cuda" and not exact):
        embedding, logits = network(inputs)
    return embedding.float(), logits.float()


class Turn:
    """The rotations of an alignment on a device; without one, embeddings stay as they are."""

    def __init__(self, alignment: Alignment | None, device: torch.device) -> None:
        self.alignment = alignment
        self._matrices: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
        if alignment:
            reference = torch.from_numpy(alignment.rotations[alignment.reference].mean).to(device)
            for fold, turn in alignment.rotations.items():
                if fold != alignment.reference:
                    mean, matrix = (torch.from_numpy(each).to(device) for each in (turn.mean, turn.matrix))
                    self._matrices[fold] = (mean, matrix, reference)

    def __call__(self, fold: int, embedding: Tensor) -> Tensor:
        """(N, D) embeddings of a fold in the axes of the reference."""
        if self.alignment is None:
            return embedding
        self.alignment.check(fold, embedding.shape[1])
        if fold not in self._matrices:
            return embedding
        mean, matrix, reference = self._matrices[fold]
        return (embedding - mean) @ matrix + reference


def extract(
    batches: Iterable[CropBatch],
    folds: npt.NDArray[np.integer],
    networks: NetworkSet,
    device: torch.device,
    alignment: Alignment | None = None,
) -> Iterator[Extracted]:
    """Embeddings and predictions, batch by batch.

    Parameters
    ----------
    batches : iterable of CropBatch
        Each of cells of one fold.
    folds : (N,) array of int
        The fold that holds out each row of the data: the cell goes through the network of that fold.
    networks : NetworkSet
        The networks.
    device : torch.device
        Where they run.
    alignment : Alignment, optional
        Rotations of the folds.
    """
    turn = Turn(alignment, device)
    queue: deque[_Begun] = deque()
    with torch.inference_mode():
        for batch in batches:
            fold = int(folds[batch.rows[0]])
            queue.append(_Begun(batch, fold, *networks.of(fold), turn, device))
            if len(queue) > QUEUED:
                yield queue.popleft().fetched()
        while queue:
            yield queue.popleft().fetched()


class _Begun:
    """A batch that the device has been given; on a GPU it is computed, and copied back, in the background."""

    def __init__(
        self, batch: CropBatch, fold: int, network: Network, recipe: Recipe, turn: Turn, device: torch.device
    ) -> None:
        self.batch, self.fold, self.network, self.recipe = batch, fold, network, recipe
        self.turn, self.device = turn, device
        self.copied = torch.cuda.Event() if device.type == "cuda" else None
        self.found = self.compute()

    def compute(self, exact: bool = False) -> tuple[Tensor, Tensor]:
        """Embeddings and logits, on their way to the CPU."""
        embedding, logits = forward(self.network, self.batch.crops, self.recipe, self.device, exact)
        turned = self.turn(self.fold, embedding)
        found = turned.to("cpu", non_blocking=True), logits.to("cpu", non_blocking=True)
        if self.copied:
            self.copied.record()
        return found

    def wait(self) -> None:
        """Until the results are here, but not for what the device was given since, as a plain copy would."""
        if self.copied:
            self.copied.synchronize()

    def fetched(self) -> Extracted:
        """Results on the CPU."""
        self.wait()
        if not all(bool(each.isfinite().all()) for each in self.found):
            # within the network a very bright cell may exceed float16 (65,504)
            self.found = self.compute(exact=True)
            self.wait()
        embedding, logits = self.found
        found = probabilities(logits, self.recipe)
        multilabel = self.recipe.head == "multilabel"
        return Extracted(
            self.batch.rows.numpy(),
            embedding.numpy(),
            {label: each.numpy() for label, each in found.items()},
            {label: each.numpy() for label, each in predicted_classes(found).items()},
            {label: each.numpy() for label, each in called(found).items()} if multilabel else {},
        )
