"""The first screen of the report: verdict, findings, montage, curve, table of hits."""

from __future__ import annotations

import base64
import itertools
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from morphodose.imaging.images import Field, read_field, write_field, write_labels
from morphodose.report import curves, death, first, montage, shape, svg, tiles
from morphodose.report.checks import Check
from morphodose.report.curves import curve_of, rows_of
from morphodose.report.findings import findings
from morphodose.report.hits import hits, main_endpoint, rank
from morphodose.report.inputs import ReportInputs
from morphodose.report.pictures import wanted_of
from morphodose.report.points import points_of
from morphodose.report.tiles import Tiles, make_tiles
from morphodose.report.verdict import checks_section, judged, section
from morphodose.report.words import percent
from morphodose.responses.schemas import POINTS
from report_screen import screen_of
from report_tables import Tables

SMALL: dict[str, Any] = {"doses": (0.3, 1.0, 3.0, 10.0), "times": (24, 48), "replicates": 2}
HOSTILE = """<img src=x onerror=alert(1)>"'&"""


@pytest.fixture(scope="module")
def one() -> ReportInputs:
    return screen_of(Tables(**SMALL))


@pytest.fixture(scope="module")
def three() -> ReportInputs:
    return screen_of(Tables(compounds=("B", HOSTILE, "A"), **SMALL))


def test_the_verdict_stands_with_its_two_worst_reasons(one: ReportInputs) -> None:
    checks = [
        Check("warn", "Remark?", "A remark."),
        Check("ok", "Fine?", "Fine."),
        Check("none", "Open?", "Not checked: why."),
        Check("stop", "Fault?", "A fault."),
    ]
    assert [check.question for check in first.reasons(checks)] == ["Fault?", "Remark?"]
    html = first.first_screen(one, checks, "Read with care", "Because.", "stop", Tiles())
    assert html.index("A fault.") < html.index("A remark.") < html.index("1 more line")
    assert "Not checked: why." not in html.split("md-findings")[0]


def test_findings_are_three_sentences_with_number_interval_and_state(one: ReportInputs) -> None:
    death, lost, order = findings(one, hits(one))
    # EC50 1.9 at 48 h, its interval 0.75 to 1.35 of it
    assert "at 48 h: EC50 1.9 µM (95 % interval 1.4 – 2.6), fitted." in death
    assert re.search(r"At 10 µM \d\d % \(95 % interval \d\d % – \d\d %\), in vehicle [23] %", death)
    assert re.search(r"48 h, \d\d % of the cells are lost against vehicle \(95 % interval", lost)
    assert "fitted" in lost and "morphology changes before staining" in order


def test_more_cells_than_in_vehicle_are_not_said_to_be_lost() -> None:
    screen = screen_of(Tables(**SMALL), conditions=pd.DataFrame())
    first_replicate = screen.wells["Metadata_Replicate"] == screen.wells["Metadata_Replicate"].iloc[0]
    screen.wells["Relative_CellCount"] = np.where(first_replicate, 1.4, 1.6)
    lost = findings(screen, hits(screen))[1]
    assert "48 h, there are 50 % more cells than in vehicle (95 % interval −77 % – 177 %)" in lost


def test_findings_of_counts_alone_say_nothing_twice() -> None:
    few = Tables(doses=(10.0,), times=(24,), replicates=1, death=False, shapes=(), ec50={24: 1.0})
    screen = screen_of(few)
    reason = "1 dose and vehicle with values; 3 doses and vehicle are needed"
    refused = screen.responses.assign(State="refused", Reason=reason, EC50=np.nan)
    screen = replace(screen, responses=refused, orders=pd.DataFrame())
    count, order = findings(screen, hits(screen))
    assert count.count(reason) == 1 and "At 10 µM" in count and "(one well, no interval)" in count
    assert "lost" not in count + order and "from one timepoint" in order
    # a shape that has an EC50 takes the place; with death the same reason is not said again
    shaped = screen_of(replace(few, shapes=("MedianViable_Cells_AreaShape_Area",), doses=(1.0, 10.0)))
    _, shape, _ = findings(shaped, hits(shaped))
    assert shape.startswith("The most sensitive shape is cell area, viable cells") and "fitted." in shape
    dying = screen_of(replace(few, death=True))
    dying = replace(dying, responses=dying.responses.assign(State="refused", Reason=reason, EC50=np.nan))
    death, lost, _ = findings(dying, hits(dying))
    assert reason in death and reason not in lost and "of the cells are lost against vehicle" in lost


