"""Whether a written table has the columns, types and units that are declared of it."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from morphodose.steps.tables import TABLES


def assert_declared(name: str, path: Path) -> None:
    """Fail where a file differs from what `morphodose.steps.tables` says of its table."""
    table = next(table for table in TABLES if table.name == name)
    written = {
        field.name: (str(field.type), (field.metadata or {}).get(b"unit", b"").decode())
        for field in pq.read_schema(path)
    }
    assert table.faults(written) == []
