"""A tiny screen of crops with its split and its networks, for the tests of embeddings, alignment and gallery."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from morphodose.crops.shard import Crop, write_shard
from morphodose.deep.network import build_network, save_network
from morphodose.deep.recipe import Recipe
from morphodose.tables import write_table

DOSES = ("vehicle", "1", "10")
TIMES = ("4", "24")
SIZE = 48
RECIPE = Recipe(
    network="resnet18",
    channels=("Brightfield",),
    crop_size=SIZE,
    input_size=32,
    head="softmax",
    classes={"dose": DOSES, "time": TIMES},
    ordered={"dose": True, "time": True},
    mean=(400.0,),
    std=(300.0,),
)


def disc(rng: np.random.Generator, radius: float, light: float, channels: int) -> np.ndarray:
    """A round cell of noise in an empty crop."""
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    crop = rng.normal(light, light / 10, (channels, SIZE, SIZE)) * (np.hypot(y, x) < radius)
    return np.clip(crop, 0, 65535).astype(np.uint16)


def make_screen(folder: Path, cells: int = 5, folds: int = 2, recipe: Recipe = RECIPE) -> dict[str, Path]:
    """Wells of three doses at two times in `folds` replicates, `cells` each; fold k holds out replicate k + 1.

    The last cell of each well is not usable. One more well, a positive control, has no label; another, empty
    of cells, an empty shard.
    """
    crops, networks = folder / "crops", folder / "networks"
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for fold in range(folds):
        for hours in TIMES:
            for place, dose in enumerate([*DOSES, "positive"]):
                well, plate = f"A{place + 1:02d}", f"Time_{hours}hrs_R{fold + 1}"
                name = f"{plate}_Well_{well}"
                ids = [f"{name}_Field_1_obj{2 * cell + 1}" for cell in range(cells)]
                pixels = [disc(rng, 6 + 3 * place, 300 + 100 * place, len(recipe.channels)) for _ in ids]
                whole = [Crop(cell, 0, 0, image) for cell, image in zip(ids, pixels, strict=True)]
                write_shard(crops / f"{name}.arrow", whole, recipe.channels, SIZE)
                for row, cell in enumerate(ids):
                    usable = row < cells - 1 and dose != "positive"
                    rows.append(
                        {
                            "Metadata_Plate": "P1", "Metadata_Timepoint": float(hours), "Metadata_Replicate": str(fold + 1),
                            "Metadata_Acquisition": plate, "Metadata_Well": well, "Metadata_Field": 1,
                            "Metadata_ImageID": f"{name}_Field_1", "Metadata_ObjectLabel": 2 * row + 1, "Metadata_CellID": cell,
                            "Metadata_Role": "vehicle" if dose == "vehicle" else "positive" if dose == "positive" else "treated",
                            "Crop_Shard": f"{name}.arrow", "Crop_Row": row, "Crop_Padded": False,
                            "Label_Dose": None if dose == "positive" else dose, "Label_Time": None if dose == "positive" else hours,
                            "Fold": fold, "RandomFold": row % 2, "Usable": usable, "Excluded": "" if usable else "no label",
                        }
                    )  # fmt: skip
    write_shard(crops / "Time_4hrs_R1_Well_H12.arrow", [], recipe.channels, SIZE)
    write_table(pd.DataFrame(rows), folder / "split.parquet")
    labels = {
        "dose": {"classes": list(DOSES), "values": [0, 1, 10], "ordinal": True},
        "time": {"classes": list(TIMES), "values": [4, 24], "ordinal": True},
        "split": "replicate", "folds": folds, "notes": [],
    }  # fmt: skip
    (folder / "labels.json").write_text(json.dumps(labels))
    for fold in range(folds):
        own = replace(recipe, fold=fold, seed=fold)
        save_network(networks / f"trained_fold{fold}", build_network(own), own)
    return {
        "crops": crops,
        "networks": networks,
        "split": folder / "split.parquet",
        "labels": folder / "labels.json",
    }


def arguments(screen: dict[str, Path], *names: str) -> list[str]:
    """Options of a command for some parts of a screen."""
    return [text for name in names for text in (f"--{name}", str(screen[name]))]


def run(main: Any, *given: object) -> str:
    """Run a click command and return what it printed; the message of its fault becomes an AssertionError."""
    from click.testing import CliRunner

    result = CliRunner().invoke(main, [str(each) for each in given])
    assert result.exit_code == 0, result.output
    return result.output
