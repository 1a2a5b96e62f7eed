"""What the gallery shows, and of which cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from morphodose.crops.shard import CropShard, Pixels
from morphodose.deep.centres import Near
from morphodose.deep.data import shard_paths
from morphodose.deep.gradcam import choose_stage, grad_cam
from morphodose.deep.greyscale import GreyScale, central, fit_greyscale, legend, window_edge
from morphodose.deep.network_set import NetworkSet
from morphodose.deep.pictures import Picture, Shown, write_grid, write_strip
from morphodose.errors import InputError
from morphodose.evaluation.labels import is_vehicle
from morphodose.evaluation.split_files import rows_of_cells, split_rows

#: Vehicle cells that the scale is fitted to, and cells of any dose that the window is fitted to.
SAMPLE = 500
#: Doses side by side in one picture of examples; more go to further pictures.
PAGE = 8
PLACE = ("Metadata_CellID", "Crop_Shard", "Crop_Row")


@dataclass(frozen=True)
class CropDisplay:
    """How crops are shown: scale of intensity, edge of the window in px, names of the channels."""

    scale: GreyScale
    edge: int
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Gallery:
    """Where cells, crops and networks are, and how they are shown."""

    split: Path
    shards: dict[str, Path]
    networks: NetworkSet
    device: torch.device
    settings: CropDisplay
    units: dict[str, str]

    def crops(self, cells: Sequence[str]) -> np.ndarray:
        """(N, C, S, S) raw crops of some cells, in their order."""
        rows = rows_of_cells(self.split, PLACE, cells).set_index("Metadata_CellID")
        return np.stack(
            [self._shard(rows.at[cell, "Crop_Shard"]).read(rows.at[cell, "Crop_Row"]) for cell in cells]
        )

    def show(self, crop: np.ndarray) -> Picture:
        """The window of a (C, S, S) uint16 crop as a picture."""
        return self.settings.scale.show(central(crop, self.settings.edge))

    def _shard(self, name: str) -> CropShard:
        if name not in self.shards:
            raise InputError(f"the shard {name} is in the split, but not among the crops given")
        return CropShard(self.shards[name])

    @property
    def footer(self) -> str:
        """What all pictures say of themselves."""
        settings = self.settings
        return (
            f"Window {settings.edge} × {settings.edge} px. {legend(settings.channels)}; one scale for the "
            "whole screen, from vehicle cells; black around the cell is what the crop leaves out."
        )


def with_unit(name: str, unit: str) -> str:
    """A class in words: ``0.12`` → ``0.12 µM``; vehicle has no unit."""
    return name if is_vehicle(name) or not unit else f"{name} {unit}"


def crop_display(split: Path, crops: Path, seed: int) -> CropDisplay:
    """Scale and window of a screen, from a seeded sample of its usable cells.

    Raises
    ------
    InputError
        If no cell is usable.
    """
    shards = shard_paths([crops])
    cells = split_rows(split, [*PLACE, "Metadata_Role", "Usable"])
    usable = cells[cells["Usable"] & cells["Crop_Shard"].isin(shards)].sort_values("Metadata_CellID")
    if usable.empty:
        raise InputError(f"{split}: no usable cell (its column Excluded says why)")
    vehicle = usable[usable["Metadata_Role"] == "vehicle"]

    def sample(of: pd.DataFrame) -> list[Pixels]:
        chosen = of.sample(min(SAMPLE, len(of)), random_state=seed).sort_values(["Crop_Shard", "Crop_Row"])
        return [
            shard.read(row)
            for name, group in chosen.groupby("Crop_Shard")
            for shard in [CropShard(shards[name])]
            for row in group["Crop_Row"]
        ]

    scale = fit_greyscale(sample(usable if vehicle.empty else vehicle))
    first = CropShard(shards[usable["Crop_Shard"].iloc[0]])
    return CropDisplay(scale, window_edge(sample(usable)), first.channels)


def draw_examples(
    gallery: Gallery, classes: dict[str, list[str]], each: int, seed: int, out: Path
) -> list[dict[str, str]]:
    """Random usable cells by dose and time, as one or more pictures; their rows of ``gallery.parquet``."""
    cells = split_rows(gallery.split, ["Metadata_CellID", "Label_Dose", "Label_Time", "Usable"])
    usable = cells[cells["Usable"]].sort_values("Metadata_CellID")
    groups = usable.groupby(["Label_Dose", "Label_Time"], dropna=False)["Metadata_CellID"]
    rng = np.random.default_rng(seed)
    chosen = {
        key: sorted(rng.choice(group.to_numpy(), min(each, len(group)), replace=False))
        for key, group in groups
    }
    rows = []
    doses, times = classes["dose"], classes["time"]
    for page, start in enumerate(range(0, len(doses), PAGE), start=1):
        columns = doses[start : start + PAGE]
        shown = [[chosen.get((dose, time), []) for dose in columns] for time in times]
        ids = [cell for row in shown for place in row for cell in place]
        if not ids:
            continue
        pictures = dict(zip(ids, (gallery.show(crop) for crop in gallery.crops(ids)), strict=True))
        name = f"examples_{page}.png"
        write_grid(
            out / name,
            "Cells by dose and time, chosen at random",
            [with_unit(time, gallery.units["time"]) for time in times],
            [wrapped(with_unit(dose, gallery.units["dose"])) for dose in columns],
            [[[pictures[cell] for cell in place] for place in row] for row in shown],
            gallery.footer,
        )
        rows.append(row_of(name, "example", "Dose", "; ".join(columns), ids))
    return rows


def draw_nearest(
    gallery: Gallery, label: str, number: int, near: Sequence[Near], out: Path
) -> dict[str, str]:
    """Crops nearest the centre of a class with their Grad-CAM; the row of ``gallery.parquet``."""
    recipe = gallery.networks.recipe
    name = recipe.classes[label][number]
    crops = gallery.crops([cell.cell_id for cell in near])
    saliency = np.zeros((len(near), *crops.shape[-2:]), np.float32)
    folds = np.array([cell.fold for cell in near])
    for fold in np.unique(folds):
        network, own = gallery.networks.of(int(fold))
        here = np.flatnonzero(folds == fold)
        saliency[here] = grad_cam(network, own, torch.from_numpy(crops[here]), label, number, gallery.device)
    shown = [
        Shown(gallery.show(crop), np.asarray(central(heat, gallery.settings.edge)), wrapped(cell.place, 14))
        for crop, heat, cell in zip(crops, saliency, near, strict=True)
    ]
    file = f"{label}_{number}.png"
    heat = (
        f"Grad-CAM of {choose_stage(recipe)} for this class, each crop to its own maximum, by the network "
        "that was not trained on the cell."
    )
    shown_name = with_unit(name, gallery.units[label])
    title = f"{label.capitalize()} {shown_name}: the crops nearest the centre of the class"
    write_strip(out / file, title, shown, f"{gallery.footer}\n{heat}")
    return row_of(file, "nearest", label.capitalize(), name, [cell.cell_id for cell in near])


def row_of(file: str, kind: str, label: str, name: str, cells: Sequence[str]) -> dict[str, str]:
    """One row of ``gallery.parquet``."""
    return {"File": file, "Kind": kind, "Label": label, "Class": name, "CellIDs": "; ".join(cells)}


def wrapped(text: str, letters: int = 12) -> str:
    """A name on lines of at most so many letters, broken at spaces and underscores where it has them."""
    lines = [""]
    for word in text.replace("_", "_ ").split(" "):
        longer = f"{lines[-1]}{'' if lines[-1].endswith('_') or not lines[-1] else ' '}{word}"
        if lines[-1] and len(longer) > letters:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)
