"""The report in a real browser: no error, no request, no empty section."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from browser import chromium_page, report_problems
from report_deep_tables import DeepTables
from report_tables import Tables

pytestmark = pytest.mark.browser


def make(root: Path, folder: Path, tables: Tables, deep: DeepTables | None = None) -> Path:
    arguments = tables.write(folder / "tables")
    arguments += deep.write(folder / "deep") if deep else []
    subprocess.run(
        [sys.executable, root / "bin" / "report.py", *arguments, "--out", folder / "report"],
        check=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(root / "bin"), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
    )
    return folder / "report" / "report.html"


def test_report_opens_without_error_request_or_empty_section(root: Path, tmp_path: Path) -> None:
    page = make(root, tmp_path, Tables(times=(4, 48), doses=(0.3, 1, 10, 30)))
    assert report_problems(page, tmp_path / "top.png") == []
    assert (tmp_path / "top.png").stat().st_size > 10_000
    assert page.stat().st_size < 15e6


def test_deep_sections_open_and_each_of_their_plots_and_buttons_draws(root: Path, tmp_path: Path) -> None:
    screen = Tables(times=(4, 48), doses=(0.3, 10))
    page = make(root, tmp_path, screen, DeepTables(screen, cells=8, epochs=3))
    assert report_problems(page) == []
    assert page.stat().st_size < 15e6
    with chromium_page() as browser:
        browser.open(page)
        browser.wait("!document.querySelector('.mqc-section .hc-plot.not_rendered')")
        shown = browser.run("[...document.querySelectorAll('.mqc-nav a')].map(e => e.textContent.trim())")
        for title in (
            "Single-cell crops",
            "Training of the network",
            "Is it real?",
            "Components",
            "Profiles",
        ):
            assert title in shown
        # a panel of the interactive plots for each button, the cloud of cells as points
        marks = "document.querySelectorAll('#md_cells .scatterlayer .trace').length"
        assert browser.run(marks) == 3  # vehicle and two doses
        assert browser.run("document.querySelector('#md_cells .scatterlayer .lines path') === null")
        texts = "[...document.querySelectorAll('button[data-dataset-index]')].map(e => e.textContent.trim())"
        for kind in ("UMAP", "PCA"):
            assert {f"{kind}: by {by}" for by in ("dose", "time", "replicate")} <= set(browser.run(texts))
        buttons = browser.run("document.querySelectorAll('button[data-dataset-index]').length")
        assert buttons > 6  # those of the cells, and the learning curves
        browser.run("document.querySelectorAll('button[data-dataset-index]').forEach(e => e.click())")
        browser.listen(1)
        assert browser.run(marks) == 3  # replicates, the last button
        assert browser.errors == []


def test_hostile_names_are_shown_and_not_run(root: Path, tmp_path: Path) -> None:
    name = """<script>console.error('run')</script>"><img src=x onerror=console.error(1)> \\" $x_1$ & 'q'"""
    page = make(
        root,
        tmp_path,
        Tables(compounds=(name, "plain"), times=(48,), doses=(1, 10), unit="<b>uM</b>", replicates=2),
    )
    assert report_problems(page) == []
    with chromium_page() as browser:
        browser.open(page)
        assert name in browser.run("document.body.textContent")
        assert (
            browser.run(
                "document.querySelectorAll('img[src=x], .md-part script, .mqc-nav script, h3 script').length"
            )
            == 0
        )


def test_compounds_are_sorted_found_chosen_and_saved(root: Path, tmp_path: Path) -> None:
    names = ("=SUM(A1)", "beta", "gamma", "<i>delta</i>")  # EC50s of 1.9, 3.4, 4.9 and 6.5 µM
    screen = Tables(compounds=names, times=(48,), doses=(1, 10), replicates=2, death=False, shapes=())
    page = make(root, tmp_path, screen)
    assert report_problems(page) == []
    with chromium_page() as browser:
        browser.open(page)
        shown = "[...document.querySelectorAll('#md-hits tbody tr:not([hidden]) [data-hit]')].map(e => e.textContent)"
        assert browser.run(shown) == list(names)
        browser.run("document.querySelectorAll('#md-hits [data-sort]')[0].click()")
        assert browser.run(shown) == ["<i>delta</i>", "=SUM(A1)", "beta", "gamma"]
        browser.run("document.querySelectorAll('#md-hits [data-sort]')[0].click()")
        assert browser.run(shown)[0] == "gamma"
        find = "(e => { e.value = 'BET'; e.dispatchEvent(new Event('input', {bubbles: true})) })"
        browser.run(f"{find}(document.querySelector('[data-find]'))")
        assert browser.run(shown) == ["beta"]
        # a chosen compound: its montage and curve, its curves further down, and the address
        browser.run("document.querySelector('#md-hits [data-hit=\"3\"]').click()")
        assert browser.run("document.querySelector('[data-view=md-hit] h4').textContent") == "<i>delta</i>"
        assert browser.run("document.querySelectorAll('[data-view=md-hit] .md-montage img').length") == 3
        assert browser.run("document.querySelector('select[data-choose]').value") == "3"
        assert "compound=%3Ci%3Edelta" in browser.run("location.href")
        label = "document.querySelector('[data-view=md-curves] svg').getAttribute('aria-label')"
        assert "6.46 µM" in browser.run(label)
        # a table as it is saved: a name that a spreadsheet would compute stays a name
        browser.run(
            "URL.createObjectURL = blob => { blob.text().then(text => window.saved = text); return '#' };"
            "document.querySelector('#md-hits').parentElement.querySelector('.md-csv').click()"
        )
        browser.wait("window.saved")
        saved = browser.run("window.saved").splitlines()
        assert len(saved) == 5 and saved[0].startswith('"Compound","Curve","EC50: cells')
        assert [line.split(",")[0] for line in saved[1:]][-2:] == ['"\'=SUM(A1)"', '"<i>delta</i>"']
        assert browser.errors == []


def test_checks_find_what_is_wrong(tmp_path: Path) -> None:
    links = "".join(f'<li><a href="#s{i}">part {i}</a></li>' for i in range(6))
    full = "".join(
        f'<div class="mqc-section"><h3 id="s{i}">part {i}</h3><p>words enough to be a section</p></div>'
        for i in range(5)
    )
    empty = '<div class="mqc-section"><h3 id="s5">part 5</h3><p> </p></div>'
    faults = (
        '<img alt="lost" src="data:image/png;base64,AAAA"><img alt="away" src="http://127.0.0.1:9/a.png">'
        "<script>console.error('said'); null.thrown</script>"
    )
    page = tmp_path / "page with a space.html"
    page.write_text(f'<!doctype html><ul class="mqc-nav">{links}</ul>{full}{empty}{faults}', encoding="utf-8")
    text = "\n".join(report_problems(page))
    for part in (
        "part 5: the section is empty",
        "broken: lost",
        "console: said",
        "thrown",
        "request: http://127",
    ):
        assert part in text
    assert "part 4" not in text
