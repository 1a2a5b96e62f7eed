"""Measurements against an independent recomputation, against cp_measure, and on known shapes."""

from __future__ import annotations

import numpy as np
import pytest

from masked_cells import CHANNELS, disc, masks, pixels
from morphodose.errors import InputError
from morphodose.imaging.images import Field
from morphodose.measurement.compartments import labels_of
from morphodose.measurement.families import (
    FAMILIES,
    STANDARD,
    family_faults,
    parse_families,
    why_not_measured,
)
from morphodose.measurement.field import MeasurementSettings, feature_units, measure_field
from morphodose.measurement.texture import grey_levels

FIELD = Field(pixels(), CHANNELS, None)


def test_areas_counts_and_intensities_equal_numpy_on_the_pixels_in_every_compartment() -> None:
    cells, nuclei = masks()
    measured = measure_field(FIELD, cells, nuclei)
    assert list(measured.labels) == sorted(set(cells.ravel()) - {0})
    cytoplasm = np.where(nuclei > 0, 0, cells)
    for name, mask in (("Cells", cells), ("Nuclei", nuclei), ("Cytoplasm", cytoplasm)):
        for row, label in enumerate(measured.labels):
            inside = mask == label
            area = measured.features[f"{name}_AreaShape_Area"][row]
            if not inside.any():
                assert np.isnan(area)
                continue
            assert area == inside.sum()
            y, x = np.nonzero(inside)
            assert measured.features[f"{name}_AreaShape_Center_X"][row] == pytest.approx(x.mean(), rel=1e-6)
            assert measured.features[f"{name}_AreaShape_Center_Y"][row] == pytest.approx(y.mean(), rel=1e-6)
            for channel, image in zip(CHANNELS, FIELD.pixels, strict=True):
                values = image[inside].astype(float)
                expected = {
                    "MeanIntensity": values.mean(),
                    "IntegratedIntensity": values.sum(),
                    "StdIntensity": values.std(),
                    "MinIntensity": values.min(),
                    "MaxIntensity": values.max(),
                    "MedianIntensity": np.median(values),
                    "LowerQuartileIntensity": np.percentile(values, 25),
                    "UpperQuartileIntensity": np.percentile(values, 75),
                    "MADIntensity": np.median(np.abs(values - np.median(values))),
                }
                for feature, value in expected.items():
                    found = measured.features[f"{name}_Intensity_{feature}_{channel}"][row]
                    assert found == np.float32(value), (name, feature, channel)
                mass = (values * x).sum() / values.sum()
                found = measured.features[f"{name}_Location_CenterMassIntensity_X_{channel}"][row]
                assert found == pytest.approx(mass, rel=1e-6)


def test_a_cell_without_nucleus_is_nan_in_nuclei_and_all_cytoplasm() -> None:
    cells, nuclei = masks()
    measured = measure_field(FIELD, cells, nuclei)
    row = int(np.flatnonzero(~np.isin(measured.labels, nuclei))[0])
    inside = [name for name in measured.features if name.startswith("Nuclei_")]
    assert inside
    assert all(np.isnan(measured.features[name][row]) for name in inside)
    whole = measured.features["Cells_AreaShape_Area"][row]
    assert measured.features["Cytoplasm_AreaShape_Area"][row] == whole


def test_gaps_in_the_labels_change_nothing_but_the_labels() -> None:
    cells, nuclei = masks()
    table = np.zeros(cells.max() + 1, int)
    table[labels_of(cells)] = np.arange(1, len(labels_of(cells)) + 1)
    gaps, dense = measure_field(FIELD, cells, nuclei), measure_field(FIELD, table[cells], table[nuclei])
    assert list(dense.labels) == list(range(1, 13))
    for name, values in gaps.features.items():
        if "ObjectNumber" not in name:
            np.testing.assert_array_equal(values, dense.features[name], err_msg=name)
        else:
            np.testing.assert_array_equal(table[values.astype(int)], dense.features[name])


