"""The report's table of what each step cost, read from its page, and what a trace says of the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser

from morphodose.report.cost import BEGIN, END

SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


@dataclass
class Cost:
    """Of one step."""

    tasks: int = 0
    cached: int = 0
    failed: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    core_hours: float = 0.0


class _Cells(HTMLParser):
    """Text of every cell of the body, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        self.inside = tag == "td"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1].append(data)


def seconds_of(text: str) -> float:
    """Of ``1h 2m 3.4s`` or ``12 min``; 0 of ``-``."""
    parts = re.findall(r"([\d.]+) ?(ms|min|[smhd])\b", text)
    return sum(float(value) * SECONDS[unit] for value, unit in parts)


def shown_in(page: str) -> tuple[dict[str, Cost], int, float]:
    """Step → what the table says, and the tasks and core-hours of all as the sentence above it says them."""
    part = page.partition(BEGIN)[2].partition(END)[0]
    cells = _Cells()
    cells.feed(part)
    rows = {
        name: Cost(int(tasks), int(cached), int(failed), seconds_of(took), seconds_of(longest), float(hours))
        for name, tasks, cached, failed, took, longest, hours, _ in filter(None, cells.rows)
    }
    said = re.search(r"(\d+) tasks, ([\d.]+) core-hours", part)
    assert said, part
    return rows, int(said[1]), float(said[2])


def of_trace(rows: Iterable[dict[str, str]]) -> dict[str, Cost]:
    """The same from the rows of a trace."""
    found: dict[str, Cost] = {}
    for row in rows:
        cost = found.setdefault(row["process"].rpartition(":")[2], Cost())
        seconds = seconds_of(row["realtime"])
        cost.tasks += row["status"] in ("COMPLETED", "CACHED")
        cost.cached += row["status"] == "CACHED"
        cost.failed += row["status"] in ("FAILED", "ABORTED")
        cost.seconds += seconds
        cost.longest = max(cost.longest, seconds)
        cost.core_hours += seconds * float(row["cpus"]) / 3600
    return found


def assert_told(page: str, trace: list[dict[str, str]]) -> None:
    """Fail where the page tells other tasks or other hours than the trace; it rounds what it shows."""
    shown, tasks, core_hours = shown_in(page)
    expected = of_trace(trace)
    assert shown.keys() == expected.keys()
    for step, cost in expected.items():
        found = shown[step]
        assert (found.tasks, found.cached, found.failed) == (cost.tasks, cost.cached, cost.failed), step
        assert abs(found.core_hours - cost.core_hours) < 0.0051, step
        for one, other in ((found.seconds, cost.seconds), (found.longest, cost.longest)):
            assert abs(one - other) <= (0.051 if other < 90 else 31 if other < 5400 else 181), step
    assert tasks == sum(cost.tasks for cost in expected.values())
    assert abs(core_hours - sum(cost.core_hours for cost in expected.values())) < 0.0051
