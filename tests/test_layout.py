"""Layouts that cannot tell dose from place, and those that can."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from morphodose.responses.correction import correct
from morphodose.responses.fit import respond
from morphodose.responses.gathering import gather
from morphodose.responses.layout import layout_doubt
from morphodose.responses.select import check_wells
from morphodose.responses.timecourse import time_courses

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from simulated_wells import plates


def series_of(layout, place="nothing", seed=0, effect=0.0, batches=1):
    """Series of the compounds of a layout; an effect grows from a dose of 1 on."""
    wells = plates(layout, place, np.random.default_rng(seed), batches)
    share = 1 / (1 + (1 / np.maximum(wells["Metadata_Dose"], 1e-9)) ** 1.5)
    wells["Endpoint_X"] = wells["Value"] + effect * share
    return gather(check_wells(wells, "simulated"), ["Endpoint_X"])


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ("doses along columns, vehicle in columns 1 and 12", "run along the rows or columns"),
        ("doses along columns, turned on plate 2", "run along the rows or columns"),
        ("doses down rows, vehicle in columns 1 and 2", "run along the rows or columns"),
        ("random inside, vehicle in columns 1 and 12", "stand in two columns, on either side"),
        ("random inside, vehicle in column 1", "stand in one column"),
        ("random inside, vehicle on the edge", "on the edge of the plate"),
        ("all at random, anew on each plate", ""),
        ("random inside, vehicle in columns 2 and 11", ""),
        ("one row per compound in random order, vehicle in columns 6 and 7", ""),
    ],
)
def test_what_the_layout_alone_says(layout, words):
    found = {layout_doubt(one, None) for one in series_of(layout)}
    assert all(words in each for each in found) and ("" in found) == (words == "")


def test_a_place_that_moves_the_vehicle_wells_marks_what_it_could_explain_and_no_more():
    one = series_of("all at random, anew on each plate", "gradient along columns 0.2")[0]
    assert "row, column and edge move the vehicle wells" in layout_doubt(one)
    one = series_of("all at random, anew on each plate", "gradient along columns 0.2", effect=1.0)[0]
    assert layout_doubt(one) == ""


def test_an_effect_of_vehicle_wells_in_columns_of_their_own_is_marked():
    layout = "random inside, vehicle in columns 2 and 11"
    words = []
    for one in series_of(layout):
        above = one.values + 0.2 * (one.doses > 0)
        words.append(layout_doubt(replace(one, values=above)))
    assert sum("the vehicle wells stand in columns of their own" in each for each in words) >= 6
    assert layout_doubt(series_of(layout, effect=1.0)[0]) == ""


def test_places_that_are_alike_on_all_plates_are_counted_once():
    rng, layout = np.random.default_rng(3), "all at random, alike on all plates"
    words = []
    for one in series_of(layout, batches=2):
        places = {well: rng.normal(0, 0.3) for well in one.wells}
        moved = one.values + [places[well] for well in one.wells]
        words.append(layout_doubt(replace(one, values=moved)))
    assert sum(each != "" for each in words) >= 13  # of 16: 5 % pass by chance
    assert sum("each place counted once" in each for each in words) >= 8
    assert {layout_doubt(one) for one in series_of(layout, effect=1.0)} == {""}


def test_an_edge_is_not_corrected_by_vehicle_wells_of_another_edge():
    layout, rng = "random inside, vehicle in columns 2 and 11", np.random.default_rng(0)
    wells = check_wells(plates(layout, "nothing", rng, 1).rename(columns={"Value": "Endpoint_X"}), "w")
    said = correct(wells, ["Endpoint_X"], ("edge",))[1]
    assert set(said.values()) == {"no vehicle well stands in the outer columns"}
    assert set(correct(wells, ["Endpoint_X"], ("row", "column"))[1].values()) == {""}


def test_onsets_in_a_layout_that_cannot_tell_dose_from_place_are_marked():
    series = series_of("doses along columns, vehicle in columns 1 and 12")
    assert all("run along" in row["Layout"] for row in time_courses(series, ["Endpoint_X"])[0])
    series = series_of("all at random, anew on each plate")
    assert {row["Layout"] for row in time_courses(series, ["Endpoint_X"])[0]} == {None}


@pytest.mark.parametrize("terms", [(), ("row", "column", "edge")])
def test_with_places_that_matter_inactive_compounds_are_not_believed(terms):
    for layout in ("all at random, alike on all plates", "random inside, vehicle in columns 1 and 12"):
        wells = plates(layout, "outer wells and both gradients", np.random.default_rng(5), 2)
        wells = check_wells(wells.rename(columns={"Value": "Endpoint_X"}), "simulated")
        rows = respond(gather(correct(wells, ["Endpoint_X"], terms)[0], ["Endpoint_X"]))[0]
        assert sum(row["State"] != "refused" and not row["Layout"] for row in rows) <= 1
