"""The measurements of the cells."""

from __future__ import annotations

from morphodose.columns import Columns, Table
from morphodose.key_columns import OF_CELL
from morphodose.measurement.families import COLUMNS

#: Features of a cell: `<Compartment>_<Group>_<Feature>`, with the names of CellProfiler.
FEATURES: tuple[Columns, ...] = tuple(columns for each in COLUMNS.values() for columns in each)
MEASUREMENTS = Table("measurements", "MEASURE_CELLS", "", (*OF_CELL, *FEATURES))
TABLES = (MEASUREMENTS,)
