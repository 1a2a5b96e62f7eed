"""Small tables for the tests of death calls, annotation, well profiles and responses."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd

from faults.tasks import completed
from morphodose.tables import write_table


def run(command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run one of the commands of bin/, in this process."""
    return completed(command, *arguments)


def succeed(command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command that has to succeed."""
    done = run(command, *arguments)
    assert done.returncode == 0, done.stderr
    return done


def plate_map(path: Path, wells: dict[str, tuple[str, float, str]], **extra: str) -> Path:
    """Plate map of plate P: well → compound, dose, role."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["plate", "well", "compound", "dose", "dose_unit", "role", *extra])
        for well, (compound, dose, role) in wells.items():
            writer.writerow(["P", well, compound, dose, "uM", role, *extra.values()])
    return path


def keys(well: str, n: int, field: int = 1, acquisition: str = "Time_4hrs_R1") -> dict[str, object]:
    """Key columns of `n` cells of one field."""
    image = f"{acquisition}_Well_{well}_Field_{field}"
    return {
        "Metadata_Plate": ["P"] * n,
        "Metadata_Timepoint": np.full(n, 4.0),
        "Metadata_Replicate": ["1"] * n,
        "Metadata_Acquisition": [acquisition] * n,
        "Metadata_Well": [well] * n,
        "Metadata_Field": np.full(n, field),
        "Metadata_ImageID": [image] * n,
        "Metadata_ObjectLabel": np.arange(1, n + 1),
        "Metadata_CellID": [f"{image}_obj{label}" for label in range(1, n + 1)],
    }


def measurements(
    folder: Path, well: str, states: list[str], seed: int = 0, field: int = 1, **more: object
) -> None:
    """A table of measure_cells: V and P stain the cells after their states; areas are 100 + label µm²."""
    rng = np.random.default_rng(seed)
    n = len(states)
    stained_v = np.isin(states, ["early_apoptotic", "late_apoptotic"])
    stained_p = np.isin(states, ["late_apoptotic", "necrotic"])
    frame = pd.DataFrame(
        {
            **keys(well, n, field),
            "Cells_AreaShape_Area": 100.0 + np.arange(1, n + 1),
            "Cells_Intensity_MeanIntensity_V": np.where(stained_v, 1500.0, 200.0) + rng.normal(0, 12, n),
            "Nuclei_Intensity_MeanIntensity_P": np.where(stained_p, 2000.0, 210.0) + rng.normal(0, 15, n),
            **more,
        }
    )
    text = {name: "string" for name in frame if name.startswith("Metadata_") and frame[name].dtype == object}
    units = {
        "Cells_AreaShape_Area": "um2",
        "Cells_Intensity_MeanIntensity_V": "counts",
        "Metadata_Timepoint": "h",
    }
    write_table(frame.astype(text), folder / f"Time_4hrs_R1_Well_{well}.parquet", units)


def wells_table(
    endpoints: dict[str, object],
    doses: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0, 100.0),
    replicates: int = 3,
    times: tuple[float, ...] = (24.0,),
    vehicle: int = 1,
) -> pd.DataFrame:
    """A table of wells: compound Drug in `doses` and vehicle, in each replicate and time.

    `endpoints` maps a column to a function of (dose, hours, random generator).
    """
    rng, rows = np.random.default_rng(0), []
    for hours in times:
        for replicate in range(1, replicates + 1):
            for place, dose in enumerate([0.0] * vehicle + list(doses)):
                row = {
                    "Metadata_Plate": "P",
                    "Metadata_Timepoint": hours,
                    "Metadata_Replicate": str(replicate),
                    "Metadata_Acquisition": f"Time_{hours:g}hrs_R{replicate}",
                    "Metadata_Well": f"A{place + 1:02d}",
                    "Metadata_Compound": "Drug" if dose else "DMSO",
                    "Metadata_Dose": dose,
                    "Metadata_DoseUnit": "uM",
                    "Metadata_Role": "treated" if dose else "vehicle",
                    "Count_Fields": 1,
                    "Count_Cells": 40,
                    "Count_Called": 40,
                }
                rows.append(row | {name: float(value(dose, hours, rng)) for name, value in endpoints.items()})
    return pd.DataFrame(rows)
