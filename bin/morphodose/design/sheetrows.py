"""Rows of the samplesheet of a folder: one for each plate, time and replicate in the names of its images."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from morphodose.design.fields import natural
from morphodose.design.filenames import Name
from morphodose.design.folders import FoundFolder
from morphodose.design.samplesheet import COLUMNS, IN_NAME
from morphodose.design.times import hours_of_name, is_date

HEADER = (*COLUMNS, *IN_NAME)


@dataclass(frozen=True)
class SheetRow:
    """One row; the texts in the names of its images are empty where there is one of them only."""

    plate: str
    timepoint_h: float
    replicate: str
    images: str
    timepoint_in_name: str = ""
    plate_in_name: str = ""
    replicate_in_name: str = ""

    def cells(self) -> list[str]:
        """Cells under `HEADER`."""
        return [f"{value:g}" if isinstance(value, float) else value for value in vars(self).values()]


def inside(names: Iterable[Name]) -> list[tuple[str, str, str]]:
    """(plate, time, replicate) that there are in names, in natural order; empty where a name has none."""
    found = {(name.plate or "", name.timepoint or "", name.replicate or "") for name in names}
    return sorted(found, key=lambda texts: [natural(text) for text in texts])


def rows_of(
    place: FoundFolder, found: list[tuple[str, str, str]], hours: Mapping[str, float]
) -> list[SheetRow]:
    """Rows of one folder.

    Parameters
    ----------
    place : FoundFolder
        The folder.
    found : list of (str, str, str)
        As of `inside`.
    hours : mapping
        Time in the names → hours after the first; where one lacks, times are counted.
    """
    plates, times, replicates = (sorted({texts[at] for texts in found}, key=natural) for at in range(3))
    known = all(time in hours for time in times)
    rows = []
    for plate, time, replicate in found or [("", "", "")]:
        if len(times) > 1:
            after = round(hours[time], 2) if known else times.index(time)
        else:  # of one time, only what its name writes out, and no date
            after = 0.0 if is_date(time) else hours_of_name(time) or 0.0
        rows.append(
            SheetRow(
                safe_name(plate) or place.plate if len(plates) > 1 else place.plate,
                float(place.timepoint_h + after),
                safe_name(replicate) or place.replicate if len(replicates) > 1 else place.replicate,
                place.path,
                time if len(times) > 1 else "",
                plate if len(plates) > 1 else "",
                replicate if len(replicates) > 1 else "",
            )
        )
    return rows


def hours_of_names(times: Iterable[str]) -> dict[str, float]:
    """Time → hours that it writes out; dates count from the first of them."""
    hours = {text: hours_of_name(text) for text in times}
    known = {text: value for text, value in hours.items() if value is not None}
    start = min((value for text, value in known.items() if is_date(text)), default=0.0)
    return {text: value - start if is_date(text) else value for text, value in known.items()}


def safe_name(text: str) -> str:
    """A text that plates and replicates can be called by: letters, digits and . _ -."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("_.-")[:80]
