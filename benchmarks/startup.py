#!/usr/bin/env python3
"""What the start of a task costs: Python, imports and arguments of every command of bin/, in CPU seconds.

Run with ``PYTHONPATH=bin python benchmarks/startup.py [--json FILE]``. Two figures a command: the time of
``--help`` (what is imported at the top), and of importing everything that the command and the modules of the
project below it name anywhere, in functions too: no start can cost more. Beside them stands the peer, a bare
Python that imports `PEER`, what nearly every step reads and writes with. CPU seconds (user and system) hold
on a busy machine better than seconds of the clock do; the least of several runs is taken. The script exits 1
where a CPU step needs more than `LIMIT`.
"""

from __future__ import annotations

import ast
import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import click

BIN = Path(__file__).resolve().parents[1] / "bin"
MODULES = BIN.parent / "modules" / "local"
#: CPU seconds that the start of a CPU step may take.
LIMIT = 1.5
#: Libraries of the peer.
PEER = "numpy, pandas, pyarrow.parquet, scipy.ndimage"

IMPORT_ALL = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except ImportError as fault:
        print(f"{name}: {fault}", file=sys.stderr)
"""


def imports_of(source: Path) -> set[str]:
    """Dotted names that a source imports outside of ``if TYPE_CHECKING``, functions included."""
    found: set[str] = set()
    pending: list[ast.AST] = [ast.parse(source.read_text())]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module != "__future__":
            found.add(node.module)
            # a module of ours may be imported from its package by name
            found |= {
                f"{node.module}.{alias.name}" for alias in node.names if node.module.startswith("morphodose")
            }
        pending += ast.iter_child_nodes(node)
    return found


def source_of(name: str) -> Path | None:
    """File of a module of the project; None for any other name."""
    place = BIN.joinpath(*name.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def reachable(command: Path) -> list[str]:
    """All modules that a command can come to import, the project's own among them, sorted."""
    names: set[str] = set()
    pending = [command]
    while pending:
        for name in imports_of(pending.pop()) - names:
            source = source_of(name)
            if name.startswith("morphodose") and source is None:
                continue  # a function or class
            names.add(name)
            if source:
                pending.append(source)
    return sorted(names, key=lambda name: (name.startswith("morphodose"), name))


def cpu_seconds(arguments: list[str], repeats: int) -> float:
    """Least CPU seconds, user and system, of a Python process over several runs."""
    best = float("inf")
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise click.ClickException(f"{' '.join(arguments[:2])} failed:\n{done.stderr}")
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def gpu_commands() -> set[str]:
    """Commands of the processes with the label of GPU steps."""
    found: set[str] = set()
    for module in MODULES.glob("*/main.nf"):
        for process in module.read_text().split("\nprocess ")[0:]:
            if "label 'process_gpu'" in process:
                found |= set(re.findall(r"^\s+(?:\$\{launcher\} )?(\w+)\.py ", process, re.MULTILINE))
    return found - {"versions"}


def step_commands() -> set[str]:
    """Commands that some module runs."""
    text = "\n".join(module.read_text() for module in MODULES.glob("*/main.nf"))
    return set(re.findall(r"^\s+(?:\$\{launcher\} )?(\w+)\.py\b", text, re.MULTILINE))


@click.command(context_settings={"show_default": True})
@click.option("--repeats", type=click.IntRange(1), default=3, help="Runs of each figure; the least is taken.")
@click.option(
    "--json", "json_out", type=click.Path(dir_okay=False, path_type=Path), help="Figures as JSON, too."
)
@click.argument("commands", nargs=-1)
def main(repeats: int, json_out: Path | None, commands: tuple[str, ...]) -> None:
    """Print the cost of the start of COMMANDS [every command that a module runs]."""
    gpu, rows = gpu_commands(), []
    peer = cpu_seconds(["-c", f"import {PEER}"], repeats)
    for name in sorted(commands or step_commands()):
        script = BIN / f"{name}.py"
        click.echo(name, err=True)
        helped = cpu_seconds([str(script), "--help"], repeats)
        everything = cpu_seconds(["-c", IMPORT_ALL, str(BIN), *reachable(script)], repeats)
        rows.append(
            {
                "command": name,
                "kind": "GPU" if name in gpu else "CPU",
                "help_s": round(helped, 2),
                "everything_s": round(everything, 2),
            }
        )
    load = os.getloadavg()[0]
    click.echo(f"CPU seconds, least of {repeats}; load {load:.1f} on {os.cpu_count()} cores")
    click.echo(f"Peer, Python with {PEER}: {peer:.2f}\n")
    click.echo("| command | step | --help | everything it may import | of the peer |\n|---|---|--:|--:|--:|")
    for row in rows:
        figures = f"{row['help_s']:.2f} | {row['everything_s']:.2f} | {float(row['everything_s']) / peer:.2f}"
        click.echo(f"| {row['command']} | {row['kind']} | {figures} |")
    if json_out:
        json_out.write_text(
            json.dumps({"load": load, "peer_s": round(peer, 2), "commands": rows}, indent=1) + "\n"
        )
    slow = [
        str(row["command"]) for row in rows if row["kind"] == "CPU" and float(row["everything_s"]) > LIMIT
    ]
    if slow:
        raise click.ClickException(f"over {LIMIT} s: {', '.join(slow)}")


if __name__ == "__main__":
    main()
