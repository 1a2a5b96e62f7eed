"""The report in a real browser: every view, every control, at three sizes; without scripts and in print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from browser import SIZES, Watched, chromium, report_problems, serious_faults
from faults.tasks import in_process
from morphodose.report import figure
from report_deep_tables import DeepTables
from report_tables import Tables

pytestmark = pytest.mark.browser

VIEWS = ("answer", "compound", "plate", "cells", "quality", "networks", "methods")
HOSTILE = """<script>console.error('run')</script>"><img src=x onerror=console.error(1)> \\" $x_1$ & 'q'"""
ONE = Tables(times=(4, 48), doses=(0.3, 1, 10, 30), replicates=2)
DRAWN = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="648" height="360"><path d="M0 0h99v99"/></svg>'
#: EC50s of 1.9, 3.4, 4.9 and 6.5 µM, in this order.
NAMES = ("=SUM(A1)", "beta", HOSTILE, "<i>delta</i>")


def make(folder: Path, tables: Tables, deep: DeepTables | None = None) -> Path:
    arguments = tables.write(folder / "tables")
    arguments += deep.write(folder / "deep") if deep else []
    with pytest.MonkeyPatch.context() as patch:
        # test_report_deep_figures.py looks at what Matplotlib draws: here counts the place that a figure takes
        patch.setattr(figure, "render", lambda name, paint: figure.Drawn(name, b"", DRAWN, 9.0))
        in_process("report", *arguments, "--figures", "none", "--out", folder / "report")
    return folder / "report" / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compound with networks and cells."""
    return make(tmp_path_factory.mktemp("one"), ONE, DeepTables(ONE, cells=8, epochs=3))


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compounds with hostile names on two plates."""
    screen = Tables(
        compounds=NAMES, times=(48,), doses=(1, 10), replicates=2, death=False, shapes=(), unit="<b>uM</b>"
    )
    return make(tmp_path_factory.mktemp("several"), screen, DeepTables(screen, 3, sets=("classical",)))


@pytest.fixture
def opened(browser: Any, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A page of `one` or, by parameter, of another; what it reported is looked at in the end."""
    path = request.getfixturevalue(getattr(request, "param", "one"))
    watched = Watched(browser, path, accept_downloads=True)
    watched.open()
    yield watched
    watched.close()
    assert watched.problems == []


on_several = pytest.mark.parametrize("opened", ["several"], indirect=True)


def saved(page: Any, button: Any) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        button.click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


@pytest.mark.parametrize("which", ["one", "several"])
def test_every_view_opens_without_error_request_or_sideways_scroll(
    which: str, browser: Any, request: pytest.FixtureRequest
) -> None:
    page = request.getfixturevalue(which)
    assert report_problems(page, browser) == []
    assert page.stat().st_size < 12e6


def test_a_long_name_of_an_endpoint_makes_no_narrow_page_wider(opened: Watched) -> None:
    page = opened.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.click("[data-view-link=plate]")
    name = "Cytoplasm, correlation of AnnexinV and CellMask within the cell, relative to vehicle of the plate"
    page.evaluate("name => { document.querySelector('#md-plate-endpoint').append(new Option(name)); }", name)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_answer_is_no_longer_than_three_screens_and_has_cells_and_a_curve_on_the_first(
    opened: Watched,
) -> None:
    page = opened.page
    assert page.evaluate("document.documentElement.scrollHeight") <= 3 * SIZES[0][1]
    for wanted in (".md-verdict", ".md-findings", ".md-montage .md-tile", "svg.md-curve"):
        assert page.locator(wanted).first.bounding_box()["y"] < SIZES[0][1]


@pytest.mark.parametrize("which", ["one", "several"])
def test_axe_finds_no_serious_fault(which: str, browser: Any, request: pytest.FixtureRequest) -> None:
    watched = Watched(browser, request.getfixturevalue(which))
    found = {}
    for view in VIEWS:
        page = watched.open(view=view)
        if view == "plate":
            page.locator(".md-well").first.hover()
        found |= {f"{view}: {fault}": "" for fault in serious_faults(page)}
    watched.close()
    assert list(found) == []


