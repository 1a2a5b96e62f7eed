#!/usr/bin/env python3
"""Time and peak memory of the steps that read the measurements of all cells, at growing numbers of cells.

Run with ``PYTHONPATH=bin:tests/helpers:benchmarks python benchmarks/profiling.py``.
The screen is that of `scoring.py`: 1,700 measurements and 2,048 embedding numbers a cell, 144 wells. Steps
run in the order of the pipeline, since `export_anndata` reads what the others write.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import click
import pandas as pd
from measured import run_measured
from scoring import write_screen

from morphodose.tables import read_table, write_table

BIN = Path(__file__).resolve().parents[1] / "bin"


def write_images(place: Path) -> None:
    """The table of fields that `annotate_cells` writes, of the fields of the split."""
    split = read_table(place / "split.parquet")
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
    write_table(images, place / "images" / "all.parquet")


def steps(place: Path) -> dict[str, list[str]]:
    """Name → command and arguments of each step."""
    cells, embeddings, images = (str(place / name) for name in ("cells", "embeddings", "images"))
    read = ["--cells", cells, "--images", images]
    both = [*read, "--embeddings", embeddings]
    wells, reduced, profiles = str(place / "wells.parquet"), place / "reduced", str(place / "profiles")
    return {
        "profile_wells": ["profile_wells", *read, "--out", wells],
        "reduce_features, classical": ["reduce_features", "--set", "classical", *read]
        + ["--out", str(reduced / "classical")],
        "reduce_features, joint": ["reduce_features", "--set", "joint", *both]
        + ["--out", str(reduced / "joint")],
        "profile_features": ["profile_features", *both, "--out", profiles],
        "export_anndata": ["export_anndata", "--cells", cells, "--wells", wells]
        + ["--reduced", str(reduced), "--profiles", profiles, "--out", str(place / "anndata")],
    }


@click.command(context_settings={"show_default": True})
@click.option("--cells", default="10000,100000", help="Numbers of cells, comma-separated.")
@click.option("--threads", default=1, help="Of the linear algebra.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the data are written for a while.")
def main(cells: str, threads: int, folder: Path | None) -> None:
    """Print a JSON object for each step and number of cells."""
    threads_of = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    for count in map(int, cells.split(",")):
        place = Path(tempfile.mkdtemp(prefix="profiling.", dir=folder))
        try:
            write_screen(place, count)
            write_images(place)
            for name, (command, *arguments) in steps(place).items():
                used = run_measured([sys.executable, str(BIN / f"{command}.py"), *arguments], threads_of)
                about = {"cells": count, "step": name, "load": round(os.getloadavg()[0], 1)}
                click.echo(json.dumps(about | used))
        finally:
            shutil.rmtree(place)


if __name__ == "__main__":
    main()
