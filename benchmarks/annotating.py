#!/usr/bin/env python3
"""Time and peak memory of `annotate_cells` at growing numbers of cells.

Run with ``PYTHONPATH=bin:tests:tests/helpers:benchmarks python benchmarks/annotating.py``. One acquisition of
wells with 1,000 cells each is written as the steps before write it: measurements, the tables of masks and of
quality, death states, a plate map.
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

from morphodose.names import row_letters
from morphodose.tables import write_table
from stats_tables import keys

#: Cells of a well.
CELLS = 1000
COLUMNS = 48
STATES = ("viable", "early_apoptotic", "late_apoptotic", "necrotic")
ANNOTATE = Path(__file__).resolve().parents[1] / "bin" / "annotate_cells.py"


def write_acquisition(folder: Path, wells: int, features: int) -> None:
    """Write what `annotate_cells` reads of `wells` wells of `CELLS` cells."""
    rng = np.random.default_rng(0)
    names = [f"Cells_Intensity_MeanIntensity_Stain{i}" for i in range(features)]
    plate, deaths = [], []
    for number in range(wells):
        well = f"{row_letters(number // COLUMNS + 1)}{number % COLUMNS + 1:02d}"
        cells = pd.DataFrame(keys(well, CELLS))
        values = rng.standard_normal((CELLS, features), dtype=np.float32)
        measured = pd.concat([cells, pd.DataFrame(values, columns=names)], axis=1)
        write_table(measured, folder / "measurements" / f"{well}.parquet")
        one = cells.iloc[:1].drop(columns=["Metadata_CellID", "Metadata_ObjectLabel"])
        masks = folder / "masks" / well
        write_table(one.assign(Count_Cells=CELLS, Count_BorderCells=9), masks / "fields.parquet")
        origin = cells[["Metadata_CellID"]].assign(Metadata_CellOrigin="cellpose")
        write_table(origin, masks / "objects.parquet")
        judged = one.assign(Metadata_QCVerdict="keep", Metadata_QCReason="", ImageQuality_Spread_Stain=9.0)
        write_table(judged, folder / "qc" / f"{well}_qc.parquet")
        states = np.array(STATES, dtype=object)[np.arange(CELLS) % len(STATES)]
        deaths.append(cells[["Metadata_CellID"]].assign(Metadata_DeathState=states))
        plate.append(
            {"plate": "P", "well": well, "compound": "DMSO", "dose": 0, "dose_unit": "uM", "role": "vehicle"}
        )
    write_table(pd.concat(deaths, ignore_index=True), folder / "death.parquet")
    pd.DataFrame(plate).to_csv(folder / "plate_map.csv", index=False)


@click.command(context_settings={"show_default": True})
@click.option("--cells", default="10000,100000,1000000", help="Numbers of cells, comma-separated.")
@click.option("--features", default=200, help="Measurements of a cell.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the data are written for a while.")
def main(cells: str, features: int, folder: Path | None) -> None:
    """Print a JSON object for each number of cells."""
    for count in map(int, cells.split(",")):
        place = Path(tempfile.mkdtemp(prefix="annotating.", dir=folder))
        try:
            write_acquisition(place, max(1, count // CELLS), features)
            options = {
                "measurements": "measurements", "plate_map": "plate_map.csv", "masks": "masks", "qc": "qc",
                "death": "death.parquet", "cells_out": "out/cells", "images_out": "out/images.parquet",
            }  # fmt: skip
            words = [sys.executable, str(ANNOTATE)]
            words += [word for name, value in options.items() for word in (f"--{name}", str(place / value))]
            used = run_measured(words, {"OMP_NUM_THREADS": "1"})
            about = {"cells": count, "features": features, "load": round(os.getloadavg()[0], 1)}
            click.echo(json.dumps(about | used))
        finally:
            shutil.rmtree(place)


if __name__ == "__main__":
    main()
