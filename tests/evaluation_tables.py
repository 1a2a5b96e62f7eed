"""Small tables for the tests of splits, baselines and scores."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from morphodose.evaluation.design import FieldCrops
from morphodose.evaluation.labels import Content
from morphodose.evaluation.splits import Unit
from morphodose.names import acquisition_id, cell_id, image_id, well_timepoint_id
from morphodose.tables import write_table


def content(dose: float | None, role: str = "", compound: str = "Drug") -> Content:
    """What a well holds: dose 0 is vehicle."""
    role = role or ("treated" if dose else "vehicle")
    return Content("DMSO" if role == "vehicle" else compound, dose, "uM", role)


def crops_of(
    layout: dict[str, Content], replicates: int = 3, hours: tuple[float, ...] = (24.0, 48.0), fields: int = 2,
    cells: int = 10, padded: int = 1, plate: str = "P",
) -> list[FieldCrops]:  # fmt: skip
    """Fields of a screen with the same layout on each replicate."""
    return [
        FieldCrops(
            image_id(well_timepoint_id(acquisition_id(time, str(replicate)), well), number),
            Unit(plate, str(replicate), well), time, number, holds, "keep", cells - padded, padded,
        )
        for time in hours for replicate in range(1, replicates + 1) for well, holds in layout.items()
        for number in range(1, fields + 1)
    ]  # fmt: skip


def cell_keys(
    plate: str, hours: float, replicate: str, well: str, fields: Iterable[int], per_field: int
) -> pd.DataFrame:
    """Key columns of the cells of a well-timepoint."""
    acquisition = acquisition_id(hours, replicate, plate if plate != "P" else None)
    images = [(number, image_id(well_timepoint_id(acquisition, well), number)) for number in fields]
    rows = [(number, image, label) for number, image in images for label in range(1, per_field + 1)]
    return pd.DataFrame(
        {
            "Metadata_Plate": plate, "Metadata_Timepoint": hours, "Metadata_Replicate": replicate,
            "Metadata_Acquisition": acquisition, "Metadata_Well": well,
            "Metadata_Field": np.array([number for number, _, _ in rows], dtype=np.int64),
            "Metadata_ImageID": [image for _, image, _ in rows],
            "Metadata_ObjectLabel": np.array([label for _, _, label in rows], dtype=np.int64),
            "Metadata_CellID": [cell_id(image, label) for _, image, label in rows],
        }
    )  # fmt: skip


def write_crop_index(folder: Path, keys: pd.DataFrame, padded: Iterable[int] = ()) -> Path:
    """An index as `crop_cells` writes it; `padded` are rows of padded crops."""
    name = keys["Metadata_ImageID"].iloc[0].rpartition("_Field_")[0]
    rows = np.arange(len(keys))
    frame = keys.assign(
        Crop_Shard=f"{name}.arrow", Crop_Row=rows, Crop_Center_Y=50.0, Crop_Center_X=50.0,
        Crop_Padded=np.isin(rows, list(padded)),
    )  # fmt: skip
    write_table(frame, folder / f"{name}_crops.parquet")
    return folder / f"{name}_crops.parquet"


def write_map(path: Path, layouts: dict[str, dict[str, Content]]) -> Path:
    """Plate map of several plates."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["plate", "well", "compound", "dose", "dose_unit", "role"])
        for plate, layout in layouts.items():
            for well, holds in layout.items():
                dose = "" if holds.dose is None else holds.dose
                writer.writerow([plate, well, holds.compound, dose, holds.unit, holds.role])
    return path
