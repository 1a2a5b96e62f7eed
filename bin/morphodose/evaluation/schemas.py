"""Tables of the split, and of the scores of network and baselines."""

from __future__ import annotations

from morphodose.columns import Columns, Table
from morphodose.crops.schemas import PADDED, PLACE
from morphodose.key_columns import OF_CELL, keys

SPLIT = Table(
    "split",
    "SPLIT_CELLS",
    "networks/split.parquet",
    (
        *OF_CELL,
        *keys("Compound Dose DoseUnit Role"),
        *PLACE,
        PADDED,
        Columns(
            "Label_Dose Label_Time",
            "text",
            "class, of dose with the group where the plate map divides the analysis (`1, CellLine=A549`);"
            " null if it has none",
        ),
        Columns("Fold", "integer32", "the fold that holds it out"),
        Columns("RandomFold", "integer32", "for contrast: a random split over cells"),
        Columns("Usable", "flag", "whether it may train and be scored"),
        Columns("Excluded", "text", "why it is not usable; else empty"),
    ),
)
LEAKAGE = Table(
    "leakage",
    "SPLIT_CELLS",
    "networks/leakage.parquet",
    (
        Columns("Split", "text", "the split, and for contrast one over random cells"),
        Columns("Fold", "integer", "the fold that is held out"),
        Columns("N_Train N_Test", "integer", "cells on both sides"),
        Columns(
            "N_TrainFields N_TestFields Shared_Fields N_TrainWells N_TestWells Shared_Wells"
            " N_TrainReplicates N_TestReplicates Shared_Replicates",
            "integer",
            "fields, wells and replicates on both sides, and those that are on both",
        ),
        Columns("Verdict", "text", "`ok`, `refused`, `contrast only`"),
    ),
)
_MODEL = Columns(
    "Model",
    "text",
    "`network`, `network_permuted` (trained on permuted labels), `network_random_split`, `majority`,"
    " `position`, `intensity`, `classical_logistic`, `classical_boosting` (on the measurements),"
    " `probe_trained`, `probe_untrained`, `probe_imagenet` (logistic regression on embeddings)",
)
_LABEL = Columns("Label", "text", "`dose` or `time`")
MODEL_SCORES = Table(
    "model_scores",
    "SCORE_MODELS",
    "tables/scores/model_scores.parquet",
    (
        _MODEL,
        _LABEL,
        Columns("Split", "text", "how cells were held out"),
        Columns(
            "Metric",
            "text",
            "`accuracy`, `balanced_accuracy`, `macro_f1`, `mae_steps` (of doses or times), `mae_hours`,"
            " `ece`; of the last three, lower is better",
        ),
        Columns("Value Low High", "number64", "with its 95 % interval over wells"),
        Columns("N_Wells N_Cells", "integer", "behind it"),
        Columns(
            "N_Unconverged",
            "integer",
            "trainings of a baseline, one per fold, that stopped before they had converged: its score may be"
            " too low; the notes of the verdict name it",
        ),
    ),
)
MODEL_DIFFERENCES = Table(
    "model_differences",
    "SCORE_MODELS",
    "tables/scores/model_differences.parquet",
    (
        Columns("Model Against", "text", "the two models"),
        _LABEL,
        Columns("Metric", "text", "as in `model_scores`"),
        Columns(
            "Difference Low High",
            "number64",
            "score of `Model` less that of `Against`, paired by resample, with its 95 % interval",
        ),
    ),
)
CONFUSION = Table(
    "confusion",
    "SCORE_MODELS",
    "tables/scores/confusion.parquet",
    (
        Columns("Model Label", "text", "as in `model_scores`"),
        Columns("True Predicted", "text", "the two classes"),
        Columns("Count", "integer", "cells"),
        Columns("Fraction", "number64", "of the true class"),
    ),
)
CALIBRATION = Table(
    "calibration",
    "SCORE_MODELS",
    "tables/scores/calibration.parquet",
    (
        Columns("Model Label", "text", "as in `model_scores`"),
        Columns("Bin", "integer", "of ten bins of confidence, 0 to 9"),
        Columns("Confidence Accuracy", "number64", "means of the bin"),
        Columns("Count", "integer", "cells"),
    ),
)
TABLES = (SPLIT, LEAKAGE, MODEL_SCORES, MODEL_DIFFERENCES, CONFUSION, CALIBRATION)
