from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from morphodose.reading.describe import describe
from morphodose.reading.pixels import read_plane
from morphodose.reading.tiff_check import check_tiff, check_tiffs

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
    assert check_tiff(str(path))[:4] == (53, 37, dtype, "")


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
        (b"II*\0", "is truncated: 4 bytes are not a TIFF header"),
        (b"II*\0\0\0\0\0", "it was never finished"),
        (b"II*\0\xff\xff\0\0", "its tags point to byte"),
        (b"II*\0\x08\0\0\0\0\0" + b"\0" * 8, "0 tags in its directory"),
    ],
)
def test_files_that_are_no_tiff_say_so(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    assert message in check_tiff(str(path)).fault


def write_1bit(path: str) -> None:
    tifffile.imwrite(path, np.zeros((9, 9), "bool"))


def write_png(path: str) -> None:
    Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 64)


def write_jpeg(path: str) -> None:
    Path(path).write_bytes(b"\xff\xd8\xff\xe0" + b"\0" * 64)


@pytest.mark.parametrize(
    ("write", "fault", "fix"),
    [
        (
            lambda path: tifffile.imwrite(path, np.zeros((9, 9, 3), "uint8"), photometric="rgb"),
            "is a colour image (3 samples per pixel)",
            "export each channel as grey",
        ),
        (
            lambda path: tifffile.imwrite(
                path, np.zeros((9, 9, 2), "uint8"), photometric="minisblack", extrasamples=["unassalpha"],
                planarconfig="contig",
            ),
            "is grey with transparency",
            "as grey TIFF of 8 or 16 bits",
        ),
        (
            lambda path: tifffile.imwrite(
                path, np.zeros((9, 9), "uint8"), photometric="palette",
                colormap=np.random.default_rng(0).integers(0, 65535, (3, 256)).astype("uint16"),
            ),
            "is coloured by a palette",
            "export each channel as grey",
        ),
        (write_1bit, "has 1 bit per pixel", "as grey TIFF of 8 or 16 bits"),
        (write_png, "it is a PNG image", "as grey TIFF of 8 or 16 bits"),
        (write_jpeg, "it is a JPEG image", "as grey TIFF of 8 or 16 bits"),
    ],
    ids=["rgb", "alpha", "palette", "1 bit", "png", "jpeg"],
)  # fmt: skip
def test_images_that_are_no_grey_counts_say_what_to_export(
    tmp_path: Path, write: Callable[[str], None], fault: str, fix: str
) -> None:
    path = str(tmp_path / "a.tif")
    write(path)
    info = check_tiff(path)
    assert fault in info.fault
    assert fix in info.fix
    assert "copy" not in info.fix


def test_a_grey_palette_is_read_as_its_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    ramp = np.zeros((3, 256), "uint16")
    ramp[1] = np.arange(256) * 257  # Leica: black to green
    image = RNG.integers(0, 255, (9, 9)).astype("uint8")
    tifffile.imwrite(path, image, photometric="palette", colormap=ramp)
    assert check_tiff(str(path))[:4] == (9, 9, "uint8", "")
    assert np.array_equal(read_plane(str(path), "", "a"), image)


def test_thumbnails_are_no_planes_wherever_they_stand(tmp_path: Path) -> None:
    path = str(tmp_path / "a.tif")
    big, small = RNG.integers(0, 99, (64, 64)).astype("uint16"), np.zeros((16, 16), "uint16")
    for first, second, page in ((big, small, 0), (small, big, 1)):
        with tifffile.TiffWriter(path) as writer:
            for image in (first, second):
                writer.write(image, subfiletype=int(image is small), metadata=None)
        (series,) = describe([path])[0].series
        (part,) = series.parts
        assert (series.width, check_tiff(path).pages) == (64, (page,))
        assert np.array_equal(read_plane(path, part.place, "a"), big)


def test_images_of_several_sizes_in_one_file_are_told_or_all_read(tmp_path: Path) -> None:
    big, other = (RNG.integers(0, 99, shape).astype("uint16") for shape in ((64, 64), (40, 64)))
    path, ome = str(tmp_path / "a.tif"), str(tmp_path / "a.ome.tif")
    for name in (path, ome):
        with tifffile.TiffWriter(name, ome=name == ome) as writer:
            for image in (big, other):
                writer.write(image, metadata={"axes": "YX"} if name == ome else None)
    (fault,) = describe([path])
    assert "holds images of several sizes (64 x 64 and 64 x 40)" in fault.fault
    series = describe([ome])[0].series
    assert [(one.width, one.height) for one in series] == [(64, 64), (64, 40)]
    assert np.array_equal(read_plane(ome, series[1].parts[0].place, "a"), other)


def test_a_pyramid_without_tags_is_its_largest_image(tmp_path: Path) -> None:
    path, big = str(tmp_path / "a.tif"), RNG.integers(0, 99, (64, 96)).astype("uint16")
    with tifffile.TiffWriter(path) as writer:
        for step in (1, 2, 4):
            writer.write(big[::step, ::step], tile=(16, 16), metadata=None)
    ((part,),) = (series.parts for series in describe([path])[0].series)
    assert np.array_equal(read_plane(path, part.place, "a"), big)


def test_white_as_zero_is_inverted(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    image = np.full((9, 9), 160, "uint16")
    image[4, 4] = 4000
    tifffile.imwrite(path, 65535 - image, photometric="miniswhite")
    assert check_tiff(str(path)).white
    assert np.array_equal(read_plane(str(path), "", "a"), image)


def test_a_stack_of_imagej_in_one_directory_is_all_its_planes(tmp_path: Path) -> None:
    path = str(tmp_path / "a.tif")
    stack = RNG.integers(0, 4000, (3, 20, 30)).astype("uint16")
    text = "ImageJ=1.53t\nimages=3\nslices=3\n"
    tifffile.imwrite(path, stack, photometric="minisblack", metadata=None, description=text)
    with tifffile.TiffFile(path) as tiff:  # cut the other directories off, as ImageJ does beyond 4 GB
        following = tiff.pages[1].offset
        place = tiff.pages[0].offset + 2 + 12 * len(tiff.pages[0].tags)
    data = bytearray(Path(path).read_bytes())
    assert int.from_bytes(data[place : place + 4], "little") == following
    data[place : place + 4] = bytes(4)
    Path(path).write_bytes(data)
    assert check_tiff(path).frames == 3
    (series,) = describe([path])[0].series
    assert series.sizes() == (1, 3, 1)
    read = [read_plane(part.path, part.place, "a") for part in series.parts]
    assert np.array_equal(read, stack)
    # one page that says it is three
    tifffile.imwrite(path, stack[0], photometric="minisblack", metadata=None, description=text)
    assert "says that it holds 3 planes, and has room for 1" in check_tiff(path).fault


def test_missing_files_broken_links_folders_and_pipes_are_faults(tmp_path: Path) -> None:
    assert check_tiff(str(tmp_path / "none.tif")).fault == "does not exist"
    (tmp_path / "link.tif").symlink_to(tmp_path / "gone.tif")
    dead = check_tiff(str(tmp_path / "link.tif"))
    assert dead.fault == f"is a link to {os.readlink(tmp_path / 'link.tif')}, which does not exist"
    assert "copy" not in dead.fix and "mount or restore" in dead.fix
    (tmp_path / "folder.tif").mkdir()
    assert check_tiff(str(tmp_path / "folder.tif")).fault == "is not a regular file"
    os.mkfifo(tmp_path / "pipe.tif")
    assert check_tiff(str(tmp_path / "pipe.tif")).fault == "is not a regular file"


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
