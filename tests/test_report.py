"""Sections and figures of the report, on small tables and on tables with a piece missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from morphodose.report import (
    cells,
    compound,
    counts,
    crops,
    curves,
    death,
    dropped,
    figure,
    measures,
    methods,
    overlays,
    places,
    plates,
    provenance,
    quality,
    shape,
    surface,
    verdict,
)
from morphodose.report.figure import Album, DoseAxis
from morphodose.report.parts import ORDER
from morphodose.report.summary import conditions_of
from morphodose.report.tiles import Tiles
from report_screen import SMALL, screen_of, text_of
from report_tables import SHAPES, Tables

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels are not what is tested; few of them are drawn faster."""
    monkeypatch.setattr(figure, "DPI", 40)


@pytest.fixture
def album(tmp_path: Path) -> Album:
    return Album(tmp_path / "figures")


def test_dose_axis_has_the_vehicle_apart() -> None:
    axis = DoseAxis.of([0, 1, 10, 100])
    assert axis.vehicle < 0.1
    assert axis.place([0, 10]).tolist() == [axis.vehicle, 10.0]
    assert DoseAxis.of([0]).doses == ()


def test_figures_are_the_same_each_time_and_are_png_and_svg(tmp_path: Path) -> None:
    screen, files = screen_of(), []
    for run in ("a", "b"):
        album = Album(tmp_path / run)
        curves.draw_files(screen, album)
        files.append({p.name: p.read_bytes() for p in sorted((tmp_path / run).iterdir())})
    assert files[0] == files[1] and "curve_fraction_dying.svg" in files[0]
    assert {name.rpartition(".")[2] for name in files[0]} == {"png", "svg"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"doses": (5.0,), "unit": ""},
        {"doses": (5.0,), "times": (24,), "replicates": 1},
        {"compounds": ("A", "B"), "times": (24,)},
        {"death": False},
    ],
    ids=["one dose, no unit", "one well each", "two compounds, one time", "no death marker"],
)
def test_every_section_stands_whatever_the_design(settings: dict[str, Any], album: Album) -> None:
    screen = screen_of(Tables(**(SMALL | settings)))
    made = [
        verdict.section(screen, verdict.judged(screen), Tiles()),
        compound.section(screen, album),
        plates.section(screen),
        cells.section(screen, None, Tiles()),
        verdict.checks_section(screen, verdict.judged(screen)),
        dropped.section(screen),
        overlays.section(screen),
        death.section(screen),
        places.section(screen),
        quality.section(screen, album),
        crops.section(screen),
        methods.section(screen),
        provenance.design(screen),
        provenance.provenance(screen),
    ]
    absent = {"cost", "training", "honesty", "components", "profiles", "compared"}
    assert [section.anchor for section in made] == [name for name in ORDER if name not in absent]
    for section in made:
        assert section.parts
        assert all(part.html for part in section.parts), section.anchor


def test_left_out_step_is_named_with_its_reason(album: Album) -> None:
    screen = screen_of(Tables(death=False, **SMALL))
    assert "it has no death marker" in death.view(screen, "Staurosporine")
    assert "it has no death marker" in text_of(death.section(screen))
    empty = {name: pd.DataFrame() for name in ("responses", "curves", "onsets", "orders", "images", "focus")}
    screen = screen_of(**empty)
    for text in (
        compound.view(screen, "Staurosporine"),
        text_of(quality.section(screen, album)),
        text_of(overlays.section(screen)),
        text_of(places.section(screen)),
        text_of(cells.section(screen, None, Tiles())),
    ):
        assert "Left out" in text


def test_null_fractions_and_medians_draw_nothing_and_break_nothing() -> None:
    screen = screen_of(conditions=pd.DataFrame())
    first = screen.wells["Metadata_Timepoint"] == 4
    names = [name for name in screen.wells if name.startswith(("Fraction_", "MedianViable_", "Relative_"))]
    screen.wells.loc[first, names] = np.nan
    for view in (counts.view, death.view, shape.view):
        assert "Left out" not in view(screen, "Staurosporine")
    screen = screen_of(conditions=pd.DataFrame())
    screen.wells[names] = np.nan
    assert "Left out" in death.view(screen, "Staurosporine")


def test_viable_cells_at_moved_gates_stand_in_the_table_of_states() -> None:
    screen = screen_of()
    assert "gates lower – higher" not in death.view(screen, "Staurosporine").lower()
    shares = screen.wells["Fraction_Viable"]
    screen.wells["Fraction_Viable_GateLower"] = 0.0 * shares
    screen.wells["Fraction_Viable_GateHigher"] = 0.0 * shares + 1
    html = death.view(screen, "Staurosporine")
    assert "Viable, gates lower – higher" in html and "0 % – 100 %" in html.replace("\u202f", " ")


def test_single_death_marker_shows_viable_and_dead() -> None:
    screen = screen_of(conditions=pd.DataFrame())
    screen.wells["Fraction_Dead"] = 1 - screen.wells["Fraction_Viable"]
    screen.wells[["Fraction_EarlyApoptotic", "Fraction_LateApoptotic", "Fraction_Necrotic"]] = np.nan
    assert death.states_of(screen) == ["Viable", "Dead"]
    html = death.view(screen, "Staurosporine")
    assert "dead</li>" in html and "necrotic" not in html


