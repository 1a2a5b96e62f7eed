"""Fields to correct by hand: which ones, the files that Cellpose's graphical program opens, their return."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError
from morphodose.files import replacing
from morphodose.imaging.images import read_field, read_labels, write_labels
from morphodose.segmentation.border import border_labels
from morphodose.segmentation.common import pair

if TYPE_CHECKING:
    import pandas as pd

#: Columns that fields are spread over.
SPREAD_OVER = ("Metadata_Compound", "Metadata_Dose", "Metadata_Timepoint")
#: Endings of the masks that the graphical program saves, and of those it is given.
SAVED, GIVEN = ("_cp_masks.png", "_cp_masks.tif"), "_masks.tif"


@dataclass(frozen=True)
class Corrected:
    """A field that came back: name, raw intensities (Y, X, 2) as `common.pair` makes them, mask."""

    name: str
    image: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int32]

    @property
    def well(self) -> str:
        """The well-timepoint, whose fields stay together when some are held out."""
        return self.name.rpartition("_Field_")[0] or self.name


def severity(images: pd.DataFrame) -> pd.Series[float]:
    """How much the network got wrong in each field, of all nuclei and cells.

    Wrong are nuclei that it left in no cell, cells without a nucleus, and parts of split cells. What
    was completed afterwards counts too: a model is corrected for what the network does by itself.
    """
    counts = {name: images[name].fillna(0).to_numpy(float) for name in images if name.startswith("Count_")}
    none = np.zeros(len(images))
    in_no_cell = [counts.get(f"Count_NucleiWithoutCell{when}", none) for when in ("", "Before")]
    lost = np.maximum(*in_no_cell) + sum(
        counts.get(name, none) for name in ("Count_CellsWithoutNucleus", "Count_CellsSplit")
    )
    of = in_no_cell[0] + sum(
        counts.get(name, none) for name in ("Count_Nuclei", "Count_NucleiInBorderCells", "Count_Cells")
    )
    return images.assign(Severity=np.divide(lost, of, out=np.zeros(len(of)), where=of > 0))["Severity"]


def pick_fields(images: pd.DataFrame, number: int) -> pd.DataFrame:
    """Fields to correct: spread over compounds, doses and times, within each the worst segmented first.

    Parameters
    ----------
    images : pandas.DataFrame
        Rows of the images table; dropped fields, and those without an object, are left out.
    number : int
        How many.

    Returns
    -------
    pandas.DataFrame
        Their rows with ``Severity`` added. Every condition gives its worst field before any gives a second;
        where there are more conditions than fields, every second, third, … of them does.

    Raises
    ------
    InputError
        If no field is left to pick from.
    """
    table = images.assign(Severity=severity(images))
    if "Metadata_QCVerdict" in table:
        table = table[(table["Metadata_QCVerdict"] != "drop").fillna(True).astype(bool)]
    objects = table[[name for name in ("Count_Cells", "Count_NucleiWithoutCell") if name in table]].sum(
        axis=1
    )
    table = table[objects > 0]
    if table.empty:
        raise InputError("no field with an object that QC keeps: there is nothing to correct")
    table = table.sort_values(["Severity", "Metadata_ImageID"], ascending=[False, True])
    keys = [name for name in SPREAD_OVER if name in table]
    rank = table.groupby(keys, dropna=False).cumcount()
    order = table.assign(Rank=rank).sort_values(["Rank", *keys, "Metadata_ImageID"])
    chosen: list[pd.DataFrame] = []
    for _, level in order.groupby("Rank"):
        room = number - sum(map(len, chosen))
        if room <= 0:
            break
        spread = np.unique(np.linspace(0, len(level) - 1, min(room, len(level))).round().astype(int))
        chosen.append(level.iloc[spread])
    import pandas as pd

    return pd.concat(chosen).drop(columns="Rank").sort_values("Metadata_ImageID").reset_index(drop=True)


def write_for_correction(
    results: Path, image_id: str, channels: tuple[str, str], out: Path
) -> tuple[Path, Path]:
    """Write image and mask of a field as Cellpose's graphical program opens them.

    Parameters
    ----------
    results : path
        Results of a finished run.
    image_id : str
        The field.
    channels : (str, str)
        The cell channel and the nuclear one; empty where there is none.
    out : path
        Folder for ``<ImageID>.tif``, RGB with the cells in green and the nuclei in blue, in raw counts, and
        ``<ImageID>_masks.tif``.

    Raises
    ------
    InputError
        If a file of the run is missing, or the run had no cell channel.
    """
    import tifffile

    well_folder = Path(*_folder_of(image_id))
    places = [results / step / well_folder for step in ("corrected", "projected")]
    sources = [place / f"{image_id}.ome.tiff" for place in places]
    source = next((file for file in sources if file.is_file()), None)
    mask = results / "segmented" / well_folder / f"{image_id}_cells.tif"
    if source is None or not mask.is_file():
        lacking = mask if source else sources[-1]
        raise InputError(
            f"{lacking}: not there; give the results folder of a finished run, as --outdir named it"
        )
    field = read_field(source)
    cells, nuclei = (field.channel(name) if name else None for name in channels)
    if cells is None:
        raise InputError("the run had no cell channel: there is nothing that a network for cells could learn")
    blue = np.zeros_like(cells) if nuclei is None else nuclei
    out.mkdir(parents=True, exist_ok=True)
    files = out / f"{image_id}.tif", out / f"{image_id}{GIVEN}"
    with replacing(files[0]) as temporary:
        rgb = np.stack([np.zeros_like(cells), cells, blue], axis=-1)
        tifffile.imwrite(temporary, rgb, photometric="rgb", compression="zlib")
    write_labels(files[1], read_labels(mask))
    return files


def read_corrected(folder: Path) -> list[Corrected]:
    """The fields of a folder whose masks the graphical program has saved, in order of their names.

    Raises
    ------
    InputError
        If there is none, a correction was saved in another way, or a mask is not that of its image.
    """
    import tifffile

    found: list[Corrected] = []
    waiting = 0
    for file in sorted(folder.glob("*.tif")):
        if file.name.endswith(("_masks.tif", "_cp_masks.tif")):
            continue
        saved = [path for path in (file.with_name(file.stem + end) for end in SAVED) if path.is_file()]
        mask = max(saved, key=lambda path: path.stat().st_mtime, default=None)
        other = file.with_name(f"{file.stem}_seg.npy")
        if other.is_file() and (mask is None or other.stat().st_mtime > mask.stat().st_mtime + 1):
            raise InputError(
                f"{other}: corrections that are only in this file are not read: it is a pickle, which can "
                "run code. Open the image in Cellpose again and save the mask as PNG (Ctrl+N)"
            )
        if mask is None:
            waiting += 1
            continue
        labels = _read_mask(mask)
        pixels = tifffile.imread(file)
        if pixels.ndim == 2:
            image = pair(pixels)
        elif pixels.ndim == 3 and pixels.shape[-1] == 3:
            image = pair(pixels[..., 1], pixels[..., 2])
        else:
            raise InputError(
                f"{file}: an image of one channel or RGB is expected, got the shape {pixels.shape}"
            )
        if labels.shape != image.shape[:2]:
            raise InputError(f"{mask}: its size is {labels.shape}, that of the image {image.shape[:2]}")
        found.append(Corrected(file.stem, image, labels))
    if not found:
        raise InputError(
            f"{folder}: no mask that Cellpose saved (<name>{SAVED[0]}) beside any of its {waiting} images; "
            "correct some and save each with Ctrl+N, those that are right as they are, too"
        )
    return found


def inside(field: Corrected, margin: int) -> Corrected:
    """The field without its margin where no cell at the border is marked; the pipeline leaves those out.

    A cell that the image cuts and the mask does not show would teach the network that it is background.
    """
    height, width = field.labels.shape
    if border_labels(field.labels).size or min(height, width) <= 4 * margin or not margin:
        return field
    part = (slice(margin, height - margin), slice(margin, width - margin))
    return Corrected(field.name, field.image[part], field.labels[part])


def hold_out(fields: list[Corrected], share: float) -> tuple[list[Corrected], list[Corrected]]:
    """Fields to learn from and fields to judge by; those of one well stay on one side.

    Raises
    ------
    InputError
        If there are fewer than two wells.
    """
    wells = sorted({field.well for field in fields})
    if len(wells) < 2:
        raise InputError(
            f"fields of one well only ({wells[0]}): correct fields of two or more, one is held out"
        )
    number = min(max(1, round(share * len(wells))), len(wells) - 1)
    judged = {wells[i] for i in np.linspace(0, len(wells) - 1, number + 2).round().astype(int)[1:-1]}
    return [f for f in fields if f.well not in judged], [f for f in fields if f.well in judged]


def _folder_of(image_id: str) -> tuple[str, str]:
    """Acquisition and well folder of the results: ``Time_4hrs_R1``, ``Well_A01``."""
    acquisition, _, rest = image_id.rpartition("_Well_")
    return acquisition, f"Well_{rest.partition('_Field_')[0]}"


def _read_mask(file: Path) -> npt.NDArray[np.int32]:
    """A label mask, PNG or TIFF."""
    if file.suffix == ".tif":
        return read_labels(file)
    import cv2

    pixels = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.ndim != 2:
        raise InputError(f"{file}: not readable as a mask (PNG of one channel)")
    return pixels.astype(np.int32)
