"""Small screens of crops that a network can learn: dose is brightness, time is shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from morphodose.crops.shard import Crop, write_shard
from morphodose.tables import write_table

DOSES = ("vehicle", "1", "10")
TIMES = ("4", "24")


def write_screen(
    folder: Path,
    cells: int = 10,
    size: int = 32,
    replicates: int = 2,
    channels: tuple[str, ...] = ("Brightfield",),
    seed: int = 0,
    per_dose: int = 1,
) -> tuple[Path, Path, Path]:
    """Shards of `cells` cells per well-timepoint below `folder`; the folder of shards, split and labels."""
    random = np.random.default_rng(seed)
    rows = []
    for replicate in range(replicates):
        for time in TIMES:
            for number in range(len(DOSES) * per_dose):
                dose = DOSES[number % len(DOSES)]
                well = f"A{number + 1:02d}"
                acquisition = f"Time_{time}hrs_R{replicate + 1}"
                image = f"{acquisition}_Well_{well}_Field_1"
                name = f"{acquisition}_Well_{well}.arrow"
                drawn = list(
                    _crops(random, image, cells, size, DOSES.index(dose), TIMES.index(time), len(channels))
                )
                write_shard(folder / "crops" / name, drawn, channels, size)
                for row, crop in enumerate(drawn):
                    rows.append(
                        {
                            "Metadata_Plate": "P1",
                            "Metadata_Timepoint": float(time),
                            "Metadata_Replicate": str(replicate + 1),
                            "Metadata_Acquisition": acquisition,
                            "Metadata_Well": well,
                            "Metadata_Field": 1,
                            "Metadata_ImageID": image,
                            "Metadata_ObjectLabel": row + 1,
                            "Metadata_CellID": crop.cell_id,
                            "Metadata_Role": "vehicle" if dose == "vehicle" else "treated",
                            "Crop_Shard": name,
                            "Crop_Row": row,
                            "Label_Dose": dose,
                            "Label_Time": time,
                            "Fold": replicate,
                            "RandomFold": row % 2,
                            "Usable": True,
                            "Excluded": "",
                        }
                    )
    write_table(pd.DataFrame(rows), folder / "split.parquet")
    labels = {
        "dose": {"classes": list(DOSES), "values": [0, 1, 10], "ordinal": True},
        "time": {"classes": list(TIMES), "values": [4, 24], "ordinal": True},
        "split": "replicate",
    }
    (folder / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    return folder / "crops", folder / "split.parquet", folder / "labels.json"


def _crops(
    random: np.random.Generator, image: str, cells: int, size: int, dose: int, time: int, channels: int
) -> Iterator[Crop]:
    """Cells twice as bright at each dose, and long at the later time."""
    y, x = np.mgrid[:size, :size] - size / 2
    for label in range(1, cells + 1):
        radius = size * (0.24 + 0.04 * random.random())
        squeeze = 2.0 if time else 1.0
        inside = (y / radius) ** 2 + (x * squeeze / radius) ** 2 < 1
        noise = random.normal(0, 60, (channels, size, size))
        pixels = inside * (1000.0 * 2**dose + noise)
        yield Crop(f"{image}_obj{label}", 0, 0, pixels.clip(0, 65535).astype(np.uint16))
