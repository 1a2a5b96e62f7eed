"""The check of the design: it gets every parameter that is judged by what the screen has, and plans tasks."""

from __future__ import annotations

from morphodose.options import cluster, deep, segmentation
from morphodose.options.groups import GROUPS
from morphodose.steps.step import Step

STEP = Step(
    "CHECK_DESIGN",
    "check_design.py",
    (
        *(option for group in GROUPS for option in group.options if option.judged),
        cluster.WELLS_PER_TASK,
        segmentation.SEGMENTATION_SHARD,
        deep.EMBEDDING_SHARD,
    ),
    words="reading and checking the design",
    task="screen",
    work="planes",
)
