"""A small screen for the tests of reduction, profiles and export: cells, embeddings, images, wells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from morphodose.deep.embedding_table import embedding_writer
from morphodose.tables import write_table

#: Well → compound, dose, role.
PLATE = {
    "A01": ("DMSO", 0.0, "vehicle"),
    "A02": ("DMSO", 0.0, "vehicle"),
    "A03": ("Drug", 1.0, "treated"),
    "A04": ("Drug", 10.0, "treated"),
}
WIDTH = 6


def keys(
    acquisition: str, hours: float, replicate: str, well: str, cells: int, field: int = 1
) -> dict[str, object]:
    """Key columns of the cells of one field."""
    image = f"{acquisition}_Well_{well}_Field_{field}"
    return {
        "Metadata_Plate": ["P"] * cells,
        "Metadata_Timepoint": np.full(cells, hours),
        "Metadata_Replicate": [replicate] * cells,
        "Metadata_Acquisition": [acquisition] * cells,
        "Metadata_Well": [well] * cells,
        "Metadata_Field": np.full(cells, field),
        "Metadata_ImageID": [image] * cells,
        "Metadata_ObjectLabel": np.arange(1, cells + 1),
        "Metadata_CellID": [f"{image}_obj{label}" for label in range(1, cells + 1)],
    }


def write_embeddings(path: Path, of: dict[str, object], vectors: np.ndarray) -> None:
    """Embeddings as `embed_cells` writes them."""
    with embedding_writer(path, vectors.shape[1]) as writer:
        writer.write(
            {**of, "Fold": np.zeros(len(vectors), int), "Usable": np.ones(len(vectors), bool)}, vectors
        )


def screen(
    folder: Path,
    plate: dict[str, tuple[str, float, str]] = PLATE,
    times: tuple[float, ...] = (4.0, 24.0),
    replicates: tuple[str, ...] = ("1", "2"),
    cells: int = 30,
    effect: float = 1.0,
    seed: int = 0,
) -> Path:
    """Write ``cells/``, ``embeddings/``, ``images/`` and ``wells.parquet``.

    Area, Mean and the first two embedding numbers grow with the logarithm of the dose. `Nuclei_Intensity_Gap_V` is missing
    in a tenth of the cells, `Cells_Texture_Same_V` is constant, `Cells_AreaShape_Center_X` is no morphology.
    """
    rng = np.random.default_rng(seed)
    wells = []
    for hours in times:
        for replicate in replicates:
            acquisition = f"Time_{hours:g}hrs_R{replicate}"
            images = []
            for well, (compound, dose, role) in plate.items():
                of = keys(acquisition, hours, replicate, well, cells)
                size = effect * np.log10(1 + dose)
                labels = {
                    "Metadata_Compound": compound,
                    "Metadata_Dose": dose,
                    "Metadata_DoseUnit": "uM",
                    "Metadata_Role": role,
                }
                gap = rng.normal(5, 1, cells)
                gap[: cells // 10] = np.nan
                numbers = {
                    "Cells_AreaShape_Area": rng.normal(100 + 20 * size, 5, cells),
                    "Cells_AreaShape_Center_X": rng.uniform(0, 500, cells),
                    "Cells_Intensity_Mean_V": rng.normal(1000 - 100 * size, 50, cells),
                    "Cells_Texture_Noise_V": rng.normal(0, 1, cells),
                    "Cells_Texture_Same_V": np.full(cells, 3.0),
                    "Nuclei_Intensity_Gap_V": gap,
                }
                name = f"{acquisition}_Well_{well}"
                state = {"Metadata_DeathState": ["viable"] * cells}
                frame = pd.DataFrame(of | labels | state | numbers)
                units = {"Cells_AreaShape_Area": "um2", "Metadata_Timepoint": "h"}
                write_table(frame, folder / "cells" / f"{name}.parquet", units)
                vectors = np.abs(rng.normal(1, 0.2, (cells, WIDTH)))
                vectors[:, :2] += size
                write_embeddings(folder / "embeddings" / f"{name}_embeddings.parquet", of, vectors)
                first = {
                    k: v[0] for k, v in of.items() if k not in ("Metadata_ObjectLabel", "Metadata_CellID")
                }
                images.append(first | labels | {"Metadata_QCVerdict": "keep", "Count_Cells": cells})
                own = {k: v for k, v in first.items() if k not in ("Metadata_Field", "Metadata_ImageID")}
                wells.append(own | labels | {"Count_Cells": cells, "Fraction_Viable": 1.0})
            write_table(pd.DataFrame(images), folder / "images" / f"{acquisition}.parquet")
    write_table(pd.DataFrame(wells), folder / "wells.parquet", {"Metadata_Timepoint": "h"})
    return folder
