#!/usr/bin/env python3
"""Even out the illumination: `estimate` for an acquisition, `apply` to each of its well-timepoints."""

from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import tifffile

from morphodose.cli import command, images_option, keys_option, out_option
from morphodose.errors import InputError
from morphodose.files import find_files, replacing
from morphodose.imaging.flatfield_files import check_names, given_file, read_dark_image, read_flat_field
from morphodose.imaging.illumination import (
    BRIGHTFIELD_PERCENTILE,
    STAIN_PERCENTILE,
    Blocks,
    FlatField,
    blocks_of,
    correct,
    estimate,
    shading,
)
from morphodose.imaging.images import Field, read_field, write_field
from morphodose.imaging.schemas import ILLUMINATION
from morphodose.keys import field_images, read_keys
from morphodose.options.flags import takes
from morphodose.steps import apply_illumination, estimate_illumination
from morphodose.tables import read_table, write_as

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Even out the illumination of the projected images."""


@command
@click.argument("images", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--acquisition", required=True, help="Acquisition id; of all images below the folders given.")
@click.option("--max_images", type=click.IntRange(2), default=100, help="Number of fields to look at.")
@click.option(
    "--min_images",
    type=click.IntRange(2),
    default=16,
    help="Number of fields below which nothing is corrected.",
)
@click.option("--margin", type=float, default=0.2, help="Share by which held-out shading must fall.")
@click.option(
    "--dark", type=float, help="Camera offset in counts. If not given: taken from the darkest pixels."
)
@takes(estimate_illumination.STEP.options)
@click.option("--correct_brightfield", is_flag=True, help="Correct the brightfield channel, too.")
@click.option(
    "--flat_fields",
    type=FOLDER,
    help="Folder with <channel>.tif or <acquisition>_<channel>.tif: used for these channels as they are.",
)
@click.option("--dark_images", type=FOLDER, help="Folder with images without light, named in the same way.")
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
    flat_fields: Path | None,
    dark_images: Path | None,
    illumination: str,
    seed: int,
    out: Path,
) -> None:
    """Write flatfield_<channel>.tif for each channel, and illumination.parquet with what they achieve.

    A dark image that was given is written again as dark_<channel>.tif.

    IMAGES are OME-TIFFs of projected fields, or folders of them.
    """
    paths = sorted(path for each in images for path in find_files(each, "*.ome.tiff"))
    paths = [path for path in paths if path.name.startswith(f"{acquisition}_Well_")]
    if not paths:
        raise InputError(f"no image of {acquisition} below {', '.join(map(str, images))}")
    chosen = sorted(np.random.default_rng(seed).permutation(len(paths))[:max_images])
    blocks: dict[str, list[Blocks]] = {}
    darkest: dict[str, float] = {}
    middle: dict[str, list[float]] = {}
    shape: tuple[int, int] | None = None
    for position, index in enumerate(chosen, start=1):
        field = read_field(paths[index])
        if field.fault:
            continue  # zeros in the place of a field that could not be read
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
            middle.setdefault(name, []).append(float(np.median(pixels)))
        if position % 20 == 0 or position == len(chosen):
            click.echo(f"{acquisition}: image {position} of {len(chosen)}", file=sys.stderr)
    rows: list[dict[str, object]] = []
    size = shape or (0, 0)
    for option, folder in (("--flat_fields", flat_fields), ("--dark_images", dark_images)):
        if folder is not None:
            check_names(folder, option, list(blocks))
    for name, each in blocks.items():
        bright = name == brightfield_channel
        offset = dark if dark is not None else 0.0 if bright else darkest[name]
        dark_file = given_file(dark_images, acquisition, name)
        dark_image = read_dark_image(dark_file, size, float(np.median(middle[name]))) if dark_file else None
        if dark_image is not None:
            offset = float(dark_image.mean())
            with replacing(out / f"dark_{name}.tif") as temporary:
                tifffile.imwrite(temporary, dark_image, compression="zlib", photometric="minisblack")
        given = given_file(flat_fields, acquisition, name)
        if given is not None:
            surface = read_flat_field(given, size, dark_image)
            flat = brought(each, offset, surface, given.name)
        elif illumination == "given":
            surface = np.ones(size, dtype=np.float32)
            why = "no flat field was given for this channel"
            flat = FlatField(np.zeros(1), offset, False, why, math.nan, math.nan, len(each), 0)
        else:
            flat = estimate(each, offset, seed, min_images, margin)
            if bright and not correct_brightfield:
                flat = dataclasses.replace(flat, applied=False, reason="brightfield is left as it is")
            surface = flat.surface(size)
        with replacing(out / f"flatfield_{name}.tif") as temporary:
            tifffile.imwrite(temporary, surface, compression="zlib", photometric="minisblack")
        row: dict[str, object] = {
            "Metadata_Acquisition": acquisition,
            "Channel": name,
            "Applied": flat.applied,
            "Reason": flat.reason,
            "ShadingBefore": flat.shading_before,
            "ShadingAfter": flat.shading_after,
            "Degree": flat.degree,
            "Dark": flat.dark,
            "Lowest": float(surface.min()),
            "Highest": float(surface.max()),
            "Images": flat.images,
            "ImagesHeldOut": flat.held_out,
        }
        rows.append(row)
        said = "applied" if flat.applied else "left as it is"
        click.echo(f"{acquisition}: {name}: {said}: {flat.reason}", file=sys.stderr)
    write_as(ILLUMINATION, rows, out / "illumination.parquet")


def brought(images: list[Blocks], dark: float, surface: npt.NDArray[np.float32], name: str) -> FlatField:
    """A flat field that the user brings: applied as it is, and judged on all images."""
    flat = blocks_of(surface, 50)
    before = shading(images, dark)
    after = shading([dark + (image - dark) / flat for image in images], dark)
    said = f"given in {name}: shading {100 * before:.1f} % before, {100 * after:.1f} % after"
    if after > before:
        said += "; it makes these images less even: is it that of this channel?"
    return FlatField(np.zeros(1), dark, True, said, before, after, len(images), len(images))


@command
@takes(apply_illumination.STEP.options)
@images_option
@keys_option
@click.option(
    "--flatfields",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that `estimate` wrote.",
)
@out_option
def apply_flat_fields(images: Path, keys: str, flatfields: Path, out: Path) -> None:
    """Write <out>/<id>/<ImageID>.ome.tiff of each well-timepoint: with even illumination, else the same."""
    table = read_table(flatfields / "illumination.parquet").set_index("Channel")
    used = table[table["Applied"].astype(bool)]
    flats = {name: tifffile.imread(flatfields / f"flatfield_{name}.tif") for name in used.index}
    dark_files = {name: flatfields / f"dark_{name}.tif" for name in used.index}
    darks = {name: tifffile.imread(path) for name, path in dark_files.items() if path.exists()}
    for well in read_keys(keys):
        paths = field_images(images / well.id, well.id)
        for position, path in enumerate(paths.values(), start=1):
            field = read_field(path)
            if not field.fault:
                pixels = np.array(field.pixels)
                for index, name in enumerate(field.channels):
                    if name not in table.index:
                        raise InputError(f"{path}: channel {name!r} has no flat field in {flatfields}")
                    if name not in flats:
                        continue
                    size, of_flat = pixels[index].shape, flats[name].shape
                    if of_flat != size:
                        raise InputError(f"{path}: {size} px, but its flat field has {of_flat}")
                    dark = float(used.loc[name, "Dark"])
                    pixels[index] = correct(pixels[index], flats[name], dark, darks.get(name))
                field = Field(pixels, field.channels, field.pixel_size_um, field.projection)
            write_field(out / well.id / path.name, field)
            click.echo(f"{well.id}: field {position} of {len(paths)}", file=sys.stderr)


main.add_command(estimate_flat_fields, "estimate")
main.add_command(apply_flat_fields, "apply")

if __name__ == "__main__":
    main()
