#!/usr/bin/env python3
"""Profile every well-timepoint: counts, death fractions with intervals, lost cells, medians of features."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from morphodose.cli import command
from morphodose.errors import InputError
from morphodose.options.flags import takes
from morphodose.profiles.conditions import condition_rows
from morphodose.profiles.endpoints import parse_endpoints
from morphodose.profiles.relative import relative_columns
from morphodose.profiles.schemas import WELLS
from morphodose.profiles.segmentation import drop_without_nuclei
from morphodose.profiles.wells import cells_of, profile_well, well_rows
from morphodose.responses.endpoints import SHAPE_FEATURES, choose
from morphodose.responses.groups import add_groups, find_groups
from morphodose.responses.schemas import CONDITIONS
from morphodose.responses.select import check_wells
from morphodose.steps.profile_wells import STEP
from morphodose.tables import (
    all_fields,
    parquet_files,
    read_table,
    units_of,
    write_as,
)

if TYPE_CHECKING:
    import pandas as pd

EXISTING = click.Path(exists=True, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)

#: Groups of columns, in their order in the table.
ORDER = ("Metadata_", "Count_", "Relative_", "Fraction_", "Endpoint_", "MedianViable_", "Median_")
#: Ends of the columns that the means over wells leave out.
NOT_OF_CONDITIONS = ("_Low", "_High", "_GateLower", "_GateHigher", "ReferenceWells")


@command
@click.option("--cells", required=True, type=EXISTING, help="Folder with the cells of annotate_cells.")
@click.option("--images", required=True, type=EXISTING, help="Folder with the images of annotate_cells.")
@takes(STEP.options)
@click.option("--out", required=True, type=FILE, help="Table of wells to write.")
@click.option("--conditions_out", type=FILE, help="Table of means over wells to write.")
def main(
    cells: Path, images: Path, endpoints: str, group_by: str, out: Path, conditions_out: Path | None
) -> None:
    """Write one row per well-timepoint, and the means over the wells of each condition."""
    files = {file.stem: file for file in parquet_files(cells)}
    if not files:
        raise InputError(f"{cells}: no table of cells; annotate_cells writes one per well")
    fields = all_fields(list(files.values()))
    features = [field.name for field in fields if not field.name.startswith("Metadata_")]
    own = parse_endpoints(endpoints, features)
    rows: list[dict[str, Any]] = []
    wells = well_rows(read_table(images))
    for position, (keys, of_well) in enumerate(wells, start=1):
        rows.append(profile_well(keys, of_well, cells_of(keys, files), own, SHAPE_FEATURES))
        name = f"{keys['Metadata_Acquisition']} {keys['Metadata_Well']}, {rows[-1]['Count_Cells']} cells"
        click.echo(f"well {position} of {len(wells)}: {name}", file=sys.stderr)
    drop_without_nuclei(rows)
    table = frame_of(rows)
    grouping = find_groups(table, group_by)
    for line in grouping.lines():
        click.echo(line, file=sys.stderr)
    table = add_groups(table, grouping)
    table = in_order(table.assign(**relative_columns(table)))
    units = well_units(list(table.columns), units_of(fields))
    write_as(WELLS, table, out, units, spreadsheet=True)
    if conditions_out:
        kept = [name for name in table if name.startswith(("Count_", "Fraction_", "Relative_"))]
        counted = [name for name in kept if not name.endswith(NOT_OF_CONDITIONS)]
        chosen = list(dict.fromkeys([*counted, *choose(table.columns)]))
        write_as(
            CONDITIONS, condition_rows(check_wells(table, str(out)), chosen), conditions_out, spreadsheet=True
        )


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a frame; text stays text, though all of it be missing."""
    import pandas as pd

    names = list(dict.fromkeys(name for row in rows for name in row))
    ordered = [name for start in ORDER for name in names if name.startswith(start)]
    frame = pd.DataFrame({name: [row.get(name) for row in rows] for name in ordered})
    numeric = ("Metadata_Dose", "Metadata_Timepoint")
    texts = [name for name in ordered if name.startswith("Metadata_") and name not in numeric]
    numbers = [name for name in ordered if name not in texts and not name.startswith("Count_")]
    return frame.astype(dict.fromkeys(texts, "string") | dict.fromkeys(numbers, "float64"))


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns in the order of their groups."""
    return frame[[name for start in ORDER for name in frame if name.startswith(start)]]


def well_units(names: list[str], of_cells: dict[str, str]) -> dict[str, str]:
    """Units of the wells' columns: a median has that of its feature."""
    units = {}
    for name in names:
        feature = name.removeprefix("MedianViable_").removeprefix("Median_")
        if feature != name and feature in of_cells:
            units[name] = of_cells[feature]
    return units


if __name__ == "__main__":
    main()
