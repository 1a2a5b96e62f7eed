"""What a training asks of SLURM, and that its command is told the same."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]

#: The strict parser of 25.04 takes no profile from an included file.
LENIENT = {"NXF_SYNTAX_PARSER": "v1"}

#: Takes any job, and ends it as failed.
SBATCH = "#!/bin/sh\ntouch .command.begin .command.out .command.err\nprintf 1 > .exitcode\necho Submitted batch job 7\n"

MAIN = f"""
include {{ TRAIN_RESNET }} from '{ROOT}/modules/local/train_resnet/main'
workflow {{
    def inputs = ['crops', 'split', 'labels'].collect {{ name -> file("${{projectDir}}/${{name}}") }}
    TRAIN_RESNET([id: 'trained_fold0', kind: 'trained', fold: 0], inputs[0], inputs[1], inputs[2], '/checkpoints', ['{{}}', 'test'])
}}
"""


def ask(folder: Path, *arguments: str) -> tuple[str, str]:
    """#SBATCH lines and the command of a training, with a scheduler that only looks as if it were one."""
    (folder / "tools").mkdir()
    for name, text in {"sbatch": SBATCH, "squeue": "#!/bin/sh\n"}.items():
        (folder / "tools" / name).write_text(text)
        (folder / "tools" / name).chmod(0o755)
    for name in ("crops", "split", "labels"):
        (folder / name).write_text("nothing")
    (folder / "main.nf").write_text(MAIN)
    (folder / "nextflow.config").write_text(f"includeConfig '{ROOT}/nextflow.config'\n")
    path = os.pathsep.join([str(folder / "tools"), os.environ["PATH"], str(ROOT / "setup")])
    done = subprocess.run(
        ["nextflow", "run", "main.nf", "-profile", "slurm", "-executor.pollInterval=1sec", *arguments],
        cwd=folder, env={**os.environ, "PATH": path, "NXF_ANSI_LOG": "false", **LENIENT}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "terminated with an error exit status (1)" in done.stdout, done.stdout + done.stderr
    (script,) = folder.glob("work/*/*/.command.run")
    lines = re.findall(r"^#SBATCH (.*)", script.read_text(encoding="utf-8"), re.MULTILINE)
    return "\n".join(lines), script.with_name(".command.sh").read_text(encoding="utf-8")


def test_several_gpus_are_asked_of_one_node_and_used_by_the_command(tmp_path: Path) -> None:
    given = ("--use_gpu", "--training_gpus", "2", "--slurm_gpu_type", "a100")
    asked, command = ask(tmp_path, *given)
    assert "--nodes=1 --gpus=a100:2" in asked
    assert "-c 8" in asked and "--mem 16384M" in asked, "cores and memory for each GPU"
    assert "--use_gpu --workers 3" in command
    assert re.search(r"--devices 2 .*--num_nodes 1 .*--threads 4 ", command, re.DOTALL)
    assert "srun" not in command, "the command starts one process per GPU itself"


def test_on_several_nodes_srun_starts_the_command_on_each(tmp_path: Path) -> None:
    asked, command = ask(tmp_path, "--use_gpu", "--training_gpus", "2", "--training_nodes", "3")
    assert "--nodes=3 --ntasks-per-node=1 --gpus-per-node=2" in asked
    assert "-c 8" in asked and "--mem 16384M" in asked
    assert re.search(
        r"^ *srun --nodes=3 --ntasks=3 --ntasks-per-node=1 --cpus-per-task=8 --kill-on-bad-exit=1 train_resnet.py",
        command,
        re.MULTILINE,
    )
    assert re.search(r"--devices 2 .*--num_nodes 3 ", command, re.DOTALL)
    assert len(re.findall("srun", command)) == 1, "versions are written once"


def test_without_gpus_they_are_processes_with_a_core_each(tmp_path: Path) -> None:
    asked, command = ask(tmp_path, "--training_gpus", "2")
    assert "--gpus" not in asked and "--nodes" not in asked and "-c 2" in asked
    assert "--use_gpu" not in command and "srun" not in command
    assert re.search(r"--devices 2 .*--num_nodes 1 .*--threads 1 ", command, re.DOTALL)
