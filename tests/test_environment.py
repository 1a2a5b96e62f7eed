"""What a run needs of its environment is missed before the first task, and told with the way out."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DEFAULTS = {
    "cell_model": "morphodose",
    "nuclear_model": "morphodose",
    "deep": False,
    "container_registry": None,
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one image, one kept model and one model of the user."""
    folder = tmp_path_factory.mktemp("places")
    for name in ("images/base.sif", "kept/cpsam", "kept/cyto3", "mine/cpsam_ours"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("not really")
    return folder


def cases(places: Path) -> dict[str, dict[str, object]]:
    images = {"container_dir": str(places / "images")}
    both = {"cell_model": "cpsam", "nuclear_model": "cpsam"}
    mine = str(places / "mine" / "cpsam_ours")
    return {
        "one of two": {**images, "cell_model": "cpsam"},
        "kept": {**images, **both},
        "a file": {**images, "cell_model": mine, "nuclear_model": mine},
        "images": {**images, "deep": True},
        "registry": {**images, "container_registry": "docker://registry.example/lab"},
    }


@pytest.fixture(scope="module")
def said(places: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[str]]]:
    """Case → what is found and what is missing, from one run of Nextflow."""
    folder = tmp_path_factory.mktemp("environment")
    (folder / "nextflow.config").write_text("apptainer.enabled = true\n")
    (folder / "main.nf").write_text(
        f"include {{ environmentFaults ; modelFile }} from '{ROOT}/workflows/environment'\n"
        "workflow {\n"
        f"    def cases = new groovy.json.JsonSlurper().parse(file('{folder}/cases.json').toFile())\n"
        "    println 'SAID ' + groovy.json.JsonOutput.toJson(cases.collectEntries { name, options -> [name, [\n"
        "        faults: environmentFaults(options), models: [options.cell_model, 'cyto3', 'cyto2'].collect { model -> modelFile(model).toString() }\n"
        "    ]] })\n"
        "}\n"
    )
    (folder / "cases.json").write_text(
        json.dumps({name: {**DEFAULTS, **options} for name, options in cases(places).items()})
    )
    path = os.pathsep.join([os.environ["PATH"], str(ROOT / "setup")])
    environment = {**os.environ, "PATH": path, "CELLPOSE_LOCAL_MODELS_PATH": str(places / "kept")}
    done = subprocess.run(
        ["nextflow", "-q", "run", str(folder / "main.nf")],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("SAID ")]
    assert lines, done.stdout + done.stderr
    return json.loads(lines[0].removeprefix("SAID "))


def test_cellpose_sam_and_another_model_are_not_mixed(said: dict[str, dict[str, list[str]]]) -> None:
    assert "name both cpsam, or neither" in said["one of two"]["faults"][0]


def test_what_cellpose_keeps_is_found_and_handed_to_the_task(
    said: dict[str, dict[str, list[str]]], places: Path
) -> None:
    kept = places / "kept"
    assert said["kept"]["models"] == [str(kept / "cpsam"), str(kept / "cyto3"), "[]"]
    assert said["a file"]["models"][0] == str(places / "mine" / "cpsam_ours")


def test_missing_images_are_named_with_the_command_that_makes_them(
    said: dict[str, dict[str, list[str]]], places: Path
) -> None:
    for case, missing in {
        "kept": "cellpose4",
        "a file": "cellpose4",
        "images": "cellpose3 resnet",
    }.items():
        (fault,) = said[case]["faults"]
        assert f"containers/build.sh --out {places / 'images'} {missing}" in fault, case
    assert said["registry"]["faults"] == []
