"""Declared tables: what of a written one is a fault, and that writers, steps and the guide are held to them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from morphodose.columns import OWN, Columns, Table, TableError
from morphodose.errors import InputError
from morphodose.measurement.schemas import FEATURES
from morphodose.profiles.schemas import PROFILES, WELLS
from morphodose.responses import select
from morphodose.schemas import TABLES
from morphodose.steps.registry import STEPS
from morphodose.tables import column_units, columns_to_arrow, write_as
from test_docs import PAGE, section

ROOT = Path(__file__).resolve().parents[1]
TABLE = Table(
    "t",
    "STEP",
    "t.parquet",
    (
        Columns("Metadata_Well", "text", "a key"),
        Columns("A B", "number", "two", "px"),
        Columns("N", "integer", "count", optional=True),
        Columns("S_<role>_x", "text", "some"),
        Columns("M_<Channel>", "number", "of a channel", OWN),
    ),
)
#: Writers of Parquet that go through the declarations, and the tables of a simulated truth.
WRITERS = {"tables.py", "embedding_table.py", "split_table.py", "plate.py"}


def test_a_table_gets_the_declared_types_and_units(tmp_path: Path) -> None:
    frame = pd.DataFrame({"N": [1.0, None], "Metadata_Well": ["A01", None], "A": [1, 2], "B": [None, None]})
    write_as(TABLE, frame.assign(M_PI=0.5), tmp_path / "t.parquet", {"M_PI": "um", "A": "h"})
    schema = pq.read_schema(tmp_path / "t.parquet")
    assert {field.name: str(field.type) for field in schema} == {
        "Metadata_Well": "string", "N": "int64", "A": "float", "B": "float", "M_PI": "float",
    }  # fmt: skip
    assert column_units(tmp_path / "t.parquet") == {"A": "px", "B": "px", "M_PI": "um"}


def test_columns_of_several_parts_have_the_first_declaration_that_fits() -> None:
    plain, first, second = (
        Columns("S_x", "text", "by its whole name"),
        Columns("S_<n> T_<name>_y", "number", "by a part"),
        Columns("S_<name> T_<name>", "flag", "by any text"),
    )
    table = Table("t", "STEP", "", (second, first, plain))
    assert table.declared("S_x") is plain
    assert table.declared("T_a_y") is table.declared("T_a") is table.declared("S_1") is second
    assert Table("t", "STEP", "", (first, second)).declared("S_1") is first
    assert Table("t", "STEP", "", (first, second)).declared("S_1\n") is second
    assert table.declared("U_x") is table.declared("S_") is table.declared("xS_1") is None
    assert Table("t", "STEP", "", (plain,)).declared("S_1") is None


def test_arrays_become_a_table_as_pyarrow_would_make_it() -> None:
    arrays: dict[str, np.ndarray] = {
        "A": np.array([1.5, np.nan, -0.0], np.float32),
        "B": np.arange(6.0)[::2],
        "Metadata_Field": np.array([1, 2, 3]),
        "Metadata_Well": np.array(["A01", None, "größe\n"], object),
        "Metadata_Compound": np.array(["", "", ""], object),
    }
    found = columns_to_arrow(arrays)
    assert found.column_names == ["Metadata_Field", "Metadata_Well", "Metadata_Compound", "A", "B"]
    found.validate(full=True)
    for name, array in arrays.items():
        expected = pa.array(array)
        assert found[name].type == expected.type
        assert found[name].null_count == expected.null_count
        np.testing.assert_array_equal(found[name].to_numpy(), expected.to_numpy(zero_copy_only=False))
    nothing = columns_to_arrow({name: array[:0] for name, array in arrays.items()})
    nothing.validate(full=True)
    assert nothing.num_rows == 0 and nothing.schema == found.schema
    with pytest.raises(TypeError, match="A: numbers or text are expected, got bool"):
        columns_to_arrow({"A": np.array([True])})
    with pytest.raises(TypeError, match="A: numbers or text are expected, got object"):
        columns_to_arrow({"A": np.array(["a", 1], object)})


def test_a_table_without_rows_has_all_its_columns(tmp_path: Path) -> None:
    write_as(TABLE, [], tmp_path / "t.parquet")
    assert pq.read_schema(tmp_path / "t.parquet").names == ["Metadata_Well", "A", "B"]


def test_rows_have_the_order_of_the_declaration_and_no_nan(tmp_path: Path) -> None:
    rows = [
        {"S_vehicle_x": "s", "B": float("nan"), "A": 1.5, "Metadata_Well": "A01"},
        {"N": 2, "A": 1, "B": 2, "Metadata_Well": float("nan")},
    ]
    write_as(TABLE, rows, tmp_path / "t.parquet", spreadsheet=True)
    found = pq.read_table(tmp_path / "t.parquet")
    assert found.column_names == ["Metadata_Well", "A", "B", "N", "S_vehicle_x"]
    assert found.to_pylist()[0] == {
        "Metadata_Well": "A01", "A": 1.5, "B": None, "N": None, "S_vehicle_x": "s",
    }  # fmt: skip
    assert found["Metadata_Well"].to_pylist() == ["A01", None]
    assert (tmp_path / "t.csv").is_file()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"C": [1.0]}, "table t: the column C is not declared"),
        ({"S_dose_x": ["s"]}, "table t: the column S_dose_x is not declared"),
        ({"A": None}, "table t: the column A is missing"),
        ({"A": ["1"]}, "table t: A is string, declared as float"),
        ({"Metadata_Well": [1]}, "table t: Metadata_Well is int64, declared as string"),
        ({"N": [1.5]}, "table t: N as int64: .*truncated"),
        ({"N": [True]}, "table t: N is bool, declared as int64"),
    ],
)
def test_another_column_type_or_a_missing_column_is_an_error(
    changed: dict[str, list[object] | None], message: str, tmp_path: Path
) -> None:
    columns = {"Metadata_Well": ["A01"], "A": [1.0], "B": [2.0], **changed}
    found = pa.table({name: values for name, values in columns.items() if values is not None})
    with pytest.raises(TableError, match=message):
        write_as(TABLE, found, tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"A": 1.0}, "a row without the column B"),
        ({"A": "x", "B": 1.0}, "table t: A: "),
        ({"A": 1.0, "B": 1.0, "C": 1}, "the column C is not declared"),
    ],
)
def test_a_row_that_is_not_as_declared_is_an_error(
    row: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(TableError, match=message):
        write_as(TABLE, [{"Metadata_Well": "A01", **row}], tmp_path / "t.parquet")


def test_each_table_has_one_name_is_of_a_step_and_has_its_columns_in_the_guide() -> None:
    names = [table.name for table in TABLES]
    assert len(names) > 40 and len(set(names)) == len(names)
    assert {table.step for table in TABLES} <= {step.name for step in STEPS}
    keys = section("Key columns")
    for table in (table for table in TABLES if table.file):
        assert f"<!-- columns: {table.name} -->" in PAGE, table.name
        for name in (name for each in table.columns for name in each.each):
            assert f"`{name}`" in (keys if name.startswith("Metadata_") else PAGE), name


def test_a_table_that_is_read_is_held_to_its_declaration() -> None:
    TABLE.check(["Metadata_Well", "A", "B"], "t.parquet")
    TABLE.check(["A", "extra"], "t.parquet", ["A"])
    with pytest.raises(InputError, match=r"^x/t\.parquet: no column A, B; the table t of step is expected$"):
        TABLE.check(["Metadata_Well"], Path("x/t.parquet"))
    # what only some tables have is not asked of each
    with pytest.raises(TableError, match="not every one has N, C"):
        TABLE.check(["A", "N"], "t.parquet", ["A", "N", "C"])
    # `responses` lies below the package that declares the wells
    WELLS.check(WELLS.needed, "wells", select.NEEDED)


def test_profiles_have_features_of_cells_and_embeddings_alone() -> None:
    for name in ("Cells_AreaShape_Area", "Nuclei_Texture_Contrast_PI_3_00_256", "Embedding_2047"):
        assert PROFILES.declared(name), name
    for name in (name for each in FEATURES for name in each.each):
        filled = re.sub(r"<(\w+)>", lambda part: {"Compartment": "Cells", "n": "4"}.get(part[1], "X"), name)
        assert PROFILES.declared(filled), filled
    for name in (
        "Count_Cells",
        "Median_Cells_AreaShape_Area",
        "Embedding_x",
        "Area",
        "Metadata_Field",
        "Cells_",
    ):
        assert PROFILES.declared(name) is None, name


def test_no_step_writes_a_table_that_is_not_declared() -> None:
    sources = [*ROOT.glob("bin/*.py"), *ROOT.glob("bin/morphodose/**/*.py")]
    writes = re.compile(r"\b(write_table|write_arrow|ParquetWriter|to_parquet)\(")
    assert {path.name for path in sources if writes.search(path.read_text(encoding="utf-8"))} == WRITERS


#: Tables that are handed on and not published, and copies of one that is.
NOT_PUBLISHED = {"*_qc.parquet", "*.parquet", "illumination.parquet"}


def plain(file: str) -> str:
    """The name of a file, ``*`` in the place of what depends on the run; with its folder where that is all."""
    folder, _, name = re.sub(r"\$\{[^}]*\}|<[^>]*>", "*", file).rpartition("/")
    name = re.sub(r"\*[_a-z]*\*", "*", name)
    return f"{folder.rpartition('/')[2]}/{name}" if folder and name == "*.parquet" else name


def test_each_table_that_a_module_hands_on_or_the_guide_lists_is_declared() -> None:
    declared = {plain(table.file) for table in TABLES if table.file}
    assert {"responses.parquet", "cells/*.parquet", "*_log.parquet"} <= declared
    modules = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("modules/local/*/main.nf"))
    outputs = "".join(re.findall(r"\n    output:\n(.*?)\n    script:", modules, re.DOTALL))
    handed_on = {plain(name) for name in re.findall(r"""['"]([^'"\s]+\.parquet)['"]""", outputs)}
    listed = {plain(name) for name in re.findall(r"[\w<>/-]+\.parquet", PAGE.split("```")[1])}
    listed -= {"_predictions.parquet", "_log.parquet", "_lr_range.parquet"}  # ends of a name before them
    assert len(handed_on) > 30 and len(listed) > 30
    assert (handed_on | listed) - declared == NOT_PUBLISHED
