"""Nextflow's trace: what each step of a run took."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from morphodose.errors import InputError

#: Seconds of the units in a trace.
SECONDS = {"ms": 0.001, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
#: Bytes of the units in a trace.
BYTES = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
NEEDED = ("process", "status", "realtime", "peak_rss")
DONE = ("COMPLETED", "CACHED")


@dataclass
class Step:
    """Sums over the finished tasks of a step.

    Attributes
    ----------
    tasks, cached : int
        Tasks; those of them that were found in the cache.
    seconds : float
        Wall time within the tasks.
    used : float
        Core-seconds that were computed (wall time times %cpu); the wall time where the trace has no %cpu.
    peak : float
        Largest memory of a task in bytes; 0 where the trace does not say.
    """

    tasks: int = 0
    cached: int = 0
    seconds: float = 0.0
    used: float = 0.0
    peak: float = 0.0


def seconds_of(text: str) -> float:
    """Seconds of a duration as a trace writes it: ``1h 2m 3.4s``, ``350ms``, or plain milliseconds."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text) / 1000
    return sum(float(number) * SECONDS[unit] for number, unit in re.findall(r"([\d.]+)(ms|[dhms])", text))


def bytes_of(text: str) -> float:
    """Bytes of a size as a trace writes it: ``133.8 MB``, or a plain number; 0 for ``-``."""
    found = re.fullmatch(r"([\d.]+)\s*([KMGT]?B)?", text)
    return float(found[1]) * BYTES[found[2] or "B"] if found else 0.0


def share_of(text: str) -> float:
    """Cores that were busy, of a ``%cpu`` such as ``98.5%``; 1 where the trace does not say."""
    found = re.fullmatch(r"([\d.]+)%?", text)
    return float(found[1]) / 100 if found else 1.0


def read_trace(path: str | Path) -> dict[str, Step]:
    """Steps of a trace, in the order of their first task.

    Raises
    ------
    InputError
        If the file is not a trace with the columns `NEEDED`.
    """
    with open(path, newline="", encoding="utf-8") as handle:
        reader = csv.DictReader(handle, delimiter="\t")
        missing = [name for name in NEEDED if name not in (reader.fieldnames or [])]
        if missing:
            raise InputError(f"{path}: no column {', '.join(missing)}; a trace of Nextflow is expected")
        rows = [row for row in reader if row["status"] in DONE]
    if rows and "task_id" in rows[0]:
        rows.sort(key=lambda row: int(row["task_id"]))
    steps: dict[str, Step] = {}
    for row in rows:
        step = steps.setdefault(row["process"].rpartition(":")[2], Step())
        seconds = seconds_of(row["realtime"])
        step.tasks += 1
        step.cached += row["status"] == "CACHED"
        step.seconds += seconds
        step.used += seconds * share_of(row.get("%cpu") or "")
        step.peak = max(step.peak, bytes_of(row["peak_rss"]))
    return steps


def find_trace(results: str | Path) -> Path:
    """The trace of a run in its results.

    Raises
    ------
    InputError
        If it is not there.
    """
    trace = Path(results) / "pipeline_info" / "trace.txt"
    if not trace.is_file():
        raise InputError(
            f"{trace}: no trace, which a run puts there when it has succeeded (until then it is "
            ".nextflow/trace-*.txt of the folder that the run was started in); give another one by --trace"
        )
    return trace
