#!/usr/bin/env python3
"""Compile the kernels of segmentation, of measurement and of UMAP, and keep them.

Else the first run on a machine takes a minute more. Run by python.sh, with the package on PYTHONPATH; where
it fails, the set-up does.
"""

import numpy as np

from morphodose.imaging.images import Field
from morphodose.measurement.families import parse_families
from morphodose.measurement.field import MeasurementSettings, measure_field
from morphodose.reduction.umap_sample import parameters, umap
from morphodose.segmentation.common import MaskThresholds
from morphodose.segmentation.dynamics import masks_of
from morphodose.segmentation.normalise import normalise
from morphodose.segmentation.tiles import run_tiles
from morphodose.simulate.field import CHANNELS, render_field


def main() -> None:
    """Segment noise, measure a small field, and project a few points."""
    normalise(np.random.default_rng(1).normal(size=(64, 64, 1)).astype(np.float32), 10.0)
    noise = np.random.default_rng(1).normal(size=(64, 64, 3)).astype(np.float32)
    for output in run_tiles(lambda tiles: np.ascontiguousarray(np.moveaxis(tiles, 1, -1)), [noise], 1.0, 1):
        masks_of(output, 1.0, MaskThresholds())
    made = render_field(np.random.default_rng(1), size=160, n_cells=12)
    image = Field(made.planes.max(axis=0), tuple(CHANNELS), None)
    # counts of 16 bits, and any other values
    for pixels in (image.pixels, image.pixels / 3):
        given = Field(pixels, image.channels, None)
        measure_field(given, made.cells, made.nuclei, MeasurementSettings(parse_families("all")))
    umap(np.random.default_rng(1).normal(size=(60, 10)).astype(np.float32), parameters(60, 10, 1))


if __name__ == "__main__":
    main()
