#!/usr/bin/env python3
"""Cells measured per second: morphodose beside bare cp_measure, same images, masks and features, one thread.

Run with ``PYTHONPATH=bin python benchmarks/measurement.py [--diameters 20,60,150] [--cells 40]``. Both do the
whole of a field: three compartments, five channels, the same families; kernels are compiled beforehand. Bare
cp_measure is its bulk registry, default and with the numba accelerator, called the way its README does, but
with the features of the mask alone computed once and not once per channel, and its texture on the grey levels
that ours has: so the values are the same (tests/test_measurement_values.py).
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

from morphodose.imaging.images import Field
from morphodose.measurement.compartments import Compartment, compartments_of
from morphodose.measurement.families import FAMILIES, STANDARD
from morphodose.measurement.field import MeasurementSettings, measure_field
from morphodose.measurement.granularity import Spectrum
from morphodose.measurement.texture import grey_levels
from morphodose.simulate.field import CHANNELS, Optics, render_field

DISTANCE = 10
BACKENDS = {"cp_measure": None, "numba": "numba"}
#: Costes' thresholds take cp_measure most of its time, so the sum is given without them, too.
SUMS = {
    "standard": STANDARD,
    "without costes": tuple(name for name in STANDARD if name != "costes"),
    "all": FAMILIES,
}
Given = tuple[Field, np.ndarray, np.ndarray]


def field_of(diameter: float, cells: int) -> Given:
    """A simulated field with its true masks, border cells out: about so many cells of a diameter (px)."""
    from skimage.segmentation import clear_border

    size = int(diameter * (np.sqrt(1.5 * cells) + 1))
    field = render_field(
        np.random.default_rng(0),
        size=size,
        n_cells=size**2 / (1.5 * diameter**2),
        cell_diameter=diameter,
        optics=Optics(planes=1),
    )
    inner = clear_border(field.cells)
    return Field(field.planes[0], tuple(CHANNELS), None), inner, np.where(field.nuclei == inner, inner, 0)


def bare(backend: str | None, family: str, image: Field, cells: np.ndarray, nuclei: np.ndarray) -> None:
    """One family of features by cp_measure alone."""
    import cp_measure
    from cp_measure.bulk import get_core_measurements, get_correlation_measurements
    from cp_measure.core.measurecolocalization import get_correlation_overlap
    from cp_measure.multimask.measureobjectneighbors import D_ADJACENT, D_WITHIN, measureobjectneighbors

    cp_measure.set_accelerator(backend)
    core, pairs = get_core_measurements(), get_correlation_measurements()
    scaled = [image.channel(name).astype(np.float64) / 65535 for name in image.channels]
    if family == "texture":
        scaled = list(grey_levels(image.pixels))
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
    from cp_measure.primitives._moments import spatial_moments_2d

    if family == "sizeshape":
        core["sizeshape"](part.labels, None, calculate_advanced=False)
        core["feret"](part.labels, None)
    elif family == "moments":
        spatial_moments_2d(part.labels)
    elif family == "zernike":
        core["zernike"](part.labels, None)
    elif family in ("intensity", "texture"):
        for pixels in scaled:
            core[family](part.labels, pixels)
    elif family == "granularity":
        for pixels in scaled:
            core[family](part.labels, pixels, granular_spectrum_length=Spectrum().length)
    elif family in ("radial", "radial_zernike"):
        for pixels in scaled:
            core["radial_distribution" if family == "radial" else "radial_zernikes"](part.labels, pixels)
    elif family == "correlation":
        for first, second in combinations(scaled, 2):
            for name in ("pearson", "manders_fold", "rwc"):
                pairs[name](first, second, part.labels)
            overlap(first, second, part.labels)
    elif family == "costes":
        for first, second in combinations(scaled, 2):
            pairs["costes"](first, second, part.labels, scale_max=65535)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Least CPU seconds of several runs; CPU and not wall, since machines are shared."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def ours(families: tuple[str, ...], given: Given) -> None:
    """The same by this project."""
    measure_field(*given, MeasurementSettings(families=families))


def compare(given: Given, repeats: int) -> dict[str, dict[str, float]]:
    """Cells per CPU second and ratios, family by family, and for the sets with and without Costes."""
    rows: dict[str, dict[str, float]] = {}
    cells = len(np.unique(given[1])) - 1
    spent: dict[tuple[str, str], float] = {}
    small = field_of(20, 9)
    for family in FAMILIES:
        ours((family,), small)  # compiles the kernels
        rows[family] = {"morphodose": cells / seconds(partial(ours, (family,), given), repeats)}
        for name, backend in BACKENDS.items():
            bare(backend, family, *small)
            took = seconds(partial(bare, backend, family, *given), 1 if family == "costes" else repeats)
            spent[name, family] = took
            rows[family] |= {name: cells / took, f"times_{name}": rows[family]["morphodose"] * took / cells}
    for label, families in SUMS.items():
        own = seconds(partial(ours, families, given), repeats)
        rows[label] = {"morphodose": cells / own}
        for name in BACKENDS:
            took = sum(spent[name, family] for family in families)
            rows[label] |= {name: cells / took, f"times_{name}": took / own}
    return rows


@click.command()
@click.option("--diameters", default="20,60,150", help="Diameters of cells, px.")
@click.option("--cells", "count", default=40, help="Cells of a field, about.")
@click.option("--repeats", default=3, help="Runs of which the best counts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def main(diameters: str, count: int, repeats: int, as_json: bool) -> None:
    """Print cells per CPU second, family by family and together, and how many times as fast ours is."""
    warnings.simplefilter("ignore")
    found = {}
    for diameter in map(float, diameters.split(",")):
        given = field_of(diameter, count)
        cells = len(np.unique(given[1])) - 1
        found[f"{diameter:g}"] = compare(given, repeats)
        if as_json:
            continue
        click.echo(f"{cells} cells of {diameter:g} px, {len(CHANNELS)} channels; cells per CPU second")
        click.echo(f"{'family':<16}{'morphodose':>12}{'cp_measure':>12}{'times':>8}{'numba':>12}{'times':>8}")
        for name, row in found[f"{diameter:g}"].items():
            click.echo(
                f"{name:<16}{row['morphodose']:>12.0f}{row['cp_measure']:>12.1f}{row['times_cp_measure']:>8.1f}"
                f"{row['numba']:>12.1f}{row['times_numba']:>8.1f}"
            )
    if as_json:
        click.echo(json.dumps(found))


if __name__ == "__main__":
    main()