def test_an_empty_field_has_the_columns_of_any_other_and_no_rows() -> None:
    cells, nuclei = masks()
    full = measure_field(FIELD, cells, nuclei)
    empty = measure_field(FIELD, np.zeros_like(cells), np.zeros_like(nuclei))
    assert list(empty.features) == list(full.features)
    assert all(len(values) == 0 and values.dtype == np.float32 for values in empty.features.values())


def test_a_field_with_one_cell_is_measured_and_has_no_neighbours() -> None:
    cells = disc((160, 160), 80, 80, 15).astype(np.int32) * 7
    measured = measure_field(FIELD, cells, np.where(disc(cells.shape, 80, 80, 5), 7, 0))
    assert list(measured.labels) == [7]
    features = measured.features
    assert features["Cells_Neighbors_NumberOfNeighbors_Adjacent"][0] == 0
    assert features["Cells_Neighbors_FirstClosestObjectNumber_Adjacent"][0] == 0
    assert np.isnan(features["Cells_Neighbors_FirstClosestDistance_Adjacent"][0])
    undefined = [name for name, values in features.items() if np.isnan(values[0])]
    assert all("Closest" in name or "Angle" in name or "Costes" in name for name in undefined)


def test_cells_none_of_which_has_a_nucleus_keep_the_nuclear_columns() -> None:
    cells, nuclei = masks()
    full = measure_field(FIELD, cells, nuclei)
    bare = measure_field(FIELD, cells, np.zeros_like(nuclei))
    assert sorted(bare.features) == sorted(full.features)
    assert np.isnan(bare.features["Nuclei_AreaShape_Area"]).all()


def test_objects_of_one_two_and_three_pixels_are_measured_without_infinities() -> None:
    cells = np.zeros((160, 160), np.int32)
    cells[10, 10] = 1
    cells[50, 50:52] = 2
    cells[80, 80:82] = cells[81, 80] = 5
    cells[0, 159] = 9
    measured = measure_field(FIELD, cells, np.where(cells == 5, 5, 0))
    np.testing.assert_array_equal(measured.features["Cells_AreaShape_Area"], [1, 2, 3, 1])
    assert measured.features["Cells_Intensity_MeanIntensity_PI"][0] == FIELD.channel("PI")[10, 10]
    assert not any(np.isinf(values).any() for values in measured.features.values())
    # what objects of a few pixels do not have is counted
    assert measured.lacking["Cells without some texture"] == 4
    # a nucleus that fills its cell leaves no cytoplasm
    assert np.isnan(measured.features["Cytoplasm_AreaShape_Area"][2])


def test_a_constant_channel_has_no_correlation_and_no_infinities() -> None:
    cells, nuclei = masks()
    flat = FIELD.pixels.copy()
    flat[2] = 0
    measured = measure_field(Field(flat, CHANNELS, None), cells, nuclei)
    assert np.isnan(measured.features["Cells_Correlation_Correlation_Hoechst_PI"]).all()
    assert not any(np.isinf(values).any() for values in measured.features.values())
    assert (measured.features["Cells_Intensity_IntegratedIntensity_PI"] == 0).all()


def test_a_disc_is_round() -> None:
    cells = disc((160, 160), 80, 80, 40).astype(np.int32)
    found = measure_field(FIELD, cells, None, MeasurementSettings(families=("sizeshape", "zernike"))).features
    assert found["Cells_AreaShape_Area"][0] == pytest.approx(np.pi * 40**2, rel=0.005)
    assert found["Cells_AreaShape_Eccentricity"][0] < 0.02
    assert found["Cells_AreaShape_FormFactor"][0] == pytest.approx(1, abs=0.1)
    assert found["Cells_AreaShape_Solidity"][0] > 0.97
    assert found["Cells_AreaShape_MajorAxisLength"][0] == pytest.approx(80, rel=0.01)
    assert found["Cells_AreaShape_MaxFeretDiameter"][0] == pytest.approx(80, rel=0.03)
    assert found["Cells_AreaShape_Zernike_0_0"][0] == pytest.approx(1, rel=0.01)
    assert found["Cells_AreaShape_Zernike_1_1"][0] < 0.01


