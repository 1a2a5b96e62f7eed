"""The samplesheet: one row per acquisition."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from morphodose.design.csvtable import CsvTable, Row, read_csv
from morphodose.design.faults import Faults, listing, nearest
from morphodose.design.numbers import Decimal, decimal_of
from morphodose.design.time_column import ALIASES, TIME_COLUMNS, hours_in, time_column
from morphodose.names import acquisition_id

COLUMNS = ("plate", "timepoint_h", "replicate", "images")

#: Optional columns: which of several timepoints, plates or replicates in the file names a row stands for.
IN_NAME = ("timepoint_in_name", "plate_in_name", "replicate_in_name")

#: In the column `images`: this acquisition was not made, on purpose; the grid is not missing it.
NOT_IMAGED = "-"

_SAFE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
_REPLICATE = re.compile(r"^(?:replicate|rep|r)?[ _.-]?(\d+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Acquisition:
    """One plate imaged at one timepoint.

    Attributes
    ----------
    row : int
        Its row in the samplesheet.
    plate, timepoint_h, replicate : str, float, str
        What it is; hours.
    folder : str or None
        Absolute path of its images; None when it was not imaged on purpose.
    given : str
        The column `images` as written.
    in_name : dict
        ``timepoint``, ``plate``, ``replicate`` → the one to take among the file names.
    extra : dict
        Further columns of the sheet.
    id : str
        The acquisition id (`morphodose.names.acquisition_id`).
    sheet : str
        File name of the samplesheet, for messages.
    """

    row: int
    plate: str
    timepoint_h: float
    replicate: str
    folder: str | None
    given: str
    in_name: dict[str, str] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    id: str = ""
    sheet: str = "samplesheet"


def read_samplesheet(path: str | Path, base_dir: str | Path | None, faults: Faults) -> list[Acquisition]:
    """Acquisitions of a samplesheet; everything wrong with it goes to `faults`.

    Parameters
    ----------
    path : path
        The CSV file.
    base_dir : path or None
        Where relative folders start; None: in the sheet's own folder.
    faults : Faults
        Collects what is wrong.
    """
    needed = [column for column in COLUMNS if column not in TIME_COLUMNS]
    table = read_csv(
        path, faults, needed, (*TIME_COLUMNS, *IN_NAME), ALIASES, what="samplesheet", verbatim=("images",)
    )
    if table is None:
        return []
    time = time_column(table, faults)
    if not time or any(column not in table.columns for column in needed):
        return []
    if not table.rows:
        header = listing(table.columns, 12)
        fix = "add a row per acquisition"
        faults.add("empty_table", table.name, "the samplesheet has no rows", fix, table.header, header)
        return []
    base = os.path.abspath(Path(path).parent if base_dir is None else base_dir)
    decimal = decimal_of([row.cells[time] for row in table.rows])
    several = len({row.cells["plate"] for row in table.rows}) > 1
    acquisitions = [
        acquisition
        for row in table.rows
        if (acquisition := _acquisition(table, row, base, time, decimal, several, faults)) is not None
    ]
    return _without_repeats(table.name, acquisitions, faults)


def _acquisition(
    table: CsvTable, row: Row, base: str, time: str, decimal: Decimal, several: bool, faults: Faults
) -> Acquisition | None:
    """The acquisition of one row, or None with faults."""
    before = len(faults.errors)
    cells = row.cells
    plate = cells["plate"]
    check_safe(table.name, row.number, "plate", plate, faults, row.text())
    hours = 0.0
    try:
        hours = hours_in(cells[time], time, decimal)
        if not 0 <= hours < 100_000:  # the id writes it with six digits
            raise ValueError("is not between 0 and 100000 hours → write the hours since treatment")
    except ValueError as fault:
        what, _, fix = str(fault).partition(" → ")
        value = cells[time] or row.text()
        faults.add("timepoint", table.name, f"{time} {what}", fix, row.number, value)
    match = _REPLICATE.match(cells["replicate"])
    replicate = str(int(match[1])) if match else cells["replicate"]
    check_safe(table.name, row.number, "replicate", replicate, faults, row.text())
    folder = None
    if cells["images"] != NOT_IMAGED:
        folder = _folder(table.name, row, base, faults)
    if len(faults.errors) > before:
        return None
    in_name = {column.removesuffix("_in_name"): cells[column] for column in IN_NAME if cells.get(column)}
    times = {column for column, unit in TIME_COLUMNS.items() if unit or column == time}
    extra = {column: value for column, value in cells.items() if column not in (*COLUMNS, *times, *IN_NAME)}
    name = acquisition_id(hours, replicate, plate if several else None)
    given = cells["images"]
    return Acquisition(row.number, plate, hours, replicate, folder, given, in_name, extra, name, table.name)


def check_safe(name: str, row: int | None, column: str, text: str, faults: Faults, where: str = "") -> None:
    """Plates and replicates become parts of file names; `where` is the row, named when the text is empty."""
    if not text:
        fix = f"give every acquisition its {column}"
        faults.add("unsafe_name", name, f"{column} is empty", fix, row, where)
    elif not _SAFE.match(text):
        fix = re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("_.-")[:80] or f"{column}1"
        faults.add(
            "unsafe_name",
            name,
            f"{column} has a character that some file systems do not allow, starts with . _ or -, or is "
            "longer "
            "than 80 characters",
            f"use letters, digits and . _ -, such as '{fix}'",
            row,
            text,
        )


def _folder(name: str, row: Row, base: str, faults: Faults) -> str | None:
    """Absolute path of a row's folder, or None with a fault that offers a near one."""
    text = row.cells["images"]
    if not text:
        faults.add(
            "missing_folder",
            name,
            "images is empty",
            f"write the folder, or {NOT_IMAGED} if it was deliberately not imaged",
            row.number,
            row.text(),
        )
        return None
    if re.match(r"^[a-z][a-z0-9+]+://", text, re.IGNORECASE):
        faults.add(
            "missing_folder",
            name,
            "a remote address is not read",
            "copy or mount the images",
            row.number,
            text,
        )
        return None
    folder = os.path.abspath(os.path.join(base, text))  # an absolute one stays as it is
    if os.path.isdir(folder):
        return folder
    if os.path.exists(folder):
        faults.add(
            "missing_folder",
            name,
            "images is a file, not a folder",
            "write the folder it is in",
            row.number,
            text,
        )
        return None
    fix = f"looked for {folder}; relative folders start at the folder of the samplesheet"
    slashed = text.replace("\\", "/")
    if slashed != text and os.path.isdir(os.path.join(base, slashed)):
        fix = f"write '{slashed}', with slashes"
    else:
        parent = os.path.dirname(folder)
        siblings = os.listdir(parent) if os.path.isdir(parent) else []
        if near := nearest(os.path.basename(folder), siblings):
            fix = f"did you mean '{os.path.join(os.path.dirname(text), near)}'? {fix}"
    faults.add("missing_folder", name, "the folder of images does not exist", fix, row.number, text)
    return None


