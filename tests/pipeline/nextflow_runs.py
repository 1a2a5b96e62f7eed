"""Running the pipeline from a test: one call a run, and what its trace says."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """A finished run: exit status, everything it printed, and where its results are."""

    status: int
    output: str
    outdir: Path

    def tasks(self) -> list[dict[str, str]]:
        """Rows of the trace: process, tag, status (COMPLETED, CACHED, FAILED, ABORTED) …"""
        with open(self.outdir / "pipeline_info" / "trace.txt", newline="") as handle:
            return list(csv.DictReader(handle, delimiter="\t"))

    def executed(self) -> set[str]:
        """Names, without the workflow's, of the processes that ran a task instead of finding it cached."""
        return {row["process"].rpartition(":")[2] for row in self.tasks() if row["status"] == "COMPLETED"}


def environment(**extra: str) -> dict[str, str]:
    """The environment of a run: this interpreter first, Nextflow from PATH or from setup/."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], str(ROOT / "setup")])
    quiet = {"NXF_ANSI_LOG": "false", "NXF_SYNTAX_PARSER": "v2", "OMP_NUM_THREADS": "1"}
    return {**os.environ, "PATH": path, **quiet, **extra}


def start(
    launch_dir: Path, *arguments: str, project: Path = ROOT, outdir: Path | None = None, **extra: str
) -> subprocess.Popen:
    """Start `nextflow run` in `launch_dir`, in a process group of its own."""
    launch_dir.mkdir(parents=True, exist_ok=True)
    results = outdir or launch_dir / "results"
    command = ["nextflow", "run", str(project / "main.nf"), "--outdir", str(results)]
    return subprocess.Popen(
        [*command, *arguments],
        cwd=launch_dir,
        env=environment(**extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(
    launch_dir: Path, *arguments: str, project: Path = ROOT, outdir: Path | None = None, **extra: str
) -> Run:
    """Run the pipeline to its end, well or not."""
    process = start(launch_dir, *arguments, project=project, outdir=outdir, **extra)
    output, _ = process.communicate()
    return Run(process.returncode, output, outdir or launch_dir / "results")


def submitted(output: str) -> set[str]:
    """Names, without the workflow's, of the processes that submitted a task."""
    return set(re.findall(r"ubmitted process > (?:\w+:)*(\w+)", output))


def kill_when(
    launch_dir: Path,
    due: Callable[[set[str]], bool],
    *arguments: str,
    project: Path = ROOT,
    limit_s: float = 1200,
    **extra: str,
) -> set[str]:
    """Start a run, and kill it with all its tasks (SIGKILL) as soon as `due` is true of what it submitted.

    Gives the processes that had submitted a task by then; none where the run ended before, and nothing was
    killed.
    """
    process = start(launch_dir, *arguments, project=project, **extra)
    lines: list[str] = []

    def listen() -> None:
        for line in process.stdout or ():
            lines.append(line)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    deadline = time.monotonic() + limit_s
    while process.poll() is None:
        found = submitted("".join(lines))
        if due(found):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kill_tasks(launch_dir)
            return found
        if time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            kill_tasks(launch_dir)
            raise TimeoutError(f"not killed within {limit_s} s:\n{''.join(lines[-30:])}")
        time.sleep(0.01)
    return set()


def kill_tasks(launch_dir: Path, command: str = "") -> int:
    """Kill (SIGKILL) the processes of tasks below `launch_dir`, or those that run a command; their number."""
    killed = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().split(b"\0")
            ours = Path(os.readlink(entry / "cwd")).is_relative_to(launch_dir)
            # the interpreter that runs it, not the shell that waits for it and hears of its end
            if ours and (not command or any(part.endswith(b"/" + command.encode()) for part in line[1:2])):
                os.kill(int(entry.name), signal.SIGKILL)
                killed += 1
        except (OSError, ValueError):
            continue  # it ended meanwhile, or is not ours
    return killed