def test_no_cell_in_any_well_is_a_fault_and_the_reason_of_all_that_is_missing(one: ReportInputs) -> None:
    of_cells = [name for name in one.wells if name.startswith(("Fraction_", "Median", "Relative_"))]
    wells = one.wells.assign(Count_Cells=0, Count_Nuclei=0, **dict.fromkeys(of_cells, np.nan))
    none = pd.DataFrame()
    empty = replace(one, wells=wells, responses=none, curves=none, conditions=none, orders=none)
    checks = judged(empty)
    assert (checks[0].state, checks[0].question) == ("stop", "Were cells found?")
    said = " ".join(findings(empty, hits(empty)))
    assert "no dose response was fitted, no cell was found in any well" in said
    assert "Cells lost: not known, since no cell was found" in said
    # vehicle wells alone
    bare = wells.assign(Count_Cells=np.where(wells["Metadata_Role"] == "vehicle", 0, 9))
    bare_of = replace(empty, onsets=none)
    for made in (death.view, shape.view, shape.onsets_view, curves.view):
        html = made(bare_of, "Staurosporine")
        assert "Left out: no cell was found in any well." in html and "was not given" not in html
    (check,) = [c for c in judged(replace(empty, wells=bare)) if c.question == "Were cells found?"]
    assert check.state == "stop" and "No vehicle well has a cell at 2 plates and timepoints" in check.answer
    assert not [c for c in judged(one) if c.question == "Were cells found?"]


def test_compounds_of_one_dose_are_told_by_their_hits(three: ReportInputs) -> None:
    refused = three.responses.assign(State="refused", Reason="2 doses have values; 4 are needed", EC50=np.nan)
    row = {"Metadata_DoseUnit": "uM", "Metadata_Dose": 10.0, "Metadata_Timepoint": 48.0, "RobustZ": 9.0}
    table = pd.DataFrame(
        [
            {
                **row,
                "Metadata_Compound": "A",
                "Endpoint": "Fraction_Dying",
                "Hit": True,
                "SSMD": 4.0,
                "Q": 0.01,
            },
            {
                **row,
                "Metadata_Compound": "B",
                "Endpoint": "Fraction_Dying",
                "Hit": True,
                "SSMD": -7.0,
                "Q": 0.002,
            },
            {
                **row,
                "Metadata_Compound": "C",
                "Endpoint": "Fraction_Dying",
                "Hit": False,
                "SSMD": 1.0,
                "Q": 0.4,
            },
        ]
    )
    screen = replace(three, responses=refused, primary=table)
    death = findings(screen, hits(screen))[0]
    assert "for any of 3 compounds, all refused: 2 doses have values; 4 are needed. " in death
    assert "2 of 3 compounds are hits; the strongest is B at 10 µM, 48 h, " in death
    assert "SSMD −7, false discovery rate 0.002" in death
    none = replace(screen, primary=table.assign(Hit=False))
    assert "none of 3 compounds is a hit" in findings(none, hits(none))[0]


def test_a_long_reason_ends_with_a_clause_outside_brackets() -> None:
    text = f"Yes. {'a' * 100} (rate 0.1, 40 wells; {'b' * 60}); {'c' * 30}, (rate {'d' * 80}, 40 wells)."
    assert first._short(text) == f"Yes. {'a' * 100} (rate 0.1, 40 wells; {'b' * 60}); {'c' * 30} …"
    assert first._short("short (and whole).") == "short (and whole)."
    assert first._short(f"{'e ' * 200}").endswith("e …")


