"""Cellpose-SAM inside its image: no weights of it are shipped, so they are random."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellpose4_run import BIN, random_weights, segment_with_random_weights
from hpc.conftest import LENIENT
from hpc.inside import assert_inside
from hpc.test_images import inside
from pipeline.nextflow_runs import run

pytestmark = pytest.mark.hpc


def python_in(image: Path, folder: Path) -> list[str | Path]:
    """Python of an image, which sees nothing of this machine but bin/ and `folder`: it has to have the rest."""
    bound = [part for place in (BIN, folder) for part in ("--bind", place)]
    return ["apptainer", "exec", "--containall", *bound, image, "python3"]


def test_cellpose_sam_segments_inside_its_image_by_the_same_command(all_images: Path, tmp_path: Path) -> None:
    image = all_images / "cellpose4.sif"
    assert inside(image, "cat", "/etc/morphodose-image").startswith("morphodose cellpose4 ")
    segment_with_random_weights(python_in(image, tmp_path), tmp_path)


def test_the_pipeline_segments_by_cellpose_sam_in_its_image(
    all_images: Path, two_fields: tuple[str, ...], tmp_path: Path
) -> None:
    """Weights that were never trained find no cell: the run goes on to a report that says so."""
    model = str(random_weights(python_in(all_images / "cellpose4.sif", tmp_path), tmp_path))
    finished = run(
        tmp_path, "-profile", "apptainer", "--container_dir", str(all_images), *two_fields,
        "--cell_model", model, "--nuclear_model", model, **LENIENT,
    )  # fmt: skip
    assert finished.status == 0, finished.output
    assert_inside(finished, segmentation="cellpose4")
    assert {"SEGMENT_CELLS", "MEASURE_CELLS", "ANNOTATE_CELLS"} <= finished.executed()
