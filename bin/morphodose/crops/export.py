"""Crops as single TIFFs, for programs that want files."""

from __future__ import annotations

from pathlib import Path

import tifffile

from morphodose.crops.shard import CropShard
from morphodose.files import replacing


def export_tiffs(shard: CropShard, folder: str | Path) -> int:
    """Write each crop of a shard as ``{ImageID}_obj{label}.tif`` and return their number.

    The pixels are those of the shard, uint16: (S, S) with one channel, (C, S, S) with several, whose names
    are in the description of the file.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    one = len(shard.channels) == 1
    metadata = {"axes": "YX" if one else "CYX", "channels": list(shard.channels)}
    for row, cell in enumerate(shard.cell_ids):
        pixels = shard.read(row)
        with replacing(folder / f"{cell}.tif") as temporary:
            tifffile.imwrite(
                temporary,
                pixels[0] if one else pixels,
                photometric="minisblack",
                compression="zlib",
                metadata=metadata,
            )
    return len(shard)
