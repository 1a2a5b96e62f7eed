"""What of an image was never recorded, and what only looks so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage as ndi
import tifffile

from morphodose.imaging.broken import Missing, missing_block
from morphodose.imaging.projection import Plane, project
from morphodose.imaging.repeated import repeated_part
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


@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.uint32, np.float32])
@pytest.mark.parametrize(
    ("lines", "share", "name"),
    [
        (np.s_[::2], 0.495, "row"),  # a half frame; the first row may be an edge
        (np.s_[:, 1::2], 0.495, "column"),
        (np.s_[8::16], 0.06, "row"),
        (np.s_[20:180:16], 0.05, "row"),
    ],
)
def test_single_lines_that_were_not_recorded_are_found(image, kind, lines, share, name) -> None:
    pixels = np.minimum(image, 32767).astype(kind)
    pixels[lines] = 0
    assert missing_block(pixels) == Missing(
        share, f"is constant at 0 counts, {name} by {name}", at_edge=False
    )


def subtracted(image: np.ndarray, percentile: float) -> np.ndarray:
    """The image less a percentile of its counts: zeros wherever nothing is stained."""
    return np.maximum(image.astype(int) - int(np.percentile(image, percentile)), 0).astype(np.uint16)


@pytest.fixture(scope="module")
def fields() -> list[np.ndarray]:
    """Cell stains of 400 px with a hundred cells each, from which the background was subtracted."""
    made = (render_field(np.random.default_rng(seed), size=400, n_cells=90.0) for seed in range(4))
    stains = [np.asarray(one.planes[0][list(CHANNELS).index("CellMask")]) for one in made]
    return [subtracted(stain, percentile) for stain in stains for percentile in (50, 70)]


@pytest.mark.parametrize(
    ("part", "share"), [("lower half", 0.5), ("from the middle of a row", 0.3), ("two strips", 0.2)]
)
def test_zeros_that_were_not_copied_are_told_from_those_of_a_background(fields, part, share) -> None:
    shares = []
    for whole in fields:
        assert missing_block(whole) is None
        pixels, _ = broken(whole, part, 0)
        if part == "two strips":  # wider than the gaps between cells
            pixels = whole.copy()
            pixels[40:80] = pixels[280:320] = 0
        if found := missing_block(pixels):
            assert found.what == "is constant at 0 counts"
            shares.append(found.share)
    # a line that cuts few cells is no proof
    assert len(shares) >= len(fields) - 1
    assert shares == pytest.approx([share] * len(shares), rel=0.05)


def test_cells_that_touch_are_one_object_and_its_long_straight_end_is_proof() -> None:
    """Where cells are a closed layer with gaps, or few and large, a line cuts one object or two."""
    y, x = np.mgrid[:400, :400]
    noise = np.random.default_rng(0).normal(1000, 30, (400, 400)).astype(np.uint16)
    gaps = (np.sin(x / 31.0) + np.sin(y / 23.0 + x / 90)) < -0.9
    layer = np.where(gaps, 0, noise)
    large = np.where((y - 190) ** 2 / 150**2 + (x - 210) ** 2 / 180**2 < 1, noise, 0)
    for whole in (layer, large):
        assert missing_block(whole) is None
        for gone in (np.s_[230:], np.s_[:, 180:], np.s_[:220, 180:]):
            pixels = whole.copy()
            pixels[gone] = 0
            found = missing_block(pixels)
            assert found is not None and found.what == "is constant at 0 counts"


def test_few_cells_or_none_on_a_subtracted_background_are_whole() -> None:
    y, x = np.mgrid[:300, :300]
    noise = np.random.default_rng(0).normal(1000, 30, (300, 300))
    for centres in ([], [(150, 140)], [(150, 0)], [(0, 0), (299, 150)], [(40, 40), (52, 90), (40, 150)],
                    [(40, 20 + 40 * i) for i in range(7)]):  # fmt: skip
        pixels = np.zeros((300, 300), np.uint16)
        for cy, cx in centres:
            disc = (y - cy) ** 2 + (x - cx) ** 2 < 15**2
            pixels[disc] = noise[disc]
        assert missing_block(pixels) is None, centres


@pytest.mark.parametrize(
    ("what", "to", "of"),
    [
        ("holds rows of another part again", np.s_[100:], np.s_[:100]),
        ("holds columns of another part again", np.s_[:, 100:], np.s_[:, :100]),
        ("repeats the row before", np.s_[1::2], np.s_[::2]),
        ("repeats the column before", np.s_[:, 1::2], np.s_[:, ::2]),
        ("is a copy of another part of it", np.s_[96:192, 96:192], np.s_[:96, :96]),
    ],
)
def test_what_is_there_twice_is_found(image, what, to, of) -> None:
    for whole in (image, image.astype(np.float32) / 7):
        pixels = whole.copy()
        pixels[to] = whole[of]
        found = missing_block(pixels)
        assert found is not None and found.what == what
        assert found.share == pytest.approx(0.23 if "copy" in what else 0.5, abs=0.02)


def test_single_lines_that_repeat_are_counted(image) -> None:
    pixels = image.copy()
    pixels[10::20] = pixels[9::20]
    assert missing_block(pixels) == Missing(0.05, "repeats the row before", at_edge=False)


def test_what_is_alike_by_nature_is_not_there_twice(image, fields) -> None:
    enlarged = np.repeat(np.repeat(image[:100, :100], 2, axis=0), 2, axis=1)
    for pixels in (enlarged, np.zeros((300, 300), np.uint16), *fields, fields[-1] // 900):
        assert repeated_part(pixels) is None


def test_whole_images_are_whole(image) -> None:
    background = int(np.median(image))
    y, x = np.mgrid[:200, :200]
    saturated = np.minimum(image, np.percentile(image, 80)).astype(image.dtype)
    one_clump = image.copy()
    one_clump[ndi.distance_transform_edt((y - 100) ** 2 + (x - 90) ** 2 < 900) > 0] = 65535
    round_view = np.where((y - 99.5) ** 2 + (x - 99.5) ** 2 < 95**2, image, 0)
    scratch = image.copy()
    scratch[np.abs(y - 100 - 8 * np.sin(x / 9)) < 16] = 0
    specks = np.zeros((200, 200), np.uint8)
    specks[50:54, 60:65] = specks[120:123, 10:14] = 40
    for name, pixels in {
        "as recorded": image,
        "background subtracted": np.maximum(image.astype(int) - background - 100, 0).astype(np.uint16),
        "8 bits": (image // 64).astype(np.uint8),
        "saturated": saturated,
        "one saturated clump": one_clump,
        "round field of view": round_view,
        "a scratch through a closed layer": scratch,
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
    assert done.missing[1] == Missing(0.5, "is constant at 0 counts", at_edge=True)


def test_a_plane_that_is_empty_as_a_whole_is_missing_and_a_dark_channel_is_not(image) -> None:
    dark, subtracted = np.zeros_like(image), np.where(image > np.percentile(image, 90), image, 0)

    def missing(*planes: np.ndarray) -> list[bool]:
        stack = [Plane(z, "z", lambda p=p: p) for z, p in enumerate(planes)]  # type: ignore[misc]
        return [part is not None for part in project(stack, "max").missing]

    assert missing(image, dark) == [False, True]
    assert missing(dark, dark) == [False, False]
    assert missing(subtracted, dark) == [False, False]
