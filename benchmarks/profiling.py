#!/usr/bin/env python3
"""Time and peak memory of the steps that read the measurements of all cells, at growing numbers of cells.

Run with ``PYTHONPATH=bin:tests:tests/helpers:benchmarks python benchmarks/profiling.py``.
A screen of 8 doses, 6 times and 3 replicates is simulated as tables: the split, predictions of three folds
and their contrasts by a stand-in for the network, 1,700 measurements a cell and embeddings of 2,048 numbers,
which stand for the trained and the untrained network both. Steps run in the order of the pipeline, since
`export_anndata` reads what the others write. A million cells are 11 GB on disk, and 8 GB more exported,
deleted afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import click
import numpy as np
import pandas as pd
from measured import run_measured

from evaluation_tables import KEY_COLUMNS, Simulated, Truth, simulate, write_simulated
from morphodose.deep.embedding_table import ROWS, embedding_writer
from morphodose.tables import read_table, write_table

MEASUREMENTS = 1700
INTENSITIES = 100
WIDTH = 2048
DOSES, TIMES, REPLICATES = 7, (4.0, 8.0, 16.0, 24.0, 48.0, 72.0), 3  # doses beside vehicle
WELLS = (DOSES + 1) * len(TIMES) * REPLICATES
#: Cells whose noise is drawn; other wells have it in another order.
NOISE = 1 << 14
BIN = Path(__file__).resolve().parents[1] / "bin"
STEPS = (
    "score_models",
    "profile_wells",
    "reduce_features, classical",
    "reduce_features, joint",
    "profile_features",
    "export_anndata",
)


def write_screen(folder: Path, cells: int) -> None:
    """Write what the steps read, of about `cells` cells."""
    truth = Truth(
        effect=2.0, doses=DOSES, dose_wells=1, vehicle_wells=1, replicates=REPLICATES, hours=TIMES,
        cells=round(cells / WELLS),
    )  # fmt: skip
    screen = simulate(truth)
    write_simulated(screen, folder)
    for name in ("cells", "untrained"):  # of two features: here they are many
        shutil.rmtree(folder / name)
    write_features(screen, folder)
    write_images(folder)


def write_features(screen: Simulated, folder: Path) -> None:
    """Measurements and embeddings: mixtures of the two features that the screen has, and noise."""
    rng = np.random.default_rng(0)
    mixed = rng.normal(0, 0.3, (2, MEASUREMENTS + WIDTH)).astype(np.float32)
    noise = rng.standard_normal((min(NOISE, len(screen.table)), MEASUREMENTS + WIDTH), dtype=np.float32)
    names = [
        f"Cells_{'Intensity' if i < INTENSITIES else 'Texture'}_Feature{i}_Stain" for i in range(MEASUREMENTS)
    ]
    keys = [name for name in screen.table if name.startswith("Metadata_")]
    (folder / "embeddings").mkdir()
    for (acquisition, well), rows in screen.table.groupby(["Metadata_Acquisition", "Metadata_Well"]):
        values = rows[["Brightness", "Shape"]].to_numpy(np.float32) @ mixed
        values += noise[rng.integers(len(noise), size=len(rows))]
        stem = f"{acquisition}_Well_{well}"
        measured = pd.DataFrame(values[:, :MEASUREMENTS], columns=names, index=rows.index)
        write_table(pd.concat([rows[keys], measured], axis=1), folder / "cells" / f"{stem}.parquet")
        with embedding_writer(folder / "embeddings" / f"{stem}_embeddings.parquet", WIDTH) as writer:
            for start in range(0, len(rows), ROWS):
                part = slice(start, start + ROWS)
                known = {name: rows[name].iloc[part] for name in KEY_COLUMNS}
                count = len(rows.iloc[part])
                known |= {"Fold": np.zeros(count, np.int64), "Usable": np.ones(count, bool)}
                writer.write(known, values[part, MEASUREMENTS:])


def write_images(folder: Path) -> None:
    """The table of fields that `annotate_cells` writes, of the fields of the split."""
    split = read_table(folder / "split.parquet")
    fields = [
        "Plate",
        "Timepoint",
        "Replicate",
        "Acquisition",
        "Well",
        "Field",
        "ImageID",
        "Compound",
        "Dose",
    ]
    names = [f"Metadata_{name}" for name in [*fields, "DoseUnit", "Role"]]
    images: pd.DataFrame = split.groupby(names, dropna=False).size().reset_index(name="Count_Cells")
    images["Metadata_QCVerdict"], images["Metadata_QCReason"] = "keep", ""
    write_table(images, folder / "images" / "all.parquet")


def command(step: str, place: Path) -> list[str]:
    """Command and arguments of a step of `STEPS`."""
    cells, embeddings, images = (str(place / name) for name in ("cells", "embeddings", "images"))
    read = ["--cells", cells, "--images", images]
    both = [*read, "--embeddings", embeddings]
    wells, reduced, profiles = str(place / "wells.parquet"), place / "reduced", str(place / "profiles")
    given = {name: str(place / name) for name in ("split.parquet", "labels.json", "leakage.parquet")}
    return {
        "score_models": ["score_models", "--cells", cells, "--trained", embeddings]
        + ["--untrained", embeddings, "--predictions", str(place / "predictions")]
        + [word for name, path in given.items() for word in (f"--{name.partition('.')[0]}", path)]
        + ["--out", str(place / "scores")],
        "profile_wells": ["profile_wells", *read, "--out", wells],
        "reduce_features, classical": ["reduce_features", "--set", "classical", *read]
        + ["--out", str(reduced / "classical")],
        "reduce_features, joint": ["reduce_features", "--set", "joint", *both]
        + ["--out", str(reduced / "joint")],
        "profile_features": ["profile_features", *both, "--out", profiles],
        "export_anndata": ["export_anndata", "--cells", cells, "--wells", wells]
        + ["--reduced", str(reduced), "--profiles", profiles, "--out", str(place / "anndata")],
    }[step]


@click.command(context_settings={"show_default": True})
@click.option("--cells", default="10000,100000,1000000", help="Numbers of cells, comma-separated.")
@click.option("--step", "steps", multiple=True, type=click.Choice(STEPS), help="Only these steps.")
@click.option("--threads", default=1, help="Of the linear algebra and of scikit-learn.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the data are written for a while.")
def main(cells: str, steps: tuple[str, ...], threads: int, folder: Path | None) -> None:
    """Print a JSON object for each step and number of cells."""
    threads_of = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    for count in map(int, cells.split(",")):
        place = Path(tempfile.mkdtemp(prefix="profiling.", dir=folder))
        try:
            write_screen(place, count)
            for step in [step for step in STEPS if step in (steps or STEPS)]:
                name, *arguments = command(step, place)
                try:
                    used = run_measured([sys.executable, str(BIN / f"{name}.py"), *arguments], threads_of)
                except click.ClickException as fault:  # the others are measured all the same
                    click.echo(json.dumps({"cells": count, "step": step, "failed": fault.message}))
                    continue
                about = {"cells": count, "step": step, "load": round(os.getloadavg()[0], 1)}
                click.echo(json.dumps(about | used))
        finally:
            shutil.rmtree(place)


if __name__ == "__main__":
    main()
