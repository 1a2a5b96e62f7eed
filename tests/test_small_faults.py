"""Small faults of an image: single blocks, a few dead lines, a few lines or tiles that are there twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from morphodose.imaging.broken import Missing, missing_block
from morphodose.imaging.dead_lines import runs
from morphodose.imaging.images import Field
from morphodose.imaging.judgement import MissingPlane, judge_field
from morphodose.imaging.quality import field_figures
from morphodose.imaging.twice import copies_of, marks_of, rows_of, strips_of
from morphodose.simulate.field import CHANNELS, render_field


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    """The cell stain of a simulated field, 240 px, 16 bits with an offset."""
    made = render_field(np.random.default_rng(1), size=240, n_cells=40.0)
    return np.asarray(made.planes[0][list(CHANNELS).index("CellMask")])


def subtracted(image: np.ndarray) -> np.ndarray:
    """Less its median: half of the pixels are 0."""
    return np.maximum(image.astype(int) - int(np.median(image)), 0).astype(np.uint16)


@pytest.mark.parametrize("edges", [(12, 12), (24, 24), (13, 30)])
@pytest.mark.parametrize("value", [0, 60_000])
def test_a_single_small_block_is_found_with_its_share_and_value(image, edges, value) -> None:
    height, width = edges
    pixels = image.copy()
    pixels[101 : 101 + height, 55 : 55 + width] = value
    found = missing_block(pixels)
    assert found is not None and found.what == f"is constant at {value} counts"
    assert found.share == pytest.approx(height * width / image.size, rel=0.02)


def test_a_hole_within_a_cell_is_told_from_a_gap_between_cells(image) -> None:
    y, x = np.mgrid[:240, :240]
    noise = np.random.default_rng(0).normal(1000, 30, (240, 240)).astype(np.uint16)
    cell = np.where((y - 120) ** 2 + (x - 120) ** 2 < 70**2, noise, 0)
    gap = np.where((y - 120) ** 2 + (x - 120) ** 2 < 10**2, 0, cell)
    assert missing_block(cell) is None and missing_block(gap) is None
    cell[110:126, 104:122] = 0
    assert missing_block(cell) == Missing(16 * 18 / 240**2, "is constant at 0 counts", at_edge=False)


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
@pytest.mark.parametrize(
    ("lines", "number", "name"),
    [
        (np.s_[[20, 90, 91]], 3, "rows"),
        (np.s_[130], 1, "row"),
        (np.s_[:, [7, 100]], 2, "columns"),
        (np.s_[60, 40:200], 1, "row"),  # a lost packet
    ],
)
def test_a_few_dead_lines_are_a_flag_and_never_more(image, kind, lines, number, name) -> None:
    pixels = image.astype(kind)
    pixels[lines] = 0
    found = missing_block(pixels)
    assert found is not None and found.few_lines
    assert found.what == f"is constant at 0 counts, in {number} {name}"
    assert found.share == pytest.approx(float((pixels == 0).mean()), rel=0.02)
    planes = [MissingPlane("Cell", z, found) for z in range(1, 7)]
    field = Field(pixels[None], ("Cell",), None)
    judged = judge_field(field_figures(field), None, "Cell", missing=planes)
    assert judged.verdict == "flag"
    assert judged.reason.count("is constant at 0 counts") == 1
    assert judged.reason.startswith("Cell, plane z=1 and Cell, plane z=2 and Cell, plane z=3 …: ")


def test_a_dead_row_shows_where_it_crosses_cells_on_a_subtracted_background(image) -> None:
    pixels = subtracted(image)
    assert missing_block(pixels) is None
    row = int(np.argmax((pixels > 60).sum(axis=1)[20:-20])) + 20
    pixels[row] = 0
    found = missing_block(pixels)
    assert found is not None and found.few_lines and found.what.endswith("in 1 row")


def test_a_few_lines_that_are_there_twice_are_a_flag_and_tiles_are_found(image) -> None:
    pixels = image.copy()
    pixels[[51, 52, 171]] = pixels[[50, 50, 170]]
    found = missing_block(pixels)
    assert found is not None and found.few_lines
    assert found.what == "repeats the row before, in 3 rows"
    pixels = image.copy()
    pixels[128:160, 64:96] = pixels[32:64, 16:48]
    assert missing_block(pixels) == Missing(32**2 / 240**2, "is a copy of another part of it", at_edge=False)


def test_rows_of_another_frame_are_found_in_whichever_channel_or_field() -> None:
    order = [list(CHANNELS).index(name) for name in ("Hoechst", "CellMask", "PI")]
    stacks = [
        render_field(np.random.default_rng(seed), size=160, n_cells=20.0).planes.max(axis=0)[order]
        for seed in (1, 2)
    ]
    first, second = (Field(pixels, ("Hoechst", "CellMask", "PI"), None) for pixels in stacks)
    earlier = {"A_Field_1": rows_of(first)}
    assert strips_of(rows_of(first), {}) == [] == strips_of(rows_of(second), earlier)
    # of the same field, at another place
    pixels = stacks[1].copy()
    pixels[2, 40:72] = pixels[0, 50:82]
    ((channel, part),) = strips_of(rows_of(Field(pixels, first.channels, None)), earlier)
    assert (channel, part) == ("PI", Missing(0.2, "holds 32 rows of Hoechst again", False))
    # of the field before
    pixels = stacks[1].copy()
    pixels[1, 100:116] = stacks[0][1, 100:116]
    ((channel, part),) = strips_of(rows_of(Field(pixels, first.channels, None)), earlier)
    assert (channel, part.what) == ("CellMask", "holds 16 rows of CellMask of A_Field_1 again")
    # an image that is there twice as a whole is told as that
    pixels = stacks[1].copy()
    pixels[2] = stacks[0][0]
    copied = Field(pixels, first.channels, None)
    assert strips_of(rows_of(copied), earlier) == []
    assert copies_of(marks_of(copied), {"A_Field_1": marks_of(first)}).startswith(
        "PI (Hoechst there): the same image as in A_Field_1"
    )


def test_runs_are_pixels_with_so_many_equal_neighbours() -> None:
    equal = np.array([0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1], dtype=bool)
    assert runs(equal, 3).astype(int).tolist() == [0, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1]
    assert not runs(equal, 5).any()


def test_whole_real_images_have_none_of_these(shared_data: Path) -> None:
    folders = ("bbbc013", "nuclei/images", "cells/phase_t98g_hand", "cells/hela_rnai_ht01_silver")
    for folder in folders:
        files = [file for file in sorted((shared_data / folder).glob("*.tif")) if "mask" not in file.name]
        for file in files[:: max(1, len(files) // 5)]:
            pixels = tifffile.imread(file)
            assert missing_block(pixels) is None, file
            assert missing_block(subtracted(pixels)) is None, file
