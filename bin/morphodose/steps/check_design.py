"""The check of the design: it gets every parameter that is judged by what the screen has, and plans tasks."""

from __future__ import annotations

from morphodose.options import cluster, deep, segmentation
from morphodose.options.groups import GROUPS
from morphodose.steps.step import Output, Step

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
    outputs=(
        Output("design", "design/design.json", "what was understood of the input"),
        Output("well_timepoints", "design/well_timepoints.json", "planes and task of each well"),
        Output("plate_map", "design/plate_map.csv", "the plate map, normalised"),
        Output("planes", "design/planes.parquet", "table of planes"),
        Output("faults", "design/design_faults.parquet", "table of faults and warnings"),
    ),
    versions=(
        "tifffile",
        "pyarrow",
    ),
    publishes="design",
)
