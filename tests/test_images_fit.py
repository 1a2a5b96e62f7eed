"""Every step's image holds what its command imports, by the labels that conf/apptainer.config goes by."""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from test_code import BIN, closure, imported
from test_requirements import pins

ROOT = Path(__file__).resolve().parents[1]
#: Label of a module → the images that may run it.
IMAGES = {"image_cellpose": ("cellpose3", "cellpose4"), "image_resnet": ("resnet",), "": ("base",)}


def steps() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Process → its command and its images."""
    found = {}
    for source in sorted((ROOT / "modules" / "local").glob("*/main.nf")):
        for part in re.split(r"^process ", source.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            command = re.search(r"^ +(?:\$\{launcher\} )?(\w+\.py)( \w+)? \\", part, re.MULTILINE)
            label = re.search(r"^ +label '(image_\w+)'", part, re.MULTILINE)
            assert command, f"{source}: no command found"
            found[part.split()[0]] = (command[1], IMAGES[label[1] if label else ""])
    return found


@cache
def distributions(command: str) -> frozenset[str]:
    """Distributions that a command and all behind it import, named as in a lock file."""
    names = set().union(*(imported(source) for source in closure(BIN / command)))
    modules = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"morphodose", ""}
    owners = packages_distributions()
    missing = modules - owners.keys()
    assert not missing, f"{command} imports {missing}, which the local environment lacks"
    return frozenset(re.sub(r"[._-]+", "-", owners[module][0]).lower() for module in modules)


STEPS = steps()


@pytest.mark.parametrize("process", STEPS)
def test_the_image_of_a_step_holds_what_its_command_imports(process: str) -> None:
    command, images = STEPS[process]
    for image in images:
        if command == "stage_weights.py" and image == "cellpose4":
            # Cellpose is asked where it publishes a model; both know
            continue
        locked = {pin.partition("==")[0] for pin in pins(image)}
        lacking = distributions(command) - locked
        if image == "cellpose4":
            lacking -= {"numba"}  # of the engine of Cellpose 3, which load.py leaves alone there
        assert not lacking, (
            f"{command} imports {sorted(lacking)}, which {image}.lock lacks (label of {process}?)"
        )


def test_versions_can_be_written_in_every_image() -> None:
    for images in IMAGES.values():
        for image in images:
            assert distributions("versions.py") <= {pin.partition("==")[0] for pin in pins(image)}