def test_without_scripts_every_view_can_be_read_and_in_print_too(browser: Any, one: Path) -> None:
    for options in ({"java_script_enabled": False}, {}):
        watched = Watched(browser, one, **options)
        page = watched.open()
        if not options:
            page.emulate_media(media="print")
        for view in VIEWS:
            assert page.locator(f"#view-{view}").is_visible(), (view, options)
        watched.close()


def test_on_paper_each_view_is_as_it_is_when_it_is_looked_at(opened: Watched) -> None:
    page = opened.page
    page.evaluate(
        "addEventListener('beforeprint', () => { window.wide = document.querySelector('#md-cells').width; })"
    )
    data = page.pdf(format="A4", print_background=True)
    assert data.startswith(b"%PDF") and len(re.findall(rb"/Type ?/Page\b", data)) < 40
    # drawn for the print: the colours of the plate, the map of cells, the crops; then one view again
    assert page.locator(".md-plate caption").count() == 1 and page.locator(".md-crops").count() == 1
    assert page.evaluate("window.wide") > 300
    assert page.locator("#view-plate").is_hidden() and page.locator("#view-answer").is_visible()


def test_the_view_is_in_the_address_and_the_browser_goes_back(opened: Watched) -> None:
    page = opened.page
    page.click("[data-view-link=quality]")
    assert "view=quality" in page.url and page.locator("#view-quality").is_visible()
    assert not page.locator("#view-answer").is_visible()
    page.go_back()
    assert page.locator("#view-answer").is_visible() and not page.locator("#view-quality").is_visible()
    page = opened.open(view="methods")
    assert page.locator("#view-methods").is_visible()


@on_several
def test_compounds_are_sorted_found_and_saved(opened: Watched) -> None:
    page = opened.page
    shown = (
        "[...document.querySelectorAll('#md-hits tbody tr:not([hidden]) [data-hit]')].map(e => e.textContent)"
    )
    assert page.evaluate(shown) == list(NAMES)
    page.locator("#md-hits [data-sort]").first.click()
    assert page.evaluate(shown) == ["<i>delta</i>", HOSTILE, "=SUM(A1)", "beta"]
    page.locator("#md-hits [data-sort]").first.click()
    assert page.evaluate(shown)[0] == "beta"
    page.fill("[data-find]", "BET")
    assert page.evaluate(shown) == ["beta"]
    page.fill("[data-find]", "")
    name, data = saved(page, page.locator("#md-hits ~ .md-csv").first)
    lines = data.decode("utf-8-sig").splitlines()
    assert (
        name.endswith(".csv") and len(lines) == 5 and lines[0].startswith('"Compound","Curve","EC50: cells')
    )
    # a name that a spreadsheet would compute stays a name
    assert any(line.startswith('"\'=SUM(A1)",') for line in lines)


@on_several
def test_no_interval_of_the_table_of_compounds_is_cut_off_on_a_telephone(opened: Watched) -> None:
    page = opened.page
    page.set_viewport_size({"width": 390, "height": 844})
    beyond = (
        "[...document.querySelectorAll('#md-hits td')].filter(e => {"
        " const box = document.createRange(); box.selectNodeContents(e);"
        " return box.getBoundingClientRect().right > 380 + 1; }).map(e => e.textContent)"
    )
    assert page.evaluate(beyond) == []


def test_a_wide_table_is_a_list_on_a_telephone_with_the_heads_beside_the_values(opened: Watched) -> None:
    page = opened.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.click("[data-view-link=quality]")
    table = page.locator("#sec-checks table")
    assert table.evaluate("e => e.scrollWidth <= e.parentElement.clientWidth")
    found = table.locator("td").nth(2)
    assert found.get_attribute("data-label") == "Found" and found.bounding_box()["width"] > 300
    name, data = saved(page, page.locator("#sec-checks .md-csv").first)
    assert data.decode("utf-8-sig").splitlines()[0] == '"State","Check","Found","Look at"'
    page.set_viewport_size({"width": 1400, "height": 1000})
    assert table.locator("thead").is_visible() and found.bounding_box()["width"] < 700


