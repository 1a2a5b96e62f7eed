#!/usr/bin/env python3
"""Compile the kernels of segmentation, of measurement and of UMAP, and keep them: ``kernels.py [PART ...]``.

Else the first run on a machine takes a minute more. Run by python.sh with the package on PYTHONPATH, and, for
the parts that it has, while an image is built. Where it fails, the set-up does.
"""

import sys

import numpy as np


def segmentation() -> None:
    """Segment noise."""
    import torch

    from morphodose.segmentation.common import MaskThresholds
    from morphodose.segmentation.dynamics import masks_of
    from morphodose.segmentation.fused import Normalised
    from morphodose.segmentation.normalise import normalise
    from morphodose.segmentation.tiles import run_tiles

    noise = np.random.default_rng(1).normal(size=(64, 64, 3)).astype(np.float32)
    normalise(noise, 10.0)
    for output in run_tiles(lambda tiles: np.ascontiguousarray(np.moveaxis(tiles, 1, -1)), [noise], 1.0, 1):
        masks_of(output, 1.0, MaskThresholds())
    with torch.inference_mode():
        layer, seen = Normalised(torch.nn.BatchNorm2d(2).eval(), rectified=True), torch.zeros(1, 2, 1, 1)
        layer.of_sum(layer(seen, over=False), torch.zeros(1, 2, 1, 1), None, over=True)


def measurement() -> None:
    """Measure a small field, in counts of 16 bits and in any other values."""
    from morphodose.imaging.images import Field
    from morphodose.measurement.families import parse_families
    from morphodose.measurement.field import MeasurementSettings, measure_field
    from morphodose.simulate.field import CHANNELS, render_field

    made = render_field(np.random.default_rng(1), size=160, n_cells=12)
    counts = made.planes.max(axis=0)
    for pixels in (counts, counts / 3):
        field = Field(pixels, tuple(CHANNELS), None)
        measure_field(field, made.cells, made.nuclei, MeasurementSettings(parse_families("all")))


def reduction() -> None:
    """Project a few points."""
    from morphodose.reduction.umap_sample import parameters, umap

    umap(np.random.default_rng(1).normal(size=(60, 10)).astype(np.float32), parameters(60, 10, 1))


PARTS = {part.__name__: part for part in (segmentation, measurement, reduction)}


def main() -> None:
    """Compile the parts that are named, or all."""
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
