"""``load_data.csv`` of projected fields and their masks, for CellProfiler's LoadData."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from morphodose.imaging.images import read_channels
from morphodose.tables import write_csv

#: Keys of a field in the images table → columns of LoadData.
KEYS = {
    "Metadata_Plate": "Metadata_Plate",
    "Metadata_Well": "Metadata_Well",
    "Metadata_Field": "Metadata_Site",
    "Metadata_Timepoint": "Metadata_Timepoint",
    "Metadata_Replicate": "Metadata_Replicate",
    "Metadata_ImageID": "Metadata_ImageID",
    "Metadata_QCVerdict": "Metadata_QCVerdict",
}


def load_data_rows(
    fields: Sequence[dict[str, object]],
    images: Mapping[str, Path],
    masks: Mapping[str, Mapping[str, Path]],
    folder: str = "projected",
) -> list[dict[str, object]]:
    """Rows of LoadData, one a field: a channel is a page (frame) of the field's OME-TIFF.

    Paths are those in the results of a run, which CellProfiler takes as its default input folder.

    Parameters
    ----------
    fields : sequence of dict
        ``Metadata_*`` of each field.
    images : mapping
        Image id → its projected field.
    masks : mapping
        Image id → ``cells``, ``nuclei`` → mask.
    folder : str
        ``projected`` or ``corrected``: the folder of the fields in the results.
    """
    rows: list[dict[str, object]] = []
    for field in fields:
        image = str(field["Metadata_ImageID"])
        row: dict[str, object] = {column: field.get(key) for key, column in KEYS.items() if key in field}
        place = f"{field['Metadata_Acquisition']}/Well_{field['Metadata_Well']}"
        for page, channel in enumerate(read_channels(images[image])):
            row |= {
                f"Image_FileName_{channel}": images[image].name,
                f"Image_PathName_{channel}": f"{folder}/{place}",
                f"Image_Frame_{channel}": page,
            }
        for kind, mask in sorted(masks.get(image, {}).items()):
            named = kind.capitalize()
            row |= {
                f"Image_ObjectsFileName_{named}": mask.name,
                f"Image_ObjectsPathName_{named}": f"segmented/{place}",
            }
        rows.append(row)
    return rows


def write_load_data(path: Path, rows: Sequence[dict[str, object]]) -> None:
    """Write the rows, whole or not at all."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    write_csv(pa.table({name: [row.get(name) for row in rows] for name in names}), path)