@on_several
def test_no_row_of_the_table_of_compounds_is_tall_on_a_tablet(opened: Watched) -> None:
    page = opened.page
    page.set_viewport_size({"width": 820, "height": 1000})
    for row in page.locator("#md-hits tbody tr").all():
        order, curve = row.locator("td").nth(6), row.locator("svg").first
        assert order.bounding_box()["width"] > 140 and curve.bounding_box()["width"] >= 110
    assert page.evaluate("document.documentElement.scrollWidth") <= 820


@on_several
def test_a_chosen_compound_is_shown_by_every_view_and_is_in_the_address(opened: Watched) -> None:
    page = opened.page
    assert page.locator("[data-view=md-hit] h3").text_content() == "=SUM(A1)"
    page.locator('#md-hits [data-hit="3"]').click()
    expect(page.locator("[data-view=md-hit] h3")).to_have_text("<i>delta</i>")
    assert page.locator("[data-view=md-hit] .md-tile").count() == 3
    assert "compound=%3Ci%3Edelta" in page.url and page.locator("#md-compound").input_value() == "3"
    page.click("[data-view-link=compound]")
    assert page.locator("#md-compound-view h3").text_content() == "<i>delta</i>"
    assert "6.46" in page.locator("#md-compound-view svg.md-curve").first.get_attribute("aria-label")
    # one montage, where it is looked at
    assert page.locator(".md-montage").count() == 1
    assert page.locator("#md-compound-view .md-montage").is_visible()
    name = page.locator("#md-compound-view h3")
    page.select_option("#md-compound", index=2)
    expect(name).to_have_text(HOSTILE)
    page.select_option("#md-compound", index=0)
    expect(name).to_have_text("=SUM(A1)")
    figure = page.locator("#md-compound-view figure.md-fig").first
    figure.hover()
    assert b"<svg" in saved(page, figure.locator("button", has_text="SVG"))[1], (
        "still saved, after the way back"
    )
    # the last choice counts, however fast it came after others
    page.evaluate("""() => { const list = document.querySelector('#md-compound');
      for (const i of [1, 2, 3, 1, 1]) { list.value = i; list.dispatchEvent(new Event('change', { bubbles: true })); } }""")
    expect(name).to_have_text("beta")
    page.reload()
    page = opened.open(compound="beta", view="compound")
    expect(page.locator("#md-compound-view h3")).to_have_text("beta")


@on_several
def test_going_back_and_a_name_that_is_not_there_leave_no_wrong_compound(opened: Watched) -> None:
    page = opened.page
    name = page.locator("#md-compound-view h3")
    page.click("[data-view-link=compound]")
    page.select_option("#md-compound", index=1)
    expect(name).to_have_text("beta")
    page.go_back()
    expect(page.locator("[data-view=md-hit] h3")).to_have_text("=SUM(A1)")
    assert "beta" not in page.url and page.locator("#md-compound").input_value() == "0"
    page = opened.open(compound="gamma<b>", view="compound")
    text = "The address asks for the compound “gamma<b>”, which this screen does not have; =SUM(A1) is shown."
    expect(page.locator(".md-unknown")).to_have_text(text)


@on_several
def test_a_browser_that_cannot_unpack_says_so_in_the_place_of_the_compound(opened: Watched) -> None:
    opened.page.add_init_script("delete window.DecompressionStream")
    page = opened.open(compound="beta", view="compound")
    expect(page.locator("#md-compound-view .md-notice")).to_contain_text("open the page in a newer one")