def test_a_share_of_nothing_has_no_sign() -> None:
    assert [percent(value) for value in (-0.001, -0.0, -0.02, 0.001)] == ["0 %", "0 %", "−2 %", "<1 %"]
    assert percent(-0.0001, 1) == "0.0 %"


def test_a_refused_response_is_told_with_its_reason(one: ReportInputs) -> None:
    responses = one.responses.assign(
        State="refused", Reason="no effect of the dose beyond chance", EC50=np.nan
    )
    death = findings(replace(one, responses=responses), hits(replace(one, responses=responses)))[0]
    assert "no EC50, refused: no effect of the dose beyond chance" in death


def test_compounds_are_ranked_by_ec50_whatever_their_names(three: ReportInputs) -> None:
    ranked = hits(three)
    assert main_endpoint(three) == "Fraction_Dying"
    assert [hit.compound for hit in ranked] == ["B", HOSTILE, "A"]  # 1.9, 3.4 and 4.9 µM
    assert [float(hit.main["EC50"]) for hit in ranked if hit.main] == pytest.approx([1.9, 3.42, 4.94])


def test_units_count_in_the_ranking_and_states_come_in_their_order() -> None:
    def row(state: str, unit: str = "uM", **values: float) -> dict[str, Any]:
        return {"State": state, "Metadata_DoseUnit": unit, **values}

    rows = [
        row("unbounded", EC50_High=0.01),
        row("fitted", "nM", EC50=900.0),
        row("fitted", "uM", EC50=1.0),
        row("fitted", "mM", EC50=0.002),
        row("imprecise", EC50=0.5),
        row("unbounded", EC50_Low=50.0),
        row("refused", Effect_Q=0.2),
        None,
    ]
    assert sorted(rows, key=rank) == rows


def test_many_compounds_have_a_table_in_which_each_can_be_chosen(three: ReportInputs) -> None:
    html = first.first_screen(three, [], "Sound", "", "ok", Tiles())
    assert html.count('data-hit="') == 3
    assert 'type="search"' in html and html.count("data-sort=") == 7
    others = re.findall(r'<script type="application/zlib" id="md-hit-(\d)">([\w+/=]+)</script>', html)
    assert [place for place, _ in others] == ["1", "2"]
    html += "".join(zlib.decompress(base64.b64decode(text)).decode() for _, text in others)
    assert html.count('<h3 class="md-name">') == 3
    assert HOSTILE not in html and "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "EC50 of dying or dead cells" in html and "3 compounds: 3 fitted" in html
    lacking = three.responses[three.responses["Metadata_Compound"] != "A"]
    less = replace(three, responses=lacking)
    assert "3 compounds: 2 fitted and 1 without a curve." in findings(less, hits(less))[0]


def test_a_curve_says_its_ec50_and_state_and_draws_each_well(one: ReportInputs) -> None:
    row = rows_of(one, "Staurosporine", "Fraction_Dying")[-1]
    wells = points_of(one, row)
    drawn = svg.curve_svg(row, wells, curve_of(one, row), "dying", svg.LARGE, HOSTILE)
    dots = re.findall(r'<path d="((?:M[-\d. ]+h0)+)" stroke="#333"', drawn)
    assert sum(part.count("h0") for part in dots) == len(wells) == 10
    assert ">40\u202f%</text>" in drawn and ">dose (µM)</text>" in drawn
    assert "<polygon" in drawn and "EC50 1.9 µM (1.4 – 2.6), fitted" in drawn and "<img" not in drawn
    refused = {**row, "State": "refused", "EC50": np.nan}
    bare = svg.curve_svg(refused, wells, pd.DataFrame(), "dying")
    assert "no EC50, refused" in bare and "<polyline" not in bare
    gone = {**row, "Endpoint": "Gone"}
    assert "no value in any well" in svg.curve_svg(gone, points_of(one, gone), pd.DataFrame(), "x")
    assert "not in the fit" not in drawn


