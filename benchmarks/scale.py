#!/usr/bin/env python3
"""What the workflow graph itself costs for the reference screen, and for a campaign of ten such screens.

Run with ``PYTHONPATH=bin:benchmarks python benchmarks/scale.py [--screens 1 --screens 10] [--json FILE]``.
The screen of DESIGN section 1 is written as hard links to tiny planes (8 doses, 6 times, 3 replicates, 9
fields, 6 z, 5 channels: 38,880 of them). `check_design` really runs, every other task is its module's stub,
so what is left is Nextflow: its tasks, time and memory, and what lies in the work directory. A campaign is
one run with a plate a screen. The script exits 1 where a figure of the campaign grows more than 1.1 times as
fast as the screens do.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
import tifffile
from steps import read_trace

ROOT = Path(__file__).resolve().parents[1]
DOSES, TIMES, REPLICATES = (0, 0.1, 0.3, 1, 3, 10, 30, 100), (4, 8, 16, 24, 48, 72), (1, 2, 3)
FIELDS, DEPTHS, CHANNELS = range(1, 10), range(1, 7), range(1, 6)
#: Growth beyond the growth of the input that still counts as linear.
TOLERANCE = 1.1
#: Figures that have to grow linearly, and their unit in the table.
LINEAR = {
    "tasks": "tasks",
    "nextflow_cpu_s": "Nextflow, CPU s",
    "design_s": "check_design, s",
    "peak_rss_mib": "Nextflow, peak RSS, MiB",
    "live_heap_mib": "Nextflow, heap in use, MiB",
    "work_mib": "work directory, MiB",
    "work_inodes": "work directory, inodes",
}

# many stubs at a time on few cores, whatever the labels ask for
CONFIG = """
executor {
    cpus = %d
    memory = '1000 TB'
    queueSize = %d
}
process {
    executor = 'local'
    resourceLimits = [cpus: 1]
}
"""


@dataclass
class Figures:
    """One run: its input, and what it cost. `live_heap_mib` is the most that was left after a collection."""

    screens: int
    planes: int
    well_timepoints: int
    tasks: int
    wall_s: float
    nextflow_cpu_s: float
    tasks_cpu_s: float
    design_s: float
    peak_rss_mib: float
    live_heap_mib: float
    work_mib: float
    work_inodes: int
    load: float
    by_step: dict[str, int]


def write_screens(folder: Path, screens: int) -> tuple[Path, int]:
    """Samplesheet and number of planes of a campaign of `screens` plates, each a reference screen."""
    folder.mkdir(parents=True)
    sheet, count = ["plate,timepoint_h,replicate,images"], 0
    for screen in range(1, screens + 1):
        for hours in TIMES:
            for replicate in REPLICATES:
                name = f"P{screen:02d}/{hours}hrs_R{replicate}"
                sheet.append(f"P{screen:02d},{hours},{replicate},{name}")
                count += write_acquisition(folder / name)
    (folder / "samplesheet.csv").write_text("\n".join(sheet) + "\n")
    rows = [f"A{i:02d},Drug,{dose},uM,{'treated' if dose else 'vehicle'}" for i, dose in enumerate(DOSES, 1)]
    (folder / "platemap.csv").write_text("well,compound,dose,dose_unit,role\n" + "\n".join(rows) + "\n")
    return folder / "samplesheet.csv", count


def write_acquisition(folder: Path) -> int:
    """Planes of one plate at one time: hard links to one file of 8 x 8 px."""
    folder.mkdir(parents=True)
    source = folder / "source.tmp"
    tifffile.imwrite(source, np.ones((8, 8), np.uint16))
    count = 0
    for well in range(1, len(DOSES) + 1):
        for field in FIELDS:
            for z in DEPTHS:
                for channel in CHANNELS:
                    os.link(source, folder / f"W{well:04d}F{field:04d}T0001Z{z:03d}C{channel}.tif")
                    count += 1
    source.unlink()
    return count


def project_copy(target: Path) -> Path:
    """The pipeline with a `check_design` that has no stub, so that -stub-run gets a real design."""
    target.mkdir()
    for name in ("main.nf", "nextflow.config", "nextflow_schema.json"):
        shutil.copy2(ROOT / name, target / name)
    for name in ("workflows", "lib", "modules", "conf"):
        shutil.copytree(ROOT / name, target / name)
    for name in ("bin", "assets"):
        (target / name).symlink_to(ROOT / name)
    module = target / "modules" / "local" / "check_design" / "main.nf"
    script, stub, _ = module.read_text().partition("\n    stub:")
    if not stub:
        raise click.ClickException(f"{module}: no stub section to take out")
    module.write_text(script + "}\n")
    return target


def process_times(pid: int) -> tuple[float, float, float]:
    """CPU seconds of a process, those of its ended children, and its peak memory in MiB."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own, children = (sum(map(int, fields[at : at + 2])) / os.sysconf("SC_CLK_TCK") for at in (11, 13))
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return own, children, int(peak[1]) / 1024 if peak else 0.0


def heap_after_collections(log: Path) -> float:
    """Most MiB of heap still in use after a collection, from a JVM's log of them; 0 without any."""
    after = re.findall(r"\d+M->(\d+)M\(\d+M\)", log.read_text()) if log.exists() else []
    return float(max(map(int, after), default=0))


