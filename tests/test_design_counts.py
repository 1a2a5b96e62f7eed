from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from design_tree import Screen, make_screen
from morphodose.design.parameters import Analysis
from morphodose.errors import InputError
from morphodose.imaging.broken import Missing, missing_block
from morphodose.imaging.byte_order import is_swapped
from morphodose.reading.pixels import as_counts


@pytest.fixture
def screen(tmp_path: Path) -> Screen:
    return make_screen(tmp_path, times=(4,), reps=1)


def write(screen: Screen, image: np.ndarray) -> None:
    for path in screen.root.glob("*/*.tif"):
        tifffile.imwrite(path, image, photometric="minisblack")


COUNTS = np.arange(64, dtype=np.uint16).reshape(8, 8) + 100


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ((COUNTS / 65535).astype("float32"), "hold fractions from 0 to 1 instead of counts: Brightfield, Hoechst"),
        ((COUNTS / 155).astype("float32"), "hold fractions from 0 to 1 instead of counts: Brightfield, Hoechst"),
        (COUNTS + 32768, "hardly any pixel of Brightfield, Hoechst is below 32768: an offset of the instrument (scan^R)"),
        (np.where(COUNTS == 103, 0, COUNTS + 32768).astype("uint16"), "hardly any pixel of Brightfield, Hoechst is below 32768"),
        ((COUNTS.astype(int) - 32768).astype("int16"), "are negative, down to -32668: signed counts with an offset"),
        ((COUNTS.astype(int) - 120).astype("float32"), "→ export the counts of the camera, neither scaled nor with a background subtracted"),
        (((COUNTS - 130.0) / 20).astype("float32"), "negative, down to -1.5: signed counts with an offset, or counts that were scaled or had a background subtracted"),
        (np.where(COUNTS == 103, np.inf, COUNTS).astype("float32"), "in the file, 1 of 64 pixels are not finite (NaN or infinite) → export the image again"),
    ],
    ids=["float", "beyond_1", "scanr", "dead_pixel", "signed", "less_background", "scaled", "not_finite"],
)  # fmt: skip
def test_what_is_no_count_from_zero_is_found_at_the_check(
    screen: Screen, image: np.ndarray, message: str
) -> None:
    write(screen, image)
    assert message in screen.message()


def test_the_offset_that_the_message_offers_helps(screen: Screen) -> None:
    for image, offset in ((COUNTS + 32768, 32768), ((COUNTS.astype(int) - 32768).astype("int16"), -32768)):
        write(screen, image)
        assert f"--intensity_offset {offset}" in screen.message()
        assert not screen.judge(intensity_offset=offset).faults
        assert np.array_equal(as_counts(image, offset, "x"), COUNTS)


def test_signed_counts_without_a_negative_one_are_read_as_unsigned(screen: Screen) -> None:
    write(screen, COUNTS.astype("int16"))
    assert not screen.judge(analysis=Analysis(deep=True)).faults
    assert as_counts(COUNTS.astype("int16"), 0, "x").dtype == np.uint16
    with pytest.raises(InputError, match="negative, down to -1"):
        as_counts(np.array([[-1]], "int16"), 0, "x")


def test_a_depth_that_crops_cannot_hold_is_found_before_them(screen: Screen) -> None:
    write(screen, COUNTS.astype("uint32"))
    assert "crops for networks hold counts of 8 or 16 bits, not Brightfield uint32" in screen.message(
        analysis=Analysis(deep=True)
    )


def test_a_bright_channel_beside_a_dark_one_has_no_offset(screen: Screen) -> None:
    for path in screen.root.glob("*/*.tif"):
        bright = path.name.endswith("C1.tif")
        tifffile.imwrite(path, COUNTS + 40_000 if bright else COUNTS, photometric="minisblack")
    assert not screen.judge().faults


@pytest.mark.parametrize(("dtype", "unsigned"), [("int8", "uint8"), ("int16", "uint16"), ("int32", "uint32")])
def test_signed_counts_become_unsigned_and_negative_ones_are_refused(dtype: str, unsigned: str) -> None:
    counts = np.array([[0, 5], [7, 100]], dtype)
    assert as_counts(counts, 0, "x").dtype == unsigned and np.array_equal(as_counts(counts, 0, "x"), counts)
    with pytest.raises(InputError, match="negative, down to -93"):
        as_counts(counts - np.array(93, dtype), 0, "x")


