"""Planes of a field become one image."""

from __future__ import annotations

from morphodose.options import images, preparation
from morphodose.steps.step import Output, Step

STEP = Step(
    "PROJECT_Z",
    "project_z.py",
    (
        images.ON_FAULT,
        images.INTENSITY_OFFSET,
        preparation.PROJECTION,
        images.BRIGHTFIELD_CHANNEL,
        images.PIXEL_SIZE_UM,
    ),
    words="projection of the z planes",
    task="wells",
    work="plane_mpx",
    writes="channel_mpx",
    outputs=(
        Output("images", "projected/*", "projected fields, one folder per well"),
        Output("focus", "projected/*/focus.parquet", "table of planes of each well"),
    ),
    versions=(
        "numpy",
        "scikit-image",
        "tifffile",
    ),
    publishes="projected",
)
