"""Forty compounds with known EC50s, from a table of wells through the fits to the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from browser import SIZES, Watched, chromium, report_problems
from faults.tasks import in_process
from morphodose.tables import read_table
from report_tables import Tables

#: The builder's EC50s: 1.9 µM for the first, each of the others 1.52 µM more; the last five do nothing.
NAMES = [f"Compound {n + 1:02d}" for n in range(40)]
TRUE = {name: 1.9 * (1 + 0.8 * n) for n, name in enumerate(NAMES)}
IDLE = NAMES[35:]


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path]:
    """The responses that were fitted, and the page."""
    folder = tmp_path_factory.mktemp("forty")
    tables = Tables(
        compounds=NAMES, doses=(0.3, 1, 3, 10, 30, 100, 300), times=(48,), replicates=2, shapes=()
    )
    given = tables.write(folder / "tables", overlays=False)
    wells = read_table(folder / "tables" / "wells.parquet")
    idle = wells["Metadata_Compound"].isin(IDLE)
    vehicle = wells[wells["Metadata_Role"] == "vehicle"].reset_index(drop=True)
    changed = [name for name in wells if name.startswith(("Fraction_", "Relative_", "Count_"))]
    drawn = vehicle.sample(int(idle.sum()), replace=True, random_state=0)
    wells.loc[idle, changed] = drawn[changed].to_numpy()
    wells.to_parquet(folder / "tables" / "wells.parquet")
    endpoints = "Fraction_Dying,Relative_CellCount"
    in_process("fit_responses", "--wells", given[1], "--endpoints", endpoints, "--out", folder / "fits")
    given = ["--wells", given[1], "--design", str(folder / "tables" / "design.json")]
    for name in ("responses", "curves", "onsets", "orders"):
        given += [f"--{name}", str(folder / "fits" / f"{name}.parquet")]
    given += ["--further", str(folder / "fits")]
    in_process("report", *given, "--figures", "none", "--out", folder / "report")
    return read_table(folder / "fits" / "responses.parquet"), folder / "report" / "report.html"


def test_known_ec50s_are_found(screen: tuple[pd.DataFrame, Path]) -> None:
    death = screen[0][screen[0]["Endpoint"] == "Fraction_Dying"].set_index("Metadata_Compound")
    active = death.drop(IDLE)
    assert (death.loc[IDLE, "State"] == "refused").sum() >= 4
    assert set(active["State"]) <= {"fitted", "imprecise", "unbounded"}
    fitted = active[active["State"] == "fitted"]
    assert len(fitted) >= 30
    true = fitted.index.map(TRUE).to_numpy(dtype=float)
    assert np.abs(np.log2(fitted["EC50"].to_numpy() / true)).max() < 0.35
    assert ((fitted["EC50_Low"] <= true) & (true <= fitted["EC50_High"])).mean() >= 0.85


@pytest.fixture
def opened(screen: tuple[pd.DataFrame, Path]) -> Iterator[Watched]:
    with chromium() as browser:
        watched = Watched(browser, screen[1])
        watched.open()
        yield watched
        watched.close()
        assert watched.problems == []


@pytest.mark.browser
def test_the_page_ranks_them_and_shows_each(screen: tuple[pd.DataFrame, Path], opened: Watched) -> None:
    death = screen[0][screen[0]["Endpoint"] == "Fraction_Dying"].set_index("Metadata_Compound")
    page: Any = opened.page
    names = page.locator("#md-hits [data-hit]").all_text_contents()
    assert sorted(names) == NAMES
    fitted = [name for name in names if death.loc[name, "State"] == "fitted"]
    assert names[: len(fitted)] == fitted and death.loc[fitted, "EC50"].is_monotonic_increasing
    refused = [name for name in names if death.loc[name, "State"] == "refused"]
    assert names[-len(refused) :] == refused
    assert page.evaluate("document.documentElement.scrollHeight") <= 3 * SIZES[0][1]
    assert f"40 compounds: {len(fitted)} fitted" in page.locator(".md-findings").inner_text()
    # a row that is far down, then a compound by its address
    page.locator(f"#md-hits [data-hit='{names.index(IDLE[0])}']").click()
    expect(page.locator("[data-view=md-hit] h3")).to_have_text(IDLE[0])
    opened.open(view="compound", compound=fitted[-1])
    expect(page.locator("#md-compound-view h3")).to_have_text(fitted[-1])
    label = page.locator("#md-compound-view svg.md-curve").first.get_attribute("aria-label")
    assert f"{death.loc[fitted[-1], 'EC50']:.3g}"[:3] in label and "fitted" in label


@pytest.mark.browser
def test_every_view_of_forty_compounds_opens_at_every_size(screen: tuple[pd.DataFrame, Path]) -> None:
    assert screen[1].stat().st_size < 5e6  # without a picture
    with chromium() as browser:
        assert report_problems(screen[1], browser, sizes=(SIZES[0], SIZES[2])) == []
