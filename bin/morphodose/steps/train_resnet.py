"""A network for each fold."""

from __future__ import annotations

from morphodose.options import deep
from morphodose.steps.step import Output, Step

STEP = Step(
    "TRAIN_RESNET",
    "train_resnet.py",
    (
        deep.NETWORK,
        deep.INPUT_SIZE,
        deep.HEAD,
        deep.TRAINING,
        deep.EPOCHS,
        deep.BATCH_SIZE,
        deep.LEARNING_RATE,
        deep.MAX_TRAINING_CELLS,
        deep.CHECKPOINT_MINUTES,
        deep.LR_RANGE_TEST,
    ),
    words="training of the network",
    task="fold",
    work="network_gmacs",
    image="resnet",
    gpu=True,
    outputs=(
        Output("weights", "*_fold*.safetensors *_fold*.json", "weights and recipe"),
        Output("predictions", "*_fold*_predictions.parquet", "held-out predictions"),
        Output("log", "*_fold*_log.csv *_fold*_log.parquet", "log of the epochs"),
        Output("lr_range", "*_fold*_lr_range.parquet", "loss by learning rate, with --lr_range_test"),
    ),
    versions=(
        "torch",
        "torchvision",
        "lightning",
        "safetensors",
    ),
    publishes="networks",
)