def disk_use(folder: Path) -> tuple[float, int]:
    """MiB on disk and inodes below a folder, nothing followed."""
    blocks = inodes = 0
    pending = [str(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                blocks += entry.stat(follow_symlinks=False).st_blocks
                inodes += 1
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
    return blocks * 512 / 2**20, inodes


def run_screens(folder: Path, screens: int, slots: int, options: list[str], keep: bool) -> Figures:
    """Write a campaign, run it, and say what it cost."""
    click.echo(f"{screens} screens: writing the planes", err=True)
    sheet, planes = write_screens(folder / "images", screens)
    launch = folder / "launch"
    launch.mkdir()
    (launch / "scale.config").write_text(CONFIG % (slots, slots))
    trace = folder / "results" / "pipeline_info" / "trace.txt"
    project = project_copy(folder / "project")
    command = [
        "nextflow", "run", str(project / "main.nf"), "-stub-run", "-c", "scale.config",
        "--input", str(sheet), "--outdir", str(folder / "results"), "-with-trace", str(trace), *options,
    ]  # fmt: skip
    search = [str(Path(sys.executable).parent), os.environ["PATH"], str(ROOT / "setup")]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(search),
        "NXF_ANSI_LOG": "false",
        "NXF_SYNTAX_PARSER": "v2",
        "NXF_JVM_ARGS": f"{os.environ.get('NXF_JVM_ARGS', '')} -Xlog:gc:file={folder / 'gc.log'}",
    }
    own = children = peak = 0.0
    began = time.monotonic()
    with open(folder / "output.txt", "w") as output:
        process = subprocess.Popen(command, cwd=launch, env=environment, stdout=output, stderr=output)
        try:
            while process.poll() is None:
                try:
                    own, children, seen = process_times(process.pid)
                    peak = max(peak, seen)  # one that has just ended has no memory left
                except OSError:
                    break  # it ended meanwhile
                time.sleep(0.5)
        finally:
            process.terminate()  # where this script is interrupted; Nextflow ends its tasks
            status = process.wait()
    wall = time.monotonic() - began
    if status:
        tail = "".join((folder / "output.txt").read_text().splitlines(keepends=True)[-30:])
        raise click.ClickException(f"the run of {screens} screens failed ({status}):\n{tail}")
    steps = read_trace(trace)
    mib, inodes = disk_use(launch / "work")
    figures = Figures(
        screens=screens,
        planes=planes,
        well_timepoints=screens * len(DOSES) * len(TIMES) * len(REPLICATES),
        tasks=sum(step.tasks for step in steps.values()),
        wall_s=round(wall, 1),
        nextflow_cpu_s=round(own, 1),
        tasks_cpu_s=round(children, 1),
        design_s=round(steps["CHECK_DESIGN"].seconds, 1),
        peak_rss_mib=round(peak),
        live_heap_mib=heap_after_collections(folder / "gc.log"),
        work_mib=round(mib, 1),
        work_inodes=inodes,
        load=os.getloadavg()[0],
        by_step=dict(Counter({name: step.tasks for name, step in steps.items()}).most_common()),
    )
    if not keep:
        shutil.rmtree(folder)
    return figures


def verdicts(all_figures: list[Figures]) -> list[tuple[str, bool]]:
    """One line a figure that has to grow linearly: its growth from the smallest run to each other one."""
    first = min(all_figures, key=lambda figures: figures.screens)
    said = []
    for figures in all_figures:
        if figures is first:
            continue
        factor = figures.screens / first.screens
        for name, title in LINEAR.items():
            small, large = getattr(first, name), getattr(figures, name)
            if not small:
                continue
            growth = large / small
            linear = growth <= factor * TOLERANCE
            said.append(
                (
                    f"{title}: x {growth:.2f} for x {factor:g} screens{'' if linear else ': not linear'}",
                    linear,
                )
            )
    return said


def table(all_figures: list[Figures]) -> str:
    """The figures as a Markdown table, one column per run."""
    names = {
        "planes": "planes", "well_timepoints": "well-timepoints", "wall_s": "wall, s",
        "tasks_cpu_s": "stub tasks and check_design, CPU s", **LINEAR, "load": "load at the end",
    }  # fmt: skip
    heads = " | ".join(
        f"{figures.screens} screen{'s' if figures.screens > 1 else ''}" for figures in all_figures
    )
    lines = [f"| | {heads} |", f"|---|{'--:|' * len(all_figures)}"]
    for name, title in names.items():
        lines.append(f"| {title} | {' | '.join(f'{getattr(figures, name):,g}' for figures in all_figures)} |")
    return "\n".join(lines)


@click.command(context_settings={"show_default": True})
@click.option(
    "--screens", multiple=True, type=click.IntRange(1), default=[1, 10], help="Reference screens a run."
)
@click.option("--slots", type=click.IntRange(1), default=8, help="Stub tasks at a time.")
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="Where to run [a temporary one]."
)
@click.option("--keep", is_flag=True, help="Leave images, work directory and logs in --folder.")
@click.option(
    "--json", "json_out", type=click.Path(dir_okay=False, path_type=Path), help="Figures as JSON, too."
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def main(
    screens: tuple[int, ...],
    slots: int,
    folder: Path | None,
    keep: bool,
    json_out: Path | None,
    options: tuple[str, ...],
) -> None:
    """Print what the graph costs for each number of screens; OPTIONS (after --) go to `nextflow run`."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="scale.", dir=folder))
    found: list[Figures] = []
    try:
        for number in sorted(set(screens)):
            found.append(run_screens(place / f"screens{number}", number, slots, list(options), keep))
            steps = ", ".join(f"{name} {count}" for name, count in found[-1].by_step.items())
            click.echo(f"tasks for {number}: {steps}")
            if json_out:
                json_out.write_text(json.dumps([asdict(figures) for figures in found], indent=1) + "\n")
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)
    click.echo("\n" + table(found) + "\n")
    said = verdicts(found)
    for line, _ in said:
        click.echo(line)
    if not all(linear for _, linear in said):
        sys.exit(1)


if __name__ == "__main__":
    main()
