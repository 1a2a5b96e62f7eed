"""The registry of steps is held to the modules, to what they publish, and to the tables they write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from morphodose.schemas import TABLES
from morphodose.steps.registry import STEPS
from morphodose.steps.step import Step

ROOT = Path(__file__).resolve().parents[1]
MODULES = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("modules/local/*/main.nf"))
PUBLISHED = (ROOT / "conf" / "modules.config").read_text(encoding="utf-8")
#: Process → the one that it is another name of.
ALIASES = {
    "STAGE_CELL_WEIGHTS": "STAGE_WEIGHTS",
    "STAGE_NUCLEAR_WEIGHTS": "STAGE_WEIGHTS",
    "CHOOSE_FIELDS": "REPORT",
}
each_step = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)


def process(step: Step) -> str:
    """The text of the process of a step."""
    name = ALIASES.get(step.name, step.name)
    found = re.search(rf"^process {name} {{\n(.*?)^}}", MODULES, re.DOTALL | re.MULTILINE)
    assert found, name
    return found[1]


def emitted(text: str) -> dict[str, str]:
    """Output → its files, ``*`` in the place of what depends on the task."""
    outputs = text.partition("output:")[2].partition("script:")[0]
    lines = [(re.search(r"emit: (\w+)", line), line) for line in outputs.splitlines()]
    paths = re.compile(r"""path\(?\s?['"]([^'"]+)['"]""")
    return {
        name[1]: " ".join(re.sub(r"\$\{[^}]*\}", "*", file) for file in paths.findall(line))
        for name, line in lines
        if name
    }


@each_step
def test_outputs_are_those_of_the_module(step: Step) -> None:
    found = emitted(process(step))
    says_versions = found.pop("versions", None) is not None
    assert found == {output.name: output.files for output in step.outputs}
    assert says_versions == bool(step.versions) == ("versions.py" in process(step))


@each_step
def test_a_step_runs_in_its_image_and_on_its_device(step: Step) -> None:
    text = process(step)
    images = re.findall(r"label 'image_(\w+)'", text)
    assert images == ([] if step.image == "base" else [step.image])
    assert ("label 'process_gpu" in text) == step.gpu


@each_step
def test_its_command_imports_its_declaration(step: Step) -> None:
    """The digest of the code follows imports, and `versions.py` imports the declaration by its name."""
    text = (ROOT / "bin" / step.command).read_text(encoding="utf-8")
    module = ALIASES.get(step.name, step.name).lower()
    assert re.search(rf"^(from morphodose\.steps\.{module} import|from morphodose\.steps import .*\b{module}\b)",
                     text, re.MULTILINE), module  # fmt: skip


def folders(step: Step) -> Iterator[str]:
    """Folders below the results that the configuration publishes a step's files into."""
    for selector, block in re.findall(r"withName: '?([A-Z_|]+)'? \{\n(.*?)\n    \}", PUBLISHED, re.DOTALL):
        if step.name in selector.split("|"):
            yield from re.findall(r"path: \{ \"\$\{params\.outdir\}/?([^\"]*)\" \}", block)


@each_step
def test_what_it_publishes_lies_where_it_says(step: Step) -> None:
    found = list(folders(step))
    assert len(found) == bool(step.publishes)
    # an output in a folder of its own is published with it
    own = {output.files.partition("/")[0] for output in step.outputs}
    assert all(folder == step.publishes or (folder == "" and step.publishes in own) for folder in found)


def test_each_table_is_below_what_its_step_publishes() -> None:
    of = {step.name: step for step in STEPS}
    published = [table for table in TABLES if table.file]
    assert len(published) > 40
    for table in published:
        assert table.file.startswith(f"{of[table.step].publishes}/"), table.name
