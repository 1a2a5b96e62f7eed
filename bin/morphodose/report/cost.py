"""Section: what the run cost, from Nextflow's trace."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from morphodose.report.html import paragraph, table
from morphodose.report.inputs import Screen
from morphodose.report.parts import Part, Section
from morphodose.report.words import number

if TYPE_CHECKING:
    import pandas as pd

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZES = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}


def section(screen: Screen) -> Section | None:
    """Tasks, time and memory of each step; no section without a trace."""
    steps = by_step(screen.trace)
    if steps.empty:
        return None
    rows = [
        [s.Index, int(s.Tasks), int(s.Failed), duration(s.Seconds), duration(s.Longest), memory(s.Peak)]
        for s in steps.itertuples()
    ]
    total = paragraph(
        f"{int(steps['Tasks'].sum()):,} tasks, {duration(steps['Seconds'].sum())} of task time in all."
    )
    headers = ["Step", "Tasks", "Failed", "Time of all tasks", "Longest task", "Peak memory of a task"]
    return Section("cost", "Cost", [Part("Time and memory", total + table(headers, rows))])


def by_step(trace: pd.DataFrame) -> pd.DataFrame:
    """Tasks, seconds and peak memory of each process, in the order in which they started."""
    import pandas as pd

    if trace.empty or not {"status", "realtime"} <= set(trace.columns):
        return pd.DataFrame()
    names = trace["process"] if "process" in trace else trace["name"].str.replace(r" \(.*", "", regex=True)
    frame = pd.DataFrame(
        {
            "Step": names.str.rpartition(":")[2],
            "Failed": trace["status"].isin(["FAILED", "ABORTED"]),
            "Seconds": [seconds(text) for text in trace["realtime"]],
            "Peak": [size(text) for text in trace["peak_rss"]] if "peak_rss" in trace else float("nan"),
        }
    )
    groups = frame.groupby("Step", sort=False)
    return pd.DataFrame(
        {
            "Tasks": groups.size(),
            "Failed": groups["Failed"].sum(),
            "Seconds": groups["Seconds"].sum(),
            "Longest": groups["Seconds"].max(),
            "Peak": groups["Peak"].max(),
        }
    )


def seconds(text: object) -> float:
    """Seconds of a duration as Nextflow writes it (``1h 2m 3.5s``, ``250ms``); nan when it is none."""
    parts = re.findall(r"([\d.]+)\s*(ms|[smhd])", str(text))
    return sum(float(n) * _UNITS[u] for n, u in parts) if parts else float("nan")


def size(text: object) -> float:
    """Bytes of a size as Nextflow writes it (``1.2 GB``); nan when it is none."""
    match = re.fullmatch(r"([\d.]+)\s*([KMGT]?B)", str(text).strip())
    return float(match[1]) * _SIZES[match[2]] if match else float("nan")


def duration(value: float) -> str:
    """Seconds in words: ``3.2 s``, ``12 min``, ``4.5 h``."""
    if value != value:
        return "–"
    if value < 90:
        return f"{number(value)} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"


def memory(value: float) -> str:
    """Bytes in words."""
    return (
        "–"
        if value != value
        else f"{value / 1024**3:.2f} GB"
        if value >= 1024**3
        else f"{value / 1024**2:.0f} MB"
    )
