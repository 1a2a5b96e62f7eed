from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from morphodose.files import find_files, replacing
from morphodose.tables import read_table, write_table


def test_files_behind_linked_folders_are_found(tmp_path: Path) -> None:
    """Nextflow stages folders as links, which Path.rglob does not follow."""
    real = tmp_path / "real" / "well"
    write_table(pd.DataFrame({"Area": [1.0, 2.0]}), real / "fields.parquet")
    staged = tmp_path / "staged"
    staged.mkdir()
    (staged / "well").symlink_to(real)
    assert find_files(staged, "*.parquet") == [staged / "well" / "fields.parquet"]
    assert find_files(staged / "well" / "fields.parquet", "fields.*") == [staged / "well" / "fields.parquet"]
    assert find_files(staged, "*.tif") == []
    assert list(read_table(staged)["Area"]) == [1.0, 2.0]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "table.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), replacing(target) as temporary:
        temporary.write_text("half of the n")
        raise RuntimeError("killed")
    assert target.read_text() == "old"
    with replacing(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["table.txt"]
