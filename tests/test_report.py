"""Sections, words and figures of the report, on small tables and on tables with a piece missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from morphodose.errors import InputError
from morphodose.report import (
    answers,
    cells,
    compound,
    cost,
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
from morphodose.report.html import Safe, cell, escape, long_table, picture, table
from morphodose.report.inputs import ReportInputs, read_document, read_wells, versions_of
from morphodose.report.parts import ORDER, Section
from morphodose.report.places import place_checks
from morphodose.report.summary import conditions_of
from morphodose.report.tiles import Tiles
from morphodose.report.words import (
    dose_words,
    duration,
    endpoint_words,
    figure_text,
    listed,
    number,
    percent,
)
from morphodose.tables import write_table
from report_tables import SHAPES, Tables

ROOT = Path(__file__).resolve().parents[1]
SMALL: dict[str, Any] = {
    "doses": (1.0, 10.0),
    "times": (4, 48),
    "replicates": 2,
    "shapes": ("MedianViable_Cells_AreaShape_Area",),
}


def screen_of(tables: Tables | None = None, **changes: Any) -> ReportInputs:
    made = tables or Tables(**SMALL)
    wells = made.wells()
    responses, onsets, images = made.responses(), made.onsets(), made.images(wells)
    screen = ReportInputs(
        wells=wells,
        conditions=made.conditions(wells),
        responses=responses,
        curves=made.curves(responses),
        onsets=onsets,
        orders=made.orders(onsets),
        images=images,
        focus=made.focus(images),
        illumination=pd.DataFrame(),
        gates=made.gates(wells) if made.death else pd.DataFrame(),
        faults=pd.DataFrame(),
        design={"channels": [{"number": "1", "name": "Hoechst"}, {"number": "2", "name": "CellMask"}]},
        run={"left_out": [] if made.death else [{"step": "call_death", "reason": "it has no death marker"}]},
    )
    return replace(screen, **changes)


def text_of(section: Section) -> str:
    return " ".join(f"{part.title} {part.html}" for part in section.parts)


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels are not what is tested; few of them are drawn faster."""
    monkeypatch.setattr(figure, "DPI", 40)


@pytest.fixture
def album(tmp_path: Path) -> Album:
    return Album(tmp_path / "figures")


# words and cells


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


# figures


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
    assert "LC50 &gt; 2 µM at 4 h, 3.16 µM at 48 h" in html and f">{frame['Mean'].iloc[-1]:.2g}<" in html
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


# the verdict


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
        (lambda s: s.wells.__setitem__("Fraction_Dying", 0.3), "warn", "30 % of their cells are dying"),
        (lambda s: s.gates.__setitem__("Threshold", np.nan), "stop", "could not be set"),
        (lambda s: s.gates.__setitem__("Fraction_VehiclePositive", 0.4), "warn", "more than 20 %"),
        (lambda s: s.responses.__setitem__("LackOfFit_P", 1e-9), "warn", "with a lack of fit"),
        (lambda s: s.responses.__setitem__("Layout", "all stand in a row"), "warn", "all stand in a row"),
        (lambda s: s.focus.__setitem__("EdgeWarning", True), "warn", "at the edge"),
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
    assert "may be the place of its well (plate P): all vehicle wells stand in one column" in text_of(made)


def test_order_of_shape_and_death_is_said_in_words() -> None:
    screen = screen_of()
    assert "morphology changes before staining at 10 µM" in shape.onset_summary(screen)[0]
    screen.orders["MorphologyFirst"] = "no"
    assert "was not seen to change before staining" in shape.onset_summary(screen)[0]
    screen.orders["MorphologyFirst"] = "undetermined"
    assert "not determined" in shape.onset_summary(screen)[0]


# overlays, cost, methods, reading


def test_worst_fields_come_first_with_their_outlines(tmp_path: Path) -> None:
    from PIL import Image

    screen = screen_of()
    Image.new("RGB", (900, 900)).save(tmp_path / "a.png")
    ids = [
        f"{a}_Well_{w}_Field_2"
        for a, w in zip(screen.wells["Metadata_Acquisition"], screen.wells["Metadata_Well"], strict=True)
    ]
    worst, lost = overlays.section(replace(screen, overlays=dict.fromkeys(ids, tmp_path / "a.png"))).parts
    assert worst.title == "Worst fields" and worst.html.count("<figure") == overlays.WORST
    assert "nuclei in no cell" in worst.html and "<img" in worst.html
    assert "?view=plate&amp;endpoint=Share_Count_NucleiWithoutCell" in lost.html


