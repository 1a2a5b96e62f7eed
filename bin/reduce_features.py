#!/usr/bin/env python3
"""Reduce the features of all cells: selection, PCA, UMAP of a sample; or project onto a saved one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa

from morphodose.cells.cellset import SETS, CellSet, open_cells
from morphodose.cells.fields import read_fields
from morphodose.cli import command
from morphodose.errors import InputError
from morphodose.files import replacing
from morphodose.options.flags import takes
from morphodose.reduction.fit import (
    NO_CELL,
    Fitted,
    NothingToReduce,
    ReductionSettings,
    fit,
    group_name,
    strata,
)
from morphodose.reduction.projection import Projection, copy_tables, read_projection, write_projection
from morphodose.reduction.schemas import PCA, UMAP
from morphodose.reduction.umap_sample import LEAST, Sampler, parameters, umap
from morphodose.steps.reduce_features import STEP
from morphodose.tables import write_as

EXISTING = click.Path(exists=True, path_type=Path)


@command
@click.option("--set", "kind", required=True, type=click.Choice(SETS), help="Which features.")
@click.option("--cells", type=EXISTING, help="Folder with the tables of cells of annotate_cells.")
@click.option("--embeddings", type=EXISTING, help="Folder with <id>_embeddings.parquet of embed_cells.")
@click.option("--images", required=True, type=EXISTING, help="Folder with the images of annotate_cells.")
@click.option(
    "--label", type=click.Choice(["dose", "time"]), default="dose", help="Label that features are ranked by."
)
@takes(STEP.options)
@click.option(
    "--max_missing", type=click.FloatRange(0, 1), default=0.2, help="Share of cells that may lack a feature."
)
@click.option(
    "--umap_cells", type=click.IntRange(0), default=10_000, help="Number of cells in the map; 0: no map."
)
@click.option(
    "--umap_components",
    type=click.IntRange(2),
    default=30,
    help="Number of components that the map is made from.",
)
@click.option("--seed", type=int, default=0, help="Random seed for the sample and the map.")
@click.option(
    "--model",
    type=EXISTING,
    help="Folder of an earlier reduction: project these cells onto it and fit nothing.",
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Output folder.")
def main(
    kind: str,
    cells: Path | None,
    embeddings: Path | None,
    images: Path,
    label: str,
    select_features: int | None,
    max_missing: float,
    pca_components: int | None,
    training: str,
    group_by: str,
    umap_cells: int,
    umap_components: int,
    seed: int,
    model: Path | None,
    out: Path,
) -> None:
    """Write OUT/pca/<id>.parquet, loadings, explained variance, selected features, and a map of a sample.

    With --model the tables of the model are copied, so that OUT says what its coordinates are made of and can
    be a model itself. A screen without cells has reduction.json alone, with the reason.
    """
    fields = read_fields(images, group_by)
    for line in fields.divided.said:
        say(line)
    given = open_cells(kind, cells, embeddings, fields)
    record: dict[str, Any] = {"set": kind, "seed": seed}
    features, components = sizes(select_features, pca_components, training)
    try:
        if not given.wells:
            raise NothingToReduce(NO_CELL)
        if model is None:
            fitted = fit(given, ReductionSettings(label, features, max_missing, components), say)
            write_projection(out, fitted.choices, fitted.components)
            projection = fitted.projection
            record |= described(given, fitted)
        else:
            projection = read_projection(model)
            own = read_record(model, kind)
            copy_tables(model, out)
            record |= {"label": own.get("label"), "selected": len(projection.features), "model": own}
    except NothingToReduce as reason:
        # the run goes on to its report, which tells of the screen what there is to tell
        say(f"no components: {reason}")
        write_record(out, record | {"cells": 0, "reason": str(reason)})
        return
    record |= write_coordinates(given, projection, out, umap_cells, umap_components, seed)
    write_record(out, record)


def write_record(out: Path, record: dict[str, Any]) -> None:
    """Write what is to be known of the reduction."""
    with replacing(out / "reduction.json") as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def sizes(features: int | None, components: int | None, training: str) -> tuple[int, int]:
    """How many features and components to keep: as given, else those of the preset of the training."""
    preset = {"reference": (800, 20)}.get(training, (500, 50))
    return (
        preset[0] if features is None else features,
        preset[1] if components is None else components,
    )


def described(cells: CellSet, fitted: Fitted) -> dict[str, Any]:
    """What is to be known of the fit."""
    return {
        "label": fitted.label or None,
        "label_reason": "" if fitted.label else "one dose and one timepoint: features are not ranked",
        "ranked_within": [name for name in cells.of_fields.divided.names if name],
        "cells": fitted.cells,
        "wells": len(cells.wells),
        "features": len(fitted.choices),
        "selected": len(fitted.projection.features),
        "explained": round(float(fitted.components.ratio.sum()), 6),
    }


def read_record(model: Path, kind: str) -> dict[str, Any]:
    """What was noted when the model was fitted.

    Raises
    ------
    InputError
        If it is missing, or says that the model is of another set.
    """
    file = model / "reduction.json"
    if not file.exists():
        raise InputError(f"{model}: no {file.name}; reduce_features writes it")
    try:
        record = dict(json.loads(file.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as fault:
        raise InputError(f"{file}: not the record of a reduction ({fault})") from fault
    if record.get("set") != kind:
        raise InputError(f"{file}: a model of the set {record.get('set')!r}; --set {kind} needs its own")
    return record


def write_coordinates(
    cells: CellSet, projection: Projection, out: Path, size: int, components: int, seed: int
) -> dict[str, Any]:
    """Write the coordinates of each well, and the map of a sample.

    Returns
    -------
    dict
        Settings of the map, or why there is none.
    """
    chosen = cells.only(projection.features)
    codes = strata(cells.of_fields)
    sampler = Sampler(count_strata(chosen, codes) if size else np.zeros(0, np.int64), size, seed)
    keys: list[pa.Table] = []
    points: list[np.ndarray] = []
    for well in chosen.wells:
        parts = []
        for block in chosen.blocks(well):
            found = projection.project(block.values, group_name(block, cells.of_fields))
            columns = dict(zip(projection.names, map(pa.array, found.T), strict=True))
            parts.append(with_columns(block.keys, columns))
            if size:
                taken = sampler.take(codes[block.fields])
                keys.append(block.keys.filter(pa.array(taken)))
                points.append(found[taken])
        write_as(PCA, pa.concat_tables(parts, promote_options="permissive"), out / "pca" / f"{well}.parquet")
        say(f"coordinates: {well}")
    if not size:
        return {"umap": None, "umap_reason": "not asked for (--umap_cells 0)"}
    sample = np.concatenate(points)
    if len(sample) < LEAST:
        return {"umap": None, "umap_reason": f"{len(sample)} cells, fewer than {LEAST}"}
    settings = parameters(len(sample), min(components, sample.shape[1]), seed)
    flat = umap(sample, settings)
    columns = {f"UMAP_{axis + 1}": pa.array(flat[:, axis]) for axis in range(2)}
    sample_keys = pa.concat_tables(keys, promote_options="permissive")
    write_as(UMAP, with_columns(sample_keys, columns), out / "umap.parquet")
    return {"umap": settings | {"cells": len(sample)}, "umap_reason": ""}


def count_strata(cells: CellSet, codes: np.ndarray) -> np.ndarray:
    """Cells of each stratum: a pass over one column of the blocks."""
    counts = np.zeros(int(codes.max()) + 1 if len(codes) else 0, dtype=np.int64)
    for well in cells.wells:
        for fields in cells.field_rows(well):
            counts += np.bincount(codes[fields], minlength=len(counts))
    return counts


def with_columns(keys: pa.Table, columns: dict[str, pa.Array]) -> pa.Table:
    """Keys, then further columns."""
    for name, values in columns.items():
        keys = keys.append_column(name, values)
    return keys


def say(text: str) -> None:
    """Progress, on standard error."""
    click.echo(text, file=sys.stderr)


if __name__ == "__main__":
    main()