@on_several
def test_hostile_names_are_shown_and_not_run(opened: Watched) -> None:
    page = opened.page
    assert HOSTILE in page.evaluate("document.body.textContent")
    for view in VIEWS:
        opened.open(view=view, compound=HOSTILE)
        page.wait_for_function("document.querySelector('#md-compound-view').dataset.shown === '2'")
        planted = "img[src=x], main script:not([type='application/zlib']), main b b"
        assert page.locator(planted).count() == 0
    opened.open(view="plate")
    # the second plate has the last replicate of the last compound alone, which is chosen for it
    page.select_option("#md-plate-plate", index=1)
    assert page.locator("#md-plate-replicate").input_value() == "1"
    page.locator(".md-well").nth(1).hover()
    assert page.locator("#md-well h3").text_content() == "B03: <i>delta</i> 1 <b>uM</b>"


def test_stains_and_outlines_are_switched(opened: Watched) -> None:
    page = opened.page
    layer = page.locator(".md-montage .md-tile .md-nuclear").first
    mask = page.locator(".md-montage .md-tile .md-mask").first
    assert layer.is_visible() and not mask.is_visible()
    page.locator("[data-layer=nuclear]").uncheck()
    page.locator("[data-layer=mask]").check()
    assert not layer.is_visible() and mask.is_visible()
    page.click("[data-view-link=compound]")
    assert not page.locator("#md-compound-view .md-nuclear").first.is_visible()


def test_the_plate_shows_what_the_controls_ask_for_and_a_well_with_image_and_curve(opened: Watched) -> None:
    page = opened.open(view="plate")
    values = "[...document.querySelectorAll('.md-well')].map(e => e.textContent)"
    seen = [page.evaluate(values)]
    for name, place in (("time", 0), ("replicate", 1), ("endpoint", 1)):
        page.select_option(f"#md-plate-{name}", index=place)
        seen.append(page.evaluate(values))
    assert all(a != b for a, b in zip(seen, seen[1:], strict=False)), "each control changes what is shown"
    assert "time=4" in page.url and "replicate=2" in page.url and "endpoint=Fraction_" in page.url
    page = opened.open(view="plate", endpoint="Fraction_Dying", time="48", replicate="1")
    page.locator(".md-well").nth(3).hover()
    assert page.locator("#md-well h3").text_content() == "B05: Staurosporine 10 µM"
    assert page.locator("#md-well img.md-thumb").evaluate("e => e.naturalWidth") > 50
    # the ring stands on a dot of the curve of this endpoint and time
    ring = page.locator("#md-well svg[data-endpoint=Fraction_Dying][data-time='48'] .md-here")
    assert ring.count() == 1 and "All values of this well" in page.locator("#md-well").inner_text()
    # the keyboard goes on from there
    page.locator(".md-well").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#md-well h3").text_content() == "B03: Staurosporine 0.3 µM"
    name, data = saved(page, page.locator("#md-plate-csv"))
    assert name == "Fraction_Dying.csv" and len(data.decode("utf-8-sig").splitlines()) == 1 + 2 * 2 * 5


def test_a_well_of_a_curve_and_a_line_of_the_verdict_lead_to_the_plate(opened: Watched) -> None:
    page = opened.page
    curve = page.locator("[data-view=md-hit] svg.md-curve")
    box, scale = curve.bounding_box(), curve.bounding_box()["width"] / 430
    dot = curve.evaluate("e => e.querySelector('path[stroke-linecap=round]').getAttribute('d')")
    x, y = (float(part) for part in dot[1 : dot.index("h")].split())
    page.mouse.move(box["x"] + x * scale, box["y"] + y * scale)
    assert "replicate 1: Staurosporine 0.3 µM, 48 h" in page.locator(".md-tip").text_content()
    page.mouse.click(box["x"] + x * scale, box["y"] + y * scale)
    assert page.locator("#view-plate").is_visible()
    assert page.locator("#md-well h3").text_content() == "B03: Staurosporine 0.3 µM"
    opened.open(view="quality")
    page.locator("#sec-checks a[href*=Share_Count_NucleiWithoutCell]").click()
    assert page.locator("#view-plate").is_visible()
    assert "Share of nuclei in no cell" in page.locator(".md-plate caption").text_content()
    opened.open(view="plate", image="Time_4hrs_R2_Well_C04_Field_3")
    assert page.locator("#md-well h3").text_content() == "C04: Staurosporine 1 µM"


