"""What the networks see in each cell."""

from __future__ import annotations

from morphodose.steps.step import Output, Step

STEP = Step(
    "EMBED_CELLS",
    "embed_cells.py",
    words="embeddings of the cells",
    task="wells",
    work="network_gmacs",
    writes="cells",
    image="resnet",
    gpu=True,
    outputs=(Output("embeddings", "embeddings/*/*_embeddings.parquet", "table of embeddings of each well"),),
    versions=(
        "torch",
        "torchvision",
        "pyarrow",
    ),
    publishes="tables",
)
