"""Shards of single-cell crops: one file per well-timepoint, read at random through a memory map.

A crop is 0 outside the weights of its cell, which is most of it. So an Arrow IPC file (uncompressed, batches
of some hundred rows) holds of each crop only the box that is not 0 by construction, as raw uint16, and
where in the crop it lies. Reading a row copies that box into zeros.

Why this format, by ``benchmarks/crops.py`` (crops of 200 px, cells of 60 px; one run, CPU time, so that the
ratios count):

=================================  =========  ==============  ===========
format                             kB a crop  written a s     read a s
=================================  =========  ==============  ===========
Arrow, boxes: this                      11.9          79,000       19,000
Arrow, boxes, zstd each                  6.0           7,100        7,100
Arrow, tensors, uncompressed            80.0           7,400       14,000
Arrow, tensors, zstd, 1 a batch          6.2           2,400        5,100
Arrow, tensors, zstd, 64 a batch         6.0           6,700          340
Zarr v3, sharded, zstd                   6.0             900          310
a TIFF a crop, zlib                      6.7             600        1,100
=================================  =========  ==============  ===========

Tensors write and read zeros. A compressed batch is unpacked whole for one row. Zarr reads the index of the
shard and the chunk through its asynchronous store for each crop. Compressing each box would halve the files,
but every epoch of every fold would pay for it, and the images they are cut from are larger still.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from morphodose.errors import InputError
from morphodose.files import replacing

#: Name and version of the layout, in the schema's metadata.
LAYOUT = "morphodose crops 1"
#: Rows and pixels after which a batch is written; they bound the memory of the writer.
BATCH_ROWS, BATCH_PIXELS = 256, 2**24

Pixels = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Crop:
    """One crop, as it is stored.

    Attributes
    ----------
    cell_id : str
        ``Metadata_CellID`` of its cell.
    top, left : int
        Where in the crop the box begins, px.
    pixels : (C, h, w) array of uint16
        The box; all else in the crop is 0.
    """

    cell_id: str
    top: int
    left: int
    pixels: Pixels


def write_shard(path: str | Path, crops: Iterable[Crop], channels: Sequence[str], size: int = 200) -> int:
    """Write crops as one shard, whole or not at all, and return their number.

    Parameters
    ----------
    path : path
        The shard, ``<well-timepoint>.arrow``.
    crops : iterable of Crop
        Taken one by one, so that a generator never holds more than a batch; may be empty.
    channels : sequence of str
        Names of the channels, in the order of the first axis of the pixels.
    size : int
        Edge of a crop, px.

    Raises
    ------
    ValueError
        If a crop has other channels, is not uint16, or reaches beyond `size`.
    """
    header = {"layout": LAYOUT, "channels": json.dumps(list(channels)), "size": str(size)}
    schema = pa.schema(
        [("cell_id", pa.string()), ("box", pa.list_(pa.int32(), 4)), ("pixels", pa.list_(pa.uint16()))],
        metadata=header,
    )
    count = 0
    with replacing(path) as temporary, pa.ipc.new_file(str(temporary), schema) as writer:
        for batch in _batches(crops, len(channels), size):
            writer.write_batch(_record_batch(batch, schema))
            count += len(batch)
    return count


def _batches(crops: Iterable[Crop], channels: int, size: int) -> Iterator[list[Crop]]:
    """Checked crops in lists that fit a batch."""
    batch: list[Crop] = []
    held = 0
    for crop in crops:
        shape = crop.pixels.shape
        if crop.pixels.dtype != np.uint16 or len(shape) != 3 or shape[0] != channels:
            raise ValueError(
                f"{crop.cell_id}: a crop is ({channels}, h, w) uint16, got {crop.pixels.dtype} {shape}"
            )
        if min(crop.top, crop.left) < 0 or max(crop.top + shape[1], crop.left + shape[2]) > size:
            raise ValueError(
                f"{crop.cell_id}: a box of {shape[1:]} at ({crop.top}, {crop.left}) is not inside {size} px"
            )
        batch.append(crop)
        held += crop.pixels.size
        if len(batch) >= BATCH_ROWS or held >= BATCH_PIXELS:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _record_batch(crops: list[Crop], schema: pa.Schema) -> pa.RecordBatch:
    """One Arrow record batch of crops."""
    boxes = np.array([(crop.top, crop.left, *crop.pixels.shape[1:]) for crop in crops], dtype=np.int32)
    ends = np.cumsum([0, *(crop.pixels.size for crop in crops)]).astype(np.int32)
    values = np.concatenate([crop.pixels.ravel() for crop in crops])
    columns = [
        pa.array([crop.cell_id for crop in crops], pa.string()),
        pa.FixedSizeListArray.from_arrays(pa.array(boxes.ravel()), 4),
        pa.ListArray.from_arrays(pa.array(ends), pa.array(values)),
    ]
    return pa.record_batch(columns, schema=schema)


@dataclass(frozen=True)
class _Content:
    """What is known of an open shard.

    Attributes
    ----------
    channels, size
        As in `CropShard`.
    starts : list of int
        First row of each batch, and last the number of all.
    names, boxes, offsets, pixels
        Of each batch, views into the mapped file: thousands of shards may be open at once.
    """

    channels: tuple[str, ...]
    size: int
    starts: list[int]
    names: list[pa.Array]
    boxes: list[npt.NDArray[np.int32]]
    offsets: list[npt.NDArray[np.int32]]
    pixels: list[Pixels]


class CropShard:
    """Crops of one well-timepoint, read at random.

    Opening reads the footer and the boxes, not the pixels; reading a row touches its pixels alone. A shard
    can be handed to other processes (only its path travels), which open it at their first read.

    Parameters
    ----------
    path : path
        A file that `write_shard` wrote.

    Raises
    ------
    InputError
        If it is not such a file, or is broken off.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        _ = self._content  # a damaged shard is refused here, not in a loader's worker

    def __getstate__(self) -> dict[str, Path]:
        return {"path": self.path}

    def __len__(self) -> int:
        return self._content.starts[-1]

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in the order of the first axis of a crop."""
        return self._content.channels

    @property
    def size(self) -> int:
        """Edge of a crop, px."""
        return self._content.size

    @cached_property
    def cell_ids(self) -> tuple[str, ...]:
        """``Metadata_CellID`` of each row."""
        return tuple(name for names in self._content.names for name in names.to_pylist())

    def read(self, row: int) -> Pixels:
        """The (C, S, S) uint16 crop of one row."""
        _, _, top, left, pixels = self._find(row)
        _, height, width = pixels.shape
        out = np.zeros((len(self.channels), self.size, self.size), np.uint16)
        out[:, top : top + height, left : left + width] = pixels
        return out

    def read_box(self, row: int) -> Crop:
        """One row as it is stored: its pixels are a read-only view into the file."""
        batch, first, top, left, pixels = self._find(row)
        return Crop(self._content.names[batch][first].as_py(), top, left, pixels)

    def _find(self, row: int) -> tuple[int, int, int, int, Pixels]:
        """Batch of a row, its row in it, and its box: top, left, pixels."""
        content = self._content
        if not 0 <= row < content.starts[-1]:
            raise IndexError(f"{self.path}: row {row} of {len(self)}")
        batch = bisect_right(content.starts, row) - 1
        inside = row - content.starts[batch]
        top, left, height, width = content.boxes[batch][inside].tolist()
        first, end = content.offsets[batch][inside : inside + 2].tolist()
        pixels = content.pixels[batch][first:end].reshape(len(content.channels), height, width)
        return batch, inside, top, left, pixels

    @cached_property
    def _content(self) -> _Content:
        """Map the file and check what does not cost a read of the pixels."""
        try:
            reader = pa.ipc.open_file(pa.memory_map(str(self.path)))
            found = [reader.get_batch(number) for number in range(reader.num_record_batches)]
        except (pa.ArrowInvalid, OSError) as fault:
            raise InputError(f"{self.path}: not a readable shard of crops ({fault})") from fault
        header = {key.decode(): value.decode() for key, value in (reader.schema.metadata or {}).items()}
        if header.get("layout") != LAYOUT:
            raise InputError(
                f"{self.path}: layout {header.get('layout')!r}, not {LAYOUT!r}; cut it again with crop_cells"
            )
        channels, size = tuple(json.loads(header["channels"])), int(header["size"])
        boxes = [batch.column("box").values.to_numpy().reshape(-1, 4) for batch in found]
        offsets = [batch.column("pixels").offsets.to_numpy() for batch in found]
        for box, ends in zip(boxes, offsets, strict=True):
            if (np.diff(ends) != len(channels) * box[:, 2] * box[:, 3]).any():
                raise InputError(f"{self.path}: boxes and pixels do not match; cut it again with crop_cells")
        return _Content(
            channels,
            size,
            [0, *accumulate(batch.num_rows for batch in found)],
            [batch.column("cell_id") for batch in found],
            boxes,
            offsets,
            [batch.column("pixels").values.to_numpy() for batch in found],
        )
