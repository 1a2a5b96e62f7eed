#!/usr/bin/env python3
"""Cut every cell of some well-timepoints out of their fields: for each, a shard of crops and its index."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from morphodose.cli import command, images_option, keys_option, masks_option, out_option
from morphodose.crops.cut import Cut, Place, cut_field
from morphodose.crops.export import export_tiffs
from morphodose.crops.schemas import CROPS
from morphodose.crops.shard import Crop, CropShard, write_shard
from morphodose.errors import InputError
from morphodose.imaging.images import read_field, read_labels
from morphodose.keys import WellKeys, field_images, read_keys
from morphodose.names import cell_id
from morphodose.options.flags import takes
from morphodose.steps.crop_cells import STEP
from morphodose.tables import write_as

if TYPE_CHECKING:
    import pandas as pd

SIDES = ("Top", "Bottom", "Left", "Right")


@command
@images_option
@masks_option
@keys_option
@takes(STEP.options)
@out_option
def main(
    images: Path,
    masks: Path,
    keys: str,
    crop_channels: str,
    brightfield_channel: str,
    crop_size: int,
    export_crops: bool,
    out: Path,
) -> None:
    """Cut the cells of each well-timepoint into <out>/<id>.arrow, with the index <out>/<id>_crops.parquet.

    With --export_crops each crop is also <out>/tiff/<id>/{ImageID}_obj{label}.tif.
    """
    wanted = parse_channels(crop_channels or brightfield_channel)
    for well in read_keys(keys):
        crop_well(well, images / well.id, masks / well.id, wanted, crop_size, out)
        if export_crops:
            export_tiffs(CropShard(out / f"{well.id}.arrow"), out / "tiff" / well.id)


def crop_well(
    well: WellKeys, images: Path, masks: Path, wanted: tuple[str, ...], size: int, out: Path
) -> None:
    """Cut the cells of all fields of one well-timepoint into one shard, and write its index."""
    paths = field_images(images, well.id)
    places: list[tuple[str, Place]] = []

    def crops() -> Iterator[Crop]:
        for position, (image, path) in enumerate(paths.items(), start=1):
            before = len(places)
            for cut in cuts(image, path, masks / f"{image}_cells.tif", wanted, size):
                places.append((image, cut.place))
                yield Crop(cell_id(image, cut.place.label), cut.top, cut.left, cut.pixels)
            count = len(places) - before
            click.echo(f"{well.id}: field {position} of {len(paths)}: {count} crops", file=sys.stderr)

    shard = out / f"{well.id}.arrow"
    write_shard(shard, crops(), wanted, size)
    write_as(CROPS, index_table(well, places, shard.name), out / f"{well.id}_crops.parquet")


def parse_channels(text: str) -> tuple[str, ...]:
    """Names of channels from a comma-separated list."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise InputError("--crop_channels is empty; name the channels of a crop, e.g. Brightfield")
    if len(set(names)) < len(names):
        raise InputError(f"--crop_channels names a channel twice: {text!r}")
    return names


def cuts(image: str, path: Path, mask: Path, channels: tuple[str, ...], size: int) -> Iterator[Cut]:
    """Crops of one field, from its files."""
    if not mask.exists():
        raise InputError(f"{mask}: the mask of the cells of {path.name} is missing")
    try:
        field = read_field(path)
        pixels = np.stack([field.channel(name) for name in channels])
        yield from cut_field(pixels, read_labels(mask), size)
    except InputError as fault:
        raise InputError(f"{image}: {fault}") from fault


def index_table(well: WellKeys, places: list[tuple[str, Place]], shard: str) -> pd.DataFrame:
    """Index of a shard: keys, then where each crop is and how it lies; rows as in the shard."""
    import pandas as pd

    keys = {image: well.columns(image) for image in [well.image(1), *(image for image, _ in places)]}
    columns: dict[str, object] = {
        name: [keys[image][name] for image, _ in places] for name in keys[well.image(1)]
    }
    columns |= {
        "Metadata_ObjectLabel": [place.label for _, place in places],
        "Metadata_CellID": [cell_id(image, place.label) for image, place in places],
        "Crop_Shard": [shard] * len(places),
        "Crop_Row": range(len(places)),
        "Crop_Center_Y": [place.center[0] for _, place in places],
        "Crop_Center_X": [place.center[1] for _, place in places],
        "Crop_Padded": [any(place.padding) for _, place in places],
        **{f"Crop_Pad{side}": [place.padding[i] for _, place in places] for i, side in enumerate(SIDES)},
        "Crop_Truncated": [place.truncated for _, place in places],
    }
    return pd.DataFrame(columns)


if __name__ == "__main__":
    main()
