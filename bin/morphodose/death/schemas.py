"""Tables of the death states: the gates, and the state of each cell."""

from __future__ import annotations

from morphodose.columns import Columns, Table
from morphodose.key_columns import keys

#: State of a cell, and what is said of it.
STATES = keys("DeathState DeathDoubt DeathStateGateLower DeathStateGateHigher")
GATES = Table(
    "gates",
    "CALL_DEATH",
    "death/<acquisition>_gates.parquet",
    (
        *keys("Plate Timepoint Replicate Acquisition Group"),
        Columns("Stain", "text", "early (Annexin V), late (PI)"),
        Columns("Channel Column", "text", "channel and column that the gate reads"),
        Columns("Threshold", "number", "a cell above it is stained. Null: no gate, see `Reason`", "counts"),
        Columns(
            "Centre Spread",
            "number",
            "median and standard deviation of the unstained vehicle cells",
            "counts",
        ),
        Columns(
            "Method",
            "text",
            "`valley`: between the two populations of the controls; `spread`: 6 standard deviations above"
            " the centre; `manual`: set by `--gates`",
        ),
        Columns("Count_VehicleCells Count_PositiveCells", "integer", "cells behind it"),
        Columns("Count_FarObjects", "integer", "objects far brighter than all cells, which get no state"),
        Columns("Fraction_VehiclePositive", "number", "fraction of the vehicle cells above it"),
        Columns(
            "Fraction_Stained_<role> Fraction_Stained_<role>_GateLower Fraction_Stained_<role>_GateHigher",
            "number",
            "of the cells of `vehicle`, `positive` or `treated` wells that are judged by this column: the"
            " fraction above the gate, and above gates 0.1 of a decade lower and higher",
        ),
        Columns(
            "Spillover",
            "number",
            "share of the other stain's light that was subtracted from this channel (`--compensation`)",
        ),
        Columns("Correlation", "number", "rank correlation of the two stains among cells below both gates"),
        Columns("Reason", "text", "why there is no gate, or a warning"),
        Columns("Doubt", "text", "signs that the stain failed: states called by it are doubtful"),
    ),
)
DEATH = Table(
    "death",
    "CALL_DEATH",
    "death/<acquisition>_death.parquet",
    (
        *keys("CellID"),
        *STATES,
        Columns("Death_Intensity_<Channel>", "number", "intensity that is compared with the gate", "counts"),
    ),
)
TABLES = (GATES, DEATH)
