from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from morphodose.design.tiff_check import check_tiff, check_tiffs

RNG = np.random.default_rng(1)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int16", "float32"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib"},
        {"tile": (16, 16)},
        {"tile": (16, 16), "compression": "lzw"},
        {"rowsperstrip": 3},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"byteorder": ">", "bigtiff": True, "rowsperstrip": 5, "compression": "zlib"},
        {"ome": True},
    ],
    ids=str,
)
def test_size_and_type_are_those_tifffile_reads(tmp_path: Path, dtype: str, options: dict) -> None:
    path = tmp_path / "a.tif"
    image = RNG.integers(0, 100, (37, 53)).astype(dtype)
    tifffile.imwrite(path, image, photometric="minisblack", **options)
    assert check_tiff(str(path)) == (53, 37, dtype, "")


def test_every_cut_of_a_file_is_found_truncated(tmp_path: Path) -> None:
    path, cut = tmp_path / "a.tif", tmp_path / "b.tif"
    for options in ({}, {"compression": "zlib"}, {"bigtiff": True, "rowsperstrip": 4}):
        tifffile.imwrite(path, RNG.integers(0, 9, (20, 20)).astype("uint16"), metadata=None, **options)
        data = path.read_bytes()
        assert not check_tiff(str(path)).fault
        for length in range(1, len(data)):
            cut.write_bytes(data[:length])
            fault = check_tiff(str(cut)).fault
            assert "truncated" in fault or fault == "is not a TIFF" and length < 4, (length, fault)


@settings(max_examples=300)
@given(st.integers(0, 2000), st.binary(min_size=1, max_size=8))
def test_damaged_bytes_never_crash_the_check(
    tmp_path_factory: pytest.TempPathFactory, place: int, damage: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.tif"
    tifffile.imwrite(path, np.ones((9, 9), "uint16"), rowsperstrip=2)
    data = bytearray(path.read_bytes())
    place %= len(data)
    data[place : place + len(damage)] = damage
    path.write_bytes(data)
    info = check_tiff(str(path))
    assert info.fault or info.width > 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty (0 bytes)"),
        (b"not an image at all", "is not a TIFF"),
        (b"\x89PNG\r\n\x1a\n", "is not a TIFF"),
        (b"II*\0", "is truncated: 4 bytes are no TIFF header"),
        (b"II*\0\0\0\0\0", "it was never finished"),
        (b"II*\0\xff\xff\0\0", "its tags point to byte"),
        (b"II*\0\x08\0\0\0\0\0" + b"\0" * 8, "0 tags in its directory"),
    ],
)
def test_files_that_are_no_tiff_say_so(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    assert message in check_tiff(str(path)).fault


def test_stacks_colour_and_odd_depths_are_refused_and_thumbnails_are_not(tmp_path: Path) -> None:
    path = str(tmp_path / "a.tif")
    tifffile.imwrite(path, np.zeros((3, 9, 9), "uint16"), photometric="minisblack", metadata=None)
    assert check_tiff(path).fault == "holds several planes; one plane a file is expected"
    tifffile.imwrite(path, np.zeros((9, 9, 3), "uint8"), photometric="rgb")
    assert "is a colour image (3 samples a pixel)" in check_tiff(path).fault
    tifffile.imwrite(path, np.zeros((9, 9), "bool"))
    assert "has 1 bits a pixel" in check_tiff(path).fault
    with tifffile.TiffWriter(path) as writer:
        writer.write(np.zeros((64, 64), "uint16"), metadata=None)
        writer.write(np.zeros((16, 16), "uint16"), subfiletype=1, metadata=None)
    assert not check_tiff(path).fault


def test_missing_files_broken_links_folders_and_pipes_are_faults(tmp_path: Path) -> None:
    assert check_tiff(str(tmp_path / "none.tif")).fault == "does not exist"
    (tmp_path / "link.tif").symlink_to(tmp_path / "gone.tif")
    assert check_tiff(str(tmp_path / "link.tif")).fault == "is a link to a file that does not exist"
    (tmp_path / "folder.tif").mkdir()
    assert check_tiff(str(tmp_path / "folder.tif")).fault == "is no regular file"
    os.mkfifo(tmp_path / "pipe.tif")
    assert check_tiff(str(tmp_path / "pipe.tif")).fault == "is no regular file"


def test_all_real_images_are_whole_and_as_tifffile_reads_them(shared_data: Path) -> None:
    paths = [
        path
        for folder in ("brightfield", "formats", "bbbc013")
        for path in sorted((shared_data / folder).rglob("*"))
        if path.suffix in (".tif", ".tiff")
    ]
    assert len(paths) > 300
    for path, info in zip(paths, check_tiffs([str(path) for path in paths]), strict=True):
        assert not info.fault, path
    for path in paths[::25]:
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages[0]
            assert check_tiff(str(path))[:3] == (page.shape[1], page.shape[0], str(page.dtype))


def test_ten_thousand_files_take_seconds(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8), "uint16"))
    start = time.perf_counter()
    infos = check_tiffs([str(tmp_path / "a.tif")] * 10_000)
    assert time.perf_counter() - start < 10
    assert len(infos) == 10_000
    assert not any(info.fault for info in infos)
