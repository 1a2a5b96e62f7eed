"""Tables of the networks: their training, what they predict, how they are aligned, the embeddings."""

from __future__ import annotations

from morphodose.columns import Columns, Table
from morphodose.key_columns import OF_CELL

_KIND = Columns("Kind", "text", "`trained`, `permuted` (labels shuffled between wells), `random_split`")
_FOLD = Columns("Fold", "integer", "the fold that is held out")
LOG = Table(
    "log",
    "TRAIN_RESNET",
    "networks/<kind>_fold<k>_log.parquet",
    (
        _KIND,
        _FOLD,
        Columns("Epoch Step", "integer", "done so far, from 1"),
        Columns("LR", "number", "learning rate of the head"),
        Columns("Loss_Train Loss_HeldOut", "number", "mean losses"),
        Columns("Accuracy_<Label>_HeldOut", "number", "share of held-out cells that are told right"),
        Columns("Seconds", "number", "of the epoch", "s"),
        Columns("ImagesPerSecond", "number", "that it trained on"),
    ),
)
LR_RANGE = Table(
    "lr_range",
    "TRAIN_RESNET",
    "networks/<kind>_fold<k>_lr_range.parquet",
    (
        Columns("LR", "number", "learning rate of the head"),
        Columns("Loss Smoothed", "number", "of the batch, and smoothed"),
    ),
)
_TRUTH = Columns("True_<Label>", "text", "class of the cell; null if it has none")
_CLASS = Columns("Predicted_<Label>", "text", "the most probable class, with every head")
_CHANCES = Columns("Probability_<Label>_<class>", "number", "of each class")
PREDICTIONS = Table(
    "predictions",
    "TRAIN_RESNET",
    "networks/<kind>_fold<k>_predictions.parquet",
    (*OF_CELL, _KIND, _FOLD, _TRUTH, _CLASS, _CHANCES),
)
ALIGNMENT = Table(
    "alignment",
    "ALIGN_NETWORKS",
    "networks/alignment.parquet",
    (
        _FOLD,
        Columns(
            "R2",
            "number",
            "share of the reference's variance explained after rotation, on the anchors it was fitted to",
        ),
        Columns("R2_HeldOut", "number", "on the other half of the anchors"),
        Columns("N_Anchors", "integer", "cells that all networks have seen"),
    ),
)
ANCHORS = Table(
    "anchors",
    "ALIGN_NETWORKS",
    "networks/anchors.parquet",
    (
        *OF_CELL,
        Columns("Fold", "integer32", "the fold that holds the cell out"),
        Columns("Label_Dose Label_Time", "text", "classes of the cell"),
    ),
)
GALLERY = Table(
    "gallery",
    "EXPLAIN_CROPS",
    "networks/gallery.parquet",
    (
        Columns("File", "text", "the picture"),
        Columns("Kind", "text", "`example`, `nearest`"),
        Columns("Label Class", "text", "what it shows"),
        Columns("CellIDs", "text", "cells in it, separated by `; `"),
    ),
)
EMBEDDINGS = Table(
    "embeddings",
    "EMBED_CELLS",
    "tables/embeddings/<kind>/<well-timepoint>_embeddings.parquet",
    (
        *OF_CELL,
        Columns("Fold", "integer", "the fold that held the cell out, whose network embedded it"),
        Columns("Usable", "flag", "it may be scored"),
        _TRUTH,
        _CLASS,
        Columns(
            "Called_<Label>",
            "text",
            "with the multilabel head: all classes at 0.5 or more, separated by `; `; empty if there is none",
        ),
        _CHANCES,
        Columns(
            "Embedding",
            "vector",
            "2,048 16-bit numbers (512 of a ResNet18); for `trained` in the axes of fold 0",
        ),
    ),
)
TABLES = (LOG, LR_RANGE, PREDICTIONS, ALIGNMENT, ANCHORS, GALLERY, EMBEDDINGS)
