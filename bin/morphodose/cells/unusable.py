"""Channels that say nothing in a field, as `qc_images` found, for every step that uses those channels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from morphodose.tables import parquet_files

#: Channels, separated by commas, of which the image is constant in the field, or nothing but noise.
UNUSABLE = "Metadata_QCUnusable"
_IMAGE, _VERDICT = "Metadata_ImageID", "Metadata_QCVerdict"


def unusable_channels(text: object) -> tuple[str, ...]:
    """Names in a value of `UNUSABLE`; none in an empty or missing one."""
    return tuple(name for name in str(text).split(",") if name) if isinstance(text, str) else ()


def read_unusable(table: str | Path) -> tuple[dict[str, tuple[str, ...]], set[str]]:
    """Unusable channels of each field that has some, and the fields that QC dropped.

    Parameters
    ----------
    table : path
        A table of `qc_images`, or a folder of them.
    """
    channels: dict[str, tuple[str, ...]] = {}
    dropped: set[str] = set()
    for file in parquet_files(Path(table)):
        names = pq.read_schema(file).names
        rows = pq.ParquetFile(file).read(columns=[n for n in (_IMAGE, _VERDICT, UNUSABLE) if n in names])
        for row in rows.to_pylist():
            if found := unusable_channels(row.get(UNUSABLE)):
                channels[row[_IMAGE]] = found
            if row.get(_VERDICT) == "drop":
                dropped.add(row[_IMAGE])
    return channels, dropped


def features_of_channels(features: Iterable[str], channels: Sequence[str]) -> Mapping[str, list[str]]:
    """Measured columns by the channel they rest on; one of two channels is in the lists of both.

    Parameters
    ----------
    features : iterable of str
        ``Cells_Intensity_MeanIntensity_PI``, ``Nuclei_Correlation_Correlation_Hoechst_PI``, …
    channels : sequence of str
        All channels of the screen: one may be the beginning or the end of another's name.
    """
    found: dict[str, list[str]] = {name: [] for name in channels}
    longest = sorted(channels, key=len, reverse=True)
    pattern = re.compile(r"(?<=_)(" + "|".join(map(re.escape, longest)) + r")(?=_|$)") if longest else None
    for feature in features if pattern else ():
        for name in dict.fromkeys(pattern.findall(feature)):  # type: ignore[union-attr]
            found[name].append(feature)
    return found
