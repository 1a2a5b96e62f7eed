#!/usr/bin/env python3
"""Profile the wells by classical features, embeddings and both, and score how well replicates are found."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np
import pandas as pd

from morphodose.cells.cellset import open_cells
from morphodose.cells.fields import read_fields
from morphodose.cli import command
from morphodose.errors import InputError
from morphodose.options.flags import takes
from morphodose.profiles.aggregate import well_medians
from morphodose.profiles.left_out import left_out_rows
from morphodose.profiles.normalise import Profiles, join, normalise
from morphodose.profiles.retrieval import SCORES, resample, score_conditions, with_conditions
from morphodose.profiles.schemas import BESIDE, PROFILES
from morphodose.profiles.scorecard import Resampled, differences, scorecard
from morphodose.responses.groups import GROUP, add_groups, find_groups
from morphodose.steps.profile_features import STEP
from morphodose.tables import write_as

EXISTING = click.Path(exists=True, path_type=Path)
_WELL = ["Metadata_Acquisition", "Metadata_Well"]


@command
@click.option("--cells", type=EXISTING, help="Folder with the tables of cells of annotate_cells.")
@click.option("--embeddings", type=EXISTING, help="Folder with <id>_embeddings.parquet of embed_cells.")
@click.option("--images", required=True, type=EXISTING, help="Folder with the images of annotate_cells.")
@click.option(
    "--mad_floor",
    type=click.FloatRange(0, min_open=True),
    default=0.25,
    help="Added to the MAD: this share of the standard deviation over all wells.",
)
@click.option(
    "--correlation",
    type=click.FloatRange(0, 1),
    default=0.9,
    help="Absolute correlation above which one of two features is left out.",
)
@takes(STEP.options)
@click.option(
    "--null_size", type=click.IntRange(100), default=10_000, help="Number of random orders behind a P value."
)
@click.option(
    "--resamples",
    type=click.IntRange(100),
    default=1000,
    help="Number of resamples of wells, for the intervals.",
)
@click.option("--seed", type=int, default=0, help="Random seed for the resamples and the random orders.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Output folder.")
def main(
    cells: Path | None,
    embeddings: Path | None,
    images: Path,
    mad_floor: float,
    correlation: float,
    group_by: str,
    null_size: int,
    resamples: int,
    seed: int,
    out: Path,
) -> None:
    """Write OUT/profiles/<set>.parquet, and the tables of scores and of what was left out beside it."""
    if cells is None and embeddings is None:
        raise InputError("nothing to profile: give --cells, --embeddings, or both")
    fields = read_fields(images)
    wells = fields.table.select(
        [name for name in fields.table.column_names if name.startswith("Metadata_")]
    ).to_pandas()
    wells = wells.drop_duplicates(_WELL).reset_index(drop=True)
    grouping = find_groups(wells, group_by)
    for line in grouping.lines():
        say(line)
    wells = add_groups(wells, grouping)[[*_WELL, GROUP]]
    profiles: dict[str, Profiles] = {}
    for kind, folder in (("classical", cells), ("deep", embeddings)):
        if folder is None:
            continue
        given = open_cells(kind, cells, embeddings, fields)
        medians = well_medians(given, say)
        medians = medians.merge(wells, how="left", on=_WELL, validate="one_to_one")
        profiles[kind] = normalise(medians, list(given.features), mad_floor, correlation)
        say(f"{kind}: {len(profiles[kind].features)} of {len(given.features)} features are kept")
    if len(profiles) == 2:
        profiles["joint"] = join(profiles["classical"], profiles["deep"])
    dropped = [
        {"Set": kind, "Feature": feature, "Reason": reason}
        for kind, found in profiles.items()
        for feature, reason in found.dropped.items()
    ]
    for kind, found in profiles.items():
        write_as(PROFILES, found.table, out / "profiles" / f"{kind}.parquet")
    left_out = left_out_rows(profiles, fields)
    for kind, mine in left_out.groupby("Set", sort=False):
        say(f"{kind}: {len(mine)} wells have no profile; wells_left_out.parquet says why")
    tables = scores(profiles, null_size, resamples, seed)
    tables |= {"dropped_features": pd.DataFrame(dropped), "wells_left_out": left_out}
    for table in BESIDE:
        write_as(table, tables[table.name].reindex(columns=table.needed), out / f"{table.name}.parquet")


def scores(
    profiles: dict[str, Profiles], null_size: int, resamples: int, seed: int
) -> dict[str, pd.DataFrame]:
    """Tables of scores; all sets on the wells that have a profile in each of them."""
    common = set.intersection(*(_wells(found.table) for found in profiles.values()))
    parts: list[pd.DataFrame] = []
    again: Resampled = {}
    count = 0
    for kind, found in profiles.items():
        given = [well in common for well in zip(*(found.table[name] for name in _WELL), strict=True)]
        there = np.array(given, dtype=bool)  # an empty list would choose no columns
        wells = with_conditions(found.table[there].sort_values(_WELL))
        values = wells[found.features].to_numpy(dtype=float)
        draws = resample(wells, resamples, seed)
        count = len(wells)
        for score in SCORES:
            table, again[kind, score] = score_conditions(wells, values, score, draws, null_size, seed)
            parts.append(table.assign(Set=kind))
        say(f"{kind}: scored")
    rows = pd.concat(parts, ignore_index=True)
    features = {kind: len(found.features) for kind, found in profiles.items()}
    if "Score" not in rows:
        rows = rows.assign(Score=[], Reason=[])
    return {
        "profile_scores": rows,
        "profile_scorecard": scorecard(rows, again, features, count),
        "profile_differences": differences(rows, again),
    }


def _wells(table: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(*(table[name] for name in _WELL), strict=True))


def say(text: str) -> None:
    """Progress, on standard error."""
    click.echo(text, file=sys.stderr)


if __name__ == "__main__":
    main()
