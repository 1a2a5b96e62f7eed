"""What is trained on and what is held out."""

from __future__ import annotations

from morphodose.options import analysis, deep, images
from morphodose.steps.step import Output, Step

STEP = Step(
    "SPLIT_CELLS",
    "split_cells.py",
    (
        deep.SPLIT,
        deep.SPLIT_FOLDS,
        deep.EXCLUDE_CROPS,
        deep.CROP_CHANNELS,
        images.BRIGHTFIELD_CHANNEL,
        analysis.GROUP_BY,
    ),
    words="labels and split of the cells",
    task="screen",
    work="cells",
    outputs=(
        Output("split", "split.parquet", "fold and labels of each crop"),
        Output("labels", "labels.json", "classes, and whether they can be learned"),
        Output("leakage", "leakage.parquet", "what folds share"),
    ),
    versions=(
        "numpy",
        "pandas",
        "pyarrow",
    ),
    publishes="networks",
)