def test_an_ellipse_has_its_eccentricity() -> None:
    y, x = np.mgrid[:160, :160]
    cells = (((y - 80) / 20) ** 2 + ((x - 80) / 50) ** 2 <= 1).astype(np.int32)
    found = measure_field(FIELD, cells, None, MeasurementSettings(families=("sizeshape",))).features
    assert found["Cells_AreaShape_Eccentricity"][0] == pytest.approx(np.sqrt(1 - 0.4**2), abs=0.005)


def test_pixel_size_brings_areas_and_lengths_to_um_and_leaves_positions() -> None:
    cells, nuclei = masks()
    px, um = measure_field(FIELD, cells, nuclei), measure_field(Field(pixels(), CHANNELS, 0.5), cells, nuclei)
    units = feature_units(um.features, 0.5)
    assert units["Cells_AreaShape_Area"] == "um2"
    assert units["Nuclei_AreaShape_MaxFeretDiameter"] == "um"
    assert units["Cells_AreaShape_Center_X"] == "px"
    assert units["Cells_Intensity_MeanIntensity_PI"] == "counts"
    assert units["Cells_Intensity_MassDisplacement_PI"] == "um"
    assert units["Cells_Neighbors_FirstClosestDistance_Adjacent"] == "um"
    assert "Cells_Neighbors_FirstClosestObjectNumber_Adjacent" not in units
    assert feature_units(px.features, None)["Cells_AreaShape_Area"] == "px2"
    factor = {"um2": 0.25, "um": 0.5}
    for name, values in px.features.items():
        expected = values * factor.get(units.get(name, ""), 1)
        np.testing.assert_allclose(um.features[name], expected, rtol=1e-6, err_msg=name)


def test_columns_have_cellprofilers_names() -> None:
    cells, nuclei = masks()
    names = set(measure_field(FIELD, cells, nuclei).features)
    assert {
        "Cells_AreaShape_Area",
        "Cells_AreaShape_Zernike_9_9",
        "Nuclei_AreaShape_FormFactor",
        "Nuclei_Intensity_MeanIntensity_PI",
        "Cells_Intensity_IntegratedIntensityEdge_Hoechst",
        "Cells_Location_CenterMassIntensity_X_PI",
        "Cells_Location_MaxIntensity_Y_PI",
        "Cytoplasm_Texture_AngularSecondMoment_PI_3_00_256",
        "Cells_Granularity_1_CellMask",
        "Cytoplasm_RadialDistribution_FracAtD_PI_1of4",
        "Cells_RadialDistribution_RadialCV_PI_4of4",
        "Cells_Correlation_Correlation_Hoechst_PI",
        "Cells_Correlation_Manders_PI_Hoechst",
        "Cells_Neighbors_NumberOfNeighbors_Adjacent",
        "Cells_Neighbors_PercentTouching_10",
    } <= names
    assert not any(name.startswith(("Nuclei_Neighbors", "Cytoplasm_Neighbors")) for name in names)
    assert all(name.split("_")[0] in ("Cells", "Nuclei", "Cytoplasm") for name in names)


def test_without_nuclei_only_cells_are_measured() -> None:
    measured = measure_field(FIELD, masks()[0], None)
    assert all(name.startswith("Cells_") for name in measured.features)


def test_masks_that_do_not_fit_are_errors_with_their_values() -> None:
    cells, nuclei = masks()
    with pytest.raises(InputError, match=r"cell mask is \(150, 160\)"):
        measure_field(FIELD, cells[10:], None)
    with pytest.raises(InputError, match="nucleus 99 belongs to no cell"):
        measure_field(FIELD, cells, np.where(nuclei > 0, 99, 0))


def test_a_label_below_0_is_named() -> None:
    cells = np.zeros((8, 8), np.int32)
    cells[2:4, 2:4] = -7  # what a number above 2³¹ becomes
    field = Field(np.ones((1, 8, 8), np.uint16), ("A",), None)
    with pytest.raises(InputError, match="has the label -7"):
        measure_field(field, cells, None)


# --- texture levels ---