def test_measures_beside_the_ec50_stand_on_the_page() -> None:
    screen = screen_of()
    names = {"EC10": 0.21, "EC10_Low": 0.1, "EC10_High": 0.4, "EC90": np.nan, "EC90_Low": 12.5,
             "AUC": 0.37, "AUC_Low": 0.3, "AUC_High": 0.44}  # fmt: skip
    screen.responses[list(names)] = list(names.values())
    assert measures.view(screen, "Nobody") == ""
    html = measures.view(screen, "Staurosporine")
    assert "0.21 µM (0.1 – 0.4)" in html and "&gt; 12.5 µM" in html and "0.37 (0.3 – 0.44)" in html
    assert "Absolute IC50" in html
    html = compound.view(screen, "Staurosporine")
    assert "Other doses and measures" in html


def test_the_dose_time_surface_has_the_means_of_the_wells_and_the_lc50(album: Album) -> None:
    screen = screen_of()
    assert surface.view(screen, "Nobody") == ""
    rows = screen.responses[screen.responses["Endpoint"] == "Fraction_Dying"]
    for place, (state, value) in zip(rows.index, (("unbounded", np.nan), ("fitted", 10**0.5)), strict=True):
        screen.responses.loc[place, ["State", "EC50", "EC50_Low", "EC50_High"]] = state, value, 2.0, 5.0
    screen.responses.loc[rows.index[0], "EC50_High"] = np.nan
    of = surface.surface_of(screen, "Staurosporine", "Fraction_Dying")
    assert of is not None and of.doses == (0, 1, 10) and of.times == (4, 48)
    frame = conditions_of(screen, "Staurosporine", "Fraction_Dying")
    assert of.means[2][1] == frame["Mean"].iloc[-1]
    assert [(mark.kind, round(mark.place, 3)) for mark in of.marks] == [("up", 0.301), ("fitted", 0.5)]
    html = surface.view(screen, "Staurosporine")
    assert (
        "LC50 &gt; 2 µM at 4 h, 3.16 µM at 48 h" in html and f">{100 * frame['Mean'].iloc[-1]:.0f}<" in html
    )
    # no word of a name is cut off, however few the times
    assert "…" not in html and "(all but" in html and "viable), %</text>" in html
    assert "Values over dose and time" in compound.view(screen, "Staurosporine")
    surface.draw_files(screen, album)
    assert (album.folder / "dose_time.png").exists()


def test_ec50s_between_unequal_doses_and_gaps_in_time() -> None:
    assert surface.place_of(3, (0.1, 1, 9)) == pytest.approx(1.5)
    assert surface.place_of(1e-6, (0.1, 1, 9)) == -0.5 and surface.place_of(1e6, (0.1, 1, 9)) == 2.5
    assert surface.place_of(5, (5.0,)) == 0
    marks = [
        surface.Mark(n, 0, kind, 1) for n, kind in ((0, "fitted"), (1, "up"), (2, "imprecise"), (3, "fitted"))
    ]
    assert [[mark.column for mark in run] for run in surface.joined(marks)] == [[0], [2, 3]]


def test_all_curves_refused_leave_no_number() -> None:
    screen = screen_of()
    screen.responses["State"] = "refused"
    screen.responses[["EC50", "EC50_Low", "EC50_High", "Hill"]] = np.nan
    screen = replace(screen, curves=pd.DataFrame())
    text = curves.view(screen, "Staurosporine") + curves.fits_table(screen, "Staurosporine")
    assert "refused" in text and "µM (" not in text and "<polyline" not in text
    assert curves.ec50_view(screen, "Staurosporine") == ""


def test_the_reason_of_a_curve_that_was_not_fitted_stands_below_it() -> None:
    html = curves.view(screen_of(Tables(**{**SMALL, "shapes": tuple(SHAPES)})), "Staurosporine")
    assert "Why not fitted: 4 h: the wells show no dose effect." in html
    assert "Why not fitted: 4 h: no plateau among the doses." in html


def test_plate_of_1536_wells_has_a_button_for_each_well() -> None:
    screen = screen_of()
    screen.wells["Metadata_Well"] = [
        f"AF{n:02d}" if n % 2 else f"A{n:02d}" for n in range(1, len(screen.wells) + 1)
    ]
    html = text_of(plates.section(screen))
    shown = screen.wells.query("Metadata_Timepoint == 48 and Metadata_Replicate == '1'")
    assert html.count("<tr>") == 33 and html.count('class="md-well"') == len(shown)
    assert plates.well_data(screen, ["Staurosporine"])["shapes"] == [(32, 48)]


def test_data_of_the_wells_are_their_values_and_say_which_are_missing() -> None:
    screen = screen_of()
    screen.wells.loc[0, "Fraction_Dying"] = np.nan
    data = plates.well_data(screen, screen.compounds)
    one = next(each for each in data["endpoints"] if each["key"] == "Fraction_Dying")
    assert one["values"][0] is None
    assert one["values"][1:] == pytest.approx(screen.wells["Fraction_Dying"][1:], rel=1e-3)
    early = next(each for each in data["endpoints"] if each["key"] == "Fraction_EarlyApoptotic")
    assert early["low"][1] == pytest.approx(screen.wells["Fraction_EarlyApoptotic_Low"][1], rel=1e-3)
    names = [data["compounds"][i] for i in data["compound"]]
    assert names == list(screen.wells["Metadata_Compound"]) and data["compounds"][0] == "Staurosporine"
    assert any(each["key"] == "Share_Count_NucleiWithoutCell" for each in data["endpoints"])
