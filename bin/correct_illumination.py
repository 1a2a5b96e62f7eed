#!/usr/bin/env python3
"""Even out the illumination: `estimate` for an acquisition, `apply` to each of its well-timepoints."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import click
import numpy as np
import tifffile

from morphodose.cli import command, id_option, images_option
from morphodose.errors import InputError
from morphodose.files import find_files, replacing
from morphodose.illumination import (
    BRIGHTFIELD_PERCENTILE,
    STAIN_PERCENTILE,
    Blocks,
    blocks_of,
    correct,
    estimate,
)
from morphodose.images import Field, read_field, write_field
from morphodose.keys import field_images
from morphodose.tables import read_table, write_table


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Even out the illumination of the projected images."""


@command
@click.argument("images", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--acquisition", required=True, help="Acquisition id; of all images below the folders given.")
@click.option("--max_images", type=click.IntRange(2), default=100, help="Fields that are looked at.")
@click.option("--min_images", type=click.IntRange(2), default=16, help="With fewer, nothing is corrected.")
@click.option("--margin", type=float, default=0.2, help="Share by which held-out shading must fall.")
@click.option("--dark", type=float, help="Camera offset in counts; else the darkest pixels tell it.")
@click.option("--brightfield_channel", default="", help="Left as it is unless --correct_brightfield.")
@click.option("--correct_brightfield", is_flag=True, help="Correct the brightfield channel, too.")
@click.option("--seed", type=int, default=0, help="Seed of the choice of images.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Output folder.")
def estimate_flat_fields(
    images: tuple[Path, ...],
    acquisition: str,
    max_images: int,
    min_images: int,
    margin: float,
    dark: float | None,
    brightfield_channel: str,
    correct_brightfield: bool,
    seed: int,
    out: Path,
) -> None:
    """Write flatfield_<channel>.tif for each channel, and illumination.parquet with what they achieve.

    IMAGES are OME-TIFFs of projected fields, or folders of them.
    """
    import pandas as pd

    paths = sorted(path for each in images for path in find_files(each, "*.ome.tiff"))
    paths = [path for path in paths if path.name.startswith(f"{acquisition}_Well_")]
    if not paths:
        raise InputError(f"no image of {acquisition} below {', '.join(map(str, images))}")
    chosen = sorted(np.random.default_rng(seed).permutation(len(paths))[:max_images])
    blocks: dict[str, list[Blocks]] = {}
    darkest: dict[str, float] = {}
    shape: tuple[int, int] | None = None
    for position, index in enumerate(chosen, start=1):
        field = read_field(paths[index])
        size = (field.pixels.shape[1], field.pixels.shape[2])
        if shape is not None and size != shape:
            raise InputError(f"{paths[index]}: {size} px, but other images of {acquisition} have {shape}")
        shape = size
        for name in field.channels:
            pixels = field.channel(name)
            percentile = BRIGHTFIELD_PERCENTILE if name == brightfield_channel else STAIN_PERCENTILE
            blocks.setdefault(name, []).append(blocks_of(pixels, percentile))
            low = float(np.percentile(np.asarray(pixels, dtype=np.float32), 0.1))
            darkest[name] = min(low, darkest.get(name, low))
        if position % 20 == 0 or position == len(chosen):
            click.echo(f"{acquisition}: image {position} of {len(chosen)}", file=sys.stderr)
    rows: list[dict[str, object]] = []
    for name, each in blocks.items():
        bright = name == brightfield_channel
        offset = dark if dark is not None else 0.0 if bright else darkest[name]
        flat = estimate(each, offset, seed, min_images, margin)
        if bright and not correct_brightfield:
            flat = dataclasses.replace(flat, applied=False, reason="brightfield is left as it is")
        surface = flat.surface(shape or (0, 0))
        with replacing(out / f"flatfield_{name}.tif") as temporary:
            tifffile.imwrite(temporary, surface, compression="zlib", photometric="minisblack")
        row: dict[str, object] = {
            "Metadata_Acquisition": acquisition,
            "Channel": name,
            "Applied": flat.applied,
            "Reason": flat.reason,
            "ShadingBefore": flat.shading_before,
            "ShadingAfter": flat.shading_after,
            "Dark": flat.dark,
            "Lowest": float(surface.min()),
            "Highest": float(surface.max()),
            "Images": flat.images,
            "ImagesHeldOut": flat.held_out,
        }
        rows.append(row)
        said = "applied" if flat.applied else "left as it is"
        click.echo(f"{acquisition}: {name}: {said}: {flat.reason}", file=sys.stderr)
    write_table(pd.DataFrame(rows), out / "illumination.parquet", {"Dark": "counts"})


@command
@id_option
@images_option
@click.option(
    "--flatfields",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that `estimate` wrote.",
)
@click.option(
    "--out", default=Path(), type=click.Path(file_okay=False, path_type=Path), help="Output folder."
)
def apply_flat_fields(well_timepoint: str, images: Path, flatfields: Path, out: Path) -> None:
    """Write <out>/<id>/<ImageID>.ome.tiff: the same names, channels and depth, with even illumination."""
    table = read_table(flatfields / "illumination.parquet").set_index("Channel")
    used = table[table["Applied"].astype(bool)]
    flats = {name: tifffile.imread(flatfields / f"flatfield_{name}.tif") for name in used.index}
    paths = field_images(images, well_timepoint)
    for position, (image, path) in enumerate(paths.items(), start=1):
        field = read_field(path)
        pixels = np.array(field.pixels)
        for index, name in enumerate(field.channels):
            if name not in table.index:
                raise InputError(f"{path}: channel {name!r} has no flat field in {flatfields}")
            if name in flats:
                if flats[name].shape != pixels[index].shape:
                    raise InputError(
                        f"{path}: {pixels[index].shape} px, but its flat field has {flats[name].shape}"
                    )
                pixels[index] = correct(pixels[index], flats[name], float(used.loc[name, "Dark"]))
        target = out / well_timepoint / f"{image}.ome.tiff"
        write_field(target, Field(pixels, field.channels, field.pixel_size_um, field.projection))
        click.echo(f"{well_timepoint}: field {position} of {len(paths)}", file=sys.stderr)


main.add_command(estimate_flat_fields, "estimate")
main.add_command(apply_flat_fields, "apply")

if __name__ == "__main__":
    main()
