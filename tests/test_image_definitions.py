"""The definitions of the images: each tests the commands of the steps that run in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
IMAGES = sorted(path.stem for path in (ROOT / "containers").glob("*.def"))


def images_of_labels() -> dict[str, set[str]]:
    """``image_<name>`` → the images that conf/apptainer.config may choose for a module with that label."""
    _, *blocks = (ROOT / "conf" / "apptainer.config").read_text(encoding="utf-8").split("withLabel: ")
    found = {
        block.partition(" ")[0]: {
            name for name in IMAGES if re.search(rf"morphodose-{name}\b|\b{name}\.sif|'{name}'", block)
        }
        for block in blocks
    }
    return {label: images for label, images in found.items() if label.startswith("image_")}


def commands_of_modules() -> dict[str, set[str]]:
    """Image → the commands of the modules that run in it; versions.py, which all call, is not a step."""
    labels = images_of_labels()
    found: dict[str, set[str]] = {name: set() for name in IMAGES}
    for module in (ROOT / "modules" / "local").glob("*/main.nf"):
        text = module.read_text(encoding="utf-8")
        given = re.findall(r"^    label '(image_\w+)'", text, re.MULTILINE)
        assert len(given) <= 1, f"{module}: {given}"
        commands = set(re.findall(r"^    (?:\$\{launcher\} )?(\w+)\.py ", text, re.MULTILINE)) - {"versions"}
        assert commands, f"{module} runs no command of bin/"
        for image in labels[given[0]] if given else {"base"}:
            found[image] |= commands
    return found


def commands_tested_in(image: str) -> list[str]:
    text = (ROOT / "containers" / f"{image}.def").read_text(encoding="utf-8")
    test = text.partition("%test")[2].partition("%labels")[0]
    (names,) = re.findall(r"^    for step in ([^;]+); do$", test, re.MULTILINE)
    return names.replace("\\\n", " ").split()


def test_the_label_of_the_segmentation_has_two_images_and_each_other_one() -> None:
    assert images_of_labels() == {"image_cellpose": {"cellpose3", "cellpose4"}, "image_resnet": {"resnet"}}


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_is_tested_with_every_command_of_its_modules_and_no_other(image: str) -> None:
    tested = commands_tested_in(image)
    assert sorted(tested) == sorted(commands_of_modules()[image])
    for name in tested:
        assert (ROOT / "bin" / f"{name}.py").is_file()


@pytest.mark.parametrize("image", IMAGES)
def test_the_page_of_the_images_names_the_commands_of_those_that_have_some(image: str) -> None:
    page = (ROOT / "containers" / "README.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{image}` \| ([^|]*) \|", page, re.MULTILINE)
    if image == "base":
        assert row.startswith("every step that is not named below")
    else:
        assert set(re.findall(r"`(\w+)`", row)) == commands_of_modules()[image]
