"""CZI, ND2 and LIF by their own libraries, imported only where such a file is there."""

from __future__ import annotations

import atexit
import functools
import re
import weakref
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError
from morphodose.reading.contents import Part, Series, place_of

#: A well as microscopes name a position: ``A1``, ``Well A01``, ``A01_0003``, ``A/1``, ``P2-B03``.
_WELL = re.compile(
    r"(?:^|(?<=[^A-Za-z0-9]))(?P<called>well[ _-]?)?(?P<row>[A-P])[ _/-]?(?P<col>0?[1-9]|[1-4]\d)"
    r"(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_TILE_ROW = re.compile(r"(?:^|[^A-Za-z0-9])r\d+[ _/-]?$", re.IGNORECASE)
_OPEN = 4  # files kept open
#: Bytes of frames that an open ND2 keeps: a frame holds all channels, and is decoded once for them.
_KEPT_BYTES = 256 * 2**20


class NoReader(InputError):
    """The library that reads a file is not installed."""


def library(name: str, what: str) -> ModuleType:
    """Import a reader's library, or say what is missing.

    Raises
    ------
    NoReader
        If the library is not installed.
    """
    try:
        return __import__(name)
    except ImportError as fault:
        raise NoReader(
            f"is a {what} file, and the Python package {name} that reads it is not installed → run with "
            f"-profile apptainer or singularity, whose image has it, or install it: pip install {name}"
        ) from fault


def well_in(text: str) -> str | None:
    """The well that the name of a position says (``A01``), or None.

    What is called a well comes first. P1 beside another well is a plate or position, and C3 behind R2 the
    column of a tile.
    """
    found = [
        one
        for one in _WELL.finditer(text)
        if not (one["row"] in "Cc" and _TILE_ROW.search(text, 0, one.start("row")))
    ]
    called = [one for one in found if one["called"]]
    others = [one for one in found if one["row"] not in "Pp"]
    match = next(iter(called or others or found), None)
    return f"{match['row'].upper()}{int(match['col']):02d}" if match else None


def describe_vendor(path: str) -> tuple[Series, ...]:
    """Images of a CZI, ND2 or LIF file."""
    return _reader(path).series()


def read_vendor(path: str, place: dict[str, str]) -> npt.NDArray[np.generic]:
    """One plane of a CZI, ND2 or LIF file; the file stays open for the next one."""
    at = {key: int(value) for key, value in place.items()}
    return _reader(path).read(**at)


@functools.lru_cache(maxsize=_OPEN)
def _reader(path: str) -> Any:
    """The reader of a file, by the bytes it starts with: a task may have staged it under another name."""
    with open(path, "rb") as handle:
        start = handle.read(16)
    reader = next((reader for mark, reader in READERS if start.startswith(mark)), None)
    if reader is None:
        raise InputError("is not a CZI, ND2 or LIF file, though its name says so")
    return reader(path)


@atexit.register
def _close() -> None:
    """Files are closed while their libraries can still do so."""
    _reader.cache_clear()


class Czi:
    """Zeiss CZI: scenes, and the tiles of a mosaic as fields of their own."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.file = library("czifile", "CZI").CziFile(path)
        self.entries: dict[tuple[int, int, int, int, int], Any] = {}
        for entry in self.file.subblock_directory:
            if entry.shape != entry.stored_shape:
                continue  # reduced levels of a pyramid
            at: dict[str, int] = defaultdict(int)
            at |= {dim.dimension: dim.start for dim in entry.dimension_entries}
            if any(dim.size > 1 for dim in entry.dimension_entries if dim.dimension not in "XY"):
                raise InputError("holds several planes in one block → export it as OME-TIFF")
            self.entries[at["S"], at["M"], at["C"], at["Z"], at["T"]] = entry

    def series(self) -> tuple[Series, ...]:
        """One image for a scene, or for each tile of it.

        Raises
        ------
        InputError
            If the file holds no image that can be read, or images in colour.
        """
        root = ElementTree.fromstring(self.file.metadata())
        size = root.findtext(".//Scaling/Items/Distance[@Id='X']/Value")
        channels = tuple(
            channel.get("Name", "") for channel in root.iterfind(".//Dimensions/Channels/Channel")
        )
        scenes = {
            int(scene.get("Index", 0)): scene for scene in root.iterfind(".//Dimensions/S/Scenes/Scene")
        }
        images: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
        for scene, tile, *rest in self.entries:
            images[scene, tile].append((rest[0], rest[1], rest[2]))
        found = []
        for (scene, tile), planes in sorted(images.items()):
            entry = self.entries[(scene, tile, *planes[0])]
            sizes = {dim.dimension: dim.size for dim in entry.dimension_entries}
            if len(entry.dtype if isinstance(entry.dtype, tuple) else ()) or np.dtype(entry.dtype).shape:
                raise InputError("holds colour images → export each channel as grey of 8 or 16 bits")
            names = [
                text
                for element in ([scenes[scene]] if scene in scenes else [])
                for text in (
                    element.findtext("ArrayName"),
                    *(shape.get("Name") for shape in element.iterfind("Shape")),
                    element.get("Name"),
                )
                if text
            ]
            parts = tuple(
                Part(c, z, t, self.path, place_of(series=scene, tile=tile, c=c, z=z, t=t))
                for c, z, t in sorted(planes)
            )
            found.append(
                Series(
                    sizes["X"],
                    sizes["Y"],
                    str(np.dtype(entry.dtype)),
                    parts,
                    names[-1] if names else f"scene {scene}",
                    next((well for name in names if (well := well_in(name))), None),
                    channels=channels if all(channels) else (),
                    pixel_um=float(size) * 1e6 if size else None,
                )
            )
        return tuple(found)

    def read(self, series: int, tile: int, c: int, z: int, t: int) -> npt.NDArray[np.generic]:
        """Pixels of one plane."""
        data = self.entries[series, tile, c, z, t].data_segment().data()
        return np.asarray(np.squeeze(data))


class Nd2:
    """Nikon ND2: positions are fields; their names may say the well."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.file = library("nd2", "ND2").ND2File(path)
        weakref.finalize(self, self.file.close)  # else the library warns when the cache drops the file
        if self.file.is_rgb:
            raise InputError("holds colour images → export each channel as grey of 8 or 16 bits")
        loops: tuple[dict[str, int], ...] = self.file.loop_indices or ({},)
        self.frames = {
            (at.get("P", 0), at.get("Z", 0), at.get("T", 0)): number for number, at in enumerate(loops)
        }
        sizes = self.file.sizes
        frame_bytes = sizes["X"] * sizes["Y"] * sizes.get("C", 1) * self.file.dtype.itemsize
        self.frame = functools.lru_cache(maxsize=max(1, _KEPT_BYTES // frame_bytes))(self.file.read_frame)

    def series(self) -> tuple[Series, ...]:
        """One image for a position."""
        sizes = self.file.sizes
        count = sizes.get("C", 1)
        points: list[str] = []
        hours: tuple[float, ...] = ()
        for loop in self.file.experiment or []:
            if loop.type == "XYPosLoop":
                points = [str(point.name or "") for point in loop.parameters.points]
            elif loop.type == "TimeLoop" and loop.parameters.periodMs:
                hours = tuple(
                    number * loop.parameters.periodMs / 3.6e6 for number in range(sizes.get("T", 1))
                )
        names = tuple(entry.channel.name for entry in (self.file.metadata.channels or []))
        size = self.file.voxel_size().x
        known = len(names) == count and all(names)
        return tuple(
            Series(
                sizes["X"],
                sizes["Y"],
                str(self.file.dtype),
                tuple(
                    Part(c, z, t, self.path, place_of(series=position, c=c, z=z, t=t))
                    for at, z, t in sorted(self.frames)
                    if at == position
                    for c in range(count)
                ),
                points[position] if position < len(points) else "",
                well_in(points[position]) if position < len(points) else None,
                channels=names if known else (),
                pixel_um=float(size) if size and size != 1 else None,
                hours=hours,
            )
            for position in sorted({at for at, _, _ in self.frames})
        )

    def read(self, series: int, c: int, z: int, t: int) -> npt.NDArray[np.generic]:
        """Pixels of one plane; a frame holds all channels and is kept for the next one."""
        frame = self.frame(self.frames[series, z, t])
        return np.asarray(frame if frame.ndim == 2 else frame[c])


class Lif:
    """Leica LIF: images are fields; their path may say the well."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.file = library("liffile", "LIF").LifFile(path)
        self.images = list(self.file.images)

    def series(self) -> tuple[Series, ...]:
        """One image for an image, or for each tile of it.

        Raises
        ------
        InputError
            If the file holds no image that can be read, or images in colour.
        """
        found = []
        for number, image in enumerate(self.images):
            sizes = dict(image.sizes)
            # colour overviews, spectra, line scans, and scans in x and z: no field seen from above
            if "S" in sizes or set(sizes) - set("XYCZTM") or tuple(image.frames.frame_dims) != ("Y", "X"):
                continue
            coords = image.coords
            step, times = coords.get("X"), coords.get("T")
            names = tuple(channel.lut_name for channel in image._channels)
            for tile in range(sizes.get("M", 1)):
                parts = tuple(
                    Part(c, z, t, self.path, place_of(series=number, tile=tile, c=c, z=z, t=t))
                    for t in range(sizes.get("T", 1))
                    for z in range(sizes.get("Z", 1))
                    for c in range(sizes.get("C", 1))
                )
                found.append(
                    Series(
                        sizes["X"],
                        sizes["Y"],
                        str(image.dtype),
                        parts,
                        image.path,
                        well_in(image.path),
                        channels=names if all(names) and len(set(names)) == sizes.get("C", 1) else (),
                        pixel_um=abs(float(step[1] - step[0])) * 1e6
                        if step is not None and len(step) > 1
                        else None,
                        hours=tuple(float(time - times[0]) / 3600 for time in times)
                        if times is not None and len(times) > 1
                        else (),
                    )
                )
        if not found:
            raise InputError(
                "holds no image of X and Y with one value per pixel (spectra and scans in z are not read) "
                "→ export it as OME-TIFF"
            )
        return tuple(found)

    def read(self, series: int, tile: int, c: int, z: int, t: int) -> npt.NDArray[np.generic]:
        """Pixels of one plane."""
        image = self.images[series]
        at = {key: value for key, value in zip("MCZT", (tile, c, z, t), strict=True) if key in image.sizes}
        return np.asarray(image.frame(**at))


#: First bytes → reader.
READERS: tuple[tuple[bytes, Any], ...] = (
    (b"ZISRAWFILE", Czi),
    (b"\xda\xce\xbe\x0a", Nd2),
    (b"\x00\x00\x00\x0c\x6a\x50\x20\x20", Nd2),
    (b"\x70\x00\x00\x00", Lif),
)
