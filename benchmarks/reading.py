#!/usr/bin/env python3
"""What reading costs: the planes of a field through the pipeline's reader, and through bare tifffile.

Run with ``PYTHONPATH=bin python benchmarks/reading.py``. Both sides project the same stacks by the functions
of `project_z`; only the reader differs, and they take turns. Figures are CPU seconds (user and system) of one
thread; the least of several turns counts. The script exits 1 where single TIFFs cost more than `LIMIT` times
the peer.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import tifffile

from morphodose.imaging.projection import Plane, project
from morphodose.reading.contents import place_of
from morphodose.reading.pixels import as_counts, read_plane

#: Ratio to the peer that single TIFFs may cost.
LIMIT = 1.05

Read = Callable[[int], npt.NDArray[np.generic]]


def pipeline(path: Path, place: str) -> npt.NDArray[np.generic]:
    """A plane as `project_z` reads it."""
    return as_counts(read_plane(str(path), place, path.name), 0, path.name)


def cpu_seconds(read: Read, count: int) -> float:
    """CPU seconds of reading and projecting one stack."""
    planes = [Plane(z, str(z), partial(read, z)) for z in range(count)]
    start = time.process_time()
    project(planes, "max")
    return time.process_time() - start


@click.command()
@click.option("--size", default=2160, help="edge of a plane in px")
@click.option("--planes", default=6, help="planes of a stack")
@click.option("--turns", default=7, help="turns of each side")
def main(size: int, planes: int, turns: int) -> None:
    """Print CPU seconds per stack of both readers, and their ratio."""
    rng = np.random.default_rng(1)
    stack = (rng.poisson(200, (planes, size, size)) + 100).astype(np.uint16)
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, options in (("uncompressed", {}), ("deflate", {"compression": "deflate"})):
            single = [Path(folder) / f"{kind}{z}.tif" for z in range(planes)]
            for z, path in enumerate(single):
                tifffile.imwrite(path, stack[z], photometric="minisblack", metadata=None, **options)
            pages = Path(folder) / f"{kind}_pages.tif"
            tifffile.imwrite(pages, stack, photometric="minisblack", metadata=None, **options)
            cases: dict[str, tuple[Read, Read]] = {
                f"single TIFFs, {kind}": (
                    lambda z, files=single: pipeline(files[z], ""),
                    lambda z, files=single: tifffile.imread(files[z]),
                ),
                f"one file of {planes} pages, {kind}": (
                    lambda z, file=pages: pipeline(file, place_of(page=z)),
                    lambda z, file=pages: tifffile.imread(file, key=z),
                ),
            }
            for name, sides in cases.items():
                best = [min(times) for times in zip(*turn(sides, planes, turns), strict=True)]
                ratios[name] = best[0] / best[1]
                click.echo(f"{name}: {best[0]:.3f} s beside {best[1]:.3f} s, ratio {ratios[name]:.3f}")
    if any(ratio > LIMIT for name, ratio in ratios.items() if name.startswith("single")):
        sys.exit(1)


def turn(sides: tuple[Read, Read], planes: int, turns: int) -> list[tuple[float, float]]:
    """CPU seconds of both sides, turn by turn."""
    return [(cpu_seconds(sides[0], planes), cpu_seconds(sides[1], planes)) for _ in range(turns)]


if __name__ == "__main__":
    main()
