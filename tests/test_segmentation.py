"""Masks after the network: matching, border, growth, cells for nuclei that have none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from morphodose.segmentation.border import border_labels, without_labels
from morphodose.segmentation.complete import Completed, complete_cells
from morphodose.segmentation.from_nuclei import equivalent_diameters, grow_cells
from morphodose.segmentation.match import match_nuclei
from morphodose.segmentation.well import _finish

MASKS = hnp.arrays(np.int32, (9, 11), elements=st.integers(0, 6))


def disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.indices(shape)
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


# --- matching


def test_nucleus_takes_the_label_of_the_cell_it_overlaps_most() -> None:
    cells = np.array([[3, 3, 3, 9, 9, 9]])
    nuclei = np.array([[0, 5, 5, 5, 0, 0]])
    found = match_nuclei(cells, nuclei)
    assert found.nuclei.tolist() == [[0, 3, 3, 0, 0, 0]]  # cut where it reaches into cell 9
    assert found.cells.tolist() == cells.tolist()
    assert found.counts == {3: 1, 9: 0}
    assert found.orphans == 0


def test_every_nucleus_of_a_field_is_counted_once_wherever_it_lies() -> None:
    cells, nuclei = np.zeros((20, 30), np.int32), np.zeros((20, 30), np.int32)
    cells[0:8, 0:8], nuclei[2:5, 2:5] = 1, 1  # at the border
    cells[10:18, 4:14], nuclei[12:15, 6:8], nuclei[12:15, 10:12] = 2, 2, 3  # with two nuclei
    nuclei[5:9, 20:24] = 4  # in no cell
    found = _finish(Completed(cells, {1: "cellpose", 2: "cellpose"}), nuclei, 1).summary()
    names = ("Count_Nuclei", "Count_NucleiInBorderCells", "Count_NucleiWithoutCell")
    assert [found[name] for name in names] == [2, 1, 1]
    assert (found["Count_Cells"], found["Count_BorderCells"], found["Count_MultinucleateCells"]) == (1, 1, 1)


def test_nucleus_over_the_edge_of_its_cell_extends_it() -> None:
    found = match_nuclei(np.array([[4, 4, 0, 0]]), np.array([[0, 1, 1, 0]]))
    assert found.cells.tolist() == [[4, 4, 4, 0]]
    assert found.nuclei.tolist() == [[0, 4, 4, 0]]


def test_nucleus_that_only_touches_a_cell_is_an_orphan() -> None:
    found = match_nuclei(np.array([[1, 0, 0, 0, 0]]), np.array([[2, 2, 2, 2, 2]]))
    assert found.orphans == 1
    assert found.nuclei.max() == 0
    assert found.cells.tolist() == [[1, 0, 0, 0, 0]]
    assert found.counts == {1: 0}


def test_multinucleate_cell_keeps_all_nuclei_under_its_label() -> None:
    cells = np.full((5, 9), 2)
    nuclei = np.zeros((5, 9), int)
    nuclei[1:3, 1:3], nuclei[1:3, 6:8] = 7, 3
    found = match_nuclei(cells, nuclei)
    assert found.counts == {2: 2}
    assert np.array_equal(found.nuclei > 0, nuclei > 0)
    assert set(np.unique(found.nuclei)) == {0, 2}


def test_equal_overlap_goes_to_the_smaller_label() -> None:
    found = match_nuclei(np.array([[8, 8, 5, 5]]), np.array([[0, 1, 1, 0]]))
    assert found.counts == {5: 1, 8: 0}


@pytest.mark.parametrize("empty", ["cells", "nuclei", "both"])
def test_matching_of_empty_masks(empty: str) -> None:
    full, none = np.array([[0, 3, 3]]), np.zeros((1, 3), int)
    cells = none if empty in ("cells", "both") else full
    nuclei = none if empty in ("nuclei", "both") else full
    found = match_nuclei(cells, nuclei)
    assert found.nuclei.max() == 0
    assert found.orphans == (1 if empty == "cells" else 0)
    assert found.counts == ({3: 0} if empty == "nuclei" else {})


def test_one_pixel_nucleus_in_one_pixel_cell() -> None:
    mask = np.zeros((3, 3), int)
    mask[2, 2] = 70000
    found = match_nuclei(mask, (mask > 0).astype(int))
    assert found.nuclei[2, 2] == 70000
    assert found.counts == {70000: 1}


@given(cells=MASKS, nuclei=MASKS)
@settings(max_examples=60, deadline=None)
def test_nuclei_lie_in_their_cells_and_each_is_counted_once(cells: np.ndarray, nuclei: np.ndarray) -> None:
    found = match_nuclei(cells, nuclei)
    inside = found.nuclei > 0
    assert np.array_equal(found.cells[inside], found.nuclei[inside])
    assert np.array_equal(found.cells[cells > 0], cells[cells > 0])  # cells only grow over background
    assert sum(found.counts.values()) + found.orphans == len(np.unique(nuclei[nuclei > 0]))
    assert set(found.counts) == set(np.unique(cells[cells > 0]).tolist())


# --- border


def test_border_cells_are_those_on_the_outermost_rows_and_columns() -> None:
    mask = np.zeros((6, 6), int)
    mask[0, 2], mask[5, 0], mask[3, 5], mask[2:4, 2:4], mask[1, 1] = 4, 11, 2, 6, 9
    assert border_labels(mask).tolist() == [2, 4, 11]
    kept = without_labels(mask, border_labels(mask))
    assert sorted(np.unique(kept).tolist()) == [0, 6, 9]
    assert np.array_equal(kept == 6, mask == 6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2), (5, 4)])
def test_border_of_small_and_empty_masks(shape: tuple[int, int]) -> None:
    assert border_labels(np.zeros(shape, int)).size == 0
    full = np.ones(shape, int)
    assert border_labels(full).tolist() == [1]
    assert without_labels(full, np.array([1])).max() == 0


def test_taking_out_a_label_that_is_not_there_changes_nothing() -> None:
    mask = np.array([[0, 2], [2, 0]])
    assert np.array_equal(without_labels(mask, np.array([1, 99])), mask)


# --- growth from nuclei


def test_a_grown_nucleus_has_the_radius_of_nucleus_plus_distance() -> None:
    nuclei = disc((61, 61), (30, 30), 8).astype(int) * 5
    cells = grow_cells(nuclei, 7)
    assert set(np.unique(cells)) == {0, 5}
    assert equivalent_diameters(cells)[0] == pytest.approx(30, abs=1)


def test_growing_nuclei_meet_and_do_not_overlap() -> None:
    nuclei = np.zeros((9, 20), int)
    nuclei[4, 5], nuclei[4, 12] = 2, 7
    cells = grow_cells(nuclei, 50)
    assert (cells > 0).all()
    assert (cells[:, :8] == 2).all()
    assert (cells[:, 10:] == 7).all()


def test_growth_of_nothing_is_nothing() -> None:
    assert grow_cells(np.zeros((4, 5), int), 3).max() == 0
    assert equivalent_diameters(np.zeros((4, 5), int)).size == 0


def test_growth_by_zero_is_the_nucleus_and_less_is_an_error() -> None:
    nuclei = np.array([[0, 3, 0]])
    assert np.array_equal(grow_cells(nuclei, 0), nuclei)
    with pytest.raises(ValueError, match="got -1"):
        grow_cells(nuclei, -1)


# --- cells grown for nuclei that have none


def stained(
    cells: list[tuple[tuple[int, int], float, float]], size: int = 200
) -> tuple[np.ndarray, np.ndarray]:
    """A cell stain and nuclei of 6 px radius in the middle of cells of given centre, radius and light."""
    stain = np.random.default_rng(0).normal(300, 5, (size, size))
    nuclei = np.zeros((size, size), np.int32)
    for number, (centre, radius, light) in enumerate(cells, start=1):
        stain += light * disc((size, size), centre, radius)
        nuclei[disc((size, size), centre, 6)] = number
    return stain, nuclei


def completed(stain: np.ndarray, nuclei: np.ndarray, cells: np.ndarray | None = None) -> Completed:
    given = np.zeros_like(nuclei) if cells is None else cells.astype(np.int32)
    return complete_cells(given, nuclei, stain, nuclei_diameter=12, distance=6)


def test_dim_cell_beside_bright_ones_is_grown_to_its_own_size() -> None:
    truth = [((50, 50), 14, 20_000), ((50, 100), 14, 600), ((140, 60), 14, 1000), ((140, 140), 14, 1000)]
    found = completed(*stained(truth))
    assert found.origins == {label: "propagated" for label in (1, 2, 3, 4)}
    assert np.bincount(found.cells.ravel())[1:] == pytest.approx(np.pi * 14**2, rel=0.25)


def test_touching_cells_meet_between_their_nuclei() -> None:
    found = completed(*stained([((100, 80), 14, 1000), ((100, 106), 14, 1000)]))
    assert (found.cells[100, 85:91] == 1).all()
    assert (found.cells[100, 96:101] == 2).all()


def test_only_nuclei_in_no_cell_are_completed_and_given_cells_stay() -> None:
    stain, nuclei = stained([((50, 50), 14, 1000), ((50, 120), 14, 1000), ((140, 100), 14, 1000)])
    given = 7 * disc((200, 200), (50, 50), 13).astype(int)
    found = completed(stain, nuclei, given)
    assert found.origins == {7: "cellpose", 8: "propagated", 9: "propagated"}
    assert np.array_equal(found.cells[given > 0], given[given > 0])
    assert match_nuclei(found.cells, nuclei).orphans == 0


def held(*centres: tuple[int, int]) -> Completed:
    """A given cell 7 of 40 × 100 px with nuclei of 12 px diameter at some places."""
    stain, nuclei = stained([(centre, 12, 1000) for centre in centres])
    cells = np.zeros((200, 200), np.int32)
    cells[80:120, 50:150] = 7
    return completed(stain, nuclei, cells)


def test_a_cell_with_the_nuclei_of_two_is_split_between_them() -> None:
    found = held((100, 75), (100, 125))
    assert found.origins == {7: "split", 8: "split"}
    assert (found.cells[80:120, 50:90] == 7).all()
    assert (found.cells[80:120, 110:150] == 8).all()
    assert (found.cells > 0).sum() == 40 * 100


def test_a_binucleate_cell_is_not_split_and_one_with_three_nuclei_is() -> None:
    assert held((100, 93), (100, 107)).origins == {7: "cellpose"}
    assert held((100, 86), (100, 100), (100, 114)).origins == {7: "split", 8: "split", 9: "split"}


def side_by_side(where: str) -> Completed:
    """Two nuclei 16 px apart in one given cell, bright in some place: a membrane, or around the nuclei."""
    stain, nuclei = stained([((100, 92), 1, 0), ((100, 108), 1, 0)])
    y, x = np.mgrid[:200, :200]
    cell = disc((200, 200), (100, 100), 26)
    near = np.exp(-(np.hypot(y - 100, x - 100) ** 2) / (2 * 12**2))
    light = {
        "nowhere": 0 * near,
        "around the nuclei": 2 * near,
        "membrane": 1.0 * (np.abs(x - 100 - 0.15 * (y - 100)) < 2) * np.ones_like(near),
        "ring around one": 1.0 * (np.abs(np.hypot(y - 100, x - 108) - 7.5) < 1),
        "one half": 1.0 * (x > 100),
    }[where]
    return completed(stain + 1000 * cell * (1 + light), nuclei, 7 * cell.astype(np.int32))


@pytest.mark.parametrize("where", ["nowhere", "around the nuclei", "ring around one", "one half"])
def test_nuclei_side_by_side_without_a_membrane_between_them_have_one_cell(where: str) -> None:
    assert side_by_side(where).origins == {7: "cellpose"}


def test_a_membrane_between_nuclei_side_by_side_is_the_border_of_their_cells() -> None:
    found = side_by_side("membrane")
    assert found.origins == {7: "split", 8: "split"}
    for row in (80, 100, 120):
        border = int(np.flatnonzero(np.diff((found.cells[row] == found.cells[row, 90]).astype(int)) == -1)[0])
        assert border == pytest.approx(100 + 0.15 * (row - 100), abs=2.5)


def test_crumbs_of_a_dying_nucleus_do_not_split_its_cell() -> None:
    stain, nuclei = stained([((100, 100), 14, 1000)])
    for number, x in enumerate((80, 90, 110, 120), start=2):
        nuclei[disc((200, 200), (100, x), 3)] = number
    cells = 5 * disc((200, 200), (100, 100), 30).astype(np.int32)
    assert completed(stain, nuclei, cells).origins == {5: "cellpose"}


def test_nucleus_without_stain_is_grown_by_the_distance() -> None:
    stain, nuclei = stained([((50, 50), 14, 1000), ((140, 140), 14, 0)])
    found = completed(stain, nuclei)
    assert found.origins == {1: "propagated", 2: "grown"}
    assert (found.cells == 2).sum() == pytest.approx(np.pi * 12**2, rel=0.1)


def test_crumbs_and_debris_seed_no_cell_and_stay_counted() -> None:
    stain, nuclei = stained([((50, 50), 14, 1000)])
    nuclei[disc((200, 200), (140, 140), 2)] = 2  # alone: a ninth of a nucleus
    nuclei[disc((200, 200), (59, 50), 2)] = 3  # a crumb in the first cell
    found = completed(stain, nuclei)
    assert set(found.origins) == {1}
    matched = match_nuclei(found.cells, nuclei)
    assert (matched.orphans, matched.counts) == (1, {1: 2})


def test_nothing_to_complete_is_nothing_done() -> None:
    empty = np.zeros((40, 50), np.int32)
    assert completed(np.full((40, 50), 9.0), empty).origins == {}
    cells = np.pad(np.full((20, 20), 3, np.int32), 10)
    found = completed(np.full((40, 40), 9.0), np.where(cells, 1, 0).astype(np.int32), cells)
    assert np.array_equal(found.cells, cells)


def test_a_constant_stain_still_gives_each_nucleus_a_cell() -> None:
    nuclei = stained([((50, 50), 1, 0), ((60, 120), 1, 0)])[1]
    assert completed(np.full((200, 200), 7), nuclei).origins == {1: "grown", 2: "grown"}


@given(cells=MASKS, nuclei=MASKS)
@settings(max_examples=40, deadline=None)
def test_completed_cells_keep_the_given_ones_and_hold_every_ordinary_nucleus(
    cells: np.ndarray, nuclei: np.ndarray
) -> None:
    found = complete_cells(cells, nuclei, np.random.default_rng(0).random((9, 11)), 1.0, 1.0)
    whole = np.isin(cells, [label for label, origin in found.origins.items() if origin == "cellpose"])
    assert np.array_equal(found.cells[whole], cells[whole])
    assert (found.cells[cells > 0] > 0).all()
    assert set(found.origins) == set(np.unique(found.cells[found.cells > 0]).tolist())
    before, after = (match_nuclei(mask, nuclei).orphans for mask in (cells, found.cells))
    assert after <= before
    if not cells.any():
        assert after == 0
