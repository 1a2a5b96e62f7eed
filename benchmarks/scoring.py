#!/usr/bin/env python3
"""Time and peak memory of `score_models` at growing numbers of cells: network, baselines, probes, intervals.

Run with ``PYTHONPATH=bin:tests/helpers:benchmarks python benchmarks/scoring.py``.
A screen of 8 doses, 6 times and 3 replicates is simulated as tables: the split, predictions of three folds
and their contrasts by a stand-in for the network, 1,700 measurements a cell and embeddings of 2,048 numbers,
which stand for the trained and the untrained network both. A million cells are 11 GB on disk, deleted
afterwards.
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
from morphodose.tables import write_table

MEASUREMENTS = 1700
INTENSITIES = 100
WIDTH = 2048
DOSES, TIMES, REPLICATES = 7, (4.0, 8.0, 16.0, 24.0, 48.0, 72.0), 3  # doses beside vehicle
WELLS = (DOSES + 1) * len(TIMES) * REPLICATES
SCORE = Path(__file__).resolve().parents[1] / "bin" / "score_models.py"


def write_screen(folder: Path, cells: int) -> None:
    """Write what `score_models` reads, of about `cells` cells."""
    truth = Truth(
        effect=2.0, doses=DOSES, dose_wells=1, vehicle_wells=1, replicates=REPLICATES, hours=TIMES,
        cells=round(cells / WELLS),
    )  # fmt: skip
    screen = simulate(truth)
    write_simulated(screen, folder)
    for name in ("cells", "untrained"):  # of two features: here they are many
        shutil.rmtree(folder / name)
    write_features(screen, folder)


def write_features(screen: Simulated, folder: Path) -> None:
    """Measurements and embeddings: mixtures of the two features that the screen has, and noise."""
    rng = np.random.default_rng(0)
    mixed = rng.normal(0, 0.3, (2, MEASUREMENTS + WIDTH)).astype(np.float32)
    names = [
        f"Cells_{'Intensity' if i < INTENSITIES else 'Texture'}_Feature{i}_Stain" for i in range(MEASUREMENTS)
    ]
    keys = [name for name in screen.table if name.startswith("Metadata_")]
    (folder / "embeddings").mkdir()
    for (acquisition, well), rows in screen.table.groupby(["Metadata_Acquisition", "Metadata_Well"]):
        values = rows[["Brightness", "Shape"]].to_numpy(np.float32) @ mixed
        values += rng.standard_normal(values.shape, dtype=np.float32)
        stem = f"{acquisition}_Well_{well}"
        measured = pd.DataFrame(values[:, :MEASUREMENTS], columns=names, index=rows.index)
        write_table(pd.concat([rows[keys], measured], axis=1), folder / "cells" / f"{stem}.parquet")
        with embedding_writer(folder / "embeddings" / f"{stem}_embeddings.parquet", WIDTH, {}) as writer:
            for start in range(0, len(rows), ROWS):
                part = slice(start, start + ROWS)
                writer.write(
                    {name: rows[name].iloc[part] for name in KEY_COLUMNS}, values[part, MEASUREMENTS:]
                )


@click.command(context_settings={"show_default": True})
@click.option("--cells", default="10000,100000,1000000", help="Numbers of cells, comma-separated.")
@click.option("--threads", default=2, help="Of the linear algebra and of scikit-learn.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the data are written for a while.")
def main(cells: str, threads: int, folder: Path | None) -> None:
    """Print a JSON object for each number of cells."""
    for count in map(int, cells.split(",")):
        place = Path(tempfile.mkdtemp(prefix="scoring.", dir=folder))
        try:
            write_screen(place, count)
            size = sum(path.stat().st_size for path in place.rglob("*.parquet"))
            options = {
                "split": place / "split.parquet", "labels": place / "labels.json",
                "leakage": place / "leakage.parquet", "predictions": place / "predictions",
                "cells": place / "cells", "trained": place / "embeddings", "untrained": place / "embeddings",
                "out": place / "scores",
            }  # fmt: skip
            words = [sys.executable, str(SCORE)]
            words += [word for name, value in options.items() for word in (f"--{name}", str(value))]
            threads_of = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
            used = run_measured(words, threads_of)
            load = {"load": round(os.getloadavg()[0], 1)}
            click.echo(json.dumps({"cells": count, "gb_on_disk": round(size / 1e9, 2)} | used | load))
        finally:
            shutil.rmtree(place)


if __name__ == "__main__":
    main()
