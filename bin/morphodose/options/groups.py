"""All parameters of the pipeline, under their headings."""

from __future__ import annotations

from morphodose.options import analysis, cluster, deep, generic, images, inputs, preparation, segmentation

GROUPS = tuple(
    module.GROUP for module in (inputs, images, preparation, segmentation, analysis, deep, cluster, generic)
)
