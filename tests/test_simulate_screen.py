"""The design of the simulated screen."""

from __future__ import annotations

import pytest

from morphodose.design.filenames import Name, preset_pattern
from morphodose.errors import InputError
from morphodose.names import normalise_well
from morphodose.simulate.screen import (
    PRESETS,
    acquisitions,
    configure,
    plane_name,
    plane_paths,
    plate_wells,
    plates,
    position_factor,
    well_timepoints,
)


def test_the_reference_screen_has_the_numbers_of_the_design():
    screen = PRESETS["reference"]
    assert len(well_timepoints(screen)) == 144
    assert len(well_timepoints(screen)) * screen.fields == 1296
    assert len(set(plane_paths(screen))) == 38_880
    assert 0.9e6 < 1296 * screen.density < 1.1e6
    assert len(screen.doses) == 7
    assert [a.hours for a in acquisitions(screen)][::3] == [4, 8, 16, 24, 48, 72]
    assert next(plane_paths(screen)) == "images/4hrs_R1/W0001F0001T0001Z001C1.tif"


def test_the_demo_plate_has_its_controls_in_every_acquisition():
    screen = PRESETS["demo"]
    roles = [well.role for well in plate_wells(screen)]
    assert roles.count("vehicle") == 2
    assert roles.count("positive") == 1
    assert roles.count("treated") == 5
    assert len(acquisitions(screen)) == 6
    assert {a.name for a in acquisitions(screen)} == {
        f"Time_{t}hrs_R{r}" for t in (24, 48) for r in (1, 2, 3)
    }


def test_names_parse_with_the_cq1_preset():
    name = preset_pattern("cq1").parse(plane_name(12, 3, 6, 5))
    assert isinstance(name, Name)
    assert (normalise_well(name.well), name.field, name.z, name.channel) == ("A12", 3, 6, "5")


def test_wells_are_numbered_row_by_row():
    for well in plate_wells(configure("demo", shuffle=True)):
        assert normalise_well(f"W{well.number:04d}") == well.name


def test_shuffled_wells_hold_the_same_contents_in_other_places():
    ordered, shuffled = (plate_wells(configure("demo", shuffle=flag)) for flag in (None, True))
    assert sorted(w.dose for w in ordered) == sorted(w.dose for w in shuffled)
    assert [w.name for w in ordered] != [w.name for w in shuffled]
    assert len({w.name for w in shuffled}) == len(shuffled)


def test_replicates_shuffled_apart_are_plates_with_layouts_of_their_own():
    screen = configure("demo", shuffle_replicates=True)
    layouts = [plate_wells(screen, replicate) for replicate in (1, 2, 3)]
    assert len({tuple(w.name for w in layout) for layout in layouts}) == 3
    assert len({tuple(sorted(w.dose for w in layout)) for layout in layouts}) == 1
    assert plates(screen) == ["P1", "P2", "P3"]
    assert acquisitions(screen)[1].name == "P2_Time_24hrs_R2"
    ids = well_timepoints(screen)
    assert len(set(ids)) == len(ids) == 6 * 8
    assert ids[0] == f"P1_Time_24hrs_R1_Well_{layouts[0][0].name}"
    assert len(set(plane_paths(screen))) == len(ids) * screen.optics.planes * 5


def test_a_single_replicate_shuffled_apart_has_no_plate_in_its_names():
    screen = configure("demo", shuffle_replicates=True, replicates=1)
    assert acquisitions(screen)[0].name == "Time_24hrs_R1" and plates(screen) == ["P1"]


def test_a_smaller_field_keeps_the_crowding_unless_a_density_is_given():
    assert configure("demo", size=180).density == pytest.approx(PRESETS["demo"].density / 4)
    assert configure("demo", size=180, density=30.0).density == 30
    assert configure("reference", planes=2).optics.planes == 2
    assert configure("reference", planes=2).optics.z_step == PRESETS["reference"].optics.z_step


def test_position_bias_is_even_around_the_middle_of_the_plate():
    screen = configure("demo", position_bias=0.3)
    assert position_factor(screen, "A01") == pytest.approx(0.7)
    assert position_factor(screen, "H12") == pytest.approx(1.3)
    assert position_factor(configure("demo"), "A01") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"doses": (1.0, 1.0)}, "--doses"),
        ({"doses": (0.0, 1.0)}, "--doses"),
        ({"times": (-4.0,)}, "--times"),
        ({"fields": 0}, "--fields"),
        ({"planes": 0}, "--planes"),
        ({"out_of_focus": 1.5}, "--out_of_focus"),
        ({"illumination": 1.0}, "--illumination"),
        ({"position_bias": 1.5}, "--position_bias"),
        ({"cell_diameter": 1000.0}, "--cell_diameter"),
        ({"dose_wells": 20}, "103 wells do not fit"),
    ],
)
def test_an_impossible_design_is_refused_by_the_name_of_its_option(options, message):
    with pytest.raises(InputError, match=message):
        configure("demo", **options)
