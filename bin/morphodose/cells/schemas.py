"""The tables of cells and of images, joined with plate map, states and quality."""

from __future__ import annotations

from dataclasses import replace

from morphodose.columns import Columns, Table
from morphodose.death.schemas import STATES
from morphodose.imaging.schemas import FIGURES, VERDICTS
from morphodose.key_columns import OF_CELL, OF_FIELD, OF_MAP, keys
from morphodose.measurement.schemas import FEATURES
from morphodose.segmentation.schemas import COUNTS


def optional(columns: tuple[Columns, ...]) -> tuple[Columns, ...]:
    """The same columns where the step that gives them may not have run."""
    return tuple(replace(each, optional=True) for each in columns)


#: What is known of a cell beside its measurements.
KNOWN = (*OF_CELL, *OF_MAP, *optional((*keys("CellOrigin"), *STATES, *keys("QCVerdict"))))
CELLS = Table("cells", "ANNOTATE_CELLS", "tables/cells/<well-timepoint>.parquet", (*KNOWN, *FEATURES))
IMAGES = Table(
    "images",
    "ANNOTATE_CELLS",
    "tables/images/<acquisition>.parquet",
    (
        *OF_FIELD,
        *OF_MAP,
        *optional((*VERDICTS, *keys("LackingValues"))),
        Columns(
            "Count_ObjectsLackingValues",
            "integer",
            "how many objects of one compartment lack a value of one family of features (cells of a few"
            " pixels, say)",
            optional=True,
        ),
        *FIGURES,
        *optional(COUNTS),
    ),
)
TABLES = (CELLS, IMAGES)
