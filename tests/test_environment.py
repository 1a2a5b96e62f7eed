"""What a run needs of its environment is missed before the first task, and told with the way out."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
DEFAULTS = {
    "cell_model": "morphodose",
    "nuclear_model": "morphodose",
    "deep": False,
    "container_registry": None,
    "training_nodes": 1,
    "dry_run": False,
    "crop_channels": "Brightfield",
    "brightfield_channel": "Brightfield",
}

#: Names of models, and whether they are Cellpose-SAM: the name of the file tells, not that of its folder.
SAM = {
    "cpsam": True,
    "/x/cpsam": True,
    "cpsam_v2": True,
    "my models/cpsam ours": True,
    "/shared/cpsam_models/mine": False,
    "cpsam/": False,
    "mycpsam": False,
    "my cpsam": False,
    "": False,
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one image, one kept model and one model of the user."""
    folder = tmp_path_factory.mktemp("places")
    for name in ("images/base.sif", "kept/cpsam", "kept/cyto3", "mine/cpsam_ours", "morphodose/README.md"):
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
        "nothing to crop": {**images, "deep": True, "crop_channels": None, "brightfield_channel": None},
        "dry run": {**images, **both, "deep": True, "dry_run": True},
        "dry run without": {"container_dir": str(places / "kept"), "deep": True, "dry_run": True},
        "registry": {**images, "container_registry": "docker://registry.example/lab"},
        "nodes": {
            **images,
            "container_registry": "docker://registry.example/lab",
            "deep": True,
            "training_nodes": 2,
        },
    }


@pytest.fixture(scope="module")
def answers(places: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the pipeline says of the cases and the names, from one run of Nextflow."""
    folder = tmp_path_factory.mktemp("environment")
    (folder / "nextflow.config").write_text(
        f"apptainer.enabled = true\nincludeConfig '{ROOT}/conf/apptainer.config'\nprofiles {{ slurm {{ }} }}\n"
    )
    (folder / "main.nf").write_text(
        f"include {{ environmentFaults ; isSam ; modelFile }} from '{ROOT}/workflows/environment'\n"
        # the rule of the images, asked as a task asks it
        "def imageOf(options) {\n"
        "    def rule = nextflow.Global.session.config.process['withLabel:image_cellpose'].container\n"
        "    def asked = rule.rehydrate([params: [container_dir: 'images'] + options, task: [process: 'SEGMENT_CELLS']], null, null)\n"
        "    asked.resolveStrategy = Closure.DELEGATE_ONLY\n"
        "    return asked.call().toString()\n"
        "}\n"
        "workflow {\n"
        f"    def asked = new groovy.json.JsonSlurper().parse(file('{folder}/cases.json').toFile())\n"
        "    def said = asked.cases.collectEntries { name, options -> [name, [\n"
        "        faults: environmentFaults(options), models: [options.cell_model, 'cyto3', 'cyto2'].collect { model -> modelFile(model).toString() }\n"
        "    ]] }\n"
        "    def images = asked.names.collectEntries { name -> [name, [\n"
        "        isSam(name), imageOf([cell_model: name, nuclear_model: 'morphodose']), imageOf([cell_model: 'morphodose', nuclear_model: name])\n"
        "    ]] }\n"
        "    println 'SAID ' + groovy.json.JsonOutput.toJson([said: said, images: images])\n"
        "}\n"
    )
    (folder / "cases.json").write_text(
        json.dumps(
            {
                "cases": {name: {**DEFAULTS, **options} for name, options in cases(places).items()},
                "names": list(SAM),
            }
        )
    )
    path = os.pathsep.join([os.environ["PATH"], str(ROOT / "setup")])
    environment = {**os.environ, "PATH": path, "CELLPOSE_LOCAL_MODELS_PATH": str(places / "kept")}
    done = subprocess.run(
        ["nextflow", "-q", "run", str(folder / "main.nf"), "-profile", "slurm"],
        cwd=places, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("SAID ")]
    assert lines, done.stdout + done.stderr
    return dict(json.loads(lines[0].removeprefix("SAID ")))


@pytest.fixture(scope="module")
def said(answers: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Case → what is found and what is missing."""
    return dict(answers["said"])


@pytest.mark.parametrize("name", SAM)
def test_the_image_is_chosen_by_the_rule_that_knows_cellpose_sam(answers: dict[str, Any], name: str) -> None:
    known, *images = answers["images"][name]
    assert known == SAM[name]
    assert images == [f"images/{'cellpose4' if SAM[name] else 'cellpose3'}.sif"] * 2


def test_cellpose_sam_and_another_model_are_not_mixed(said: dict[str, dict[str, list[str]]]) -> None:
    assert "name both cpsam, or neither" in said["one of two"]["faults"][0]


def test_what_cellpose_keeps_is_found_and_handed_to_the_task(
    said: dict[str, dict[str, list[str]]], places: Path
) -> None:
    kept = places / "kept"
    assert said["kept"]["models"] == [str(kept / "cpsam"), str(kept / "cyto3"), "[]"]
    assert said["a file"]["models"][0] == str(places / "mine" / "cpsam_ours")


def test_a_folder_with_the_name_of_a_model_is_none(said: dict[str, dict[str, list[str]]]) -> None:
    assert said["images"]["models"][0] == "[]"


def test_missing_images_are_named_with_the_command_that_makes_them(
    said: dict[str, dict[str, list[str]]], places: Path
) -> None:
    for case, missing in {
        "kept": "cellpose4",
        "a file": "cellpose4",
        "images": "cellpose3 resnet",
        "nothing to crop": "cellpose3",
        "dry run without": "base",
    }.items():
        (fault,) = said[case]["faults"]
        folder = places / ("kept" if case == "dry run without" else "images")
        assert f"containers/build.sh --out {folder} {missing}," in fault, case
    assert said["registry"]["faults"] == said["dry run"]["faults"] == []


def test_a_training_on_several_nodes_is_refused_in_images(said: dict[str, dict[str, list[str]]]) -> None:
    (fault,) = said["nodes"]["faults"]
    assert (
        "--training_nodes 2: srun" in fault
        and "not inside the images" in fault
        and "-profile slurm alone" in fault
    )
