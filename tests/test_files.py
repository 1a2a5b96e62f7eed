from __future__ import annotations

import errno
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


def test_what_a_killed_task_left_behind_is_not_found(tmp_path: Path) -> None:
    write_table(pd.DataFrame({"Area": [1.0]}), tmp_path / "a.parquet")
    (tmp_path / ".b.parquet.x1y2.parquet").write_bytes(b"PAR1 half of a tab")
    assert [path.name for path in find_files(tmp_path, "*.parquet")] == ["a.parquet"]
    assert len(read_table(tmp_path)) == 1


def test_a_full_disk_is_named_by_the_file_that_was_to_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError) as fault, replacing(tmp_path / "table.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert fault.value.filename == str(tmp_path / "table.txt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("file write failed: time = …, errno = 28, error message = 'No space left on device'", errno.ENOSPC),
        ("Error while serializing: I/O error: File too large (os error 27)", errno.EFBIG),
    ],
)
def test_a_full_disk_is_known_by_what_other_libraries_say_of_it(
    said: str, number: int, tmp_path: Path
) -> None:
    with pytest.raises(OSError) as fault, replacing(tmp_path / "table.h5"):
        raise RuntimeError(said)
    assert (fault.value.errno, fault.value.filename) == (number, str(tmp_path / "table.h5"))
    assert not list(tmp_path.iterdir())
    # what is not of writing stays what it is
    with pytest.raises(RuntimeError), replacing(tmp_path / "table.h5"):
        raise RuntimeError("cannot read: No such file or directory (os error 2)")


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