def test_a_cell_under_the_pointer_shows_its_crop_and_a_lasso_gives_ids(opened: Watched) -> None:
    page = opened.open(view="cells")
    canvas = page.locator("#md-cells")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    first = page.locator("#md-cell .md-id").text_content()
    assert first.startswith("Time_") and "_obj" in first
    page.keyboard.press("ArrowRight")
    assert page.locator("#md-cell .md-id").text_content() != first
    crop = page.locator("#md-cell .md-crop")
    assert "url(" in crop.evaluate("e => getComputedStyle(e).backgroundImage")
    assert crop.bounding_box()["width"] == 132
    # round all of the map
    box = canvas.bounding_box()
    left, top, right, low = (
        box["x"] + 2,
        box["y"] + 2,
        box["x"] + box["width"] - 2,
        box["y"] + box["height"] - 2,
    )
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, low), (left, low), (left, top + 5)):
        page.mouse.move(x, y, steps=3)
    page.mouse.up()
    cells = 8 * 2 * 2 * 5
    assert page.locator("#md-cells-chosen").text_content() == f"{cells} cells are chosen."
    _, data = saved(page, page.locator("#md-cells-csv"))
    lines = data.decode("utf-8-sig").splitlines()
    assert (
        len(lines) == cells + 1
        and lines[0] == '"Metadata_CellID","compound","dose","time","replicate","state"'
    )
    # a class that is hidden is not chosen
    page.locator("#md-cells-legend button").first.click()
    page.select_option("#md-cells-by", value="state")
    assert page.locator("#md-cells-legend li").count() == 3
    page.select_option("#md-cells-map", index=1)
    page.locator("#md-cells-reset").click()
    assert page.locator("#md-cells-chosen").text_content() == "No cell is chosen."


@on_several
def test_compounds_are_highlighted_among_the_cells_and_stay_so(opened: Watched) -> None:
    page = opened.open(view="cells", compound="beta")
    assert page.locator("#md-cells-pick").is_hidden()
    page.select_option("#md-cells-by", value="chosen compounds")
    page.fill("#md-cells-pick", "<I>DELTA</i>")
    legend = page.locator("#md-cells-legend li button:not(.md-remove)")
    names = [text.rpartition(" (")[0] for text in legend.all_text_contents()]
    assert names == ["beta", "<i>delta</i>", "vehicle", "other compounds"]
    # each has a mark of its own beside its colour
    marks = page.locator("#md-cells-legend path").evaluate_all("e => e.map(each => each.getAttribute('d'))")
    assert len(marks) == 2 and marks[0] != marks[1]
    page.reload()
    page.wait_for_function("document.querySelector('#md-cells-legend li')")
    assert legend.count() == 4 and page.locator("#md-cells-by").input_value() == "chosen compounds"
    page.locator("#md-cells").hover()
    _, svg = saved(page, page.locator("#view-cells .md-save button", has_text="SVG"))
    assert all(colour in svg.decode() for colour in ("#D55E00", "#009E73", "#C9C9C9"))
    page.locator(".md-remove").click()
    assert legend.count() == 3 and "highlight" not in page.url


@on_several
def test_a_compound_that_is_chosen_in_the_table_comes_into_sight(opened: Watched) -> None:
    page = opened.page
    page.set_viewport_size({"width": 1400, "height": 700})
    page.locator('#md-hits [data-hit="2"]').click()
    expect(page.locator("[data-view=md-hit] h3")).to_have_text(HOSTILE)
    box = page.locator("[data-view=md-hit] svg.md-curve").bounding_box()
    assert box["y"] + box["height"] <= 700 + 1
    text = page.locator("#md-hits").locator("xpath=../following-sibling::p").first.text_content()
    assert re.match(
        r"Small curves: cells, relative to vehicle, \d+ % at the bottom to \d+ % at the top; ", text
    )
    assert "vehicle and 1 to 10 <b>uM</b>, on a logarithmic axis" in text


