"""The command `report.py`: one file, whole or not at all, with nothing outside it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import report as command
from morphodose.report.page import write_page
from morphodose.report.parts import Part, Section
from report_tables import Tables

SMALL = Tables(doses=(1.0, 10.0), times=(4, 48), replicates=2, shapes=("MedianViable_Cells_AreaShape_Area",))


def run(arguments: list[str], out: Path) -> str:
    result = CliRunner().invoke(command.main, [*arguments, "--out", str(out)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_titles_and_data_are_escaped_and_no_text_of_the_data_ends_its_script(tmp_path: Path) -> None:
    hostile = "</script><b>\u2028&amp;"
    sections = [Section("verdict", hostile, [Part(hostile, "<p>kept</p>")]), Section("none", "x", [])]
    write_page(tmp_path / "page.html", sections, hostile, hostile, data={"page": {"compounds": [hostile]}})
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "</script><b>" not in html and "<p>kept</p>" in html
    text = re.search(r'id="md-data-page">(.*?)</script>', html, re.S)
    assert text and json.loads(text[1]) == {"compounds": [hostile]}


def test_report_is_one_file_that_asks_for_nothing(tmp_path: Path) -> None:
    output = run(SMALL.write(tmp_path / "tables"), tmp_path / "report")
    assert "section 1 of 20" in output
    html = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    # attributes that make a browser load something at once
    assert not re.search(r"<script[^>]+src=", html)
    html = re.sub(r"<script.*?</script>", "", html, flags=re.S)
    loads = re.findall(r"""<(?:img|iframe|source|video)[^>]+src=["']([^"']+)""", html)
    loads += re.findall(r"""<link[^>]+href=["']([^"']+)""", html)
    assert loads and all(address.startswith("data:") for address in loads)
    assert "@import" not in html and not re.search(r"url\(\s*['\"]?https?:", html)
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names == {"report.html", "figures"}
    figures = {path.stem for path in (tmp_path / "report" / "figures").glob("*.png")}
    assert figures == {path.stem for path in (tmp_path / "report" / "figures").glob("*.svg")}
    assert {"curve_fraction_dying", "curve_relative_cellcount", "focus_in_z"} <= figures


@pytest.mark.slow
def test_only_the_wells_are_needed(tmp_path: Path) -> None:
    arguments = SMALL.write(tmp_path / "tables", overlays=False)
    wells = arguments[arguments.index("--wells") + 1]
    run(["--wells", wells, "--title", 'My "screen" \\ <b>1</b>'], tmp_path / "report")
    html = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert html.count("Left out") >= 4
    assert "My &#34;screen&#34; \\ &lt;b&gt;1&lt;/b&gt;" in html


def test_failure_leaves_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from morphodose.report import page, sections

    def broken(*_: object) -> str:
        raise OSError("no space left on device")

    monkeypatch.setattr(page, "_render", broken)
    monkeypatch.setattr(sections, "build", lambda *_: ([], {}))
    arguments = SMALL.write(tmp_path / "tables", overlays=False)
    result = CliRunner().invoke(command.main, [*arguments, "--out", str(tmp_path / "report")])
    assert isinstance(result.exception, OSError)
    assert not list((tmp_path / "report").glob("*.html")) and not list((tmp_path / "report").glob(".report*"))


def test_wells_without_roles_are_an_error_in_plain_words(tmp_path: Path) -> None:
    from morphodose.tables import write_table

    write_table(SMALL.wells().drop(columns="Metadata_Role"), tmp_path / "wells.parquet")
    result = CliRunner().invoke(
        command.main, ["--wells", str(tmp_path / "wells.parquet"), "--out", str(tmp_path)]
    )
    assert result.exit_code == 1 and "no column Metadata_Role" in result.output
