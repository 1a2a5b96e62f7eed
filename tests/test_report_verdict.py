"""The verdict of the report: what is sound, what is a remark, what is a fault, and where each leads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from morphodose.report import (
    compound,
    shape,
    verdict,
)
from morphodose.report.places import place_checks
from morphodose.report.tiles import Tiles
from report_screen import screen_of, text_of
from report_tables import Tables


def test_sound_screen_is_called_sound() -> None:
    screen = screen_of()
    screen.images["Metadata_QCVerdict"] = "keep"
    assert {check.state for make in verdict.CHECKS for check in make(screen)} == {"ok"}
    assert "Sound" in text_of(verdict.section(screen, verdict.judged(screen), Tiles()))


@pytest.mark.parametrize(
    ("spoil", "state", "words"),
    [
        (lambda s: s.images.__setitem__("Metadata_QCVerdict", "drop"), "stop", "dropped (100 %)"),
        (lambda s: s.wells.__setitem__("Metadata_Role", "treated"), "stop", "no vehicle well"),
        (lambda s: s.wells.__setitem__("Fraction_Dying", 0.3), "warn", "30 % of the vehicle cells are dying"),
        (lambda s: s.gates.__setitem__("Threshold", np.nan), "stop", "could not be set"),
        (lambda s: s.gates.__setitem__("Fraction_VehiclePositive", 0.4), "warn", "more than 20 %"),
        (lambda s: s.responses.__setitem__("LackOfFit_P", 1e-9), "warn", "with a lack of fit"),
        (lambda s: s.responses.__setitem__("Turn", "it falls back above 3"), "warn", "falls back above 3"),
        (lambda s: s.responses.__setitem__("Layout", "all stand in a row"), "warn", "all stand in a row"),
        (lambda s: s.focus.__setitem__("EdgeWarning", True), "warn", "at the edge"),
        (
            lambda s: s.focus.drop(s.focus.index[s.focus["Z"] > 2], inplace=True),
            "none",
            "in stacks of two planes each plane is at an edge",
        ),
        (lambda s: s.responses.__setitem__("State", "refused"), "none", "no layout was judged"),
        (
            lambda s: s.design.__setitem__("excluded", [{"image_id": "x", "reason": "y"}]),
            "warn",
            "1 field left out",
        ),
    ],
)
def test_fault_is_found_and_graded(spoil: Any, state: str, words: str) -> None:
    screen = screen_of()
    spoil(screen)
    checks = [check for make in verdict.CHECKS for check in make(screen)]
    assert any(check.state == state and words in check.answer for check in checks), checks


def test_a_place_that_moves_vehicle_is_a_remark_and_a_fault_where_doses_run_along_it() -> None:
    positions = pd.DataFrame(
        {
            "Metadata_Plate": "P", "Metadata_Timepoint": 24.0, "Endpoint": "Relative_CellCount",
            "Term": ["row", "edge"], "P": [0.0001, 0.6], "Q": [0.0002, 0.6], "N_Wells": 12, "Reason": None,
        }
    )  # fmt: skip
    screen = screen_of(positions=positions)
    (check,) = place_checks(screen)
    assert check.state == "warn" and "row of plate P at 24 h" in check.answer and "edge" not in check.answer
    screen.responses.loc[0, "Layout"] = "the doses run along the rows or columns of the plate"
    (check,) = place_checks(screen)
    assert check.state == "stop" and f"Not in 1 of {len(screen.responses)} curves" in check.answer


def test_hits_of_a_primary_screen_are_a_table_strongest_first_with_or_without_curves() -> None:
    rows = [("weak", 2.5, True, None), ("strong", -9.0, True, None), ("none", 0.2, False, None)]
    rows.append(("lost", float("nan"), False, "0 wells, 4 of vehicle; 1 and 3 are needed"))
    primary = pd.DataFrame(
        [
            {
                "Metadata_Plate": "P", "Metadata_Compound": name, "Metadata_Dose": 10.0,
                "Metadata_DoseUnit": "uM", "Metadata_Timepoint": 24.0, "Endpoint": "Fraction_Dying",
                "RobustZ": ssmd, "SSMD": ssmd, "P": 0.01, "Q": 0.02, "Hit": hit, "N_Wells": 1, "N_Vehicle": 4,
                "Reason": reason,
            }
            for name, ssmd, hit, reason in rows
        ]
    )  # fmt: skip
    for changes in ({}, {"responses": pd.DataFrame()}):
        made = compound.compared(screen_of(primary=primary, **changes))
        assert made is not None
        text = text_of(made)
        assert text.index("strong") < text.index("weak")
        assert "4 compounds with too few doses for a curve" in text and "2 hits" in text
        assert "1 comparison could not be made: 0 wells, 4 of vehicle" in text
    marked = primary.assign(Layout="all vehicle wells stand in one column")
    made = compound.compared(screen_of(primary=marked))
    assert made is not None
    assert (
        "may be due to the position of its well (plate P): all vehicle wells stand in one column"
        in text_of(made)
    )


def test_order_of_shape_and_death_is_said_in_words() -> None:
    screen = screen_of()
    assert "morphology changes before staining at 10 µM" in shape.onset_summary(screen)[0]
    screen.orders["MorphologyFirst"] = "no"
    assert "was not seen to change before staining" in shape.onset_summary(screen)[0]
    screen.orders["MorphologyFirst"] = "undetermined"
    assert "not determined" in shape.onset_summary(screen)[0]


def test_the_headline_counts_wells_and_the_replicates_of_each_dose() -> None:
    tables = Tables(doses=(1.0, 10.0), times=(4, 48), replicates=3)
    screen = screen_of(tables)
    assert verdict._screened(screen).startswith(
        "1 compound, 9 wells with 3 replicates of each dose, 2 timepoints"
    )
    # copies of a plate have the same wells, which are others; a lost well leaves a dose with fewer
    copies = screen.wells.assign(
        Metadata_Well="B0" + (screen.wells["Metadata_Dose"] % 7).astype(int).astype(str)
    )
    words = "9 wells with 2 to 3 replicates of each dose"
    assert words in verdict._screened(replace(screen, wells=copies.drop(copies.index[4])))
    alone = screen.wells[screen.wells["Metadata_Role"] == "vehicle"]
    assert "3 wells, 2 timepoints" in verdict._screened(replace(screen, wells=alone))
