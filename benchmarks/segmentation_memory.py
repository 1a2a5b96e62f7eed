#!/usr/bin/env python3
"""Peak memory of `segment_cells.py` on a well of large fields, by the number of its fields.

A field of five channels is made of copies of a simulated one, side by side. Memory should be that of one
field, however many there are.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click
import numpy as np
from measured import run_measured

from morphodose.imaging.images import Field, write_field
from morphodose.segmentation.common import SHIPPED
from morphodose.segmentation.weights import REGISTRY, SHIPPED_FOLDER
from morphodose.simulate.field import CHANNELS, render_field

BIN = Path(__file__).resolve().parents[1] / "bin"
#: Edge of the simulated field, px, and diameter of its cells and nuclei.
PART, CELL_DIAMETER, NUCLEUS_DIAMETER = 540, 60.0, 27.0


@click.command(context_settings={"show_default": True})
@click.option("--fields", multiple=True, default=(1, 9), type=click.IntRange(1), help="Of a well.")
@click.option("--size", default=2160, help="Edge of a field in px.")
def main(fields: tuple[int, ...], size: int) -> None:
    """Print seconds and peak memory of the command for wells of so many fields."""
    made = render_field(np.random.default_rng(1), size=PART, n_cells=45, cell_diameter=CELL_DIAMETER)
    times = -(-size // PART)
    planes = np.tile(made.planes.max(axis=0), (1, times, times))[:, :size, :size]
    entry = {
        "id": "Time_4hrs_R1_Well_A01", "plate": "P", "timepoint_h": 4, "replicate": "1",
        "acquisition": "Time_4hrs_R1", "well": "A01",
    }  # fmt: skip
    click.echo(f"{size} x {size} px, {len(planes)} channels, one thread\n")
    click.echo("| fields | wall s | CPU s | peak MiB |\n|--:|--:|--:|--:|")
    for number in fields:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / entry["id"]
            for field in range(1, number + 1):
                path = folder / f"{entry['id']}_Field_{field}.ome.tiff"
                write_field(path, Field(planes, tuple(CHANNELS), 0.5))
            words = [
                sys.executable, str(BIN / "segment_cells.py"), str(folder), "--keys", json.dumps([entry]),
                "--weights", str(SHIPPED_FOLDER / REGISTRY[SHIPPED].file), "--cell_channel", "CellMask",
                "--nuclear_channel", "Hoechst", "--diameter", str(CELL_DIAMETER), "--nuclear_diameter",
                str(NUCLEUS_DIAMETER), "--threads", "1", "--out", str(Path(scratch) / "out"),
            ]  # fmt: skip
            used = run_measured(words, {"OMP_NUM_THREADS": "1"})
        click.echo(f"| {number} | {used['wall_s']:.0f} | {used['cpu_s']:.0f} | {used['peak_mib']:.0f} |")


if __name__ == "__main__":
    main()