def test_grey_levels_depend_on_the_count_alone_and_never_are_background() -> None:
    image = np.array([[0, 1, 500, 1000, 65535]], np.uint16)
    bright = np.array([[0, 1, 500, 1000, 2]], np.uint16)
    assert list(grey_levels(image)[0, :4]) == list(grey_levels(bright)[0, :4])
    assert (grey_levels(image).min(), grey_levels(image).max()) == (1, 255)
    assert grey_levels(np.array([[0, 255]], np.uint8)).tolist() == [[1, 255]]
    # other types are 16-bit counts; what is not a number takes no part
    assert grey_levels(image.astype(np.float32)).tolist() == grey_levels(image).tolist()
    assert grey_levels(np.array([np.nan, -5, 1e6, np.inf])).tolist() == [0, 1, 255, 255]


def test_linear_grey_levels_are_cellprofilers() -> None:
    from skimage.util import img_as_ubyte

    counts = np.arange(2**16, dtype=np.uint16)
    assert np.array_equal(grey_levels(counts, "linear"), img_as_ubyte(counts / 65535.0))
    assert grey_levels(np.arange(256, dtype=np.uint8), "linear").tolist() == list(range(256))


def test_log_levels_keep_the_texture_of_a_dim_stain_that_linear_levels_lose() -> None:
    cells, _ = masks()
    rng = np.random.default_rng(0)
    dim = rng.poisson(300 + 80 * (np.indices((160, 160)).sum(axis=0) % 6 < 3)).astype(np.uint16)
    inside = cells > 0
    assert len(np.unique(grey_levels(dim, "linear")[inside])) <= 3
    assert len(np.unique(grey_levels(dim, "log")[inside])) > 10


def test_families_are_parsed_in_order_and_unknown_ones_named() -> None:
    assert parse_families("all") == FAMILIES
    assert parse_families("standard") == STANDARD
    assert parse_families("moments, standard") == tuple(n for n in FAMILIES if n in (*STANDARD, "moments"))
    assert parse_families("texture, sizeshape") == ("sizeshape", "texture")
    with pytest.raises(InputError, match="'textures': is not one of"):
        parse_families("textures")
    with pytest.raises(InputError, match="empty"):
        parse_families(" ")


def test_every_column_that_is_measured_is_one_that_may_be() -> None:
    cells, nuclei = masks()
    for family in FAMILIES:
        for name in measure_field(FIELD, cells, nuclei, MeasurementSettings(families=(family,))).features:
            assert why_not_measured(name, CHANNELS, True, (family,)) == "", name


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("Cell_AreaShape_Area", "begins with none of Cells, Nuclei, Cytoplasm"),
        ("Cells_Area", "has none of AreaShape"),
        ("Cells_Intensity_MeanIntensity_GFP", "names none of the channels CellMask, Hoechst, PI"),
        ("Cells_Texture_Contrast_PI2_3_00_256", "names none of the channels"),
        ("Nuclei_AreaShape_Area", "needs a nuclear channel"),
        ("Cells_Texture_Contrast_PI_3_00_256", "needs texture in --features"),
        ("Cells_AreaShape_HuMoment_0", "needs moments in --features"),
        ("Cells_RadialDistribution_ZernikePhase_PI_1_1", "needs radial_zernike in --features"),
        ("Cells_AreaShape_Area", ""),
        ("Cells_Intensity_MeanIntensity_PI", ""),
    ],
)
def test_a_column_that_no_cell_can_have_is_told(column: str, why: str) -> None:
    families = STANDARD if why != "needs texture in --features" else ("sizeshape", "intensity")
    found = why_not_measured(column, CHANNELS, False, families)
    assert why in found and (found == "") == (why == "")


def test_all_unknown_families_are_found() -> None:
    assert [fault.value for fault in family_faults("textures,intensity,shape")] == ["textures", "shape"]
    assert family_faults("all") == family_faults("texture, sizeshape,standard") == []


def test_only_the_families_asked_for_are_measured() -> None:
    cells, nuclei = masks()
    for family, prefix in (("intensity", ("Intensity", "Location")), ("granularity", ("Granularity",))):
        found = measure_field(FIELD, cells, nuclei, MeasurementSettings(families=(family,))).features
        assert {name.split("_")[1] for name in found} == set(prefix)
