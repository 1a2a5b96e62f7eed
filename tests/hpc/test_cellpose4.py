"""Cellpose-SAM inside its image: no weights of it are shipped, so they are random."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellpose4_run import BIN, segment_with_random_weights
from hpc.test_images import inside

pytestmark = pytest.mark.hpc


def test_cellpose_sam_segments_inside_its_image_by_the_same_command(all_images: Path, tmp_path: Path) -> None:
    image = all_images / "cellpose4.sif"
    assert inside(image, "cat", "/etc/morphodose-image").startswith("morphodose cellpose4 ")
    bound = [part for folder in (BIN, tmp_path) for part in ("--bind", folder)]
    # nothing of this machine but the two folders: what it needs has to be in the image
    segment_with_random_weights(["apptainer", "exec", "--containall", *bound, image, "python3"], tmp_path)
