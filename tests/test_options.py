"""Parameters are declared once: what is generated of them is fresh, and commands take them from a file or by hand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from morphodose.deep.recipe import HEADS, NETWORKS
from morphodose.design.expand import STACK_AXES
from morphodose.design.parameters import SEGMENTED
from morphodose.evaluation.splits import SPLITS
from morphodose.names import PLATE_FORMATS
from morphodose.options import deep, images, segmentation
from morphodose.options.derived import CELLPOSE_SAM
from morphodose.options.flags import takes
from morphodose.options.groups import GROUPS
from morphodose.options.option import Option
from morphodose.steps.registry import STEPS

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = (
    Option("channel", "text", "CellMask", "a channel", unset=""),
    Option("method", "text", "a", "a method", choices=("a", "b")),
    Option("size", "number", 0, "in px", minimum=0),
    Option("count", "integer", None, "how many", minimum=2),
    Option("deep", "flag", True, "networks", unset=False),
)


@click.command()
@takes(OPTIONS)
def show(**given: Any) -> None:
    click.echo(json.dumps(given))


def shown(tmp_path: Path, given: dict[str, Any] | None, *flags: str) -> dict[str, Any]:
    if given is not None:
        (tmp_path / "options.json").write_text(json.dumps(given))
        flags = ("--options", str(tmp_path / "options.json"), *flags)
    done = CliRunner().invoke(show, flags)
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.output))


WITHOUT = {"channel": "", "method": "a", "size": 0.0, "count": None, "deep": False}


def test_what_is_generated_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "setup" / "generate.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_flag_goes_before_the_file_and_the_file_before_what_a_step_does_without(tmp_path: Path) -> None:
    assert shown(tmp_path, None) == WITHOUT
    given = {"channel": 'it\'s "a" $HOME\n', "method": "b", "size": 2.5, "count": 3, "deep": True}
    assert shown(tmp_path, given) == given
    assert shown(tmp_path, given, "--size", "7", "--no_deep") == {**given, "size": 7.0, "deep": False}


def test_null_and_empty_values_and_those_that_nextflow_made_of_texts_are_understood(tmp_path: Path) -> None:
    assert shown(tmp_path, dict.fromkeys(WITHOUT)) == WITHOUT
    assert shown(tmp_path, dict.fromkeys(WITHOUT, "")) == WITHOUT
    assert shown(tmp_path, {"channel": False})["channel"] == ""  # --channel false
    assert shown(tmp_path, {"channel": 488, "count": "4", "deep": "true"}) == {
        **WITHOUT, "channel": "488", "count": 4, "deep": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not a JSON file"),
        ("[]", "is not a JSON object"),
        ('{"colour": 1}', "colour: no such parameter"),
        ('{"size": -1}', "is not in the range x>=0"),
        ('{"method": "c"}', "'c' is not one of"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "options.json").write_text(text)
    done = CliRunner().invoke(show, ["--options", str(tmp_path / "options.json")])
    assert done.exit_code == 2 and said in done.output


def test_every_parameter_is_declared_once_and_every_step_has_a_module_and_a_command() -> None:
    names = [option.name for group in GROUPS for option in group.options]
    assert len(names) == len(set(names)) > 60
    declared = {id(option) for group in GROUPS for option in group.options}
    assert all(id(option) in declared for step in STEPS for option in step.options)
    modules = "".join(path.read_text() for path in (ROOT / "modules" / "local").glob("*/main.nf"))
    conf = (ROOT / "conf" / "apptainer.config").read_text()
    # a configuration calls no function: the rule stands there once more
    assert CELLPOSE_SAM in conf
    workflows = "".join(path.read_text() for path in (ROOT / "workflows").glob("*.nf"))
    for step in STEPS:
        assert (ROOT / "bin" / step.command).exists(), step.name
        assert f"steps.{step.name}" in workflows, step.name
        process = re.sub("STAGE_(CELL|NUCLEAR)_WEIGHTS", "STAGE_WEIGHTS", step.name)
        process = process.replace("CHOOSE_FIELDS", "REPORT")
        assert f"process {process} {{" in modules, step.name


def test_choices_are_those_of_the_code_that_means_them() -> None:
    pairs = (
        (deep.HEAD, HEADS), (deep.NETWORK, NETWORKS), (deep.SPLIT, SPLITS), (images.STACK_AXIS, ("", *STACK_AXES)),
        (images.PLATE_FORMAT, PLATE_FORMATS), (segmentation.CELL_METHOD, SEGMENTED),
    )  # fmt: skip
    for option, meant in pairs:
        assert set(option.choices) == set(meant), option.name
