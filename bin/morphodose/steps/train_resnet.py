"""A network for each fold."""

from __future__ import annotations

from morphodose.options import deep
from morphodose.steps.step import Step

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
)
