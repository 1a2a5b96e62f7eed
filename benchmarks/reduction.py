#!/usr/bin/env python3
"""Time and peak memory of `reduce_features` at growing numbers of cells.

Run with ``PYTHONPATH=bin:benchmarks python benchmarks/reduction.py [--cells 10000,1000000] [--threads 2]``.
Embeddings of 2,048 numbers, float16, are simulated with 64 directions of structure and written by the writer
of `embed_cells`: one Parquet file per well-timepoint, 7,000 cells each. CPU and wall seconds and greatest
resident memory of the command are what the kernel tells. A million cells are 4 GB on disk, deleted
afterwards.

All features are kept (``--select_features 0``), the costliest case, and no map is drawn: UMAP works on a
sample of fixed size and costs the same whatever the number of cells.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from measured import run_measured

from morphodose.deep.embedding_table import ROWS, embedding_writer
from morphodose.tables import write_table

WIDTH = 2048
STRUCTURE = 64
PER_WELL = 7000
DOSES = (0.0, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
REDUCE = Path(__file__).resolve().parents[1] / "bin" / "reduce_features.py"


def simulate(folder: Path, cells: int) -> int:
    """Write embeddings and images of `cells` cells; the bytes of the embeddings."""
    rng = np.random.default_rng(0)
    directions = rng.normal(0, 0.3, (STRUCTURE, WIDTH)).astype(np.float32)
    images, size = [], 0
    for number, start in enumerate(range(0, cells, PER_WELL)):
        count = min(PER_WELL, cells - start)
        dose, hours = DOSES[number % len(DOSES)], float(4 + number // 24)
        acquisition, well = f"Time_{hours:g}hrs_R1", f"{'ABC'[number % 3]}{number % 8 + 1:02d}"
        image = f"{acquisition}_Well_{well}_Field_1"
        labels = np.arange(1, count + 1)
        structure = rng.standard_normal((count, STRUCTURE), dtype=np.float32)
        structure[:, 0] += np.log1p(dose)
        values = structure @ directions + rng.standard_normal((count, WIDTH), dtype=np.float32)
        keys = {
            "Metadata_Plate": ["P"] * count, "Metadata_Timepoint": np.full(count, hours),
            "Metadata_Replicate": ["1"] * count, "Metadata_Acquisition": [acquisition] * count,
            "Metadata_Well": [well] * count, "Metadata_Field": np.ones(count, np.int64),
            "Metadata_ImageID": [image] * count, "Metadata_ObjectLabel": labels,
            "Metadata_CellID": [f"{image}_obj{label}" for label in labels],
            "Fold": np.zeros(count, np.int64), "Usable": np.ones(count, bool),
        }  # fmt: skip
        path = folder / "embeddings" / f"{acquisition}_Well_{well}_embeddings.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        with embedding_writer(path, WIDTH) as writer:
            for first in range(0, count, ROWS):
                part = slice(first, first + ROWS)
                writer.write({name: column[part] for name, column in keys.items()}, values[part])
        size += path.stat().st_size
        images.append(
            {name: values[0] for name, values in keys.items() if "Object" not in name and "Cell" not in name}
            | {"Metadata_Compound": "Drug" if dose else "DMSO", "Metadata_Dose": dose,
               "Metadata_DoseUnit": "uM", "Metadata_Role": "treated" if dose else "vehicle"}
        )  # fmt: skip
    write_table(pd.DataFrame(images), folder / "images" / "all.parquet")
    return size


def reduce(folder: Path, threads: int) -> dict[str, Any]:
    """Seconds and peak memory of the command, and the share of variance that it explained."""
    words = [sys.executable, str(REDUCE), "--set", "deep", "--embeddings", str(folder / "embeddings"),
             "--images", str(folder / "images"), "--select_features", "0", "--umap_cells", "0",
             "--out", str(folder / "reduced")]  # fmt: skip
    before = os.getloadavg()[0]
    found = run_measured(words, {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)})
    explained = pd.read_parquet(folder / "reduced" / "explained_variance.parquet")
    return found | {
        "load_before": before,
        "load_after": os.getloadavg()[0],
        "cumulative": float(explained["Cumulative"].iloc[-1]),
    }


@click.command()
@click.option("--cells", default="10000,100000,1000000", help="Numbers of cells, comma-separated.")
@click.option("--threads", default=2, help="Of the linear algebra.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the data are written for a while.")
def main(cells: str, threads: int, folder: Path | None) -> None:
    """Print a JSON object for each number of cells."""
    for count in map(int, cells.split(",")):
        place = Path(tempfile.mkdtemp(prefix="reduction.", dir=folder))
        try:
            size = simulate(place, count)
            click.echo(json.dumps({"cells": count, "gb_on_disk": size / 1e9} | reduce(place, threads)))
        finally:
            shutil.rmtree(place)


if __name__ == "__main__":
    main()
