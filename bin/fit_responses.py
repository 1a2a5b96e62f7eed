#!/usr/bin/env python3
"""Fit the dose response of every endpoint at every timepoint, and find when each dose begins to act."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from morphodose.cli import command
from morphodose.options.flags import takes
from morphodose.profiles.relative import relative_columns
from morphodose.responses.compare import comparison_rows, departure_rows
from morphodose.responses.correction import correct, note_of, parse_terms
from morphodose.responses.fit import respond
from morphodose.responses.gathering import gather
from morphodose.responses.groups import add_groups, find_groups
from morphodose.responses.growth import growth_rows
from morphodose.responses.hits import hit_rows
from morphodose.responses.positions import position_rows
from morphodose.responses.schemas import OF_RESPONSES
from morphodose.responses.select import check_wells
from morphodose.responses.table_checks import one_name
from morphodose.responses.timecourse import time_courses
from morphodose.responses.verdict import STATES
from morphodose.responses.wells_file import read_wells
from morphodose.responses.zprime import add_zprime, zprime_table
from morphodose.steps.fit_responses import STEP
from morphodose.tables import write_as

#: Tables that are written as CSV, too.
SPREADSHEETS = ("responses", "hits")


@command
@click.option(
    "--wells",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="wells.parquet of profile_wells.",
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Output folder.")
@click.option(
    "--endpoints",
    default="",
    help="Columns of the wells to fit, separated by commas. If not given: death, counts, shape, yours.",
)
@takes(STEP.options)
@click.option("--seed", default=1, help="Random seed for the permutation tests.")
def main(
    wells: Path,
    out: Path,
    endpoints: str,
    group_by: str,
    response_values: str,
    correct_positions: str,
    seed: int,
) -> None:
    """Fit dose-response curves to the wells; write responses.parquet and the tables beside it into OUT."""
    terms = parse_terms(correct_positions)
    table, chosen = read_wells(wells, [name.strip() for name in endpoints.split(",") if name.strip()])
    for line in one_name(table)[1]:
        click.echo(line, file=sys.stderr)
    table = check_wells(table, str(wells))
    grouping = find_groups(table, group_by)
    for line in grouping.lines():
        click.echo(line, file=sys.stderr)
    table = add_groups(table, grouping)
    if "Count_CellsPerField" in table:
        table = table.assign(**relative_columns(table))
    positions = position_rows(table, chosen)  # of the values as they are
    table, said = correct(table, chosen, terms)
    for name in chosen:
        if not table[name].notna().any():
            click.echo(f"{name}: no well has a value, so no curve is fitted to it", file=sys.stderr)
    everything = gather(table, chosen, response_values == "relative")
    click.echo(f"{len(chosen)} endpoints, {len(everything)} curves to fit", file=sys.stderr)
    rows, curves, points = respond(everything, seed, lambda line: click.echo(line, file=sys.stderr), grouping)
    for row, one in zip(rows, everything, strict=True):
        plates = {str(block).partition("|")[0] for block in one.blocks}
        note = note_of(said, plates, row["Metadata_Timepoint"], row["Endpoint"], terms)
        row["Notes"] = "; ".join(filter(None, (row["Notes"], note))) or None
    z_rows = zprime_table(table, chosen)
    add_zprime(rows, z_rows)
    plain_designs = [one for one in everything if one.keys["Metadata_Compound"] not in grouping.combinations]
    onsets, orders = time_courses(plain_designs, chosen)
    written = {"responses": rows, "curves": curves, "points": points}
    written |= {"onsets": onsets, "orders": orders, "zprime": z_rows}
    hits = hit_rows(table, chosen)
    written |= {"hits": hits, "positions": positions}
    single = [row for row in rows if row["Metadata_Compound"] not in grouping.combinations]
    written |= {"comparisons": comparison_rows(single), "departures": departure_rows(single)}
    growth = [
        row for row in growth_rows(table, seed) if row["Metadata_Compound"] not in grouping.combinations
    ]
    written |= {"growth": growth}
    for one in OF_RESPONSES:
        write_as(one, written[one.name], out / f"{one.name}.parquet", spreadsheet=one.name in SPREADSHEETS)
    states = [row["State"] for row in rows]
    summary = ", ".join(f"{states.count(state)} {state}" for state in STATES)
    click.echo(f"EC50s: {summary}")
    if hits:
        found = {(row["Metadata_Compound"], row["Metadata_Group"]) for row in hits if row["Hit"]}
        click.echo(f"compounds with too few doses for a curve: {len(found)} hit{'s' * (len(found) != 1)}")
    if doubtful := sum(row["Layout"] is not None for row in rows):
        click.echo(f"{doubtful} of {len(rows)} curves: the layout cannot tell dose from position")


if __name__ == "__main__":
    main()
