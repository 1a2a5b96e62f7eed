"""One rendered field: pixels, masks and table say the same."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import regionprops

from morphodose.simulate.field import CHANNELS, STATES, Look, Optics, SimulatedField, render_field
from morphodose.simulate.looks import SHAPES, STAINS
from morphodose.simulate.shapes import make_cells, place_cells, rasterise

MIXED = (0.4, 0.2, 0.25, 0.15)


def field(seed: int = 0, **options) -> SimulatedField:
    return render_field(np.random.default_rng(seed), **{"fractions": MIXED, **options})


@pytest.fixture(scope="module")
def mixed() -> list[SimulatedField]:
    return [field(seed, morphology=0.5) for seed in range(8)]


def test_labels_are_consecutive_and_each_has_its_row(mixed):
    for one in mixed:
        n = len(one.table["ObjectLabel"])
        np.testing.assert_array_equal(np.unique(one.cells), np.arange(n + 1))
        np.testing.assert_array_equal(one.table["ObjectLabel"], np.arange(1, n + 1))
        np.testing.assert_array_equal(one.table["Area"], np.bincount(one.cells.ravel())[1:])
        assert all(len(values) == n for values in one.table.values())


def test_each_cell_is_one_connected_piece_with_its_centre_in_the_table(mixed):
    one = mixed[0]
    for label, x, y in zip(
        one.table["ObjectLabel"], one.table["Center_X"], one.table["Center_Y"], strict=True
    ):
        rows, columns = np.nonzero(one.cells == label)
        assert (x, y) == pytest.approx((columns.mean(), rows.mean()))
        if not one.table["TouchesBorder"][label - 1]:
            assert ndimage.label(one.cells == label)[1] == 1


def test_nuclei_lie_in_their_cells_under_the_same_label(mixed):
    for one in mixed:
        inside = one.nuclei > 0
        np.testing.assert_array_equal(one.nuclei[inside], one.cells[inside])
        areas = np.bincount(one.nuclei.ravel(), minlength=one.cells.max() + 1)[1:]
        np.testing.assert_array_equal(areas, one.table["NucleusArea"])
        assert (areas[~one.table["TouchesBorder"]] > 20).all()


def test_the_border_flag_is_true_exactly_where_a_label_is_on_the_outermost_pixels(mixed):
    for one in mixed:
        edge = np.concatenate([one.cells[0], one.cells[-1], one.cells[:, 0], one.cells[:, -1]])
        on_edge = np.isin(one.table["ObjectLabel"], edge)
        np.testing.assert_array_equal(one.table["TouchesBorder"], on_edge)


def test_many_cells_touch_a_neighbour_and_the_table_counts_them():
    one = field(1, fractions=None)
    assert (one.table["Touching"] > 0).mean() > 0.4
    label = int(one.table["Touching"].argmax()) + 1
    cross = ndimage.generate_binary_structure(2, 1)
    around = one.cells[ndimage.binary_dilation(one.cells == label, cross)]
    assert len(np.setdiff1d(around, [0, label])) == one.table["Touching"][label - 1]


def test_cells_have_the_diameter_that_was_asked_for():
    for diameter in (30.0, 40.0, 60.0):
        areas = []
        for seed in range(4):
            one = field(seed, fractions=None, cell_diameter=diameter, n_cells=20, clustering=0.0)
            areas += list(one.table["Area"][~one.table["TouchesBorder"]])
        assert np.sqrt(4 * np.mean(areas) / np.pi) == pytest.approx(diameter, rel=0.06)


def test_dying_cells_shrink_and_their_nuclei_condense(mixed):
    size = {}
    for state in STATES:
        areas = [
            one.table["Area"][(one.table["State"] == state) & ~one.table["TouchesBorder"]] for one in mixed
        ]
        nuclei = [
            one.table["NucleusArea"][(one.table["State"] == state) & ~one.table["TouchesBorder"]]
            for one in mixed
        ]
        size[state] = (np.concatenate(areas).mean(), np.concatenate(nuclei).mean())
    assert size["late_apoptotic"][0] < size["early_apoptotic"][0] < size["viable"][0]
    assert size["late_apoptotic"][1] < size["necrotic"][1] < size["viable"][1]


def test_dying_cells_are_round_and_the_apoptotic_ones_bleb():
    """Round: the moments of the outline; blebs: lobes and bays that a necrotic cell, as round, has not."""
    shapes: dict[str, list[tuple[float, float, float]]] = {state: [] for state in STATES}
    for seed in range(4):
        one = field(seed, cell_diameter=80.0, size=600, n_cells=30, optics=Optics(planes=1))
        for cell in regionprops(one.cells):
            if not one.table["TouchesBorder"][cell.label - 1]:
                form_factor = 4 * np.pi * cell.area / cell.perimeter**2
                state = one.table["State"][cell.label - 1]
                shapes[state].append((cell.eccentricity, form_factor, cell.solidity))
    eccentricity, form_factor, solidity = (
        {state: float(np.median([cell[number] for cell in cells])) for state, cells in shapes.items()}
        for number in range(3)
    )
    for state in STATES[1:]:
        assert eccentricity[state] < eccentricity["viable"] - 0.15
        assert form_factor[state] > form_factor["viable"]
    for state in ("early_apoptotic", "late_apoptotic"):
        assert solidity[state] < solidity["necrotic"] - 0.008
        assert form_factor[state] < form_factor["necrotic"]


def stain_by_state(fields: list[SimulatedField], channel: str, mask: str) -> dict[str, np.ndarray]:
    """Mean counts of the cells (or nuclei) of each state, in the projection, without border cells."""
    found: dict[str, list[float]] = {state: [] for state in STATES}
    for one in fields:
        image = one.planes.max(axis=0)[CHANNELS.index(channel)].astype(float)
        for label in one.table["ObjectLabel"][~one.table["TouchesBorder"]]:
            here = getattr(one, mask) == label
            found[one.table["State"][label - 1]].append(float(image[here].mean()))
    return {state: np.array(values) for state, values in found.items()}


@pytest.mark.parametrize(
    ("channel", "mask", "positive"),
    [
        ("AnnexinV", "cells", ("early_apoptotic", "late_apoptotic")),
        ("PI", "nuclei", ("late_apoptotic", "necrotic")),
    ],
)
def test_the_right_dye_is_in_the_right_state_with_little_overlap(mixed, channel, mask, positive):
    stain = stain_by_state(mixed, channel, mask)
    bright = np.concatenate([stain[state] for state in positive])
    dim = np.concatenate([stain[state] for state in STATES if state not in positive])
    gates = np.sort(np.concatenate([bright, dim]))
    error = min(((dim > gate).mean() + (bright <= gate).mean()) / 2 for gate in gates)
    assert error < 0.02
    for state in positive:
        assert np.median(stain[state]) > 2 * np.median(dim)


def test_condensed_nuclei_are_brighter_in_hoechst(mixed):
    stain = stain_by_state(mixed, "Hoechst", "nuclei")
    assert np.median(stain["late_apoptotic"]) > 1.3 * np.median(stain["viable"])
    assert np.median(stain["necrotic"]) < np.median(stain["viable"])


def test_the_same_generator_state_gives_the_same_pixels():
    first, second, other = field(5, size=120), field(5, size=120), field(6, size=120)
    np.testing.assert_array_equal(first.planes, second.planes)
    np.testing.assert_array_equal(first.cells, second.cells)
    assert not np.array_equal(first.planes, other.planes)


def test_shape_and_depth_are_those_of_the_camera():
    one = field(size=128, optics=Optics(planes=4))
    assert one.planes.shape == (4, 5, 128, 128)
    assert one.planes.dtype == np.uint16
    assert one.cells.shape == one.nuclei.shape == (128, 128)


def test_an_empty_field_has_background_and_an_empty_table():
    one = field(n_cells=0)
    assert one.cells.max() == one.nuclei.max() == 0
    assert len(one.table["Area"]) == len(one.table["State"]) == 0
    assert 100 < one.planes[:, 1:].mean() < 250


def test_a_field_of_one_cell_is_possible():
    seeds = (field(seed, n_cells=1, fractions=None) for seed in range(30))
    assert any(len(one.table["Area"]) == 1 for one in seeds)


def test_lost_cells_leave_the_field():
    counts = [np.mean([field(s, lost=lost).cells.max() for s in range(6)]) for lost in (0.0, 0.5, 1.0)]
    assert counts[1] == pytest.approx(counts[0] / 2, rel=0.2)
    assert counts[2] == 0


@pytest.mark.parametrize("channel", [1, 2])
def test_a_field_out_of_focus_is_blurred_and_the_middle_plane_is_the_sharpest_in_focus(channel):
    def sharpness(one: SimulatedField) -> np.ndarray:
        smooth = [ndimage.gaussian_filter(plane[channel].astype(float), 1.0) for plane in one.planes]
        return np.array([ndimage.laplace(image).var() for image in smooth])

    optics = {"planes": 5, "focus_jitter": 0.0}
    good = sharpness(field(2, fractions=None, optics=Optics(**optics)))
    bad = sharpness(field(2, fractions=None, optics=Optics(**optics, defocus=18)))
    assert good.argmax() == 2
    assert good.max() > 5 * bad.max()


def test_vignetting_darkens_the_corners_and_noise_can_be_switched_off():
    clean = field(n_cells=0, optics=Optics(noise=0, illumination=0.5)).planes[0, 2].astype(int)
    assert clean[180, 180] - 120 > 1.7 * (clean[0, 0] - 120)
    noisy = field(n_cells=0, optics=Optics(illumination=0)).planes[0, 2].astype(float)
    assert noisy.std() > 5


def test_shrinking_changes_no_cell_from_touching_the_border_to_not_touching_it():
    """Else leaving out border cells would favour the small, dead ones."""
    shares = []
    for state in (0, 2):
        inner = total = 0
        for seed in range(12):
            rng = np.random.default_rng(seed)
            x, y = place_cells(rng, 60, 432, 27.0)
            cells = make_cells(rng, x, y, np.full(len(x), state), 40.0, 0.0, (36, 395))
            owner, _ = rasterise(cells, 432)
            view = owner[36:396, 36:396]
            edge = np.unique(np.concatenate([view[0], view[-1], view[:, 0], view[:, -1]]))
            seen = np.unique(view)
            inner += len(np.setdiff1d(seen, np.append(edge, 0)))
            total += len(np.setdiff1d(seen, [0]))
        shares.append(inner / total)
    assert shares[0] == pytest.approx(shares[1], abs=0.01)


def test_fractions_that_are_no_shares_are_refused():
    with pytest.raises(ValueError, match="sum to 1"):
        field(fractions=(0.5, 0.5, 0.5, 0.5))
    with pytest.raises(ValueError, match="zombie"):
        field(fractions={"zombie": 1.0})


@pytest.mark.parametrize("stain", STAINS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_look_lights_the_cells_and_not_the_background(stain, shape):
    look = Look(stain=stain, shape=shape)
    one = field(3, size=240, n_cells=14, fractions=None, optics=Optics(noise=0, illumination=0), look=look)
    image = one.planes.max(axis=0)[2].astype(float)
    inside = image[one.cells > 0].mean()
    assert inside > 1.5 * np.median(image[one.cells == 0])
    if stain == "membrane":  # the outline is brighter than what it encloses
        depth = ndimage.distance_transform_edt(one.cells > 0)
        assert image[(depth > 0) & (depth < 4)].mean() > 1.5 * image[depth > 8].mean()


def test_spindles_are_longer_and_stars_less_solid_than_spread_cells():
    shape = {}
    for name in SHAPES:
        one = field(4, size=400, n_cells=30, fractions=None, look=Look(shape=name))
        props = [p for p in regionprops(one.cells) if not one.table["TouchesBorder"][p.label - 1]]
        shape[name] = np.median(
            [(p.axis_major_length / p.axis_minor_length, p.solidity) for p in props], axis=0
        )
    assert shape["spindle"][0] > 2 * shape["spread"][0]
    assert shape["star"][1] < shape["spread"][1] - 0.1


def test_decades_spread_the_brightness_of_cells_and_of_nuclei():
    one = field(5, size=500, n_cells=80, fractions=None, look=Look(decades=2, nuclear_decades=1))
    for name, decades in (("CellMask", 2), ("Hoechst", 1)):
        level = np.log10(one.table[f"Level_{name}"])
        assert np.ptp(level) == pytest.approx(decades, abs=0.5)


def test_few_bright_leaves_that_share_of_the_cells_in_the_upper_half():
    one = field(5, size=700, n_cells=220, fractions=None, look=Look(decades=2, few_bright=3))
    # 620 electrons are the middle of cells at full brightness
    assert (one.table["Level_CellMask"] > 620 / 10).mean() == pytest.approx(0.5**3, abs=0.08)


def light_above_background(one):
    """Cell stain and nuclear stain of a noiseless field, their background subtracted."""
    planes = one.planes[1].astype(float)
    return [planes[c] - np.median(planes[c][one.cells == 0]) for c in (2, 1)]


def test_strength_weakens_the_cell_stain_and_not_the_nuclei():
    dark = {"optics": Optics(noise=0, illumination=0), "fractions": None, "size": 240, "n_cells": 10}
    full, weak = (field(9, look=Look(strength=s), **dark) for s in (1.0, 0.2))
    (cells, nuclei), (weak_cells, weak_nuclei) = light_above_background(full), light_above_background(weak)
    inside = full.cells > 0
    assert weak_cells[inside].mean() / cells[inside].mean() == pytest.approx(0.2, rel=0.03)
    assert weak_nuclei[inside].mean() == pytest.approx(nuclei[inside].mean(), rel=0.01)


def test_cells_that_spread_further_close_the_layer():
    dense = {"fractions": None, "size": 400, "n_cells": 95, "clustering": 0.0}
    loose, closed = (field(10, look=Look(spreading=s), **dense) for s in (1.0, 1.45))
    assert (closed.cells == 0).mean() < 0.5 * (loose.cells == 0).mean()
    assert np.median(closed.table["Area"]) > 1.1 * np.median(loose.table["Area"])


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_healthy_cells_have_two_nuclei_apart_as_often_as_said(share):
    one = field(11, size=400, n_cells=20, fractions=None, look=Look(binucleate=share))
    inner = [
        k for k, cut in zip(one.table["ObjectLabel"], one.table["TouchesBorder"], strict=True) if not cut
    ]
    pieces = [ndimage.label(one.nuclei == k)[1] for k in inner]
    assert np.mean(pieces) == pytest.approx(1 + share, abs=0.15)


def test_grains_leave_the_cell_dark_between_them():
    def darkness(stain):
        """Middle of a cell's light over its brightest."""
        optics = Optics(noise=0, illumination=0)
        one = field(12, fractions=None, n_cells=20, optics=optics, look=Look(stain=stain))
        cells, _ = light_above_background(one)
        within = [cells[one.cells == k] for k in one.table["ObjectLabel"]]
        return np.median([np.median(c) / np.percentile(c, 99) for c in within])

    assert darkness("grains") < 0.25
    assert darkness("cytoplasm") > 0.4


