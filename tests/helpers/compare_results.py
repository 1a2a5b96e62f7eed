#!/usr/bin/env python3
"""Whether two results folders hold the same tables: `tests/helpers/compare_results.py BEFORE AFTER`.

For a change that may change no result. Every table (Parquet, CSV) and mask (TIFF) below either folder is compared
by its values; how long something took and where the clone lay differ between any two runs, and are left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

#: Columns that say how long something took, and where the images were.
TIMES = ("Seconds", "ImagesPerSecond", "Path")
#: Folders of what Nextflow records of a run.
RECORDS = ("pipeline_info",)


def files_of(folder: Path) -> dict[str, Path]:
    """Path below the folder → file, of everything that is compared."""
    found = (path for end in ("parquet", "csv", "tif", "tiff") for path in folder.rglob(f"*.{end}"))
    return {
        str(path.relative_to(folder)): path
        for path in sorted(found)
        if path.relative_to(folder).parts[0] not in RECORDS
    }


def table_of(path: Path) -> pd.DataFrame:
    """A table without the columns that differ between any two runs."""
    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    return table[[name for name in table if name not in TIMES]]


def difference(before: Path, after: Path) -> str:
    """What differs between two files; empty where nothing does."""
    if before.suffix in (".tif", ".tiff"):
        return "" if np.array_equal(tifffile.imread(before), tifffile.imread(after)) else "other pixels"
    try:
        pd.testing.assert_frame_equal(table_of(before), table_of(after), rtol=1e-6, atol=1e-9)
    except AssertionError as fault:
        return " ".join(str(fault).split())[:200]
    return ""


def compare(before: Path, after: Path) -> list[str]:
    """One line for each file that differs, or is in one folder only."""
    first, second = files_of(before), files_of(after)
    lines = [f"only in {before}: {name}" for name in first if name not in second]
    lines += [f"only in {after}: {name}" for name in second if name not in first]
    for name in first:
        if name in second and (text := difference(first[name], second[name])):
            lines.append(f"{name}: {text}")
    return lines


if __name__ == "__main__":
    places = [Path(place) for place in sys.argv[1:]]
    if len(places) != 2 or not all(place.is_dir() for place in places):
        sys.exit("usage: compare_results.py BEFORE AFTER (two results folders)")
    if not files_of(places[0]):
        sys.exit(f"{places[0]}: holds no table")
    found = compare(*places)
    print("\n".join(found) or f"{len(files_of(places[0]))} tables and masks, all equal")
    sys.exit(1 if found else 0)
