#!/usr/bin/env python3
"""Write the versions of Python and of the packages that a step declares as a versions.yml section."""

from __future__ import annotations

import importlib
import importlib.util
import platform
from importlib.metadata import version
from pathlib import Path

import click

from morphodose.cli import command
from morphodose.errors import InputError
from morphodose.steps.step import Step

#: Every image of containers/ has it: ``morphodose <name> <digest of its definition and dependencies>``.
MARKER = Path("/etc/morphodose-image")


@command
@click.option("--process", required=True, help="Process that the section is for.")
def main(process: str) -> None:
    """Print a YAML section: the process, the image if any, Python, and the packages of the step."""
    packages = packages_of(process)
    click.echo(f'"{process}":')
    if MARKER.is_file():
        _, image, digest = MARKER.read_text(encoding="utf-8").split()
        click.echo(f"    image: {image} {digest}")
    click.echo(f"    python: {platform.python_version()}")
    for package in packages:
        click.echo(f"    {package}: {version(package)}")


def packages_of(process: str) -> tuple[str, ...]:
    """Packages that the step of a process declares.

    Its module alone is imported, by name. An import of all steps would make each of them part of the code of
    every task (`lib/steps.nf` follows imports), so that a change of one would run all tasks again.

    Raises
    ------
    InputError
        If there is no such step.
    """
    name = process.rpartition(":")[2]
    module = f"morphodose.steps.{name.lower()}"
    declared = vars(importlib.import_module(module)).values() if importlib.util.find_spec(module) else ()
    found = [step.versions for step in declared if isinstance(step, Step) and step.name == name]
    if not found:
        raise InputError(f"--process {process}: no step {name} is declared in morphodose.steps")
    return found[0]


if __name__ == "__main__":
    main()
