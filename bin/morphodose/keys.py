"""The key columns that every table of one well-timepoint begins with."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from morphodose.errors import InputError
from morphodose.names import field_of, image_id

_NAMES = ("id", "plate", "timepoint_h", "replicate", "acquisition", "well")


@dataclass(frozen=True)
class WellKeys:
    """Where and when one well was imaged.

    Attributes
    ----------
    id : str
        Well-timepoint id, ``{acquisition}_Well_{well}``.
    plate, replicate, acquisition, well : str
        As in the samplesheet; the well written ``A01``.
    timepoint_h : float
        Hours since the treatment.
    """

    id: str
    plate: str
    timepoint_h: float
    replicate: str
    acquisition: str
    well: str

    def image(self, field: int) -> str:
        """``Metadata_ImageID`` of one field of the well."""
        return image_id(self.id, field)

    def columns(self, image: str) -> dict[str, str | float | int]:
        """``Metadata_*`` columns of one field, by its image id; the same value in each row."""
        return {
            "Metadata_Plate": self.plate,
            "Metadata_Timepoint": self.timepoint_h,
            "Metadata_Replicate": self.replicate,
            "Metadata_Acquisition": self.acquisition,
            "Metadata_Well": self.well,
            "Metadata_Field": field_of(image),
            "Metadata_ImageID": image,
        }


def parse_keys(keys: Mapping[str, object]) -> WellKeys:
    """Keys of a well-timepoint.

    Parameters
    ----------
    keys : mapping
        With ``id``, ``plate``, ``timepoint_h``, ``replicate``, ``acquisition`` and ``well``; further entries
        are ignored.

    Raises
    ------
    InputError
        If an entry is missing, or the time is not a number.
    """
    missing = [name for name in _NAMES if name not in keys]
    if missing:
        raise InputError(f"--keys lacks {', '.join(missing)}: {json.dumps(keys)[:200]}")
    try:
        hours = float(str(keys["timepoint_h"]))
    except ValueError:
        hours = math.nan
    if not math.isfinite(hours):
        raise InputError(f"--keys: timepoint_h is not a number: {keys['timepoint_h']!r}")
    texts = {name: str(keys[name]) for name in _NAMES if name != "timepoint_h"}
    return WellKeys(timepoint_h=hours, **texts)


def read_keys(keys: str) -> list[WellKeys]:
    """Keys of the well-timepoints of a task.

    Parameters
    ----------
    keys : str
        JSON, or the name of a file that holds it: one object (`parse_keys`), or a list with one per
        well-timepoint.

    Raises
    ------
    InputError
        If it is not such a JSON file, or names no well-timepoint, or one twice.
    """
    try:
        text = keys if keys.lstrip().startswith(("[", "{")) else Path(keys).read_text(encoding="utf-8")
        given = json.loads(text)
    except OSError as fault:
        raise InputError(f"--keys is neither JSON nor a readable file: {keys[:200]!r}") from fault
    except json.JSONDecodeError as fault:
        raise InputError(f"--keys is not JSON ({fault}): {keys[:200]!r}") from fault
    entries = given if isinstance(given, list) else [given]
    if not entries or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"--keys is not a list with one object per well-timepoint: {text[:200]!r}")
    wells = [parse_keys(entry) for entry in entries]
    twice = [well.id for well in wells if wells.count(well) > 1]
    if twice:
        raise InputError(f"--keys names {twice[0]} twice")
    return wells


def folder_keys(folders: Sequence[Path], keys: str) -> list[WellKeys]:
    """Keys of the well-timepoint of each folder, whose name is its id.

    Raises
    ------
    InputError
        If a folder has no entry.
    """
    by_id = {well.id: well for well in read_keys(keys)}
    missing = [folder.name for folder in folders if folder.name not in by_id]
    if missing:
        raise InputError(f"--keys has no entry with the id {missing[0]!r}, the name of a folder given")
    return [by_id[folder.name] for folder in folders]


def field_images(folder: str | Path, well_timepoint: str) -> dict[str, Path]:
    """Projected fields of a well-timepoint below a folder, image id → file, in order of the field number.

    Raises
    ------
    InputError
        If the folder has no field of the well-timepoint.
    """
    suffix = ".ome.tiff"
    found = {
        path.name.removesuffix(suffix): path
        for path in Path(folder).glob(f"*{suffix}")
        if path.name.startswith(f"{well_timepoint}_Field_")
    }
    if not found:
        raise InputError(f"{folder}: no field of {well_timepoint} (<ImageID>{suffix}) in this folder")
    return dict(sorted(found.items(), key=lambda item: field_of(item[0])))
