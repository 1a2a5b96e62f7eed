"""Which well-timepoints share a task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Well = TypeVar("Well")


@dataclass(frozen=True)
class TaskSizes:
    """Well-timepoints per task: the parameters of these names, each at least 1."""

    wells_per_task: int
    segmentation_shard: int
    embedding_shard: int


@dataclass(frozen=True)
class Plan(Generic[Well]):
    """The tasks of a screen.

    Attributes
    ----------
    shards : list of list
        The wells of each task on a CPU; none spans acquisitions.
    segmentation, embedding : list of list of list
        The shards of each task on a GPU; one of segmentation does not span acquisitions.
    """

    shards: list[list[Well]]
    segmentation: list[list[list[Well]]]
    embedding: list[list[list[Well]]]


def plan_tasks(wells: Mapping[str, Sequence[Well]], sizes: TaskSizes) -> Plan[Well]:
    """Divide a screen into tasks.

    A task on a GPU takes whole shards: as many as fit into its size, and one if none does. What it gives then
    goes on in the shards that it came in.

    Parameters
    ----------
    wells : mapping of str to sequence
        Acquisition → its wells, both in the order in which they are to be divided.
    sizes : TaskSizes
        Well-timepoints per task.
    """
    size = sizes.wells_per_task
    of_acquisition = [
        [each[i : i + size] for i in range(0, len(each), size)] for each in map(list, wells.values())
    ]
    shards = [shard for found in of_acquisition for shard in found]
    segmentation = [task for found in of_acquisition for task in _filled(found, sizes.segmentation_shard)]
    return Plan(shards, segmentation, _filled(shards, sizes.embedding_shard))


def _filled(shards: Iterable[list[Well]], size: int) -> list[list[list[Well]]]:
    """Consecutive shards together while they hold no more than `size` wells."""
    tasks: list[list[list[Well]]] = []
    for shard in shards:
        if tasks and sum(map(len, tasks[-1])) + len(shard) <= size:
            tasks[-1].append(shard)
        else:
            tasks.append([shard])
    return tasks