def test_seams_lie_between_neighbours_and_a_soluble_protein_fades_towards_the_border():
    closed = {"fractions": None, "n_cells": 70, "optics": Optics(noise=0, illumination=0)}
    profile = {}
    for stain in ("seams", "soluble"):
        one = field(13, look=Look(stain=stain, spreading=1.4), **closed)
        cells, _ = light_above_background(one)
        depth = sum(ndimage.distance_transform_edt(one.cells == k) for k in one.table["ObjectLabel"])
        between = (depth > 0) & (depth < 2.5) & (ndimage.distance_transform_edt(one.cells > 0) > 4)
        profile[stain] = cells[between].mean() / cells[depth > 6].mean()
    assert profile["seams"] > 1.05
    assert profile["soluble"] < 0.75


def test_haze_gradient_and_debris_add_light_where_no_cell_is():
    plain = {"fractions": None, "size": 240, "n_cells": 8}
    dark = Optics(noise=0, illumination=0)
    background = field(6, optics=dark, **plain)
    outside = ndimage.distance_transform_edt(background.cells == 0) > 10
    base = background.planes[1, 2][outside].astype(float)
    hazy = field(6, optics=Optics(noise=0, illumination=0, haze=0.5), **plain).planes[1, 2][outside]
    assert hazy.mean() > base.mean() + 20
    sloped = field(6, optics=Optics(noise=0, illumination=0, gradient=300), **plain).planes[1, 2][outside]
    assert np.ptp(sloped - base) == pytest.approx(300 * Optics().gain, rel=0.1)
    dirty = field(7, n_cells=0, size=240, optics=dark, look=Look(debris=20))
    assert dirty.cells.max() == 0
    assert dirty.planes[1, 2].max() > 500


def test_the_corner_of_a_vignetted_field_has_the_light_it_is_said_to_have():
    empty = field(8, n_cells=0, optics=Optics(noise=0, illumination=0.6)).planes[1, 2].astype(float) - 120
    assert empty[0, 0] / empty[180, 180] == pytest.approx(0.4, abs=0.05)


def test_unknown_looks_are_refused():
    with pytest.raises(ValueError, match="velvet"):
        Look(stain="velvet")
    with pytest.raises(ValueError, match="cube"):
        Look(shape="cube")
    with pytest.raises(ValueError, match="0 or more"):
        Look(decades=-1)
    with pytest.raises(ValueError, match="above 0"):
        Look(strength=0)
    with pytest.raises(ValueError, match="share"):
        Look(binucleate=1.5)
