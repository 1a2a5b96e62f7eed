"""What of an image was never recorded, and what only looks so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage as ndi
import tifffile

from morphodose.imaging.broken import Missing, missing_block
from morphodose.imaging.projection import Plane, project
from morphodose.simulate.field import CHANNELS, render_field


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    """The cell stain of a simulated field, 200 px, 16 bits with an offset."""
    made = render_field(np.random.default_rng(1), size=200, n_cells=30.0)
    return np.asarray(made.planes[0][list(CHANNELS).index("CellMask")])


def broken(image: np.ndarray, part: str, value: object) -> tuple[np.ndarray, float]:
    """The image without a part, and the share that is missing."""
    pixels = image.copy()
    gone = np.zeros(image.shape, dtype=bool)
    height, width = image.shape
    if part == "lower half":
        gone[height // 2 :] = True
    elif part == "from the middle of a row":
        gone.ravel()[int(0.7 * height) * width + width // 3 :] = True
    elif part == "strip":
        gone[height // 3 : height // 3 + 10] = True
    elif part == "two strips":
        gone[40:56] = gone[120:136] = True
    elif part == "tile":
        gone[64:128, 64:128] = True
    elif part == "last tiles":  # of a tiled file: L-shaped
        gone[64:128, 128:] = gone[128:] = True
    pixels[gone] = image[~gone][-1] if value == "last" else value
    return pixels, float(gone.mean())


PARTS = ("lower half", "from the middle of a row", "strip", "two strips", "tile", "last tiles")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("value", [0, 255, 65535, "last"])
def test_a_part_that_was_not_copied_is_found_whatever_fills_it(image, part, value) -> None:
    pixels, share = broken(image, part, value)
    found = missing_block(pixels)
    assert found is not None
    assert found.share == pytest.approx(share, abs=0.002)
    assert "is constant at" in found.words


@pytest.mark.parametrize("part", PARTS)
def test_in_8_bits_too(shared_data: Path, part: str) -> None:
    actin = tifffile.imread(next((shared_data.parent / "cases/images/human_actin").glob("*d2.tif")))
    for value in (0, 255):
        pixels, share = broken(actin, part, value)
        found = missing_block(pixels)
        assert found is not None and found.share == pytest.approx(share, abs=0.01)


def test_rows_that_repeat_are_found(image) -> None:
    pixels = image.copy()
    pixels[150:] = pixels[149]
    found = missing_block(pixels)
    assert found is not None and found.share == pytest.approx(0.25) and "repeats the row" in found.words


def test_whole_images_are_whole(image) -> None:
    background = int(np.median(image))
    y, x = np.mgrid[:200, :200]
    saturated = np.minimum(image, np.percentile(image, 80)).astype(image.dtype)
    one_clump = image.copy()
    one_clump[ndi.distance_transform_edt((y - 100) ** 2 + (x - 90) ** 2 < 900) > 0] = 65535
    round_view = np.where((y - 99.5) ** 2 + (x - 99.5) ** 2 < 95**2, image, 0)
    specks = np.zeros((200, 200), np.uint8)
    specks[50:54, 60:65] = specks[120:123, 10:14] = 40
    for name, pixels in {
        "as recorded": image,
        "background subtracted": np.maximum(image.astype(int) - background - 100, 0).astype(np.uint16),
        "8 bits": (image // 64).astype(np.uint8),
        "saturated": saturated,
        "one saturated clump": one_clump,
        "round field of view": round_view,
        "nothing but two specks": specks,
        "constant": np.full((200, 200), 7, np.uint16),
        "blocks of lossy compression": np.kron(image[::8, ::8], np.ones((8, 8), np.uint16)),
    }.items():
        assert missing_block(pixels) is None, name


def test_real_images_are_whole(shared_data: Path) -> None:
    folders = ("../cases/images/human_actin", "../cases/images/illum_transfluor", "bbbc013")
    files = [file for folder in folders for file in sorted((shared_data / folder).glob("*.tif"))[:24]]
    assert len(files) > 20
    for file in files:
        assert missing_block(tifffile.imread(file)) is None, file


@pytest.mark.parametrize("method", ["max", "mean", "middle", "best_focus"])
def test_a_projection_does_not_hide_a_broken_plane(image, method: str) -> None:
    planes = [image, broken(image, "lower half", 0)[0], image]
    stack = [Plane(z, f"z{z}", lambda p=p: p) for z, p in enumerate(planes, start=1)]  # type: ignore[misc]
    done = project(stack, method)
    assert [part is not None for part in done.missing] == [False, True, False]
    assert done.missing[1] == Missing(0.5, 0.0, at_edge=True)


def test_a_plane_that_is_empty_as_a_whole_is_missing_and_a_dark_channel_is_not(image) -> None:
    dark, subtracted = np.zeros_like(image), np.where(image > np.percentile(image, 90), image, 0)

    def missing(*planes: np.ndarray) -> list[bool]:
        stack = [Plane(z, "z", lambda p=p: p) for z, p in enumerate(planes)]  # type: ignore[misc]
        return [part is not None for part in project(stack, "max").missing]

    assert missing(image, dark) == [False, True]
    assert missing(dark, dark) == [False, False]
    assert missing(subtracted, dark) == [False, False]