def test_a_well_that_is_not_in_the_fit_is_a_cross_and_the_others_stand_where_the_fit_took_them(
    one: ReportInputs,
) -> None:
    row = rows_of(one, "Staurosporine", "MedianViable_Cells_AreaShape_Area")[-1]
    mine = points_of(one, row)
    assert mine["Used"].all() and len(mine) == 10
    # too few cells at the highest dose: the rule of the fit, where its table of points is not given
    few = (one.wells["Metadata_Dose"] == 10) & (one.wells["Metadata_Timepoint"] == 48)
    poor = replace(one, wells=one.wells.assign(Count_Cells=one.wells["Count_Cells"].mask(few, 4)))
    assert points_of(poor, row).groupby("Dose")["Used"].all().to_dict() == {
        0: True, 0.3: True, 1: True, 3: True, 10: False,
    }  # fmt: skip
    drawn = svg.curve_svg(row, points_of(poor, row), curve_of(one, row), "area", svg.LARGE)
    assert drawn.count(svg.CROSS) == 2 and 'data-out="2"' in drawn and "2 wells not in the fit" in drawn
    assert "Crosses: wells that are not in the fit." in curves.view(poor, "Staurosporine")
    # the table of points says more: a value against the vehicle of the plate, an outlier
    wells = one.wells[one.wells["Metadata_Timepoint"] == 48]
    given = wells.assign(
        Endpoint=row["Endpoint"], Value=wells[row["Endpoint"]] + 7, Used=wells["Metadata_Dose"] < 10
    )
    given["Metadata_Compound"] = "Staurosporine"
    told = points_of(replace(one, further={POINTS.name: given.iloc[1:]}), row)
    assert told["Used"].sum() == 7 and np.allclose(told["Value"], mine["Value"] + 7 * told["Used"])


def test_labels_of_doses_do_not_touch_and_have_the_digits_of_the_dose() -> None:
    doses = (0.98, 1.95, 3.91, 7.81, 15.63, 31.25, 62.5, 125.0, 250.0)
    frame = svg.PANEL
    drawn = "".join(svg._Places(frame, doses, (0, 1)).axes("nM", "share", True))
    labels = re.findall(rf'<text x="([\d.]+)" y="{frame.height - frame.bottom + 14}">([^<]+)<', drawn)
    ends = [(float(x) - 3.1 * len(text), float(x) + 3.1 * len(text)) for x, text in labels]
    assert all(after[0] - before[1] >= 6 for before, after in itertools.pairwise(ends))
    assert {text for _, text in labels} <= {"veh.", *(f"{dose:g}" for dose in doses)} and len(labels) > 4


def test_ticks_are_round_and_few() -> None:
    assert svg.ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert svg.ticks(372.0, 640.0) == [400, 450, 500, 550, 600] or len(svg.ticks(372.0, 640.0)) <= 6


# the montage


def test_a_montage_without_room_for_all_doses_and_times_says_how_many_it_shows(one: ReportInputs) -> None:
    assert montage._share_shown(one, "Staurosporine", [0.0, 0.3, 1.0, 3.0, 10.0], [24.0, 48.0]) == ""
    words = montage._share_shown(one, "Staurosporine", [0.0, 0.3, 10.0], [48.0])
    assert words == " Shown: 2 of 4 doses and 1 of 2 times."


def fields_of(screen: ReportInputs, folder: Path) -> dict[str, Path]:
    """A field of each well whose late stain is as bright as ten times its dose, over 100 counts."""
    found = {}
    for well in screen.wells.to_dict("records"):
        planes = np.full((3, 40, 50), 100, np.uint16)
        planes[2] += np.uint16(10 * well["Metadata_Dose"])
        image = f"{well['Metadata_Acquisition']}_Well_{well['Metadata_Well']}_Field_1"
        write_field(folder / f"{image}.ome.tiff", Field(planes, ("Brightfield", "Hoechst", "PI"), 0.5))
        found[image] = folder / f"{image}.ome.tiff"
    return found


def tiles_of(screen: ReportInputs) -> Tiles:
    return make_tiles(screen, wanted_of(screen, None))


