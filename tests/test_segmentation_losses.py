"""What segmentation lost, from tables of wells to the words of the report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from morphodose.profiles.intervals import wilson
from morphodose.profiles.losses import (
    WITHOUT_CELL,
    WITHOUT_NUCLEUS,
    dose_tests,
    losses_of,
    wilson_low,
    worst_fields,
)
from morphodose.report import verdict
from morphodose.report.checks import Check
from morphodose.report.segmented import (
    AGREE,
    FOUND,
    LIGHT,
    MOVED,
    STAIN,
    _state_of,
    disagreements,
    segmentation_checks,
)
from morphodose.segmentation.stained import stained_area
from morphodose.simulate.field import render_field
from report_screen import screen_of
from report_tables import Tables

DOSES = (0.3, 1.0, 3.0, 10.0)


def screen(**changes: Any) -> Any:
    settings = {"doses": DOSES, "times": (24, 48), "replicates": 3, "death": False, "shapes": ()} | changes
    return screen_of(Tables(**settings))


def said(screen: Any) -> dict[str, Check]:
    return {check.question: check for check in segmentation_checks(screen)}


def test_little_loss_at_every_dose_is_fine() -> None:
    checks = said(screen(loss=0.02))
    assert {check.state for check in checks.values()} == {"ok"}
    assert checks[FOUND].answer == (
        "Nuclei in no cell 2 %; cells without nucleus 1 %; cells with several nuclei 1 %; "
        "cells cut by the border 10 %."
    )
    assert "Not beyond chance" in checks[MOVED].answer


@pytest.mark.parametrize(("loss", "state"), [(0.1, "warn"), (0.4, "stop")])
def test_loss_that_no_dose_moves_is_graded_by_its_size_with_the_fix(loss: float, state: str) -> None:
    checks = said(screen(loss=loss))
    assert checks[FOUND].state == state and checks[MOVED].state == checks[AGREE].state == "ok"
    answer = checks[FOUND].answer
    # a ninth as many nuclei lie in cells at the border
    assert f"Nuclei in no cell {100 * loss * 0.9:.0f} %" in answer
    for words in ("--cell_model", "--cell_method", "--diameter", "look at the overlays of Time_"):
        assert words in checks[FOUND].fix


def test_cells_cut_by_the_border_are_not_mended_by_another_model() -> None:
    made = screen(loss=0.02)
    made.wells["Count_BorderCells"] = made.wells["Count_Cells"]
    check = said(made)[FOUND]
    assert check.state == "warn" and "cells cut by the border 50 %" in check.answer
    assert "larger fields" in check.fix and "--cell_model" not in check.fix


def test_two_cells_of_thirty_are_a_remark_and_not_a_fault() -> None:
    row = {"Loss": WITHOUT_NUCLEUS, "Vehicle": 0.0, "Share": 0.1, "Change": 0.03}
    assert _state_of(row) == "warn" and _state_of({**row, "Change": 0.06}) == "stop"
    wells = screen(loss=0.0).wells
    at = (wells["Metadata_Dose"] == DOSES[-1]) & (wells["Metadata_Role"] == "treated")
    wells["Count_CellsWithoutNucleus"] = np.where(at, 1, 0)
    wells["Count_Cells"] = 10
    (changed,) = {row["Change"] for row in dose_tests(wells, [WITHOUT_NUCLEUS])}
    assert changed == pytest.approx(wilson(3, 30)[0])  # three wells of ten cells, of 0 in vehicle


def test_a_dose_that_takes_the_stain_is_not_death() -> None:
    """The counts of cells fall to half; those of nuclei do not."""
    made = screen(loss_at={10.0: 0.5, 3.0: 0.25}, ec50={24: 1e6, 48: 1e6})
    checks = said(made)
    assert checks[MOVED].state == "stop"
    assert "Yes. Nuclei in no cell: 2 % in vehicle" in checks[MOVED].answer
    assert "at 10 µM Staurosporine" in checks[MOVED].answer and "wells permuted" in checks[MOVED].answer
    assert checks[AGREE].state == "stop"
    assert "of vehicle by cells" in checks[AGREE].answer and "not gone" in checks[AGREE].answer
    worst = disagreements(made)[0]
    assert worst["Dose"] == 10.0
    assert worst["Cells"] == pytest.approx(0.51, abs=0.06) and worst["Nuclei"] == pytest.approx(1, abs=0.06)
    assert "Relative_NucleiCount" in made.wells


def test_counts_of_few_cells_that_are_apart_are_not_called_alike() -> None:
    made = replace(screen(loss=0.0), conditions=pd.DataFrame())
    at = (made.wells["Metadata_Dose"] == DOSES[-1]) & (made.wells["Metadata_Role"] == "treated")
    made.wells.loc[at, "Relative_CellCount"] = 0.9
    made.wells.loc[at, "Relative_NucleiCount"] = 0.6
    made.wells.loc[at, "Count_Cells"] = 4
    check = said(made)[AGREE]
    assert check.state == "none"
    assert "90 % of vehicle by cells, 60 % by nuclei; so few cells were counted" in check.answer


def test_a_dose_that_kills_is_death() -> None:
    """Cells and nuclei fall together: no word against the count."""
    made = screen(ec50={24: 1.0, 48: 1.0})
    top = made.wells[made.wells["Metadata_Dose"] == 10.0]
    assert top["Relative_CellCount"].mean() < 0.75
    checks = said(made)
    assert checks[MOVED].state == checks[AGREE].state == "ok"


def null_screen(seed: int, compounds: int = 8) -> pd.DataFrame:
    """Wells that lose 15 % of their nuclei, more in some than in others, whatever the dose."""
    chance = np.random.default_rng(seed)
    rows = []
    for compound in range(compounds):
        for replicate in ("1", "2", "3"):
            for dose in (0.0, 0.0, 0.1, 1.0, 10.0, 100.0):
                share = 1 / (1 + np.exp(1.7 + chance.normal(0, 0.4)))
                nuclei = int(chance.poisson(150))
                lost = int(chance.binomial(nuclei, share))
                rows.append(
                    {
                        "Metadata_Plate": f"P{compound}",
                        "Metadata_Replicate": replicate,
                        "Metadata_Timepoint": 24.0,
                        "Metadata_Well": "A01",
                        "Metadata_Compound": f"drug {compound}" if dose else "DMSO",
                        "Metadata_Dose": dose,
                        "Metadata_DoseUnit": "uM",
                        "Metadata_Role": "treated" if dose else "vehicle",
                        "Count_Cells": nuclei - lost,
                        "Count_Nuclei": nuclei - lost,
                        "Count_NucleiWithoutCell": lost,
                    }
                )
    return pd.DataFrame(rows)


def test_chance_is_called_a_dose_in_no_more_screens_than_its_rate() -> None:
    called = 0
    for seed in range(20):
        rows = dose_tests(null_screen(seed), [WITHOUT_CELL])
        assert len(rows) == 8 and all(row["Testable"] for row in rows)
        called += any(row["Q"] <= 0.05 for row in rows)
    assert called <= 3  # 5 % of 20 is 1; more than 3 has a probability of 1.6 %


def test_one_compound_of_many_is_found() -> None:
    wells = null_screen(1)
    high = (wells["Metadata_Compound"] == "drug 3") & (wells["Metadata_Dose"] == 100.0)
    wells.loc[high, "Count_NucleiWithoutCell"] = 70
    moved = [row for row in dose_tests(wells, [WITHOUT_CELL]) if row["Q"] <= 0.05]
    assert [(row["Compound"], row["Dose"]) for row in moved] == [("drug 3", 100.0)]
    assert moved[0]["Vehicle"] == pytest.approx(0.15, abs=0.05) and moved[0]["Share"] > 0.3


def test_cells_grown_for_what_the_network_missed_are_a_remark_where_they_are_many_or_the_dose_moves_them() -> (
    None
):
    made = screen(loss=0.0)
    wells = made.wells
    wells["Count_NucleiWithoutCellBefore"] = wells["Count_Nuclei"] // 10
    assert said(made)[FOUND].state == "ok"
    assert "since the network missed it 9 %" in said(made)[FOUND].answer
    made = screen(loss=0.0)
    made.wells["Count_NucleiWithoutCellBefore"] = made.wells["Count_Nuclei"] // 3
    checks = said(made)
    assert (checks[FOUND].state, checks[MOVED].state) == ("warn", "ok")
    made = screen(loss=0.0)
    high = made.wells["Metadata_Dose"] >= 3.0
    made.wells["Count_NucleiWithoutCellBefore"] = (made.wells["Count_Nuclei"] // 3).where(high, 0)
    checks = said(made)
    assert checks[MOVED].state == "warn" and checks[AGREE].state == "ok"


def test_two_wells_cannot_be_tested_and_a_large_difference_is_a_fault_all_the_same() -> None:
    checks = said(screen(doses=(10.0,), replicates=1, times=(48,), loss_at={10.0: 0.5}))
    assert checks[MOVED].state == "stop" and "2 wells, too few to test" in checks[MOVED].answer
    checks = said(screen(doses=(10.0,), replicates=1, times=(48,)))
    assert checks[MOVED].state == "none" and "too few wells" in checks[MOVED].answer


def test_few_wells_that_differ_as_much_as_they_can_are_not_called_chance() -> None:
    """Four wells against four can be exchanged in 70 ways: no P value survives the rate of several tests."""
    wells = null_screen(3, compounds=1).iloc[[0, 1, 6, 7, 5, 11, 17, 4]].assign(Metadata_Replicate="1")
    treated = wells["Metadata_Role"] == "treated"
    wells.loc[treated, "Metadata_Dose"] = 100.0
    wells["Count_NucleiWithoutCell"] = np.where(treated, 90, [0, 1, 0, 2, 0, 0, 0, 0])
    wells["Count_CellsWithoutNucleus"] = wells["Count_MultinucleateCells"] = 0
    rows = {row["Loss"]: row for row in dose_tests(wells, losses_of(wells))}
    lost = rows[WITHOUT_CELL]
    assert len(rows) == 3 and lost["Arrangements"] == pytest.approx(70)
    assert lost["P"] == pytest.approx(2 / 70, rel=0.2)
    assert not lost["Testable"] and rows[WITHOUT_NUCLEUS]["Testable"]
    (alone,) = dose_tests(wells, [WITHOUT_CELL])
    assert alone["Testable"] and alone["Q"] < 0.05


def test_cells_with_several_nuclei_may_be_biology_and_are_a_remark() -> None:
    made = screen()
    high = made.wells["Metadata_Dose"] >= 3.0
    made.wells.loc[high, "Count_MultinucleateCells"] = made.wells["Count_Cells"] // 3
    checks = said(made)
    assert checks[MOVED].state == "warn" and "Cells with several nuclei: 1 %" in checks[MOVED].answer


def test_without_nuclei_the_line_says_why_and_the_verdict_is_not_plainly_sound() -> None:
    made = screen()
    names = [name for name in made.wells if "Nucle" in name]
    bare = made.wells.drop(columns=names)
    made = screen_of(Tables(doses=DOSES, death=False, shapes=()), wells=bare)
    made.images["Metadata_QCVerdict"] = "keep"
    (check,) = segmentation_checks(made)
    assert check.state == "none" and "no counts of nuclei" in check.answer
    checks = [check for make in verdict.CHECKS for check in make(made)]
    assert verdict.headline(checks)[0] == "Sound as far as it was checked"


def test_a_screen_without_a_nuclear_channel_has_no_loss_to_tell() -> None:
    table = pd.DataFrame({"Count_Cells": [9], "Count_Nuclei": [0], "Count_CellsWithoutNucleus": [9]})
    assert losses_of(table) == []
    assert WITHOUT_NUCLEUS in losses_of(table.assign(Count_Nuclei=7))


def test_stain_in_no_cell_tells_of_missed_cells_where_no_nuclei_are() -> None:
    made = render_field(np.random.default_rng(5), size=300, n_cells=40, fractions=[1.0, 0.0, 0.0, 0.0])
    stain, truth = made.planes.max(axis=0)[2], made.cells
    stained, outside = stained_area(stain, truth, 40.0)
    assert stained > 20 and outside <= 0.05 * stained
    kept = np.where(truth % 2 == 0, truth, 0)
    expected = np.count_nonzero(truth % 2) / np.count_nonzero(truth)
    stained, outside = stained_area(stain, kept, 40.0)
    # the rims of neighbours that were found are not counted
    assert 0.6 * expected < outside / stained < 1.1 * expected
    stained, outside = stained_area(stain, np.zeros_like(truth), 40.0)
    assert stained == outside > 20
    assert stained_area(np.full((80, 80), 9), np.zeros((80, 80), int), 40.0) == (0, 0)


def test_cells_near_their_noise_are_stain_too_and_noise_alone_is_not() -> None:
    y, x = np.mgrid[:400, :400]
    rng = np.random.default_rng(1)
    number = (y // 80 * 5 + x // 80 + 1) * (np.hypot(y % 80 - 40, x % 80 - 40) < 18)
    faint = 500 + 7.0 * 20 * (number > 0) + 20 * rng.normal(size=(400, 400))
    bright = faint + 2000 * (number == 25)
    for stain in (faint, bright):
        stained, outside = stained_area(stain, np.where(number > 12, number, 0), 36.0)
        assert 20 <= stained <= 27 and outside == pytest.approx(0.48 * stained, abs=1.5)
    empty = 500 + 20 * rng.normal(size=(400, 400)) + 0.1 * x
    assert stained_area(empty, np.zeros((400, 400), int), 36.0) == (0, 0)


@pytest.mark.parametrize(("share", "state"), [(0.05, "ok"), (0.25, "warn"), (0.6, "stop")])
def test_the_page_tells_of_stain_in_no_cell_with_its_fix(share: float, state: str) -> None:
    made = screen(loss=0.0)
    gone = [name for name in made.wells if "Nuclei" in name or "Nucleus" in name]
    areas = {"Count_StainedAreas": 200, "Count_StainedAreasInNoCell": round(200 * share)}
    wells = made.wells.drop(columns=gone).assign(**areas)
    images = made.images.drop(columns=[name for name in gone if name in made.images]).assign(**areas)
    made = replace(made, wells=wells, images=images)
    checks = said(made)
    assert checks[FOUND].state == "none"
    assert checks[STAIN].state == state
    assert checks[STAIN].answer.startswith(f"Stained area in no cell {100 * share:.0f} %")
    assert ("another --cell_model" in checks[STAIN].fix) == (state != "ok")
    assert ("look at the overlays of Time_" in checks[STAIN].fix) == (state != "ok")
    assert len(worst_fields(made.images, 3)) == 3


@pytest.mark.parametrize(
    ("channel", "state"),
    [
        ("Phase contrast", "none"),
        ("Brightfield", "none"),
        ("DIC", "none"),
        ("TransFluor", "stop"),
        ("GFP", "stop"),
    ],
)
def test_light_without_a_stain_tells_of_no_missed_cell(channel: str, state: str) -> None:
    made = screen(loss=0.0)
    gone = [name for name in made.wells if "Nuclei" in name or "Nucleus" in name]
    areas = {"Count_StainedAreas": 200, "Count_StainedAreasInNoCell": 120}
    wells = made.wells.drop(columns=gone).assign(**areas)
    roles = made.design.get("roles") or {}
    made = replace(made, wells=wells, design={**made.design, "roles": {**roles, "cell": channel}})
    assert said(made)[STAIN].state == state


@pytest.mark.parametrize(
    ("channel", "params", "words"),
    [
        ("Brightfield", {}, "no brightfield: counts and outlines may be far off"),
        ("Phase contrast", {"cell_model": "morphodose"}, "learnt phase contrast from a single cell line"),
        ("BF", {"cell_method": "propagate"}, "grows cells in a stain"),
        ("Brightfield", {"cell_method": "from_nuclei"}, None),
        ("Brightfield", {"cell_model": "my_cells.npz"}, None),
        ("CellMask", {}, None),
    ],
)
def test_the_page_says_what_to_use_instead_where_the_model_does_not_know_the_light(
    channel: str, params: dict[str, str], words: str | None
) -> None:
    made = screen(loss=0.0)
    design = {**made.design, "roles": {"cell": channel, "nuclear": "Hoechst"}}
    check = said(replace(made, design=design, params=params)).get(LIGHT)
    if words is None:
        assert check is None
        return
    assert check is not None and check.state == "warn" and words in check.answer
    assert "--cell_method from_nuclei" in check.fix and "docs/own_model.md" in check.fix
    bare = replace(made, design={**design, "roles": {"cell": channel}}, params=params)
    assert "next time, a nuclear stain" in said(bare)[LIGHT].fix


def test_the_worst_fields_are_those_surest_to_be_bad() -> None:
    table = pd.DataFrame(
        {
            "Metadata_ImageID": ["none", "one of two", "forty of a hundred", "dropped"],
            "Metadata_QCVerdict": ["keep", "keep", "flag", "drop"],
            "Count_Nuclei": [50, 1, 60, 0],
            "Count_NucleiWithoutCell": [0, 1, 40, 60],
        }
    )
    found = worst_fields(table, 5)
    assert list(found["Metadata_ImageID"]) == ["forty of a hundred", "one of two"]
    assert list(found["Share"]) == [0.4, 0.5] and list(found["Lost"]) == [40, 1]
    completed = table.assign(Count_NucleiWithoutCellBefore=[30, 1, 40, 60])
    assert list(worst_fields(completed, 1)["Metadata_ImageID"]) == ["none"]
    # Wilson, 40 of 100
    assert wilson_low(np.array([40.0]), np.array([100.0]))[0] == pytest.approx(0.3094, abs=1e-4)


# the verdict is never better than what was checked


def test_a_verdict_without_checks_is_not_sound() -> None:
    assert verdict.headline([])[0] == "Not checked"
    none = Check("none", "?", "Not checked: why.")
    assert verdict.headline([none])[0] == "Not checked"
    assert verdict.headline([none, Check("ok", "?", "!")])[0] == "Sound as far as it was checked"
    assert "1 check could not run" in verdict.headline([none, Check("warn", "?", "!")])[1]


def test_tables_that_are_missing_are_not_checked_and_say_so() -> None:
    empty = {name: pd.DataFrame() for name in ("responses", "curves", "onsets", "orders", "images", "focus")}
    made = screen_of(Tables(doses=DOSES, times=(48,)), design={}, gates=pd.DataFrame(), **empty)
    checks = {check.question: check for make in verdict.CHECKS for check in make(made)}
    for question in (
        "Is the input complete?",
        "Are the images good?",
        "Are the death gates sound?",
        "Do the wells follow the curves?",
    ):
        assert checks[question].state == "none", question
        assert checks[question].answer.startswith("Not checked: ")


def test_a_screen_of_refused_curves_is_not_fine_and_says_why() -> None:
    made = screen()
    made.responses[["State", "Reason"]] = ["refused", "no effect of the dose beyond chance (rate 0.9)"]
    (check,) = verdict.fit_checks(made)
    assert check.state == "warn"
    assert check.answer.endswith("no EC50: no effect of the dose beyond chance.")
    made.responses.loc[0, "Reason"] = "2 doses have values"
    (check,) = verdict.fit_checks(made)
    assert "no effect of the dose beyond chance in 1 curve" in check.answer
    assert "2 doses have values in 1 curve" in check.answer
