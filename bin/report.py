#!/usr/bin/env python3
"""Write the report of a screen: one self-contained HTML page, and its figures as PNG and SVG."""

from __future__ import annotations

from pathlib import Path

import click

from morphodose.cli import command
from morphodose.options.flags import takes
from morphodose.responses.schemas import HITS, POSITIONS
from morphodose.schemas import TABLES
from morphodose.segmentation.schemas import DIAMETERS
from morphodose.steps.report import STEP

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
PLACE = click.Path(exists=True, path_type=Path)


@command
@click.option("--wells", required=True, type=FILE, help="wells.parquet of profile_wells.")
@click.option("--conditions", type=FILE, help="conditions.parquet of profile_wells.")
@click.option("--responses", type=FILE, help="responses.parquet of fit_responses.")
@click.option("--curves", type=FILE, help="curves.parquet of fit_responses.")
@click.option("--onsets", type=FILE, help="onsets.parquet of fit_responses.")
@click.option("--orders", type=FILE, help="orders.parquet of fit_responses.")
@click.option("--design", type=FILE, help="design.json of check_design.")
@click.option("--faults", type=FILE, help="design_faults.parquet of check_design.")
@click.option("--images", multiple=True, type=PLACE, help="Tables of images, files or folders.")
@click.option(
    "--focus",
    multiple=True,
    type=PLACE,
    help="Folders of project_z, with its images and tables of z-focus, or tables alone.",
)
@click.option("--illumination", multiple=True, type=PLACE, help="Tables of flat fields.")
@click.option("--gates", multiple=True, type=PLACE, help="Tables of gates, files or folders.")
@click.option("--gate_plots", multiple=True, type=PLACE, help="<acquisition>_gates.png, files or folders.")
@click.option("--masks", multiple=True, type=PLACE, help="Folders of segment_cells: labels and overlays.")
@click.option(
    "--further", type=FOLDER, help="Folder of further tables: networks, profiles, growth, hits and others."
)
@click.option("--run", "run_record", type=FILE, help="Record of the run (JSON), with its parameters.")
@click.option("--params", type=FILE, help="Parameters (JSON), where the record of the run has none.")
@click.option("--versions", type=FILE, help="Software versions by process (YAML).")
@takes(STEP.options)
@click.option("--title", default="", help="Heading of the report.")
@click.option(
    "--choose", is_flag=True, help="Write only OUT/fields.json: the image files that the page shows."
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Output folder.")
def main(
    wells: Path,
    conditions: Path | None,
    responses: Path | None,
    curves: Path | None,
    onsets: Path | None,
    orders: Path | None,
    design: Path | None,
    faults: Path | None,
    images: tuple[Path, ...],
    focus: tuple[Path, ...],
    illumination: tuple[Path, ...],
    gates: tuple[Path, ...],
    gate_plots: tuple[Path, ...],
    masks: tuple[Path, ...],
    further: Path | None,
    run_record: Path | None,
    params: Path | None,
    versions: Path | None,
    figures: str,
    title: str,
    choose: bool,
    out: Path,
) -> None:
    """Write OUT/report.html and OUT/figures/*.png, *.svg.

    Only --wells is needed; a section whose tables are missing says what was left out and why.
    """
    import pandas as pd

    from morphodose.report import inputs
    from morphodose.report.deep_inputs import read_deep
    from morphodose.report.sections import write_report
    from morphodose.report.shown import write_shown

    response_table = inputs.read_optional([responses] if responses else [])
    onset_table = inputs.read_optional([onsets] if onsets else [])
    named = [table["Endpoint"] for table in (response_table, onset_table) if "Endpoint" in table]
    run = inputs.read_document(run_record)
    tables = inputs.read_further(further, TABLES)
    screen = inputs.ReportInputs(
        wells=inputs.read_wells(wells, {str(name) for column in named for name in column}),
        conditions=inputs.read_optional([conditions] if conditions else []),
        responses=response_table,
        curves=inputs.read_optional([curves] if curves else []),
        onsets=onset_table,
        orders=inputs.read_optional([orders] if orders else []),
        images=inputs.read_images(images),
        focus=inputs.read_optional(focus),
        illumination=inputs.read_optional(illumination),
        gates=inputs.read_optional(gates),
        faults=inputs.read_optional([faults] if faults else []),
        design=inputs.read_document(design),
        run=run,
        params=inputs.read_document(params) or run.get("params") or {},
        versions=inputs.versions_of(inputs.read_document(versions)),
        overlays=inputs.find_pictures(masks, "_overlay.png"),
        gate_plots=inputs.find_pictures(gate_plots, "_gates.png"),
        fields=inputs.find_pictures(focus, ".ome.tiff"),
        cell_masks=inputs.find_pictures(masks, "_cells.tif"),
        nuclear_masks=inputs.find_pictures(masks, "_nuclei.tif"),
        units=inputs.units_of(wells),
        deep=read_deep(further),
        diameters=tables.get(DIAMETERS.name, pd.DataFrame()),
        positions=tables.get(POSITIONS.name, pd.DataFrame()),
        primary=tables.get(HITS.name, pd.DataFrame()),
        further=tables,
        figures=figures,
    )
    if choose:
        write_shown(screen, out)
    else:
        write_report(screen, out, title, say=click.echo)


if __name__ == "__main__":
    main()
