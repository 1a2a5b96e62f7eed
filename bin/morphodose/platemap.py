"""The plate map as `check_design` writes it, and the columns it adds to every table."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from morphodose.errors import InputError
from morphodose.spreadsheets import from_text, write_csv_rows

_NEEDED = ("plate", "well", "compound", "dose", "dose_unit", "role")
_NAMES = {"compound": "Metadata_Compound", "dose": "Metadata_Dose", "dose_unit": "Metadata_DoseUnit",
          "role": "Metadata_Role"}  # fmt: skip

#: What every plate map says of a well, by the names that the tables have for it.
MAPPED = tuple(_NAMES.values())

Value = str | float | None


@dataclass(frozen=True)
class PlateMap:
    """What each well holds.

    Attributes
    ----------
    columns : tuple of str
        ``Metadata_Compound``, ``_Dose``, ``_DoseUnit``, ``_Role``, then the user's own.
    wells : dict
        (plate, well) → value of each column; None where the map says nothing.
    """

    columns: tuple[str, ...]
    wells: dict[tuple[str, str], dict[str, Value]]

    def of(self, plate: str, well: str) -> dict[str, Value]:
        """Columns of one well.

        Raises
        ------
        InputError
            If the map has no such well.
        """
        try:
            return self.wells[plate, well]
        except KeyError:
            raise InputError(
                f"plate map: no row for well {well} of plate {plate!r}, which was imaged; add it (role empty "
                "if it holds nothing)"
            ) from None


def read_plate_map(path: str | Path) -> PlateMap:
    """Read the normalised plate map (CSV, one row per plate and well).

    Raises
    ------
    InputError
        If a column is missing or a dose is not a number.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        names = [from_text(name) for name in next(reader, [])]
        missing = [name for name in _NEEDED if name not in names]
        if missing:
            raise InputError(
                f"{path}: no column {', '.join(missing)}; check_design writes it (plate_map.csv)"
            )
        own = {name: f"Metadata_{name}" for name in names if name not in _NEEDED}
        wells: dict[tuple[str, str], dict[str, Value]] = {}
        for number, cells in enumerate(reader, start=2):
            if not cells:
                continue
            row = dict.fromkeys(names, "") | dict(zip(names, map(from_text, cells), strict=False))
            values: dict[str, Value] = {new: row[old] or None for old, new in (_NAMES | own).items()}
            try:
                values["Metadata_Dose"] = float(row["dose"]) if row["dose"] else None
            except ValueError:
                raise InputError(f"{path}, row {number}: dose {row['dose']!r} is not a number") from None
            wells[row["plate"], row["well"]] = values
    return PlateMap((*MAPPED, *own.values()), wells)


def write_plate_map(plate_map: PlateMap, path: str | Path) -> None:
    """Write the plate map for `read_plate_map`, sorted by plate and well.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    names = [*_NAMES, *(name.removeprefix("Metadata_") for name in plate_map.columns[len(_NAMES) :])]
    # a compound called "=1+1" is marked as a text, which read_plate_map undoes
    rows = (
        [*place, *(_text(values.get(column)) for column in plate_map.columns)]
        for place, values in sorted(plate_map.wells.items())
    )
    write_csv_rows(path, ["plate", "well", *names], rows)


def _text(value: Value) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else value
