"""Simulated plates and runs that several pipeline tests share; each is made once in a session."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from made_once import made_once
from pipeline.nextflow_runs import ROOT, Run, run

#: Options of the tiny plate: one vehicle and three treated wells at one time, fields of 200 px.
TINY = (
    "--times 24 --doses 0.1,1,10 --replicates 1 --vehicle_wells 1 --positive_wells 0 "
    "--planes 2 --size 200 --density 12"
)
TINY_ARGUMENTS = ("--pixel_size_um", "0.65", "--diameter", "40", "--nuclear_diameter", "18")
#: All wells of the tiny plate share a task: its start takes longer than the work on a well.
TOGETHER = ("--wells_per_task", "4")

#: As little as trains: one network per replicate and one of each control, with checkpoints from which a killed training goes on. The diameter of
#: nuclei is estimated.
LEARNABLE_ARGUMENTS = (
    "-profile", "test", "--pixel_size_um", "0.65", "--diameter", "40", "--nuclear_diameter", "0", "--network", "resnet18", "--epochs", "3",
    "--export", "load_data",
)  # fmt: skip


#: The environment in which setup/nextflow runs the oldest Nextflow, with its only parser.
OLDEST = {"NXF_VER": "24.10.8", "MORPHODOSE_OWN_NEXTFLOW": "1", "NXF_SYNTAX_PARSER": "v1"}


def simulate(out: Path, *options: str) -> Path:
    """Write a simulated plate; gives its samplesheet."""
    command = [sys.executable, str(ROOT / "bin" / "simulate_plate.py"), "--out", str(out), "--workers", "2"]
    subprocess.run([*command, *options], check=True, capture_output=True, text=True)
    return out / "samplesheet.csv"


@pytest.fixture(scope="session")
def tiny_plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a plate that runs through the pipeline in about a minute."""
    made = made_once(tmp_path_factory, "tiny", lambda folder: simulate(folder / "plate", *TINY.split()))
    return made / "plate"


@pytest.fixture(scope="session")
def learnable_plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the plate of the profile `test`, on which every step runs, networks and all."""
    copied = tmp_path_factory.mktemp("learnable") / "plate"
    return Path(shutil.copytree(ROOT / "assets" / "tiny_plate", copied))


@pytest.fixture(scope="session")
def learnable_run(learnable_plate: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An undisturbed run on the learnable plate, by the oldest Nextflow that is supported, from a hostile folder."""
    sheet = str(learnable_plate / "samplesheet.csv")
    launch = tmp_path_factory.mktemp("undisturbed") / "Anna's $(touch injected) work"
    # a shell without the environment's PATH, and packages of somebody else in front: the clone's .venv is found
    own = {"PATH": "/usr/bin:/bin", "PYTHONPATH": "/nowhere"} if (ROOT / ".venv").exists() else {}
    own["PATH"] = os.pathsep.join([own.get("PATH", os.environ["PATH"]), str(ROOT / "setup")])
    finished = run(launch, "--input", sheet, *LEARNABLE_ARGUMENTS, **OLDEST, **own)
    assert finished.status == 0, finished.output
    assert not list(launch.parent.rglob("injected"))
    return finished
