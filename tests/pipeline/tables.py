"""Comparing the tables of two runs by value, and those of one with what was simulated."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from morphodose.simulate.compare import Comparison
from morphodose.tables import parquet_files, read_table

#: What differs from run to run.
DURATIONS = frozenset({"Seconds", "ImagesPerSecond"})


def tables_of(results: Path) -> dict[str, pd.DataFrame]:
    """Every published Parquet file, by its path below the results."""
    return {str(file.relative_to(results)): read_table(file) for file in parquet_files(results)}


def assert_same_tables(one: Path, other: Path, ignore: frozenset[str] = DURATIONS) -> None:
    """Fail where two result folders hold different tables, rows or values (columns in `ignore` aside)."""
    first, second = tables_of(one), tables_of(other)
    assert first.keys() == second.keys()
    assert first, f"no table in {one}"
    for name, frame in first.items():
        columns = [column for column in frame.columns if column not in ignore]
        pd.testing.assert_frame_equal(frame[columns], second[name][columns], obj=name)


def assert_found(found: Comparison) -> None:
    """Fail where a run on the demo plate found other cells, shares of dying ones or EC50s than were put in."""
    assert abs(found.count_error) <= 0.05
    assert found.f1 >= 0.90
    assert found.fraction_error <= 0.05
    dying = found.responses[found.responses["Endpoint"] == "Fraction_Dying"]
    assert (dying["State"] == "fitted").all()
    assert found.responses["Inside"].all()
