"""What a run needs of its environment is missed before the first task, and told with the way out."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

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
    registry = {"container_registry": "docker://registry.example/lab"}
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
        "misspelt": {**registry, "cell_model": "cyt03", "nuclear_model": str(places / "mine" / "gone.npz")},
        "not kept": {**registry, "cell_model": "cpsam_v2", "nuclear_model": "cpsam_v2"},
        "nodes": {
            **images,
            "container_registry": "docker://registry.example/lab",
            "deep": True,
            "training_nodes": 2,
        },
    }


#: Java and Nextflow releases.
JAVAS = [
    [11, "25.04.4"],
    [17, "24.10.8"],
    [23, "24.10.8"],
    [24, "24.10.8"],
    [24, "25.04.4"],
    [25, "25.04.4"],
    [25, "26.04.0"],
]


def pythons(folder: Path) -> dict[str, list[str]]:
    """Case → [folder of the clone, PATH], with a Python that has no packages where there is another one."""
    bare = folder / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    good = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    environments = {"own": Path(sys.prefix), "bare": bare, "not allowed": None, "none": None}
    for name, environment in environments.items():
        clone = folder / name
        clone.mkdir(exist_ok=True)
        (clone / "setup").symlink_to(ROOT / "setup")
        if environment:
            (clone / ".venv").symlink_to(environment)
    (folder / "not allowed" / ".venv" / "bin").mkdir(parents=True)
    (folder / "not allowed" / ".venv" / "bin" / "python3").write_text("not executable")
    removed = folder / "removed"
    shutil.copytree(folder / "not allowed", removed, symlinks=True)
    (removed / ".venv" / "bin" / "python3").unlink()
    (removed / ".venv" / "bin" / "python").symlink_to(folder / "uninstalled" / "python3")
    (removed / ".venv" / "bin" / "python3").symlink_to("python")
    closed = folder / "closed"
    shutil.copytree(removed, closed, symlinks=True)
    (closed / ".venv" / "bin" / "python").unlink()
    (closed / ".venv" / "bin" / "python").symlink_to(folder / "not executable")
    (folder / "not executable").write_text("not executable")
    another = folder / "of another"
    shutil.copytree(folder / "not allowed", another)
    if os.getuid() == 0:
        os.chown(another / ".venv", 65534, -1)
        os.chown(closed / ".venv", 65534, -1)
    return {
        "own": [str(folder / "own"), "/usr/bin:/bin"],
        "of PATH": [str(folder / "not allowed"), good],
        "no packages": [str(folder / "bare"), f"{bare}/bin:/usr/bin:/bin"],
        "nothing": [str(folder / "not allowed"), str(folder)],
        "of another": [str(another), str(folder)],
        "removed": [str(removed), str(folder)],
        "closed": [str(closed), str(folder)],
    }


@pytest.fixture(scope="module")
def answers(places: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the pipeline says of the cases and the names, from one run of Nextflow."""
    folder = tmp_path_factory.mktemp("environment")
    (folder / "nextflow.config").write_text(
        f"apptainer.enabled = true\nincludeConfig '{ROOT}/conf/apptainer.config'\nprofiles {{ slurm {{ }} }}\n"
    )
    (folder / "main.nf").write_text(
        f"include {{ environmentFaults ; findPython ; isSam ; javaFault ; modelFile ; putFirst }} from '{ROOT}/lib/environment'\n"
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
        "    def pythons = asked.pythons.collectEntries { name, places -> [name, findPython(file(places[0]), places[1])] }\n"
        "    def javas = asked.javas.collect { found, release -> javaFault(found, release) }\n"
        "    println 'SAID ' + groovy.json.JsonOutput.toJson([said: said, images: images, pythons: pythons, javas: javas, first: asked.settings.collect { own -> putFirst(own, \"/Anna's/bin\") }])\n"
        "}\n"
    )
    (folder / "cases.json").write_text(
        json.dumps(
            {
                "cases": {name: {**DEFAULTS, **options} for name, options in cases(places).items()},
                "names": list(SAM),
                "pythons": pythons(folder),
                "javas": JAVAS,
                "settings": [
                    {"cpus": 1},
                    {"beforeScript": "module load x", "withName:A": {"beforeScript": "y"}},
                ],
            }
        )
    )
    path = os.pathsep.join([os.environ["PATH"], str(ROOT / "setup")])
    environment = {**os.environ, "PATH": path, "CELLPOSE_LOCAL_MODELS_PATH": str(places / "kept")}
    # packages that a cluster's modules put in front: any Python that heard of them would end at once
    (folder / "modules").mkdir()
    (folder / "modules" / "ast.py").write_text("raise RuntimeError('a package of somebody else')")
    environment["PYTHONPATH"] = str(folder / "modules")
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


