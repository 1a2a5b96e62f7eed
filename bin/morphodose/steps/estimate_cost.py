"""What a run would take; only its design is read."""

from __future__ import annotations

from morphodose.options import analysis, cluster, deep, images, preparation, segmentation
from morphodose.steps.step import Output, Step

STEP = Step(
    "ESTIMATE_COST",
    "dry_run.py",
    (
        cluster.WELLS_PER_TASK,
        segmentation.SEGMENTATION_SHARD,
        deep.EMBEDDING_SHARD,
        preparation.ILLUMINATION,
        analysis.EXPORT,
        images.CELL_CHANNEL,
        images.NUCLEAR_CHANNEL,
        images.BRIGHTFIELD_CHANNEL,
        images.EARLY_DEATH_CHANNEL,
        images.LATE_DEATH_CHANNEL,
        segmentation.CELL_METHOD,
        segmentation.CELL_MODEL,
        segmentation.DIAMETER,
        segmentation.NUCLEAR_DIAMETER,
        segmentation.USE_GPU,
        deep.DEEP,
        deep.CROP_CHANNELS,
        deep.SPLIT,
        deep.SPLIT_FOLDS,
        deep.CONTROLS,
        deep.NETWORK,
        deep.INPUT_SIZE,
        deep.EPOCHS,
        deep.MAX_TRAINING_CELLS,
        deep.TRAINING_GPUS,
        deep.TRAINING_NODES,
        deep.IMAGENET_WEIGHTS,
    ),
    task="screen",
    outputs=(
        Output("text", "cost.txt", "the forecast in words"),
        Output("cost", "cost.json", "the forecast in numbers"),
    ),
    versions=("pyarrow",),
)