def _without_repeats(name: str, acquisitions: list[Acquisition], faults: Faults) -> list[Acquisition]:
    """The same acquisition, or the same images, in two rows is a fault; the first row alone is kept.

    Else every fault of the images would be reported twice.
    """
    repeated: set[int] = set()
    seen: dict[str, int] = {}
    images: dict[tuple[str, ...], int] = {}
    for acquisition in acquisitions:
        first = seen.setdefault(acquisition.id.lower(), acquisition.row)
        if first != acquisition.row:
            repeated.add(acquisition.row)
            faults.add(
                "repeated_acquisition",
                name,
                f"the same plate, timepoint and replicate as row {first}",
                "correct one of the two rows, or delete it",
                acquisition.row,
                f"{acquisition.plate}, {acquisition.timepoint_h:g}, {acquisition.replicate}",
            )
        if acquisition.folder is None:
            continue
        chosen = [f"{key}={value}" for key, value in sorted(acquisition.in_name.items())]
        first = images.setdefault((acquisition.folder, *chosen), acquisition.row)
        if first != acquisition.row:
            repeated.add(acquisition.row)
            faults.add(
                "repeated_images",
                name,
                f"the same images as row {first}",
                f"correct the folder, or tell the rows apart by a column {listing(IN_NAME)}",
                acquisition.row,
                acquisition.given,
            )
    return [acquisition for acquisition in acquisitions if acquisition.row not in repeated]
