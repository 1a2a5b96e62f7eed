"""What the page says of the diameters that were estimated, and how loudly where that failed."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from morphodose.report import diameters, methods
from morphodose.report.inputs import ReportInputs


@pytest.fixture
def screen() -> ReportInputs:
    none = pd.DataFrame()
    wells = pd.DataFrame({"Metadata_Plate": ["P1"], "Metadata_Role": ["vehicle"]})
    params = {"cell_channel": "CellMask", "cell_model": "morphodose", "nuclear_channel": "Hoechst"}
    return ReportInputs(wells, *[none] * 11, params=params)


def table(**changes: object) -> pd.DataFrame:
    row = {
        "Metadata_Plate": "P1", "Object": "cells", "Diameter": 41.2, "Diameter_Plate": 41.2, "Diameter_Low": 30.0,
        "Diameter_High": 52.0, "Coverage": 0.9, "Count_Objects": 300, "Count_Fields": 6, "State": "estimated",
        "Reason": "",
    }  # fmt: skip
    return pd.DataFrame([row | changes])


def test_an_estimate_is_stated_with_its_spread(screen: ReportInputs) -> None:
    known = replace(screen, diameters=table())
    (check,) = diameters.diameter_checks(known)
    assert check.state == "ok"
    assert check.answer == "Cells: 41.2 px, 80 % of 300 objects in 6 fields between 30 and 52 px."
    assert "30 to 52" in str(diameters.part(known).html)
    model, size = methods._model(known, "cell_model", "diameter")
    assert size.startswith("diameter estimated once on vehicle fields: 41.2 px")


def test_a_failed_estimate_is_a_fault_that_names_its_fix(screen: ReportInputs) -> None:
    failed = replace(screen, diameters=table(State="failed", Reason="no object was found at any scale; x"))
    (check,) = diameters.diameter_checks(failed)
    assert check.state == "stop"
    assert "could not be estimated on plate P1: no object was found" in check.answer
    assert "give --diameter in px" in check.answer
    assert "could not be estimated" in str(diameters.part(failed).html)
    assert "could not be estimated" in methods._model(failed, "cell_model", "diameter")[1]


def test_given_diameters_make_no_check(screen: ReportInputs) -> None:
    assert diameters.diameter_checks(screen) == []
    assert diameters.diameter_checks(replace(screen, diameters=table(State="given"))) == []
    given = replace(screen, params={**screen.params, "diameter": 40})
    assert "--diameter 40 px" in str(diameters.part(given).html)