def test_all_tiles_of_a_montage_have_the_same_contrast(one: ReportInputs, tmp_path: Path) -> None:
    design = {"roles": {"nuclear": "Hoechst", "late_death": "PI", "cell": "Gone"}}
    screen = replace(one, fields=fields_of(one, tmp_path), design=design)
    made = tiles_of(screen)
    html = montage.montage(screen, "Staurosporine", made)
    assert html.count('class="md-tile"') == 10  # vehicle and four doses at two times
    assert "Shown: " not in html
    assert html.count("<img") == 20 and len(made.thumbs) == len(one.wells)
    for words in ("vehicle", "0.3 µM", "10 µM", "24 h", "48 h", "Hoechst, blue", "PI, red", "20 µm"):
        assert words in html
    assert (
        "Gone" not in html and "outlines" not in html
    )  # a channel that no field has, masks that are not given
    planes = [{"late_death": np.full((4, 4), level, np.float32)} for level in (100, 150, 200)]
    low, high = tiles.contrast(planes)["late_death"]
    assert (low, high) == (150.0, 190.0)
    dark, full = (tiles.composite(one, {"late_death": (100.0, 200.0)}) for one in (planes[0], planes[2]))
    assert dark.max() == 0 and full[0, 0].tolist() == [255, 25, 89]


