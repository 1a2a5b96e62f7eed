#!/usr/bin/env python3
"""Time and peak memory of `reduce_features` at growing numbers of cells.

Run with ``PYTHONPATH=bin python benchmarks/reduction.py [--cells 10000,100000,1000000] [--threads 2]``.
Embeddings of 2,048 numbers, float16, are simulated with 64 directions of structure and written by the writer
of `embed_cells`: one Parquet file a well-timepoint, 7,000 cells each. The command runs in a process of its
own, whose CPU and wall seconds and greatest resident memory the kernel tells. A million cells are 4 GB on
disk, deleted afterwards.

All features are kept (``--top_features 0``), the costliest case, and no map is drawn: UMAP works on a sample
of fixed size and costs the same whatever the number of cells.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

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
        }  # fmt: skip
        path = folder / "embeddings" / f"{acquisition}_Well_{well}_embeddings.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        with embedding_writer(path, WIDTH, {}) as writer:
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
    """Seconds and peak memory of the command; a child of a fresh process, so that no other child counts."""
    words = [sys.executable, str(REDUCE), "--set", "deep", "--embeddings", str(folder / "embeddings"),
             "--images", str(folder / "images"), "--top_features", "0", "--umap_cells", "0",
             "--out", str(folder / "reduced")]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    before, start = os.getloadavg()[0], time.perf_counter()
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(done.stderr[-2000:])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    explained = pd.read_parquet(folder / "reduced" / "explained_variance.parquet")
    return {
        "wall_s": time.perf_counter() - start,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
        "load_before": before,
        "load_after": os.getloadavg()[0],
        "cumulative": float(explained["Cumulative"].iloc[-1]),
    }


@click.command()
@click.option("--cells", default="10000,100000,1000000", help="Numbers of cells, comma-separated.")
@click.option("--threads", default=2, help="Of the linear algebra.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the data are written for a while.")
@click.option("--one", type=click.Path(path_type=Path), hidden=True, help="Used by the script itself.")
def main(cells: str, threads: int, folder: Path | None, one: Path | None) -> None:
    """Print a JSON object for each number of cells."""
    if one:
        click.echo(json.dumps(reduce(one, threads)))
        return
    for count in map(int, cells.split(",")):
        place = Path(tempfile.mkdtemp(prefix="reduction.", dir=folder))
        try:
            size = simulate(place, count)
            words = [sys.executable, __file__, "--one", str(place), "--threads", str(threads)]
            found = subprocess.run(words, capture_output=True, text=True, check=False)
            if found.returncode:
                raise click.ClickException(found.stderr)
            click.echo(json.dumps({"cells": count, "gb_on_disk": size / 1e9} | json.loads(found.stdout)))
        finally:
            shutil.rmtree(place)


if __name__ == "__main__":
    main()