def test_a_tag_that_inverts_what_is_black_is_doubted(screen: Screen) -> None:
    for path in screen.root.glob("*/*.tif"):
        tifffile.imwrite(path, COUNTS, photometric="miniswhite")
    message = screen.message()
    assert "few pixels of Brightfield, Hoechst are below 32768 once inverted, as the tag asks" in message
    assert "→ the tag is probably wrong: export the images with black as 0" in message
    assert "scan^R" not in message


def test_a_white_screen_is_no_offset(screen: Screen) -> None:
    write(screen, np.full((8, 8), 65535, "uint16"))
    (warning,) = screen.judge().faults
    assert "hold a single value: Brightfield 65535, Hoechst 65535" in warning.message


def test_images_compressed_with_loss_are_said(screen: Screen) -> None:
    for path in screen.root.glob("*/*C1.tif"):
        tifffile.imwrite(path, COUNTS.astype("uint8"), compression="jpeg")
    for path in screen.root.glob("*/*C2.tif"):
        tifffile.imwrite(path, COUNTS.astype("uint8"), compression="zlib")
    (warning,) = (fault for fault in screen.judge().faults if fault.kind == "lossy_compression")
    assert "images of Brightfield were compressed as JPEG" in warning.message


def test_a_screen_of_one_value_is_said(screen: Screen) -> None:
    write(screen, np.zeros((8, 8), "uint16"))
    (warning,) = screen.judge().faults
    assert "hold a single value: Brightfield 0, Hoechst 0" in warning.message
    assert warning.severity == "warning"


def test_a_compression_that_is_not_read_is_not_copied_again(screen: Screen) -> None:
    write(screen, COUNTS)
    path = sorted(screen.root.glob("*/*C1.tif"))[0]
    with tifffile.TiffFile(path) as tiff:
        place = tiff.pages.first.tags["Compression"].valueoffset
    data = bytearray(path.read_bytes())
    data[place : place + 2] = (34676).to_bytes(2, "little")  # SGI LogLuv
    path.write_bytes(data)
    message = screen.message()
    assert "SGILOG" in message and "→ export it without compression, or compressed by LZW, ZIP or" in message
    assert "copy it" not in message


def test_the_real_scanr_field_is_recognised(root: Path) -> None:
    folder = root.parent / "shared" / "cases" / "images" / "scanr"
    if not folder.is_dir():
        pytest.skip("the cases are not beside the repository (../shared/cases)")
    (path,) = folder.iterdir()
    assert as_counts(tifffile.imread(path), 32768, "x").max() == 36863 - 32768


def cells() -> np.ndarray:
    """An image of 64 px with bright cells, some above half the range of 16 bits."""
    y, x = np.mgrid[:64, :64]
    stain = np.random.default_rng(0).normal(300, 12, (64, 64)) + 40_000 * (np.hypot(y - 30, x - 30) < 12)
    return np.rint(stain).astype(np.uint16)


def test_unsigned_counts_that_were_written_as_signed_are_told_from_an_offset(screen: Screen) -> None:
    write(screen, cells().astype("int16"))
    message = screen.message()
    assert "the bright pixels of Brightfield, Hoechst are negative: unsigned counts above 32767" in message
    assert "export the images as unsigned 16 bits" in message
    assert "--intensity_offset" not in message


def test_bytes_in_the_wrong_order_are_found(screen: Screen) -> None:
    write(screen, cells().byteswap())
    assert "images of Brightfield, Hoechst have the two bytes of each count in the wrong order" in (
        screen.message()
    )
    assert missing_block(cells().byteswap()) == Missing(
        1.0, "has the two bytes of each count in the wrong order", at_edge=False
    )
    for whole in (cells(), cells() // 256, cells() * 16, cells() - 200, np.full((64, 64), 258, np.uint16)):
        assert not is_swapped(whole)


def test_real_images_have_their_bytes_in_order(shared_data: Path) -> None:
    for folder in ("brightfield", "cells/mef_phalloidin", "cells/wga_scportrait_silver"):
        files = [file for file in sorted((shared_data / folder).glob("*.tif*")) if "mask" not in file.name]
        for file in files[::4]:
            pixels = tifffile.imread(file)
            assert not is_swapped(pixels), file
            # the background of others hardly exceeds 255 counts
            assert is_swapped(pixels.byteswap()) or folder != "brightfield", file
