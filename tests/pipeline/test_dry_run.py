"""--dry_run: what the screen at hand would take, with the parameters of the run, and nothing is done."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.nextflow_runs import run

pytestmark = pytest.mark.pipeline


def test_the_estimate_hears_the_parameters_and_processes_nothing(tiny_plate: Path, tmp_path: Path) -> None:
    given = ("--dry_run", "--wells_per_task", "3", "--segmentation_shard", "2", "--illumination", "estimate")
    finished = run(tmp_path, "--input", str(tiny_plate / "samplesheet.csv"), *given)
    assert finished.status == 0, finished.output
    tasks = dict(re.findall(r"^([A-Z_]+) +(\d+) ", finished.output, flags=re.MULTILINE))
    # four wells
    assert tasks["PROJECT_Z"] == tasks["MEASURE_CELLS"] == "2"
    assert tasks["SEGMENT_CELLS"] == "2"
    assert tasks["APPLY_ILLUMINATION"] == "4"
    assert "TRAIN_RESNET" not in tasks  # one replicate is not enough to learn from
    assert "Nothing of the screen was processed." in finished.output
    assert finished.executed() == {"CHECK_DESIGN", "ESTIMATE_COST"}
