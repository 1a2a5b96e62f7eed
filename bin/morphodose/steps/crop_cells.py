"""One crop per cell."""

from __future__ import annotations

from morphodose.options import deep, images
from morphodose.steps.step import Output, Step

STEP = Step(
    "CROP_CELLS",
    "crop_cells.py",
    (
        deep.CROP_CHANNELS,
        images.BRIGHTFIELD_CHANNEL,
        deep.CROP_SIZE,
        deep.EXPORT_CROPS,
    ),
    words="single-cell crops",
    task="wells",
    work="cells",
    writes="crop_planes",
    outputs=(
        Output("crops", "*.arrow *_crops.parquet", "crops of each well, and their index"),
        Output("tiffs", "tiff/*", "crops as single files, with --export_crops"),
    ),
    versions=(
        "numpy",
        "opencv-python-headless",
        "pyarrow",
        "scipy",
        "tifffile",
    ),
    publishes="crops",
)
