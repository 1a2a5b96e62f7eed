"""Size, depth and completeness of a TIFF from its tags alone; no pixel is read.

A light reader of TIFF 6.0 and BigTIFF headers: it opens a file, reads the tags of its first image, and
compares the places of strips or tiles with the length of the file. A screen of 40,000 planes takes seconds.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple


class TiffInfo(NamedTuple):
    """What the tags of a plane say; `fault` is empty when the file is whole and readable."""

    width: int = 0
    height: int = 0
    dtype: str = ""
    fault: str = ""


class _Fault(Exception):
    """Why a file cannot be used."""


# TIFF 6.0 field types (and those of BigTIFF): number → struct letter
_TYPES = {
    1: "B",
    2: "B",
    3: "H",
    4: "I",
    6: "b",
    7: "B",
    8: "h",
    9: "i",
    11: "f",
    12: "d",
    13: "I",
    16: "Q",
    18: "Q",
}
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES = 254, 256, 257, 258, 259, 277
_ROWS, _TILE_WIDTH, _TILE_HEIGHT, _FORMAT = 278, 322, 323, 339
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 273, 279, 324, 325
_WANTED = frozenset(
    {_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _ROWS, _TILE_WIDTH, _TILE_HEIGHT, _FORMAT}
    | {_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES}
)
_KINDS = {1: "uint", 2: "int", 3: "float"}
_READABLE = {8: "ui", 16: "uif", 32: "uif", 64: "f"}
_HEAD = 4096  # most writers put header and tags of a plane into it

_Tags = dict[int, tuple[int, ...]]


def check_tiff(path: str) -> TiffInfo:
    """Read the tags of one single-plane grey TIFF and judge whether it is whole.

    Returns
    -------
    TiffInfo
        Width and height in pixels and the NumPy name of the data type; `fault` says what is wrong: no such
        file, empty, no TIFF, truncated, several planes, colour, or bits that are not whole bytes.
    """
    try:
        # non-blocking, so that a pipe with a TIFF's name cannot hang the check
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return TiffInfo(
            fault="is a link to a file that does not exist" if os.path.islink(path) else "does not exist"
        )
    except OSError as fault:
        return TiffInfo(fault=f"cannot be opened ({fault.strerror})")
    try:
        return _Reader(handle).info()
    except _Fault as fault:
        return TiffInfo(fault=str(fault))
    except OSError as fault:
        return TiffInfo(fault=f"cannot be read ({fault.strerror})")
    finally:
        os.close(handle)


def check_tiffs(paths: Sequence[str], threads: int = 8) -> list[TiffInfo]:
    """`check_tiff` of many files in their order; threads hide the latency of network disks."""
    if len(paths) < 64:
        return [check_tiff(path) for path in paths]
    size = 256
    chunks = [paths[start : start + size] for start in range(0, len(paths), size)]
    with ThreadPoolExecutor(threads) as pool:
        parts = pool.map(lambda chunk: [check_tiff(path) for path in chunk], chunks)
        return [info for part in parts for info in part]


class _Reader:
    """Reads tags through an open file descriptor."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise _Fault("is no regular file")
        self.size = status.st_size
        self.head = os.pread(handle, _HEAD, 0)
        self.order = "<"
        self.big = False

    def info(self) -> TiffInfo:
        if self.size == 0:
            raise _Fault("is empty (0 bytes)")
        start = self._header()
        tags, following = self._directory(start)
        info = self._plane(tags)
        if following:
            self._extra_planes(following, info, start)
        return info

    def _header(self) -> int:
        """Place of the first directory."""
        mark = self.head[:2]
        if mark not in (b"II", b"MM"):
            raise _Fault("is not a TIFF")
        self.order = "<" if mark == b"II" else ">"
        if len(self.head) < 8:
            raise _Fault(f"is truncated: {self.size} bytes are no TIFF header")
        version = struct.unpack(self.order + "H", self.head[2:4])[0]
        self.big = version == 43
        if version not in (42, 43):
            raise _Fault("is not a TIFF")
        if self.big and len(self.head) < 16:
            raise _Fault(f"is truncated: {self.size} bytes are no BigTIFF header")
        code, place = ("Q", 8) if self.big else ("I", 4)
        start: int = struct.unpack_from(self.order + code, self.head, place)[0]
        if start == 0:
            raise _Fault("is truncated: it was never finished (no image directory)")
        return start

    def _bytes(self, offset: int, count: int) -> bytes:
        """`count` bytes from `offset`; a fault where the file has fewer."""
        if offset + count > self.size:
            raise _Fault(f"is truncated: its tags point to byte {offset + count}, it has {self.size}")
        if offset + count <= len(self.head):
            return self.head[offset : offset + count]
        data = os.pread(self.handle, count, offset)
        if len(data) < count:
            raise _Fault(f"is truncated: byte {offset + count} cannot be read")
        return data

    def _directory(self, start: int) -> tuple[_Tags, int]:
        """Tags that matter of the directory at `start`, and the place of the next one (0: none)."""
        # counts, entries and value slots are 2, 12, 4 bytes in TIFF and 8, 20, 8 in BigTIFF
        head, width, slot = (8, 20, 8) if self.big else (2, 12, 4)
        letter = "Q" if self.big else "I"
        count = struct.unpack(self.order + ("Q" if self.big else "H"), self._bytes(start, head))[0]
        if not 0 < count < 4096:
            raise _Fault(f"is damaged: {count} tags in its directory")
        block = self._bytes(start + head, count * width + slot)
        tags: _Tags = {}
        for entry in range(0, count * width, width):
            tag, kind = struct.unpack_from(self.order + "HH", block, entry)
            if tag not in _WANTED:
                continue
            number = struct.unpack_from(self.order + letter, block, entry + 4)[0]
            code = _TYPES.get(kind)
            if code is None or not 0 < number <= 10_000_000:
                raise _Fault(f"is damaged: tag {tag} has type {kind} and {number} values")
            length = number * struct.calcsize(code)
            at = entry + width - slot
            if length <= slot:
                data = block[at : at + length]
            else:
                data = self._bytes(struct.unpack_from(self.order + letter, block, at)[0], length)
            tags[tag] = struct.unpack(f"{self.order}{number}{code}", data)
        following: int = struct.unpack_from(self.order + letter, block, count * width)[0]
        return tags, following

    def _plane(self, tags: _Tags) -> TiffInfo:
        """Size and type of an image; faults where it is not a whole grey plane."""
        if _WIDTH not in tags or _HEIGHT not in tags:
            raise _Fault("is damaged: its tags give no size")
        width, height = int(tags[_WIDTH][0]), int(tags[_HEIGHT][0])
        if width < 1 or height < 1:
            raise _Fault(f"is damaged: its size is {width} x {height}")
        if (samples := tags.get(_SAMPLES, (1,))[0]) != 1:
            raise _Fault(f"is a colour image ({samples} samples a pixel); a grey one is expected")
        bits, kind = int(tags.get(_BITS, (1,))[0]), _KINDS.get(int(tags.get(_FORMAT, (1,))[0]), "?")
        if kind[0] not in _READABLE.get(bits, ""):
            raise _Fault(f"has {bits} bits a pixel ({kind}); 8, 16 or 32 bits are read")
        self._check_data(tags, width, height, bits // 8)
        return TiffInfo(width, height, f"{kind}{bits}")

    def _check_data(self, tags: _Tags, width: int, height: int, depth: int) -> None:
        """Every strip or tile must lie in the file, and there must be as many as the size needs."""
        tiled = _TILES in tags
        places, lengths = (tags.get(_TILES, ()), tags.get(_TILE_BYTES, ())) if tiled else (
            tags.get(_STRIPS, ()), tags.get(_STRIP_BYTES, ())
        )  # fmt: skip
        plain = int(tags.get(_COMPRESSION, (1,))[0]) == 1
        if not lengths and plain and len(places) == 1:
            lengths = (width * height * depth,)  # the tag is missing in files of some old writers
        if tiled:
            across, down = tags.get(_TILE_WIDTH, (0,))[0], tags.get(_TILE_HEIGHT, (0,))[0]
            needed = -(-width // across) * -(-height // down) if across and down else -1
        else:
            rows = min(int(tags.get(_ROWS, (height,))[0]), height)
            needed = -(-height // rows) if rows else -1
        if not (len(places) == len(lengths) == needed):
            raise _Fault(f"is damaged: {len(places)} strips or tiles where its size needs {needed}")
        end = max(place + length for place, length in zip(places, lengths, strict=True))
        if end > self.size:
            raise _Fault(f"is truncated: its pixels reach to byte {end}, it has {self.size}")
        if min(lengths) <= 0 or min(places) <= 0:
            raise _Fault("is truncated: a strip or tile was never written")
        if plain and not tiled and sum(lengths) < width * height * depth:
            raise _Fault(f"is truncated: {sum(lengths)} of {width * height * depth} bytes of pixels")

    def _extra_planes(self, start: int, first: TiffInfo, seen: int) -> None:
        """Further images of the same size are a stack; smaller ones (thumbnails, pyramids) do no harm."""
        visited = {seen}
        while start and start not in visited and len(visited) < 64:
            visited.add(start)
            try:
                tags, following = self._directory(start)
            except _Fault:
                return  # some writers leave a stray pointer behind; the first plane is whole
            size = (tags.get(_WIDTH, (0,))[0], tags.get(_HEIGHT, (0,))[0])
            if not tags.get(_SUBFILE, (0,))[0] & 1 and size == (first.width, first.height):
                raise _Fault("holds several planes; one plane a file is expected")
            start = following
