"""Reading what the deep half wrote: crops, network, scores, components, profiles, as far as it is there."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from morphodose.columns import Table
from morphodose.deep.schemas import ALIGNMENT, GALLERY
from morphodose.errors import InputError
from morphodose.evaluation.schemas import CALIBRATION, CONFUSION, LEAKAGE, MODEL_DIFFERENCES, MODEL_SCORES
from morphodose.files import find_files
from morphodose.profiles.schemas import DIFFERENCES, DROPPED, LEFT_OUT, SCORECARD, SCORES
from morphodose.reduction.schemas import EXPLAINED, LOADINGS, SELECTED

if TYPE_CHECKING:
    import pandas as pd

#: Cells of a scatter plot; beyond, points hide one another and the page grows.
MOST_CELLS = 10_000
#: Components whose coordinates are read; the others are in the tables.
COORDINATES = ("PC_1", "PC_2", "UMAP_1", "UMAP_2")
#: Field of `Deep` → its table.
TABLES: dict[str, Table] = {
    "leakage": LEAKAGE,
    "scores": MODEL_SCORES,
    "differences": MODEL_DIFFERENCES,
    "confusion": CONFUSION,
    "calibration": CALIBRATION,
    "alignment": ALIGNMENT,
    "gallery": GALLERY,
    "profile_scores": SCORES,
    "profile_card": SCORECARD,
    "profile_differences": DIFFERENCES,
    "dropped": DROPPED,
    "left_out": LEFT_OUT,
}
#: The same for each feature set, whose tables lie in a folder with its name.
SET_TABLES: dict[str, Table] = {"explained": EXPLAINED, "loadings": LOADINGS, "selected": SELECTED}


def _empty() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame()


@dataclass(frozen=True)
class FeatureSet:
    """What `reduce_features` wrote of one feature set: its components, and a sample of cells on them."""

    explained: pd.DataFrame = field(default_factory=_empty)
    loadings: pd.DataFrame = field(default_factory=_empty)
    selected: pd.DataFrame = field(default_factory=_empty)
    pca: pd.DataFrame = field(default_factory=_empty)
    umap: pd.DataFrame = field(default_factory=_empty)
    record: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Deep:
    """All that the report shows of the deep half; a table that was not given is an empty frame.

    Attributes
    ----------
    given : bool
        Whether the deep half ran at all.
    labels, verdict : dict
        ``labels.json`` and ``model_verdict.json``.
    leakage, scores, differences, confusion, calibration, alignment, gallery : pandas.DataFrame
        Tables of `TABLES`.
    profile_scores, profile_card, profile_differences, dropped, left_out : pandas.DataFrame
        Further ones.
    logs, lr_range : pandas.DataFrame
        Training logs and learning-rate range tests, with the columns ``Kind`` and ``Fold``.
    networks : list of dict
        What was written beside each weight file.
    pictures : dict
        Name → file of the gallery.
    sets : dict
        Feature set → its components.
    """

    given: bool = False
    labels: dict[str, Any] = field(default_factory=dict)
    verdict: dict[str, Any] = field(default_factory=dict)
    leakage: pd.DataFrame = field(default_factory=_empty)
    scores: pd.DataFrame = field(default_factory=_empty)
    differences: pd.DataFrame = field(default_factory=_empty)
    confusion: pd.DataFrame = field(default_factory=_empty)
    calibration: pd.DataFrame = field(default_factory=_empty)
    alignment: pd.DataFrame = field(default_factory=_empty)
    gallery: pd.DataFrame = field(default_factory=_empty)
    profile_scores: pd.DataFrame = field(default_factory=_empty)
    profile_card: pd.DataFrame = field(default_factory=_empty)
    profile_differences: pd.DataFrame = field(default_factory=_empty)
    dropped: pd.DataFrame = field(default_factory=_empty)
    left_out: pd.DataFrame = field(default_factory=_empty)
    logs: pd.DataFrame = field(default_factory=_empty)
    lr_range: pd.DataFrame = field(default_factory=_empty)
    networks: list[dict[str, Any]] = field(default_factory=list)
    pictures: dict[str, Path] = field(default_factory=dict)
    sets: dict[str, FeatureSet] = field(default_factory=dict)


def read_deep(folder: str | Path | None) -> Deep:
    """Everything below a folder that the report shows, found by its file name.

    Parameters
    ----------
    folder : path or None
        The results of the deep half; None where it did not run.

    Raises
    ------
    InputError
        If a table lacks a column, or a document is not JSON.
    """
    if folder is None:
        return Deep()
    place = Path(folder)
    tables = {name: _table(place, table) for name, table in TABLES.items()}
    return Deep(
        given=True,
        labels=_document(place, "labels.json"),
        verdict=_document(place, "model_verdict.json"),
        logs=_of_folds(place, "_log"),
        lr_range=_of_folds(place, "_lr_range"),
        networks=_networks(place),
        pictures={file.name: file for file in find_files(place, "*.png")},
        sets={name: _feature_set(folder) for name, folder in _set_folders(place).items()},
        **tables,
    )


def _table(place: Path, table: Table) -> pd.DataFrame:
    """Rows of all files of a table; `Metadata_Dose` and its like lose their prefix."""
    from morphodose.tables import read_table

    files = find_files(place, table.base)
    if not files:
        return _empty()
    frame = read_table(files)
    table.check(frame, files[0])
    frame = frame.rename(columns=lambda c: str(c).removeprefix("Metadata_"))
    # a single-precision number of NumPy is not a float of Python
    return frame.astype({name: float for name in frame.select_dtypes("float32")})


def _document(place: Path, name: str) -> dict[str, Any]:
    import json

    files = find_files(place, name)
    if not files:
        return {}
    try:
        content = json.loads(files[0].read_text(encoding="utf-8"))
    except ValueError as fault:
        raise InputError(f"{files[0]}: not JSON ({fault})") from fault
    return content if isinstance(content, dict) else {}


_FOLD = re.compile(r"(?P<kind>[a-z_]+?)_fold(?P<fold>\d+)")


def _of_folds(place: Path, ending: str) -> pd.DataFrame:
    """Tables ``<kind>_fold<k><ending>.csv`` or ``.parquet``, one of the two for each fold."""
    import pandas as pd

    from morphodose.tables import read_table

    found: dict[str, Path] = {}
    for suffix in (".csv", ".parquet"):
        found |= {file.stem: file for file in find_files(place, f"*_fold*{ending}{suffix}")}
    frames = []
    for stem, file in sorted(found.items()):
        try:
            frame = pd.read_csv(file) if file.suffix == ".csv" else read_table(file)
        except pd.errors.EmptyDataError:
            continue
        if match := _FOLD.match(stem):
            frame = frame.assign(Kind=match["kind"], Fold=int(match["fold"]))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _networks(place: Path) -> list[dict[str, Any]]:
    """The record beside each weight file, with ``kind`` and ``fold`` of its name."""
    records = []
    for file in find_files(place, "*_fold*.json"):
        if match := _FOLD.fullmatch(file.stem):
            record = _document(file.parent, file.name)
            records.append(record | {"kind": match["kind"], "fold": int(match["fold"])})
    return sorted(records, key=lambda r: (r["kind"] != "trained", r["kind"], r["fold"]))


def _set_folders(place: Path) -> dict[str, Path]:
    """Feature set → its folder: the one that holds its explained variance."""
    folders = [file.parent for file in find_files(place, EXPLAINED.base)]
    order = ("classical", "deep", "joint")
    found = {folder.name: folder for folder in folders}
    return dict(sorted(found.items(), key=lambda i: (order.index(i[0]) if i[0] in order else 9, i[0])))


def _feature_set(folder: Path) -> FeatureSet:
    tables = {name: _table(folder, table) for name, table in SET_TABLES.items()}
    pca = [file for file in find_files(folder, "*.parquet") if file.parent.name == "pca"]
    umap = sample(find_files(folder, "umap.parquet"))
    return FeatureSet(pca=sample(pca), umap=umap, record=_document(folder, "reduction.json"), **tables)


def sample(files: Sequence[Path], most: int = MOST_CELLS) -> pd.DataFrame:
    """At most about `most` cells of some tables, the same share of each file: keys and two coordinates.

    The same files give the same cells. No more than one file is in memory at a time.
    """
    import numpy as np
    import pandas as pd
    import pyarrow.parquet as pq

    from morphodose.tables import count_rows, read_table

    total = count_rows(files) if files else 0
    if not total:
        return pd.DataFrame()
    frames = []
    for index, file in enumerate(files):
        names = pq.read_schema(file).names
        columns = [n for n in names if n.startswith(("Metadata_", "Label_")) or n in COORDINATES]
        frame = read_table(file, columns)
        share = min(len(frame), math.ceil(most * len(frame) / total))
        chosen = np.random.default_rng(index).choice(len(frame), share, replace=False)
        frames.append(frame.iloc[np.sort(chosen)])
    return pd.concat(frames, ignore_index=True)