def test_crops_of_a_compound_stand_by_state_and_dose(opened: Watched) -> None:
    page = opened.open(view="compound")
    heads = page.locator(".md-crops th").all_text_contents()
    assert heads == [
        "vehicle",
        "0.3 µM",
        "1 µM",
        "10 µM",
        "30 µM",
        "viable",
        "early apoptotic",
        "late apoptotic",
    ]
    assert page.locator(".md-crops .md-crop").count() > 10


def test_figures_are_saved_as_svg_and_png(opened: Watched) -> None:
    page = opened.open(view="compound")
    figure = page.locator("figure[data-name='death states']")
    figure.hover()
    name, svg = saved(page, figure.locator("button", has_text="SVG"))
    text = svg.decode()
    assert name == "death_states.svg" and text.count("<svg") == 3 and "early apoptotic" in text
    figure.hover()
    name, png = saved(page, figure.locator("button", has_text="PNG"))
    assert name == "death_states.png" and png.startswith(b"\x89PNG")
    montage = page.locator(".md-montage")
    montage.hover()
    assert saved(page, montage.locator("button", has_text="PNG"))[1].startswith(b"\x89PNG")
    page = opened.open(view="plate", endpoint="Fraction_Dying", time="48", replicate="1")
    page.locator("#md-plate").hover()
    name, svg = saved(page, page.locator("#view-plate .md-save button", has_text="SVG"))
    assert name == "Dying_or_dead_cells_all_but_viable_48_h_replicate_1_plate_P1.svg"
    drawn = svg.decode()
    assert drawn.count("<rect") == 96 + 32 and ">V</text>" in drawn and ">48 h" not in drawn
    assert saved(page, page.locator("#view-plate .md-save button", has_text="PNG"))[1].startswith(b"\x89PNG")
    page = opened.open(view="cells")
    page.locator("#md-cells").hover()
    name, svg = saved(page, page.locator("#view-cells .md-save button", has_text="SVG"))
    drawn = svg.decode()
    assert name == "cells_UMAP_of_measurements_by_dose.svg" and "UMAP 2</text>" in drawn
    assert drawn.count('fill-opacity="0.7"') == 8 * 2 * 2 * 5 and ">30 µM</text>" in drawn
    page = opened.open(view="quality")
    focus = page.locator("figure[data-name='Sharpest plane by channel']")
    focus.hover()
    assert b"<svg" in saved(page, focus.locator("button", has_text="SVG"))[1]


def test_checks_find_what_is_wrong(tmp_path: Path, browser: Any) -> None:
    links = "".join(f'<a href="#view-{i}" data-view-link="{i}">view {i}</a>' for i in "abc")
    views = "".join(
        f'<section class="md-page md-shown" id="view-{i}"><div class="md-section" id="sec-{i}">{text}</div></section>'
        for i, text in (
            ("a", "words enough to be a section"),
            ("b", " "),
            ("c", "words enough, too, for one"),
        )
    )
    faults = (
        '<img alt="lost" src="data:image/png;base64,AAAA"><img alt="away" src="http://127.0.0.1:9/a.png">'
        '<p style="width: 3000px">wide</p><script>console.error("said"); null.thrown</script>'
    )
    page = tmp_path / "page with a space.html"
    page.write_text(f"<!doctype html>{links}{views}{faults}", encoding="utf-8")
    text = "\n".join(report_problems(page, browser))
    for part in (
        "sec-b: the section is empty",
        "broken: lost",
        "console: said",
        "thrown: ",
        "request: http://127",
        "only 3 views",
        "2 views are shown",
        "wider than the window",
    ):
        assert part in text
    assert "sec-a: the section" not in text
