"""Commands that read the results of a finished run say what is wrong with results that are not whole."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from morphodose.errors import InputError
from morphodose.tables import read_table, write_table
from test_dry_run import RATES, TRACE, design

WELLS, IMAGES = "tables/wells.parquet", "tables/images/a.parquet"
FOLDER = ["{results}", "--out", "{results}/picked"]
TRUTH = ["--results", "{results}", "--truth", "{results}"]
RATES_OF = ["--design", "{results}/design/design.json", "--rates", str(RATES), "--results", "{results}"]


def stubbed(folder: Path) -> Path:
    """Results as a stub run leaves them: tables of 0 bytes; the design and the trace are whole."""
    for name in (WELLS, IMAGES, "tables/responses.parquet", "tables/cells/a.parquet"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    design(folder / "design")
    (folder / "pipeline_info").mkdir()
    (folder / "pipeline_info" / "trace.txt").write_text(TRACE)
    return folder


def said(command: str, options: list[str], results: Path) -> str:
    """What a command says that must fail; a traceback is a failure of the test."""
    main = pytest.importorskip(command).main
    done = CliRunner().invoke(main, [option.format(results=results) for option in options])
    assert (done.exit_code, type(done.exception)) == (1, SystemExit), done.output
    return done.output


@pytest.mark.parametrize(
    ("command", "options", "file"),
    [
        ("pick_for_correction", FOLDER, IMAGES),
        ("compare_with_truth", TRUTH, WELLS),
        ("dry_run", RATES_OF, IMAGES),
    ],
)
def test_an_empty_table_is_named(tmp_path: Path, command: str, options: list[str], file: str) -> None:
    results = stubbed(tmp_path)
    assert said(command, options, results).startswith(f"Error: {results / file}: not a whole Parquet table")


@pytest.mark.parametrize(
    ("command", "options", "file"),
    [
        ("pick_for_correction", FOLDER, IMAGES),
        ("compare_with_truth", TRUTH, WELLS),
        ("dry_run", RATES_OF, IMAGES),
    ],
)
def test_a_missing_table_is_named(tmp_path: Path, command: str, options: list[str], file: str) -> None:
    results = stubbed(tmp_path)
    (results / file).unlink()
    place = (results / file) if file == WELLS else (results / file).parent
    assert str(place) in said(command, options, results)


@pytest.mark.parametrize(("command", "options"), [("pick_for_correction", FOLDER), ("dry_run", RATES_OF)])
def test_a_torn_design_is_named(tmp_path: Path, command: str, options: list[str]) -> None:
    results = stubbed(tmp_path)
    (results / "design" / "design.json").write_text('{"channels": [')
    assert f"Error: {results / 'design' / 'design.json'}: not " in said(command, options, results)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_table_that_was_cut_short_is_named(tmp_path: Path, share: float) -> None:
    file = tmp_path / "whole.parquet"
    write_table(pd.DataFrame({"Count": range(1000)}), file)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=r"whole\.parquet: not a whole Parquet table"):
        read_table(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "none.parquet")
