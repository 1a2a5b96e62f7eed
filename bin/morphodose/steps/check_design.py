"""The check of the design, which gets every parameter that a step may find fault with."""

from __future__ import annotations

from morphodose.options import analysis, cluster, deep, images, inputs, preparation, segmentation
from morphodose.steps.step import Step

STEP = Step(
    "CHECK_DESIGN",
    "check_design.py",
    (
        inputs.PLATE_MAP_SHEET,
        *images.GROUP.options,
        *preparation.GROUP.options,
        *segmentation.GROUP.options,
        *analysis.GROUP.options,
        *deep.GROUP.options,
        cluster.WELLS_PER_TASK,
    ),
)
