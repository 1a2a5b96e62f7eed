"""Size, depth, number of planes and completeness of a TIFF from its tags alone; no pixel is read.

A light reader of TIFF 6.0 and BigTIFF headers: it opens a file, reads the tags of its images, and
compares the places of strips or tiles with the length of the file. A screen of 40,000 planes takes seconds.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from morphodose.names import row_letters


class TiffInfo(NamedTuple):
    """What the tags of a file say; `fault` is empty when the file is whole and readable, else `fix` helps.

    `pages` are the places of its planes among the image directories: thumbnails and reduced images are
    none. With
    `frames`, one directory stands for so many planes (ImageJ, beyond 4 GB or by choice). `white` says that
    0 is white, `ome` that it has OME metadata; `well` is the only well that these name, of a single plane.
    `sizes` are those of further images that are too large to be reduced ones. `lossy` says that pixels were
    compressed as JPEG.
    """

    width: int = 0
    height: int = 0
    dtype: str = ""
    fault: str = ""
    fix: str = ""
    pages: tuple[int, ...] = (0,)
    frames: int = 1
    white: bool = False
    ome: bool = False
    well: str = ""
    sizes: tuple[tuple[int, int], ...] = ()
    lossy: bool = False

    @property
    def planes(self) -> int:
        """Planes in the file."""
        return len(self.pages) * self.frames


COPY = "copy it from the instrument again"
EXPORT = "export it from the instrument's software as grey TIFF of 8 or 16 bits, one plane per file"
_SPLIT = (
    "export each channel as grey of 8 or 16 bits (in Fiji: Image > Color > Split Channels, then save each)"
)

#: First bytes of files that are often given a TIFF's name.
_OTHERS = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF"),
    (b"<?xml", "an XML text"),
)


class _Fault(Exception):
    """Why a file cannot be used, and what helps."""

    def __init__(self, message: str, fix: str = COPY) -> None:
        super().__init__(message)
        self.fix = fix


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
_PHOTOMETRIC, _DESCRIPTION, _COLORS = 262, 270, 320
_ROWS, _TILE_WIDTH, _TILE_HEIGHT, _FORMAT = 278, 322, 323, 339
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 273, 279, 324, 325
_WANTED = frozenset(
    {_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _ROWS, _TILE_WIDTH, _TILE_HEIGHT, _FORMAT}
    | {_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _PHOTOMETRIC, _COLORS}
)
#: Compressions that change pixels: JPEG, old and new. Of JPEG 2000 and JPEG XL the tag does not say it.
_LOSSY = (6, 7)
#: A reduced image that no tag calls one has at most this share of the sides of the others.
_REDUCED = 0.5
_KINDS = {1: "uint", 2: "int", 3: "float"}
#: Bits a pixel → kinds that are read. 10, 12 and 14 bits are packed, and become 16.
_READABLE = {8: "ui", 10: "u", 12: "u", 14: "u", 16: "uif", 32: "uif", 64: "f"}
_WHITE, _PALETTE = 0, 3
_MOST_PAGES = 1_000_000
_HEAD = 4096  # most writers put header and tags of a plane into it
_DESCRIBED = 1024
_MOST_DESCRIBED = 65_536  # of metadata that are longer, those of a whole plate, the well is not looked for
_WELL = re.compile(r"<(?:\w+:)?Well\s([^>]*)>")
_COUNT = re.compile(r"""\b(Row|Column)\s*=\s*["'](\d{1,4})["']""")

_Tags = dict[int, tuple[int, ...]]


def check_tiff(path: str) -> TiffInfo:
    """Read the tags of one grey TIFF and judge whether it is whole.

    Returns
    -------
    TiffInfo
        Width and height in pixels and the NumPy name of the data type; `fault` says what is wrong: no such
        file, empty, no TIFF, truncated, colour, or bits that are not read.
    """
    try:
        # non-blocking, so that a pipe with a TIFF's name cannot hang the check
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        if os.path.islink(path):
            return TiffInfo(
                fault=f"is a link to {os.readlink(path)}, which does not exist",
                fix="mount or restore what it leads to; delete the link if that is gone",
            )
        return TiffInfo(fault="does not exist", fix=COPY)
    except OSError as fault:
        return TiffInfo(fault=f"cannot be opened ({fault.strerror})", fix="check its rights")
    try:
        return _Reader(handle).info()
    except _Fault as fault:
        return TiffInfo(fault=str(fault), fix=fault.fix)
    except OSError as fault:
        return TiffInfo(fault=f"cannot be read ({fault.strerror})", fix="check the disk, and copy it again")
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
            raise _Fault("is not a regular file", "remove it, or put the image in its place")
        self.size = status.st_size
        self.head = os.pread(handle, _HEAD, 0)
        self.order = "<"
        self.big = False
        self.description = (0, 0)  # its place and length

    def info(self) -> TiffInfo:
        if self.size == 0:
            raise _Fault("is empty (0 bytes)")
        start = self._header()
        tags, following = self._directory(start)
        if not following:
            info = self._plane(tags)
            return self._described(info, tags)
        return self._of_pages(tags, following, start)

    def _described(self, info: TiffInfo, tags: _Tags) -> TiffInfo:
        """Add what the description says: OME metadata, or the planes of ImageJ that share one directory."""
        text = bytes(tags.get(_DESCRIPTION, ())).decode("latin-1")
        if text.startswith("ImageJ=") and len(info.pages) == 1:
            found = re.search(r"^images=(\d{1,9})\s*$", text, re.MULTILINE)
            frames = int(found[1]) if found else 1
            if frames > 1:
                self._check_frames(info, tags, frames)
                return info._replace(frames=frames)
        ome = "<OME" in text or text.lstrip().startswith("<?xml")
        return info._replace(ome=ome, well=self._well() if ome and info.planes == 1 else "")

    def _well(self) -> str:
        """The well that the description names, where it names one."""
        place, number = self.description
        if not number or number > _MOST_DESCRIBED or place + number > self.size:
            return ""
        text = self._bytes(place, number).decode("utf-8", "replace")
        found = [dict(_COUNT.findall(match)) for match in _WELL.findall(text)]
        if len(found) != 1 or found[0].keys() != {"Row", "Column"}:
            return ""
        return f"{row_letters(int(found[0]['Row']) + 1)}{int(found[0]['Column']) + 1:02d}"

    def _check_frames(self, info: TiffInfo, tags: _Tags, frames: int) -> None:
        """Frames lie one after the other behind the first, and must be in the file."""
        size = sum(tags.get(_STRIP_BYTES, ())) or info.width * info.height * bytes_of(info.dtype)
        if int(tags.get(_COMPRESSION, (1,))[0]) != 1 or _TILES in tags:
            raise _Fault(f"says that it holds {frames} planes, and holds one (its ImageJ description)")
        whole = (self.size - int(tags[_STRIPS][0])) // size
        if whole < frames:
            raise _Fault(f"is truncated: it says that it holds {frames} planes, and has room for {whole}")

    def _header(self) -> int:
        """Place of the first directory."""
        mark = self.head[:2]
        if mark not in (b"II", b"MM"):
            other = next((what for start, what in _OTHERS if self.head.startswith(start)), "")
            if other:
                raise _Fault(f"is not a TIFF: it is {other}", EXPORT)
            blank = not self.head.strip(b"\0")
            raise _Fault(
                "is not a TIFF" + (": it holds zeros alone" if blank else ""), COPY if blank else EXPORT
            )
        self.order = "<" if mark == b"II" else ">"
        if len(self.head) < 8:
            raise _Fault(f"is truncated: {self.size} bytes are not a TIFF header")
        version = struct.unpack(self.order + "H", self.head[2:4])[0]
        self.big = version == 43
        if version not in (42, 43):
            raise _Fault("is not a TIFF", EXPORT)
        if self.big and len(self.head) < 16:
            raise _Fault(f"is truncated: {self.size} bytes are not a BigTIFF header")
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
            number = struct.unpack_from(self.order + letter, block, entry + 4)[0]
            if tag == _DESCRIPTION and kind == 2 and slot < number:
                # its beginning is enough
                place = struct.unpack_from(self.order + letter, block, entry + width - slot)[0]
                self.description = (place, number)
                most = max(0, min(number, _DESCRIBED, self.size - place))
                tags[tag] = tuple(self._bytes(place, most))
                continue
            if tag not in _WANTED:
                continue
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
        photometric = int(tags.get(_PHOTOMETRIC, (1,))[0])
        samples = int(tags.get(_SAMPLES, (1,))[0])
        if samples == 2:
            raise _Fault("is grey with transparency (2 samples per pixel); a grey one is expected", EXPORT)
        if samples != 1:
            raise _Fault(f"is a colour image ({samples} samples per pixel); a grey one is expected", _SPLIT)
        if photometric == _PALETTE and not _is_ramp(tags.get(_COLORS, ())):
            raise _Fault("is coloured by a palette whose colours are not grey levels", _SPLIT)
        bits, kind = int(tags.get(_BITS, (1,))[0]), _KINDS.get(int(tags.get(_FORMAT, (1,))[0]), "?")
        if bits == 1:
            raise _Fault("has 1 bit per pixel: it is a mask, not an image of counts", EXPORT)
        if kind[0] not in _READABLE.get(bits, ""):
            raise _Fault(f"has {bits} bits per pixel ({kind}); 8 to 16 or 32 bits are read", EXPORT)
        self._check_data(tags, width, height, bits)
        stored = bits if bits % 8 == 0 else 16
        lossy = int(tags.get(_COMPRESSION, (1,))[0]) in _LOSSY
        return TiffInfo(width, height, f"{kind}{stored}", white=photometric == _WHITE, lossy=lossy)

    def _check_data(self, tags: _Tags, width: int, height: int, bits: int) -> None:
        """Every strip or tile must lie in the file, and there must be as many as the size needs."""
        tiled = _TILES in tags
        pixels = height * -(-width * bits // 8)  # rows of packed bits end on a byte
        places, lengths = (tags.get(_TILES, ()), tags.get(_TILE_BYTES, ())) if tiled else (
            tags.get(_STRIPS, ()), tags.get(_STRIP_BYTES, ())
        )  # fmt: skip
        plain = int(tags.get(_COMPRESSION, (1,))[0]) == 1
        if not lengths and plain and len(places) == 1:
            lengths = (pixels,)  # the tag is missing in files of some old writers
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
        if plain and not tiled and sum(lengths) < pixels:
            raise _Fault(f"is truncated: {sum(lengths)} of {pixels} bytes of pixels")

    def _of_pages(self, first: _Tags, following: int, start: int) -> TiffInfo:
        """Several directories: the planes are those of the largest size that no tag calls a reduced image."""
        found = [first]
        visited = {start}
        while following and following not in visited and len(found) < _MOST_PAGES:
            visited.add(following)
            try:
                tags, following = self._directory(following)
            except _Fault:
                if len(found) == 1:
                    break  # some writers leave a stray pointer behind; the first plane is whole
                raise
            found.append(tags)
        sizes = [
            (0, 0) if tags.get(_SUBFILE, (0,))[0] & 1 else (_value(tags, _WIDTH), _value(tags, _HEIGHT))
            for tags in found
        ]
        largest = max(sizes, key=lambda size: size[0] * size[1])
        pages = tuple(page for page, size in enumerate(sizes) if size == largest and size != (0, 0))
        infos = [self._plane(found[page]) for page in pages or (0,)]
        if len({info[:3] for info in infos}) > 1:
            raise _Fault("holds planes of several depths", EXPORT)
        info = self._described(infos[0]._replace(pages=pages or (0,)), first)
        others = {
            size
            for size in sizes
            if size != largest and any(a > _REDUCED * b for a, b in zip(size, largest, strict=True))
        }
        if others and not info.ome:
            told = " and ".join(f"{width} x {height}" for width, height in [largest, *sorted(others)])
            raise _Fault(f"holds images of several sizes ({told})", EXPORT)
        return info._replace(sizes=tuple(sorted(others)))


def _value(tags: _Tags, tag: int) -> int:
    return int(tags.get(tag, (0,))[0])


def _is_ramp(colors: tuple[int, ...]) -> bool:
    """Whether a palette rises from black in each of its colours: its numbers are then intensities."""
    third = len(colors) // 3
    parts = [colors[start : start + third] for start in range(0, 3 * third, max(third, 1))]
    return bool(colors) and all(
        all(low <= high for low, high in zip(part, part[1:], strict=False)) for part in parts
    )


def bytes_of(dtype: str) -> int:
    """Bytes of a pixel of a data type such as ``uint16``."""
    return int(re.sub(r"\D", "", dtype)) // 8