def test_lines_of_the_verdict_lead_to_the_wells_and_fields_they_speak_of() -> None:
    screen = screen_of()
    text = verdict.linked(screen, "<b> above 20 % in 2 wells (P1 B03 at 48 h, P1 Q99 at 48 h); x at 48 h")
    assert "&lt;b&gt;" in text and "Q99 at 48 h" in text and text.count("<a ") == 1
    assert 'P1 <a href="?view=plate&amp;well=B03&amp;time=48&amp;plate=P1">B03 at 48 h</a>' in text
    text = verdict.linked(screen, "look at Time_48hrs_R1_Well_B03_Field_2.")
    assert '<a href="?view=plate&amp;image=Time_48hrs_R1_Well_B03_Field_2">' in text
    html = text_of(verdict.checks_section(screen, verdict.judged(screen)))
    assert 'href="#sec-gates"' in html and 'href="?view=networks"' not in html


def test_what_was_dropped_comes_with_the_command_that_runs_it_again() -> None:
    run = {"pipeline": "lab/morpho dose", "revision": "1.0", "profile": "slurm", "left_out": []}
    screen = screen_of(run=run, params={"outdir": "/data/my results"})
    text = text_of(dropped.section(screen))
    assert (
        "nextflow run &#x27;lab/morpho dose&#x27; -r 1.0 -profile slurm -params-file "
        "&#x27;/data/my results/pipeline_info/params.json&#x27; -resume"
    ) in text
    assert "If main.nf is not" not in text
    local = text_of(dropped.section(screen_of(run={**run, "revision": None}, params={"outdir": "out"})))
    assert "nextflow run main.nf -profile slurm -params-file out/pipeline_info/params.json -resume" in local
    assert "If main.nf is not in that folder" in local
    assert "1 dropped" in text and "None: every step of the pipeline ran." in text


def test_growth_comparisons_and_departures_have_intervals_and_states() -> None:
    growth = pd.DataFrame(
        {
            "Metadata_Compound": "Staurosporine", "Metadata_Timepoint": 48.0, "Metadata_DoseUnit": "uM",
            "Endpoint": ["Relative_CellCount", "Relative_ViableCount"], "State": ["fitted", "refused"],
            "Reason": [None, "growth of the vehicle wells: 0.2 doublings"], "GR50": [2.0, np.nan],
            "GR50_Low": [1.5, np.nan], "GR50_High": [2.7, np.nan], "GRmax": [-0.3, np.nan],
            "GRmax_Low": [-0.4, np.nan], "GRmax_High": [-0.2, np.nan], "Doublings": [1.4, 0.2], "Start_h": 4.0,
        }
    )  # fmt: skip
    departures = pd.DataFrame(
        {
            "Metadata_Compound": ["Staurosporine"], "Metadata_Timepoint": 48.0, "Metadata_DoseUnit": "uM",
            "ShapeEndpoint": "MedianViable_Cells_AreaShape_Area", "ShapeState": "fitted",
            "DeathEndpoint": None, "DeathState": None, "Shape_PointOfDeparture": 0.3,
            "Shape_PointOfDeparture_Low": 0.2, "Shape_PointOfDeparture_High": 0.5,
            "Death_PointOfDeparture": np.nan, "Death_PointOfDeparture_Low": np.nan,
            "Death_PointOfDeparture_High": np.nan, "Ratio": np.nan,
        }
    )  # fmt: skip
    comparisons = pd.DataFrame(
        {
            "Kind": "compounds", "Shared": "", "First": ["A"], "Second": ["<B>"], "Endpoint": "Fraction_Dying",
            "Metadata_Timepoint": 48.0, "Ratio": 0.5, "Ratio_Low": 0.3, "Ratio_High": 0.8, "P": 0.001,
            "P_Adjusted": 0.002,
        }
    )  # fmt: skip
    screen = screen_of(growth=growth, departures=departures, comparisons=comparisons)
    html = compound.view(screen, "Staurosporine")
    assert "2 µM (1.5 – 2.7)" in html and "−0.3 (−0.4 – −0.2)" in html.replace("-", "−")
    assert "growth of the vehicle wells: 0.2 doublings" in html
    assert "0.3 µM (0.2 – 0.5), fitted" in html and "none" in html
    made = compound.compared(screen)
    assert made is not None and "A : &lt;B&gt;" in text_of(made) and "0.5 (0.3 – 0.8)" in text_of(made)
    assert compound.compared(screen_of()) is None


