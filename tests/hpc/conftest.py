"""A real SLURM, real images and the runs that several tests share. What is not installed is skipped, by name."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.conftest import simulate
from pipeline.nextflow_runs import ROOT, Run, kill_tasks, run

HERE = Path(__file__).resolve().parent

#: One vehicle and one treated well, two fields in all.
TWO_FIELDS = "--times 24 --doses 10 --replicates 1 --vehicle_wells 1 --positive_wells 0 --fields 1 --planes 2 --size 200 --density 12"
ARGUMENTS = ("--pixel_size_um", "0.65", "--diameter", "40", "--nuclear_diameter", "18", "--deep", "false")
#: With the strict parser of 25.04, configuration does not see what the command line says.
LENIENT = {"NXF_SYNTAX_PARSER": "v1"}


@dataclass(frozen=True)
class Slurm:
    """The daemons of one session."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"SLURM_DIR": str(self.folder), "SLURM_CONF": str(self.folder / "slurm.conf")}

    def call(self, *command: str) -> str:
        done = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def daemon(self, action: str) -> None:
        self.call(str(HERE / "slurm.sh"), action)

    def jobs(self, state: str = "RUNNING") -> dict[str, str]:
        """Job number → name (``nf-<process>_(<tag>)``) of the jobs in a state."""
        lines = self.call("squeue", "-h", "-t", state, "-o", "%A|%j").splitlines()
        return dict(line.split("|", 1) for line in lines)

    def wait_for(self, name: str, limit_s: float = 300) -> str:
        """Number of the first running job whose name holds `name`."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            for number, job in self.jobs().items():
                if name in job:
                    return number
            time.sleep(0.2)
        raise TimeoutError(f"no job {name} ran within {limit_s} s")


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    missing = [name for name in ("slurmctld", "slurmd", "munged", "sbatch") if not shutil.which(name)]
    if missing or os.getuid() != 0:
        pytest.skip(f"needs root and {', '.join(missing) or 'SLURM'} (tests/hpc/slurm.sh install)")
    daemons = Slurm(tmp_path_factory.mktemp("slurm"))
    daemons.daemon("start")
    yield daemons
    daemons.daemon("stop")
    # without cgroups a job's processes may outlive it
    kill_tasks(tmp_path_factory.getbasetemp())


def build(folder: Path, *names: str) -> None:
    """Build the images that are not up to date, side by side."""
    source = os.environ.get("MORPHODOSE_IMAGE_FROM")
    if source is None:
        source = str(folder / "debian")
        if not Path(source).is_dir():
            subprocess.run([str(HERE / "apptainer.sh"), "base", source], check=True)
    begin = time.monotonic()
    options = ["--out", str(folder), *(["--from", source] if source else [])]
    script = str(ROOT / "containers" / "build.sh")
    builds = {name: subprocess.Popen([script, *options, name]) for name in names}
    failed = [name for name, process in builds.items() if process.wait()]
    assert not failed, f"not built: {', '.join(failed)}"
    print(f"{', '.join(names)} in {time.monotonic() - begin:.0f} s")


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with base.sif and cellpose3.sif: MORPHODOSE_IMAGES or a new one; what is not up to date is built."""
    if not shutil.which("apptainer"):
        pytest.skip("needs apptainer (tests/hpc/apptainer.sh install)")
    given = os.environ.get("MORPHODOSE_IMAGES")
    folder = Path(given) if given else tmp_path_factory.mktemp("images")
    folder.mkdir(parents=True, exist_ok=True)
    build(folder, "base", "cellpose3")
    return folder


@pytest.fixture(scope="session")
def all_images(images: Path) -> Path:
    """The same folder with resnet.sif and cellpose4.sif, too: what takes too long for every run of CI."""
    build(images, "resnet", "cellpose4")
    return images


@pytest.fixture(scope="session")
def two_fields(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Arguments of a run on a plate of two fields."""
    sheet = simulate(tmp_path_factory.mktemp("two") / "plate", *TWO_FIELDS.split())
    return ("--input", str(sheet), *ARGUMENTS)


@pytest.fixture(scope="session")
def local_run(two_fields: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same plate on this machine, without scheduler and images."""
    finished = run(tmp_path_factory.mktemp("local"), *two_fields)
    assert finished.status == 0, finished.output
    return finished