def test_a_field_is_read_once_and_no_more_than_may_be_read(
    one: ReportInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = {"roles": {"late_death": "PI"}, "image": {"width": 40, "height": 50}, "channels": [{}, {}, {}]}
    screen = replace(one, fields=fields_of(one, tmp_path), design=design)
    monkeypatch.setattr(tiles, "MOST_PIXELS", 4 * 40 * 50)  # of the one stain that is drawn
    made = tiles_of(screen)
    assert made.spent and len(made.layers) == 4
    monkeypatch.setattr(tiles, "MOST_PIXELS", 10**9)
    assert not tiles_of(screen).spent


def test_every_compound_has_a_montage_where_the_page_takes_few_tiles(
    three: ReportInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = {"roles": {"late_death": "PI"}}
    screen = replace(three, fields=fields_of(three, tmp_path), design=design)
    monkeypatch.setattr(tiles, "MOST_TILES", 12)  # ten pictures of the first, eight more of the next
    wanted = wanted_of(screen, None)
    assert sum(ask.tile for ask in wanted.values()) == 10
    # vehicle and four doses of each at 48 h are read before anything else of the second compound
    assert sum("Time_48hrs" in image for image in list(wanted)[:18]) == 13  # they share vehicle
    made = make_tiles(screen, wanted)
    for compound, count in (("B", 10), (HOSTILE, 5), ("A", 5)):
        html = montage.montage(screen, compound, made)
        assert html.count('class="md-tile"') == count and HOSTILE not in html
        rows = [int(row) for row in re.findall(r'data-well="(\d+)"', html)]
        wells = screen.wells.loc[rows]
        assert len(rows) == (0 if compound == "B" else 5) and set(rows) <= set(made.thumbs)
        assert set(wells["Metadata_Compound"]) <= {compound, "DMSO"} and set(wells["Metadata_Timepoint"]) <= {
            48
        }
    assert "PI red together" in html and "for 1 compound at the top of the ranking" in html
    assert "and 3 more" in html


def test_of_a_large_field_the_middle_alone_is_read(
    one: ReportInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "CUT", 16)
    monkeypatch.setattr(tiles, "STRIP", 2)
    monkeypatch.setattr(tiles, "MOST_PIXELS", 3 * 100 * 120)
    design = {"roles": {"late_death": "PI"}, "image": {"width": 100, "height": 120}}
    screen = replace(one, fields=fields_of(one, tmp_path), design=design)
    few, cell = dict.fromkeys(screen.fields, tiles.Wanted(tile=True)), next(iter(screen.fields))
    # 20 rows of 120 of each: 18 for the price of three
    assert list(tiles.readable(screen, few).values()) == [False] * 18
    whole = tiles.readable(screen, few | {cell: tiles.Wanted(tile=True, cells=[(1, 0)])})
    assert list(whole.values()) == [True] + [False] * 12


@pytest.mark.parametrize(("height", "middle"), [(700, 360), (701, 360), (700, 701), (90, 13)])
def test_the_middle_of_a_field_is_what_the_whole_of_it_has_there(
    tmp_path: Path, height: int, middle: int
) -> None:
    planes = np.random.default_rng(0).integers(0, 4000, (3, height, 900)).astype(np.uint16)
    path = tmp_path / "a.ome.tiff"
    write_field(path, Field(planes, ("A", "B", "C"), 0.5))
    found = read_field(path, ("C", "A"), middle)
    rows = min(height, middle)
    top = (height - rows) // 2
    assert found.channels == ("C", "A") and found.pixel_size_um == 0.5
    np.testing.assert_array_equal(found.pixels, planes[[2, 0], top : top + rows])


def test_outlines_and_crops_are_those_of_the_labels(one: ReportInputs, tmp_path: Path) -> None:
    fields = fields_of(one, tmp_path)
    image = next(iter(fields))
    labels = np.zeros((40, 50), np.uint16)
    labels[10:20, 30:40] = 3
    write_labels(tmp_path / "cells.tif", labels)
    design = {"roles": {"late_death": "PI"}}
    screen = replace(
        one,
        fields=fields,
        design=design,
        cell_masks={image: tmp_path / "cells.tif"},
        params={"crop_size": 20},
    )
    # label 3 has a crop, label 9 is not there
    wanted = {image: tiles.Wanted(tile=True, cells=[(3, 0), (9, 1)])}
    made = make_tiles(screen, wanted, 2)
    assert made.cropped == {0} and made.sheet is not None
    assert made.sheet.shape == (tiles.CROP, tiles.ACROSS * tiles.CROP, 3)
    assert list(made.masks) == [image] and made.masks[image].startswith("data:image/png;base64,")


def test_a_stain_of_noise_alone_stays_dark() -> None:
    noise = np.random.default_rng(0).normal(100, 4, (60, 60)).astype(np.float32)
    low, high = tiles.contrast([{"early_death": noise}])["early_death"]
    assert high - low > 50


def test_a_montage_that_is_missing_says_why(one: ReportInputs) -> None:
    assert "were not given (--focus)" in montage.montage(one, "Staurosporine", Tiles())
    screen = replace(one, fields={"x": Path("x")})
    assert "no channel has a role" in montage.montage(screen, "Staurosporine", Tiles())
    screen = replace(one, fields=dict.fromkeys(montage_ids(one), Path("x")), design={"roles": {"cell": "C"}})
    assert "has one of the channels C" in montage.montage(screen, "Staurosporine", Tiles())
    html = montage.montage(screen, "Staurosporine", Tiles(spent=True))
    assert "Staurosporine is number 1 of the ranking" in html
    assert "projected/ of the results, as Time_48hrs_R1_Well_B02_Field_1.ome.tiff, " in html


def montage_ids(screen: ReportInputs) -> list[str]:
    wells = screen.wells
    names = wells["Metadata_Acquisition"] + "_Well_" + wells["Metadata_Well"]
    return [f"{name}_Field_1" for name in names]


def test_fields_that_qc_dropped_are_not_shown(one: ReportInputs, tmp_path: Path) -> None:
    images = one.images.assign(Metadata_QCVerdict="drop")
    screen = replace(
        one, fields=fields_of(one, tmp_path), design={"roles": {"late_death": "PI"}}, images=images
    )
    assert "no field of Staurosporine" in montage.montage(screen, "Staurosporine", Tiles())


def test_the_section_begins_with_the_first_screen_and_every_check_stands_once(one: ReportInputs) -> None:
    checks = judged(one)
    made = section(one, checks, Tiles())
    assert made.parts[0].title.startswith("1 compound, ") and "whole cells" in made.parts[0].title
    (table,) = checks_section(one, checks).parts
    assert table.html.count("<tr>") == len(checks) + 1 > 5
