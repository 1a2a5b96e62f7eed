"""The tool that says whether a change changed a result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from compare_results import compare


def results(folder: Path, value: float = 1.0, label: int = 1, seconds: float = 2.0) -> Path:
    (folder / "tables").mkdir(parents=True)
    pd.DataFrame({"A": [value], "Seconds": [seconds]}).to_parquet(folder / "tables" / "cells.parquet")
    tifffile.imwrite(folder / "mask.tif", np.full((4, 4), label, np.uint16))
    return folder


def test_only_times_may_differ(tmp_path: Path) -> None:
    first = results(tmp_path / "a")
    assert compare(first, results(tmp_path / "b", seconds=9.0)) == []
    (line,) = compare(first, results(tmp_path / "c", value=1.01))
    assert line.startswith("tables/cells.parquet: ")
    assert compare(first, results(tmp_path / "d", label=2)) == ["mask.tif: other pixels"]
    less = results(tmp_path / "e")
    (less / "mask.tif").unlink()
    assert compare(first, less) == [f"only in {first}: mask.tif"]
