#!/usr/bin/env python3
"""Check a screen's design: samplesheet, plate map, file names and every image's tags.

All faults are reported together, each with file, row, value and fix, before anything expensive starts.
"""

from __future__ import annotations

from typing import Any

import click

from morphodose.cli import command
from morphodose.design.channels import ROLE_OPTIONS
from morphodose.design.check import check_screen
from morphodose.design.faults import counted, numbered
from morphodose.design.output import remove_outputs, write_design
from morphodose.design.parameters import Analysis
from morphodose.options.flags import takes
from morphodose.plan import TaskSizes
from morphodose.steps.check_design import STEP


@command
@click.option(
    "--samplesheet",
    required=True,
    type=click.Path(),
    help="Table with the columns plate,timepoint_h,replicate,images.",
)
@click.option(
    "--base_dir",
    type=click.Path(),
    help="Where relative image folders start. If not given: the folder of the samplesheet.",
)
@click.option(
    "--plate_map",
    required=True,
    type=click.Path(),
    help="Table with the columns well,compound,dose,dose_unit,role[,plate], or grids; CSV, .xlsx or .ods.",
)
@takes(STEP.options)
@click.option("--show", default=10, type=click.IntRange(1), help="Faults shown of each kind.")
@click.option("--out", required=True, type=click.Path(file_okay=False), help="Output folder.")
def main(samplesheet: str, base_dir: str | None, plate_map: str, show: int, out: str, **options: Any) -> None:
    """Check a screen's design, and write what the next steps need to know of it."""
    remove_outputs(out)
    design = check_screen(
        samplesheet,
        plate_map,
        **{name: options[name] for name in ("file_pattern", "stack_axis", "intensity_offset", "channels")},
        crop_channels=options["crop_channels"],
        roles={role: options[option.removeprefix("--")] for role, option in ROLE_OPTIONS.items()},
        analysis=Analysis.of(options),
        base_dir=base_dir,
        plate_format=int(options["plate_format"]),
        pixel_size_um=options["pixel_size_um"],
        plate_map_sheet=options["plate_map_sheet"],
        tolerant=options["on_fault"] == "tolerant",
        show=show,
        say=lambda text: click.echo(text, err=True),
    )
    if design.faults:
        click.echo(
            f"tolerated, {counted(len(design.faults), 'fault')}:\n{numbered(design.faults, show)}", err=True
        )
    sizes = (options[name] for name in ("wells_per_task", "segmentation_shard", "embedding_shard"))
    write_design(design, TaskSizes(*sizes), out)
    wells = design.wells()
    fields = {plane.key for plane in design.planes}
    click.echo(
        f"{counted(len(design.acquisitions), 'acquisition')}, {counted(len(wells), 'well-timepoint')}, "
        f"{counted(len(fields), 'field')}, {counted(len(design.planes), 'plane')}; "
        f"channels {', '.join(design.channels.names.values())}"
    )
    click.echo(f"file names: {design.settings['file_pattern']}")
    size = design.settings["pixel_size_um"]
    if size and not options["pixel_size_um"]:
        click.echo(f"pixel size: {size:g} um, by the metadata of the images")
    for reason, count in design.settings["ignored_files"].items():
        click.echo(f"passed over: {count} x {reason}")
    if design.settings["empty_well_timepoints"]:
        click.echo(f"left out: {design.settings['empty_well_timepoints']} empty well-timepoints")
    if design.excluded:
        click.echo(f"left out: {counted(len(design.excluded), 'field')} with faults")


if __name__ == "__main__":
    main()
