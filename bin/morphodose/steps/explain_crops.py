"""What the crops of each class look like."""

from __future__ import annotations

from morphodose.steps.step import Output, Step

STEP = Step(
    "EXPLAIN_CROPS",
    "explain_crops.py",
    words="gallery of crops with Grad-CAM",
    task="screen",
    work="network_gmacs",
    image="resnet",
    gpu=True,
    outputs=(
        Output("pictures", "gallery/*.png", "pictures of crops"),
        Output("gallery", "gallery.parquet", "what they show"),
    ),
    versions=(
        "torch",
        "torchvision",
        "matplotlib",
    ),
    publishes="networks",
)
