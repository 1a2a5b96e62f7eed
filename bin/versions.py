#!/usr/bin/env python3
"""Write the versions of Python and of some packages as a versions.yml section."""

from __future__ import annotations

import platform
from importlib.metadata import version

import click

from morphodose.cli import command


@command
@click.option("--process", required=True, help="Name of the process the section is for.")
@click.argument("packages", nargs=-1)
def main(process: str, packages: tuple[str, ...]) -> None:
    """Print a YAML section: the process, Python, and PACKAGES with their installed versions."""
    click.echo(f'"{process}":')
    click.echo(f"    python: {platform.python_version()}")
    for package in packages:
        click.echo(f"    {package}: {version(package)}")


if __name__ == "__main__":
    main()