def test_the_cost_has_its_place_which_is_filled_when_the_run_has_ended() -> None:
    text = text_of(cost.section(screen_of()))
    assert text.count(cost.BEGIN) == text.count(cost.END) == 1
    workflow = (ROOT / "lib" / "cost.nf").read_text(encoding="utf-8")
    assert cost.BEGIN in workflow and cost.END in workflow


@pytest.mark.parametrize(("seconds", "text"), [(3.24, "3.2 s"), (720, "12 min"), (16200, "4.5 h")])
def test_a_duration_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_methods_follow_the_parameters_and_number_their_references() -> None:
    screen = screen_of(params={"cell_method": "from_nuclei", "nuclear_channel": "DNA", "expand_px": 9})
    writer = methods.compose(screen)
    text = " ".join(writer.paragraphs)
    assert "channel DNA" in text and "by up to 9 px" in text and "scikit-image" in text
    assert "[]" not in text
    assert writer.cited[0] == "nextflow" and len(set(writer.cited)) == len(writer.cited)
    assert set(writer.cited) <= set(methods.REFERENCES)
    for method in ("cellpose_completed", "propagate"):
        params = {"cell_method": method, "nuclear_channel": "DNA", "cell_channel": "Actin"}
        writer = methods.compose(screen_of(params=params))
        text = " ".join(writer.paragraphs)
        assert "propagation [" in text and "channel Actin" in text and "[]" not in text
        assert "propagation" in writer.cited
    plain = " ".join(methods.compose(screen_of(Tables(death=False, **SMALL))).paragraphs)
    assert "apoptotic" not in plain


def test_the_page_says_how_to_cite_and_names_files_that_the_guide_names() -> None:
    screen = screen_of(run={"version": "9.8.7"})
    (cite,) = [part for part in methods.section(screen).parts if part.title == "How to cite"]
    assert "morphodose 9.8.7" in cite.html and "The morphodose authors" in cite.html
    guide = (Path(__file__).parents[1] / "docs" / "output.md").read_text(encoding="utf-8")
    (files,) = [part for part in provenance.provenance(screen).parts if part.title == "Files"]
    for path, _ in provenance.FILES:
        assert path.split(",")[0].split("/")[-1].strip() in guide or f"{path.split('/')[-2]}/" in guide, path
        assert path.split("/")[0] + "/" in guide and path.split("<")[0] in files.html


def test_versions_are_read_from_yaml_and_from_yaml_in_json(tmp_path: Path) -> None:
    yaml = '"A:B:STEP":\n    python: 3.11.7\n'
    (tmp_path / "v.yml").write_text(yaml)
    (tmp_path / "v.json").write_text('"' + yaml.replace('"', '\\"').replace("\n", "\\n") + '"')
    for name in ("v.yml", "v.json"):
        assert versions_of(read_document(tmp_path / name)) == {"STEP": {"python": "3.11.7"}}
    (tmp_path / "bad").write_text("{ no")
    with pytest.raises(InputError, match="neither JSON nor YAML"):
        read_document(tmp_path / "bad")


def test_wells_are_read_without_the_columns_nobody_shows(tmp_path: Path) -> None:
    wells = Tables(**SMALL).wells().assign(Median_Cells_Zernike_1=1.0, Median_Cells_Texture_9=2.0)
    write_table(wells, tmp_path / "wells.parquet")
    names = set(read_wells(tmp_path / "wells.parquet", ["Median_Cells_Texture_9"]).columns)
    assert "Median_Cells_Texture_9" in names and "Median_Cells_Zernike_1" not in names
    write_table(wells.drop(columns="Metadata_Role"), tmp_path / "bad.parquet")
    with pytest.raises(InputError, match="lacks Metadata_Role"):
        read_wells(tmp_path / "bad.parquet")


def test_files_of_curves_are_those_of_the_hits_of_all_or_of_none() -> None:
    screen = screen_of(Tables(**{**SMALL, "compounds": ("A", "B")}))
    screen.responses.loc[screen.responses["Metadata_Compound"] == "B", "State"] = "refused"
    chosen = {kind: curves.figured(replace(screen, figures=kind)) for kind in ("hits", "all", "none")}
    assert chosen == {"hits": ["A"], "all": ["A", "B"], "none": []}
