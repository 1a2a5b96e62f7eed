#!/usr/bin/env python3
"""What the report's page costs: CPU seconds and memory to write, megabytes, seconds until it is painted.

Run with ``PYTHONPATH=bin:benchmarks:tests:tests/helpers python benchmarks/page.py [--compounds 1,40,320]``.
Tables and small images are simulated: 8 doses and vehicle, 3 replicates, and 6 timepoints of one compound,
2 of several; from 200 compounds on 4 doses, 80 compounds on a 384-well plate beside 64 vehicle wells. The
page is opened in headless Chromium; painted is its first contentful paint, drawn the median of 20 drawings
of the map of 10,000 cells.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import click
from measured import run_measured

from browser import chromium
from report_deep_tables import DeepTables
from report_tables import Tables

DOSES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
REPORT = Path(__file__).resolve().parents[1] / "bin" / "report.py"
#: Cells of the maps, over all wells.
CELLS = 10_000
DRAWN = """() => {
  const list = document.getElementById('md-cells-by'), took = [];
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    list.dispatchEvent(new Event('change'));
    took.push(performance.now() - start);
  }
  return took;
}"""


def write_tables(folder: Path, compounds: int) -> list[str]:
    """Write the tables of a screen; the arguments of `report.py`."""
    times = (4, 8, 16, 24, 48, 72) if compounds == 1 else (24, 48)
    many = compounds >= 200
    screen = Tables(
        [f"Compound {n + 1}" for n in range(compounds)],
        doses=DOSES[1::2] if many else DOSES,
        times=times,
        per_plate=80 if many else 0,
    )
    wells = len(list(screen.places())) * len(times)
    deep = DeepTables(screen, cells=max(min(CELLS // wells, 12), 1), sets=("classical",))
    return [*screen.write(folder / "tables"), *deep.write(folder / "deep")]


def opened(path: Path) -> dict[str, float]:
    """Seconds until the page is painted and has loaded, milliseconds of a drawing of the map."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(path.resolve().as_uri(), wait_until="load", timeout=120_000)
        page.wait_for_timeout(300)
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        load = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        height = page.evaluate("document.documentElement.scrollHeight")
        page.click("[data-view-link=cells]")
        took = page.evaluate(DRAWN)
    return {"paint": paint / 1e3, "load": load / 1e3, "height": height, "drawn": statistics.median(took)}


@click.command()
@click.option("--compounds", default="1,40,320", help="Numbers of compounds.")
def main(compounds: str) -> None:
    """Write and open a page for each number of compounds."""
    print("| compounds | CPU s | GB | page, MB | painted, s | loaded, s | first view, px | map, ms |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|")
    for count in map(int, compounds.split(",")):
        with tempfile.TemporaryDirectory(prefix="morphodose-page-") as place:
            folder = Path(place)
            arguments = write_tables(folder, count)
            command = [sys.executable, str(REPORT), *arguments, "--out", str(folder / "out")]
            cost = run_measured(command, {"OMP_NUM_THREADS": "1"})
            page = folder / "out" / "report.html"
            size, seen = page.stat().st_size / 1e6, opened(page)
        print(
            f"| {count} | {cost['cpu_s']:.0f} | {cost['peak_mib'] / 1024:.2f} | {size:.1f} | "
            f"{seen['paint']:.2f} | "
            f"{seen['load']:.2f} | {seen['height']:,.0f} | {seen['drawn']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
