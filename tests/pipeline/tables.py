"""What the results of a run must say: the same as those of another, what was simulated, what networks may claim."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from morphodose.simulate.compare import Comparison
from morphodose.tables import parquet_files, read_table

#: What differs from run to run.
DURATIONS = frozenset({"Seconds", "ImagesPerSecond"})


def tables_of(results: Path) -> dict[str, pd.DataFrame]:
    """Every published Parquet file, by its path below the results."""
    return {str(file.relative_to(results)): read_table(file) for file in parquet_files(results)}


def assert_same_tables(one: Path, other: Path, ignore: frozenset[str] = DURATIONS) -> None:
    """Fail where two result folders hold different tables, rows or values (columns in `ignore` aside)."""
    first, second = tables_of(one), tables_of(other)
    assert first.keys() == second.keys()
    assert first, f"no table in {one}"
    for name, frame in first.items():
        columns = [column for column in frame.columns if column not in ignore]
        pd.testing.assert_frame_equal(frame[columns], second[name][columns], obj=name)


def assert_found(found: Comparison) -> None:
    """Fail where a run on the demo plate found other cells, shares of dying ones or EC50s than were put in."""
    assert abs(found.count_error) <= 0.05
    assert found.f1 >= 0.90
    assert found.fraction_error <= 0.05
    dying = found.responses[found.responses["Endpoint"] == "Fraction_Dying"]
    assert (dying["State"] == "fitted").all()
    assert found.responses["Inside"].all()


def assert_held_out(results: Path, replicates: int, length: int) -> None:
    """Fail where a cell is not embedded once, in so many numbers, by a network that was not trained on its replicate."""
    tables = results / "tables"
    keys = ["Metadata_CellID", "Metadata_Replicate", "Fold"]
    embedded = read_table(tables / "embeddings" / "trained", [*keys, "Embedding", "Predicted_Dose"])
    cells = read_table(tables / "cells", ["Metadata_CellID"])
    assert sorted(embedded["Metadata_CellID"]) == sorted(cells["Metadata_CellID"])
    assert set(embedded["Embedding"].map(len)) == {length}
    # a fold holds one replicate out
    assert embedded.groupby("Fold")["Metadata_Replicate"].nunique().tolist() == [1] * replicates
    assert embedded["Predicted_Dose"].notna().all()
    leakage = read_table(results / "networks" / "leakage.parquet")
    held_out = leakage[leakage["Verdict"] == "ok"]
    assert len(held_out) == replicates
    assert (held_out[["Shared_Fields", "Shared_Wells", "Shared_Replicates"]] == 0).all(axis=None)


def assert_nothing_claimed(results: Path) -> None:
    """Fail where a network claims to know the dose, or the report does not say what was trained and claimed."""
    verdict = json.loads((results / "tables" / "scores" / "model_verdict.json").read_text())
    assert verdict["dose"]["claim"] is False
    page = (results / "report" / "report.html").read_text()
    for words in ("nothing is claimed", "Leakage check", "What was trained"):
        assert words in page


def assert_anndata(results: Path, sets: Sequence[str]) -> None:
    """Fail where cells do not open as AnnData with the components of each feature set."""
    import anndata

    cells = anndata.read_h5ad(results / "anndata" / "cells.h5ad")
    assert cells.n_obs == len(read_table(results / "tables" / "cells", ["Metadata_CellID"]))
    assert {f"X_pca_{name}" for name in sets} <= set(cells.obsm)
