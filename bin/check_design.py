#!/usr/bin/env python3
"""Check a screen's design: samplesheet, plate map, file names and every image's tags.

All faults are reported together, each with file, row, value and fix, before anything expensive starts.
"""

from __future__ import annotations

from typing import Any

import click

from morphodose.cli import command
from morphodose.deep.recipe import HEADS
from morphodose.design.channels import ROLE_OPTIONS
from morphodose.design.check import judge
from morphodose.design.expand import STACK_AXES
from morphodose.design.faults import counted, numbered
from morphodose.design.output import remove_outputs, write_design
from morphodose.design.parameters import SEGMENTED, Analysis
from morphodose.design.presets import PRESETS
from morphodose.evaluation.splits import SPLITS
from morphodose.names import PLATE_FORMATS

FORMATS = click.Choice([str(wells) for wells in PLATE_FORMATS])


@command
@click.option("--samplesheet", required=True, type=click.Path(), help="plate,timepoint_h,replicate,images")
@click.option(
    "--base_dir", type=click.Path(), help="where relative image folders start [the samplesheet's folder]"
)
@click.option(
    "--plate_map",
    required=True,
    type=click.Path(),
    help="well,compound,dose,dose_unit,role[,plate,...], or grids; CSV, .xlsx or .ods",
)
@click.option("--plate_map_sheet", default="", help="sheet of a plate map that is a workbook")
@click.option(
    "--file_pattern",
    default="auto",
    help=f"auto: the one that fits; or {', '.join(PRESETS)}, well_files; or a regular expression",
)
@click.option(
    "--stack_axis",
    default="",
    type=click.Choice(["", *STACK_AXES]),
    help="what the planes of a file are where neither its name nor its metadata say it",
)
@click.option("--intensity_offset", type=float, default=0.0, help="of project_z, judged here")
@click.option(
    "--channels",
    default="1:Brightfield,2:Hoechst,3:CellMask,4:AnnexinV,5:PI",
    help="numbers in the file names and their names; '3:-' leaves channel 3 out",
)
@click.option("--cell_channel", default="", help="the channel that fills the cells")
@click.option("--nuclear_channel", default="", help="the channel of the nuclei")
@click.option("--brightfield_channel", default="", help="the unstained channel")
@click.option("--early_death_channel", default="", help="Annexin V or similar")
@click.option("--late_death_channel", default="", help="propidium iodide or similar")
@click.option("--crop_channels", default="", help="channels of the single-cell crops, comma-separated")
@click.option("--plate_format", default="96", type=FORMATS, help="wells on a plate")
@click.option(
    "--on_fault",
    default="strict",
    type=click.Choice(["strict", "tolerant"]),
    help="stop at faulty images, or leave their fields out and list them",
)
@click.option("--projection", default="", help="of project_z, judged here")
@click.option("--features", default="", help="of measure_cells, judged here")
@click.option("--endpoints", default="", help="of profile_wells, judged here")
@click.option("--gates", default="", help="of call_death, judged here")
@click.option("--death_quantities", default="", help="of call_death, judged here")
@click.option("--compensation", default="", help="of call_death, judged here")
@click.option("--group_by", default="auto", help="of fit_responses and others, judged here")
@click.option("--cell_method", type=click.Choice(list(SEGMENTED)), help="of segment_cells, judged here")
@click.option("--deep/--no_deep", default=False, help="a network is to be trained; split and head are judged")
@click.option("--split", type=click.Choice(SPLITS), default="auto", help="of split_cells, judged here")
@click.option("--split_folds", type=int, default=0, help="folds of split_cells, judged here")
@click.option("--head", type=click.Choice(HEADS), default="multilabel", help="of train_resnet, judged here")
@click.option("--show", default=10, type=click.IntRange(1), help="faults shown of each kind")
@click.option("--out", required=True, type=click.Path(file_okay=False), help="folder for the results")
def main(
    samplesheet: str,
    base_dir: str | None,
    plate_map: str,
    file_pattern: str,
    stack_axis: str,
    channels: str,
    crop_channels: str,
    plate_format: str,
    on_fault: str,
    show: int,
    out: str,
    **options: Any,
) -> None:
    """Check a screen's design, and write what the next steps need to know of it."""
    remove_outputs(out)
    design = judge(
        samplesheet,
        plate_map,
        file_pattern=file_pattern,
        stack_axis=stack_axis,
        intensity_offset=options["intensity_offset"],
        channels=channels,
        crop_channels=crop_channels,
        roles={role: options[option.removeprefix("--")] for role, option in ROLE_OPTIONS.items()},
        analysis=Analysis(
            projection=options["projection"],
            features=options["features"],
            endpoints=options["endpoints"],
            cell_method=options["cell_method"] or "",
            gates=options["gates"],
            death_quantities=options["death_quantities"],
            compensation=options["compensation"],
            group_by=options["group_by"],
            deep=options["deep"],
            split=options["split"],
            folds=options["split_folds"],
            head=options["head"],
        ),
        base_dir=base_dir,
        plate_format=int(plate_format),
        plate_map_sheet=options["plate_map_sheet"],
        tolerant=on_fault == "tolerant",
        show=show,
        say=lambda text: click.echo(text, err=True),
    )
    if design.faults:
        click.echo(
            f"tolerated, {counted(len(design.faults), 'fault')}:\n{numbered(design.faults, show)}", err=True
        )
    write_design(design, out)
    wells = design.wells()
    fields = {plane.key for plane in design.planes}
    click.echo(
        f"{len(design.acquisitions)} acquisitions, {len(wells)} well-timepoints, {len(fields)} fields, "
        f"{len(design.planes)} planes; channels {', '.join(design.channels.names.values())}"
    )
    click.echo(f"file names: {design.settings['file_pattern']}")
    for reason, count in design.settings["ignored_files"].items():
        click.echo(f"passed over: {count} x {reason}")
    if design.settings["empty_well_timepoints"]:
        click.echo(f"left out: {design.settings['empty_well_timepoints']} empty well-timepoints")
    if design.excluded:
        click.echo(f"left out: {counted(len(design.excluded), 'field')} with faults")


if __name__ == "__main__":
    main()
