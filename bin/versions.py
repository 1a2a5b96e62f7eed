#!/usr/bin/env python3
"""Write the versions of Python and of some packages as a versions.yml section."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import click

from morphodose.cli import command

#: Every image of containers/ has it: ``morphodose <name> <digest of its definition and dependencies>``.
MARKER = Path("/etc/morphodose-image")


@command
@click.option("--process", required=True, help="Name of the process the section is for.")
@click.argument("packages", nargs=-1)
def main(process: str, packages: tuple[str, ...]) -> None:
    """Print a YAML section: the process, the image if any, Python, and PACKAGES with their versions."""
    click.echo(f'"{process}":')
    if MARKER.is_file():
        _, image, digest = MARKER.read_text(encoding="utf-8").split()
        click.echo(f"    image: {image} {digest}")
    click.echo(f"    python: {platform.python_version()}")
    for package in packages:
        click.echo(f"    {package}: {version(package)}")


if __name__ == "__main__":
    main()
