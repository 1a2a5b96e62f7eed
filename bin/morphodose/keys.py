"""The key columns that every table of one well-timepoint begins with."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from morphodose.errors import InputError
from morphodose.names import field_of, image_id

_NAMES = ("plate", "timepoint_h", "replicate", "acquisition", "well")


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


def parse_keys(well_timepoint: str, keys: str) -> WellKeys:
    """Keys of a well-timepoint, from JSON.

    Parameters
    ----------
    well_timepoint : str
        Its id.
    keys : str
        A JSON object with ``plate``, ``timepoint_h``, ``replicate``, ``acquisition`` and ``well``
        (further entries are ignored), or the name of a file that holds one.

    Raises
    ------
    InputError
        If it is no such object, an entry is missing, or the time is not a number.
    """
    text = keys if keys.lstrip().startswith("{") else _read(keys)
    try:
        given = json.loads(text)
    except json.JSONDecodeError as fault:
        raise InputError(f"--keys is not JSON ({fault}): {keys[:200]!r}") from fault
    missing = [name for name in _NAMES if name not in given]
    if missing:
        raise InputError(f"--keys lacks {', '.join(missing)}: {keys[:200]!r}")
    try:
        hours = float(given["timepoint_h"])
    except (TypeError, ValueError) as fault:
        raise InputError(f"--keys: timepoint_h is not a number: {given['timepoint_h']!r}") from fault
    if not math.isfinite(hours):
        raise InputError(f"--keys: timepoint_h is not a number: {given['timepoint_h']!r}")
    plate, replicate, acquisition, well = (
        str(given[name]) for name in ("plate", "replicate", "acquisition", "well")
    )
    return WellKeys(well_timepoint, plate, hours, replicate, acquisition, well)


def shard_keys(folders: Sequence[Path], keys: str) -> list[WellKeys]:
    """Keys of the well-timepoint of each folder, whose name is its id."""
    try:
        text = keys if keys.lstrip().startswith(("[", "{")) else Path(keys).read_text(encoding="utf-8")
        given = json.loads(text)
    except OSError as fault:
        raise InputError(f"--keys is neither JSON nor a readable file: {keys[:200]!r}") from fault
    except json.JSONDecodeError as fault:
        raise InputError(f"--keys is not JSON ({fault}): {keys[:200]!r}") from fault
    entries = given if isinstance(given, list) else [given]
    by_id = {entry.get("id"): entry for entry in entries if isinstance(entry, dict)}
    missing = [folder.name for folder in folders if folder.name not in by_id]
    if missing:
        raise InputError(f"--keys has no entry with the id {missing[0]!r}, the name of a folder given")
    return [parse_keys(folder.name, json.dumps(by_id[folder.name])) for folder in folders]


def _read(name: str) -> str:
    """Text of a JSON file named on the command line."""
    try:
        return Path(name).read_text(encoding="utf-8")
    except OSError as fault:
        raise InputError(f"--keys is neither a JSON object nor a readable file: {name!r}") from fault


def field_images(folder: str | Path, well_timepoint: str) -> dict[str, Path]:
    """Projected fields of a well-timepoint below a folder, image id → file, in order of the field number."""
    suffix = ".ome.tiff"
    found = {
        path.name.removesuffix(suffix): path
        for path in Path(folder).glob(f"*{suffix}")
        if path.name.startswith(f"{well_timepoint}_Field_")
    }
    if not found:
        raise InputError(f"{folder}: no field of {well_timepoint} (<ImageID>{suffix}) in this folder")
    return dict(sorted(found.items(), key=lambda item: field_of(item[0])))
