"""OME-Zarr (NGFF 0.4 and 0.5): plates, and single images.

Source: ngff.openmicroscopy.org, specifications 0.4 (Zarr 2, ``.zattrs``) and 0.5 (Zarr 3,
``attributes.ome``).
"""

from __future__ import annotations

import functools
import itertools
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError
from morphodose.reading.contents import KEPT_OPEN, Part, Series, place_of
from morphodose.reading.vendor import library

_MICRONS = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3}
_HOURS = {"second": 1 / 3600, "millisecond": 1 / 3.6e6, "minute": 1 / 60, "hour": 1.0}


def describe_zarr(path: str) -> tuple[Series, ...]:
    """Images of an OME-Zarr: those of each well of a plate, or the one there is.

    Raises
    ------
    InputError
        If it is a plate without an image.
    """
    plate = _attributes(path, "").get("plate")
    if plate is None:
        return (_image(path, "", None, None),)
    found = []
    for entry in plate["wells"]:
        row, _, column = entry["path"].strip("/").partition("/")
        well = f"{row}{int(column):02d}" if column.isdecimal() else f"{row}{column}"
        images = _attributes(path, entry["path"]).get("well", {}).get("images", [])
        for number, image in enumerate(images, 1):
            found.append(_image(path, f"{entry['path'].strip('/')}/{image['path']}", well, number))
    if not found:
        raise InputError("is a plate without an image")
    return tuple(found)


def read_zarr(path: str, place: dict[str, str]) -> npt.NDArray[np.generic]:
    """One plane of an OME-Zarr; only its chunks are read."""
    array = _array(path, place["image"])
    axes = [axis for axis in place["axes"] if axis not in "yx"]
    return np.asarray(array[tuple(int(place[axis]) for axis in axes)])


def _image(path: str, image: str, well: str | None, number: int | None) -> Series:
    attributes = _attributes(path, image)
    scales = attributes.get("multiscales")
    if not scales:
        raise InputError(f"is not an OME-Zarr image ({image or 'no multiscales in its metadata'})")
    first = scales[0]
    level = first["datasets"][0]
    array = _array(path, f"{image}/{level['path']}".strip("/"))
    given = first.get("axes") or [{"name": name} for name in "tczyx"[-array.ndim :]]
    axes = "".join(axis["name"] if isinstance(axis, dict) else axis for axis in given)
    if not axes.endswith("yx") or set(axes) - set("tczyx") or len(axes) != array.ndim:
        raise InputError(f"has axes {axes}; y and x last, and t, c, z before them are read")
    lengths = dict(zip(axes, array.shape, strict=True))
    order = axes[:-2]
    parts = []
    for index in itertools.product(*(range(lengths[axis]) for axis in order)):
        at = dict(zip(order, index, strict=True))
        place = place_of(image=f"{image}/{level['path']}".strip("/"), axes=axes, **at)
        parts.append(Part(at.get("c", 0), at.get("z", 0), at.get("t", 0), path, place))
    scale = next(
        (one["scale"] for one in level.get("coordinateTransformations", []) if one.get("type") == "scale"),
        None,
    )
    unit = {axis["name"]: axis.get("unit") for axis in given if isinstance(axis, dict)}
    steps = dict(zip(axes, scale, strict=True)) if scale else {}
    labels = [str(one.get("label", "")) for one in attributes.get("omero", {}).get("channels", [])]
    known = len(labels) == lengths.get("c", 1) and all(labels)
    micron, hour = _MICRONS.get(unit.get("x") or ""), _HOURS.get(unit.get("t") or "")
    return Series(
        int(lengths["x"]),
        int(lengths["y"]),
        str(array.dtype),
        tuple(parts),
        image or os.path.basename(path),
        well,
        number,
        tuple(labels) if known else (),
        pixel_um=float(steps["x"]) * micron if steps and micron else None,
        hours=tuple(n * float(steps["t"]) * hour for n in range(lengths["t"]))
        if "t" in steps and hour
        else (),
    )


@functools.lru_cache(maxsize=KEPT_OPEN)
def _root(path: str) -> Any:
    return library("zarr", "OME-Zarr").open_group(path, mode="r")


@functools.lru_cache(maxsize=256)
def _array(path: str, name: str) -> Any:
    return _root(path)[name]


def _attributes(path: str, name: str) -> dict[str, Any]:
    """Metadata of a group: those of version 0.5 stand under ``ome``."""
    root = _root(path)
    found = dict((root[name.strip("/")] if name.strip("/") else root).attrs)
    inner = found.get("ome")
    return dict(inner) if isinstance(inner, dict) else found
