"""What the page says of the cost: the forecast, and beside it what the run took."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from browser import Watched, chromium
from morphodose.cost.estimate import estimate
from morphodose.cost.rates import read_rates
from morphodose.cost.screen import Options, size_of
from morphodose.report import cost, page
from morphodose.report.inputs import ReportInputs, read_document, read_wells
from report_tables import RATES, Tables

#: Seconds of tasks that name an acquisition; the last one is of no plate of this screen.
BY = html.escape(json.dumps({"Time_4hrs_R1": 18.0, "Time_48hrs_R2": 9, "Time_48hrs_R1 …": 9.0}), quote=True)
ACTUAL = (
    "<p>4 tasks</p><div class='md-scroll'><table class='md-table'><thead><tr><th scope='col'>Step</th>"
    "<th scope='col'>Core-hours</th></tr></thead><tbody>"
    f"<tr><td class='md-nowrap' data-core-seconds='36.0' data-by='{BY}'>PROJECT_Z</td><td class='md-num'>0.01</td></tr>"
    "<tr><td class='md-nowrap' data-core-seconds='7200' data-by='{&quot;-&quot;:7200}'>OWN_STEP</td><td class='md-num'>2.00</td></tr>"
    "</tbody></table></div>"
)


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> ReportInputs:
    folder = tmp_path_factory.mktemp("cost")
    Tables(times=(4, 48), doses=(1, 10), replicates=2).write(folder, overlays=False)
    run = read_document(folder / "run.json")
    wells = read_wells(folder / "wells.parquet", set())
    none = pd.DataFrame()
    tables = ("conditions", "responses", "curves", "onsets", "orders", "images", "focus", "illumination")
    absent = dict.fromkeys((*tables, "gates", "faults"), none)
    design = read_document(folder / "design.json")
    return ReportInputs(wells=wells, design=design, run=run, params=run["params"], **absent)


def test_the_forecast_is_that_of_a_dry_run_with_the_cells_that_were_found(screen: ReportInputs) -> None:
    size, costs = cost.forecast(screen)
    found = screen.wells["Count_Cells"].sum() / screen.wells["Count_Fields"].sum()
    options = Options(cells_per_field=found, deep=False, estimate_diameters=True)
    same = estimate(size_of(screen.design, ""), options, read_rates(RATES))
    assert [(c.step, c.core_hours) for c in costs] == [(c.step, pytest.approx(c.core_hours)) for c in same]
    assert size.fields == 288 and len(size.wells_of) == 4
    html = cost.section(screen).parts[0].html
    assert cost.BEGIN in html and "for the 288 fields of this screen" in html and "SEGMENT_CELLS" in html
    assert f"{found:.0f} cells" in html


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"run": {}}, "the record of the run has no rates"),
        ({"design": {}}, "the design was not given"),
        ({"params": {}}, "the parameters were not given"),
    ],
)
def test_a_forecast_that_cannot_be_made_says_why(
    screen: ReportInputs, change: dict[str, Any], words: str
) -> None:
    lacking = replace(screen, **change)
    assert f"Forecast left out: {words}" in cost.section(lacking).parts[0].html
    assert cost.cost_data(lacking) is None


def shown_beside(screen: ReportInputs, actual: str, path: Path) -> tuple[list[list[str]], str, list[Any]]:
    """Rows of the table of steps, the text of the forecast, and the rows of the tables in it."""
    page.write_page(path, [cost.section(screen)], "x", "y", data={"cost": cost.cost_data(screen)})
    text = path.read_text()
    begin, end = text.index(cost.BEGIN) + len(cost.BEGIN), text.index(cost.END)
    path.write_text(text[:begin] + actual + text[end:])
    rows = "e => [...e.rows].map(row => [...row.cells].map(cell => cell.textContent))"
    with chromium() as browser:
        watched = Watched(browser, path)
        shown = watched.open(view="methods")
        found = (
            shown.locator("#md-cost table").evaluate(rows),
            str(shown.locator("#md-forecast").text_content()),
            [table.evaluate(rows) for table in shown.locator("#md-forecast table").all()],
        )
        watched.close()
    assert watched.problems == []
    return found


@pytest.mark.browser
def test_forecast_and_actual_stand_beside_one_another_by_step_and_by_plate(
    screen: ReportInputs, tmp_path: Path
) -> None:
    # the second replicate on a plate of its own
    acquisitions = [
        {**each, "plate": "P<2>" if str(each["replicate"]) == "2" else "P1"}
        for each in screen.design["acquisitions"]
    ]
    two = replace(screen, design={**screen.design, "acquisitions": acquisitions})
    steps, told, (plates, both) = shown_beside(two, ACTUAL, tmp_path / "report.html")
    hours = {c.step: c.core_hours for c in cost.forecast(screen)[1]}["PROJECT_Z"]
    assert hours is not None
    assert steps[0][2:] == ["Forecast, core-hours"]
    assert steps[1][:2] == ["PROJECT_Z", "0.0100"]
    assert float(steps[1][2]) == pytest.approx(hours, abs=0.005)
    assert steps[2] == ["OWN_STEP", "2.00", "not measured"]
    assert f"{steps[1][2]} core-hours were forecast and 0.0100 were spent" in told
    wells = len(screen.design["well_timepoints"])
    half = plates[1][4]
    assert float(half) == pytest.approx(hours / 2, abs=0.0001)
    assert plates[1:] == [
        ["P1", str(wells // 2), "0.0050", "0.0050", half],
        ["P<2>", str(wells // 2), "0.0025", "0.0025", half],
        ["tasks of several plates or of the whole screen", "–", "2.00", "–", "–"],
    ]
    assert both[1:] == [["PROJECT_Z", "P1", "0.0050", half], ["PROJECT_Z", "P<2>", "0.0025", half]]


@pytest.mark.browser
def test_a_trace_without_tags_says_why_there_is_no_cost_by_plate(
    screen: ReportInputs, tmp_path: Path
) -> None:
    actual = re.sub(" data-by='[^']*'", "", ACTUAL)
    _, told, tables = shown_beside(screen, actual, tmp_path / "report.html")
    assert "the trace of this run has no tags" in told and tables == []


def test_the_record_of_a_run_has_the_rates(root: Path) -> None:
    workflow = (root / "workflows" / "morphodose.nf").read_text(encoding="utf-8")
    assert 'rates: file("${projectDir}/assets/rates.csv"' in workflow
