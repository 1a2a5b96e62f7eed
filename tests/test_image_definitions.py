"""The definitions of the images: each tests the commands of the steps that run in it."""

from __future__ import annotations

import os
import re
import subprocess
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


@pytest.mark.parametrize("image", IMAGES)
def test_what_a_task_compiles_is_kept_where_nobody_else_writes(image: str, tmp_path: Path) -> None:
    text = (ROOT / "containers" / f"{image}.def").read_text(encoding="utf-8")
    set_up = text.partition("%environment")[2].partition("%test")[0].replace("/tmp/", f"{tmp_path}/")

    def folders() -> list[Path]:
        script = (
            f'umask 002\n{set_up}\nmkdir -p "$MPLCONFIGDIR"\necho "$NUMBA_CACHE_DIR"; echo "$MPLCONFIGDIR"'
        )
        environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
        done = subprocess.run(["sh", "-euc", script], env=environment, capture_output=True, text=True)
        assert done.returncode == 0 and not done.stderr, done.stderr
        numba, matplotlib = map(Path, done.stdout.split())
        assert (numba.name, matplotlib.name) == ("numba", "matplotlib") and numba.parent == matplotlib.parent
        assert numba.parent.stat().st_mode & 0o777 == 0o700 and not numba.parent.is_symlink()
        return [numba, matplotlib]

    own = tmp_path / f"morphodose-{os.getuid()}"
    # Matplotlib, which comes first on some nodes, makes folders that a group may write to, with this umask
    assert [folder.parent for folder in folders()] == [own, own]
    assert folders() == folders()
    own.chmod(0o777)
    assert own not in folders()[0].parents
    own.rename(tmp_path / "theirs")
    (tmp_path / "theirs").chmod(0o700)
    own.symlink_to(tmp_path / "theirs")
    assert own not in folders()[0].parents
