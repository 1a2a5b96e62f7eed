#!/usr/bin/env python3
"""Simulate a screen: images as a Yokogawa CQ1 writes them, samplesheet, plate map, and the whole truth."""

from __future__ import annotations

import os
from math import inf
from pathlib import Path
from typing import Any

import click

from morphodose.cli import command
from morphodose.errors import InputError
from morphodose.simulate.plate import write_screen
from morphodose.simulate.screen import PRESETS, configure, plane_paths, well_timepoints


def available_cores() -> int:
    """Cores this process may use: a scheduler's share, not the whole node."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def numbers(text: str | None, option: str) -> tuple[float, ...] | None:
    """Numbers separated by commas."""
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as fault:
        raise InputError(f"--{option}: numbers separated by commas are expected, got {text!r}") from fault


def ec50_by_time(text: str | None, last: float) -> dict[float, float] | None:
    """``24=2.4,48=1`` as a mapping; a single number is the EC50 at the `last` timepoint."""
    if text is None:
        return None
    if "=" not in text:
        text = f"{last}={text}"
    try:
        pairs = [part.split("=") for part in text.split(",")]
        return {float(hours): float(value) for hours, value in pairs}
    except ValueError as fault:
        raise InputError(f"--ec50: a number, or hours=EC50 pairs as 24=2.4,48=1, got {text!r}") from fault


def compounds_of(text: str | None) -> tuple[tuple[str, float], ...] | None:
    """``A=0.5,B=none`` as names and EC50s."""
    if text is None:
        return None
    try:
        pairs = [part.rsplit("=", 1) for part in text.split(",")]
        return tuple((name.strip(), inf if value == "none" else float(value)) for name, value in pairs)
    except ValueError as fault:
        raise InputError(f"--compounds: NAME=EC50 pairs, as A=0.5,B=none, got {text!r}") from fault


@command
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Output folder.")
@click.option(
    "--preset",
    type=click.Choice(sorted(PRESETS)),
    default="demo",
    help="Design to start from; every other option overrides it, and one not given keeps the preset's value.",
)
@click.option("--seed", type=int, help="The same seed gives the same pixels.  [preset: 1]")
@click.option("--times", help="Timepoints in hours, separated by commas.")
@click.option("--doses", help="Doses of the treated wells, separated by commas; vehicle is extra.")
@click.option("--dose_unit", help="Unit of the doses.")
@click.option("--replicates", type=int, help="Replicates of each timepoint.")
@click.option("--dose_wells", type=int, help="Wells of each dose.")
@click.option("--vehicle_wells", type=int, help="Wells with vehicle only.")
@click.option("--positive_wells", type=int, help="Wells with a control that kills as an infinite dose would.")
@click.option("--fields", type=int, help="Fields of each well.")
@click.option("--planes", type=int, help="Planes of each z-stack.")
@click.option("--z_step", type=float, help="Distance of the planes, in um.")
@click.option("--size", type=int, help="Edge of a field, in pixels.")
@click.option("--pixel_size", type=float, help="Edge of a pixel, in um.")
@click.option("--cell_diameter", type=float, help="Mean diameter of a healthy cell, in pixels.")
@click.option("--density", type=float, help="Cells of an untreated field at 24 h.")
@click.option("--clustering", type=float, help="0 scatters the cells, 1 gathers them in islands.")
@click.option("--compound", help="Name of the compound.")
@click.option(
    "--compounds",
    help="Several compounds, each with its EC50 of Fraction_Dying at the last time: A=0.5,B=none.",
)
@click.option("--plate_format", type=int, help="Wells of the plate.")
@click.option("--plate", help="Name of the plate.")
@click.option("--ec50", help="EC50 of Fraction_Dying: 24=2.4,48=1 by hours, or one number for the last time.")
@click.option("--hill", type=float, help="Slope of the dose-response curves.")
@click.option("--emax", type=float, help="Share of dying cells at infinite dose and late times.")
@click.option("--baseline", type=float, help="Share of dying cells without drug.")
@click.option("--lost_max", type=float, help="Share of lost cells at infinite dose and late times.")
@click.option("--morphology_ec50", type=float, help="EC50 of the change of shape, as a multiple of --ec50.")
@click.option("--dead_ratio", type=float, help="EC50 of Fraction_Dead, as a multiple of --ec50.")
@click.option("--lost_ratio", type=float, help="EC50 of the loss of cells, as a multiple of --ec50.")
@click.option("--no_effect", is_flag=True, default=None, help="The dose has no effect at all.")
@click.option("--well_sd", type=float, help="Deviation between wells of log10 potency.")
@click.option("--batch_sd", type=float, help="Relative deviation of the staining between acquisitions.")
@click.option("--position_bias", type=float, help="Relative change of brightness across rows and columns.")
@click.option("--out_of_focus", type=float, help="Share of the fields that are out of focus.")
@click.option("--empty_fields", type=float, help="Share of the fields without cells.")
@click.option("--illumination", type=float, help="Loss of light in the corners, 0 to 1.")
@click.option("--noise", type=float, help="Factor on shot and read noise.")
@click.option("--blur", type=float, help="Factor on the blur.")
@click.option("--shuffle", is_flag=True, default=None, help="Put the wells in random places.")
@click.option(
    "--shuffle_replicates",
    is_flag=True,
    default=None,
    help="Each replicate is a plate of its own, P1, P2, ..., with its wells in its own random places.",
)
@click.option(
    "--compression", type=click.Choice(["none", "zlib"]), default="none", help="Compression of the planes."
)
@click.option("--workers", type=int, default=available_cores, show_default="one per core", help="Processes.")
@click.option("--force", is_flag=True, help="Replace the images and truth that are in the output folder.")
@click.option("--dry_run", is_flag=True, help="Print what would be written, and write nothing.")
def main(
    out: Path,
    preset: str,
    times: str | None,
    doses: str | None,
    ec50: str | None,
    compounds: str | None,
    compression: str,
    workers: int,
    force: bool,
    dry_run: bool,
    **options: Any,
) -> None:
    """Simulate a screen with known truth.

    OUT/images/4hrs_R1/W0001F0001T0001Z001C1.tif and so on, OUT/samplesheet.csv, OUT/platemap.csv;
    OUT/truth has label masks of cells and nuclei, tables of cells, fields and wells, and truth.json with
    the EC50 of each endpoint and timepoint.
    """
    hours = numbers(times, "times")
    screen = configure(
        preset,
        times=hours,
        doses=numbers(doses, "doses"),
        ec50=ec50_by_time(ec50, max(hours or PRESETS[preset].times)),
        compounds=compounds_of(compounds),
        **options,
    )
    wells = len(well_timepoints(screen))
    planes = sum(1 for _ in plane_paths(screen))
    size = planes * screen.size**2 * 2 / 1e9
    click.echo(
        f"{wells} well-timepoints, {wells * screen.fields} fields, {planes} planes of {screen.size} px, "
        f"{size:.3g} GB uncompressed"
    )
    if dry_run:
        return
    write_screen(
        screen,
        out,
        workers=workers,
        compression=None if compression == "none" else compression,
        force=force,
        report=click.echo,
    )
    click.echo(f"written to {out}; the truth is in {out / 'truth'}")


if __name__ == "__main__":
    main()
