"""The features that matter and their components."""

from __future__ import annotations

from morphodose.options import analysis, deep
from morphodose.steps.step import Output, Step

STEP = Step(
    "REDUCE_FEATURES",
    "reduce_features.py",
    (
        deep.SELECT_FEATURES,
        deep.PCA_COMPONENTS,
        deep.TRAINING,
        analysis.GROUP_BY,
    ),
    words="components of the features",
    task="set of features",
    work="cells",
    outputs=(Output("reduced", "*", "components of a set of features"),),
    versions=(
        "numpy",
        "scipy",
        "pyarrow",
        "umap-learn",
    ),
    publishes="tables/reduced",
)
