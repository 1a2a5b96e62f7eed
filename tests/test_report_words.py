"""Numbers, names, tables and intervals of the report in words."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from morphodose.death import plot
from morphodose.report import (
    answers,
)
from morphodose.report.html import Safe, cell, escape, long_table, picture, table
from morphodose.report.summary import conditions_of
from morphodose.report.words import (
    SINGLE_STATES,
    STATES,
    dose_words,
    duration,
    endpoint_words,
    figure_text,
    listed,
    number,
    percent,
)
from report_screen import screen_of


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.3, "0.3"),
        (1.0, "1"),
        (0.00035, "0.00035"),
        (123.4, "123"),
        (1e-9, "1.0e-09"),
        (float("nan"), "–"),
        (0, "0"),
    ],
)
def test_number_has_the_digits_that_count(value: float, words: str) -> None:
    assert number(value, 2) == words


def test_percent_says_that_little_is_not_nothing() -> None:
    assert [percent(v) for v in (0.0, 0.001, 0.254, -0.02, float("nan"))] == [
        "0 %",
        "<1 %",
        "25 %",
        "−2 %",
        "–",
    ]


def test_endpoint_is_named_in_words_with_its_unit() -> None:
    units = {"MedianViable_Cells_AreaShape_Area": "um2"}
    assert endpoint_words("MedianViable_Cells_AreaShape_Area", units) == "Cell area, viable cells (µm²)"
    assert endpoint_words("Endpoint_translocation") == "translocation"
    assert endpoint_words("Fraction_Lost") == "Cells lost against vehicle"
    assert endpoint_words("Median_Nuclei_Intensity_MeanIntensity_PI") == "Nucleus mean intensity PI"


def test_dose_keeps_its_unit() -> None:
    assert dose_words(0.3, "uM") == "0.3 µM"
    assert dose_words(1000, "nM") == "1000 nM"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_hostile_text_is_escaped_in_every_place() -> None:
    name = """<script>alert("x")</script> & 'q'"""
    assert "<" not in escape(name) and '"' not in escape(name)
    assert "<script" not in table([name], [[name]], name)
    assert figure_text("a$b$") == r"a\$b\$"
    assert cell(Safe("<b>bold</b>")) == "<b>bold</b>"


def test_missing_value_is_a_dash_and_rows_beyond_are_counted() -> None:
    assert [cell(v) for v in (None, float("nan"), True, 0.25)] == ["–", "–", "yes", "0.25"]
    assert "8 more wells" in long_table(["n"], [[i] for i in range(20)], "wells")


def test_picture_must_be_png_jpeg_or_svg() -> None:
    with pytest.raises(ValueError, match="not a PNG or JPEG or SVG"):
        picture(b"GIF89a", "no")


def test_the_colours_of_states_stay_apart_in_grey() -> None:
    """Rec. 601 luma of neighbouring shades differs by a seventh of the scale at least."""
    shades = [colour for _, colour in STATES.values()]
    luma = sorted(
        sum(int(s[i : i + 2], 16) * w for i, w in ((1, 0.299), (3, 0.587), (5, 0.114))) for s in shades
    )
    assert all(high - low > 255 / 7 for low, high in itertools.pairwise(luma))
    # the plots of the gates, which come from another step, have the same
    drawn = {name.replace("_", ""): colour for name, colour in plot._COLOURS.items()}
    assert drawn == {name.lower(): colour for name, (_, colour) in (STATES | SINGLE_STATES).items()}


@pytest.mark.parametrize(("seconds", "text"), [(3.24, "3.2 s"), (720, "12 min"), (16200, "4.5 h")])
def test_a_duration_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


# an EC50 in words


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"State": "fitted", "EC50": 1.23, "EC50_Low": 0.9, "EC50_High": 1.6}, "1.23 µM (0.9 – 1.6)"),
        ({"State": "fitted", "EC50": 1.23, "EC50_Low": 0.9, "EC50_High": np.nan}, "1.23 µM (above 0.9)"),
        ({"State": "fitted", "EC50": 1.23}, "1.23 µM (not bounded)"),
        ({"State": "unbounded", "EC50_Low": 38.0, "Dose_Max": 100.0}, "> 38 µM"),
        ({"State": "unbounded", "EC50_Low": None, "EC50_High": 0.2}, "< 0.2 µM"),
        ({"State": "unbounded", "Dose_Max": 100.0}, "> 100 µM"),
        ({"State": "refused", "EC50": np.nan}, "no EC50"),
    ],
)
def test_ec50_is_never_a_number_without_its_state(row: dict[str, Any], words: str) -> None:
    row = {"Metadata_DoseUnit": "uM", **row}
    assert answers.ec50_words(row) == words
    assert str(row["State"]) in answers.ec50_phrase(row)


def test_an_effect_that_turns_is_told_with_its_ec50() -> None:
    row = {"State": "fitted", "EC50": 1.0, "EC50_Low": 0.5, "EC50_High": 2.0, "Turn": "it falls back above 3"}
    assert answers.ec50_phrase(row).endswith("fitted; it falls back above 3")


# means over wells


def test_interval_is_over_wells_and_missing_for_one_well() -> None:
    screen = screen_of(conditions=pd.DataFrame())
    screen.wells["Count_CellsPerField"] = 10.0
    treated = screen.wells[
        (screen.wells["Metadata_Dose"] == 1.0) & (screen.wells["Metadata_Timepoint"] == 4)
    ].index
    screen.wells.loc[treated, "Count_CellsPerField"] = [10.0, 14.0]
    found = conditions_of(screen, "Staurosporine", "Count_CellsPerField")
    row = found[(found["Dose"] == 1.0) & (found["Timepoint"] == 4)].iloc[0]
    assert row["Mean"] == 12.0
    # Student's t with one degree of freedom is 12.706, the standard error 2
    assert row["High"] == pytest.approx(12 + 2 * 12.706, rel=1e-4)
    one = replace(screen, wells=screen.wells.drop(treated[0]))
    row = (
        conditions_of(one, "Staurosporine", "Count_CellsPerField")
        .query("Dose == 1 and Timepoint == 4")
        .iloc[0]
    )
    assert row["Wells"] == 1 and np.isnan(row["Low"])


def test_table_of_conditions_is_believed_where_it_has_the_endpoint() -> None:
    screen = screen_of()
    screen.conditions["Mean"] = 0.5
    assert set(conditions_of(screen, "Staurosporine", "Fraction_Dying")["Mean"]) == {0.5}
    assert set(conditions_of(screen, "Staurosporine", "Fraction_Dying")["Dose"]) == {0.0, 1.0, 10.0}
    assert len(conditions_of(screen, "Staurosporine", "MedianViable_Cells_AreaShape_Area"))
