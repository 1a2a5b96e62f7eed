"""Tables of the components of the features."""

from __future__ import annotations

from morphodose.cells.schemas import KNOWN
from morphodose.columns import Columns, Table

EXPLAINED = Table(
    "explained_variance",
    "REDUCE_FEATURES",
    "tables/reduced/<set>/explained_variance.parquet",
    (
        Columns("Component", "integer", "number, from 1: that of `PC_<n>`"),
        Columns("Variance", "number", "variance of the coordinate over the cells"),
        Columns(
            "Ratio Cumulative",
            "number",
            "its share of the variance of all selected features; that of all components up to it",
        ),
    ),
)
LOADINGS = Table(
    "pca_loadings",
    "REDUCE_FEATURES",
    "tables/reduced/<set>/pca_loadings.parquet",
    (
        Columns("Feature", "text", "one that was selected"),
        Columns("Component", "integer", "number, from 1"),
        Columns("Loading", "number", "entry of the unit vector of the component"),
    ),
)
SELECTED = Table(
    "selected_features",
    "REDUCE_FEATURES",
    "tables/reduced/<set>/selected_features.parquet",
    (
        Columns("Feature", "text", "column of `cells`, or `Embedding_<n>`"),
        Columns("Set", "text", "`classical`, `deep`: where it comes from"),
        Columns("Selected", "flag", "whether it was selected"),
        Columns("Reason", "text", "if not, why"),
        Columns("Missing", "number", "fraction of the cells without a value"),
        Columns("Variance", "number", "over the cells, in the unit of the feature, squared"),
        Columns(
            "Chi2",
            "number",
            "chi-squared against the classes of dose (of time with a single dose), within each group and"
            " summed; null where there is one class",
        ),
        Columns(
            "Fill Fill_<group>",
            "number",
            "value of a missing entry: mean of the vehicle cells; where groups divide the screen, that of"
            " each group's own vehicle cells (`Fill`: of wells of no group, and of groups that a later"
            " screen has beside them); unit of the feature",
        ),
        Columns("Mean Scale", "number", "(value − `Mean`) / `Scale` enters; unit of the feature"),
    ),
)
PCA = Table(
    "pca",
    "REDUCE_FEATURES",
    "tables/reduced/<set>/pca/<well-timepoint>.parquet",
    (
        *KNOWN,
        Columns(
            "PC_<n>", "number", "coordinates, as many as `--pca_components` (20 with `--training reference`)"
        ),
    ),
)
UMAP = Table(
    "umap",
    "REDUCE_FEATURES",
    "tables/reduced/<set>/umap.parquet",
    (*KNOWN, Columns("UMAP_1 UMAP_2", "number", "coordinates of the map")),
)
TABLES = (PCA, UMAP, EXPLAINED, LOADINGS, SELECTED)
