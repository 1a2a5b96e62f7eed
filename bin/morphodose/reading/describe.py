"""What each file of a screen holds; only tags and metadata are read."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from morphodose.errors import InputError
from morphodose.reading.contents import Contents, Part, Series, place_of
from morphodose.reading.tiff import describe_companion, describe_stack
from morphodose.reading.tiff_check import COPY, TiffInfo, check_tiffs
from morphodose.reading.vendor import describe_vendor
from morphodose.reading.zarrs import describe_zarr

_VENDORS = (".czi", ".nd2", ".lif")
_COMPANION = ".companion.ome"


def describe(
    paths: Sequence[str], zarrs: Collection[str] = (), by_metadata: Collection[str] = ()
) -> list[Contents]:
    """What each file holds.

    Parameters
    ----------
    paths : sequence of str
        Files, and folders that are an OME-Zarr.
    zarrs : collection of str
        Those of `paths` that are an OME-Zarr.
    by_metadata : collection of str
        Those whose name does not say the well: OME metadata are read, even where they hold one plane.
    """
    others = {path for path in paths if path.lower().endswith((*_VENDORS, _COMPANION)) or path in zarrs}
    tiffs = [path for path in paths if path not in others]
    infos = dict(zip(tiffs, check_tiffs(tiffs), strict=True))
    return [
        _other(path, path in zarrs) if path in others else _tiff(path, infos[path], path in by_metadata)
        for path in paths
    ]


def _tiff(path: str, info: TiffInfo, by_metadata: bool) -> Contents:
    if info.fault:
        return Contents(fault=info.fault, fix=info.fix)
    if info.planes > 1 or info.sizes or (info.ome and by_metadata):
        return describe_stack(path, info)
    place = place_of(page=info.pages[0]) if info.pages != (0,) else ""
    part = Part(0, 0, 0, path, place)
    series = Series(info.width, info.height, info.dtype, (part,), well=info.well or None)
    return Contents((series,), white=info.white)


def _other(path: str, is_zarr: bool) -> Contents:
    if path.lower().endswith(_COMPANION):
        return describe_companion(path)
    try:
        return Contents(describe_zarr(path) if is_zarr else describe_vendor(path))
    except InputError as fault:
        message, _, fix = str(fault).partition(" → ")
        return Contents(fault=message, fix=fix or COPY)
    # the libraries raise many kinds of error on a damaged file; all of them mean this
    except Exception as fault:
        return Contents(fault=f"cannot be read ({type(fault).__name__}: {fault})", fix=COPY)
