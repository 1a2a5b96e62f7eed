#!/usr/bin/env python3
"""Show what a run found on a simulated plate beside what was put in."""

from __future__ import annotations

from pathlib import Path

import click

from morphodose.cli import command
from morphodose.errors import InputError
from morphodose.simulate.compare import compare


@command
@click.option(
    "--results",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Results folder of a finished run.",
)
@click.option(
    "--truth",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder truth that simulate_plate.py wrote beside the images.",
)
def main(results: Path, truth: Path) -> None:
    """Compare the RESULTS folder of a run with the TRUTH folder of simulate_plate.py."""
    try:
        found = compare(results, truth)
    except FileNotFoundError as fault:
        raise InputError(
            f"{fault}; --results is the results folder of a finished run, --truth the folder that "
            "simulate_plate.py wrote beside its images"
        ) from fault
    click.echo("Found beside what was put in:")
    click.echo(found.text())


if __name__ == "__main__":
    main()
