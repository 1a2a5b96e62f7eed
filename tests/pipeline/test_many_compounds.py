"""Forty compounds with known EC50s on one plate, from pixels to the page (`make test-plates`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from browser import SIZES, chromium, report_problems
from morphodose.simulate.compare import compare_responses
from morphodose.tables import read_table
from pipeline.conftest import simulate
from pipeline.nextflow_runs import run

pytestmark = [pytest.mark.pipeline, pytest.mark.plates]

#: EC50s from 0.3 to 12 µM, in no order of the names; every fifth compound does nothing.
EC50S = np.geomspace(0.3, 12, 40)
COMPOUNDS = {
    f"Compound {n + 1:02d}": None if n % 5 == 4 else float(f"{EC50S[n * 17 % 40]:.3g}") for n in range(40)
}


def test_forty_compounds_go_from_pixels_to_the_page(tmp_path: Path) -> None:
    told = ",".join(f"{name}={ec50 or 'none'}" for name, ec50 in COMPOUNDS.items())
    sheet = simulate(
        tmp_path / "plate", "--compounds", told, "--plate_format", "384", "--shuffle", "--times", "48",
        "--doses", "0.1,0.7,5,35", "--replicates", "2", "--vehicle_wells", "16", "--positive_wells", "0",
        "--size", "180", "--cell_diameter", "26", "--density", "26", "--planes", "1",
    )  # fmt: skip
    finished = run(
        tmp_path, "-profile", "test", "--input", str(sheet), "--plate_format", "384", "--diameter", "26",
        "--nuclear_diameter", "12", "--deep", "false", "--features", "sizeshape,intensity",
        "--wells_per_task", "88", "--segmentation_shard", "88",
    )  # fmt: skip
    assert finished.status == 0, finished.output

    responses = read_table(finished.outdir / "tables" / "responses.parquet")
    death = compare_responses(responses, tmp_path / "plate" / "truth")
    death = death[death["Endpoint"] == "Fraction_Dying"].set_index("Metadata_Compound")
    print(death[["State", "EC50", "EC50_Low", "EC50_High", "EC50_True", "Inside"]].to_string())
    acts = death["EC50_True"].notna()
    assert len(death) == 40 and acts.sum() == 32
    # nine wells per compound, four doses a factor of seven apart, some twenty cells per well
    assert (death.loc[acts, "State"] != "refused").mean() >= 0.9
    assert death.loc[acts, "Inside"].mean() >= 0.8
    found = death[acts & death["State"].isin(["fitted", "imprecise"])]
    assert len(found) >= 24
    assert np.median(np.abs(np.log2(found["EC50"] / found["EC50_True"]))) < 0.6
    assert (death.loc[~acts, "State"] == "refused").sum() >= 7

    page = finished.outdir / "report" / "report.html"
    assert page.stat().st_size < 25e6
    with chromium() as browser:
        assert report_problems(page, browser) == []
        view = browser.new_page(viewport={"width": SIZES[0][0], "height": SIZES[0][1]})
        view.goto(page.resolve().as_uri())
        rows = view.locator("#md-hits tbody tr")
        names = rows.locator("[data-hit]").all_text_contents()
        assert sorted(names) == sorted(COMPOUNDS)
        # those with an EC50 come first, by their EC50; what does nothing comes last
        known = death.loc[[name for name in names if death.loc[name, "State"] == "fitted"], "EC50"]
        assert known.is_monotonic_increasing and names[: len(known)] == list(known.index)
        assert sum(COMPOUNDS[name] is None for name in names[-8:]) >= 6
        assert view.evaluate("document.documentElement.scrollHeight") <= 3 * SIZES[0][1]
        # each compound is chosen by the address, with its montage and its curves
        for name in (names[0], names[20], names[-1]):
            view.goto(f"{page.resolve().as_uri()}?view=compound&compound={name.replace(' ', '%20')}")
            view.wait_for_function(
                f"document.querySelector('#md-compound-view h3').textContent === {json.dumps(name)}"
            )
            assert view.locator("#md-compound-view .md-tile").count() == 5
            label = view.locator("#md-compound-view svg.md-curve").first.get_attribute("aria-label")
            assert str(death.loc[name, "State"]) in label
