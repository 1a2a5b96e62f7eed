"""One start of a command for several well-timepoints."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
import pytest

from morphodose.cli import parse_wells, run_for_wells, well_command
from morphodose.errors import InputError

ran: list[tuple[str, dict[str, str], int]] = []


@well_command
@click.option("--id", "well", required=True)
@click.option("--keys", default="{}")
@click.option("--diameter", default=1)
def measure(well: str, keys: str, diameter: int) -> None:
    """Note what it was called with; B99 cannot be measured."""
    if well == "B99":
        raise InputError(f"{well}: no such well")
    ran.append((well, json.loads(keys), diameter))


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Exit status of the command line."""
    ran.clear()
    monkeypatch.setattr(sys, "argv", ["measure.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        run_for_wells(measure)
        raise SystemExit(0)
    return int(ended.value.code or 0)


def test_each_well_has_its_own_options_and_shares_those_beside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wells = json.dumps([{"id": "A01", "keys": {"well": "A01"}}, {"id": "A02", "diameter": 9}])
    assert called(monkeypatch, "--diameter", "5", "--wells", wells) == 0
    assert ran == [("A01", {"well": "A01"}, 5), ("A02", {}, 9)]
    (tmp_path / "wells.json").write_text(wells)
    assert called(monkeypatch, "--wells", str(tmp_path / "wells.json"), "--diameter", "5") == 0
    assert len(ran) == 2
    assert called(monkeypatch, f"--wells={wells}") == 0
    assert len(ran) == 2


def test_one_well_needs_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert called(monkeypatch, "--id", "A01", "--diameter", "5") == 0
    assert ran == [("A01", {}, 5)]


def test_the_first_fault_ends_it_with_a_plain_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(monkeypatch, "--wells", '[{"id": "A01"}, {"id": "B99"}, {"id": "A02"}]') == 1
    assert [well for well, _, _ in ran] == ["A01"]
    assert "Error: B99: no such well" in capsys.readouterr().err
    assert called(monkeypatch, "--wells", '[{"id": "A01", "wel": 1}]') == 2
    assert "--wel" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "neither"),
        ("[1]", "not a list"),
        ("[]", "not a list"),
        ('[{"id": }]', "not JSON"),
        ("none.json", "neither"),
    ],
)
def test_wells_that_are_no_list_of_objects_are_refused(text: str, said: str) -> None:
    with pytest.raises(click.UsageError, match=said):
        parse_wells(text)
