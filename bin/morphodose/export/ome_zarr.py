"""Projected fields and their masks as an OME-Zarr plate (NGFF 0.4), which napari, Fiji and web viewers open.

Source: ngff.openmicroscopy.org/0.4: ``plate``, ``well``, ``multiscales``, ``omero``, ``image-label``. Zarr of
version 2, one file per chunk: more viewers read it than the later versions.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from morphodose.imaging.images import Field, read_field, read_labels
from morphodose.names import PLATE_FORMATS, row_letters, well_position

VERSION = "0.4"
#: Edge of a chunk, and of the image above which a smaller one is added, in pixels.
CHUNK, SMALLEST = 1024, 512

#: Roles → colours, and those of further channels in their order.
COLOURS = {
    "brightfield": "FFFFFF",
    "nuclear": "0000FF",
    "cell": "00FF00",
    "early_death": "FFFF00",
    "late_death": "FF0000",
}
_FURTHER = ("FF00FF", "00FFFF", "FF8000", "8080FF", "FFFFFF")

#: Lowest and highest count that a viewer shows.
Window = tuple[float, float]


@dataclass(frozen=True)
class FieldFiles:
    """The files of one field.

    Attributes
    ----------
    well, field : str, int
        Where it lies: ``A01``, and its number.
    image : Path
        Field of `project_z` or `correct_illumination`.
    masks : dict
        ``cells``, ``nuclei`` → mask of `segment_cells`.
    """

    well: str
    field: int
    image: Path
    masks: Mapping[str, Path]


def write_plate(
    out: Path,
    name: str,
    acquisition: str,
    fields: Sequence[FieldFiles],
    plate_format: int,
    windows: Mapping[str, Window],
    colours: Mapping[str, str],
    progress: Callable[[str], None] = lambda _text: None,
) -> int:
    """Write one acquisition as a plate, whole or not at all; returns its fields.

    Parameters
    ----------
    out : Path
        The folder ``….ome.zarr``; one that is there is replaced.
    name, acquisition : str
        Of the plate, and the acquisition's id.
    fields : sequence of FieldFiles
        Those that could not be read are left out.
    plate_format : int
        Wells of the plate.
    windows : mapping
        Channel → counts between which viewers show it, the same in all fields.
    colours : mapping
        Channel → six hexadecimal digits.
    progress : callable
        Takes a line for each well.
    """
    import zarr

    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        root = zarr.open_group(temporary, mode="w", zarr_format=2)
        written: dict[str, list[int]] = {}
        for one in sorted(fields, key=lambda one: (one.well, one.field)):
            field = read_field(one.image)
            if field.fault:
                progress(f"{one.image}: left out, {field.fault}")
                continue
            if one.well not in written:
                progress(f"{acquisition}: {one.well}")
            numbers = written.setdefault(one.well, [])
            group = root.require_group(f"{_path(one.well)}/{len(numbers)}")
            _write_image(group, field, f"{one.well} field {one.field}", windows, colours)
            _write_masks(group, one.masks, field.pixel_size_um)
            numbers.append(one.field)
        root.attrs.update({"plate": _plate(name, acquisition, written, plate_format)})
        for well, numbers in written.items():
            images: list[Any] = [{"path": str(place), "acquisition": 0} for place in range(len(numbers))]
            # NGFF has no place for the number of a field; ours stands beside it
            root[_path(well)].attrs.update(
                {"well": {"images": images, "version": VERSION}, "morphodose": {"fields": numbers}}
            )
        temporary.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        temporary.rename(out)
    except BaseException:
        # the fault is raised; what cannot be removed would hide it, and keeps a name that nothing reads
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return sum(map(len, written.values()))


def colours_of(channels: Sequence[str], roles: Mapping[str, str]) -> dict[str, str]:
    """Colour of each channel: that of its role, else the next free one."""
    named = {channel: COLOURS[role] for role, channel in roles.items() if role in COLOURS}
    others = [channel for channel in channels if channel not in named]
    return named | {channel: _FURTHER[place % len(_FURTHER)] for place, channel in enumerate(others)}


def _path(well: str) -> str:
    row, column = well_position(well)
    return f"{row_letters(row)}/{column}"


def _plate(
    name: str, acquisition: str, wells: Mapping[str, Sequence[int]], plate_format: int
) -> dict[str, Any]:
    rows, columns = PLATE_FORMATS[plate_format]
    most = max(map(len, wells.values()), default=1)
    return {
        "name": name,
        "version": VERSION,
        "acquisitions": [{"id": 0, "name": acquisition, "maximumfieldcount": most}],
        "field_count": most,
        "rows": [{"name": row_letters(row)} for row in range(1, rows + 1)],
        "columns": [{"name": str(column)} for column in range(1, columns + 1)],
        "wells": [
            {
                "path": _path(well),
                "rowIndex": well_position(well)[0] - 1,
                "columnIndex": well_position(well)[1] - 1,
            }
            for well in sorted(wells)
        ],
    }


def _write_image(
    group: Any, field: Field, name: str, windows: Mapping[str, Window], colours: Mapping[str, str]
) -> None:
    levels = _write_levels(group, field.pixels, smaller_mean)
    group.attrs.update(
        {
            "multiscales": [_multiscales(name, levels, field.pixel_size_um, "mean of 2 x 2")],
            "omero": {
                "version": VERSION,
                "channels": [
                    _channel(channel, field.channel(channel), windows, colours) for channel in field.channels
                ],
            },
        }
    )


def _channel(
    name: str, pixels: npt.NDArray[np.generic], windows: Mapping[str, Window], colours: Mapping[str, str]
) -> dict[str, Any]:
    low, high = windows.get(name) or (float(pixels.min()), float(pixels.max()))
    most = float(np.iinfo(pixels.dtype.name).max) if pixels.dtype.kind in "ui" else float(high)
    return {
        "label": name,
        "color": colours.get(name, "FFFFFF"),
        "active": True,
        "window": {"min": 0.0, "max": most, "start": low, "end": max(high, low + 1)},
    }


def _write_masks(group: Any, masks: Mapping[str, Path], pixel_um: float | None) -> None:
    if not masks:
        return
    labels = group.create_group("labels")
    labels.attrs.update({"labels": sorted(masks)})
    for name, path in sorted(masks.items()):
        one = labels.create_group(name)
        levels = _write_levels(one, read_labels(path)[None].astype(np.uint32), smaller_labels)
        one.attrs.update(
            {
                "multiscales": [_multiscales(name, levels, pixel_um, "every second pixel")],
                "image-label": {"version": VERSION, "source": {"image": "../../"}},
            }
        )


def _write_levels(
    group: Any,
    pixels: npt.NDArray[Any],
    smaller: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
) -> int:
    """Write (C, Y, X) pixels as ``0``, and halves of them until an edge is short; returns the levels."""
    levels = 0
    while True:
        array = group.create_array(
            str(levels),
            shape=pixels.shape,
            chunks=(1, *(min(CHUNK, edge) for edge in pixels.shape[1:])),
            dtype=pixels.dtype,
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )
        array[:] = pixels
        levels += 1
        if max(pixels.shape[1:]) <= SMALLEST:
            return levels
        pixels = smaller(pixels)


def smaller_mean(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Half of (C, Y, X) pixels, by the mean of 2 × 2; a last odd row or column is left out."""
    height, width = (edge // 2 * 2 for edge in pixels.shape[1:])
    blocks = pixels[:, :height, :width].reshape(len(pixels), height // 2, 2, width // 2, 2)
    mean = blocks.mean(axis=(2, 4))
    return (np.rint(mean) if pixels.dtype.kind in "ui" else mean).astype(pixels.dtype)


def smaller_labels(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Half of (1, Y, X) labels, as large as `smaller_mean` gives: the mean of two labels is not a label."""
    height, width = (edge // 2 * 2 for edge in labels.shape[1:])
    return labels[:, :height:2, :width:2]


def _multiscales(name: str, levels: int, pixel_um: float | None, how: str) -> dict[str, Any]:
    unit = {"unit": "micrometer"} if pixel_um else {}
    edge = pixel_um or 1.0
    return {
        "name": name,
        "version": VERSION,
        "type": how,
        "metadata": {"description": f"each size from the one before: {how}"},
        "axes": [
            {"name": "c", "type": "channel"},
            *({"name": axis, "type": "space", **unit} for axis in "yx"),
        ],
        "datasets": [
            {
                "path": str(level),
                "coordinateTransformations": [
                    {"type": "scale", "scale": [1.0, edge * 2**level, edge * 2**level]},
                    # a mean of 2 x 2 lies between the centres of its pixels
                    *(
                        [{"type": "translation", "translation": [0.0, *[edge * (2**level - 1) / 2] * 2]}]
                        if level and how.startswith("mean")
                        else []
                    ),
                ],
            }
            for level in range(levels)
        ],
    }
