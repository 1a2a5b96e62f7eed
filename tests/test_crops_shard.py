"""Shards of crops: what is written is read, at any row, and a torn file is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from morphodose.crops import shard as module
from morphodose.crops.shard import Crop, CropShard, write_shard
from morphodose.errors import InputError

CHANNELS = ("Brightfield", "Hoechst")


def some(count: int, size: int = 20) -> tuple[list[Crop], np.ndarray]:
    """Crops of random boxes, and the same written out."""
    rng = np.random.default_rng(1)
    crops, dense = [], np.zeros((count, 2, size, size), np.uint16)
    for row in range(count):
        height, width = rng.integers(0, size + 1, 2)
        top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
        pixels = rng.integers(0, 2**16, (2, height, width)).astype(np.uint16)
        dense[row, :, top : top + height, left : left + width] = pixels
        crops.append(Crop(f"cell{row}", int(top), int(left), pixels))
    return crops, dense


def test_every_row_is_read_as_it_was_written_in_any_order(tmp_path: Path) -> None:
    crops, dense = some(600)  # three batches
    assert write_shard(tmp_path / "a.arrow", crops, CHANNELS, 20) == 600
    shard = CropShard(tmp_path / "a.arrow")
    assert (len(shard), shard.channels, shard.size) == (600, CHANNELS, 20)
    assert shard.cell_ids == tuple(f"cell{row}" for row in range(600))
    rows = np.random.default_rng(2).integers(0, 600, 200)
    for row in (*rows, 0, 255, 256, 599):
        found = shard.read(row)
        assert found.dtype == np.uint16
        np.testing.assert_array_equal(found, dense[row])
        box = shard.read_box(row)
        assert (box.cell_id, box.top, box.left) == (f"cell{row}", crops[row].top, crops[row].left)
        np.testing.assert_array_equal(box.pixels, crops[row].pixels)
        assert not box.pixels.flags.writeable


def test_reading_maps_the_file_and_unpacks_nothing_of_it(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.arrow", some(300, 100)[0], CHANNELS, 100)
    assert (tmp_path / "a.arrow").stat().st_size > 2_000_000
    before = pa.total_allocated_bytes()
    shard = CropShard(tmp_path / "a.arrow")
    for row in (7, 299, 3):
        shard.read(row)
    assert pa.total_allocated_bytes() - before < 10_000


def test_a_crop_that_was_read_may_be_written_to(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.arrow", some(2)[0], CHANNELS, 20)
    shard = CropShard(tmp_path / "a.arrow")
    before = shard.read(1)
    shard.read(1)[:] = 7
    np.testing.assert_array_equal(shard.read(1), before)


def test_an_empty_shard_is_a_shard(tmp_path: Path) -> None:
    assert write_shard(tmp_path / "a.arrow", [], CHANNELS) == 0
    shard = CropShard(tmp_path / "a.arrow")
    assert (len(shard), shard.channels, shard.size, shard.cell_ids) == (0, CHANNELS, 200, ())
    with pytest.raises(IndexError, match="row 0 of 0"):
        shard.read(0)


def test_rows_beyond_the_shard_are_an_error_and_not_another_cell(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.arrow", some(3)[0], CHANNELS, 20)
    shard = CropShard(tmp_path / "a.arrow")
    for row in (-1, 3):
        with pytest.raises(IndexError, match=f"row {row} of 3"):
            shard.read(row)


def test_only_the_path_travels_to_another_process(tmp_path: Path) -> None:
    crops, dense = some(300)
    write_shard(tmp_path / "a.arrow", crops, CHANNELS, 20)
    sent = pickle.dumps(CropShard(tmp_path / "a.arrow"))
    assert len(sent) < 1000
    np.testing.assert_array_equal(pickle.loads(sent).read(299), dense[299])


def test_batches_are_bounded_by_their_pixels_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crops, dense = some(40)
    monkeypatch.setattr(module, "BATCH_PIXELS", 1000)
    write_shard(tmp_path / "a.arrow", crops, CHANNELS, 20)
    assert pa.ipc.open_file(pa.memory_map(str(tmp_path / "a.arrow"))).num_record_batches > 5
    shard = CropShard(tmp_path / "a.arrow")
    for row in range(40):
        np.testing.assert_array_equal(shard.read(row), dense[row])


def test_a_fault_while_writing_leaves_no_file(tmp_path: Path) -> None:
    def failing():
        yield from some(3)[0]
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_shard(tmp_path / "a.arrow", failing(), CHANNELS, 20)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", [0, 4, 100, 0.5, 0.99])
def test_a_torn_shard_is_refused_by_name(tmp_path: Path, part: float) -> None:
    path = tmp_path / "a.arrow"
    write_shard(path, some(300)[0], CHANNELS, 20)
    content = path.read_bytes()
    path.write_bytes(content[: int(part if part > 1 else part * len(content))])
    with pytest.raises(InputError, match="a.arrow: not a readable shard"):
        CropShard(path)


def test_another_arrow_file_is_refused(tmp_path: Path) -> None:
    table = pa.table({"a": [1]})
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(InputError, match="layout None, not 'morphodose crops 1'"):
        CropShard(tmp_path / "a.arrow")
    with pytest.raises(InputError, match="absent.arrow: not a readable shard"):
        CropShard(tmp_path / "absent.arrow")


@pytest.mark.parametrize(
    ("crop", "message"),
    [
        (Crop("x", 0, 0, np.zeros((1, 2, 2), np.uint16)), r"x: a crop is \(2, h, w\) uint16"),
        (Crop("x", 0, 0, np.zeros((2, 2, 2), np.float32)), "got float32"),
        (Crop("x", 19, 0, np.zeros((2, 2, 2), np.uint16)), "not inside 20 px"),
        (Crop("x", 0, -1, np.zeros((2, 2, 2), np.uint16)), "not inside 20 px"),
    ],
)
def test_what_is_no_crop_is_not_written(tmp_path: Path, crop: Crop, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_shard(tmp_path / "a.arrow", [crop], CHANNELS, 20)
