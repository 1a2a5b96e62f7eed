#!/usr/bin/env python3
"""Cells measured per second: morphodose beside bare cp_measure, same images, masks and features, one thread.

Run with ``PYTHONPATH=bin python benchmarks/measurement.py [--size 1000] [--fields 2] [--repeats 3]``. Both do
the whole of a field: three compartments, five channels, all families; kernels are compiled beforehand. Bare
cp_measure is its bulk registry with the numba accelerator, called the way its README does, but with the
features of the mask alone computed once and not once a channel. It gives 16-bit images a handful of grey
levels, so its texture is cheap and says little; see `morphodose.measurement.intensity.grey_levels`.
"""

from __future__ import annotations

import json
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
import warnings
from collections.abc import Callable
from functools import partial
from itertools import combinations

import click
import numpy as np

from morphodose.images import Field
from morphodose.measurement.compartments import Compartment, compartments_of
from morphodose.measurement.families import FAMILIES
from morphodose.measurement.field import Settings, measure_field
from morphodose.simulate.field import CHANNELS, Optics, render_field

SPECTRUM = 8
DISTANCE = 10


def fields(count: int, size: int) -> list[tuple[Field, np.ndarray, np.ndarray]]:
    """Simulated fields of the density of the reference screen with their true masks, border cells out."""
    from skimage.segmentation import clear_border

    made = []
    for seed in range(count):
        field = render_field(
            np.random.default_rng(seed),
            size=size,
            n_cells=45 * (size / 360) ** 2,
            optics=Optics(planes=1),
        )
        cells = clear_border(field.cells)
        nuclei = np.where(field.nuclei == cells, cells, 0)
        made.append((Field(field.planes[0], tuple(CHANNELS), None), cells, nuclei))
    return made


def bare(family: str, image: Field, cells: np.ndarray, nuclei: np.ndarray) -> None:
    """One family of features by cp_measure alone."""
    import cp_measure
    from cp_measure.bulk import get_core_measurements, get_correlation_measurements
    from cp_measure.core.measurecolocalization import get_correlation_overlap
    from cp_measure.multimask.measureobjectneighbors import D_ADJACENT, D_WITHIN, measureobjectneighbors

    cp_measure.set_accelerator("numba")
    core, pairs = get_core_measurements(), get_correlation_measurements()
    scaled = [image.channel(name).astype(np.float64) / 65535 for name in image.channels]
    _, parts = compartments_of(cells, nuclei)
    for part in parts:
        _bare_part(family, part, scaled, core, pairs, get_correlation_overlap)
        if family == "neighbors" and part.name == "Cells":
            for method in (D_ADJACENT, D_WITHIN):
                measureobjectneighbors(part.labels, part.labels, method, DISTANCE)


def _bare_part(
    family: str,
    part: Compartment,
    scaled: list[np.ndarray],
    core: dict[str, Callable],
    pairs: dict[str, Callable],
    overlap: Callable,
) -> None:
    """One family of one compartment."""
    if family == "sizeshape":
        core["sizeshape"](part.labels, None, calculate_advanced=False)
        core["feret"](part.labels, None)
    elif family == "zernike":
        core["zernike"](part.labels, None)
    elif family in ("intensity", "texture"):
        for pixels in scaled:
            core[family](part.labels, pixels)
    elif family == "granularity":
        for pixels in scaled:
            core[family](part.labels, pixels, granular_spectrum_length=SPECTRUM)
    elif family == "radial":
        for pixels in scaled:
            core["radial_distribution"](part.labels, pixels)
    elif family == "correlation":
        for first, second in combinations(scaled, 2):
            for name in ("pearson", "manders_fold", "rwc"):
                pairs[name](first, second, part.labels)
            overlap(first, second, part.labels)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Least CPU seconds of several runs; CPU and not wall, since machines are shared."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


@click.command()
@click.option("--size", default=1000, help="Edge of a field, px.")
@click.option("--fields", "count", default=2, help="Number of fields.")
@click.option("--repeats", default=3, help="Runs of which the best counts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def main(size: int, count: int, repeats: int, as_json: bool) -> None:
    """Print cells per second of both, family by family and together."""
    warnings.simplefilter("ignore")
    given = fields(count, size)
    cells = sum(len(np.unique(mask)) - 1 for _, mask, _ in given)

    def ours(families: tuple[str, ...]) -> None:
        for image, mask, nuclei in given:
            measure_field(image, mask, nuclei, Settings(families=families))

    def theirs(families: tuple[str, ...]) -> None:
        for image, mask, nuclei in given:
            for family in families:
                bare(family, image, mask, nuclei)

    rows: dict[str, dict[str, float]] = {}
    for name, families in [*((family, (family,)) for family in FAMILIES), ("all", FAMILIES)]:
        if name != "all":  # compile the kernels of the family
            small = fields(1, 200)[0]
            measure_field(*small, Settings(families=families))
            bare(name, *small)
        own = seconds(partial(ours, families), repeats)
        other = seconds(partial(theirs, families), repeats)
        rows[name] = {"morphodose": cells / own, "cp_measure": cells / other, "ratio": other / own}
    if as_json:
        click.echo(json.dumps({"cells": cells, "fields": count, "size": size, "cells_per_second": rows}))
        return
    click.echo(f"{cells} cells in {count} fields of {size} px; {len(CHANNELS)} channels, 3 compartments")
    click.echo(f"{'family':<12}{'morphodose':>12}{'cp_measure':>12}{'ratio':>8}   (cells per CPU second)")
    for name, row in rows.items():
        click.echo(f"{name:<12}{row['morphodose']:>12.1f}{row['cp_measure']:>12.1f}{row['ratio']:>8.1f}")


if __name__ == "__main__":
    main()
