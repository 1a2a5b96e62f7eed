"""What the fault tests ask of a broken screen: all its faults, and that each says file, row, value and fix."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tifffile

from design_tree import CHANNELS, Screen
from morphodose.design.check import check_screen
from morphodose.design.faults import Fault, Faults
from morphodose.errors import InputError


def faults_of(screen: Screen, **options: object) -> list[Fault]:
    """Every fault that one check finds, errors and warnings, strict or tolerant."""
    given = {"file_pattern": "cq1", "channels": CHANNELS, "roles": {}} | options
    found = Faults()
    with contextlib.suppress(InputError):
        check_screen(screen.sheet, screen.plate_map, faults=found, **given)  # type: ignore[arg-type]
    return found.found


def assert_complete(faults: Iterable[Fault]) -> None:
    """Each names its file, what is wrong, the value and the fix; each of a table's row its row."""
    for fault in faults:
        assert fault.kind and fault.file and fault.message and fault.fix, fault
        assert fault.value, f"no value: {fault}"
        if fault.scope == "sheet" and fault.file.endswith(".csv"):
            assert fault.row is not None, f"no row: {fault}"
        line = fault.text()
        assert line.isprintable() and " → " in line, line


def kinds(faults: Iterable[Fault]) -> dict[str, int]:
    """Number of faults of each kind."""
    counts: dict[str, int] = {}
    for fault in faults:
        counts[fault.kind] = counts.get(fault.kind, 0) + 1
    return counts


def write_rows(path: Path, rows: Iterable[Iterable[object]]) -> None:
    """A CSV table with every cell quoted as it needs."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)


def write_plane(
    path: Path, dtype: str, ceiling: float, shape: tuple[int, int] = (48, 48), seed: int = 0
) -> None:
    """A plane with blobs between 0 and `ceiling`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = random.uniform(0.02, 0.06, shape)
    for cy, cx in ((14, 14), (30, 34)):
        image += 0.8 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 30.0)
    tifffile.imwrite(path, (np.clip(image, 0, 1) * ceiling).astype(dtype), photometric="minisblack")
