"""All tables that the pipeline writes, in the order of the guide."""

from __future__ import annotations

from morphodose.cells import schemas as cells
from morphodose.columns import Table
from morphodose.crops import schemas as crops
from morphodose.death import schemas as death
from morphodose.deep import schemas as deep
from morphodose.design import schemas as design
from morphodose.evaluation import schemas as evaluation
from morphodose.imaging import schemas as imaging
from morphodose.measurement import schemas as measurement
from morphodose.profiles import schemas as profiles
from morphodose.reduction import schemas as reduction
from morphodose.responses import schemas as responses
from morphodose.segmentation import schemas as segmentation

TABLES: tuple[Table, ...] = (
    *design.TABLES,
    *imaging.TABLES,
    *segmentation.TABLES,
    *measurement.TABLES,
    *death.TABLES,
    *cells.TABLES,
    *profiles.TABLES,
    *responses.TABLES,
    *crops.TABLES,
    *evaluation.TABLES,
    *deep.TABLES,
    *reduction.TABLES,
)
