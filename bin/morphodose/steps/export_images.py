"""Fields and masks for other tools."""

from __future__ import annotations

from morphodose.options import analysis, preparation
from morphodose.steps.step import Output, Step

STEP = Step(
    "EXPORT_IMAGES",
    "export_images.py",
    (analysis.EXPORT, preparation.ILLUMINATION),
    task="acquisition",
    work="channel_mpx",
    outputs=(
        Output("plates", "*.ome.zarr", "OME-Zarr plate"),
        Output("tables", "*_load_data.csv", "table for LoadData of CellProfiler"),
        Output(
            "gallery", "workspace/**.{csv,txt}", "load_data.csv and plate maps in the folders of the gallery"
        ),
    ),
    versions=(
        "zarr",
        "tifffile",
        "pyarrow",
    ),
    publishes="export",
)
