"""Classes of dose and time."""

from __future__ import annotations

import pytest

from evaluation_tables import content
from morphodose.errors import InputError
from morphodose.evaluation.labels import (
    Content,
    dose_classes,
    groups_of,
    is_vehicle,
    parse_labels,
    time_classes,
)
from morphodose.platemap import PlateMap


def test_vehicle_is_the_first_class_and_doses_ascend():
    classes, of = dose_classes([content(10), content(0.3), content(0), content(2)])
    assert classes.names == ("vehicle", "0.3", "2", "10")
    assert classes.values == (0, 0.3, 2, 10)
    assert (classes.ordinal, classes.unit) == (True, "uM")
    assert of[content(0.3)] == "0.3"


def test_controls_and_empty_wells_have_no_class():
    positive, empty = content(10, "positive"), Content("", None, "", "empty")
    classes, of = dose_classes([content(0), content(1), positive, empty])
    assert of[positive] is None and of[empty] is None
    assert classes.names == ("vehicle", "1")


def test_doses_of_several_compounds_carry_their_name_and_have_no_order():
    classes, _ = dose_classes([content(0), content(1), content(1, compound="Aspirin"), content(3)])
    assert classes.names == ("vehicle", "Aspirin 1", "Drug 1", "Drug 3")
    assert not classes.ordinal


def test_vehicles_of_several_compounds_are_one_class():
    other = Content("Water", 0.0, "uM", "vehicle")
    classes, of = dose_classes([content(0), other, content(1)])
    assert classes.names == ("vehicle", "1") and of[other] == of[content(0)] == "vehicle"


def test_doses_that_agree_in_six_digits_stay_apart():
    classes, _ = dose_classes([content(1.0000001), content(1.0000002)])
    assert classes.names == ("1.0000001", "1.0000002")


def test_a_treated_well_without_a_dose_is_named():
    with pytest.raises(InputError, match="treated well with 'Drug' has no dose"):
        dose_classes([content(None, "treated"), content(0)])


def test_times_are_named_by_their_hours():
    classes, of = time_classes([48.0, 4.0, 0.5, 48.0])
    assert classes.names == ("0.5", "4", "48")
    assert of[0.5] == "0.5" and classes.unit == "h"


def test_a_label_that_does_not_exist_is_named():
    assert parse_labels("time, dose") == ("time", "dose")
    for text in ("dose,shape", "", ","):
        with pytest.raises(InputError, match="--labels"):
            parse_labels(text)


def test_groups_have_classes_of_their_own_and_it_is_said():
    wells = {
        ("P", f"{'ABC'[line]}0{column + 1}"): {
            "Metadata_Compound": "Drug" if column else "DMSO", "Metadata_Dose": float(column),
            "Metadata_DoseUnit": "uM", "Metadata_Role": "treated" if column else "vehicle",
            "Metadata_CellLine": ("HeLa", "A549")[line],
        }
        for line in (0, 1)
        for column in range(3)
    }  # fmt: skip
    names = ("Metadata_Compound", "Metadata_Dose", "Metadata_DoseUnit", "Metadata_Role", "Metadata_CellLine")
    groups, (note,) = groups_of(PlateMap(names, wells), wells, "auto")
    assert note.startswith("classes of dose are divided by CellLine")
    contents = [
        Content(w["Metadata_Compound"], w["Metadata_Dose"], "uM", w["Metadata_Role"], groups[at])
        for at, w in wells.items()
    ]
    classes, of = dose_classes(contents)
    assert classes.names == (
        "vehicle, CellLine=A549", "vehicle, CellLine=HeLa",
        "1, CellLine=A549", "2, CellLine=A549", "1, CellLine=HeLa", "2, CellLine=HeLa",
    )  # fmt: skip
    assert classes.values == (0, 0, 1, 2, 1, 2) and not classes.ordinal and classes.unit == "uM"
    assert of[contents[0]] == "vehicle, CellLine=HeLa" and is_vehicle(of[contents[0]])
    assert groups_of(PlateMap(names, wells), wells, "none") == ({}, [])
    # of one line alone there are images
    assert groups_of(PlateMap(names, wells), [at for at in wells if at[1][0] == "A"], "auto") == ({}, [])
