#!/usr/bin/env python3
"""What cropping a field costs, beside the reference algorithm and beside reading and writing; formats.

The reference blurs the whole image for each cell (`tests/helpers/crops_reference.py`); both cut the same
cells of the same simulated field, one thread each, and all pixels are compared. The formats hold the same
crops, every channel of every field as a crop of its own; rows are read at random, one by one, from files
in the page cache. CPU seconds and not wall, since machines are shared.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import cv2
import numpy as np
import pyarrow as pa
import tifffile
import zarr

from crops_reference import reference_crop
from morphodose.crops.cut import cut_field
from morphodose.crops.shard import Crop, CropShard, write_shard
from morphodose.imaging.images import Field, read_field, read_labels, write_field, write_labels
from morphodose.segmentation.border import border_labels, without_labels
from morphodose.simulate.field import CHANNELS, Optics, render_field

Reader = Callable[[int], np.ndarray]
SIZE = 200


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Least CPU seconds of several runs."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def write_fields(folder: Path, count: int, size: int, cells: int, diameter: float) -> list[tuple[Path, Path]]:
    """Simulated fields and their masks, as the steps before write them; about `cells` cells each."""
    written = []
    for seed in range(count):
        field = render_field(
            np.random.default_rng(seed),
            size=size,
            n_cells=cells * (1 + 2 * diameter / size),  # those at the border are left out
            cell_diameter=diameter,
            optics=Optics(planes=1),
        )
        image, mask = folder / f"{seed}.ome.tiff", folder / f"{seed}.tif"
        write_field(image, Field(field.planes[0], tuple(CHANNELS), None))
        write_labels(mask, without_labels(field.cells, border_labels(field.cells)))
        written.append((image, mask))
    return written


def cropping(image: Path, mask: Path, channel: str, repeats: int) -> dict[str, float]:
    """Seconds a field of each part of the work, and of the reference."""
    pixels, labels = read_field(image).channel(channel), read_labels(mask)
    cuts = list(cut_field(pixels[None], labels, SIZE))
    crops = [Crop(str(cut.place.label), cut.top, cut.left, cut.pixels) for cut in cuts]
    shard = image.with_suffix(".arrow")

    def write() -> None:
        write_shard(shard, crops, [channel], SIZE)

    def port() -> list[np.ndarray]:
        return [reference_crop(pixels, labels, cut.place.label, SIZE) for cut in cuts]

    found = {
        "cells": len(cuts),
        "read": seconds(lambda: (read_field(image), read_labels(mask)), repeats),
        "cut": seconds(lambda: list(cut_field(pixels[None], labels, SIZE)), repeats),
        "write": seconds(write, repeats),
        "reference": seconds(port, 1),
    }
    reader = CropShard(shard)
    for row, expected in enumerate(port()):
        np.testing.assert_array_equal(reader.read(row)[0], expected)
    return found


def box_write(path: Path, crops: list[Crop]) -> None:
    """Write the shard of the pipeline."""
    write_shard(path, crops, ["a"], SIZE)


def box_open(path: Path) -> Reader:
    """Open the shard of the pipeline."""
    return CropShard(path).read


def packed_write(path: Path, crops: list[Crop]) -> None:
    """Boxes as in the shard of the pipeline, each compressed by itself."""
    codec = pa.Codec("zstd", 3)
    rows = [
        (crop.top, crop.left, *crop.pixels.shape, codec.compress(crop.pixels, asbytes=True)) for crop in crops
    ]
    columns = [pa.array(list(column)) for column in zip(*rows, strict=True)]
    table = pa.table(columns, names=["top", "left", "channels", "height", "width", "pixels"])
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)


def packed_open(path: Path) -> Reader:
    """Read boxes that are compressed one by one."""
    codec = pa.Codec("zstd", 3)
    batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    places = np.stack([batch.column(number).to_numpy() for number in range(5)], axis=1)
    pixels = batch.column("pixels")

    def read(row: int) -> np.ndarray:
        top, left, *shape = places[row]
        out = np.zeros((shape[0], SIZE, SIZE), np.uint16)
        raw = codec.decompress(pixels[row].as_buffer(), 2 * int(np.prod(shape)))
        out[:, top : top + shape[1], left : left + shape[2]] = np.frombuffer(raw, np.uint16).reshape(shape)
        return out

    return read


def tensor(compression: str | None, batch: int) -> tuple[Callable, Callable]:
    """Arrow IPC, a column of fixed-shape tensors, so many crops per batch."""

    def write(path: Path, crops: list[Crop]) -> None:
        whole = dense(crops)
        kind = pa.fixed_shape_tensor(pa.uint16(), whole.shape[1:])
        options = pa.ipc.IpcWriteOptions(compression=compression)
        schema = pa.schema([("crop", kind)])
        with pa.ipc.new_file(str(path), schema, options=options) as writer:
            for first in range(0, len(whole), batch):
                column = pa.FixedShapeTensorArray.from_numpy_ndarray(whole[first : first + batch])
                writer.write_batch(pa.record_batch([column], schema=schema))

    def open_(path: Path) -> Reader:
        file = pa.ipc.open_file(pa.memory_map(str(path)))
        if compression:  # a batch is unpacked when it is asked for
            return lambda row: file.get_batch(row // batch).column(0).to_numpy_ndarray()[row % batch].copy()
        batches = [
            file.get_batch(number).column(0).to_numpy_ndarray() for number in range(file.num_record_batches)
        ]
        return lambda row: batches[row // batch][row % batch].copy()

    return write, open_


def zarr_write(path: Path, crops: list[Crop]) -> None:
    """Zarr v3, a chunk a crop, one shard, zstd (its default)."""
    whole = dense(crops)
    array = zarr.create_array(
        str(path), shape=whole.shape, dtype=whole.dtype, chunks=(1, *whole.shape[1:]), shards=whole.shape
    )
    array[:] = whole


def zarr_open(path: Path) -> Reader:
    """Open the Zarr array."""
    array = zarr.open_array(str(path), mode="r")
    return lambda row: array[row]


def tiff_write(path: Path, crops: list[Crop]) -> None:
    """A TIFF a crop, as the reference does."""
    path.mkdir()
    for row, image in enumerate(dense(crops)):
        tifffile.imwrite(path / f"{row}.tif", image[0], compression="zlib", photometric="minisblack")


def tiff_open(path: Path) -> Reader:
    """Read a TIFF a crop."""
    return lambda row: tifffile.imread(path / f"{row}.tif")[None]


FORMATS: dict[str, tuple[Callable[[Path, list[Crop]], None], Callable[[Path], Reader]]] = {
    "arrow, boxes (used)": (box_write, box_open),
    "arrow, boxes, zstd each": (packed_write, packed_open),
    "arrow, tensors": tensor(None, 256),
    "arrow, tensors, lz4, 1 a batch": tensor("lz4", 1),
    "arrow, tensors, zstd, 1 a batch": tensor("zstd", 1),
    "arrow, tensors, zstd, 64 a batch": tensor("zstd", 64),
    "zarr v3, sharded, zstd": (zarr_write, zarr_open),
    "a TIFF a crop, zlib": (tiff_write, tiff_open),
}


def dense(crops: list[Crop]) -> np.ndarray:
    """The (N, C, S, S) array of crops."""
    out = np.zeros((len(crops), len(crops[0].pixels), SIZE, SIZE), np.uint16)
    for crop, place in zip(crops, out, strict=True):
        _, height, width = crop.pixels.shape
        place[:, crop.top : crop.top + height, crop.left : crop.left + width] = crop.pixels
    return out


def bytes_of(path: Path) -> int:
    """Bytes of a file, or of all below a folder."""
    return sum(
        each.stat().st_size for each in ([path] if path.is_file() else path.rglob("*")) if each.is_file()
    )


def formats(folder: Path, crops: list[Crop], reads: int, repeats: int) -> dict[str, dict[str, float]]:
    """Size, write, open and random read of every format."""
    expected = dense(crops)
    order = np.random.default_rng(0).integers(0, len(crops), reads).tolist()
    found = {}
    for name, (write, open_) in FORMATS.items():
        path = folder / "shard"

        def again(write: Callable = write, path: Path = path) -> None:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            write(path, crops)

        writing = seconds(again, repeats)
        opening = seconds(lambda open_=open_, path=path: open_(path), repeats)
        read = open_(path)
        reading = seconds(lambda read=read: [read(row) for row in order], repeats)
        assert all(np.array_equal(read(row), expected[row]) for row in range(0, len(crops), 7)), name
        found[name] = {
            "bytes_per_crop": bytes_of(path) / len(crops),
            "written_per_second": len(crops) / writing,
            "open_ms": opening * 1000,
            "read_per_second": reads / reading,
        }
        del read
        again(write=lambda path, crops: None)
    return found


@click.command()
@click.option("--size", default=2000, help="Edge of a field, px.")
@click.option("--cells", default=200, help="Cells per field.")
@click.option("--diameter", default=60.0, help="Mean diameter of a cell, px.")
@click.option("--fields", "count", default=2, help="Fields whose crops are in the shards.")
@click.option("--reads", default=2000, help="Random reads.")
@click.option("--repeats", default=3, help="Runs of which the best counts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def main(size: int, cells: int, diameter: float, count: int, reads: int, repeats: int, as_json: bool) -> None:
    """Print seconds per field of cropping, and what each format costs."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = write_fields(folder, count, size, cells, diameter)
        cost = cropping(*given[0], "Brightfield", repeats)
        crops = []
        for image, mask in given:
            field, labels = read_field(image), read_labels(mask)
            for channel in field.channels:
                for cut in cut_field(field.channel(channel)[None], labels, SIZE):
                    crops.append(Crop(f"{len(crops)}", cut.top, cut.left, cut.pixels))
        table = formats(folder, crops, reads, repeats)
    cost["times_faster"] = cost["reference"] / cost["cut"]
    cost["of_reading_and_writing"] = cost["cut"] / (cost["read"] + cost["write"])
    if as_json:
        click.echo(json.dumps({"size": size, "cropping": cost, "crops": len(crops), "formats": table}))
        return
    click.echo(f"{cost['cells']} cells in a field of {size} px, 1 of {len(CHANNELS)} channels; CPU seconds")
    for part in ("read", "cut", "write", "reference"):
        click.echo(f"{part:<34}{cost[part]:>10.3f}")
    click.echo(f"{'reference / cut':<34}{cost['times_faster']:>10.0f}")
    click.echo(f"{'cut / (read + write)':<34}{cost['of_reading_and_writing']:>10.2f}")
    click.echo(f"\n{len(crops)} crops of {SIZE} px, 1 channel")
    click.echo(f"{'format':<34}{'kB/crop':>10}{'written/s':>11}{'open, ms':>10}{'read/s':>10}")
    for each, row in table.items():
        click.echo(
            f"{each:<34}{row['bytes_per_crop'] / 1000:>10.1f}{row['written_per_second']:>11.0f}"
            f"{row['open_ms']:>10.2f}{row['read_per_second']:>10.0f}"
        )


if __name__ == "__main__":
    main()