def test_a_model_that_is_not_there_is_named_before_the_first_task(
    said: dict[str, dict[str, list[str]]], places: Path
) -> None:
    cells, nuclei = said["misspelt"]["faults"]
    assert cells == (
        "--cell_model cyt03: is neither a file nor one of morphodose, cyto, cyto2, cyto3, nuclei, cpsam, cpsam_v2"
    )
    assert nuclei.startswith(
        f"--nuclear_model {places}/mine/gone.npz: is neither a file nor one of morphodose, "
    )
    (fault,) = said["not kept"]["faults"]
    assert (
        f"put the file that Cellpose publishes under this name into {places}/kept, or give its path" in fault
    )


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


def test_the_environment_of_the_clone_is_found_without_a_path(answers: dict[str, Any]) -> None:
    own, of_path = answers["pythons"]["own"], answers["pythons"]["of PATH"]
    assert own["faults"] == [] and own["folder"].endswith("own/.venv/bin")
    assert of_path == {"folder": None, "faults": []}


def test_the_environment_comes_before_what_a_configuration_brings(answers: dict[str, Any]) -> None:
    line = "export PATH='/Anna'\\''s/bin':\"$PATH\""
    plain, own = answers["first"]
    assert plain == {"cpus": 1, "beforeScript": line}
    assert own == {
        "beforeScript": f"{line}\nmodule load x",
        "withName:A": {"beforeScript": f"{line}\ny"},
    }


def test_a_python_that_cannot_run_the_steps_is_one_message_with_what_to_type(answers: dict[str, Any]) -> None:
    (fault,) = answers["pythons"]["no packages"]["faults"]
    assert re.search(r"bare/\.venv lacks .*\bclick\b.*; python3 of PATH lacks .*\btorch\b", fault)
    assert re.search(r"Type: make -C '.*/bare' setup$", fault)
    (fault,) = answers["pythons"]["nothing"]["faults"]
    assert (
        "/.venv has no bin/python3 that" in fault
        and "may execute; python3 of PATH could not be run (" in fault
    )
    assert re.search(r"Type: make -C '.*/not allowed' setup$", fault)
    (fault,) = answers["pythons"]["removed"]["faults"]
    assert re.search(r"\.venv has the Python .*/uninstalled/python3, which is no longer there;", fault)
    assert re.search(r"Type: make -C '.*/removed' setup$", fault)
    (fault,) = answers["pythons"]["closed"]["faults"]
    assert re.search(r"\.venv has the Python .*/not executable, which you may not execute;", fault)
    if os.getuid() == 0:
        assert "its Python is in a folder that is closed to others. Set up a clone of your own; or" in fault
        (fault,) = answers["pythons"]["of another"]["faults"]
        assert re.search(
            r"The \.venv belongs to .*, who can let others use it: chmod -R a\+rX '.*/\.venv'\.", fault
        )


def test_java_is_one_that_runs_this_nextflow(answers: dict[str, Any]) -> None:
    said = {tuple(asked): fault for asked, fault in zip(JAVAS, answers["javas"], strict=True)}
    refused = {asked for asked, fault in said.items() if fault}
    assert refused == {(11, "25.04.4"), (24, "24.10.8"), (25, "25.04.4")}
    assert "install Java 17 to 24, and name it by JAVA_HOME" in str(said[25, "25.04.4"])


def test_a_later_python_and_a_package_that_cannot_be_imported_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "setup"))
    import environment

    monkeypatch.setattr(environment.sys, "version_info", (3, 13, 1))
    assert environment.version_fault() == "is Python 3.13; 3.11 or 3.12 is needed"
    monkeypatch.undo()
    assert environment.version_fault() is None
    # what a step imports when it starts, and what only some of its functions do
    assert "click" in environment.needed(environment.commands_of("resnet"), lazily=False)
    assert {"cellpose", "jinja2", "umap"} <= environment.needed(
        sorted(environment.BIN.glob("*.py")), lazily=True
    )
    (tmp_path / "half_installed.py").write_text("import a_library_that_is_missing")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(environment, "BIN", tmp_path)
    (fault,) = environment.broken({"half_installed"})
    assert fault.startswith("cannot import half_installed: ModuleNotFoundError")
