"""Small tables for the tests of splits, baselines and scores."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from morphodose.evaluation.cells import SplitCells, read_split_cells
from morphodose.evaluation.labels import Classes, Content
from morphodose.evaluation.leakage import FieldCounts, leakage_rows
from morphodose.evaluation.learning_plan import FieldCrops
from morphodose.evaluation.metrics import Tally
from morphodose.evaluation.predictions import MODELS
from morphodose.evaluation.splits import Unit
from morphodose.names import acquisition_id, cell_id, image_id, well_timepoint_id
from morphodose.tables import write_table

KEY_COLUMNS = (
    "Metadata_Plate", "Metadata_Timepoint", "Metadata_Replicate", "Metadata_Acquisition", "Metadata_Well",
    "Metadata_Field", "Metadata_ImageID", "Metadata_ObjectLabel", "Metadata_CellID",
)  # fmt: skip


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


@dataclass(frozen=True)
class Truth:
    """What a simulated screen of tables holds.

    `effect` and `position` are the change of a feature over the doses and over the plate, in standard
    deviations of cells; `batch` that between acquisitions, `well` that between wells.
    """

    effect: float = 0.0
    position: float = 0.0
    well: float = 0.2
    batch: float = 0.2
    growth: float = 0.0
    shuffled: bool = True
    replicates: int = 3
    doses: int = 4
    dose_wells: int = 2
    vehicle_wells: int = 4
    hours: tuple[float, ...] = (24.0, 48.0)
    cells: int = 30
    seed: int = 0


@dataclass(frozen=True)
class Simulated:
    """Cells of a screen, and the two features that tell them apart: brightness and shape."""

    cells: SplitCells
    classes: dict[str, Classes]
    features: np.ndarray
    table: pd.DataFrame


def simulate(truth: Truth) -> Simulated:
    """Cells on a plate of 8 x 12; each replicate is a plate of its own, with a layout of its own if shuffled."""
    rng = np.random.default_rng(truth.seed)
    doses = [0.0] * truth.vehicle_wells + [
        float(3**i) for i in range(truth.doses) for _ in range(truth.dose_wells)
    ]
    names = ["vehicle", *(f"{3**i:g}" for i in range(truth.doses))]
    classes = {
        "dose": Classes(tuple(names), (0.0, *(float(3**i) for i in range(truth.doses))), True, "uM"),
        "time": Classes(tuple(f"{h:g}" for h in truth.hours), truth.hours, True, "h"),
    }
    places = [f"{row}{column:02d}" for row in "ABCDEFGH" for column in range(1, 13)]
    fixed = rng.permutation(96)[: len(doses)]
    frames = []
    for replicate in range(1, truth.replicates + 1):
        layout = rng.permutation(96)[: len(doses)] if truth.shuffled else fixed
        plate = f"P{replicate}" if truth.shuffled else "P"
        for place, dose in zip(layout, doses, strict=True):
            label = 0 if dose == 0 else names.index(f"{dose:g}")
            own = rng.normal(0, truth.well, 2)
            for hour, hours in enumerate(truth.hours):
                keys = cell_keys(plate, hours, str(replicate), places[place], (1,), truth.cells)
                gradient = truth.position * ((place // 12) / 7 + (place % 12) / 11 - 1)
                frames.append(
                    keys.assign(
                        Metadata_Compound="Drug" if dose else "DMSO", Metadata_Dose=dose, Metadata_DoseUnit="uM",
                        Metadata_Role="treated" if dose else "vehicle", Label_Dose=names[label],
                        Label_Time=f"{hours:g}", Fold=replicate - 1, Usable=True, Excluded="",
                        Crop_Shard="x.arrow", Crop_Row=0, Crop_Padded=False,
                        Brightness=gradient + own[0] + truth.growth * hour,
                        Shape=truth.effect * label / truth.doses + own[1],
                    )
                )  # fmt: skip
    table = pd.concat(frames, ignore_index=True)
    batch = table["Metadata_Acquisition"].map(
        {name: rng.normal(0, truth.batch) for name in sorted(set(table["Metadata_Acquisition"]))}
    )
    table["RandomFold"] = rng.integers(truth.replicates, size=len(table))
    table["Brightness"] += batch + rng.normal(0, 1, len(table))
    table["Shape"] += rng.normal(0, 1, len(table))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "split.parquet"
        write_table(table, path)
        cells = read_split_cells(path, classes)
    return Simulated(cells, classes, table[["Brightness", "Shape"]].to_numpy(np.float32), table)


def stand_in_predictions(
    screen: Simulated, kind: str, labels: tuple[str, ...], seed: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Class (N,) and probabilities (N, K) by a Gaussian classifier in the place of the network.

    It sees what the two features tell, and nothing else.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    cells, rng = screen.cells, np.random.default_rng([seed, 7])
    fold = cells.random_fold if kind == "random_split" else cells.fold
    found = {}
    for label in labels:
        true = cells.labels[label]
        classes = len(screen.classes[label].names)
        taught = true
        if kind == "permuted":  # whole wells, or their timepoints, change labels
            group = cells.unit if label == "dose" else cells.acquired
            _, first, member = np.unique(group, return_index=True, return_inverse=True)
            taught = rng.permutation(true[first])[member]
        share = np.empty((len(true), classes))
        for each in np.unique(fold):
            model = LinearDiscriminantAnalysis(priors=np.full(classes, 1 / classes))
            model.fit(screen.features[fold != each], taught[fold != each])
            share[fold == each] = model.predict_proba(screen.features[fold == each])
        found[label] = (share.argmax(axis=1), share)
    return found


def stand_in(
    screen: Simulated, kind: str = "trained", labels: tuple[str, ...] = ("dose", "time"), seed: int = 0
) -> dict[tuple[str, str], Tally]:
    """Counts of `stand_in_predictions`."""
    cells, found = screen.cells, {}
    for label, (predicted, share) in stand_in_predictions(screen, kind, labels, seed).items():
        tally = found[MODELS[kind], label] = Tally.empty(len(cells.units), share.shape[1])
        tally.add(cells.unit, cells.labels[label], predicted, share.max(axis=1))
    return found


def write_simulated(screen: Simulated, folder: Path, split: str = "replicate") -> None:
    """The files that `score_models` reads: split, labels, leakage, cells, predictions, embeddings."""
    table = screen.table
    keys = [name for name in table if name.startswith(("Metadata_", "Label_", "Crop_"))]
    write_table(table[[*keys, "Fold", "RandomFold", "Usable", "Excluded"]], folder / "split.parquet")
    labels = {
        name: {
            "classes": list(c.names),
            "values": list(c.values),
            "ordinal": c.ordinal,
            "unit": c.unit,
            "trained": True,
        }
        for name, c in screen.classes.items()
    }
    counts = {"folds": int(table["Fold"].max()) + 1, "n_cells": len(table), "notes": []}
    (folder / "labels.json").write_text(json.dumps({**labels, "split": split, **counts}))
    rows = leakage_rows(count_fields(table), split) + leakage_rows(
        count_fields(table, "RandomFold"), "random cells", True
    )
    write_table(pd.DataFrame(rows), folder / "leakage.parquet")
    names = [name for name in table if name.startswith("Metadata_")]
    for (acquisition, well), rows_of_well in table.groupby(["Metadata_Acquisition", "Metadata_Well"]):
        measured = rows_of_well[names].assign(
            Cells_Intensity_MeanIntensity_V=rows_of_well["Brightness"] * 100 + 1000,
            Cells_AreaShape_Area=rows_of_well["Shape"] * 50 + 500, Cells_AreaShape_Center_X=50.0,
            Nuclei_AreaShape_Area=np.nan,
        )  # fmt: skip
        write_table(measured, folder / "cells" / f"{acquisition}_Well_{well}.parquet")
        vectors = rows_of_well[["Brightness", "Shape"]].to_numpy(np.float16)
        arrow = pa.Table.from_pandas(rows_of_well[[*KEY_COLUMNS]], preserve_index=False)
        lists = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 2)
        (folder / "untrained").mkdir(exist_ok=True)
        pq.write_table(
            arrow.append_column("Embedding", lists),
            folder / "untrained" / f"{acquisition}_Well_{well}_embeddings.parquet",
        )
    for kind in ("trained", "permuted", "random_split"):
        write_predictions(screen, folder / "predictions", kind)


def write_predictions(screen: Simulated, folder: Path, kind: str) -> None:
    """Predictions of the stand-in as `train_resnet` writes them, one file per fold."""
    table = screen.table
    folds = table["RandomFold" if kind == "random_split" else "Fold"]
    labels = tuple(name for name, classes in screen.classes.items() if len(classes.names) > 1)
    predicted = stand_in_predictions(screen, kind, labels, 0)
    for fold in sorted(set(folds)):
        mine = (folds == fold).to_numpy()
        columns: dict[str, object] = {"Kind": kind, "Fold": fold}
        for label, (codes, share) in predicted.items():
            names = screen.classes[label].names
            columns[f"True_{label.capitalize()}"] = table.loc[mine, f"Label_{label.capitalize()}"]
            columns[f"Predicted_{label.capitalize()}"] = np.array(names, dtype=object)[codes[mine]]
            for code, name in enumerate(names):
                columns[f"Probability_{label.capitalize()}_{name}"] = share[mine, code].astype(np.float32)
        write_table(
            table.loc[mine, list(KEY_COLUMNS)].assign(**columns),
            folder / f"{kind}_fold{fold}_predictions.parquet",
        )


def nf_test_screen(folder: Path) -> None:
    """Inputs of the nf-tests of split_cells and score_models.

    ``crops``, ``images.parquet``, ``plate_map.csv``: two times, two replicates, four wells of two fields with six
    cells, one field dropped. ``scores``: a screen with a true effect of dose, and what was predicted of it.
    """
    layout = {f"A{column:02d}": content(dose) for column, dose in enumerate((0, 1, 10, 100), start=1)}
    images: list[str] = []
    for hours in (4.0, 8.0):
        for replicate in "12":
            for well in layout:
                keys = cell_keys("P", hours, replicate, well, (1, 2), 6)
                write_crop_index(folder / "crops", keys, padded=[0])
                images += sorted(set(keys["Metadata_ImageID"]))
    verdicts = ["drop", *["keep"] * (len(images) - 1)]
    frame = pd.DataFrame({"Metadata_ImageID": images, "Metadata_QCVerdict": verdicts})
    write_table(frame, folder / "images.parquet")
    write_map(folder / "plate_map.csv", {"P": layout})
    write_map(folder / "short_plate_map.csv", {"P": {well: c for well, c in layout.items() if well != "A03"}})
    write_simulated(simulate(Truth(effect=6, cells=12)), folder / "scores")
    wrong = pq.read_table(folder / "scores" / "predictions" / "trained_fold0_predictions.parquet").to_pandas()
    write_table(wrong.assign(Fold=1), folder / "bad" / "trained_fold1_predictions.parquet")


#: The columns that name a field whenever it was imaged.
FIELD = ["Metadata_Plate", "Metadata_Replicate", "Metadata_Well", "Metadata_Field"]


def count_fields(cells: pd.DataFrame, fold: str = "Fold") -> FieldCounts:
    """Count the usable cells of a split table; `fold` is the column of the fold."""
    usable = cells[cells["Usable"]] if "Usable" in cells else cells
    grouped = usable.groupby([*FIELD, fold], observed=True, sort=True).size().unstack(fill_value=0)
    folds = int(cells[fold].max()) + 1 if len(cells) else 0
    grouped = grouped.reindex(columns=range(folds), fill_value=0)
    units = [Unit(str(p), str(r), str(w)) for p, r, w, _ in grouped.index]
    return FieldCounts(units, [int(key[-1]) for key in grouped.index], grouped.to_numpy(np.int64))
