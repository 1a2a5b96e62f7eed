"""The registry of tables: what it finds wrong, and that it agrees with steps and guide."""

from __future__ import annotations

from morphodose.steps.registry import STEPS
from morphodose.steps.tables import TABLES, Columns, Table
from test_docs import section

TABLE = Table(
    "t", "STEP", "t.parquet", (Columns("A B", "number", "two", "px"), Columns("S_<role>_x", "text", "some"))
)


def test_a_table_as_it_is_declared_has_no_fault() -> None:
    written = {"Metadata_Well": ("string", ""), "A": ("float", "px"), "B": ("float", "px")}
    assert TABLE.faults(written) == TABLE.faults({**written, "S_vehicle_x": ("string", "")}) == []


def test_another_column_type_or_unit_and_a_missing_column_are_faults() -> None:
    written = {"A": ("double", "px"), "S_x": ("string", ""), "S_a_x": ("string", "h")}
    assert TABLE.faults(written) == [
        "t: A is double in px, declared as float in px",
        "t: the column S_x is not declared",
        "t: S_a_x is string in h, declared as string in no unit",
        "t: the column B is missing",
    ]


def test_each_table_is_of_a_step_and_has_its_columns_in_the_guide() -> None:
    assert {table.step for table in TABLES} <= {step.name for step in STEPS}
    for table in TABLES:
        text = section(f"`{table.name}`")
        assert f"<!-- columns: {table.name} -->" in text, table.name
        assert all(f"`{name}`" in text for each in table.columns for name in each.names.split())
