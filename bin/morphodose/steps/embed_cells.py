"""What the networks see in each cell."""

from __future__ import annotations

from morphodose.steps.step import Step

STEP = Step(
    "EMBED_CELLS",
    "embed_cells.py",
    words="embeddings of the cells",
    task="wells",
    work="network_gmacs",
    writes="cells",
    image="resnet",
    gpu=True,
)
